/**
 * The part of a room's history that is shown: one stretch without holes, either up to the live end or somewhere in the
 * past. Pure: pages and live items are merged by their place, never twice and never out of order.
 */
import { type Item, LIMITS, type Page, type PageAt, type Place } from "../generated/protocol";

/** A part of a room's timeline without holes, and whether there is more on either side of it. */
export interface Shown {
  readonly items: readonly Item[];
  /** Whether this computer has more before it. */
  readonly older: boolean;
  /** Whether there is more after it: it stands in the past, and what comes in does not show. */
  readonly newer: boolean;
}

/** Items that are shown at first, and taken from the live end at each step back: some screens. */
export const STEP = 200;
/** Items kept before the unread line, so that it does not stand alone at the top. */
const BEFORE_LINE = 20;

/** Below zero when `one` comes first, above when `other` does. */
export function comparePlaces(one: Place, other: Place): number {
  return one.log - other.log || one.seq - other.seq;
}

/** The later of two places, where none is before all. */
export function later(one: Place | null, other: Place | null): Place | null {
  if (!one || !other) return one ?? other;
  return comparePlaces(one, other) < 0 ? other : one;
}

/** An item's place, if it is an event. */
export function placeOf(item: Item): Place | null {
  return item.item === "event" ? { log: item.log, seq: item.event.seq } : null;
}

/** The place of the first event. */
export function firstPlace(items: readonly Item[]): Place | null {
  const item = items.find((item) => item.item === "event");
  return item ? placeOf(item) : null;
}

/** The place of the last event. */
export function lastPlace(items: readonly Item[]): Place | null {
  const item = items.findLast((item) => item.item === "event");
  return item ? placeOf(item) : null;
}

/** Whether nothing came before these: they are empty, or begin with the very first event of the room. */
export function isWhole(items: readonly Item[]): boolean {
  const first = firstPlace(items);
  return first === null || (first.log === 1 && first.seq === 1);
}

/** A text that names a place, for keys. */
export function nameOf({ log, seq }: Place): string {
  return `${log}.${seq}`;
}

/** Where in its log an item stands: events at even numbers, the break before each at the odd one, a log's start first. */
function orderIn(item: Item): number {
  switch (item.item) {
    case "event":
      return 2 * item.event.seq;
    case "gap":
      return 2 * item.before - 1;
    case "reset":
      return -1;
  }
}

function compare(one: Item, other: Item): number {
  return one.log - other.log || orderIn(one) - orderIn(other);
}

/** Both lists as one: in order, each place once, and no gap left where what was missing is there now. */
export function union(one: readonly Item[], other: readonly Item[]): readonly Item[] {
  const [last, first] = [one.at(-1), other[0]];
  if (!last) return other;
  if (!first) return one;
  const all = compare(last, first) < 0 ? [...one, ...other] : [...one, ...other].sort(compare);
  return all.filter((item, at) => {
    const before = all[at - 1];
    if (!before) return true;
    if (compare(before, item) === 0) return false;
    // A gap ends right before an event; whoever stands right before that one fills it.
    return !(
      item.item === "gap" &&
      before.item === "event" &&
      before.log === item.log &&
      before.event.seq + 1 === item.before
    );
  });
}

/** The live end as a stretch: its last {@link STEP}, more when that is needed to hold `line` and a little before it. */
export function endOf(live: readonly Item[], older: boolean, line: Place | null): Shown {
  let from = Math.max(0, live.length - STEP);
  if (line) {
    const at = live.findIndex((item) => {
      const place = placeOf(item);
      return place !== null && comparePlaces(place, line) > 0;
    });
    if (at >= 0) from = Math.min(from, Math.max(0, at - BEFORE_LINE));
  }
  return { items: live.slice(from), older: older || from > 0, newer: false };
}

/** What stands before the stretch and is still in memory, as a page; none when the disk must be asked. */
export function pageOfLive(shown: Shown, live: readonly Item[], older: boolean): Page | null {
  const first = shown.items[0];
  if (!first) return null;
  const at = live.findIndex((item) => compare(item, first) >= 0);
  if (at <= 0) return null;
  const from = Math.max(0, at - STEP);
  return { items: live.slice(from, at), older: older || from > 0, newer: true };
}

/**
 * The stretch after a page came in. A page before or after a place that is no longer the stretch's edge is thrown away:
 * it was asked for before something else happened. `live` is the end as it is known now, which may have grown while
 * the page was read.
 */
export function withPage(
  shown: Shown | null,
  at: PageAt,
  page: Page,
  live: readonly Item[],
): Shown | null {
  // A page without anything in it, and yet more beyond, would be asked for again for ever.
  const goesOn = page.items.length > 0;
  switch (at.at) {
    case "before": {
      if (!shown || !isAt(firstPlace(shown.items), at.place)) return shown;
      const items = union(page.items, shown.items);
      const over = items.length > LIMITS.windowItems;
      return {
        items: over ? items.slice(0, LIMITS.windowItems) : items,
        older: page.older && goesOn,
        newer: shown.newer || over,
      };
    }
    case "after": {
      if (!shown || !isAt(lastPlace(shown.items), at.place)) return shown;
      const items = union(shown.items, page.items);
      return reachEnd({ items, older: shown.older, newer: page.newer && goesOn }, live);
    }
    case "around":
    case "latest":
      return reachEnd({ ...page, newer: page.newer && goesOn }, live);
  }
}

function isAt(place: Place | null, other: Place): boolean {
  return place !== null && comparePlaces(place, other) === 0;
}

/** Joins a stretch with the live end where the two meet. */
function reachEnd(shown: Shown, live: readonly Item[]): Shown {
  const [end, from, to] = [lastPlace(shown.items), firstPlace(live), lastPlace(live)];
  let joined = shown;
  if (!from || !to || (end && comparePlaces(end, to) >= 0)) {
    // It reaches the end, or beyond what was told live so far.
  } else if (!end) {
    joined = { items: live, older: true, newer: false };
  } else if (end.log === from.log ? end.seq + 1 >= from.seq : end.log > from.log) {
    const rest = live.slice(indexAfter(live, end));
    joined = { ...shown, items: union(shown.items, rest), newer: false };
  } else {
    // It ends before the live end begins: what is between is still to be read.
    joined = { ...shown, newer: true };
  }
  if (joined.items.length <= LIMITS.windowItems) return joined;
  // With room for what comes in next, or one message would put it into the past again.
  return { ...joined, items: joined.items.slice(STEP - LIMITS.windowItems), older: true };
}

function indexAfter(items: readonly Item[], place: Place): number {
  return (
    1 +
    items.findLastIndex((item) => {
      const other = placeOf(item);
      return other !== null && comparePlaces(other, place) <= 0;
    })
  );
}

/**
 * The stretch after something came in live. One that has no room left keeps what is being read, and stands in the past
 * from then on.
 */
export function withLive(shown: Shown, fresh: readonly Item[]): Shown {
  if (shown.newer) return shown;
  const items = union(shown.items, fresh);
  return items.length > LIMITS.windowItems ? { ...shown, newer: true } : { ...shown, items };
}

/** The stretch after history was deleted and `live` was left of the end, with or without more before it. */
export function withCut(shown: Shown, live: readonly Item[], older: boolean): Shown {
  // With more before the end it is unknown what is left of that: it has to be read again, by whoever shows it.
  if (older) return shown;
  const first = live[0];
  const left = first ? shown.items.filter((item) => compare(item, first) >= 0) : [];
  return left.length > 0 ? { ...shown, items: left, older: false } : endOf(live, false, null);
}
