/** Every state of the window worth looking at, by name: `?scene=NAME` in a plain browser, and all of them in shots.mjs. */
import type { Change, Item, RoomId, RoomView } from "../generated/protocol";
import { retentionOf } from "../state/retention";
import { nearbyScenes } from "./around";
import {
  ada,
  address,
  ben,
  bench,
  choir,
  cleo,
  DAY,
  dina,
  emil,
  farah,
  fingerprint,
  found,
  HOUR,
  hosted,
  hosting,
  hosts,
  inRoom,
  key,
  MINUTE,
  me,
  message,
  NOW,
  type Person,
  person,
  present,
  recents,
  rules,
  Story,
  view,
  workshop,
} from "./cast";
import type { Scene } from "./fake";
import { trustScenes } from "./trusted";

/** Live places begin far behind those of the stories. */
let said_at = 5_000;
const said = (room: RoomId, who: Person, text: string, id: string): Change => ({
  change: "room",
  room,
  what: "items",
  items: [
    {
      item: "event",
      log: 1,
      event: {
        kind: "message",
        seq: ++said_at,
        at: NOW,
        author: who.member,
        name: who.name,
        id,
        text,
      },
      proof: "author",
      rich: null,
    },
  ],
});

const LONG_WORD =
  "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
const longName = person("Wolfeschlegelsteinhausenbergerdorff the 3");
const rtl = person("مريم الحسيني");
const emoji = person("👩🏽‍🚀🛰️✨");
const lecture = "Everything that a longest message can hold. ".repeat(372);
const longNames = (): RoomView => {
  const story = new Story(NOW - 5 * HOUR).join(longName).join(rtl).join(emoji);
  for (let at = 0; at < 280; at++)
    story.say([ben, cleo, emil][Math.floor(at / 3) % 3] ?? ben, `Line ${at + 1}`, 45_000);
  story
    .say(
      longName,
      `${LONG_WORD}${LONG_WORD}${LONG_WORD} is one word, and https://example.org/${"a".repeat(160)} is another.`,
    )
    .say(rtl, "مرحبا بالجميع! متى يبدأ الاجتماع؟\nThe meeting starts at 15:00.")
    .say(emoji, "👋🏽 🎉")
    .leave(emoji, "lost")
    .gap()
    .say(longName, lecture.slice(0, 16_384))
    .reset()
    .say(ada, `${LONG_WORD}${LONG_WORD}`);
  return workshop({
    name: "The room with the longest name of them al",
    items: story.items,
    settings: rules(retentionOf(365)),
    members: [hosts(ada), present(longName), present(rtl), present(emoji), present(ben)],
  });
};

const evil = person(`<img src=x onerror=alert(1)>`);
const injection = (): RoomView =>
  workshop({
    name: `<script>alert("room")</script>`,
    members: [hosts(ada), present(evil)],
    typing: [evil.member],
    items: new Story(NOW - HOUR)
      .join(evil)
      .say(evil, `<img src=x onerror="alert(1)"> <b>bold?</b> {@html "x"} {{7*7}} \${7*7}`)
      .say(
        evil,
        `javascript:alert(1) [click](javascript:alert(1)) <a href="javascript:alert(1)">x</a>`,
      )
      .rename(evil, `"><svg onload=alert(1)>`).items,
  });

const crowd = Array.from({ length: 199 }, (_, at) =>
  present(person(`${["Kim", "Lena", "Mo", "Noor", "Olu", "Pia"][at % 6]} ${at + 1}`), {
    presence: at % 17 === 5 ? "away" : "online",
  }),
);

