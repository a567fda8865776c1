/** A real ChatSpot window under WebDriver: one driver process, one app, one data folder each. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Key, remote } from "webdriverio";

const ROOT = resolve(import.meta.dirname, "..");
const TARGET = resolve(
  ROOT,
  process.env.CARGO_TARGET_DIR ?? "target",
  process.env.CHATSPOT_PROFILE ?? "debug",
);
/** Where screenshots of failed tests go. */
export const OUT = join(ROOT, "e2e/out");
/** How long anything may take before the test says what it waited for. */
const PATIENCE_MS = 30_000;

/** The built programs. */
export const programs = { app: join(TARGET, "chatspot"), relay: join(TARGET, "chatspot-relay") };

/** Everything that is still running, ended by id when the tests end, however they end. */
const running = new Set();

/** Starts a program in a process group of its own. */
export function start(program, args, env = {}) {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      child.log += text;
    });
  }
  child.ended = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  running.add(child);
  child.ended.then(() => running.delete(child));
  return child;
}

/** Ends a program and all it started. */
export async function end(child, signal = "SIGKILL") {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
  return child.ended;
}

process.on("exit", () => {
  for (const child of running) end(child);
});

/** A port that is free now. */
export function freePort() {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Waits until `check` gives something true, and returns it. */
export async function until(what, check, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  let last;
  while (Date.now() < deadline) {
    try {
      const result = await check();
      if (result) return result;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`waited in vain for: ${what}${last ? ` (${last.message})` : ""}`);
}

export class Window {
  /**
   * Opens ChatSpot on a data folder: a new one, or one that was used before. Rooms nearby are looked for only where a
   * test is about that: others may have some.
   */
  static async open(folder, { nearby = "off" } = {}) {
    mkdirSync(join(folder, "home"), { recursive: true });
    const port = await freePort();
    const home = join(folder, "home");
    const env = {
      CHATSPOT_DATA_DIR: join(folder, "data"),
      CHATSPOT_NEARBY: nearby,
      HOME: home,
      XDG_CONFIG_HOME: join(home, ".config"),
      XDG_DATA_HOME: join(home, ".local/share"),
      XDG_CACHE_HOME: join(home, ".cache"),
      TAURI_AUTOMATION: "true",
      TAURI_WEBVIEW_AUTOMATION: "true",
      // The tests read and type on one screen: a portal or a session manager would only get between.
      GTK_USE_PORTAL: "0",
      NO_AT_BRIDGE: "1",
    };
    const driver = start("WebKitWebDriver", [`--port=${port}`, "--host=127.0.0.1"], env);
    await until(
      "the driver to answer",
      async () => (await fetch(`http://127.0.0.1:${port}/status`)).ok,
    );
    const browser = await remote({
      hostname: "127.0.0.1",
      port,
      path: "/",
      logLevel: "error",
      connectionRetryCount: 0,
      capabilities: {
        "webkitgtk:browserOptions": { binary: programs.app, args: [] },
        "wdio:enforceWebDriverClassic": true,
      },
    });
    const window = new Window(folder, driver, browser, env);
    await until("the first paint", () =>
      window.run(() => document.querySelector("[data-testid]") !== null),
    );
    return window;
  }

  constructor(folder, driver, browser, env) {
    Object.assign(this, { folder, driver, browser, env });
  }

  /** Runs a function in the page. */
  run(code, ...args) {
    return this.browser.execute(code, ...args);
  }

  /** The texts of all elements with that test id, as they stand in the page. */
  texts(testid) {
    return this.run(
      (id) =>
        [...document.querySelectorAll(`[data-testid="${id}"]`)].map((el) =>
          el.textContent.replace(/\s+/g, " ").trim(),
        ),
      testid,
    );
  }

  /** Waits for an element and clicks it; `having` picks the one whose text contains it. */
  async click(testid, having) {
    const element = await until(
      `${testid}${having ? ` with "${having}"` : ""} to click`,
      async () => {
        for (const element of await this.browser.$$(`[data-testid="${testid}"]`)) {
          const text = having ? await this.run((el) => el.textContent, element) : "";
          if ((!having || text.includes(having)) && (await element.isDisplayed())) return element;
        }
        return undefined;
      },
    );
    await element.click();
  }

  /** Waits for a field, and types into it in place of what is there. */
  async fill(testid, text) {
    const field = await this.browser.$(`[data-testid="${testid}"]`);
    await field.waitForDisplayed({ timeout: PATIENCE_MS });
    await field.setValue(text);
  }

  /** Types into the composer and sends with Enter; lines are parted by Shift+Enter. */
  async say(text) {
    const composer = await this.browser.$('[data-testid="composer"]');
    await composer.waitForDisplayed({ timeout: PATIENCE_MS });
    await composer.click();
    if (/^[\x20-\x7e\n]*$/.test(text)) {
      for (const [index, line] of text.split("\n").entries()) {
        if (index > 0) await this.browser.keys([Key.Shift, Key.Enter]);
        await composer.addValue(line);
      }
    } else {
      // WebKit's driver has no keys for these letters: as an input method would put them.
      await this.run((written) => document.execCommand("insertText", false, written), text);
    }
    await this.browser.keys(Key.Enter);
  }

  /** Waits until one of the elements has that text in it. */
  sees(testid, text) {
    return until(`${testid} to show "${text}"`, async () =>
      (await this.texts(testid)).some((shown) => shown.includes(text)),
    );
  }

  /** Waits until none of the elements has that text in it. */
  misses(testid, text) {
    return until(
      `${testid} not to show "${text}"`,
      async () => !(await this.texts(testid)).some((shown) => shown.includes(text)),
    );
  }

  /** Waits for the state of the connection. */
  async linked(state) {
    await until(`the connection to be ${state}`, () =>
      this.run(
        (wanted) => document.querySelector('[data-testid="link-state"]')?.dataset.state === wanted,
        state,
      ),
    );
  }

  /** All messages of the room: author and text, in order. */
  messages() {
    return this.run(() =>
      [...document.querySelectorAll('[data-testid="message"]')].map((el) => [
        el.dataset.author,
        el.querySelector(".text").textContent,
      ]),
    );
  }

  /** The process of the app itself. */
  pid() {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const found = pids.find((pid) => {
      try {
        return (
          readlinkSync(`/proc/${pid}/exe`) === programs.app &&
          readFileSync(`/proc/${pid}/environ`, "utf8").includes(
            `CHATSPOT_DATA_DIR=${join(this.folder, "data")}\0`,
          )
        );
      } catch {
        return false;
      }
    });
    if (!found) throw new Error("the app does not run");
    return Number(found);
  }

  /** Ends the app at once, as a crash or a power cut would. */
  async kill() {
    process.kill(this.pid(), "SIGKILL");
    await this.dispose();
  }

  /** Ends the app as Ctrl-C or the end of the session would, and waits until it is gone. */
  async quit() {
    const pid = this.pid();
    process.kill(pid, "SIGTERM");
    await until("the app to end", () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
    await this.dispose();
  }

  /** Ends the driver, and the app if it still runs. */
  async dispose() {
    await end(this.driver);
  }
}

/** Saves what the screen shows. */
export async function shot(name) {
  mkdirSync(OUT, { recursive: true });
  await start("import", ["-window", "root", join(OUT, `${name}.png`)]).ended;
}

/** A folder for one run. */
export function scratch(name) {
  const folder = join(tmpdir(), `chatspot-e2e-${process.pid}`, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
