/** The part of the history that is shown: pages and live items in any order, and nothing is lost, doubled or misplaced. */
import { describe, expect, test } from "vitest";
import { type Item, LIMITS, type Page, type PageAt, type Place } from "../src/generated/protocol";
import { ChatState, type Room } from "../src/state/chat.svelte";
import { History } from "../src/state/history.svelte";
import {
  comparePlaces,
  firstPlace,
  lastPlace,
  placeOf,
  union,
  withPage,
} from "../src/state/window";
import { ben, opening, Story, view } from "../src/transport/cast";
import { Past } from "../src/transport/past";

/** A generator that gives the same numbers for the same seed: mulberry32. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below;
  };
}

const said = (count: number, from = 0): Item[] => {
  const story = new Story(0, from);
  for (let at = 0; at < count; at++) story.say(ben, `${from + at}`);
  return story.items;
};
const nameOf = (item: Item) =>
  item.item === "event" ? item.log * 1e6 + item.event.seq : `${item.item} ${JSON.stringify(item)}`;
const placesOf = (items: readonly Item[]) => items.map(nameOf);

/** A room with this history, of which the window was given the end, and a disk whose answers come when they are let. */
function roomWith(history: readonly Item[], live: number = LIMITS.viewItems) {
  const chat = new ChatState();
  const items = history.slice(-live);
  const open = { ...opening("r", "R", "a"), items, older: history.length > live };
  const snapshot = view({ rooms: [open] });
  chat.apply({ update: "snapshot", view: snapshot });
  const past = new Past(snapshot, { r: history });
  const waiting: (() => void)[] = [];
  const failing = { next: false };
  const asked: PageAt[] = [];
  const page = (room: string, at: PageAt) =>
    new Promise<Page>((done, fail) => {
      asked.push(at);
      const answer = past.page(room, at);
      const { next } = failing;
      waiting.push(() => (next ? fail({ code: "storage", message: "" }) : done(answer)));
    });
  const ui = { alert: null };
  const reader = new History({ page }, chat, ui);
  const room = chat.room("r") as Room;
  const answer = async () => {
    waiting.shift()?.();
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  const live_ = (...fresh: Item[]) => {
    past.append("r", fresh);
    chat.apply({
      update: "changes",
      changes: [{ change: "room", room: "r", what: "items", items: fresh }],
    });
  };
  return { chat, past, reader, room, answer, waiting, live: live_, failing, ui, asked };
}

/** That what is shown is a part of the whole history without a hole, and says the truth about its ends. */
function check(room: Room, all: readonly Item[], note: string): void {
  const { shown } = room;
  if (!shown) return;
  const [names, whole] = [placesOf(shown.items), placesOf(all)];
  const from = names.length > 0 ? whole.indexOf(names[0] as number) : whole.length;
  expect(from, `${note}: it begins with something known`).toBeGreaterThanOrEqual(0);
  expect(names, `${note}: a stretch of the history`).toEqual(
    whole.slice(from, from + names.length),
  );
  expect(names.length, `${note}: bounded`).toBeLessThanOrEqual(LIMITS.windowItems);
  if (!shown.newer) expect(from + names.length, `${note}: reaches the end`).toBe(whole.length);
  if (!shown.older) expect(from, `${note}: reaches the beginning`).toBe(0);
}

describe("pages and live items, in whatever order", () => {
  // What was once wrong stays in the list.
  test.each(Array.from({ length: 60 }, (_, seed) => seed))("seed %i", async (seed) => {
    const random = dice(seed);
    const below = (n: number) => Math.floor(random(n));
    let all: readonly Item[] = said(below(3_000));
    const play = roomWith(all, 1 + below(LIMITS.viewItems));
    const { room, reader, answer, live, past } = play;
    let seq = all.length;
    reader.open(room, null);
    for (let step = 0; step < 120; step++) {
      const what = below(8);
      if (what === 0) {
        const fresh = said(1 + below(random(1) < 0.1 ? 900 : 30), seq);
        seq += fresh.length;
        live(...fresh);
        all = past.items("r");
      } else if (what <= 2) reader.older(room);
      else if (what === 3) reader.newer(room);
      else if (what === 4 && seq > 0) reader.around(room, { log: 1, seq: 1 + below(seq) });
      else if (what === 5 && random(1) < 0.3) reader.latest(room);
      else await answer();
      check(room, all, `seed ${seed}, step ${step}`);
    }
    while (play.waiting.length > 0) await answer();
    check(room, all, `seed ${seed}, at last`);
    // From wherever it stands, going on leads to the end, and what comes in then is shown.
    for (let page = 0; room.shown?.newer && page < 40; page++) {
      reader.newer(room);
      await answer();
    }
    expect(room.shown?.newer ?? false).toBe(false);
    live(...said(1, seq));
    check(room, past.items("r"), `seed ${seed}, live again`);
  });
});

describe("the stretch that is shown", () => {
  const scrollTo = async (play: ReturnType<typeof roomWith>, pages: number) => {
    for (let page = 0; page < pages; page++) {
      play.reader.older(play.room);
      await play.answer();
    }
  };
  test("what is still in memory is not asked for", async () => {
    const play = roomWith(said(600));
    play.reader.open(play.room, null);
    await play.reader.older(play.room);
    expect(play.asked).toEqual([]);
    expect(play.room.shown?.items).toHaveLength(400);
    await play.reader.older(play.room);
    play.reader.older(play.room);
    expect(play.asked).toEqual([{ at: "before", place: { log: 1, seq: 101 } }]);
  });
  test("far back the newest part is dropped; what comes in then is found again further down", async () => {
    const play = roomWith(said(3_000));
    play.reader.open(play.room, null);
    await scrollTo(play, 9);
    expect(play.room.shown).toMatchObject({ newer: true, older: true });
    expect(play.room.shown?.items).toHaveLength(LIMITS.windowItems);
    play.live(...said(5, 3_000));
    while (play.room.shown?.newer) {
      play.reader.newer(play.room);
      await play.answer();
    }
    expect(lastPlace(play.room.shown?.items ?? [])).toEqual({ log: 1, seq: 3_005 });
    play.live(...said(1, 3_005));
    expect(lastPlace(play.room.shown?.items ?? [])).toEqual({ log: 1, seq: 3_006 });
  });
  test("what comes in while the last page is read is not lost", async () => {
    const play = roomWith(said(1_000));
    play.reader.around(play.room, { log: 1, seq: 850 });
    // The page was read from the disk before this came in, and arrives after it.
    play.live(...said(3, 1_000));
    await play.answer();
    expect(play.room.shown?.newer).toBe(false);
    expect(lastPlace(play.room.shown?.items ?? [])).toEqual({ log: 1, seq: 1_003 });
  });
  test("when the live end has gone on too far to be joined, the rest is read", async () => {
    const play = roomWith(said(1_000));
    play.reader.around(play.room, { log: 1, seq: 950 });
    play.live(...said(LIMITS.viewItems + 200, 1_000));
    await play.answer();
    expect(play.room.shown?.newer).toBe(true);
    expect(lastPlace(play.room.shown?.items ?? [])).toEqual({ log: 1, seq: 1_000 });
    play.reader.newer(play.room);
    await play.answer();
    expect(play.room.shown?.newer).toBe(false);
    check(play.room, play.past.items("r"), "joined");
  });
  test("an answer that comes after the window went elsewhere changes nothing", async () => {
    const play = roomWith(said(2_000));
    play.reader.around(play.room, { log: 1, seq: 300 });
    play.reader.around(play.room, { log: 1, seq: 1_200 });
    await play.answer();
    expect(play.room.shown).toBeNull();
    await play.answer();
    expect(firstPlace(play.room.shown?.items ?? [])).toEqual({ log: 1, seq: 1_100 });
    play.reader.older(play.room);
    play.reader.latest(play.room);
    const shown = play.room.shown;
    await play.answer();
    expect(play.room.shown).toBe(shown);
  });
  test("a page that cannot be read is told, and the room shows its end", async () => {
    const play = roomWith(said(2_000));
    play.failing.next = true;
    const opened = play.reader.open(play.room, { log: 1, seq: 40 });
    expect(play.room.shown).toBeNull();
    await play.answer();
    await opened;
    expect(play.ui.alert).toMatchObject({ code: "storage" });
    expect(play.room.shown).toMatchObject({ newer: false });
  });
  test("opens where reading stopped when that is further back than the live end", async () => {
    const play = roomWith(said(2_000));
    play.reader.open(play.room, { log: 1, seq: 700 });
    await play.answer();
    const places = play.room.shown?.items.map(placeOf) as Place[];
    expect(places.some((place) => comparePlaces(place, { log: 1, seq: 700 }) === 0)).toBe(true);
    expect(places[0]?.seq).toBeLessThan(700);
  });
  test("within the live end it opens with a little before the line, without asking", () => {
    const play = roomWith(said(2_000));
    play.reader.open(play.room, { log: 1, seq: 1_600 });
    expect(play.asked).toEqual([]);
    expect(firstPlace(play.room.shown?.items ?? [])).toEqual({ log: 1, seq: 1_581 });
  });
  test("older history that came in from the relay is gone on with", async () => {
    const play = roomWith(said(50), 50);
    play.reader.open(play.room, null);
    expect(play.room.shown?.older).toBe(false);
    play.chat.apply({
      update: "changes",
      changes: [{ change: "room", room: "r", what: "filled", older: true, filling: false }],
    });
    expect(play.room.shown?.older).toBe(true);
    play.reader.older(play.room);
    await play.answer();
    expect(play.room.shown?.older).toBe(false);
  });
  test("deleted history goes from what is shown", () => {
    const play = roomWith(said(300));
    play.reader.open(play.room, null);
    const left = play.room.items.slice(250);
    play.chat.apply({
      update: "changes",
      changes: [{ change: "room", room: "r", what: "cut", items: [...left], older: false }],
    });
    expect(play.room.shown).toMatchObject({ older: false, newer: false });
    expect(placesOf(play.room.shown?.items ?? [])).toEqual(placesOf(left));
    play.chat.apply({
      update: "changes",
      changes: [{ change: "room", room: "r", what: "cut", items: [], older: false }],
    });
    expect(play.room.shown?.items).toEqual([]);
    play.live(...said(1, 300));
    expect(play.room.shown?.items).toHaveLength(1);
  });
  test("an empty page does not go on for ever", () => {
    const shown = { items: said(3, 10), older: true, newer: false };
    const at = { at: "before", place: { log: 1, seq: 11 } } as const;
    const page = { items: [], older: true, newer: true };
    expect(withPage(shown, at, page, [])).toMatchObject({ older: false });
  });
});

describe("two parts as one", () => {
  const { items } = new Story(0).say(ben, "1").gap().say(ben, "42").reset().say(ben, "1'");
  test("breaks stand right before what they are about, and once", () => {
    expect(union(items.slice(2), items.slice(0, 4))).toEqual(items);
    expect(union(items, items)).toEqual(items);
  });
  test("a gap that was filled is no gap", () => {
    const filled = said(41);
    expect(union(items, filled).map(({ item }) => item)).not.toContain("gap");
  });
});
