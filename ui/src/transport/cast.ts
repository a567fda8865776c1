/** What scenes are made of: people, rooms, addresses, and a way to tell what they said. */
import type {
  ClientId,
  DoorView,
  FoundRoom,
  HostAddress,
  Hosting,
  Item,
  Me,
  MemberId,
  MemberView,
  Pending,
  Place,
  Recent,
  Retention,
  Rich,
  Role,
  RoomId,
  RoomSettings,
  RoomView,
  Verified,
  Via,
  View,
} from "../generated/protocol";
import { tagOf } from "../state/member";
import { retentionOf } from "../state/retention";
import type { Scene } from "./fake";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** Scenes play in the afternoon, so that "today" and "yesterday" look the same whenever they are rendered. */
export const NOW = new Date().setHours(14, 36, 20, 0);

/** A made-up key: readable, and as different at its start as real ones are. */
export function key(seed: string): string {
  let bits = 7;
  for (const letter of seed) bits = (Math.imul(bits, 131) + letter.charCodeAt(0)) >>> 0;
  return (
    Array.from(
      { length: 8 },
      (_, at) =>
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[
          (Math.imul(bits, at + 3) >>> 11) & 63
        ],
    ).join("") + seed
  );
}

/** A made-up fingerprint: so many groups of four, the same for the same seed. */
export function fingerprint(seed: string, groups = 7): string {
  let bits = 11;
  for (const letter of seed) bits = (Math.imul(bits, 137) + letter.charCodeAt(0)) >>> 0;
  const letters = Array.from({ length: groups * 4 }, () => {
    bits = (Math.imul(bits, 1_664_525) + 1_013_904_223) >>> 0;
    return "abcdefghijklmnopqrstuvwxyz234567"[bits >>> 27];
  });
  return letters.join("").replace(/(.{4})(?=.)/g, "$1 ");
}

export interface Person {
  readonly member: MemberId;
  readonly name: string;
}
export const person = (name: string): Person => ({ member: key(name), name });
export const [ada, ben, cleo, dina, emil, farah] = [
  "Ada",
  "Ben",
  "Cleo",
  "Dina Okafor",
  "Emil",
  "Farah",
].map(person) as [Person, Person, Person, Person, Person, Person];

export const me: Me = {
  member: ada.member,
  tag: tagOf(ada.member),
  name: ada.name,
  suggested_name: ada.name,
  version: "0.1.0",
  fingerprint: fingerprint("Ada", 13),
  kept: "keychain",
};

export const present = ({ member, name }: Person, more: Partial<MemberView> = {}): MemberView => ({
  member,
  name,
  tag: tagOf(member),
  host: false,
  role: "member",
  muted: false,
  verified: false,
  looks_like: null,
  presence: "online",
  ...more,
});
/** Whoever made the room and has it on their computer. */
export const hosts = (person: Person): MemberView => present(person, { host: true, role: "owner" });

/** A room's rules, usual but for what is said. */
export const rules = (
  retention: Retention = { keep: "forever" },
  more: Partial<RoomSettings> = {},
): RoomSettings => ({ retention, admission: "passcode", locked: false, slow: 0, ...more });

export const PASSCODE = "copper-lantern-quiet-meadow";
/** The door of a room, as its keepers see it. */
export const door = (more: Partial<DoorView> = {}): DoorView => ({
  passcode: PASSCODE as never,
  invites: [],
  knocks: [],
  banned: [],
  wrong: 0,
  ...more,
});

type EventItem = Extract<Item, { item: "event" }>;

