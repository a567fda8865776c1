/** Rooms nearby in real windows: seen without asking, joined by one click, handed out as a picture, and looked after. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { OUT, scratch, shot, until, Window } from "./window.mjs";

/** What ZBar reads in a picture. */
function readQr(file) {
  return spawnSync("zbarimg", ["--quiet", "--raw", file], { encoding: "utf8" }).stdout.trim();
}

describe("rooms nearby", () => {
  let ada;
  let ben;
  let cem;
  /** No other room in the network is called so. */
  const room = `Greenhouse ${process.pid}`;

  /** How the room stands in a window's list. */
  const listed = (window) =>
    window.run((name) => {
      const lines = [...document.querySelectorAll('[data-testid="nearby-room"]')];
      const line = lines.find((one) => one.textContent.includes(name));
      return line && { life: line.dataset.life, proof: line.dataset.proof, text: line.textContent };
    }, room);

  before(async () => {
    [ada, ben, cem] = await Promise.all(
      ["ada", "ben", "cem"].map((name) => Window.open(scratch(`${name}-near`), { nearby: "on" })),
    );
    for (const [window, name] of [
      [ada, "Ada"],
      [ben, "Ben"],
      [cem, "Cem"],
    ]) {
      await window.fill("name-field", name);
      await window.click("name-go");
    }
  });
  after(async () => {
    await Promise.all([ada, ben, cem].map((window) => window?.dispose()));
  });
  afterEach((context) => context.passed || shot(context.name.replace(/\W+/g, "-")));

  test("a room that somebody hosts appears by itself, proven, and one click joins it", async () => {
    await ada.click("door-host");
    await ada.fill("host-name", room);
    await ada.click("admission-open");
    await ada.click("host-go");
    await ada.linked("online");
    for (const window of [ben, cem])
      await until("the room to be listed", async () => {
        const line = await listed(window);
        return line?.life === "here" && line.proof === "proven" && line.text.includes("Ada");
      });
    await shot("nearby");
    await ben.click("nearby-room", room);
    await ben.linked("online");
    await ada.sees("member", "Ben");
    await ben.say("Found you");
    await ada.sees("message", "Found you");
  });

  test("the QR code on the screen is read by another program, and is the invite", async () => {
    await ada.click("invite");
    const link = await until("the link", async () => {
      const text = await ada.run(() => {
        const element = document.querySelector('[data-testid="invite-link"]');
        return element?.value ?? element?.textContent;
      });
      return /chatspot:\/\/join\/[\w-]+/.exec(text ?? "")?.[0];
    });
    await until("the code", () =>
      ada.run(() => document.querySelector('[data-testid="invite-qr"]') !== null),
    );
    mkdirSync(OUT, { recursive: true });
    const seen = join(OUT, "invite-qr.png");
    // As the window paints it, whatever lies over it on the screen; the dialog fades in.
    await until("the code to be read", async () => {
      await ada.browser.saveScreenshot(seen);
      return readQr(seen) === link;
    });
    await ada.click("save-qr");
    const folder = join(ada.folder, "data/exports");
    const [file] = await until("the file", () => {
      mkdirSync(folder, { recursive: true });
      const files = readdirSync(folder).filter((name) => name.endsWith(".png"));
      return files.length > 0 && files;
    });
    assert.equal(readQr(join(folder, file)), link);
  });

  test("the short text leads to the same question as the link", async () => {
    const text = await ada.run(() => {
      const element = document.querySelector('[data-testid="invite-text"]');
      return element?.value ?? element?.textContent;
    });
    await cem.click("door-join");
    await cem.fill("join-address", `Come over!\n${text}`);
    await cem.click("join-go");
    await cem.sees("link-address", "");
    await cem.click("link-go");
    await cem.linked("online");
    await ada.sees("member", "Cem");
  });

  test("the doctor looks and says what it found", async () => {
    const dora = await Window.open(scratch("dora-near"), { nearby: "on" });
    await dora.fill("name-field", "Dora");
    await dora.click("name-go");
    await until("the room to be listed", async () => (await listed(dora))?.life === "here");
    await dora.click("doctor");
    const [verdict] = await until("a verdict", async () => {
      const texts = await dora.texts("doctor-verdict");
      return texts.length > 0 && texts[0] !== "" && texts;
    });
    assert.ok(verdict.length > 20, verdict);
    await shot("doctor");
    await dora.dispose();
  });

  test("a room that its host closes fades with that reason, and the one who was in it learns it", async () => {
    const eve = await Window.open(scratch("eve-near"), { nearby: "on" });
    await eve.fill("name-field", "Eve");
    await eve.click("name-go");
    await until("the room to be listed", async () => (await listed(eve))?.life === "here");
    await ada.quit();
    await until("the room to fade", async () => (await listed(eve))?.life === "away");
    await shot("nearby-gone");
    await eve.dispose();
  });
});
