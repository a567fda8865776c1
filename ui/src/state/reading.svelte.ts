/**
 * Where the unread line stands, and what was seen here a moment ago. How far a room was read is kept by the other side
 * of the transport, and outlives this window.
 */
import { SvelteMap } from "svelte/reactivity";
import type { Place, RoomId } from "../generated/protocol";
import type { Room } from "./chat.svelte";
import { Saver } from "./saver";
import { comparePlaces, later } from "./window";

/** How long the line stays, once seen, before the next message takes it away. */
const LINE_STAYS_MS = 5_000;

interface Line {
  readonly of: Room;
  /** The place that it stands after: the last one that was seen. */
  readonly after: Place;
  /** Whether somebody saw it, or said that all of it counts as seen. */
  readonly reached: boolean;
  seenAt: number | null;
}

/** What is told to the other side. */
export interface Told {
  read(room: RoomId, place: Place): Promise<unknown>;
  unreadFrom(room: RoomId, place: Place): Promise<unknown>;
}

export class Reading {
  readonly #told: Told;
  /** What was seen in this opening of a room: known here before the other side has answered. */
  readonly #seen = new SvelteMap<RoomId, { readonly of: Room; readonly place: Place }>();
  /** One call at a time for each room, the newest place wins. */
  readonly #savers = new Map<RoomId, Saver<Place>>();
  #line = $state.raw<Line | null>(null);
  #held = $state.raw<Room | null>(null);

  constructor(told: Told) {
    this.#told = told;
  }

  /** How many messages of others were not seen yet. */
  unread(room: Room): number {
    const seen = this.#seenIn(room);
    return seen && room.newest && comparePlaces(seen, room.newest) >= 0 ? 0 : room.unread;
  }

  /** The place after which the unread line stands. */
  lineOf(room: Room): Place | null {
    return this.#line?.of === room ? this.#line.after : null;
  }

  /** Whether messages stand after a line that nobody has seen yet: coming back to the end alone does not read them. */
  owes(room: Room): boolean {
    return this.#line?.of === room && !this.#line.reached;
  }

  /** The line was in view of somebody, or they went to the end on purpose. */
  reach(room: Room): void {
    if (this.#line && this.owes(room)) this.#line = { ...this.#line, reached: true };
  }

  /** Whether the room was marked unread by hand, and stays so until somebody comes back to it. */
  holds(room: Room): boolean {
    return this.#held === room;
  }

  /** The room comes to the front: the line goes where reading stopped. */
  open(room: Room): void {
    this.#held = null;
    const after = this.#readIn(room);
    this.#line =
      this.unread(room) > 0 && after ? { of: room, after, reached: false, seenAt: null } : null;
  }

  /** Everything of the room is in view of somebody. */
  see(room: Room, now: number): void {
    if (this.#held === room) return this.miss(room);
    const { newest } = room;
    if (!newest) return;
    const known = this.#readIn(room);
    const isNew = !known || comparePlaces(known, newest) < 0;
    const line = this.#line;
    if (line?.of === room) {
      if (line.seenAt === null) line.seenAt = now;
      else if (isNew && now - line.seenAt > LINE_STAYS_MS) this.#line = null;
    }
    const seen = this.#seenIn(room);
    if (!seen || comparePlaces(seen, newest) < 0)
      this.#seen.set(room.room, { of: room, place: newest });
    if (isNew) this.#saver(room.room).put(newest);
  }

  /** The room is in front, but nobody looks at its end. */
  miss(room: Room): void {
    const after = this.#readIn(room);
    if (!after || this.unread(room) === 0) return;
    const line = this.lineOf(room);
    if (!line || comparePlaces(line, after) !== 0)
      this.#line = { of: room, after, reached: false, seenAt: null };
  }

  /** From this place on the room counts as unread, until somebody leaves it and comes back, answers or says otherwise. */
  async markUnread(room: Room, place: Place): Promise<void> {
    this.#held = room;
    this.#seen.delete(room.room);
    await this.#saver(room.room).flush();
    await this.#told.unreadFrom(room.room, place);
  }

  /** Takes the line away: somebody answered, or said so. */
  clearLine(): void {
    this.#line = null;
    this.#held = null;
  }

  #seenIn(room: Room): Place | null {
    const seen = this.#seen.get(room.room);
    return seen?.of === room ? seen.place : null;
  }

  #readIn(room: Room): Place | null {
    return later(this.#seenIn(room), room.read);
  }

  #saver(room: RoomId): Saver<Place> {
    let saver = this.#savers.get(room);
    if (!saver) {
      saver = new Saver((place) => this.#told.read(room, place), 0);
      this.#savers.set(room, saver);
    }
    return saver;
  }
}
