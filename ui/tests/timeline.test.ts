/** The layout of the timeline: blocks, days, folded notices, the unread line, keys. */
import { describe, expect, test } from "vitest";
import type { Event, Item, Pending } from "../src/generated/protocol";
import { BLOCK_MS, keepSame, layOut, QUICK_RETURN_MS, type Row } from "../src/state/timeline";

const NOON = new Date(2030, 5, 3, 12).getTime();
const DAY = 24 * 60 * 60_000;

type Said = Partial<Event> & { kind: Event["kind"] };
let seq = 0;
function item(author: string, at: number, event: Said): Item {
  seq += 1;
  return {
    item: "event",
    epoch: "e",
    event: { seq, at, author, name: author.toUpperCase(), ...event } as Event,
  };
}
const says = (author: string, at: number, text = "hi", id = `id${seq}`) =>
  item(author, at, { kind: "message", id, text });
const joins = (author: string, at = NOON) => item(author, at, { kind: "joined" });
const leaves = (author: string, at = NOON, how: "left" | "lost" = "left") =>
  item(author, at, { kind: "left", how });

function rowsOf(
  items: Item[],
  more: { unreadFrom?: number; outbox?: Pending[]; base?: number } = {},
): Row[] {
  return layOut({
    items,
    base: more.base ?? 0,
    outbox: more.outbox ?? [],
    me: { author: "me", name: "ME" },
    unreadFrom: more.unreadFrom ?? null,
  });
}
/** A layout as a short text: what the tests compare. */
function shape(rows: Row[]): string[] {
  return rows.map((row) => {
    switch (row.row) {
      case "block":
        return `${row.author}: ${row.messages.map(({ text, pending }) => (pending ? `(${text})` : text)).join(" / ")}`;
      case "moves":
        return [...row.moves]
          .map(([move, who]) => `${who.map(({ author }) => author).join("+")} ${move}`)
          .join(", ");
      case "renamed":
        return `${row.from} > ${row.who.name}`;
      default:
        return row.row;
    }
  });
}
const check = (rows: Row[], ...expected: string[]) => expect(shape(rows)).toEqual(expected);

describe("blocks", () => {
  test("one author's messages close together stand in one block", () => {
    check(
      rowsOf([says("a", NOON, "1"), says("a", NOON + BLOCK_MS, "2"), says("b", NOON, "3")]),
      "day",
      "a: 1 / 2",
      "b: 3",
    );
  });
  test("a pause longer than five minutes begins a new block", () => {
    check(
      rowsOf([says("a", NOON, "1"), says("a", NOON + BLOCK_MS + 1, "2")]),
      "day",
      "a: 1",
      "a: 2",
    );
  });
  test("the pause counts from the last message, not from the block's first", () => {
    check(
      rowsOf([
        says("a", NOON, "1"),
        says("a", NOON + BLOCK_MS, "2"),
        says("a", NOON + 2 * BLOCK_MS, "3"),
      ]),
      "day",
      "a: 1 / 2 / 3",
    );
  });
  test("another name begins a new block, so that each text stands under the name it was said by", () => {
    check(
      rowsOf([
        says("a", NOON, "1"),
        item("a", NOON, { kind: "message", id: "x", text: "2", name: "Other" }),
      ]),
      "day",
      "a: 1",
      "a: 2",
    );
  });
  test("a notice between them begins a new block", () => {
    check(
      rowsOf([says("a", NOON, "1"), joins("b"), says("a", NOON, "2")]),
      "day",
      "a: 1",
      "b joined",
      "a: 2",
    );
  });
  test("a run that cancels out still parts what it stood between", () => {
    check(
      rowsOf([says("a", NOON, "1"), leaves("b"), joins("b"), says("a", NOON, "2")]),
      "day",
      "a: 1",
      "a: 2",
    );
  });
  test("own messages on their way continue the last own block", () => {
    const outbox: Pending[] = [{ id: "p", text: "2", at: NOON + 1, state: { state: "queued" } }];
    const rows = rowsOf([item("me", NOON, { kind: "message", id: "x", text: "1" })], { outbox });
    check(rows, "day", "me: 1 / (2)");
    expect(rows.at(-1)).toMatchObject({ mine: true });
  });
});

describe("days", () => {
  test("each day begins with a rule, and parts a block", () => {
    check(
      rowsOf([says("a", NOON + DAY / 2 - 1, "1"), says("a", NOON + DAY / 2, "2")]),
      "day",
      "a: 1",
      "day",
      "a: 2",
    );
  });
  test("a day on which nothing is shown gets no rule", () => {
    check(
      rowsOf([
        says("a", NOON, "1"),
        leaves("b", NOON + DAY),
        joins("b", NOON + DAY),
        says("a", NOON + 2 * DAY, "2"),
      ]),
      "day",
      "a: 1",
      "day",
      "a: 2",
    );
  });
  test("a clock that goes back a day breaks no key", () => {
    const rows = rowsOf([says("a", NOON + DAY), says("a", NOON), says("a", NOON + DAY)]);
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
  });
});