/** Builds a timeline: each call is one item, a while after the one before. */
export class Story {
  readonly items: Item[] = [];
  #at: number;
  #log = 1;
  #seq: number;
  constructor(at: number, seq = 0) {
    this.#at = at;
    this.#seq = seq;
  }
  after(ms: number): this {
    this.#at += ms;
    return this;
  }
  say({ member, name }: Person, text: string, wait = 20_000, rich: Rich | null = null): this {
    this.#at += wait;
    const id = `m${this.#log}.${this.#seq}`;
    return this.#event({ kind: "message", id, text, author: member, name }, { rich });
  }
  /** What somebody is said to have said, or done, without proof. */
  unproven({ member, name }: Person, body: Record<string, unknown> & { kind: string }): this {
    const id = `u${this.#log}.${this.#seq}`;
    return this.#event({ id, author: member, name, ...body }, { proof: "missing" });
  }
  join({ member, name }: Person, via: Via = { by: "membership" }, role: Role = "member"): this {
    return this.#event({ kind: "joined", author: member, name, via, role }, { proof: "relay" });
  }
  leave({ member, name }: Person, how: "left" | "lost" = "left"): this {
    return this.#event({ kind: "left", how, author: member, name });
  }
  rename({ member, name }: Person, from: string): this {
    return this.#event({ kind: "renamed", from, author: member, name });
  }
  /** Anything else that somebody did. */
  did({ member, name }: Person, body: Record<string, unknown> & { kind: string }): this {
    return this.#event({ id: `d${this.#log}.${this.#seq}`, author: member, name, ...body });
  }
  gap(): this {
    this.#seq += 40;
    this.items.push({ item: "gap", log: this.#log, before: this.#seq + 1 });
    return this;
  }
  reset(): this {
    this.#log += 1;
    this.#seq = 0;
    this.items.push({ item: "reset", log: this.#log });
    return this;
  }
  #event(body: Record<string, unknown>, more: Partial<EventItem> = {}): this {
    this.#seq += 1;
    const event = { seq: this.#seq, at: this.#at, ...body } as EventItem["event"];
    const fixed = { proof: "author", rich: null, ...more } as const;
    this.items.push({ item: "event", log: this.#log, event, ...fixed });
    return this;
  }
}

export const address = (text: string, name: string, kind: HostAddress["kind"]): HostAddress => ({
  address: text,
  interface: name,
  kind,
});
export const hosting: Hosting = {
  running: true,
  port: 4470,
  other_port: false,
  addresses: [
    address("192.168.1.5", "wlan0", "lan"),
    address("10.8.0.3", "tun0", "vpn"),
    address("172.17.0.1", "docker0", "virtual"),
    address("127.0.0.1", "lo", "loopback"),
  ],
  trouble: null,
  recovered: null,
};

/** A room that was just opened and is being dialled. */
export function opening(room: RoomId, name: string, at: string): RoomView {
  return {
    room,
    name,
    address: at,
    hosting: null,
    link: { state: "connecting" },
    settings: null,
    members: [],
    items: [],
    older: false,
    filling: false,
    read: null,
    unread: 0,
    draft: "",
    outbox: [],
    typing: [],
    security: security(name),
    door: null,
    compare: null,
    slow_until: null,
  };
}

export const security = (
  seed: string,
  verified: Verified = "passcode",
  offered: string | null = null,
) => ({ fingerprint: fingerprint(seed), verified, offered });

/** A room that answers at an address. */
export const found = (
  room: RoomId,
  name: string,
  online: number,
  more: Partial<FoundRoom> = {},
): FoundRoom => ({
  room,
  name,
  online,
  full: false,
  admission: "passcode",
  locked: false,
  fingerprint: fingerprint(name),
  known: { known: "new" },
  ...more,
});

/** A message on its way, but for how far it is. */
export function message(id: ClientId, text: string): Pick<Pending, "id" | "submission" | "rich"> {
  return { id, submission: { kind: "message", id, text }, rich: null };
}

/** The place of a room's newest event. */
export function endOf(items: readonly Item[]): Place | null {
  const last = items.findLast((item) => item.item === "event");
  return last?.item === "event" ? { log: last.log, seq: last.event.seq } : null;
}

/** A room that was just hosted. */
export function hosted(
  room: RoomId,
  name: string,
  host: Me,
  settings: RoomSettings = rules(),
): RoomView {
  const self = hosts({ member: host.member, name: host.name ?? "" });
  return {
    ...opening(room, name, "127.0.0.1:4470"),
    hosting,
    link: { state: "online" },
    settings,
    members: [self],
    items: new Story(Date.now()).join(self, undefined, "owner").items,
    read: { log: 1, seq: 1 },
    security: security(name, "hosted"),
    door: door(),
  };
}

const talk = () =>
  new Story(NOW - DAY - HOUR)
    .join(ada)
    .say(ada, "The room is open. I will keep it up all week.", MINUTE)
    .after(2 * HOUR)
    .join(ben)
    .say(ben, "Found it. Typed the address and was in.", MINUTE)
    .leave(ben)
    .after(DAY - 4 * HOUR)
    .say(cleo, "Laser cutter is free until four if anybody wants it.", HOUR)
    .say(cleo, "Bed is levelled, lens cleaned.", MINUTE)
    .say(
      ben,
      "Taking it at three. Emil, can you bring the 4 mm ply? Settings that worked last time:\n\npower 62 %   speed 18 mm/s   passes 2",
      9 * MINUTE,
    )
    .join(dina)
    .join(emil)
    .join(farah)
    .join(person("Goran"))
    .rename(dina, "Dina")
    .say(emil, "Yes, two sheets. Where are the small screws?", 6 * MINUTE)
    .say(ada, "Top shelf, the box marked M3.", 2 * MINUTE)
    .say(ada, "I moved the spare belts there too.", 30_000)
    .after(MINUTE);

export const workshop = (more: Partial<RoomView> = {}): RoomView => ({
  ...hosted(key("workshop"), "Workshop", me),
  members: [
    hosts(ada),
    present(ben, { role: "moderator", verified: true }),
    present(cleo),
    present(dina, { role: "guest" }),
    present(emil),
    present(farah, { presence: "away" }),
  ],
  items: talk().items,
  read: endOf(more.items ?? talk().items),
  ...more,
});
export const choir = (more: Partial<RoomView> = {}): RoomView => ({
  ...opening(key("choir"), "Choir practice", "192.168.1.23:4470"),
  link: { state: "online" },
  settings: rules(retentionOf(30)),
  members: [hosts(farah), present(ada), present(ben)],
  items: new Story(NOW - 2 * HOUR)
    .say(farah, "Sheet music for Thursday is in the cupboard.")
    .say(ben, "Thanks! We need two more copies for the basses.", 3 * MINUTE).items,
  read: { log: 1, seq: 2 },
  ...more,
});
export const bench = (more: Partial<RoomView> = {}): RoomView => ({
  ...opening(key("bench"), "Lab bench 4", "lab4.local:4470"),
  link: { state: "waiting", trouble: "nobody_answers", retry_at: Date.now() + 9_000 },
  items: new Story(NOW - 3 * DAY).say(dina, "Scope is back from calibration.").items,
  read: { log: 1, seq: 1 },
  ...more,
});
const recent = (
  id: string,
  name: string,
  address: string,
  joined_at: number,
  kept: boolean,
  verified: Verified = "passcode",
): Recent => ({
  room: key(id),
  name,
  address,
  joined_at,
  kept,
  fingerprint: fingerprint(name),
  verified,
});
export const recents: Recent[] = [
  recent("print", "Print room", "192.168.1.40", NOW - 5 * HOUR, true),
  recent("jam", "Tool jam", "tj-laptop.local:4472", NOW - 3 * DAY, false, "no"),
  recent("ship", "Bridge, second watch", "10.0.0.7", NOW - 40 * DAY, true, "invite"),
];

export const view = (more: Partial<View> = {}): View => ({
  me,
  rooms: [],
  recents: [],
  prefs: "",
  recovered: null,
  nearby: { search: "searching", rooms: [], scan: null },
  ...more,
});

/** A room in front, with the usual company beside it. */
export const inRoom = (room: RoomView, more: Partial<Scene> = {}): Scene => ({
  view: view({
    rooms: [workshop(), choir(), bench()].map((usual) => (usual.room === room.room ? room : usual)),
    recents,
  }),
  place: room.room,
  ...more,
});
