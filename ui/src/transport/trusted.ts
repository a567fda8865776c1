/** Scenes of who may come in, who is who, and what is safe. See `scenes.ts`. */
import type {
  CompareStage,
  Inline,
  Invite,
  LinkState,
  MemberView,
  Rich,
  RoomView,
  Trouble,
} from "../generated/protocol";
import {
  ada,
  ben,
  choir,
  cleo,
  DAY,
  dina,
  door,
  emil,
  farah,
  fingerprint,
  HOUR,
  hosts,
  inRoom,
  key,
  MINUTE,
  me,
  NOW,
  person,
  present,
  recents,
  rules,
  Story,
  security,
  view,
  workshop,
} from "./cast";
import type { Scene } from "./fake";

/** A room that one stands before: nothing of it is known yet. */
const before = (link: LinkState, more: Partial<RoomView> = {}): Scene =>
  inRoom(choir({ link, settings: null, members: [], items: [], read: null, ...more }));
/** A room that one was in, and stands before now. */
const refused = (trouble: Trouble): Scene => inRoom(choir({ link: { state: "closed", trouble } }));
const refusedAtOnce = (trouble: Trouble): Scene => before({ state: "closed", trouble });

const invite = (id: string, more: Partial<Invite> = {}): Invite => ({
  id,
  token: id,
  role: "member",
  made_by: ada.member,
  made_at: NOW - HOUR,
  expires_at: NOW + 3 * DAY,
  uses_left: null,
  used: 0,
  ...more,
});
const busyDoor = door({
  invites: [
    invite("i1", { used: 4 }),
    invite("i2", { role: "guest", uses_left: 1, expires_at: NOW + 2 * HOUR }),
    invite("i3", { uses_left: 5, used: 25, expires_at: null }),
  ],
  knocks: [
    { member: key("Goran"), name: "Goran" },
    { member: key("long"), name: "Wolfeschlegelsteinhausenbergerdorff the 3" },
  ],
  banned: [{ member: key("Mallory"), name: "Mallory" }],
  wrong: 41,
});

const CODES: CompareStage = {
  stage: "codes",
  emoji: [
    { emoji: "🦊", name: "Fox" },
    { emoji: "🍄", name: "Mushroom" },
    { emoji: "⚓", name: "Anchor" },
    { emoji: "🎸", name: "Guitar" },
    { emoji: "☂️", name: "Umbrella" },
    { emoji: "🚀", name: "Rocket" },
  ],
  digits: "482 019 773",
};
const comparing = (stage: CompareStage): Scene =>
  inRoom(choir({ compare: { member: farah.member, name: farah.name, stage } }));

const text = (said: string) => ({ inline: "text", text: said }) as const;
const link = (said: string, href: string, host: string, plain: boolean): Inline => ({
  inline: "link",
  href,
  host,
  plain,
  inlines: [text(said)],
});
const RICH: Rich = [
  { block: "heading", inlines: [text("Settings for the 4 mm ply")] },
  {
    block: "paragraph",
    inlines: [
      text("Use "),
      { inline: "strong", inlines: [text("two passes")] },
      text(", "),
      { inline: "emphasis", inlines: [text("slowly")] },
      text(", "),
      { inline: "strike", inlines: [text("80 %")] },
      text(" "),
      { inline: "code", text: "power=62" },
      text(". More at "),
      link("https://laser.example/ply", "https://laser.example/ply", "laser.example", true),
      text(" and "),
      link("bank.example", "http://evil.example/", "evil.example", false),
      text("."),
      { inline: "break" },
      text("Second line."),
    ],
  },
  {
    block: "list",
    start: null,
    items: [
      [{ block: "paragraph", inlines: [text("clean the lens")] }],
      [
        { block: "paragraph", inlines: [text("level the bed")] },
        {
          block: "list",
          start: 3,
          items: [
            [{ block: "paragraph", inlines: [text("front")] }],
            [{ block: "paragraph", inlines: [text("back")] }],
          ],
        },
      ],
    ],
  },
  {
    block: "quote",
    blocks: [
      {
        block: "paragraph",
        inlines: [text(`<img src=x onerror="alert(1)"> said <b>somebody</b>`)],
      },
    ],
  },
  {
    block: "code",
    language: "gcode",
    text: "G0 X10 Y10\nM3 S620   ; a long line that does not end where the window ends, but goes on and on and on and on and on\n<script>alert(1)</script>",
  },
  { block: "rule" },
  { block: "paragraph", inlines: [text("مرحبا "), { inline: "code", text: "a < b" }] },
];
const plainOf = (said: string) => ({ kind: "message", text: said });

const moderated = (more: Partial<RoomView> = {}): RoomView =>
  workshop({
    members: [
      hosts(farah),
      present(ada, { role: "moderator" }),
      present(ben, { role: "moderator", verified: true }),
      present(cleo, { muted: true }),
      present(dina, { role: "guest" }),
      present({ member: key("Аda"), name: "Аda" }, { looks_like: ada.member }),
      present(person("Wolfeschlegelsteinhausenbergerdorff the 3"), { role: "guest", muted: true }),
    ],
    hosting: null,
    security: security("Workshop", "invite"),
    ...more,
  });

const muted = (member: MemberView): MemberView =>
  member.member === ada.member ? { ...member, muted: true } : member;

