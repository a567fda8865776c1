/** Two people meet: first run, host, join by address, talk, leave, and come back after a crash. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { Key } from "webdriverio";
import { end, freePort, programs, scratch, shot, start, until, Window } from "./window.mjs";

/** Texts that a page must never take for markup. */
const HOSTILE = [
  "<img src=x onerror=\"document.title='hacked'\">",
  "javascript:alert(1)",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "[click](javascript:alert(1))",
];

describe("two windows", () => {
  let ada;
  let ben;
  /** The address that the host's window shows, the one that works on this computer. */
  let address;
  /** The passcode that it shows. */
  let passcode;

  before(async () => {
    ada = await Window.open(scratch("ada"));
    ben = await Window.open(scratch("ben"));
  });
  after(async () => {
    await Promise.all([ada, ben].map((window) => window?.dispose()));
  });
  afterEach((context) => context.passed || shot(context.name.replace(/\W+/g, "-")));

  test("the first run asks for a name and nothing else", async () => {
    const suggested = await ada.run(
      () => document.querySelector('[data-testid="name-field"]').value,
    );
    assert.notEqual(suggested, "", "a name is suggested");
    await ada.fill("name-field", "\u200b");
    await ada.click("name-go");
    await ada.sees("name-error", "");
    for (const [window, name] of [
      [ada, "Ada"],
      [ben, "Ben"],
    ]) {
      await window.fill("name-field", name);
      await window.click("name-go");
      await window.sees("door-host", "");
      await window.sees("door-join", "");
    }
  });

  test("hosting a room opens it and shows the addresses to hand out", async () => {
    await ada.click("door-host");
    await ada.fill("host-name", "Workshop");
    await ada.click("host-go");
    await ada.sees("room-title", "Workshop");
    await ada.linked("online");
    await ada.sees("member", "Ada");
    await ada.click("invite");
    const shown = await until("addresses", async () => {
      const shown = await ada.texts("host-address");
      return shown.length > 0 && shown;
    });
    address = shown.find((text) => text.startsWith("127.0.0.1"));
    assert.ok(address, `this computer's own address is among ${shown}`);
    assert.notEqual(shown[0], address, "and is not the first");
    passcode = (await ada.texts("passcode-shown"))[0].match(/[a-z]+(?:-[a-z]+){3}/)[0];
    await ada.browser.keys(Key.Escape);
  });

  test("what is wrong with an address is said next to the field", async () => {
    const page = createServer((_, response) => response.end("a web page"));
    await new Promise((done) => page.listen(0, "127.0.0.1", done));
    const wrong = [
      ["what is this?", "address"],
      [`127.0.0.1:${await freePort()}`, "Nobody answers"],
      [`127.0.0.1:${page.address().port}`, "not ChatSpot"],
    ];
    await ben.click("door-join");
    for (const [text, words] of wrong) {
      await ben.fill("join-address", text);
      await ben.click("join-go");
      await ben.sees("join-error", words);
      assert.equal(
        await ben.run(() => document.querySelector('[data-testid="join-address"]').value),
        text,
        "the text stays",
      );
    }
    page.close();
  });

  test("joining by the shown address, pasted in a line", async () => {
    await ben.fill("join-address", `Come to the workshop: ${address} !`);
    await ben.click("join-go");
    await ben.sees("room-title", "Workshop");
    await ben.fill("passcode", "four other words here");
    await ben.click("passcode-go");
    await ben.sees("passcode-gate", "not this room's passcode");
    await ada.misses("member", "Ben");
    await ben.fill("passcode", passcode.replaceAll("-", " ").toUpperCase());
    await ben.click("passcode-go");
    await ben.linked("online");
    await ada.sees("notice", "Ben joined");
    await ada.sees("member", "Ben");
    await ben.sees("member", "Ada");
  });

  test("f41 messages go both ways, in one order, as they were written, and never as markup", async () => {
    await ada.say("Hello Ben");
    await ben.sees("message", "Hello Ben");
    await ben.say("Hello Ada\nsecond line");
    await ben.say("🎉 \u05e9\u05dc\u05d5\u05dd \u4f60\u597d");
    await ada.sees("message", "Hello Ada second line");
    await ada.sees("message", "🎉 \u05e9\u05dc\u05d5\u05dd \u4f60\u597d");
    assert.ok(
      (await ada.messages()).some(([, text]) => text === "Hello Ada\nsecond line"),
      "the line break is kept",
    );
    for (const text of HOSTILE) await ben.say(text);
    for (const text of HOSTILE) await ada.sees("message", text);
    assert.doesNotMatch(await ada.run(() => document.title), /hacked/);
    assert.equal(
      await ada.run(
        () =>
          document.querySelectorAll(
            '[data-testid="timeline"] img, [data-testid="timeline"] script, [data-testid="timeline"] a',
          ).length,
      ),
      0,
    );
    const own = await ben.run(() =>
      [...document.querySelectorAll('[data-testid="message"]')].map((el) => el.dataset.mine),
    );
    assert.deepEqual(own, ["false", "true", "true", ...HOSTILE.map(() => "true")]);
    assert.deepEqual(
      (await ada.messages()).map(([author]) => author),
      (await ben.messages()).map(([author]) => author),
    );
  });

  test("typing is shown and ends", async () => {
    const composer = await ben.browser.$('[data-testid="composer"]');
    await composer.addValue("hm");
    await ada.sees("typing", "Ben is typing");
    await ben.browser.keys(Key.Enter);
    await ada.misses("typing", "Ben is typing");
  });

  test("f85 a script that gets into the page does not run, and may call nothing", async () => {
    const result = await ada.run(() => {
      const script = document.createElement("script");
      script.textContent = "window.injected = true";
      document.body.append(script);
      const image = document.createElement("div");
      image.setAttribute("onclick", "window.injected = true");
      document.body.append(image);
      image.click();
      let evaluated = false;
      try {
        evaluated = new Function("return true")();
      } catch {
        // As it should be.
      }
      return { injected: window.injected === true, evaluated, global: typeof window.__TAURI__ };
    });
    // WebDriver's own scripts may evaluate; the page's may not.
    assert.equal(result.injected, false, "an inline script ran");
    assert.equal(result.global, "undefined");
    const calls = [
      "plugin:window|close",
      "plugin:event|listen",
      "plugin:clipboard-manager|read_text",
      "plugin:webview|create_webview_window",
      "plugin:app|version",
    ];
    const answers = await ada.browser.executeAsync((names, done) => {
      Promise.all(
        names.map((name) =>
          window.__TAURI_INTERNALS__.invoke(name, {}).then(
            () => "allowed",
            (error) => String(error),
          ),
        ),
      ).then(done);
    }, calls);
    for (const [index, answer] of answers.entries())
      assert.match(answer, /not allowed|not found/, calls[index]);
  });

  test("f86 the window goes to no other page", async () => {
    const home = await ada.run(() => location.href);
    for (const url of ["http://127.0.0.1:1/", "data:text/html,elsewhere", "about:blank#x"]) {
      await ada.run((to) => {
        setTimeout(() => {
          location.href = to;
        });
      }, url);
    }
    await ada.say("still here");
    await ben.sees("message", "still here");
    assert.equal(await ada.run(() => location.href), home);
  });

  test("a clean leave is seen at once, and coming back is a click", async () => {
    await ben.click("room-menu");
    await ben.click("leave-room");
    await ben.click("confirm");
    await ada.sees("notice", "Ben");
    await ada.misses("member", "Ben");
    await ben.click("rejoin");
    await ben.sees("room-title", "Workshop");
    await ben.linked("online");
    await ada.sees("member", "Ben");
  });

  test("the host's process is killed: it is said, what is written waits, and all is well when it is back", async () => {
    await ada.kill();
    await ben.linked("waiting");
    await ben.say("written while the host was away");
    await until("the message to wait", () =>
      ben.run(
        () => document.querySelector('[data-testid="message"][data-state="queued"]') !== null,
      ),
    );
    ada = await Window.open(ada.folder);
    await ada.click("sidebar-room", "Workshop");
    await ada.linked("online");
    await ben.linked("online");
    await ada.sees("message", "written while the host was away");
    await until("the message to be sent", () =>
      ben.run(
        () => document.querySelector('[data-testid="message"][data-state="queued"]') === null,
      ),
    );
    const count = (await ben.texts("message")).filter((text) =>
      text.includes("written while the host was away"),
    ).length;
    assert.equal(count, 1);
    await ben.say("welcome back");
    await ada.sees("message", "welcome back");
  });

  test("f77 the host is killed in mid-conversation: everything is there once, in order, on both sides", async () => {
    const said = [];
    const say = async (who, text) => {
      said.push(text);
      await who.say(text);
    };
    for (let round = 0; round < 3; round++) {
      await say(ben, `round ${round}, one`);
      await ada.sees("message", `round ${round}, one`);
      await say(ada, `round ${round}, two`);
      await ben.sees("message", `round ${round}, two`);
      await say(ben, `round ${round}, three`);
      await ada.kill();
      await say(ben, `round ${round}, four`);
      ada = await Window.open(ada.folder);
      await ada.click("sidebar-room", "Workshop");
      await ada.linked("online");
      await ben.linked("online");
    }
    for (const window of [ada, ben]) {
      await window.sees("message", said.at(-1));
      const shown = (await window.texts("message")).flatMap((text) =>
        said.filter((line) => text.includes(line)),
      );
      assert.deepEqual(shown, said);
      assert.deepEqual(await window.texts("reset"), []);
    }
  });

  test("f78 the app is killed right after Enter: the message is sent once after the next start", async () => {
    await ada.kill();
    await ben.linked("waiting");
    await ben.say("written, and then the light went out");
    await until("the message to wait", () =>
      ben.run(
        () => document.querySelector('[data-testid="message"][data-state="queued"]') !== null,
      ),
    );
    await ben.kill();
    ben = await Window.open(ben.folder);
    await ben.click("sidebar-room", "Workshop");
    await ben.sees("message", "and then the light went out");
    ada = await Window.open(ada.folder);
    await ada.click("sidebar-room", "Workshop");
    await ben.linked("online");
    await ada.sees("message", "and then the light went out");
    for (const window of [ada, ben]) {
      const count = (await window.texts("message")).filter((text) =>
        text.includes("and then the light went out"),
      ).length;
      assert.equal(count, 1);
    }
    await until("the message to be sent", () =>
      ben.run(
        () => document.querySelector('[data-testid="message"][data-state="queued"]') === null,
      ),
    );
    // What was said before is still there, in both windows.
    for (const window of [ada, ben]) await window.sees("message", "round 2, four");
  });

  test("closing the host's window asks first while others are there", async () => {
    const close = async () => {
      const found = start("xdotool", ["search", "--pid", String(ada.pid()), "--name", "ChatSpot"]);
      await found.ended;
      const id = found.log.trim().split("\n").at(-1);
      await start("xdotool", ["windowactivate", "--sync", id, "key", "--clearmodifiers", "alt+F4"])
        .ended;
    };
    await close();
    await ada.click("quit-stay");
    await ben.say("still open?");
    await ada.sees("message", "still open?");
  });

  test("f61 a second start on the same folder raises the first window and ends", async () => {
    const second = start(programs.app, [], ada.env);
    assert.deepEqual(await second.ended, { code: 0, signal: null }, second.log);
    await ada.sees("room-title", "Workshop");
  });

  test("stopping tells everybody, and opening again lets them back in", async () => {
    await ada.click("room-menu");
    await ada.click("stop-hosting");
    await ada.click("confirm");
    await ben.linked("closed");
    await ada.click("room-menu");
    await ada.click("resume-hosting");
    await ada.linked("online");
  });

  test("quitting says goodbye", async () => {
    await ben.click("redial");
    await ben.linked("online");
    await ada.sees("member", "Ben");
    await ben.quit();
    await ada.misses("member", "Ben");
    await ada.sees("notice", "Ben");
  });

  test("a window opens again as large as it was", async () => {
    const found = start("xdotool", ["search", "--pid", String(ada.pid()), "--name", "ChatSpot"]);
    await found.ended;
    await start("xdotool", [
      "windowsize",
      "--sync",
      found.log.trim().split("\n").at(-1),
      "900",
      "610",
    ]).ended;
    const width = () => ada.run(() => innerWidth);
    await until("the window to shrink", async () => (await width()) === 900);
    await ada.quit();
    ada = await Window.open(ada.folder);
    await until("the window to be as small", async () => (await width()) === 900);
    await ada.click("sidebar-room", "Workshop");
    await ada.linked("online");
  });
});

