/** The small parts of state: keys, typing notices, tags, the order of rooms. */
import { describe, expect, test } from "vitest";
import { LIMITS } from "../src/generated/protocol";
import type { Room } from "../src/state/chat.svelte";
import { groupsOf, neighbour } from "../src/state/groups";
import { commandOf, type Key, sends } from "../src/state/keys";
import { hueOf, initialsOf, tagOf } from "../src/state/member";
import { Prefs } from "../src/state/prefs.svelte";
import { TypingNotice } from "../src/state/typing";

const key = (name: string, more: Partial<Key> = {}): Key => ({
  key: name,
  keyCode: 0,
  isComposing: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...more,
});

describe("keys", () => {
  test.each<[string, Key, "enter" | "ctrlEnter", boolean]>([
    ["Enter sends", key("Enter"), "enter", true],
    ["Shift+Enter does not", key("Enter", { shiftKey: true }), "enter", false],
    ["Enter within a composition does not", key("Enter", { isComposing: true }), "enter", false],
    ["nor does WebKit's Enter that ends one", key("Enter", { keyCode: 229 }), "enter", false],
    ["swapped: Enter does not", key("Enter"), "ctrlEnter", false],
    ["swapped: Ctrl+Enter does", key("Enter", { ctrlKey: true }), "ctrlEnter", true],
    ["swapped: ⌘+Enter does", key("Enter", { metaKey: true }), "ctrlEnter", true],
    [
      "swapped: Ctrl+Enter within a composition does not",
      key("Enter", { ctrlKey: true, keyCode: 229 }),
      "ctrlEnter",
      false,
    ],
  ])("%s", (_, pressed, pref, expected) => expect(sends(pressed, pref)).toBe(expected));

  test("commands", () => {
    expect(commandOf(key("k", { ctrlKey: true }))).toEqual({ do: "switcher" });
    expect(commandOf(key("K", { metaKey: true }))).toEqual({ do: "switcher" });
    expect(commandOf(key("/", { ctrlKey: true }))).toEqual({ do: "shortcuts" });
    expect(commandOf(key("f", { ctrlKey: true }))).toEqual({ do: "search", everywhere: false });
    expect(commandOf(key("F", { metaKey: true, shiftKey: true }))).toEqual({
      do: "search",
      everywhere: true,
    });
    expect(commandOf(key("=", { ctrlKey: true }))).toEqual({ do: "zoom", steps: 1 });
    expect(commandOf(key("ArrowDown", { altKey: true, shiftKey: true }))).toEqual({
      do: "room",
      by: 1,
      unread: true,
    });
    expect(commandOf(key("k"))).toBeNull();
    expect(commandOf(key("k", { ctrlKey: true, isComposing: true }))).toBeNull();
  });
});

test("typing is told at once, then seldom, and its end once", () => {
  let now = 0;
  const said: boolean[] = [];
  const notice = new TypingNotice(
    (active) => said.push(active),
    () => now,
  );
  notice.stop();
  notice.typed("h");
  notice.typed("he");
  now = LIMITS.typingEveryMs;
  notice.typed("hel");
  notice.typed("  ");
  notice.stop();
  notice.typed("again");
  expect(said).toEqual([true, true, false, true]);
});

test("zoom has ends", () => {
  const prefs = new Prefs(async () => {});
  for (let step = 0; step < 50; step++) prefs.zoomBy(1);
  expect(prefs.zoom).toBe(200);
  prefs.zoomBy(0);
  expect(prefs.zoom).toBe(100);
});

test("a tag is the one that the Rust side gives", () => {
  // 32 bytes of 0xab: crates/protocol/src/ids.rs takes the first three in base 32, lower case, cut to four.
  expect(tagOf("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s")).toBe("vov2");
});

test("initials and hues", () => {
  expect(initialsOf("Ada")).toBe("A");
  expect(initialsOf("ada lovelace king")).toBe("AK");
  expect(initialsOf("👩🏽‍🚀")).toBe("👩🏽‍🚀");
  expect(hueOf("abc")).toBe(hueOf("abc"));
});

test("rooms are found in their groups and beside each other", () => {
  const room = (id: string, hosting: object | null = null) =>
    ({ room: id, hosting }) as unknown as Room;
  const [a, b, c] = [room("a"), room("b", {}), room("c")];
  const recent = (id: string) => ({
    room: id,
    name: id,
    address: "",
    joined_at: 0,
    kept: false,
    fingerprint: "",
    verified: "no" as const,
  });
  const groups = groupsOf([a, b, c], [recent("a"), recent("x")]);
  expect([groups.hosted, groups.joined, groups.recents.map(({ room }) => room)]).toEqual([
    [b],
    [a, c],
    ["x"],
  ]);
  const any = () => true;
  expect(neighbour([a, b, c], a, 1, any)).toBe(b);
  expect(neighbour([a, b, c], a, -1, any)).toBe(c);
  expect(neighbour([a, b, c], undefined, 1, any)).toBe(a);
  expect(neighbour([a, b, c], a, 1, (other) => other === c)).toBe(c);
  expect(neighbour([a], a, 1, any)).toBeUndefined();
  expect(neighbour([], undefined, 1, any)).toBeUndefined();
});
