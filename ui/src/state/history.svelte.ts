/** Reads a room's history page by page for the part of it that is shown. One page at a time for each room. */
import { SvelteSet } from "svelte/reactivity";
import type { PageAt, Place, RoomId } from "../generated/protocol";
import { asFailure, type Transport } from "../transport/transport";
import type { ChatState, Room } from "./chat.svelte";
import type { Ui } from "./ui.svelte";
import { comparePlaces, firstPlace, lastPlace, pageOfLive } from "./window";

export class History {
  readonly #transport: Pick<Transport, "page">;
  readonly #chat: ChatState;
  readonly #ui: Pick<Ui, "alert">;
  readonly #reading = new SvelteSet<RoomId>();
  /** The newest page around a place that was asked for, by room: an earlier one that comes late is thrown away. */
  readonly #around = new Map<RoomId, PageAt>();

  constructor(transport: Pick<Transport, "page">, chat: ChatState, ui: Pick<Ui, "alert">) {
    this.#transport = transport;
    this.#chat = chat;
    this.#ui = ui;
  }

  /** Whether a page of the room is being read. */
  busy(room: RoomId): boolean {
    return this.#reading.has(room);
  }

  /** The room comes to the front: at its end, or where reading stopped when that is further back. */
  open(room: Room, line: Place | null): Promise<void> {
    const first = firstPlace(room.items);
    if (line && first && room.older && comparePlaces(line, first) < 0)
      return this.around(room, line);
    this.#chat.apply({ update: "at_end", room: room.room, line });
    return Promise.resolve();
  }

  /** The room goes from the front. */
  close(room: Room): void {
    this.#around.delete(room.room);
    this.#chat.apply({ update: "put_away", room: room.room });
  }

  /** Back to the live end. */
  latest(room: Room): void {
    this.#around.delete(room.room);
    this.#chat.apply({ update: "at_end", room: room.room, line: null });
  }

  /** What comes before, from memory or from the disk. */
  async older(room: Room): Promise<void> {
    const { shown } = room;
    const place = shown?.older ? firstPlace(shown.items) : null;
    if (!shown || !place) return;
    const page = pageOfLive(shown, room.items, room.older);
    const at = { at: "before", place } as const;
    if (page) this.#chat.apply({ update: "page", room: room.room, at, page });
    else await this.#read(room, at);
  }

  /** What comes after. */
  async newer(room: Room): Promise<void> {
    const { shown } = room;
    const place = shown?.newer ? lastPlace(shown.items) : null;
    if (place) await this.#read(room, { at: "after", place });
  }

  /** The part of the history that holds a place, instead of what is shown now. */
  async around(room: Room, place: Place): Promise<void> {
    const at: PageAt = { at: "around", place };
    this.#around.set(room.room, at);
    await this.#read(room, at);
    // A room that could not show what was asked for shows its end.
    if (room.shown === null && this.#around.get(room.room) === at) this.latest(room);
  }

  async #read(room: Room, at: PageAt): Promise<void> {
    const id = room.room;
    if (at.at !== "around" && this.#reading.has(id)) return;
    this.#reading.add(id);
    try {
      const page = await this.#transport.page(id, at);
      if (at.at === "around" && this.#around.get(id) !== at) return;
      if (this.#chat.room(id) === room) this.#chat.apply({ update: "page", room: id, at, page });
    } catch (thrown) {
      this.#ui.alert = asFailure(thrown);
    } finally {
      this.#reading.delete(id);
    }
  }
}
