// What the dependencies may be: licences, sources and bans by cargo-deny (deny.toml), known holes
// by its advisory database and by `npm audit`. Those two ask the internet; where it does not answer
// they are skipped, and say so.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { ask, isMain, main, npm, ROOT, run, runSteps, Stop, skipped } from "./steps.mjs";

const VERSION = "0.20.2";
const TOOLS = join(ROOT, "target", "tools");
/** A fetch of the database that hangs is given up after this many milliseconds. */
const FETCH = 120_000;

export const denySteps = () => [
  {
    name: "dependencies: licences, bans, sources",
    run: () => deny("check", "licenses", "bans", "sources"),
  },
  { name: "dependencies: Rust advisories", run: rustAdvisories },
  { name: "dependencies: npm advisories", run: npmAdvisories },
];

function deny(...args) {
  run(cargoDeny(), ["--all-features", ...args]);
}

/**
 * cargo-deny of the PATH or of target/tools; built there (a minute or two) where there is neither.
 */
function cargoDeny() {
  const built = join(TOOLS, "bin", process.platform === "win32" ? "cargo-deny.exe" : "cargo-deny");
  const found = ["cargo-deny", built].find(
    (path) => ask(path, ["--version"]).out.trim() === `cargo-deny ${VERSION}`,
  );
  if (found) return found;
  console.log(`Building cargo-deny ${VERSION} into target/tools, once.`);
  // Unoptimised: it builds in half the time, and reads the tree in a second all the same.
  run("cargo", [
    "install",
    "cargo-deny",
    "--locked",
    "--version",
    VERSION,
    "--debug",
    "--root",
    TOOLS,
  ]);
  if (!existsSync(built)) throw new Stop(`cargo install did not write ${built}.`);
  return built;
}

function rustAdvisories() {
  const fetched = ask(cargoDeny(), ["fetch", "db"], { timeout: FETCH });
  if (fetched.ok) return deny("check", "--disable-fetch", "advisories");
  console.log(fetched.err.trim());
  return skipped("the advisory database could not be fetched");
}

/** Fails for a hole of weight in what the pages ship; names those in the tools. */
function npmAdvisories() {
  const shipped = audit("--omit=dev");
  if (!shipped) return skipped("the npm registry in use does not answer audits");
  const all = audit();
  if (all) console.log(`In all packages, tools included: ${JSON.stringify(all)}`);
  const { high, critical } = shipped;
  if (high + critical > 0)
    throw new Stop("A package that ChatSpot ships has a known hole: npm audit --omit=dev");
}

/** How many holes by weight, or nothing when the registry gave no answer. */
function audit(...args) {
  const { out } = ask(...npm(["audit", "--json", ...args]), { timeout: FETCH });
  try {
    return JSON.parse(out).metadata?.vulnerabilities;
  } catch {
    return undefined;
  }
}

if (isMain(import.meta.url)) await main(() => runSteps(denySteps()));
