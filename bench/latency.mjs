/**
 * From Enter in one window to the text on the screen of the other.
 *
 *     CHATSPOT_PROFILE=release dbus-run-session -- xvfb-run -a node bench/latency.mjs [MESSAGES]
 *
 * Taken inside the pages: the key event in one, and in the other the first frame after the text is in the document.
 */
import { scratch, until, Window } from "../e2e/window.mjs";

const count = Number(process.argv[2] ?? 200);
const [ada, ben] = [await Window.open(scratch("ada")), await Window.open(scratch("ben"))];
for (const [window, name] of [
  [ada, "Ada"],
  [ben, "Ben"],
]) {
  await window.fill("name-field", name);
  await window.click("name-go");
}
await ada.click("door-host");
await ada.fill("host-name", "Bench");
await ada.click("admission-open");
await ada.click("host-go");
await ada.linked("online");
await ben.click("door-join");
await ben.fill(
  "join-address",
  (await ada.texts("host-address")).find((text) => text.startsWith("127.0.0.1")),
);
await ben.click("join-go");
await ben.linked("online");

await ada.run(() => {
  window.pressed = [];
  addEventListener(
    "keydown",
    (event) =>
      event.key === "Enter" && window.pressed.push(performance.timeOrigin + performance.now()),
    { capture: true },
  );
});
await ben.run(() => {
  window.shown = [];
  let seen = document.querySelectorAll('[data-testid="message"]').length;
  new MutationObserver(() => {
    const now = document.querySelectorAll('[data-testid="message"]').length;
    if (now === seen) return;
    seen = now;
    requestAnimationFrame(() => window.shown.push(performance.timeOrigin + performance.now()));
  }).observe(document.querySelector('[data-testid="timeline"]'), {
    childList: true,
    subtree: true,
  });
});
for (let number = 1; number <= count; number += 1) {
  await ada.say(`message ${number}`);
  await until("the message", async () => (await ben.run(() => window.shown.length)) >= number);
}
const pressed = await ada.run(() => window.pressed);
const shown = await ben.run(() => window.shown);
const times = shown.map((at, index) => at - pressed[index]).toSorted((a, b) => a - b);
const part = (share) =>
  times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(0);
console.log(
  `${times.length} messages, Enter to visible: p50 ${part(0.5)} ms, p99 ${part(0.99)} ms, worst ${part(1)} ms`,
);
await Promise.all([ada.dispose(), ben.dispose()]);
process.exit(0);
