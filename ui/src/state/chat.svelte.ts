/**
 * The chat as this window knows it: a mirror of `View` in crates/protocol/src/view.rs, and of the room in front the part
 * of its history that is shown. `ChatState.apply` is its only writer. What the person at the window did with it
 * (selected, typed) lives elsewhere.
 */
import {
  type Change,
  type Comparison,
  type DoorView,
  type Hosting,
  type Item,
  LIMITS,
  type LinkQuestion,
  type LinkState,
  type Me,
  type MemberId,
  type MemberView,
  type Nearby,
  type Page,
  type PageAt,
  type Pending,
  type Place,
  type Recent,
  type Recovery,
  type RoomChange,
  type RoomId,
  type RoomSettings,
  type RoomView,
  type Security,
  type Update,
} from "../generated/protocol";
import { endOf, lastPlace, type Shown, withCut, withLive, withPage } from "./window";

/** What this window itself does to what it shows; nobody outside is told. */
export type Local =
  | {
      /** The room shows its end, from the unread line on if there is one in what is at hand. */
      readonly update: "at_end";
      readonly room: RoomId;
      readonly line: Place | null;
    }
  | {
      /** A part of the room's history was read. */
      readonly update: "page";
      readonly room: RoomId;
      readonly at: PageAt;
      readonly page: Page;
    }
  | {
      /** The room is no longer in front. */
      readonly update: "put_away";
      readonly room: RoomId;
    };

/** One open room. Read by everybody, written by {@link ChatState.apply} only. */
export interface Room {
  readonly room: RoomId;
  readonly name: string;
  readonly address: string;
  readonly hosting: Hosting | null;
  readonly link: LinkState;
  /** The room's rules, once they are known. */
  readonly settings: RoomSettings | null;
  readonly members: readonly MemberView[];
  /** The live end of the timeline. */
  readonly items: readonly Item[];
  /** Whether this computer has more before `items`. */
  readonly older: boolean;
  /** Whether older history is still coming from the relay. */
  readonly filling: boolean;
  /** The last position that was seen. */
  readonly read: Place | null;
  /** How many messages of others come after `read`; {@link LIMITS.unreadCounted} stands for that many or more. */
  readonly unread: number;
  /** What was typed and not sent when the room was opened here. */
  readonly draft: string;
  readonly outbox: readonly Pending[];
  readonly typing: readonly MemberId[];
  /** How sure it is that this is the right room. */
  readonly security: Security;
  /** The door, for its keepers while they are connected. */
  readonly door: DoorView | null;
  /** A comparison of short codes that is going on. */
  readonly compare: Comparison | null;
  /** Until when the room wants a pause of us. */
  readonly slowUntil: number | null;
  /** The part of the history that is shown; none while the room is not in front or its first part is being read. */
  readonly shown: Shown | null;
  /** The place of the newest event. */
  readonly newest: Place | null;
  /** How often history was deleted from before the live end: what is shown of that has to be read again. */
  readonly cuts: number;
}

// Everything is `$state.raw` and replaced: a timeline of 1500 items costs one copied array a frame, not 1500 proxies.
class OpenRoom implements Room {
  readonly room: RoomId;
  name = $state.raw("");
  address = $state.raw("");
  hosting = $state.raw<Hosting | null>(null);
  link = $state.raw<LinkState>({ state: "connecting" });
  members = $state.raw<readonly MemberView[]>([]);
  items = $state.raw<readonly Item[]>([]);
  settings = $state.raw<RoomSettings | null>(null);
  older = $state.raw(false);
  filling = $state.raw(false);
  read = $state.raw<Place | null>(null);
  unread = $state.raw(0);
  draft = $state.raw("");
  shown = $state.raw<Shown | null>(null);
  cuts = $state.raw(0);
  outbox = $state.raw<readonly Pending[]>([]);
  typing = $state.raw<readonly MemberId[]>([]);
  security = $state.raw<Security>({ fingerprint: "", verified: "no", offered: null });
  door = $state.raw<DoorView | null>(null);
  compare = $state.raw<Comparison | null>(null);
  slowUntil = $state.raw<number | null>(null);

  constructor(view: RoomView) {
    this.room = view.room;
    this.address = view.address;
    this.name = view.name;
    this.hosting = view.hosting;
    this.link = view.link;
    this.members = view.members;
    this.items = view.items;
    this.outbox = view.outbox;
    this.typing = view.typing;
    this.settings = view.settings;
    this.older = view.older;
    this.filling = view.filling;
    this.read = view.read;
    this.unread = view.unread;
    this.draft = view.draft;
    this.security = view.security;
    this.door = view.door;
    this.compare = view.compare;
    this.slowUntil = view.slow_until;
  }

  get newest(): Place | null {
    return lastPlace(this.items);
  }

  show(local: Local): void {
    switch (local.update) {
      case "at_end":
        this.shown = endOf(this.items, this.older, local.line);
        break;
      case "page":
        this.shown = withPage(this.shown, local.at, local.page, this.items);
        break;
      case "put_away":
        this.shown = null;
        break;
      default:
        local satisfies never;
    }
  }