/** They, by name. */
export const trustScenes: Record<string, () => Scene> = {
  door: () => inRoom(workshop({ door: busyDoor, settings: rules(undefined, { slow: 30 }) })),
  "door-moderator": () =>
    inRoom(
      moderated({
        door: { ...busyDoor, wrong: 3 },
        settings: rules(undefined, { admission: "knock" }),
      }),
    ),
  knocks: () =>
    inRoom(workshop({ door: busyDoor, settings: rules(undefined, { admission: "knock" }) })),
  passcode: () => before({ state: "passcode", wrong: false }),
  "passcode-wrong": () => before({ state: "passcode", wrong: true }),
  "passcode-again": () => inRoom(choir({ link: { state: "passcode", wrong: false } })),
  knocking: () => before({ state: "knocking" }),
  banned: () => refused("banned"),
  kicked: () => refused("kicked"),
  locked: () => refusedAtOnce("locked"),
  "invite-needed": () => refusedAtOnce("invite_needed"),
  "bad-invite": () => refusedAtOnce("bad_invite"),
  "not-local": () => refusedAtOnce("not_local"),
  denied: () => refusedAtOnce("denied"),
  "slow-down": () =>
    before({ state: "waiting", trouble: "slow_down", retry_at: Date.now() + 25_000 }),
  "key-changed": () =>
    inRoom(
      choir({
        link: { state: "closed", trouble: "key_changed" },
        security: security("Choir practice", "no", fingerprint("somebody else")),
      }),
    ),
  unverified: () => inRoom(choir({ security: security("Choir practice", "no") })),
  "link-asked": () =>
    inRoom(workshop(), {
      soon: [
        {
          change: "link_asked",
          question: {
            link: "chatspot://join/AQEAIJ2",
            room: "linked",
            name: "Reading circle",
            fingerprint: fingerprint("linked"),
            addresses: ["192.168.1.57:4470", "[fd00::57]:4470", "circle.example.org"],
            invite: true,
            known: false,
          },
        },
      ],
    }),
  "link-damaged": () => inRoom(workshop(), { soon: [{ change: "link_asked", question: null }] }),
  "compare-asked": () => comparing({ stage: "asked" }),
  "compare-waiting": () => comparing({ stage: "waiting" }),
  "compare-codes": () => comparing(CODES),
  "compare-matched": () => comparing({ stage: "matched" }),
  "compare-stopped": () => comparing({ stage: "stopped" }),
  "compare-broken": () => comparing({ stage: "broken" }),
  roles: () => inRoom(moderated()),
  rich: () =>
    inRoom(
      workshop({
        items: new Story(NOW - HOUR)
          .say(ben, "# Settings for the 4 mm ply", MINUTE, RICH)
          .say(ada, "**Thanks**, that will do.", MINUTE, [
            {
              block: "paragraph",
              inlines: [{ inline: "strong", inlines: [text("Thanks")] }, text(", that will do.")],
            },
          ]).items,
      }),
    ),
  unproven: () =>
    inRoom(
      workshop({
        items: new Story(NOW - HOUR)
          .say(ben, "Meet at four.")
          .unproven(
            ben,
            plainOf("Please send me the door code, and the passcode of the other room."),
          )
          .unproven(ada, plainOf("I never said this."))
          .unproven(ben, { kind: "deleted", target: { author: ben.member, id: "m1.0" } })
          .say(cleo, "Ben, was that you?").items,
      }),
    ),
  deleted: () =>
    inRoom(
      moderated({
        items: new Story(NOW - HOUR)
          .join(ada)
          .say(emil, "Spam, spam, spam")
          .say(emil, "and more of it")
          .say(ada, "I should not have said this.")
          .did(farah, { kind: "deleted", target: { author: emil.member, id: "m1.1" } })
          .did(ada, { kind: "deleted", target: { author: ada.member, id: "m1.3" } })
          .did(ben, { kind: "deleted", target: { author: emil.member, id: "long ago" } })
          .say(ada, "Better now.").items,
      }),
    ),
  muted: () => {
    const room = moderated({ draft: "half a thought" });
    return inRoom({ ...room, members: room.members.map(muted) });
  },
  slow: () =>
    inRoom(choir({ slow_until: Date.now() + 24_000, settings: rules(undefined, { slow: 30 }) })),
  acts: () =>
    inRoom(
      moderated({
        items: new Story(NOW - HOUR)
          .join(farah, undefined, "owner")
          .join(ben, { by: "passcode" })
          .join(cleo, { by: "passcode" })
          .join(dina, { by: "invite", invite: "i1" }, "guest")
          .join(emil, { by: "knock", admitted_by: ada.member })
          .did(farah, { kind: "role", member: ben.member, role: "moderator" })
          .did(farah, { kind: "settings", settings: rules() })
          .did(ben, { kind: "settings", settings: rules(undefined, { locked: true, slow: 60 }) })
          .did(ben, { kind: "moderated", member: cleo.member, action: "mute" })
          .did(farah, { kind: "role", member: ada.member, role: "owner" }).items,
      }),
    ),
  "keychain-locked": () => ({
    view: view(),
    broken: {
      code: "keychain_locked",
      message: "org.freedesktop.secrets: the collection is locked",
    },
  }),
  "keychain-empty": () => ({
    view: view({ me: { ...me, kept: "file" }, recents }),
    broken: { code: "keychain_empty", message: "no entry chatspot/identity" },
  }),
};
