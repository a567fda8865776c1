/**
 * Lays a stretch of the timeline out into rows: days, blocks of one author, folded comings and goings, the unread line.
 * Pure: same items, same rows. Words and looks are given to the rows elsewhere.
 */
import type {
  ClientId,
  Item,
  MemberId,
  Moderation,
  Pending,
  PendingState,
  Place,
  Proof,
  Rich,
  Role,
  RoomSettings,
  Target,
  Via,
} from "../generated/protocol";
import { comparePlaces, nameOf, placeOf } from "./window";

/** Messages of one author this close together stand in one block. */
export const BLOCK_MS = 5 * 60_000;
/** Somebody who left and came back within this is not mentioned: that is a connection's trouble, not news. */
export const QUICK_RETURN_MS = 5 * 60_000;

/** One message of a block. */
export interface Message {
  readonly key: string;
  readonly text: string;
  /** What it says as a tree, where it is more than plain text. */
  readonly rich: Rich | null;
  /** What names it to the room. */
  readonly target: Target;
  /** Who deleted it; nobody knows what it said then. */
  readonly deleted: Named | null;
  /** When it was committed; for one that is on its way, when it was written. */
  readonly at: number;
  /** Where it stands in the history; none while it is on its way. */
  readonly place: Place | null;
  /** Set while it is on its way. */
  readonly pending: { readonly id: ClientId; readonly state: PendingState } | null;
}

/** Somebody in a notice. */
export interface Named {
  readonly author: MemberId;
  readonly name: string;
}

/** How somebody's presence changed over a run of comings and goings. */
export type Move =
  | "joined"
  | "by_passcode"
  | "by_invite"
  | "let_in"
  | "left"
  | "lost"
  | "visited"
  | "returned";

/** Those of a run who moved the same way; the last is who let them in. */
export type Moved = readonly [Move, readonly Named[], MemberId | null];

/** A row of the timeline. Keys are unique within one layout and stay with what they name. */
export type Row = { readonly key: string } & (
  | { readonly row: "day"; readonly at: number }
  | { readonly row: "unread" }
  | {
      readonly row: "block";
      readonly author: MemberId;
      readonly name: string;
      readonly mine: boolean;
      /** Whether the author is proven to have said it; if not, it stands apart and looks like nobody's. */
      readonly proven: boolean;
      readonly at: number;
      readonly messages: readonly Message[];
    }
  | {
      readonly row: "moves";
      readonly at: number;
      readonly moves: readonly Moved[];
    }
  | { readonly row: "did"; readonly at: number; readonly who: Named; readonly did: Deed }
  | { readonly row: "reset" }
  | { readonly row: "gap" }
);

/** What somebody did that is told in one line. */
export type Deed =
  | { readonly deed: "renamed"; readonly from: string }
  | {
      readonly deed: "settings";
      readonly settings: RoomSettings;
      /** What held before, if that is known. */
      readonly before: RoomSettings | null;
    }
  | { readonly deed: "edited" | "deleted"; readonly whose: MemberId }
  | { readonly deed: "reacted"; readonly reaction: string; readonly active: boolean }
  | { readonly deed: "moderated"; readonly member: MemberId; readonly action: Moderation }
  | { readonly deed: "role"; readonly member: MemberId; readonly role: Role }
  /** Something that bears no proof of its author has no effect. */
  | { readonly deed: "unproven" }
  | { readonly deed: "unknown" };

/** What to lay out. */
export interface Stretch {
  /** The items to show. */
  readonly items: readonly Item[];
  /** Items that may be about those that show: what was deleted later must not be read. */
  readonly live?: readonly Item[];
  /** Whether there is more before them. */
  readonly older: boolean;
  /** Own messages on their way, which stand at the end. */
  readonly outbox: readonly Pending[];
  readonly me: Named;
  /** The place after which the unread line stands, when it is to be shown. */
  readonly readTo: Place | null;
}

// Asking a Date for its day is slow, and nearly every time that is asked about is of the same day as the one before.
let lastDay = { from: 0, to: 0, day: "" };

