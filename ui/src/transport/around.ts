/** Scenes of rooms nearby, of the doctor and of inviting; and what the scripted transport answers there. See `scenes.ts`. */
import type {
  Checkup,
  Discovery,
  Finding,
  Handout,
  Nearby,
  NearbyRoom,
  Qr,
  RoomId,
  Scan,
  Vanished,
} from "../generated/protocol";
import {
  choir,
  fingerprint,
  hosting,
  inRoom,
  key,
  MINUTE,
  NOW,
  recents,
  rules,
  view,
  workshop,
} from "./cast";
import type { Scene } from "./fake";

/** A room nearby, usual but for what is said. */
export const near = (
  id: string,
  name: string,
  online: number,
  more: Partial<NearbyRoom> = {},
): NearbyRoom => ({
  room: key(id),
  name,
  online,
  full: false,
  admission: "passcode",
  locked: false,
  fingerprint: fingerprint(name),
  known: { known: "new" },
  hosted: false,
  addresses: ["192.168.1.57:4470"],
  ways: [{ way: "mdns" }, { way: "multicast" }],
  proof: "proven",
  life: { life: "here" },
  heard_at: Date.now() - 3_000,
  ...more,
});
export const away = (why: Vanished, since = Date.now() - MINUTE): Partial<NearbyRoom> => ({
  life: { life: "away", why, since },
  heard_at: since,
});
export const nearby = (rooms: NearbyRoom[] = [], more: Partial<Nearby> = {}): Nearby => ({
  search: "searching",
  rooms,
  scan: null,
  ...more,
});

/** Some of everything. */
const mixed = (): NearbyRoom[] => [
  near("workshop", "Workshop", 5, {
    hosted: true,
    host: "Ada",
    known: { known: "joined" },
    ways: [{ way: "hosted" }, { way: "mdns" }],
  }),
  near("choir", "Choir practice", 3, { host: "Farah", known: { known: "joined" } }),
  near("print", "Print room", 2, {
    host: "Dina Okafor",
    known: { known: "joined" },
    ways: [{ way: "remembered" }],
  }),
  near("circle", "Reading circle", 12, {
    host: "Emil",
    admission: "open",
    ways: [{ way: "multicast" }],
  }),
  near("lab", "Lab across the yard", 4, {
    host: "Goran",
    admission: "knock",
    ways: [{ way: "introduced", by: "Ben" }],
  }),
  near("staff", "Staff", 3, { host: "Cleo", admission: "invite", locked: true }),
  near("hall", "Lecture hall 2, Tuesday afternoon group", 1000, {
    full: true,
    ways: [{ way: "broadcast" }],
  }),
  near("new", "Coffee corner", 1, {
    host: "Wolfeschlegelsteinhausenbergerdorff the 3",
    proof: "unchecked",
    ways: [{ way: "scanned" }],
  }),
  near("false", "Canteen", 2, {
    known: { known: "key_changed", room: key("old"), fingerprint: fingerprint("Canteen before") },
  }),
  near("gone", "Band room", 0, away("closed")),
  near("sleepy", "Balcony", 1, away("silent")),
  near("forged", "Office", 0, { ...away("not_itself"), proof: "unchecked" }),
];
/** What is known of rooms that were joined before and are not here. */
const offline = (): NearbyRoom[] => [
  near("jam", "Tool jam", 0, { ...away("not_seen"), known: { known: "joined" } }),
  near("ship", "Bridge, second watch", 0, {
    ...away("other_network"),
    known: { known: "joined" },
  }),
];
const start = (found: Nearby, more: Partial<Scene["view"]> = {}): Scene => ({
  view: view({ recents, nearby: found, ...more }),
});

const report = (findings: Finding[]): Checkup => ({
  at: NOW,
  took: 6_340,
  software: "ChatSpot 0.1.0, Fedora Linux 44",
  findings,
});
const NETWORKS: Finding = {
  level: "good",
  symptom: "networks",
  networks: [
    { interface: "wlan0", kind: "lan", addresses: ["192.168.1.5/24", "fe80::1c2d/64"] },
    { interface: "docker0", kind: "virtual", addresses: ["172.17.0.1/16"] },
  ],
};
export const ILL = report([
  {
    level: "bad",
    symptom: "firewall",
    firewall: "firewalld",
    state: "blocks",
    fix: ["sudo firewall-cmd --permanent --add-service=chatspot", "sudo firewall-cmd --reload"],
  },
  {
    level: "doubtful",
    symptom: "multicast",
    passage: { passage: "out_only" },
  },
  {
    level: "doubtful",
    symptom: "dial_back",
    by: "Ben",
    address: "192.168.1.5:4470",
    outcome: "no_answer",
  },
  NETWORKS,
  { level: "good", symptom: "peers", answered: 2 },
  { level: "good", symptom: "port", port: { state: "open", port: 4470, usual: true } },
  { level: "note", symptom: "vpn", interface: "tun0", takes: "elsewhere" },
  { level: "good", symptom: "clock", ahead: 0 },
]);
export const WELL = report([
  NETWORKS,
  { level: "good", symptom: "multicast", passage: { passage: "both" } },
  { level: "good", symptom: "broadcast", passage: { passage: "both" } },
  { level: "good", symptom: "peers", answered: 3 },
  { level: "good", symptom: "port", port: { state: "not_hosting" } },
  { level: "good", symptom: "firewall", firewall: "ufw", state: "lets", fix: [] },
  { level: "good", symptom: "clock", ahead: 0 },
]);

