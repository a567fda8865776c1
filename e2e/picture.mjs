/** Takes the README's picture of the real window: `node e2e/picture.mjs docs/window.png`, on a screen of its own. */
import { spawn } from "node:child_process";
import { scratch, start, until, Window } from "./window.mjs";

const [file] = process.argv.slice(2);
const manager = spawn("openbox", ["--sm-disable"], { stdio: "ignore" });
const people = {};
for (const name of ["Ada", "Ben", "Cleo"]) {
  const window = await Window.open(scratch(name));
  people[name] = window;
  await window.fill("name-field", name);
  await window.click("name-go");
  if (name === "Ada") {
    await window.click("door-host");
    await window.fill("host-name", "Workshop");
    await window.click("admission-open");
    await window.click("host-go");
  } else {
    await window.click("door-join");
    await window.fill("join-address", "127.0.0.1");
    await window.click("join-go");
  }
  await window.linked("online");
}
const said = [
  ["Ben", "Laser cutter is free until four if anybody wants it."],
  ["Ben", "Bed is levelled, lens cleaned."],
  [
    "Cleo",
    "Taking it at three. Ada, can you bring the 4 mm ply?\nSettings that worked last time: power 62 %, speed 18 mm/s, 2 passes",
  ],
  ["Ada", "Yes, two sheets. Where are the small screws?"],
  ["Ben", "Top shelf, the box marked M3 👍"],
  ["Ada", "Found them. Coffee in ten minutes?"],
];
for (const [name, text] of said) {
  await people[name].say(text);
  await people.Ada.sees("message", text.split("\n").at(-1).slice(0, 20));
}
await (await people.Cleo.browser.$('[data-testid="composer"]')).addValue("Sure, ");
await people.Ada.sees("typing", "Cleo is typing");
const found = start("xdotool", ["search", "--pid", String(people.Ada.pid()), "--name", "ChatSpot"]);
await found.ended;
const id = found.log.trim().split("\n").at(-1);
await start("xdotool", ["windowactivate", "--sync", id]).ended;
await until("Cleo to type on", async () => {
  await (await people.Cleo.browser.$('[data-testid="composer"]')).addValue("with milk ");
  return (await people.Ada.texts("typing")).some((text) => text.includes("Cleo"));
});
await start("import", ["-window", id, file]).ended;
await Promise.all(Object.values(people).map((window) => window.dispose()));
manager.kill();
process.exit(0);
