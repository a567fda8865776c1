/**
 * Rooms nearby for the window: in which order and in which of the two lists they stand, and what a person can do about
 * them. Fails like `actions.ts`: next to where it was asked, else in `Ui.alert`.
 */
import type {
  Checkup,
  Discovery,
  Handout,
  NearbyRoom,
  PictureFormat,
  Recent,
  RoomId,
} from "../generated/protocol";
import { asFailure, type Transport } from "../transport/transport";
import type { Actions } from "./actions";
import type { ChatState, Room } from "./chat.svelte";
import type { Ui } from "./ui.svelte";

/** A room that was joined before, and what is known of it now. */
export interface Before {
  readonly recent: Recent;
  readonly near: NearbyRoom | null;
}

/** The two lists of the start page: each room stands in one of them, once. */
export interface Lists {
  readonly near: readonly NearbyRoom[];
  readonly before: readonly Before[];
}

export const isHere = (room: NearbyRoom): boolean => room.life.life === "here";

/**
 * Keeps rooms where they are while somebody looks at them: one that goes away fades in its place, a new one comes in at
 * the end. Made anew with the page, which is when everything takes its best place.
 */
export class Places {
  #order: readonly RoomId[] = [];

  /** Puts every room into its list. A room that is away and was joined before stands there, unless it was seen leaving. */
  lists(nearby: readonly NearbyRoom[], open: readonly Room[], recents: readonly Recent[]): Lists {
    const inside = new Set(open.map(({ room }) => room));
    const known = new Set(recents.map(({ room }) => room));
    const rooms = new Map(nearby.map((room) => [room.room, room]));
    const stay = this.#order.filter((room) => rooms.has(room));
    const placed = new Set(stay);
    const fresh = nearby.filter(
      (room) =>
        !placed.has(room.room) &&
        (isHere(room) || !(known.has(room.room) || inside.has(room.room))),
    );
    this.#order = [...stay, ...fresh.map(({ room }) => room)];
    const near = this.#order.flatMap((room) => rooms.get(room) ?? []);
    const shown = new Set(this.#order);
    const before = recents
      .filter(({ room }) => !inside.has(room) && !shown.has(room))
      .map((recent) => ({ recent, near: rooms.get(recent.room) ?? null }));
    return { near, before };
  }
}

export class NearbyActions {
  readonly #transport: Transport;
  readonly #chat: ChatState;
  readonly #ui: Ui;
  readonly #actions: Actions;

  constructor(transport: Transport, chat: ChatState, ui: Ui, actions: Actions) {
    this.#transport = transport;
    this.#chat = chat;
    this.#ui = ui;
    this.#actions = actions;
  }

  /** Whether this platform finds rooms at all. */
  get able(): boolean {
    return this.#transport.capabilities.nearby;
  }

  /** What is known of a room nearby; nothing where it is not. */
  of(room: RoomId): NearbyRoom | null {
    return this.#chat.nearby.rooms.find((near) => near.room === room) ?? null;
  }

  /** The list came into view, or left it. That nobody could be told is not worth a word. */
  look(active: boolean): void {
    if (this.able) this.#transport.lookNearby(active).catch(() => {});
  }

  setDiscovery(discovery: Discovery): Promise<unknown> {
    return this.#orAlert(this.#transport.setDiscovery(discovery));
  }

  scan(): Promise<unknown> {
    return this.#orAlert(this.#transport.scan());
  }

  stopScan(): Promise<unknown> {
    return this.#orAlert(this.#transport.stopScan());
  }

  /** Goes to a room nearby; joins it first unless one is in it. */
  async join(room: RoomId): Promise<void> {
    if (!this.#chat.room(room)) await this.#transport.joinNearby(room);
    this.#ui.go(room);
  }

  /** The same from where nothing stays that could say why not. */
  joinFromAfar(room: RoomId): Promise<unknown> {
    return this.#orAlert(this.join(room));
  }

  /** Joins a room again that was left: where it is now, if that is known, else where it was. */
  rejoin(recent: Recent): Promise<unknown> {
    const near = this.of(recent.room);
    return near && isHere(near) ? this.joinFromAfar(recent.room) : this.#actions.rejoin(recent);
  }

  checkUp(): Promise<Checkup> {
    return this.#transport.checkUp();
  }

  /** What leads to a room, for handing out; it lets nobody in who would not be let in without it. */
  async plainHandout(room: RoomId): Promise<Handout> {
    return this.#transport.handOut(await this.#transport.inviteLink(room, null));
  }

  /** The same with an invite that was made just now. */
  async invitingHandout(room: RoomId, seconds: number): Promise<Handout> {
    const link = await this.#transport.makeInvite(room, "member", null, seconds);
    return this.#transport.handOut(link);
  }

  /** Writes the QR code to a file; gives the path. */
  saveQr(link: string, format: PictureFormat): Promise<string> {
    return this.#transport.saveQr(link, format);
  }

  copyQr(link: string): Promise<void> {
    return this.#transport.copyQr(link);
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
