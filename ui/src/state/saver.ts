/**
 * Hands a value on a while after it last changed, one at a time: what changes while one is on its way waits, and only
 * the newest of that counts. What could not be handed on is handed on with the next change.
 */
export class Saver<T> {
  readonly #save: (value: T) => Promise<unknown>;
  readonly #afterMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: { readonly value: T } | null = null;
  #busy: Promise<void> | null = null;

  constructor(save: (value: T) => Promise<unknown>, afterMs: number) {
    this.#save = save;
    this.#afterMs = afterMs;
  }

  /** Whether something is not handed on yet. */
  get dirty(): boolean {
    return this.#waiting !== null || this.#busy !== null;
  }

  /** Hands it on soon. */
  put(value: T): void {
    this.#waiting = { value };
    clearTimeout(this.#timer);
    if (this.#afterMs === 0) void this.flush();
    else this.#timer = setTimeout(() => void this.flush(), this.#afterMs);
  }

  /** Hands on now whatever waits; resolves when nothing does any more, and never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#waiting) return this.#busy ?? Promise.resolve();
    this.#busy ??= this.#run();
    return this.#busy;
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting; next; next = this.#waiting) {
      this.#waiting = null;
      try {
        await this.#save(next.value);
      } catch {
        // Whoever saves says so where it can be said.
      }
    }
    this.#busy = null;
  }
}
