/** Runs the end-to-end tests one after the other: they share a screen, and a window manager where none runs. */
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = import.meta.dirname;
rmSync(join(here, "out"), { recursive: true, force: true });

// Closing a window and focusing it are the window manager's work. On a screen of somebody's own one is running.
const managed = spawnSync("xprop", ["-root", "_NET_SUPPORTING_WM_CHECK"], {
  encoding: "utf8",
}).stdout?.includes("window id");
const manager = managed ? undefined : spawn("openbox", ["--sm-disable"], { stdio: "ignore" });

const wanted = process.argv.slice(2);
const files = readdirSync(here).filter(
  (name) =>
    name.endsWith(".test.mjs") &&
    (wanted.length === 0 || wanted.some((word) => name.includes(word))),
);
const args = [
  "--test",
  "--test-concurrency=1",
  "--test-reporter=spec",
  ...files.map((name) => join(here, name)),
];
const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
manager?.kill();
for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith("chatspot-e2e-")))
  rmSync(join(tmpdir(), name), { recursive: true, force: true });
process.exitCode = status ?? 1;
