// Makes this machine able to build and run ChatSpot: Rust and Node are looked at, system packages
// and npm packages are installed where they are missing. It says what it does before it does it.
// Used by the other scripts; does no building.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, npm, ROOT, run, Stop } from "./steps.mjs";

/** What Tauri 2 and our crates ask of cargo, and Vite of Node. */
const CARGO = [1, 95];
const NODE = [20, 19];

/** The Debian packages by what they are for; each purpose includes only its own. */
const DEBIAN = {
  relay: {
    why: "a C compiler, for SQLite and the cryptography",
    packages: ["build-essential"],
  },
  window: {
    why: "the system's web view and tray, which the window is built on",
    packages: [
      "pkg-config",
      "libwebkit2gtk-4.1-dev",
      "libayatana-appindicator3-dev",
      "librsvg2-dev",
    ],
  },
  tests: {
    why: "a virtual screen, a driver for the window and a browser, for the end-to-end tests; faults for networks",
    packages: [
      "webkit2gtk-driver",
      "xvfb",
      "xauth",
      "xdotool",
      "openbox",
      "imagemagick",
      "dbus",
      "dbus-x11",
      "x11-utils",
      "x11-apps",
      // For the tests of bad networks.
      "iproute2",
      "nftables",
      // Reads the QR code off the screen.
      "zbar-tools",
      // To see that it sees us. The tests start their own, in a network of their own; where a system starts what it
      // installs, one runs there as well, as it does on most desktops.
      "avahi-daemon",
      "avahi-utils",
      // For a computer whose clock is wrong.
      "faketime",
    ],
  },
};

/** What Tauri documents for the other systems (v2.tauri.app/start/prerequisites). */
const ELSEWHERE = {
  darwin: "the Xcode command line tools (xcode-select --install)",
  win32:
    "the Microsoft C++ Build Tools (Desktop development with C++) and WebView2, which Windows 10 and 11 have",
  fedora:
    'webkit2gtk4.1-devel openssl-devel libappindicator-gtk3-devel librsvg2-devel file, and the group "c-development"',
  arch: "webkit2gtk-4.1 base-devel openssl libappindicator-gtk3 librsvg file",
  linux:
    "WebKitGTK 4.1, libayatana-appindicator and librsvg with their headers, pkg-config and a C compiler",
};

/**
 * Prepares for the purposes: of "relay" (always needed), "window", "tests". Throws a Stop in plain
 * words.
 */
export function setUp(purposes) {
  checkNode();
  checkCargo();
  installSystemPackages(purposes);
  installNodePackages();
}

/** Whether version `have` ("1.95.0") is at least `[major, minor]`. */
export function atLeast(have, [major, minor]) {
  const [a, b] = have.split(".").map(Number);
  return a > major || (a === major && b >= minor);
}

function checkNode() {
  if (atLeast(process.versions.node, NODE)) return;
  throw new Stop(
    `ChatSpot needs Node ${NODE.join(".")} or newer, and this is ${process.versions.node}. Newer ones: nodejs.org`,
  );
}

function checkCargo() {
  const found = ask("cargo", ["--version"]);
  const version = /cargo (\d+\.\d+\.\d+)/.exec(found.out)?.[1];
  if (!found.ok || !version) {
    throw new Stop(
      "ChatSpot needs Rust, and no cargo was found. Install it from rustup.rs, open a new terminal, and try again.",
    );
  }
  if (atLeast(version, CARGO)) return;
  throw new Stop(
    `ChatSpot needs Rust ${CARGO.join(".")} or newer, and this is ${version}. Try: rustup update stable`,
  );
}

