/**
 * Everything that a person can do, for the components: each calls the transport and moves the window along.
 * What fails and has a place on the screen rejects with a `Failure`; the rest ends up in `Ui.alert`.
 */
import type { ClientId, Found, Recent, RoomId } from "../generated/protocol";
import { asFailure, type Transport } from "../transport/transport";
import type { Drafts } from "./drafts.svelte";
import type { Reading } from "./reading.svelte";
import type { Ui } from "./ui.svelte";

export class Actions {
  readonly #transport: Transport;
  readonly #ui: Ui;
  readonly #drafts: Drafts;
  readonly #reading: Reading;
  // Commands run side by side: without a queue for each room two quick messages could be written down the wrong way
  // round.
  readonly #sending = new Map<RoomId, Promise<unknown>>();

  constructor(transport: Transport, ui: Ui, drafts: Drafts, reading: Reading) {
    this.#transport = transport;
    this.#ui = ui;
    this.#drafts = drafts;
    this.#reading = reading;
  }

  get canHost(): boolean {
    return this.#transport.capabilities.hosting;
  }

  setName(name: string): Promise<void> {
    return this.#transport.setName(name);
  }

  /** Hosts a room and goes there. */
  async hostRoom(name: string): Promise<void> {
    this.#ui.go(await this.#transport.hostRoom(name));
  }

  lookUp(text: string): Promise<Found> {
    return this.#transport.lookUp(text);
  }

  /** Joins a room and goes there. */
  async join(address: string, room: RoomId, name: string): Promise<void> {
    await this.#transport.join(address, room, name);
    this.#ui.go(room);
  }

  rejoin(recent: Recent): Promise<unknown> {
    return this.#orAlert(this.join(recent.address, recent.room, recent.name));
  }

  /** Sends what is typed in a room. When that fails the text is back in the composer. */
  async send(room: RoomId, text: string): Promise<void> {
    this.#drafts.set(room, "");
    this.#reading.clearLine();
    const before = this.#sending.get(room) ?? Promise.resolve();
    const sent = before.then(() => this.#transport.send(room, text));
    this.#sending.set(
      room,
      sent.catch(() => {}),
    );
    try {
      await sent;
    } catch (thrown) {
      this.#drafts.putBack(room, text);
      throw asFailure(thrown);
    }
  }

  /** Takes an unsent message back into the composer; one that just went out stays where it is. */
  async editUnsent(room: RoomId, id: ClientId, text: string): Promise<void> {
    const taken = await this.#orAlert(this.#transport.discard(room, id));
    if (taken) this.#drafts.putBack(room, text);
  }

  retry(room: RoomId, id: ClientId): Promise<unknown> {
    return this.#orAlert(this.#transport.retry(room, id));
  }

  discard(room: RoomId, id: ClientId): Promise<unknown> {
    return this.#orAlert(this.#transport.discard(room, id));
  }

  typing(room: RoomId, active: boolean): void {
    // A typing notice that is lost is not worth a word.
    this.#transport.typing(room, active).catch(() => {});
  }

  stopHosting(room: RoomId): Promise<unknown> {
    return this.#orAlert(this.#transport.stopHosting(room));
  }

  resumeHosting(room: RoomId): Promise<unknown> {
    return this.#orAlert(this.#transport.resumeHosting(room));
  }

  leave(room: RoomId): Promise<unknown> {
    return this.#orAlert(this.#transport.leave(room));
  }

  redial(room: RoomId): Promise<unknown> {
    return this.#orAlert(this.#transport.redial(room));
  }

  forgetRecent(room: RoomId): Promise<unknown> {
    return this.#orAlert(this.#transport.forgetRecent(room));
  }

  /** Whether the text is in the clipboard now. */
  async copy(text: string): Promise<boolean> {
    const copied = this.#transport.copyText(text).then(() => true);
    return (await this.#orAlert(copied)) ?? false;
  }

  quit(): Promise<unknown> {
    return this.#orAlert(this.#transport.quit());
  }

  stay(): Promise<unknown> {
    return this.#orAlert(this.#transport.stay());
  }

  async #orAlert<T>(doing: Promise<T>): Promise<T | undefined> {
    try {
      return await doing;
    } catch (thrown) {
      this.#ui.alert = asFailure(thrown);
      return undefined;
    }
  }
}
