/** When others are told that one is typing: at once, then seldom, and when it ends. */
import { LIMITS } from "../generated/protocol";

export class TypingNotice {
  readonly #say: (active: boolean) => void;
  readonly #now: () => number;
  #saidAt: number | null = null;

  constructor(say: (active: boolean) => void, now: () => number = Date.now) {
    this.#say = say;
    this.#now = now;
  }

  /** The text changed to `text`. */
  typed(text: string): void {
    if (text.trim() === "") return this.stop();
    const now = this.#now();
    if (this.#saidAt !== null && now - this.#saidAt < LIMITS.typingEveryMs) return;
    this.#saidAt = now;
    this.#say(true);
  }

  /** The text was sent, cleared or left alone. */
  stop(): void {
    if (this.#saidAt === null) return;
    this.#saidAt = null;
    this.#say(false);
  }
}
