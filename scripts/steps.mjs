// How the scripts run programs, and how a list of steps is run and reported. Decides nothing about
// which ones. Like everything in this folder it uses Node alone: it runs before `npm ci`.

import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The repository's root; every program is run there. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Something a person can mend: shown as it is, without a stack. */
export class Stop extends Error {}

/** Runs a script's main function; a Stop becomes its text and exit code 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  }
}

/** Whether the module at `url` is the script that node was told to run, and not imported by one. */
export function isMain(url) {
  const script = process.argv[1];
  return script !== undefined && url === pathToFileURL(realpathSync(script)).href;
}

/**
 * Runs a program with this terminal; throws a Stop when it cannot be started or does not end with
 * 0.
 */
export function run(program, args, { env = {} } = {}) {
  const { error, status, signal } = spawnSync(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  if (error) throw new Stop(`${program} could not be started: ${error.message}`);
  if (status !== 0)
    throw new Stop(`${program} ${args.join(" ")} ended with ${signal ?? `exit code ${status}`}.`);
}

/** What a program prints: `{ ok, out, err }`; never throws. `timeout` is in milliseconds. */
export function ask(program, args, { cwd = ROOT, timeout = 0 } = {}) {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    timeout,
  });
  return { ok: !error && status === 0, out: stdout ?? "", err: error?.message ?? stderr };
}

/**
 * The arguments with which `node` runs the program of an installed npm package: no shell, the same
 * on every system.
 */
export function tool(name, args, bin = name.split("/").pop()) {
  const folder = join(ROOT, "node_modules", name);
  const entry = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).bin;
  return [join(folder, typeof entry === "string" ? entry : entry[bin]), ...args];
}

/**
 * npm as `[program, arguments]`: the one that started us, else, on Windows, the script beside node
 * (npm is a batch file there).
 */
export function npm(args) {
  const beside = join(dirname(process.execPath), "node_modules", "npm", "bin", "npm-cli.js");
  const script = process.env.npm_execpath ?? (process.platform === "win32" ? beside : undefined);
  return script?.endsWith(".js") ? [process.execPath, [script, ...args]] : ["npm", args];
}

/** What a step's `run` returns when it could not do its work for a reason outside the project. */
export const skipped = (reason) => ({ skipped: reason });

/**
 * Runs steps `{ name, run }` one after the other, each under a heading with its duration, and stops
 * at the first that fails. The last line counts them; the exit code follows it.
 */
export async function runSteps(steps) {
  const lines = [];
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, run: work } of steps) {
    console.log(`\n=== ${name}`);
    const start = performance.now();
    let how = "passed";
    let note = "";
    try {
      const result = await work();
      if (result?.skipped) [how, note] = ["skipped", `: ${result.skipped}`];
    } catch (error) {
      how = "failed";
      console.error(error instanceof Stop ? error.message : error);
    }
    const line = `${how.padEnd(7)} ${((performance.now() - start) / 1000).toFixed(1).padStart(7)} s  ${name}${note}`;
    console.log(line);
    lines.push(line);
    count[how] += 1;
    if (how === "failed") break;
  }
  const left = steps.length - lines.length;
  console.log(`\n=== Summary\n${lines.join("\n")}`);
  if (left > 0)
    console.log(
      `not run: ${steps
        .slice(-left)
        .map((step) => step.name)
        .join(", ")}`,
    );
  console.log(
    `${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ""}`,
  );
  process.exitCode = count.failed > 0 ? 1 : 0;
}
