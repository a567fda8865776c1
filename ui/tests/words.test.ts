/** The words: lists, folded notices, and that each failure says what happened and what to do next. */
import { expect, test } from "vitest";
import type { FailureCode, Trouble } from "../src/generated/protocol";
import { clock, day } from "../src/time";
import { failure, isolated, list, move, trouble, typing } from "../src/words";

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
  storage: 0,
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
  expect(move("visited", ["Ada"])).toBe("Ada joined and left");
  expect(typing([])).toBe("");
  expect(typing(["Ada"])).toBe("Ada is typing…");
  expect(typing(["Ada", "Ben"])).toBe("Ada and Ben are typing…");
  expect(typing(["A", "B", "C", "D"])).toBe("Several people are typing…");
});

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
