/**
 * Cold start to first paint, and memory: ChatSpot against `chromium --app` showing the same page, in pairs.
 *
 *     CHATSPOT_PROFILE=release dbus-run-session -- xvfb-run -a node bench/start.mjs [PAIRS]
 *
 * Both start on a fresh profile. Painted means: the first-run page is there and two frames have passed. Memory is the
 * proportional set size of the program and all that it started, three seconds later.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, resolve } from "node:path";
import { end, programs, scratch, start, until } from "../e2e/window.mjs";

const DIST = resolve(import.meta.dirname, "../ui/dist");
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".woff2": "font/woff2",
};
const TELL = `<script type="module">
  const look = () => document.querySelector("[data-testid]")
    ? requestAnimationFrame(() => requestAnimationFrame(() => fetch("/painted"))) : requestAnimationFrame(look);
  look();
</script>`;
const pairs = Number(process.argv[2] ?? 10);

/** The page as a web server would give it, telling when it is painted. */
let painted = () => {};
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/painted") painted();
  const file = join(DIST, pathname === "/" ? "index.html" : pathname);
  try {
    const bytes = readFileSync(file);
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    response.end(pathname === "/" ? bytes + TELL : bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));

/** Proportional set size of a process group in MB. */
function pss(group) {
  let kilobytes = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) !== group) continue;
      kilobytes += Number(
        /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0,
      );
    } catch {
      // It ended meanwhile.
    }
  }
  return kilobytes / 1024;
}

async function measure(name, launch) {
  const began = performance.now();
  const { child, ready } = launch(scratch(`bench-${name}`));
  await ready;
  const ms = performance.now() - began;
  await new Promise((done) => setTimeout(done, 3000));
  const mb = pss(child.pid);
  await end(child);
  return { ms, mb };
}

const chatspot = (folder) => {
  const env = { CHATSPOT_DATA_DIR: join(folder, "data"), HOME: folder, RUST_LOG: "chatspot=info" };
  const child = start(programs.app, [], env);
  return { child, ready: until("ChatSpot to paint", () => child.log.includes("painted")) };
};
const chromium = (folder) => {
  const flags = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ];
  const ready = new Promise((done) => {
    painted = done;
  });
  const address = `http://127.0.0.1:${server.address().port}/?scene=first-run`;
  const child = start("chromium", [...flags, `--user-data-dir=${folder}`, `--app=${address}`], {
    HOME: folder,
  });
  return { child, ready };
};

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const results = { chatspot: [], chromium: [] };
for (let pair = -1; pair < pairs; pair += 1) {
  for (const [name, launch] of [
    ["chatspot", chatspot],
    ["chromium", chromium],
  ]) {
    const result = await measure(`${name}-${pair}`, launch);
    // The first pair only warms the disk's cache for both.
    if (pair >= 0) results[name].push(result);
  }
}
for (const [name, list] of Object.entries(results)) {
  console.log(
    `${name}: first paint ${median(list.map(({ ms }) => ms)).toFixed(0)} ms, memory ${median(list.map(({ mb }) => mb)).toFixed(0)} MB PSS`,
  );
}
const ratios = results.chatspot.map(({ ms }, index) => ms / results.chromium[index].ms);
const memory = results.chatspot.map(({ mb }, index) => mb / results.chromium[index].mb);
console.log(
  `paired ratio ChatSpot/chromium over ${pairs} pairs: first paint ${median(ratios).toFixed(2)}, memory ${median(memory).toFixed(2)}`,
);
console.log(
  `binary ${(statSync(programs.app).size / 1e6).toFixed(1)} MB, relay ${(statSync(programs.relay).size / 1e6).toFixed(1)} MB`,
);
process.exit(0);
