/** Every text for people, in one place. What happened, then what to do next; plain, short, honest. */
import type { AddressKind, FailureCode, Reject, Trouble } from "./generated/protocol";
import type { Move } from "./state/timeline";

/** What happened, and what to do about it. */
export interface Told {
  readonly what: string;
  readonly next: string;
}

const dialling = {
  name_unknown: {
    what: "No computer of that name was found.",
    next: "Check the spelling, or ask the host for the number address, like 192.168.1.5.",
  },
  nobody_answers: {
    what: "Nobody answers there.",
    next: "Is the host's ChatSpot open, and are you on the same network?",
  },
  not_chatspot: {
    what: "Something answers there, but it is not ChatSpot.",
    next: "Check the address with the host, the number after the colon too.",
  },
  relay_too_old: {
    what: "The host's ChatSpot is too old for this one.",
    next: "Ask the host to update ChatSpot.",
  },
  client_too_old: {
    what: "That room needs a newer ChatSpot than this one.",
    next: "Update ChatSpot, then join again.",
  },
  room_full: { what: "That room is full.", next: "Try again when somebody has left." },
  no_such_room: {
    what: "That room is not there any more.",
    next: "The host may have closed it. Ask the host, or join by address to see what is open there.",
  },
} satisfies Partial<Record<FailureCode & Trouble, Told>>;

const failures: Record<FailureCode, Told> = {
  ...dialling,
  not_an_address: {
    what: "That is not an address.",
    next: "Type what the host sees under Invite, like 192.168.1.5.",
  },
  wrong_scheme: {
    what: "ChatSpot cannot open that kind of link.",
    next: "Type only the address, like 192.168.1.5.",
  },
  no_rooms: {
    what: "ChatSpot answers there, but no room is open.",
    next: "Ask the host to open the room, then try again.",
  },
  empty: { what: "There is nothing to read in that.", next: "Type at least one letter." },
  too_long: { what: "That is too long.", next: "Make it shorter." },
  control: {
    what: "That holds characters that cannot be shown.",
    next: "Type it by hand instead of pasting it.",
  },
  no_name: { what: "You have no name yet.", next: "Choose one in the settings first." },
  not_open: {
    what: "That room is not open here any more.",
    next: "Join it again from the start page.",
  },
  outbox_full: {
    what: "Too many messages are waiting to be sent.",
    next: "Wait until the connection is back, or discard some.",
  },
  too_many_rooms: { what: "Too many rooms are open.", next: "Leave or stop one first." },
  no_port: {
    what: "This computer let ChatSpot open no port.",
    next: "Another program may use them all, or a firewall forbids it. Close some programs and try again.",
  },
  storage: {
    what: "ChatSpot cannot write to its folder.",
    next: "Is the disk full or read-only? Make room, then try again.",
  },
  internal: {
    what: "Something went wrong inside ChatSpot.",
    next: "Try again. If it stays, restart ChatSpot.",
  },
};

const troubles: Record<Trouble, Told> = {
  ...dialling,
  lost: { what: "The connection was lost.", next: "Check that you are still on the network." },
  silent: {
    what: "The host has gone silent.",
    next: "Its computer may be asleep or off the network.",
  },
  too_slow: {
    what: "This connection was too slow to keep up.",
    next: "Nothing is lost: the rest follows.",
  },
  relay_stopping: {
    what: "The host's ChatSpot is closing.",
    next: "When it is back, you are in again by itself.",
  },
  host_closed: {
    what: "The host closed this room.",
    next: "What was said stays here until you leave.",
  },
  replaced: {
    what: "You joined this room from another window.",
    next: "Only one at a time can be in it.",
  },
  unauthenticated: {
    what: "The host did not accept this computer's key.",
    next: "Try again. If it stays, restart ChatSpot.",
  },
  stopped: { what: "You stopped hosting this room.", next: "Open it again to let others in." },
  protocol: {
    what: "The host sent something that makes no sense.",
    next: "Its ChatSpot may be broken or too new.",
  },
};

/** Words for a command that failed. */
export function failure(code: FailureCode): Told {
  return failures[code] ?? failures.internal;
}

/** Words for a connection that ended. */
export function trouble(code: Trouble): Told {
  return troubles[code] ?? troubles.protocol;
}

/** Why the relay refused a message. */
export const rejects: Record<Reject, string> = {
  id_conflict: "Not sent: the host took it for another message. Edit it and send it anew.",
  not_saved: "Not sent: the host could not save it.",
  unknown: "Not sent: the host refused it.",
};

