// `npm test`: everything that can be tested here, as CI runs it. The last line counts the steps.

import { rustSteps, simulationSteps, sourceSteps } from "./check.mjs";
import { denySteps } from "./deny.mjs";
import { setUp } from "./setup.mjs";
import { main, run, runSteps, skipped } from "./steps.mjs";
import { buildUi } from "./ui.mjs";

const WORKSPACE = ["--workspace"];

await main(async () => {
  setUp(["relay", "window", "tests"]);
  await runSteps([
    ...sourceSteps(WORKSPACE),
    { name: "pages", run: buildUi },
    ...rustSteps(WORKSPACE),
    ...simulationSteps,
    {
      name: "app and relay",
      run: () => run("cargo", ["build", "-p", "chatspot", "-p", "chatspot-relay"]),
    },
    { name: "end to end", run: endToEnd },
    ...denySteps(),
  ]);
});

/**
 * Drives the real window and a real browser: on a screen of its own in CI and where there is none.
 */
function endToEnd() {
  if (process.platform !== "linux")
    return skipped("it drives the window through WebKitGTK's driver, which only Linux has");
  const { CI, DISPLAY, WAYLAND_DISPLAY } = process.env;
  const test = [process.execPath, "e2e/run.mjs"];
  if (!CI && (DISPLAY || WAYLAND_DISPLAY)) return run(test[0], test.slice(1));
  const screen = ["xvfb-run", "-a", "--server-args=-screen 0 1280x960x24"];
  return run("dbus-run-session", ["--", ...screen, ...test], { env: { GDK_BACKEND: "x11" } });
}