describe("comings and goings", () => {
  const cases: [string, Item[], string[]][] = [
    ["several joined", [joins("a"), joins("b"), joins("c")], ["a+b+c joined"]],
    ["joined and left is one part", [joins("a"), leaves("a")], ["a visited"]],
    [
      "joined, left and joined again is joined",
      [joins("a"), leaves("a"), joins("a")],
      ["a joined"],
    ],
    ["a quick return is not mentioned", [leaves("a"), joins("a")], []],
    [
      "a quick return after a lost connection is not mentioned",
      [leaves("a", NOON, "lost"), joins("a")],
      [],
    ],
    ["a late return is", [leaves("a"), joins("a", NOON + QUICK_RETURN_MS + 1)], ["a returned"]],
    ["a return that leaves again is left", [leaves("a"), joins("a"), leaves("a")], ["a left"]],
    [
      "leaving and losing the connection are told apart",
      [leaves("a"), leaves("b", NOON, "lost")],
      ["a left, b lost"],
    ],
    [
      "a mix keeps the order in which it began",
      [joins("a"), leaves("b"), joins("c")],
      ["a+c joined, b left"],
    ],
  ];
  test.each(cases)("%s", (_, items, expected) => {
    expect(shape(rowsOf(items)).filter((row) => row !== "day")).toEqual(expected);
  });
  test("a run ends at midnight", () => {
    check(rowsOf([joins("a", NOON), joins("b", NOON + DAY)]), "day", "a joined", "day", "b joined");
  });
  test("a rename stands for itself", () => {
    check(
      rowsOf([joins("a"), item("a", NOON, { kind: "renamed", from: "Old" }), joins("b")]),
      "day",
      "a joined",
      "Old > A",
      "b joined",
    );
  });
});

describe("the rest", () => {
  test("resets, gaps and kinds of a later version keep their place", () => {
    check(
      rowsOf([
        says("a", NOON, "1"),
        { item: "gap", epoch: "e" },
        { item: "reset", epoch: "f" },
        item("a", NOON, { kind: "unknown" }),
      ]),
      "day",
      "a: 1",
      "gap",
      "reset",
      "unknown",
    );
  });
  test("the unread line parts blocks and runs exactly where reading stopped", () => {
    check(
      rowsOf([says("a", NOON, "1"), says("a", NOON, "2")], { unreadFrom: 1 }),
      "day",
      "a: 1",
      "unread",
      "a: 2",
    );
    check(
      rowsOf([joins("a"), joins("b")], { unreadFrom: 1 }),
      "day",
      "a joined",
      "unread",
      "b joined",
    );
  });
  test("the unread line goes by the running number, wherever the stretch begins", () => {
    check(
      rowsOf([says("a", NOON, "1"), says("b", NOON, "2")], { base: 40, unreadFrom: 41 }),
      "day",
      "a: 1",
      "unread",
      "b: 2",
    );
    check(rowsOf([says("a", NOON, "1")], { base: 40, unreadFrom: 3 }), "day", "a: 1");
  });
  test("a message keeps its key when it is committed", () => {
    const outbox: Pending[] = [{ id: "x", text: "1", at: NOON, state: { state: "sending" } }];
    const keys = (rows: Row[]) =>
      rows.flatMap((row) =>
        row.row === "block" ? [row.key, ...row.messages.map(({ key }) => key)] : [],
      );
    expect(keys(rowsOf([item("me", NOON, { kind: "message", id: "x", text: "1" })]))).toEqual(
      keys(rowsOf([], { outbox })),
    );
  });
  test("a relay that repeats an id breaks no key", () => {
    const rows = rowsOf([
      says("a", NOON, "1", "same"),
      says("a", NOON, "2", "same"),
      says("b", NOON, "3", "same"),
      { item: "reset", epoch: "f" },
      says("a", NOON, "1", "same"),
    ]);
    const keys = rows.flatMap((row) => [
      row.key,
      ...(row.row === "block" ? row.messages.map(({ key }) => `m ${key}`) : []),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });
  test("rows that did not change stay the very same objects, and others do not", () => {
    const items = [joins("a"), says("a", NOON, "1"), says("b", NOON, "2")];
    const before = rowsOf(items);
    const after = rowsOf([...items, says("b", NOON, "3")]);
    const kept = keepSame(before, after);
    expect(kept).toEqual(after);
    expect(kept.map((row, at) => row === before[at])).toEqual([true, true, true, false]);
    const [was, is] = [before[3], kept[3]];
    expect(was?.row === "block" && is?.row === "block" && was.messages[0] === is.messages[0]).toBe(
      true,
    );
  });
  test("a state that changes is a change", () => {
    const sent = (state: "queued" | "sending"): Pending[] => [
      { id: "p", text: "1", at: NOON, state: { state } },
    ];
    const before = rowsOf([], { outbox: sent("queued") });
    const after = rowsOf([], { outbox: sent("sending") });
    expect(keepSame(before, after)).toEqual(after);
  });
  test("the same items give the same rows", () => {
    const items = [joins("a"), says("a", NOON, "1"), leaves("a")];
    expect(rowsOf(items)).toEqual(rowsOf(items));
  });
});
