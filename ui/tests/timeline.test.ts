/** The layout of the timeline: blocks, days, folded notices, the unread line, keys. */
import { describe, expect, test } from "vitest";
import type { Event, Item, Pending, Place } from "../src/generated/protocol";
import { BLOCK_MS, keepSame, layOut, QUICK_RETURN_MS, type Row } from "../src/state/timeline";
import { message, rules } from "../src/transport/cast";

const NOON = new Date(2030, 5, 3, 12).getTime();
const DAY = 24 * 60 * 60_000;

type Said = Partial<Event> & { kind: Event["kind"] };
let seq = 0;
function item(author: string, at: number, event: Said): Item {
  seq += 1;
  return {
    item: "event",
    log: 1,
    event: { seq, at, author, name: author.toUpperCase(), ...event } as Event,
    proof: "author",
    rich: null,
  };
}
const says = (author: string, at: number, text = "hi", id = `id${seq}`) =>
  item(author, at, { kind: "message", id, text });
const joins = (author: string, at = NOON) =>
  item(author, at, { kind: "joined", via: { by: "membership" }, role: "member" } as Said);
const leaves = (author: string, at = NOON, how: "left" | "lost" = "left") =>
  item(author, at, { kind: "left", how });

function rowsOf(
  items: Item[],
  more: { readTo?: Place; outbox?: Pending[]; older?: boolean } = {},
): Row[] {
  return layOut({
    items,
    older: more.older ?? false,
    outbox: more.outbox ?? [],
    me: { author: "me", name: "ME" },
    readTo: more.readTo ?? null,
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
      case "did":
        return row.did.deed === "renamed" ? `${row.did.from} > ${row.who.name}` : row.did.deed;
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
    const outbox: Pending[] = [{ ...message("p", "2"), at: NOON + 1, state: { state: "queued" } }];
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
        { item: "gap", log: 1, before: 50 },
        { item: "reset", log: 2 },
        item("a", NOON, { kind: "unknown" }),
      ]),
      "day",
      "a: 1",
      "gap",
      "reset",
      "unknown",
    );
  });
  const at = (event: Item): Place => {
    if (event.item !== "event") throw new Error("only events have a place");
    return { log: event.log, seq: event.event.seq };
  };
  test("the unread line parts blocks and runs exactly where reading stopped", () => {
    const said = [says("a", NOON, "1"), says("a", NOON, "2")] as const;
    check(rowsOf([...said], { readTo: at(said[0]) }), "day", "a: 1", "unread", "a: 2");
    const came = [joins("a"), joins("b")] as const;
    check(rowsOf([...came], { readTo: at(came[0]) }), "day", "a joined", "unread", "b joined");
  });
  test("a line that belongs further up shows only when nothing is further up any more", () => {
    const readTo = at(says("a", NOON, "0"));
    const said = [says("a", NOON, "1"), says("b", NOON, "2")];
    check(rowsOf(said, { readTo, older: true }), "day", "a: 1", "b: 2");
    check(rowsOf(said, { readTo, older: false }), "unread", "day", "a: 1", "b: 2");
  });
  test("everything read: no line", () => {
    const said = [says("a", NOON, "1"), says("a", NOON, "2")] as const;
    check(rowsOf([...said], { readTo: at(said[1]) }), "day", "a: 1 / 2");
  });
  test("what was done to messages and the room is told in its place", () => {
    const target = { author: "b", id: "x" };
    check(
      rowsOf([
        says("a", NOON, "1"),
        item("a", NOON, { kind: "edited", id: "e", target, text: "2" } as Said),
        item("a", NOON, { kind: "deleted", id: "f", target } as Said),
        item("a", NOON, { kind: "reacted", id: "g", target, reaction: "+", active: true } as Said),
        item("a", NOON, { kind: "settings", id: "h", settings: rules() } as Said),
        item("a", NOON, { kind: "moderated", id: "i", member: "b", action: "ban" } as Said),
        says("a", NOON, "3"),
      ]),
      "day",
      "a: 1",
      "edited",
      "deleted",
      "reacted",
      "settings",
      "moderated",
      "a: 3",
    );
  });
  test("other things than messages on their way do not show yet", () => {
    const pending = (submission: Pending["submission"]): Pending => ({
      id: "p",
      submission,
      at: NOON,
      state: { state: "queued" },
      rich: null,
    });
    expect(
      rowsOf([], { outbox: [pending({ kind: "settings", id: "p", settings: rules() })] }),
    ).toEqual([]);
  });
  test("a message keeps its key when it is committed", () => {
    const outbox: Pending[] = [{ ...message("x", "1"), at: NOON, state: { state: "sending" } }];
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
      { item: "reset", log: 2 },
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
      { ...message("p", "1"), at: NOON, state: { state } },
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
