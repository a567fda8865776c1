// `npm start`: prepares the machine, builds, and opens ChatSpot; on a machine without a screen it
// starts the relay. What follows `--` goes to the program, and so do signals; its exit code comes
// back.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { setUp } from "./setup.mjs";
import { main, ROOT, Stop } from "./steps.mjs";
import { buildUi } from "./ui.mjs";

const { DISPLAY, WAYLAND_DISPLAY } = process.env;
const headless = process.platform === "linux" && !DISPLAY && !WAYLAND_DISPLAY;
const args = process.argv.slice(2);
if (args[0] === "--") args.shift();

await main(async () => {
  if (headless) {
    console.log(
      "There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can open.",
    );
    console.log(
      "Starting ChatSpot's relay instead: it hosts rooms that others join with the app.\n",
    );
  }
  setUp(headless ? ["relay"] : ["relay", "window"]);
  if (!headless) buildUi();
  console.log("Building with cargo; the first time takes a few minutes.");
  process.exitCode = await handOver("cargo", [
    "run",
    "-p",
    headless ? "chatspot-relay" : "chatspot",
    "--",
    ...args,
  ]);
});

/**
 * Runs a program in our place: signals go to it, its exit code is the result. cargo becomes the
 * program it runs.
 */
function handOver(program, args) {
  const child = spawn(program, args, { cwd: ROOT, stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to the child as well; we only have to outlive it.
  process.on("SIGINT", () => {});
  return new Promise((resolve, reject) => {
    child.on("error", (error) =>
      reject(new Stop(`${program} could not be started: ${error.message}`)),
    );
    child.on("exit", (code, signal) => resolve(signal ? 128 + constants.signals[signal] : code));
  });
}