  apply(change: RoomChange): void {
    switch (change.what) {
      case "name":
        this.name = change.name;
        break;
      case "address":
        this.address = change.address;
        break;
      case "link":
        if (change.link.state !== "online") {
          this.typing = [];
          this.door = null;
        }
        this.link = change.link;
        break;
      case "hosting":
        this.hosting = change.hosting;
        break;
      case "settings":
        this.settings = change.settings;
        break;
      case "filled":
        this.older ||= change.older;
        this.filling = change.filling;
        if (this.shown && change.older) this.shown = { ...this.shown, older: true };
        break;
      case "read":
        this.read = change.read;
        this.unread = change.unread;
        break;
      case "draft":
        this.draft = change.text;
        break;
      case "cut":
        this.items = change.items;
        this.older = change.older;
        if (this.shown) this.shown = withCut(this.shown, change.items, change.older);
        if (change.older) this.cuts += 1;
        break;
      case "members":
        this.typing = [];
        this.members = change.members;
        break;
      case "member":
        this.members = upsert(
          this.members,
          change.member,
          (known) => known.member === change.member.member,
        );
        break;
      case "member_gone":
        this.members = this.members.filter((known) => known.member !== change.member);
        this.typing = this.typing.filter((member) => member !== change.member);
        break;
      case "items":
        this.append(change.items);
        break;
      case "pending":
        this.outbox = upsert(
          this.outbox,
          change.pending,
          (known) => known.id === change.pending.id,
        );
        break;
      case "pending_gone":
        this.outbox = this.outbox.filter((known) => known.id !== change.id);
        break;
      case "typing": {
        const others = this.typing.filter((member) => member !== change.member);
        this.typing = change.active ? [...others, change.member] : others;
        break;
      }
      case "security":
        this.security = change.security;
        break;
      case "door":
        this.door = change.door;
        break;
      case "compare":
        this.compare = change.compare;
        break;
      case "slow":
        this.slowUntil = change.until;
        break;
      default:
        change satisfies never;
    }
  }

  private append(fresh: readonly Item[]): void {
    const committed = new Set<string>();
    const spoke = new Set<MemberId>();
    for (const item of fresh) {
      if (item.item !== "event") continue;
      if ("id" in item.event) committed.add(item.event.id);
      if (item.event.kind === "message") spoke.add(item.event.author);
    }
    if (this.outbox.some((pending) => committed.has(pending.id)))
      this.outbox = this.outbox.filter((pending) => !committed.has(pending.id));
    if (this.typing.some((member) => spoke.has(member)))
      this.typing = this.typing.filter((member) => !spoke.has(member));
    const all = this.items.concat(fresh);
    const over = Math.max(0, all.length - LIMITS.viewItems);
    this.items = over > 0 ? all.slice(over) : all;
    this.older ||= over > 0;
    if (this.shown) this.shown = withLive(this.shown, fresh);
  }
}

function upsert<T>(list: readonly T[], item: T, same: (known: T) => boolean): readonly T[] {
  const at = list.findIndex(same);
  return at < 0 ? [...list, item] : list.with(at, item);
}

/** Everything that the window shows of the chat. */
export class ChatState {
  #me = $state.raw<Me | null>(null);
  #rooms = $state.raw<readonly OpenRoom[]>([]);
  #recents = $state.raw<readonly Recent[]>([]);
  #prefs = $state.raw("");
  #recovered = $state.raw<Recovery | null>(null);
  #quitAsked = $state.raw<{ readonly others: number } | null>(null);
  #nearby = $state.raw<Nearby>({ search: "off", rooms: [], scan: null });
  #linkAsked = $state.raw<{ readonly question: LinkQuestion | null } | null>(null);

  /** This installation; none before the first snapshot. */
  get me(): Me | null {
    return this.#me;
  }
  /** The open rooms, oldest first. */
  get rooms(): readonly Room[] {
    return this.#rooms;
  }
  /** Rooms joined before, latest first; may hold rooms that are open. */
  get recents(): readonly Recent[] {
    return this.#recents;
  }
  /** What the window had kept of its own, as it wrote it down. */
  get prefs(): string {
    return this.#prefs;
  }
  /** Set when this computer's history was damaged at the start of the app. */
  get recovered(): Recovery | null {
    return this.#recovered;
  }
  /** Rooms nearby. */
  get nearby(): Nearby {
    return this.#nearby;
  }
  /** The last time that somebody wanted to quit while others were in rooms hosted here. A new object each time. */
  get quitAsked(): { readonly others: number } | null {
    return this.#quitAsked;
  }
  /** The last link that was opened, with no question when it leads nowhere. A new object each time. */
  get linkAsked(): { readonly question: LinkQuestion | null } | null {
    return this.#linkAsked;
  }

  /** The open room of that id. */
  room(id: RoomId): Room | undefined {
    return this.#rooms.find((open) => open.room === id);
  }

  /** Takes one update in. */
  apply(update: Update | Local): void {
    switch (update.update) {
      case "snapshot":
        this.#me = update.view.me;
        this.#rooms = update.view.rooms.map((view) => new OpenRoom(view));
        this.#recents = update.view.recents;
        this.#prefs = update.view.prefs;
        this.#recovered = update.view.recovered;
        this.#nearby = update.view.nearby;
        break;
      case "changes":
        for (const change of update.changes) this.#change(change);
        break;
      default:
        this.#rooms.find((open) => open.room === update.room)?.show(update);
    }
  }

  #change(change: Change): void {
    switch (change.change) {
      case "me":
        this.#me = change.me;
        break;
      case "recents":
        this.#recents = change.recents;
        break;
      case "prefs":
        this.#prefs = change.prefs;
        break;
      case "room_opened":
        this.#rooms = [
          ...this.#rooms.filter((open) => open.room !== change.room.room),
          new OpenRoom(change.room),
        ];
        break;
      case "room_left":
        this.#rooms = this.#rooms.filter((open) => open.room !== change.room);
        break;
      case "room":
        this.#rooms.find((open) => open.room === change.room)?.apply(change);
        break;
      case "nearby":
        this.#nearby = change.nearby;
        break;
      case "quit_asked":
        this.#quitAsked = { others: change.others };
        break;
      case "link_asked":
        this.#linkAsked = { question: change.question };
        break;
      default:
        change satisfies never;
    }
  }
}
