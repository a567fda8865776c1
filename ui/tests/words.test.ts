/** The words: lists, folded notices, and that each failure says what happened and what to do next. */
import { expect, test } from "vitest";
import type { FailureCode, Trouble } from "../src/generated/protocol";
import { excerpt } from "../src/state/excerpt";
import { isDays, retentionOf, shortens } from "../src/state/retention";
import type { Deed } from "../src/state/timeline";
import { clock, day } from "../src/time";
import { rules } from "../src/transport/cast";
import {
  deed,
  failure,
  isolated,
  keptFor,
  list,
  move,
  trouble,
  typing,
  unreadCount,
} from "../src/words";

// Both lists are checked by the compiler: one that lacks a code, or has another, does not build.
const FAILURES = Object.keys({
  not_an_address: 0,
  wrong_scheme: 0,
  name_unknown: 0,
  nobody_answers: 0,
  not_chatspot: 0,
  relay_too_old: 0,
  client_too_old: 0,
  room_full: 0,
  no_such_room: 0,
  no_rooms: 0,
  empty: 0,
  too_long: 0,
  control: 0,
  no_name: 0,
  not_open: 0,
  outbox_full: 0,
  too_many_rooms: 0,
  no_port: 0,
  not_host: 0,
  storage: 0,
  disk_full: 0,
  newer_data: 0,
  data_in_use: 0,
  bad_link: 0,
  link_too_new: 0,
  room_not_there: 0,
  key_changed: 0,
  too_short: 0,
  wrong_passphrase: 0,
  not_an_identity: 0,
  keychain_locked: 0,
  keychain_empty: 0,
  unsafe_link: 0,
  not_allowed: 0,
  not_connected: 0,
  no_discovery: 0,
  internal: 0,
} satisfies Record<FailureCode, 0>) as FailureCode[];
const TROUBLES = Object.keys({
  name_unknown: 0,
  nobody_answers: 0,
  not_chatspot: 0,
  relay_too_old: 0,
  client_too_old: 0,
  no_such_room: 0,
  room_full: 0,
  lost: 0,
  silent: 0,
  too_slow: 0,
  relay_stopping: 0,
  host_closed: 0,
  replaced: 0,
  unauthenticated: 0,
  stopped: 0,
  key_changed: 0,
  banned: 0,
  kicked: 0,
  locked: 0,
  invite_needed: 0,
  bad_invite: 0,
  not_local: 0,
  denied: 0,
  slow_down: 0,
  not_saved: 0,
  protocol: 0,
} satisfies Record<Trouble, 0>) as Trouble[];

test.each([
  ...FAILURES.map((code) => [code, failure(code)] as const),
  ...TROUBLES.map((code) => [code, trouble(code)] as const),
])("%s: what happened, and what next", (_, told) => {
  expect(told.what).toMatch(/^[A-Z].*\.$/);
  expect(told.next).toMatch(/^[A-Z].*[.?]$/);
});

test("a code of a later version still says something", () => {
  expect(failure("from_the_future" as FailureCode)).toEqual(failure("internal"));
  expect(trouble("from_the_future" as Trouble)).toEqual(trouble("protocol"));
});

test.each([
  [["Ada"], "Ada"],
  [["Ada", "Ben"], "Ada and Ben"],
  [["Ada", "Ben", "Cleo"], "Ada, Ben and Cleo"],
  [["Ada", "Ben", "Cleo", "Dina"], "Ada, Ben and 2 others"],
  [["Ada", "Ben", "Cleo", "Dina", "Emil"], "Ada, Ben and 3 others"],
])("%j are listed as %s", (names, text) => expect(list(names)).toBe(text));

test("notices and typing", () => {
  expect(move("joined", ["Ada", "Ben", "C", "D", "E"])).toBe("Ada, Ben and 3 others joined");
  expect(move("by_passcode", ["Ada", "Ben"])).toBe("Ada and Ben joined with the passcode");
  expect(move("let_in", ["Ada", "Ben"], 3, "Cleo")).toBe("Cleo let Ada and Ben in");
  expect(move("visited", ["Ada"])).toBe("Ada joined and left");
  expect(typing([])).toBe("");
  expect(typing(["Ada"])).toBe("Ada is typing…");
  expect(typing(["Ada", "Ben"])).toBe("Ada and Ben are typing…");
  expect(typing(["A", "B", "C", "D"])).toBe("Several people are typing…");
});