/** What kind of network an address leads to. */
export const addressKinds: Record<AddressKind, string> = {
  lan: "Local network",
  public: "Public address",
  vpn: "VPN",
  virtual: "Containers and virtual machines on this computer",
  link_local: "Direct cable only",
  loopback: "This computer only",
};

const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A name for use within a sentence: one written from right to left must not turn the words around it. */
export function isolated(name: string): string {
  return RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name;
}

/** "1 other", "3 others". */
export function others(count: number): string {
  return count === 1 ? "1 other" : `${count} others`;
}

/** "Ada", "Ada and Ben", "Ada, Ben and Cleo", "Ada, Ben and 3 others". */
export function list(names: readonly string[], most = 3): string {
  const shown = names.length > most ? names.slice(0, most - 1) : names;
  const rest = names.length - shown.length;
  const parts = rest > 0 ? [...shown, others(rest)] : shown;
  const last = parts.at(-1) ?? "";
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
}

const moves: Record<Move, string> = {
  joined: "joined",
  left: "left",
  lost: "lost the connection",
  visited: "joined and left",
  returned: "left and came back",
};

/** One part of a folded notice. */
export function move(kind: Move, names: readonly string[], most?: number): string {
  return `${list(names, most)} ${moves[kind]}`;
}

/** Who is typing; nothing for nobody. */
export function typing(names: readonly string[]): string {
  if (names.length === 0) return "";
  if (names.length > 3) return "Several people are typing…";
  return `${list(names)} ${names.length === 1 ? "is" : "are"} typing…`;
}

