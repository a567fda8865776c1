/**
 * What is typed but not sent, per room. It begins with what the room was opened with, and is handed on a little after
 * each change, so that it outlives the window.
 */
import { SvelteMap } from "svelte/reactivity";
import type { ClientId, RoomId } from "../generated/protocol";
import type { Room } from "./chat.svelte";
import { drop, keep, kept } from "./keep";
import { Saver } from "./saver";

/** Typing goes on for a while: written down this long after the last change. */
const KEEP_AFTER_MS = 400;

function isDrafts(value: unknown): value is Record<RoomId, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((text) => typeof text === "string")
  );
}

/** The rooms, and where drafts are written down. */
export interface Desk {
  room(id: RoomId): Pick<Room, "draft"> | undefined;
  save(room: RoomId, text: string): Promise<unknown>;
}

/** A message that is not sent yet and is being written anew. It stays in the outbox, as it was, until that is sent. */
export interface Edit {
  readonly id: ClientId;
  /** What it says in the outbox. */
  readonly was: string;
  readonly text: string;
}

export class Drafts {
  readonly #desk: Desk;
  readonly #texts = new SvelteMap<RoomId, string>();
  readonly #edits = new SvelteMap<RoomId, Edit>();
  readonly #savers = new Map<RoomId, Saver<string>>();
  /** What a version that kept drafts in the web view left behind, for rooms that were not opened since. */
  readonly #old = kept("drafts", isDrafts, {});

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** What stands in the composer: the message that is edited, else what is typed. */
  of(room: RoomId): string {
    return this.#edits.get(room)?.text ?? this.#typed(room);
  }

  /** Which unsent message is edited. */
  editing(room: RoomId): ClientId | null {
    return this.#edits.get(room)?.id ?? null;
  }

  /** Takes an unsent message into the composer; what is typed waits. */
  edit(room: RoomId, id: ClientId, text: string): void {
    if (this.editing(room) === id) return;
    this.keepEdit(room);
    this.#edits.set(room, { id, was: text, text });
  }

  /**
   * Takes the edit out: what was typed before is back in the composer, but not written down yet, because until
   * {@link settle} the edit may be nowhere else.
   */
  takeEdit(room: RoomId): Edit | null {
    const edit = this.#edits.get(room);
    this.#edits.delete(room);
    return edit ?? null;
  }

  /** Writes down what is typed now. */
  settle(room: RoomId): Promise<void> {
    this.#save(room);
    return this.flush();
  }

  /** Ends the edit: the message stays as it was, and what was typed before is back. */
  endEdit(room: RoomId): void {
    this.takeEdit(room);
    this.#save(room);
  }

  /** Ends the edit, and keeps what it changed before what was typed. */
  keepEdit(room: RoomId): void {
    const edited = this.takeEdit(room);
    if (edited && edited.text !== edited.was) this.putBack(room, edited.text);
  }

  #typed(room: RoomId): string {
    return this.#texts.get(room) ?? this.#desk.room(room)?.draft ?? "";
  }

  set(room: RoomId, text: string): void {
    const edit = this.#edits.get(room);
    if (edit) this.#edits.set(room, { ...edit, text });
    else this.#texts.set(room, text);
    this.#save(room);
  }

  #save(room: RoomId): void {
    let saver = this.#savers.get(room);
    if (!saver) {
      saver = new Saver((latest) => this.#desk.save(room, latest), KEEP_AFTER_MS);
      this.#savers.set(room, saver);
    }
    // What an edit changed is in nobody's outbox yet: should the window go now, it is a draft as well.
    const edit = this.#edits.get(room);
    const parts = [edit && edit.text !== edit.was ? edit.text : "", this.#typed(room)];
    saver.put(parts.filter((part) => part !== "").join("\n"));
  }

  /** Puts a text back before whatever was typed meanwhile, so that neither is lost. */
  putBack(room: RoomId, text: string): void {
    const typed = this.#typed(room);
    this.#texts.set(room, typed === "" ? text : `${text}\n${typed}`);
    this.#save(room);
  }

  /** Whatever was typed is handed on now: the window may be gone in a moment. */
  async flush(): Promise<void> {
    await Promise.all([...this.#savers.values()].map((saver) => saver.flush()));
  }

  /** The room is left: what it is opened with next time counts. */
  forget(room: RoomId): void {
    this.#texts.delete(room);
    this.#edits.delete(room);
  }

  /** Takes what an older version kept for a room over, once. */
  takeOver(room: RoomId): void {
    const text = this.#old[room];
    if (text === undefined) return;
    delete this.#old[room];
    if (Object.keys(this.#old).length > 0) keep("drafts", this.#old);
    else drop("drafts");
    if (text !== "" && this.of(room) === "") this.set(room, text);
  }
}