describe("three windows on a headless relay", () => {
  const windows = [];
  let relay;

  before(async () => {
    const port = await freePort();
    relay = start(programs.relay, [
      "--listen",
      "127.0.0.1",
      "--port",
      String(port),
      "--room",
      "Lobby",
      "--room",
      "Lab",
      "--admission",
      "open",
      // A program writes in these tests, faster than a relay lets people.
      "--frames-per-second",
      "600",
      "--data-dir",
      scratch("relay"),
    ]);
    relay.port = port;
    await until("the relay to listen", () => relay.log.includes("is open"));
  });
  after(async () => {
    await Promise.all(windows.map((window) => window.dispose()));
    await end(relay);
  });

  test("each chooses a room, and all see the same", async () => {
    for (const name of ["Eva", "Finn", "Gus"]) {
      const window = await Window.open(scratch(name));
      windows.push(window);
      await window.fill("name-field", name);
      await window.click("name-go");
      await window.click("door-join");
      await window.fill("join-address", `ws://127.0.0.1:${relay.port}`);
      await window.click("join-go");
      await window.click("choose-room", "Lab");
      await window.linked("online");
      await window.sees("room-title", "Lab");
    }
    for (const [index, window] of windows.entries()) await window.say(`from window ${index}`);
    for (const window of windows)
      for (const index of [0, 1, 2]) await window.sees("message", `from window ${index}`);
    const [first, ...others] = await Promise.all(windows.map((window) => window.messages()));
    // Who came later sees less of the beginning, never another order.
    for (const other of others) assert.deepEqual(other, first.slice(-other.length));
  });

  /** Sends many messages as fast as the disk takes them, through the window's own commands. */
  async function sendMany(window, texts) {
    const failed = await window.browser.executeAsync((texts, done) => {
      const send = async () => {
        const { rooms } = await new Promise((resolve) => {
          const channel = window.__TAURI_INTERNALS__.transformCallback((message) => {
            if (message.message?.update === "snapshot") resolve(message.message.view);
          });
          window.__TAURI_INTERNALS__.invoke("subscribe", { channel: `__CHANNEL__:${channel}` });
        });
        for (const text of texts)
          for (;;) {
            try {
              await window.__TAURI_INTERNALS__.invoke("send", { room: rooms[0].room, text });
              break;
            } catch (failure) {
              // So many may wait, and no more.
              if (failure.code !== "outbox_full") throw failure;
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
          }
      };
      send().then(
        () => done(null),
        (error) => done(JSON.stringify(error) ?? String(error)),
      );
    }, texts);
    assert.equal(failed, null);
    // That page is not told anything any more: it begins anew, as after a crash of the page.
    await window.browser.refresh();
    await window.click("sidebar-room", "Lab");
  }

  test("a newcomer reads everything that was said before, page by page, and finds what is old", async () => {
    const texts = Array.from({ length: 600 }, (_, number) => `line ${number} of many`);
    texts[17] = "the needle is here";
    await sendMany(windows[0], texts);
    await windows[0].sees("message", "line 599 of many");
    const hana = await Window.open(scratch("Hana"));
    windows.push(hana);
    await hana.fill("name-field", "Hana");
    await hana.click("name-go");
    await hana.click("door-join");
    await hana.fill("join-address", `ws://127.0.0.1:${relay.port}`);
    await hana.click("join-go");
    await hana.click("choose-room", "Lab");
    await hana.sees("message", "line 599 of many");
    // Up to the beginning, by the wheel: nothing is missing on the way.
    const seen = new Set();
    await until("the beginning", async () => {
      const [shown, begun] = await hana.run(() => {
        document.querySelector('[data-testid="timeline"]').scrollTop = 0;
        const messages = [...document.querySelectorAll('[data-testid="message"]')];
        return [
          messages.map((message) => message.textContent.replace(/\s+/g, " ").trim()),
          document.querySelector('[data-testid="beginning"]') !== null,
        ];
      });
      for (const text of shown) seen.add(text.match(/line \d+ of many|needle/)?.[0]);
      return begun;
    });
    for (const [number, text] of texts.entries())
      assert.ok(seen.has(number === 17 ? "needle" : text), text);
    await hana.click("jump");
    await hana.sees("message", "line 599 of many");
    // And down in one step: what is found is shown where it stands.
    await hana.browser.keys([Key.Ctrl, "f"]);
    await hana.fill("search-field", "needle");
    await hana.click("search-hit", "needle");
    await hana.sees("message", "the needle is here");
    await hana.sees("message", "line 18 of many");
    await until("it to be in view", () =>
      hana.run(() => {
        const log = document.querySelector('[data-testid="timeline"]').getBoundingClientRect();
        const found = [...document.querySelectorAll('[data-testid="message"]')].find((message) =>
          message.textContent.includes("needle"),
        );
        const { top, bottom } = found.getBoundingClientRect();
        return top >= log.top && bottom <= log.bottom;
      }),
    );
    await shot("found");
    await hana.say("I am late");
    await hana.sees("message", "I am late");
    await windows[1].sees("message", "I am late");
  });

  test("a room is written to a file", async () => {
    const hana = windows.at(-1);
    for (const format of ["html", "json_lines"]) {
      await hana.click("room-menu");
      await hana.click("export-room");
      await hana.click(`export-${format}`);
      await hana.click("export-go");
      const path = await until("the path", async () => (await hana.texts("export-path"))[0]);
      const text = readFileSync(path, "utf8");
      assert.ok(path.startsWith(join(hana.folder, "data", "exports")), path);
      assert.equal(text.match(/the needle is here/g)?.length, 1);
      assert.ok(text.includes("line 0 of many") && text.includes("I am late"));
      await hana.click("export-close");
    }
  });

  test("a room is left with its history, and without", async () => {
    const hana = windows.pop();
    windows.unshift(hana);
    await hana.click("room-menu");
    await hana.click("leave-room");
    await hana.click("confirm");
    await hana.browser.keys([Key.Ctrl, Key.Shift, "f"]);
    await hana.fill("search-field", "needle");
    await hana.sees("search-hit", "needle");
    await hana.browser.keys(Key.Escape);
    await hana.click("rejoin");
    await hana.sees("room-title", "Lab");
    await hana.linked("online");
    await hana.sees("message", "I am late");
    await hana.click("room-menu");
    await hana.click("leave-room");
    await hana.click("leave-delete");
    await hana.click("confirm");
    await hana.browser.keys([Key.Ctrl, Key.Shift, "f"]);
    await hana.fill("search-field", "needle");
    await until("nothing", () =>
      hana.run(() => document.querySelector('[data-testid="search-none"]') !== null),
    );
    await hana.dispose();
    windows.shift();
  });

  test("the relay stops and says so; every window waits for it", async () => {
    process.kill(relay.pid, "SIGTERM");
    assert.deepEqual(await relay.ended, { code: 0, signal: null });
    for (const window of windows) await window.linked("waiting");
  });
});
