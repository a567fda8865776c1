/** What is typed but not sent, per room, kept over a restart. */
import { SvelteMap } from "svelte/reactivity";
import type { RoomId } from "../generated/protocol";
import { keep, kept } from "./keep";

/** Typing goes on for a while: written down this long after the last change. */
const KEEP_AFTER_MS = 400;

function isDrafts(value: unknown): value is Record<RoomId, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((text) => typeof text === "string")
  );
}

export class Drafts {
  readonly #texts = new SvelteMap<RoomId, string>(Object.entries(kept("drafts", isDrafts, {})));
  #timer: ReturnType<typeof setTimeout> | undefined;

  of(room: RoomId): string {
    return this.#texts.get(room) ?? "";
  }

  set(room: RoomId, text: string): void {
    if (text === "") this.#texts.delete(room);
    else this.#texts.set(room, text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => keep("drafts", Object.fromEntries(this.#texts)), KEEP_AFTER_MS);
  }

  /** Puts a text back before whatever was typed meanwhile, so that neither is lost. */
  putBack(room: RoomId, text: string): void {
    const typed = this.of(room);
    this.set(room, typed === "" ? text : `${text}\n${typed}`);
  }
}
