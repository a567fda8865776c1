/**
 * Everything that a person can do, for the components: each calls the transport and moves the window along.
 * What fails and has a place on the screen rejects with a `Failure`; the rest ends up in `Ui.alert`.
 */
import type {
  ClientId,
  ExportFormat,
  Found,
  Hit,
  Hits,
  Place,
  Recent,
  RoomId,
  RoomSettings,
} from "../generated/protocol";
import { asFailure, type Transport } from "../transport/transport";
import type { ChatState } from "./chat.svelte";
import type { Drafts } from "./drafts.svelte";
import type { Prefs } from "./prefs.svelte";
import type { Reading } from "./reading.svelte";
import type { Ui } from "./ui.svelte";

export class Actions {
  readonly #transport: Transport;
  readonly #chat: ChatState;
  readonly #ui: Ui;
  readonly #drafts: Drafts;
  readonly #prefs: Prefs;
  readonly #reading: Reading;
  // Commands run side by side: without a queue for each room two quick messages could be written down the wrong way
  // round.
  readonly #sending = new Map<RoomId, Promise<unknown>>();

  constructor(
    transport: Transport,
    chat: ChatState,
    ui: Ui,
    drafts: Drafts,
    prefs: Prefs,
    reading: Reading,
  ) {
    this.#transport = transport;
    this.#chat = chat;
    this.#ui = ui;
    this.#drafts = drafts;
    this.#prefs = prefs;
    this.#reading = reading;
  }

  get canHost(): boolean {
    return this.#transport.capabilities.hosting;
  }

  setName(name: string): Promise<void> {
    return this.#transport.setName(name);
  }

  /** Hosts a room and goes there. */
  async hostRoom(name: string, settings: RoomSettings, passcode: string | null): Promise<void> {
    this.#ui.go(await this.#transport.hostRoom(name, settings, passcode));
  }

  lookUp(text: string): Promise<Found> {
    return this.#transport.lookUp(text);
  }

  /** Joins a room and goes there. */
  async join(address: string, room: RoomId, name: string): Promise<void> {
    await this.#transport.join(address, room, name);
    this.#ui.go(room);
  }

  /** Joins a room again that was left, and shows this message of it. */
  rejoin(recent: Recent, place: Place | null = null): Promise<unknown> {
    if (place) this.#ui.spot = { room: recent.room, place };
    return this.#orAlert(this.join(recent.address, recent.room, recent.name));
  }

  /** Sends what is typed in a room. When that fails the text is back in the composer. */
  async send(room: RoomId, text: string): Promise<void> {
    this.#drafts.set(room, "");
    try {
      await this.#submit(room, text);
    } catch (thrown) {
      this.#drafts.putBack(room, text);
      throw asFailure(thrown);
    }
  }

  /**
   * Sends the edited message in place of the unsent one that it was, which leaves the outbox only now. False when that
   * was sent meanwhile: then the new text is a draft.
   */
  async sendEdited(room: RoomId): Promise<boolean> {
    // The disk has the new text as a draft from here on, until it is in the outbox.
    const flushed = this.#drafts.flush();
    const edited = this.#drafts.takeEdit(room);
    if (!edited) return true;
    const waits = this.#chat.room(room)?.outbox.find(({ id }) => id === edited.id);
    if (edited.text === edited.was && waits?.state.state !== "failed") {
      // As it was: it goes out by itself, in its turn.
      void this.#drafts.settle(room);
      return true;
    }
    try {
      await flushed;
      if (await this.#transport.discard(room, edited.id)) {
        await this.#submit(room, edited.text);
        void this.#drafts.settle(room);
        return true;
      }
    } catch (thrown) {
      this.#drafts.putBack(room, edited.text);
      throw asFailure(thrown);
    }
    this.#drafts.putBack(room, edited.text);
    return false;
  }

  async #submit(room: RoomId, text: string): Promise<void> {
    this.#reading.clearLine();
    const before = this.#sending.get(room) ?? Promise.resolve();
    const sent = before.then(() => this.#transport.send(room, text));
    this.#sending.set(
      room,
      sent.catch(() => {}),
    );
    await sent;
    // In the outbox now: it must not come back as a draft as well.
    void this.#drafts.flush();
  }

  retry(room: RoomId, id: ClientId): Promise<unknown> {
    return this.#orAlert(this.#transport.retry(room, id));
  }

  discard(room: RoomId, id: ClientId): Promise<unknown> {
    // Whoever was about to write it anew may still want those words.
    if (this.#drafts.editing(room) === id) this.#drafts.keepEdit(room);
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

  async leave(room: RoomId, keep: boolean): Promise<void> {
    await this.#drafts.flush();
    await this.#orAlert(this.#transport.leave(room, keep));
    this.#drafts.forget(room);
  }

  setSettings(room: RoomId, settings: RoomSettings): Promise<void> {
    return this.#transport.setSettings(room, settings);
  }

  /** Writes a room's history to a file; gives the path. */
  exportRoom(room: RoomId, format: ExportFormat): Promise<string> {
    return this.#transport.exportRoom(room, format);
  }

  search(room: RoomId | null, query: string, before: number | null): Promise<Hits> {
    return this.#transport.search(room, query, before);
  }

  /** Goes to a message that was found. A room that was left is not joined unasked: the others would see it. */
  goTo({ room, log, event }: Hit): void {
    const recent = this.#chat.recents.find((known) => known.room === room);
    const place = { log, seq: event.seq };
    if (!this.#chat.room(room) && recent) {
      this.askToRejoin(recent, place);
      return;
    }
    this.#ui.spot = { room, place };
    this.#ui.go(room);
  }

  /** Asks whether a room that was left is to be joined again; then shows this message of it. */
  askToRejoin(recent: Recent, place: Place | null): void {
    this.#ui.dialog = { dialog: "rejoin", recent, place };
  }

  /** From this message on, the room counts as unread. */
  async markUnread(id: RoomId, place: Place): Promise<void> {
    const room = this.#chat.room(id);
    if (room) await this.#orAlert(this.#reading.markUnread(room, place));
  }

  /** What is typed or set is handed on now: the window may be gone in a moment. */
  async flush(): Promise<void> {
    await Promise.all([this.#drafts.flush(), this.#prefs.flush()]);
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

  async quit(): Promise<void> {
    await this.flush();
    await this.#orAlert(this.#transport.quit());
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