test.each<[string, string, string]>([
  ["The quick brown fox", "QUICK", "The [quick] brown fox"],
  ["Crème brûlée, crème fraîche", "creme", "[Crème] brûlée, [crème] fraîche"],
  ["one two three", "three one", "[one] two [three]"],
  ["two\n  lines", "two lines", "[two lines]"],
  ["<b>bold</b>", "<b>", "[<b>]bold</b>"],
  ["nothing here", "zeppelin", "nothing here"],
  ["Straße und ﬁne", "fine", "Straße und [ﬁne]"],
])("%j searched for %j", (text, query, marked) => {
  const pieces = excerpt(text, query);
  expect(pieces.map(({ text, hit }) => (hit ? `[${text}]` : text)).join("")).toBe(marked);
});

test("a long text shows the part that was searched for", () => {
  const pieces = excerpt(`${"x ".repeat(500)}needle ${"y ".repeat(500)}`, "needle");
  const shown = pieces.map(({ text }) => text).join("");
  expect(shown.length).toBeLessThan(250);
  expect(shown).toMatch(/^….*needle.*…$/);
});

test("counts, rules and what they mean", () => {
  expect([unreadCount(998), unreadCount(999)]).toEqual(["998", "999+"]);
  expect([null, 0, 1, 30].map((days) => keptFor(retentionOf(days)))).toEqual([
    "",
    "Nothing kept",
    "Kept 1 day",
    "Kept 30 days",
  ]);
  expect(shortens(retentionOf(null), retentionOf(30))).toBe(true);
  expect(shortens(retentionOf(30), retentionOf(0))).toBe(true);
  expect(shortens(retentionOf(30), retentionOf(null))).toBe(false);
  expect(shortens(retentionOf(0), retentionOf(1))).toBe(false);
  expect([0, 1, 3650, 3651, 1.5].map(isDays)).toEqual([false, true, true, false, false]);
});

test.each<[Deed, string]>([
  [
    { deed: "settings", settings: rules(retentionOf(null), { locked: true }), before: rules() },
    "Ada locked the room",
  ],
  [
    { deed: "settings", settings: rules(retentionOf(0)), before: rules() },
    "Ada set nothing to be kept in this room",
  ],
  [
    {
      deed: "settings",
      settings: rules(retentionOf(7), { admission: "knock", slow: 30 }),
      before: null,
    },
    "Ada changed the rules: messages are kept for 7 days, newcomers knock and slow mode is 30 seconds",
  ],
  [
    {
      deed: "settings",
      settings: rules(),
      before: rules(retentionOf(null), { locked: true, slow: 5 }),
    },
    "Ada unlocked the room and turned slow mode off",
  ],
  [
    {
      deed: "settings",
      settings: rules(undefined, { hidden: true, slow: 5 }),
      before: rules(undefined, { hidden: false }),
    },
    "Ada hid the room from Rooms nearby and set slow mode to 5 seconds",
  ],
  [
    { deed: "settings", settings: rules(), before: rules(undefined, { hidden: true }) },
    "Ada let the room show under Rooms nearby",
  ],
  [
    { deed: "settings", settings: rules(undefined, { hidden: false }), before: rules() },
    "Ada left the room's rules as they are",
  ],
  [
    { deed: "settings", settings: rules(undefined, { hidden: true }), before: null },
    "Ada changed the rules: messages are kept for ever, newcomers need the passcode and the room is hidden from Rooms nearby",
  ],
  [{ deed: "role", member: "b", role: "owner" }, "Ada handed the room over to Ben"],
  [{ deed: "role", member: "b", role: "moderator" }, "Ada made Ben a moderator"],
  [
    { deed: "unproven" },
    "Something is said to be from Ada, but that is not proven: it changed nothing.",
  ],
  [{ deed: "moderated", member: "b", action: "unmute" }, "Ada let Ben write again"],
  [{ deed: "moderated", member: "b", action: "ban" }, "Ada banned Ben"],
  [{ deed: "renamed", from: "Eda" }, "Eda is now Ada"],
])("%j", (did, text) => expect(deed("Ada", did, "Ben", false)).toBe(text));

test("only names from right to left are set apart within a sentence", () => {
  expect(isolated("Ada")).toBe("Ada");
  expect(isolated("مريم")).toBe("\u2068مريم\u2069");
});

test("days are named from today", () => {
  const now = new Date(2030, 5, 3, 0, 30).getTime();
  expect(day(now, now)).toBe("Today");
  expect(day(now - 3_600_000, now)).toBe("Yesterday");
  expect(day(now - 40 * 86_400_000, now)).toMatch(/April|24/);
  expect(clock(now)).toContain("30");
});
