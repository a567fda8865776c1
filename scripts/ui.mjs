// Builds ui/dist, unless it is already what the sources give: an untouched ui/dist spares a rebuild
// of the app, which has the pages inside.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contents } from "./setup.mjs";
import { ROOT, run, tool } from "./steps.mjs";

const UI = join(ROOT, "ui");
const PAGE = join(UI, "dist", "index.html");
const STAMP = join(ROOT, "node_modules", ".chatspot-ui");

export function buildUi() {
  const sources = sourcesHash();
  if (contents(STAMP) === `${sources} ${builtAt()}`) return;
  run(process.execPath, tool("vite", ["build", "ui"]));
  writeFileSync(STAMP, `${sources} ${builtAt()}`);
}

/**
 * When the page was written: the app's build script puts a placeholder there when it finds none.
 */
function builtAt() {
  return statSync(PAGE, { throwIfNoEntry: false })?.mtimeMs ?? "never";
}

function sourcesHash() {
  const hash = createHash("sha256").update(readFileSync(join(ROOT, "package-lock.json")));
  for (const entry of readdirSync(UI, { recursive: true }).map(String).sort()) {
    const path = join(UI, entry);
    if (/^(dist|node_modules)([\\/]|$)/.test(entry) || !statSync(path).isFile()) continue;
    hash.update(`\0${entry}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}