/** Half a year of a room: more than any window shows at once. */
const years = (): Item[] => {
  const story = new Story(NOW - 170 * DAY).join(ada).join(ben).join(cleo);
  const people = [ben, cleo, emil, dina, ada];
  const things = [
    "The belt of the second printer slips again.",
    "Who has the key to the store?",
    "Laser is free now.",
    "I put the new blades into the blue drawer.",
    "Measured it twice: 42.5 mm.",
    "Coffee is ready.",
    "The supplier called, the acrylic comes on Friday.",
  ];
  for (let at = 0; at < 4_000; at++) {
    const who = people[(at * 7 + Math.floor(at / 3)) % people.length] ?? ben;
    story.say(who, `${things[(at * 5) % things.length]} (${at + 1})`, HOUR);
  }
  return story.items;
};
const longAgo = (more: Partial<RoomView> = {}, past = years()): Partial<Scene> & Scene => {
  const room = workshop({
    items: past.slice(-500),
    older: true,
    settings: rules(retentionOf(365)),
    ...more,
  });
  return inRoom(room, { past: { [room.room]: past } });
};
const deeds = (): RoomView =>
  workshop({
    settings: rules(retentionOf(30)),
    items: new Story(NOW - HOUR)
      .did(ada, { kind: "settings", settings: rules(retentionOf(30)) })
      .say(ben, "Meet at four?")
      .did(ben, { kind: "edited", target: { author: ben.member, id: "m1.1" }, text: "At five?" })
      .did(cleo, {
        kind: "reacted",
        target: { author: ben.member, id: "m1.1" },
        reaction: "👍",
        active: true,
      })
      .did(cleo, {
        kind: "reacted",
        target: { author: ben.member, id: "m1.1" },
        reaction: "👍",
        active: false,
      })
      .say(emil, "Spam, spam, spam")
      .did(ada, { kind: "deleted", target: { author: emil.member, id: "x" } })
      .did(ada, { kind: "moderated", member: emil.member, action: "mute" })
      .did(dina, { kind: "unknown" }).items,
  });

