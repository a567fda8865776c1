// Builds the release packages: .deb and .rpm on Linux (an AppImage would fetch its runtime from the
// internet while it builds), elsewhere what tauri.conf.json names.

import { setUp } from "./setup.mjs";
import { main, run, tool } from "./steps.mjs";

await main(() => {
  setUp(["relay", "window"]);
  const bundles = process.platform === "linux" ? ["--bundles", "deb,rpm"] : [];
  run(
    process.execPath,
    tool("@tauri-apps/cli", ["build", ...bundles, ...process.argv.slice(2)], "tauri"),
  );
});
