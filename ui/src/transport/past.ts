/** The made-up disk of the scripted transport: each room's whole history, read in pages and searched like a real one. */
import type { Hit, Hits, Item, Page, PageAt, Place, RoomId, View } from "../generated/protocol";
import { comparePlaces, placeOf } from "../state/window";

/** Events of one page, and hits of one search: as many as the real ones give. */
const PAGE = 200;
const HITS = 50;

export class Past {
  readonly #rooms = new Map<RoomId, { readonly name: string; items: readonly Item[] }>();

  constructor(view: View, longer: Readonly<Record<RoomId, readonly Item[]>> = {}) {
    for (const { room, name, items } of view.rooms) this.open(room, name, longer[room] ?? items);
  }

  open(room: RoomId, name: string, items: readonly Item[]): void {
    this.#rooms.set(room, { name, items });
  }

  items(room: RoomId): readonly Item[] {
    return this.#rooms.get(room)?.items ?? [];
  }

  append(room: RoomId, items: readonly Item[]): void {
    const known = this.#rooms.get(room);
    if (known) known.items = [...known.items, ...items];
  }

  replace(room: RoomId, items: readonly Item[]): void {
    const known = this.#rooms.get(room);
    if (known) known.items = items;
  }

  page(room: RoomId, at: PageAt): Page {
    const all = this.items(room);
    const from = (place: Place) => {
      const found = all.findIndex((item) => {
        const other = placeOf(item);
        return other !== null && comparePlaces(other, place) >= 0;
      });
      return found < 0 ? all.length : found;
    };
    const cut = (start: number, end: number): Page => ({
      items: all.slice(Math.max(0, start), end),
      older: start > 0,
      newer: end < all.length,
    });
    switch (at.at) {
      case "before":
        return cut(from(at.place) - PAGE, from(at.place));
      case "after": {
        const next = from({ ...at.place, seq: at.place.seq + 1 });
        return cut(next, next + PAGE);
      }
      case "around":
        return cut(from(at.place) - PAGE / 2, from(at.place) + PAGE / 2);
      case "latest":
        return cut(all.length - PAGE, all.length);
    }
  }

  /** How many messages of others come after a place. */
  unread(room: RoomId, read: Place | null, me: string): number {
    return this.items(room).filter((item) => {
      const place = placeOf(item);
      return (
        item.item === "event" &&
        item.event.kind === "message" &&
        item.event.author !== me &&
        place !== null &&
        (read === null || comparePlaces(place, read) > 0)
      );
    }).length;
  }

  search(room: RoomId | null, query: string, before: number | null): Hits {
    const wanted = query.trim().toLowerCase();
    const hits: Hit[] = [];
    for (const [id, { name, items }] of this.#rooms) {
      if (room !== null && id !== room) continue;
      for (const item of items)
        if (
          item.item === "event" &&
          item.event.kind === "message" &&
          item.event.text.toLowerCase().includes(wanted)
        )
          hits.push({
            room: id,
            room_name: name,
            log: item.log,
            event: item.event,
            proof: item.proof,
          });
    }
    hits.sort((one, other) => other.event.at - one.event.at);
    const start = before ?? 0;
    const next = start + HITS;
    return { hits: hits.slice(start, next), next: next < hits.length ? next : null };
  }
}
