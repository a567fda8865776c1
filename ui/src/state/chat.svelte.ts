/**
 * The chat as this window knows it: a mirror of `View` in crates/protocol/src/view.rs. `ChatState.apply` is its only
 * writer. What the person at the window did with it (read, selected, typed) lives elsewhere.
 */
import {
  type Change,
  type Hosting,
  type Item,
  LIMITS,
  type LinkState,
  type Me,
  type MemberId,
  type MemberView,
  type Pending,
  type Recent,
  type RoomChange,
  type RoomId,
  type RoomView,
  type Update,
} from "../generated/protocol";

/** One open room. Read by everybody, written by {@link ChatState.apply} only. */
export interface Room {
  readonly room: RoomId;
  readonly name: string;
  readonly address: string;
  readonly hosting: Hosting | null;
  readonly link: LinkState;
  readonly members: readonly MemberView[];
  readonly items: readonly Item[];
  /** The running number of `items[0]`: how many items were here before it. Names an item for as long as it lives. */
  readonly base: number;
  /** The running number that the next item will get. */
  readonly end: number;
  /** How many messages of others came in since the room was opened. */
  readonly received: number;
  /** The running number that followed the last item when the room was opened: what came before counts as read. */
  readonly openedAt: number;
  readonly outbox: readonly Pending[];
  readonly typing: readonly MemberId[];
}

// Everything is `$state.raw` and replaced: a timeline of 2000 items costs one copied array a frame, not 2000 proxies.
class OpenRoom implements Room {
  readonly room: RoomId;
  readonly openedAt: number;
  name = $state.raw("");
  address = $state.raw("");
  hosting = $state.raw<Hosting | null>(null);
  link = $state.raw<LinkState>({ state: "connecting" });
  members = $state.raw<readonly MemberView[]>([]);
  items = $state.raw<readonly Item[]>([]);
  base = $state.raw(0);
  received = $state.raw(0);
  outbox = $state.raw<readonly Pending[]>([]);
  typing = $state.raw<readonly MemberId[]>([]);

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
    this.openedAt = view.items.length;
  }

  get end(): number {
    return this.base + this.items.length;
  }

  apply(change: RoomChange, me: MemberId): void {
    switch (change.what) {
      case "name":
        this.name = change.name;
        break;
      case "address":
        this.address = change.address;
        break;
      case "link":
        if (change.link.state !== "online") this.typing = [];
        this.link = change.link;
        break;
      case "hosting":
        this.hosting = change.hosting;
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
        this.append(change.items, me);
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
      default:
        change satisfies never;
    }
  }

  private append(items: readonly Item[], me: MemberId): void {
    const committed = new Set<string>();
    const spoke = new Set<MemberId>();
    for (const item of items) {
      if (item.item !== "event" || item.event.kind !== "message") continue;
      committed.add(item.event.id);
      spoke.add(item.event.author);
      if (item.event.author !== me) this.received += 1;
    }
    if (this.outbox.some((pending) => committed.has(pending.id))) {
      this.outbox = this.outbox.filter((pending) => !committed.has(pending.id));
    }
    if (this.typing.some((member) => spoke.has(member)))
      this.typing = this.typing.filter((member) => !spoke.has(member));
    const all = this.items.concat(items);
    const over = Math.max(0, all.length - LIMITS.viewItems);
    this.items = over > 0 ? all.slice(over) : all;
    this.base += over;
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
  #quitAsked = $state.raw<{ readonly others: number } | null>(null);

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
  /** The last time that somebody wanted to quit while others were in rooms hosted here. A new object each time. */
  get quitAsked(): { readonly others: number } | null {
    return this.#quitAsked;
  }

  /** The open room of that id. */
  room(id: RoomId): Room | undefined {
    return this.#rooms.find((open) => open.room === id);
  }

  /** Takes one update in. */
  apply(update: Update): void {
    if (update.update === "snapshot") {
      this.#me = update.view.me;
      this.#rooms = update.view.rooms.map((view) => new OpenRoom(view));
      this.#recents = update.view.recents;
      return;
    }
    for (const change of update.changes) this.#change(change);
  }

  #change(change: Change): void {
    switch (change.change) {
      case "me":
        this.#me = change.me;
        break;
      case "recents":
        this.#recents = change.recents;
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
        this.#rooms
          .find((open) => open.room === change.room)
          ?.apply(change, this.#me?.member ?? "");
        break;
      case "quit_asked":
        this.#quitAsked = { others: change.others };
        break;
      default:
        change satisfies never;
    }
  }
}