/** The local calendar day of a time, as a text that equals that of every other time of the same day. */
export function dayOf(at: number): string {
  if (at < lastDay.from || at >= lastDay.to) {
    const date = new Date(at);
    const day = `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
    lastDay = { from: date.setHours(0, 0, 0, 0), to: date.setHours(24, 0, 0, 0), day };
  }
  return lastDay.day;
}

/** The rows of a stretch. */
export function layOut(stretch: Stretch): Row[] {
  const rows = new Rows(stretch.me.author, deletions(stretch), said(stretch.items));
  // A line that belongs further up than what is shown does not show.
  let line = stretch.older ? null : stretch.readTo;
  for (const item of stretch.items) {
    const place = placeOf(item);
    if (place && stretch.readTo) {
      if (comparePlaces(place, stretch.readTo) <= 0) {
        line = stretch.readTo;
      } else if (line) {
        rows.unread();
        line = null;
      }
    }
    if (item.item === "event") rows.event(item);
    else if (item.item === "reset") rows.add({ row: "reset", key: `reset ${item.log}` });
    else rows.add({ row: "gap", key: `gap ${item.log}.${item.before}` });
  }
  // Other things on their way show once they are done.
  for (const { id, submission, at, state, rich } of stretch.outbox)
    if (submission.kind === "message")
      rows.message(stretch.me, "author", {
        key: `${stretch.me.author} ${id}`,
        text: submission.text,
        rich,
        target: { author: stretch.me.author, id },
        deleted: null,
        at,
        place: null,
        pending: { id, state },
      });
  return rows.done();
}

const keyOf = ({ author, id }: Target) => `${author} ${id}`;

/** Which messages were deleted, and by whom. What is not proven deletes nothing. */
function deletions({ items, live = [] }: Stretch): ReadonlyMap<string, Named> {
  const deleted = new Map<string, Named>();
  for (const item of [...items, ...(live === items ? [] : live)])
    if (item.item === "event" && item.event.kind === "deleted" && item.proof !== "missing") {
      const { author, name, target } = item.event;
      const key = keyOf(target);
      if (!deleted.has(key)) deleted.set(key, { author, name });
    }
  return deleted;
}

/** The messages of a stretch. */
function said(items: readonly Item[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const item of items)
    if (item.item === "event" && item.event.kind === "message") keys.add(keyOf(item.event));
  return keys;
}

/** `after`, with every row and message that is as it was `before` replaced by that very object: drawn once is enough. */
export function keepSame(before: readonly Row[], after: readonly Row[]): Row[] {
  const known = new Map(before.map((row) => [row.key, row]));
  return after.map((row) => {
    const old = known.get(row.key);
    if (row.row !== "block")
      return JSON.stringify(old) === JSON.stringify(row) ? (old ?? row) : row;
    if (old?.row !== "block") return row;
    const messages = row.messages.map((message, at) => {
      const was = old.messages[at];
      return was && sameMessage(was, message) ? was : message;
    });
    const same =
      old.name === row.name &&
      old.mine === row.mine &&
      old.proven === row.proven &&
      old.at === row.at &&
      old.messages.length === messages.length &&
      messages.every((message, at) => message === old.messages[at]);
    return same ? old : { ...row, messages };
  });
}

function sameMessage(one: Message, other: Message): boolean {
  return (
    one.key === other.key &&
    one.text === other.text &&
    (one.rich === null) === (other.rich === null) &&
    one.deleted?.author === other.deleted?.author &&
    one.deleted?.name === other.deleted?.name &&
    one.at === other.at &&
    one.place?.log === other.place?.log &&
    one.place?.seq === other.place?.seq &&
    one.pending?.state === other.pending?.state
  );
}

type Block = Extract<Row, { row: "block" }> & { messages: Message[] };
interface Course extends Named {
  readonly first: "joined" | "left";
  readonly leftAt: number;
  readonly via: Via | null;
  last: "joined" | "left" | "lost";
  at: number;
}

class Rows {
  readonly #me: MemberId;
  readonly #deleted: ReadonlyMap<string, Named>;
  readonly #said: ReadonlySet<string>;
  readonly #rows: Row[] = [];
  readonly #keys = new Set<string>();
  #day = "";
  #block: Block | null = null;
  #run: { key: string; at: number; members: Map<MemberId, Course> } | null = null;
  #rules: RoomSettings | null = null;

  constructor(me: MemberId, deleted: ReadonlyMap<string, Named>, shown: ReadonlySet<string>) {
    this.#me = me;
    this.#deleted = deleted;
    this.#said = shown;
  }

  event({ event, log, proof, rich }: Extract<Item, { item: "event" }>): void {
    const who = { author: event.author, name: event.name };
    const place = { log, seq: event.seq };
    const did = (deed: Deed) =>
      this.add({ row: "did", key: `did ${nameOf(place)}`, at: event.at, who, did: deed });
    if (proof === "missing" && event.kind !== "message") return did({ deed: "unproven" });
    switch (event.kind) {
      case "message":
        return this.message(who, proof, {
          key: keyOf(event),
          text: event.text,
          rich,
          target: { author: event.author, id: event.id },
          deleted: this.#deleted.get(keyOf(event)) ?? null,
          at: event.at,
          place,
          pending: null,
        });
      case "joined":
        return this.#move(who, "joined", event.at, place, event.via);
      case "left":
        return this.#move(who, event.how, event.at, place, null);
      case "renamed":
        return did({ deed: "renamed", from: event.from });
      case "settings": {
        const before = this.#rules;
        this.#rules = event.settings;
        return did({ deed: "settings", settings: event.settings, before });
      }
      case "deleted":
        // It shows where the message was.
        if (this.#said.has(keyOf(event.target))) return;
        return did({ deed: "deleted", whose: event.target.author });
      case "edited":
        return did({ deed: "edited", whose: event.target.author });
      case "reacted":
        return did({ deed: "reacted", reaction: event.reaction, active: event.active });
      case "moderated":
        return did({ deed: "moderated", member: event.member, action: event.action });
      case "role":
        return did({ deed: "role", member: event.member, role: event.role });
      case "unknown":
        return did({ deed: "unknown" });
      default:
        event satisfies never;
    }
  }

  message(who: Named, proof: Proof, message: Message): void {
    const proven = proof !== "missing";
    const keyed = { ...message, key: this.#unique(message.key) };
    const block = this.#block;
    const before = block?.messages.at(-1);
    if (
      block &&
      before &&
      this.#run === null &&
      block.author === who.author &&
      block.name === who.name &&
      block.proven === proven &&
      dayOf(message.at) === this.#day &&
      Math.abs(message.at - before.at) <= BLOCK_MS
    ) {
      block.messages.push(keyed);
      return;
    }
    this.#endRun();
    this.#date(message.at);
    this.#block = {
      row: "block",
      key: `block ${keyed.key}`,
      ...who,
      mine: proven && who.author === this.#me,
      proven,
      at: message.at,
      messages: [keyed],
    };
    this.#rows.push(this.#block);
  }

  /** A row that stands for itself. */
  add(row: Row): void {
    this.#endRun();
    if ("at" in row) this.#date(row.at);
    this.#block = null;
    this.#rows.push(row);
  }

  unread(): void {
    this.add({ row: "unread", key: "unread" });
  }

  done(): Row[] {
    this.#endRun();
    return this.#rows;
  }

  #move(who: Named, how: Course["last"], at: number, place: Place, via: Via | null): void {
    if (this.#run && dayOf(this.#run.at) !== dayOf(at)) this.#endRun();
    this.#run ??= { key: `moves ${nameOf(place)}`, at, members: new Map() };
    const course = this.#run.members.get(who.author);
    if (course) Object.assign(course, { last: how, at, name: who.name });
    else
      this.#run.members.set(who.author, {
        ...who,
        first: how === "joined" ? "joined" : "left",
        leftAt: at,
        via,
        last: how,
        at,
      });
  }

  #endRun(): void {
    const run = this.#run;
    this.#run = null;
    if (!run) return;
    const moves = new Map<string, [Move, Named[], MemberId | null]>();
    for (const course of run.members.values()) {
      const move = moveOf(course);
      if (move === null) continue;
      const named = { author: course.author, name: course.name };
      const by = move === "let_in" && course.via?.by === "knock" ? course.via.admitted_by : null;
      const same = moves.get(`${move} ${by}`);
      if (same) same[1].push(named);
      else moves.set(`${move} ${by}`, [move, [named], by]);
    }
    if (moves.size === 0) return;
    this.#date(run.at);
    this.#block = null;
    this.#rows.push({ row: "moves", key: run.key, at: run.at, moves: [...moves.values()] });
  }

  #date(at: number): void {
    const day = dayOf(at);
    if (day === this.#day) return;
    this.#day = day;
    this.#rows.push({ row: "day", key: this.#unique(`day ${day}`), at });
  }

  // A relay that repeats an id, or a clock that goes back a day, must not end up as two rows with one key.
  #unique(key: string): string {
    let unique = key;
    for (let copy = 2; this.#keys.has(unique); copy++) unique = `${key} ${copy}`;
    this.#keys.add(unique);
    return unique;
  }
}

function moveOf(course: Course): Move | null {
  if (course.first === "joined") return course.last === "joined" ? cameBy(course.via) : "visited";
  if (course.last !== "joined") return course.last;
  return course.at - course.leftAt <= QUICK_RETURN_MS ? null : "returned";
}

/** The way by which somebody new came in; a member who is back just joined. */
function cameBy(via: Via | null): Move {
  switch (via?.by) {
    case "passcode":
      return "by_passcode";
    case "invite":
      return "by_invite";
    case "knock":
      return "let_in";
    default:
      return "joined";
  }
}
