/** How far each room was read in this window, and where the unread line stands. In memory only. */
import { SvelteMap } from "svelte/reactivity";
import type { RoomId } from "../generated/protocol";
import type { Room } from "./chat.svelte";

/** How long the line stays, once seen, before the next message takes it away. */
const LINE_STAYS_MS = 5_000;

interface Mark {
  /** Which opening of the room it is of: one that is left and joined again starts anew. */
  readonly of: Room;
  /** The running number of the first item not yet seen. */
  readonly upTo: number;
  /** How many messages of others had come in by then. */
  readonly received: number;
}

interface Line {
  readonly of: Room;
  /** The running number of the item that it stands before. */
  readonly from: number;
  seenAt: number | null;
}

export class Reading {
  readonly #marks = new SvelteMap<RoomId, Mark>();
  #line = $state.raw<Line | null>(null);

  /** How many messages of others were not seen yet. */
  unread(room: Room): number {
    return room.received - this.#mark(room).received;
  }

  /** The running number of the item before which the unread line stands. */
  lineOf(room: Room): number | null {
    return this.#line?.of === room ? this.#line.from : null;
  }

  /** The room comes to the front: the line goes where reading stopped. */
  open(room: Room): void {
    this.#line =
      this.unread(room) > 0 ? { of: room, from: this.#mark(room).upTo, seenAt: null } : null;
  }

  /** Everything of the room is in view of somebody. */
  see(room: Room, now: number): void {
    const mark = this.#mark(room);
    const line = this.#line;
    if (line?.of === room) {
      if (line.seenAt === null) line.seenAt = now;
      else if (room.end > mark.upTo && now - line.seenAt > LINE_STAYS_MS) this.#line = null;
    }
    if (mark.upTo !== room.end)
      this.#marks.set(room.room, { of: room, upTo: room.end, received: room.received });
  }

  /** The room is in front, but nobody looks at its end. */
  miss(room: Room): void {
    const { upTo } = this.#mark(room);
    if (this.unread(room) > 0 && this.lineOf(room) !== upTo)
      this.#line = { of: room, from: upTo, seenAt: null };
  }

  /** Takes the line away: somebody answered, or said so. */
  clearLine(): void {
    this.#line = null;
  }

  #mark(room: Room): Mark {
    const mark = this.#marks.get(room.room);
    return mark?.of === room ? mark : { of: room, upTo: room.openedAt, received: 0 };
  }
}
