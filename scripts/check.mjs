// `npm run check`: the fast loop, without the window. `npm test` runs the same steps and more.

import { setUp } from "./setup.mjs";
import { isMain, main, run, runSteps, tool } from "./steps.mjs";

const node = (name, args) => ({ name, run: () => run(process.execPath, args()) });
const cargo = (name, ...args) => ({ name, run: () => run("cargo", args) });

/**
 * What needs no build of the app. `select` names the packages whose tests will run: other ones mean
 * other features.
 */
export const sourceSteps = (select) => [
  cargo("Rust formatting", "fmt", "--all", "--check"),
  node("the nevers", () => ["scripts/nevers.mjs"]),
  node("tests of the scripts", () => ["--test", "--test-reporter=spec", "scripts/nevers.test.mjs"]),
  node("biome", () => tool("@biomejs/biome", ["check", "--error-on-warnings"])),
  // Also among the Rust tests below, but the pages are checked against these types, so it comes
  // before them.
  cargo("generated types", "test", ...select, "--test", "types"),
  node("svelte-check", () =>
    tool("svelte-check", [
      "--workspace",
      "ui",
      "--tsconfig",
      "./tsconfig.json",
      "--fail-on-warnings",
    ]),
  ),
  node("vitest", () => tool("vitest", ["run", "--root", "ui"])),
];

/** What compiles the app. */
export const rustSteps = (select) => [
  cargo("clippy", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"),
  cargo("Rust tests", "test", ...select),
];

/**
 * The simulated network: a build of its own, in which relay and client have other sockets.
 */
export const simulationSteps = [
  ["clippy of the simulation", ["clippy", "--all-targets"], ["--", "-D", "warnings"]],
  ["simulation", ["test"], []],
].map(([name, [command, ...flags], last]) =>
  cargo(name, command, "-p", "chatspot-simulation", "--features", "simulation", ...flags, ...last),
);

if (isMain(import.meta.url)) {
  await main(async () => {
    setUp(["relay", "window"]);
    const select = ["--workspace", "--exclude", "chatspot"];
    await runSteps([...sourceSteps(select), ...rustSteps(select)]);
  });
}