/** Installs what is missing on Debian and its kin; elsewhere names what is needed, and goes on. */
function installSystemPackages(purposes) {
  const system = process.platform === "linux" ? distribution() : process.platform;
  if (system !== "debian") {
    if (!looksReady(system))
      console.log(`To build its window, ChatSpot needs: ${ELSEWHERE[system] ?? ELSEWHERE.linux}.`);
    return;
  }
  const wanted = purposes.flatMap((purpose) => DEBIAN[purpose].packages);
  // Any Chromium will do; Ubuntu names its package otherwise.
  if (purposes.includes("tests") && !ask("chromium", ["--version"]).ok) {
    wanted.push(osRelease().ID === "ubuntu" ? "chromium-browser" : "chromium");
  }
  const missing = missingPackages(wanted);
  if (missing.length === 0) return;
  const why = purposes
    .map((purpose) => DEBIAN[purpose])
    .filter((list) => list.packages.some((p) => missing.includes(p)));
  console.log(
    `ChatSpot needs these system packages, which are not installed yet:\n  ${missing.join(" ")}`,
  );
  console.log(`for ${why.map((list) => list.why).join("; ") || "the browser tests"}.`);
  install(missing);
}

/** "debian" (with Ubuntu, Mint, …), "fedora", "arch", or "linux" for any other. */
function distribution() {
  const { ID = "", ID_LIKE = "" } = osRelease();
  const family = [ID, ...ID_LIKE.split(" ")];
  return ["debian", "fedora", "arch"].find((name) => family.includes(name)) ?? "linux";
}

function osRelease() {
  try {
    const lines = readFileSync("/etc/os-release", "utf8").matchAll(/^(\w+)="?([^"\n]*)"?$/gm);
    return Object.fromEntries([...lines].map(([, key, value]) => [key, value]));
  } catch {
    return {};
  }
}

function looksReady(system) {
  if (system === "darwin") return ask("xcode-select", ["-p"]).ok;
  if (system === "win32") return false;
  return ask("pkg-config", ["--exists", "webkit2gtk-4.1"]).ok;
}

/** Those of `packages` that dpkg does not have installed. */
export function missingPackages(packages) {
  const { out } = ask("dpkg-query", [
    "-W",
    "-f",
    `\${db:Status-Abbrev} \${Package}\\n`,
    ...packages,
  ]);
  const have = new Set([...out.matchAll(/^ii\s+(\S+)$/gm)].map(([, name]) => name));
  return packages.filter((name) => !have.has(name));
}

function install(packages) {
  const root = process.getuid() === 0;
  const sudo = root ? "" : "sudo ";
  const byHand = `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  const apt = (...args) => {
    const line = [
      "DEBIAN_FRONTEND=noninteractive",
      "apt-get",
      "-o",
      "DPkg::Lock::Timeout=300",
      ...args,
    ];
    run(root ? "env" : "sudo", root ? line : ["env", ...line]);
  };
  console.log(`Installing them now, as if you ran:\n  ${byHand}\n`);
  try {
    if (!listsAreFresh()) apt("update");
    apt("install", "-y", "--no-install-recommends", ...packages);
  } catch (error) {
    throw new Stop(
      `The packages could not be installed (${error.message})\nPlease run this yourself, then try again:\n  ${byHand}`,
    );
  }
}

/**
 * Whether apt has package lists of the last day; with older ones it asks for versions that are
 * gone.
 */
function listsAreFresh() {
  try {
    const lists = "/var/lib/apt/lists";
    const fetched = Math.max(statSync(lists).mtimeMs, statSync(join(lists, "partial")).mtimeMs);
    return (
      readdirSync(lists).some((name) => name.includes("_Packages")) &&
      Date.now() - fetched < 24 * 3600 * 1000
    );
  } catch {
    return false;
  }
}

/** `npm ci`, unless node_modules was made from this very lock file by this kind of Node. */
function installNodePackages() {
  const lock = readFileSync(join(ROOT, "package-lock.json"));
  const stamp = join(ROOT, "node_modules", ".chatspot-installed");
  const now = `${process.platform} ${process.arch} ${createHash("sha256").update(lock).digest("hex")}\n`;
  if (contents(stamp) === now) return;
  console.log("Installing the npm packages of the lock file (npm ci).");
  run(...npm(["ci"]));
  writeFileSync(stamp, now);
}

/** A file's text, or none. */
export function contents(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