/** All other texts, by where they stand. */
export const words = {
  app: "ChatSpot",
  you: "You",
  today: "Today",
  yesterday: "Yesterday",
  host: "host",
  cancel: "Cancel",
  close: "Close",
  copy: "Copy",
  copied: "Copied",
  tryAgain: "Try again",
  back: "Back to the rooms",
  settings: "Settings",
  dismiss: "Dismiss",
  online: (count: number) => `${count} online`,
  keyTag: "Key tag: a hint that this is the same person as before",
  broken: {
    title: "ChatSpot could not start.",
    next: "Restart the program. If it stays, look at what it says here:",
  },
  first: {
    title: "Welcome to ChatSpot",
    lead: "Talk with the people on your network. No account, no server, no internet.",
    ask: "What should others call you?",
    hint: "You can change it whenever you like.",
    go: "Continue",
  },
  start: {
    title: (name: string) => `Hello, ${name}`,
    lead: "Talk with the people on your network.",
    nearby: "Rooms nearby",
    nearbyLead: "This version does not find rooms by itself yet.",
    nearbyNext:
      "Ask the host for the address that stands under Invite in their window, then join by it.",
    host: "Host a room",
    hostLead: "Others on your network join you.",
    join: "Join by address",
    joinLead: "Type what the host's window shows.",
    recent: "Recent rooms",
    rejoin: (name: string) => `Join ${name} again`,
    forget: (name: string) => `Remove ${name} from the list`,
  },
  side: {
    label: "Rooms",
    home: "Start page",
    find: "Go to…",
    hosted: "Hosted by you",
    joined: "Joined",
    recent: "Recent",
    host: "Host",
    join: "Join",
    empty: "No room is open yet. Host one, or join one by its address.",
    unread: (count: number) => `${count} unread`,
    nothing: "Nothing said yet",
    draft: "Draft:",
  },
  hostRoom: {
    title: "Host a room",
    lead: "The room lives on this computer, for as long as ChatSpot is open.",
    name: "Name of the room",
    suggestion: (name: string) => `${name}'s room`,
    go: "Host",
  },
  join: {
    title: "Join by address",
    address: "Address",
    placeholder: "192.168.1.5 or host:port",
    hint: "The host finds it under Invite.",
    go: "Join",
    busy: "Looking…",
    choose: "Choose a room",
    chooseLead: (address: string) => `Several rooms are open at ${address}.`,
    full: "full",
    again: "Other address",
  },
  room: {
    hostedByYou: "Hosted by you",
    hostedBy: (name: string) => `Hosted by ${name}`,
    invite: "Invite",
    menu: "More about this room",
    members: "Members",
    leave: "Leave the room",
    remove: "Remove from the list",
    stop: "Stop hosting",
    open: "Open again",
    tryNow: "Try now",
    openAgain: "Open it again to let others in.",
    stopped: "This room is closed to others.",
    timeline: (name: string) => `Messages in ${name}`,
    latest: "Jump to latest",
    newMessages: (count: number) => (count === 1 ? "1 new message" : `${count} new messages`),
    earlier: "Show earlier messages",
    unread: "New",
    reset: "The host restarted the room. Messages above are kept only in this window.",
    gap: "Some messages are missing here: the host no longer has them.",
    unknown: (name: string) => `${name} did something that needs a newer ChatSpot to be shown.`,
    renamed: (from: string, to: string) => `${from} is now ${to}`,
    emptyHost: "Nobody else is here yet",
    emptyHostStopped: "Open the room to let the others in.",
    empty: "Nothing has been said yet",
    emptyLead: "Say hello.",
    outside: "Not in the room yet",
    outsideLead: "What was said shows once the room is reached.",
  },
  link: {
    online: "Connected",
    connecting: "Connecting…",
    waiting: "Reconnecting",
    inSeconds: (seconds: number) => (seconds > 0 ? `in ${seconds} s` : "now"),
    closed: "Closed",
    stopped: "Not hosted",
  },
  message: {
    queued: "Waiting to send",
    sending: "Sending",
    sent: "Sent",
    retry: "Retry",
    edit: "Edit",
    discard: "Discard",
    more: "Show all of it",
    less: "Show less",
  },
  compose: {
    label: (room: string) => `Message ${room}`,
    send: "Send",
    offline: "Not connected. What you write is sent once the room is back.",
    over: (bytes: number) => `${bytes} bytes too long`,
    left: (bytes: number) => `${bytes} bytes left`,
  },
  members: {
    online: "Online",
    away: "Away",
    before: "Here before",
    none: "Members show once the room is reached.",
  },
  invite: {
    title: (room: string) => `Invite to ${room}`,
    lead: "Tell the others to open ChatSpot, choose Join by address, and type:",
    other: "Other addresses",
    none: "This computer seems to be on no network.",
    noneNext: "Connect it to the network that the others use. The address then shows here.",
    port: (port: number) =>
      `The usual port was busy, so this room uses port ${port}. The number after the colon is part of the address.`,
    where: (kind: AddressKind, name: string) => `${addressKinds[kind]} · ${name}`,
    copy: (address: string) => `Copy ${address}`,
  },
  stop: {
    title: (room: string) => `Stop hosting ${room}?`,
    text: (count: number) =>
      `${others(count)} ${count === 1 ? "is" : "are"} in it. Stopping closes the room for everybody.`,
  },
  leave: {
    title: (room: string) => `Leave ${room}?`,
    text: "What is still waiting to be sent is thrown away.",
    go: "Leave the room",
  },
  remove: {
    title: (room: string) => `Remove ${room}?`,
    text: "Its key is deleted with it: this room can never be opened again, and those who joined it will not find it.",
    go: "Remove the room",
  },
  quit: {
    title: "Quit ChatSpot?",
    text: (count: number) =>
      `${others(count)} ${count === 1 ? "is" : "are"} in your room. Quitting closes it for everybody.`,
    stay: "Stay",
    go: "Quit",
  },
  prefs: {
    name: "Your name",
    save: "Save",
    theme: "Look",
    themes: { system: "System", light: "Light", dark: "Dark" },
    sendKey: "Send with",
    sendKeys: { enter: "Enter", ctrlEnter: "Ctrl+Enter" },
    about: (version: string) => `ChatSpot ${version}`,
    tag: "Your key tag",
    tagLead: "Four characters of this computer's key. Others see them beside your name.",
    shortcuts: "Keyboard shortcuts",
  },
  switcher: { title: "Go to a room", find: "Type a room's name", none: "No room of that name." },
} as const;

/** The list of shortcuts, in the order shown. */
export const shortcuts: readonly { readonly keys: readonly string[]; readonly does: string }[] = [
  { keys: ["Ctrl", "K"], does: "Go to a room" },
  { keys: ["Alt", "↑ ↓"], does: "Previous, next room" },
  { keys: ["Alt", "Shift", "↑ ↓"], does: "Previous, next room with something new" },
  { keys: ["Enter"], does: "Send (the settings can change it)" },
  { keys: ["Shift", "Enter"], does: "New line" },
  { keys: ["Esc"], does: "Close what is open, then jump to the latest" },
  { keys: ["PgUp", "PgDn"], does: "Scroll the messages" },
  { keys: ["Home", "End"], does: "First, latest message (with nothing typed)" },
  { keys: ["Ctrl", "+ − 0"], does: "Larger, smaller, usual size" },
  { keys: ["Ctrl", "/"], does: "This list" },
];