/** Something that looks like a QR code, and leads nowhere: three eyes, and specks. */
export function qrLike(seed: string, size = 57): Qr {
  let bits = 7;
  const eye = (x: number, y: number): boolean | null => {
    const from = (at: number) => (at < 8 ? at : at >= size - 8 ? size - 1 - at : -1);
    const [a, b] = [from(x), from(y)];
    if (a < 0 || b < 0 || (x >= size - 8 && y >= size - 8)) return null;
    if (a === 7 || b === 7) return false;
    const ring = Math.min(a, b, 6 - a, 6 - b);
    return ring !== 1;
  };
  const rows = Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_, x) => {
      bits = (Math.imul(bits, 1_664_525) + 1_013_904_223 + seed.charCodeAt(x % seed.length)) >>> 0;
      return (eye(x, y) ?? bits >>> 31 === 1) ? "1" : "0";
    }).join(""),
  );
  return { size, rows };
}

/** What the real one would make of a link. */
export function handedOut(link: string): Handout {
  return {
    link,
    text: `ChatSpot room "Workshop" at 192.168.1.5 or [fd00::5]:4470\nkey: ${fingerprint(link, 14).toUpperCase().replaceAll(" ", "-")}`,
    qr: qrLike(link),
    addresses: ["192.168.1.5:4470", "[fd00::5]:4470"],
  };
}

/** The scripted network: what is nearby, and how it answers. */
export class Around {
  #nearby: Nearby;
  readonly #tell: (nearby: Nearby) => void;
  /** Addresses of the made-up network, and how many of them are tried at a time. */
  static readonly SCAN: Pick<Scan, "of"> & { readonly step: number } = { of: 254, step: 32 };

  constructor(nearby: Nearby, tell: (nearby: Nearby) => void) {
    this.#nearby = nearby;
    this.#tell = tell;
  }

  /** What the window was told last by somebody else. */
  take(nearby: Nearby): void {
    this.#nearby = nearby;
  }

  find(room: RoomId): NearbyRoom | undefined {
    return this.#nearby.rooms.find((near) => near.room === room);
  }

  discovery(discovery: Discovery): void {
    this.#change(
      discovery === "on"
        ? { search: "searching" }
        : { search: "off", rooms: this.#nearby.rooms.filter(({ hosted }) => hosted), scan: null },
    );
  }

  scan(): void {
    this.#change({ scan: { tried: 0, of: Around.SCAN.of, done: false, found: 0 } });
  }

  /** One step of a scan that runs; false when it is over. */
  step(): boolean {
    const { scan } = this.#nearby;
    if (!scan || scan.done) return false;
    const tried = Math.min(scan.of, scan.tried + Around.SCAN.step);
    const done = tried === scan.of;
    this.#change({ scan: { ...scan, tried, done, found: tried > 100 ? 1 : 0 } });
    return !done;
  }

  stopScan(): void {
    const { scan } = this.#nearby;
    if (scan) this.#change({ scan: { ...scan, done: true } });
  }

  #change(more: Partial<Nearby>): void {
    this.#nearby = { ...this.#nearby, ...more };
    this.#tell(this.#nearby);
  }
}

/** They, by name. */
export const nearbyScenes: Record<string, () => Scene> = {
  nearby: () => start(nearby([...mixed(), ...offline()]), { rooms: [workshop(), choir()] }),
  "nearby-few": () => start(nearby([...mixed().slice(2, 5), ...offline()])),
  "nearby-many": () =>
    start(nearby(Array.from({ length: 50 }, (_, at) => near(`r${at}`, `Room ${at + 1}`, at % 7)))),
  "nearby-empty": () => start(nearby(offline())),
  "nearby-nothing": () => start(nearby(), { recents: [] }),
  "nearby-off": () => start(nearby([], { search: "off" })),
  "nearby-no-network": () => start(nearby(offline(), { search: "no_network" })),
  "nearby-failing": () => ({ ...start(nearby(mixed().slice(3))), joins: "room_not_there" }),
  "nearby-leaving": () => ({
    ...start(nearby(mixed().slice(2, 5))),
    soon: [
      {
        change: "nearby",
        nearby: nearby([
          ...mixed().slice(3, 5),
          near("later", "Allotments", 2, { host: "Pia" }),
          { ...near("print", "Print room", 0), ...away("closed") },
        ]),
      },
    ],
  }),
  scan: () =>
    start(nearby(mixed().slice(3, 5), { scan: { tried: 96, of: 254, done: false, found: 1 } })),
  scanned: () =>
    start(nearby(mixed().slice(7, 8), { scan: { tried: 254, of: 254, done: true, found: 1 } })),
  doctor: () => ({ ...start(nearby()), checkup: ILL }),
  "doctor-well": () => ({ ...start(nearby(mixed().slice(3, 5))), checkup: WELL }),
  "doctor-failing": () => ({ ...start(nearby()), checkup: "internal" }),
  "invite-qr": () => inRoom(workshop()),
  "invite-joined": () => inRoom(choir()),
  "invite-only": () =>
    inRoom(
      workshop({
        settings: rules(undefined, { admission: "invite", hidden: true }),
        hosting: { ...hosting, addresses: hosting.addresses.slice(0, 1) },
      }),
    ),
};