/** The scenes. */
export const scenes: Record<string, () => Scene> = {
  loading: () => ({ view: view(), silent: true }),
  broken: () => ({
    view: view(),
    broken: {
      code: "storage",
      message: "cannot open /home/ada/.local/share/chatspot: read-only file system",
    },
  }),
  "first-run": () => ({ view: view({ me: { ...me, name: null } }) }),
  "start-empty": () => ({ view: view() }),
  "start-with-recents": () => ({ view: view({ recents }) }),
  room: () =>
    inRoom(workshop(), {
      soon: [
        said(key("choir"), farah, "And please be there at seven.", "c1"),
        said(key("choir"), farah, "Door code is the usual one.", "c2"),
      ],
    }),
  "room-host-alone": () => ({
    view: view({ rooms: [hosted(key("workshop"), "Workshop", me)], recents }),
    place: key("workshop"),
  }),
  "room-other-port": () => {
    const other = {
      ...hosting,
      port: 4471,
      other_port: true,
      addresses: [
        address("192.168.1.5:4471", "wlan0", "lan"),
        address("[fd00::5]:4471", "wlan0", "lan"),
      ],
    };
    return {
      view: view({ rooms: [{ ...hosted(key("workshop"), "Workshop", me), hosting: other }] }),
      place: key("workshop"),
    };
  },
  "room-no-network": () => {
    const cut = { ...hosting, addresses: hosting.addresses.slice(2) };
    return {
      view: view({ rooms: [{ ...hosted(key("workshop"), "Workshop", me), hosting: cut }] }),
      place: key("workshop"),
    };
  },
  connecting: () => inRoom(bench({ link: { state: "connecting" }, items: [] })),
  reconnecting: () =>
    inRoom(
      choir({
        link: { state: "waiting", trouble: "lost", retry_at: Date.now() + 4_000 },
        outbox: [
          {
            ...message("q1", "I can copy them at the office."),
            at: NOW,
            state: { state: "queued" },
          },
          { ...message("q2", "How many basses are we?"), at: NOW + 1, state: { state: "queued" } },
        ],
      }),
    ),
  "closed-by-host": () => inRoom(choir({ link: { state: "closed", trouble: "host_closed" } })),
  "failed-message": () =>
    inRoom(
      workshop({
        outbox: [
          {
            ...message("f1", "This one did not get through."),
            at: NOW,
            state: { state: "failed", code: "not_saved", retry: true },
          },
          {
            ...message("f2", "Nor did this one, and trying again will not help it."),
            at: NOW,
            state: { state: "failed", code: "id_conflict", retry: false },
          },
          { ...message("f3", "This one is on its way."), at: NOW, state: { state: "sending" } },
        ],
      }),
    ),
  "long-names": () => inRoom(longNames()),
  "many-members": () => inRoom(workshop({ members: [hosts(ada), ...crowd] })),
  "join-error": () => ({ view: view({ recents }), found: "nobody_answers" }),
  "choose-room": () => ({
    view: view({ recents }),
    found: {
      address: "192.168.1.5:4470",
      rooms: [
        found(key("a"), "Workshop", 6),
        found(key("b"), "Reading circle", 1, { admission: "open", known: { known: "joined" } }),
        found(key("c"), "Lecture hall 2, Tuesday afternoon group", 1000, { full: true }),
        found(key("d"), "Staff", 3, { admission: "invite", locked: true }),
        found(key("e"), "Print room", 2, {
          known: {
            known: "key_changed",
            room: key("print"),
            fingerprint: fingerprint("Print room"),
          },
          fingerprint: fingerprint("somebody else"),
        }),
      ],
    },
  }),
  typing: () => inRoom(workshop({ typing: [ben.member, emil.member] })),
  "stopped-hosting": () =>
    inRoom(
      workshop({
        hosting: { ...hosting, running: false },
        link: { state: "closed", trouble: "stopped" },
        members: [],
      }),
    ),
  "no-port": () =>
    inRoom(
      workshop({
        hosting: {
          ...hosting,
          running: false,
          trouble: { code: "no_port", message: "EADDRINUSE" },
        },
        link: { state: "closed", trouble: "stopped" },
        members: [],
      }),
    ),
  "html-injection": () => inRoom(injection()),
  busy: () =>
    inRoom(workshop(), {
      ticks: {
        every: 50,
        change: (n) => said(key("workshop"), n % 3 ? ben : emil, `Message ${n}`, `b${n}`),
      },
    }),
  "long-ago": () => longAgo(),
  "unread-far": () =>
    longAgo({
      read: { log: 1, seq: 2_000 },
      unread: 999,
      settings: rules(retentionOf(30)),
    }),
  filling: () => inRoom(workshop({ filling: true })),
  "not-kept": () =>
    inRoom(
      choir({
        items: new Story(NOW - 2 * HOUR, 400)
          .say(farah, "Sheet music for Thursday is in the cupboard.")
          .say(ben, "Thanks! We need two more copies for the basses.", 3 * MINUTE).items,
        read: { log: 1, seq: 402 },
      }),
    ),
  "nothing-kept": () => inRoom(choir({ settings: rules(retentionOf(0)) })),
  deeds: () => inRoom(deeds()),
  "not-saved": () =>
    inRoom(
      choir({ link: { state: "waiting", trouble: "not_saved", retry_at: Date.now() + 9_000 } }),
    ),
  refused: () =>
    inRoom(
      workshop({
        outbox: [
          {
            id: "r1",
            submission: {
              kind: "settings",
              id: "r1",
              settings: rules(retentionOf(7)),
            },
            at: NOW,
            state: { state: "failed", code: "not_saved", retry: true },
            rich: null,
          },
          {
            ...message("r2", "And this the host did not let through."),
            at: NOW,
            state: { state: "failed", code: "not_allowed", retry: false },
          },
        ],
      }),
    ),
  recovered: () => {
    const scene = inRoom(workshop({ hosting: { ...hosting, recovered: "backup" } }));
    return { ...scene, view: { ...scene.view, recovered: "anew" } };
  },
  ...trustScenes,
  ...nearbyScenes,
  "quit-asked": () => inRoom(workshop(), { soon: [{ change: "quit_asked", others: 3 }] }),
};
