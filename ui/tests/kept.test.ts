/** What is handed on to be kept: drafts, preferences, and the saver below them. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Drafts } from "../src/state/drafts.svelte";
import { Prefs } from "../src/state/prefs.svelte";
import { Saver } from "../src/state/saver";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a saver", () => {
  test("hands on the newest, a while after the last change", async () => {
    const saved: string[] = [];
    const saver = new Saver<string>(async (text) => saved.push(text), 100);
    saver.put("h");
    await vi.advanceTimersByTimeAsync(99);
    saver.put("he");
    await vi.advanceTimersByTimeAsync(99);
    expect(saved).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(saved).toEqual(["he"]);
    expect(saver.dirty).toBe(false);
  });
  test("never has two on their way, and skips what is overtaken", async () => {
    const began: number[] = [];
    let done = () => {};
    const saver = new Saver<number>((value) => {
      began.push(value);
      return new Promise<void>((resolve) => (done = resolve));
    }, 0);
    for (const value of [1, 2, 3]) saver.put(value);
    expect(began).toEqual([1]);
    const flushed = saver.flush();
    done();
    await vi.advanceTimersByTimeAsync(0);
    expect(began).toEqual([1, 3]);
    done();
    await flushed;
    expect(saver.dirty).toBe(false);
  });
  test("goes on after a failure", async () => {
    const save = vi.fn().mockRejectedValueOnce(new Error("disk")).mockResolvedValue(undefined);
    const saver = new Saver<number>(save, 0);
    saver.put(1);
    await saver.flush();
    saver.put(2);
    await saver.flush();
    expect(save.mock.calls).toEqual([[1], [2]]);
  });
});

describe("drafts", () => {
  const drafts = (opened: Record<string, string> = {}) => {
    const saved: [string, string][] = [];
    const made = new Drafts({
      room: (id) => (id in opened ? { draft: opened[id] ?? "" } : undefined),
      save: async (room, text) => saved.push([room, text]),
    });
    return { made, saved };
  };
  test("begin with what the room was opened with, and nothing typed is overwritten", () => {
    const { made } = drafts({ r: "from before" });
    expect(made.of("r")).toBe("from before");
    made.set("r", "typed since");
    made.putBack("r", "could not be sent");
    expect(made.of("r")).toBe("could not be sent\ntyped since");
    made.set("r", "");
    expect(made.of("r")).toBe("");
  });
  test("are handed on a while after the last change, or at once when asked", async () => {
    const { made, saved } = drafts();
    made.set("r", "a");
    made.set("r", "ab");
    made.set("s", "x");
    expect(saved).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(saved).toEqual([
      ["r", "ab"],
      ["s", "x"],
    ]);
    made.set("r", "abc");
    await made.flush();
    expect(saved.at(-1)).toEqual(["r", "abc"]);
  });
  test("while an unsent message is edited what was typed waits, and both are written down", async () => {
    const { made, saved } = drafts();
    made.set("r", "typed");
    made.edit("r", "m1", "queued");
    expect([made.of("r"), made.editing("r")]).toEqual(["queued", "m1"]);
    await made.flush();
    expect(saved.at(-1)).toEqual(["r", "typed"]);
    made.set("r", "queued, better");
    await made.flush();
    expect(saved.at(-1)).toEqual(["r", "queued, better\ntyped"]);
    made.endEdit("r");
    await made.flush();
    expect([made.of("r"), made.editing("r")]).toEqual(["typed", null]);
    expect(saved.at(-1)).toEqual(["r", "typed"]);
  });
  test("what an edit changed is kept when another one begins", () => {
    const { made } = drafts();
    made.set("r", "typed");
    made.edit("r", "m1", "one");
    made.set("r", "one, better");
    made.edit("r", "m2", "two");
    expect(made.of("r")).toBe("two");
    made.endEdit("r");
    expect(made.of("r")).toBe("one, better\ntyped");
  });
  test("a room that was left begins with what it is opened with next", () => {
    const { made } = drafts({ r: "" });
    made.set("r", "thrown away");
    made.forget("r");
    expect(made.of("r")).toBe("");
  });
  test("those of an older version are taken over once, each when its room is there", async () => {
    localStorage.setItem("chatspot.drafts", JSON.stringify({ r: "old", s: "other", t: "mine" }));
    const { made, saved } = drafts({ r: "", t: "newer" });
    made.takeOver("r");
    made.takeOver("t");
    expect([made.of("r"), made.of("t")]).toEqual(["old", "newer"]);
    expect(localStorage.getItem("chatspot.drafts")).toBe(JSON.stringify({ s: "other" }));
    await made.flush();
    expect(saved).toEqual([["r", "old"]]);
    made.takeOver("s");
    expect(localStorage.getItem("chatspot.drafts")).toBeNull();
    made.set("r", "");
    made.takeOver("r");
    expect(made.of("r")).toBe("");
  });
  test("what was kept by somebody else's hand does no harm", () => {
    localStorage.setItem("chatspot.drafts", "[1, 2]");
    const { made } = drafts();
    made.takeOver("0");
    expect(made.of("0")).toBe("");
  });
});

describe("preferences", () => {
  const prefs = () => {
    const saved: string[] = [];
    return { made: new Prefs(async (text) => saved.push(text)), saved };
  };
  const latest = (saved: string[]) => JSON.parse(saved.at(-1) ?? "null");

  test("are taken from what was written down, and handed on when they change", async () => {
    const { made, saved } = prefs();
    made.take('{"theme":"dark","zoom":120,"sendKey":"ctrlEnter","members":false,"place":"r"}');
    expect(made).toMatchObject({ theme: "dark", zoom: 120, sendKey: "ctrlEnter", place: "r" });
    expect(made.members).toBe(false);
    made.theme = "light";
    made.zoomBy(1);
    await made.flush();
    expect(saved).toHaveLength(1);
    expect(latest(saved)).toEqual({
      theme: "light",
      zoom: 130,
      sendKey: "ctrlEnter",
      members: false,
      place: "r",
    });
  });
  test("only what the first frame needs is cached in the web view", () => {
    const { made } = prefs();
    made.take('{"theme":"dark","zoom":120,"sendKey":"ctrlEnter"}');
    expect(new Prefs(async () => {})).toMatchObject({ theme: "dark", zoom: 120, sendKey: "enter" });
    expect(Object.keys(localStorage).sort()).toEqual(["chatspot.theme", "chatspot.zoom"]);
  });
  test("settings of a later version are kept", async () => {
    const { made, saved } = prefs();
    made.take('{"theme":"dark","sounds":"quiet"}');
    made.theme = "light";
    await made.flush();
    expect(latest(saved)).toMatchObject({ theme: "light", sounds: "quiet" });
  });
  test("those of an older version are taken over once", async () => {
    for (const [key, value] of Object.entries({ theme: "dark", sendKey: "ctrlEnter", place: "r" }))
      localStorage.setItem(`chatspot.${key}`, JSON.stringify(value));
    localStorage.setItem("chatspot.members", "false");
    const { made, saved } = prefs();
    made.take("");
    await made.flush();
    expect(latest(saved)).toMatchObject({
      theme: "dark",
      sendKey: "ctrlEnter",
      members: false,
      place: "r",
    });
    expect(Object.keys(localStorage).sort()).toEqual(["chatspot.theme", "chatspot.zoom"]);
  });
  test("nothing is overwritten before it is known, nor while something is on its way", async () => {
    const { made, saved } = prefs();
    made.theme = "light";
    await made.flush();
    expect(saved).toEqual([]);
    made.take('{"theme":"dark"}');
    expect(made.theme).toBe("dark");
    made.theme = "light";
    made.take('{"theme":"dark"}');
    expect(made.theme).toBe("light");
  });
  test.each(["{", "[1]", '"x"', '{"theme":"purple","zoom":9000,"members":1}'])(
    "%s does no harm",
    (text) => {
      const { made } = prefs();
      made.take(text);
      expect(made).toMatchObject({ theme: "system", zoom: 100, members: true });
    },
  );
});
