/** What was typed as a passcode, per room, so that a wrong one can be mended. In this window's memory only, one each. */
import type { RoomId } from "../generated/protocol";

export class Passcodes {
  readonly #typed = new Map<RoomId, string>();

  of(room: RoomId): string {
    return this.#typed.get(room) ?? "";
  }

  keep(room: RoomId, text: string): void {
    this.#typed.set(room, text);
  }

  forget(room: RoomId): void {
    this.#typed.delete(room);
  }
}
