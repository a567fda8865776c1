/** Who belongs and who does not: invites, comparing codes, moderation, and links from outside. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { programs, scratch, shot, start, until, Window } from "./window.mjs";

describe("a room with a door", () => {
  let ada;
  let ben;
  let cem;
  /** An invite that the host's window made. */
  let link;

  /** Makes an invite in the host's window, and returns its link. */
  async function invite(window) {
    await window.click("invite");
    await window.click("invite-door");
    await window.click("invite-make");
    const made = await until("a link", () =>
      window.run(
        () =>
          /chatspot:\/\/join\/[\w-]+/.exec(document.querySelector("dialog")?.innerHTML ?? "")?.[0],
      ),
    );
    await window.click("door-close");
    return made;
  }

  before(async () => {
    [ada, ben, cem] = [
      await Window.open(scratch("ada-door")),
      await Window.open(scratch("ben-door")),
      await Window.open(scratch("cem-door")),
    ];
    for (const [window, name] of [
      [ada, "Ada"],
      [ben, "Ben"],
      [cem, "Cem"],
    ]) {
      await window.fill("name-field", name);
      await window.click("name-go");
    }
    await ada.click("door-host");
    await ada.fill("host-name", "Choir");
    await ada.click("admission-invite");
    await ada.click("host-go");
    await ada.linked("online");
  });
  after(async () => {
    await Promise.all([ada, ben, cem].map((window) => window?.dispose()));
  });
  afterEach((context) => context.passed || shot(context.name.replace(/\W+/g, "-")));

  test("an invite pasted into Join by address asks, and then leads in, verified", async () => {
    link = await invite(ada);
    assert.ok(link.length < 2048);
    await ben.click("door-join");
    await ben.fill("join-address", `Sing with us: ${link}`);
    await ben.click("join-go");
    await ben.sees("link-address", "");
    await ben.click("link-go");
    await ben.linked("online");
    await ben.sees("security-badge", "Verified");
    await ada.sees("notice", "Ben");
  });

  test("f82 a link from outside opens a question in the running window, and does nothing else", async () => {
    const second = (...args) => start(programs.app, args, cem.env).ended;
    await second("chatspot://join/bm8gbGluaw");
    await cem.sees("link-bad", "");
    await cem.click("link-close");
    await second("chatspot://host/everything", "--data-dir", "/", "https://example.org");
    await second(link);
    await cem.sees("link-address", "");
    await shot("link");
    assert.deepEqual(await cem.texts("sidebar-room"), [], "nothing was joined by itself");
    assert.ok(!(await ada.texts("member")).some((text) => text.includes("Cem")));
    await cem.click("link-go");
    await cem.linked("online");
    await ada.sees("member", "Cem");
  });

  test("two people compare codes: the same on both screens", async () => {
    await ben.click("member-open", "Ada");
    await ben.click("compare");
    await ada.sees("compare-asked", "Ben");
    await ada.click("compare-accept");
    const codes = await Promise.all(
      [ada, ben].map((window) =>
        until("a code", async () => {
          const [digits] = await window.texts("compare-digits");
          const [emoji] = await window.texts("compare-emoji");
          return digits && [digits, emoji];
        }),
      ),
    );
    assert.match(codes[0][0], /^\d{3} \d{3} \d{3}$/);
    assert.deepEqual(codes[0], codes[1]);
    await shot("compare");
    for (const window of [ada, ben]) {
      await window.click("compare-match");
      await window.sees("compare-matched", "");
      await window.click("compare-close");
    }
  });

  test("who is muted cannot speak, and keeps what is typed; everybody sees it", async () => {
    await ada.click("member-open", "Cem");
    await ada.click("mute");
    await cem.sees("muted", "");
    await ben.sees("notice", "muted Cem");
    await ada.click("member-open", "Cem");
    await ada.click("unmute");
    await until("the composer", () =>
      cem.run(() => document.querySelector('[data-testid="muted"]') === null),
    );
    await cem.say("I can speak again");
    await ben.sees("message", "I can speak again");
  });

  test("formatting is shown as such, and a link that is not what it looks like asks first", async () => {
    await ben.say("**loud** and `code` and [bank.example](http://evil.example/x)");
    const loud = await until("it", () =>
      ada.run(() =>
        [...document.querySelectorAll('[data-testid="message"] strong')].map(
          (el) => el.textContent,
        ),
      ),
    );
    assert.ok(loud.includes("loud"));
    await ada.click("link", "bank.example");
    await ada.sees("open-href", "evil.example");
    await shot("open-link");
    await ada.click("open-stay");
  });

  test("f34 who is banned is out, and stays out", async () => {
    await ada.click("member-open", "Cem");
    await ada.click("ban");
    await ada.click("confirm");
    await until("Cem to be out", () =>
      cem.run(() => document.querySelector('[data-testid="gate"]')?.dataset.gate === "banned"),
    );
    await shot("banned");
    await ada.misses("member", "Cem");
    await cem.quit();
    cem = await Window.open(cem.folder);
    await cem.click("sidebar-room", "Choir");
    await until("it to be said again", () =>
      cem.run(() => document.querySelector('[data-testid="gate"]')?.dataset.gate === "banned"),
    );
  });

  test("the host's computer restarts: ban, roles and verification are as they were", async () => {
    await ada.quit();
    ada = await Window.open(ada.folder);
    await ada.click("sidebar-room", "Choir");
    await ada.linked("online");
    await ben.linked("online");
    await ben.sees("security-badge", "Verified");
    await cem.browser.refresh();
    await cem.click("sidebar-room", "Choir");
    assert.ok(!(await ada.texts("member")).some((text) => text.includes("Cem")));
  });
});
