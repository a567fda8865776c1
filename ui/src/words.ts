/** Every text for people, in one place. What happened, then what to do next; plain, short, honest. */
import {
  type AddressKind,
  type ExportFormat,
  LIMITS,
  type Recovery,
  type Retention,
} from "./generated/protocol";
import { daysOf, shortens } from "./state/retention";
import type { Told } from "./words/codes";
import { days, list, others } from "./words/names";

export { broken, failure, rejects, type Told, trouble } from "./words/codes";
export { deed, move } from "./words/deeds";
export { checkupText, doctor, finding, mends, ordered, verdict } from "./words/doctor";
export { days, isolated, list, others, span } from "./words/names";
export { ago, handout, nearby, scanned, vanished, way, ways } from "./words/nearby";
export { trust } from "./words/trust";

/** What kind of network an address leads to. */
export const addressKinds: Record<AddressKind, string> = {
  lan: "Local network",
  public: "Public address",
  vpn: "VPN",
  virtual: "Containers and virtual machines on this computer",
  link_local: "Direct cable only",
  loopback: "This computer only",
};

/** "1 unsent message", "3 unsent messages". */
function unsent(count: number): string {
  return count === 1 ? "1 unsent message" : `${count} unsent messages`;
}

/** How long messages are kept, for choosing it. */
export function retention(kept: Retention): string {
  const count = daysOf(kept);
  return count === null ? "For ever" : count === 0 ? "Not at all" : days(count);
}

/** The same for a room's header; nothing to say when they are kept for ever. */
export function keptFor(kept: Retention): string {
  const count = daysOf(kept);
  return count === null ? "" : count === 0 ? "Nothing kept" : `Kept ${days(count)}`;
}

/** What it means for those in the room. */
export function keptMeans(kept: Retention): string {
  const count = daysOf(kept);
  if (count === null)
    return "Messages are kept until somebody deletes them: by the host, and by everybody who was there.";
  if (count === 0)
    return "Nothing that is said here is written to a disk, neither at the host nor at anybody else. When the room closes, it is gone.";
  return `Messages older than ${days(count)} are deleted: at the host, and on everybody's computer.`;
}

/** What a change of the rule does, and whether that can be undone. */
export function keptChange(from: Retention, to: Retention): Told {
  const count = daysOf(to);
  if (!shortens(from, to))
    return {
      what: "Nothing is deleted by this.",
      next: "What was deleted before does not come back.",
    };
  return {
    what:
      count === 0
        ? "All messages in this room are deleted, for everybody."
        : `All messages older than ${days(count ?? 0)} are deleted, for everybody.`,
    next: "At the host at once, on other computers as soon as they connect. This cannot be undone.",
  };
}

/** Why nothing stands above the first message that is shown. */
export function notKept(kept: Retention | null): string {
  const count = kept ? daysOf(kept) : null;
  if (count === 0) return "Earlier messages are not kept: nothing is, in this room.";
  if (count !== null)
    return `Earlier messages are not kept: they are deleted after ${days(count)}.`;
  return "Earlier messages are not kept: neither here nor at the host.";
}

/** What became of a damaged history. `where` is whose. */
export function recovered(how: Recovery, where: "here" | "host"): Told {
  const what =
    where === "here"
      ? "The message history on this computer was damaged."
      : "The files of the rooms that you host were damaged.";
  const set = "The damaged file was set aside, not deleted.";
  return how === "backup"
    ? { what, next: `The newest backup took its place: the last messages may be missing. ${set}` }
    : {
        what,
        next: `There was no backup to take its place, so ${where === "here" ? "it" : "the history"} begins anew. ${set}`,
      };
}

/** "12", or "999+" where more are not counted. */
export function unreadCount(count: number): string {
  return count >= LIMITS.unreadCounted ? `${LIMITS.unreadCounted}+` : String(count);
}

/** The two ways to write a room to a file. */
export const exportFormats: Record<ExportFormat, { readonly name: string; readonly lead: string }> =
  {
    html: {
      name: "A page to read",
      lead: "One file that any web browser shows and prints.",
    },
    json_lines: {
      name: "Data for programs",
      lead: "One line of JSON for each message, with everything that is known about it.",
    },
  };

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
    raw: "For whoever looks into it:",
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
    host: "Host a room",
    hostLead: "Others on your network join you.",
    join: "Join by address",
    joinLead: "Paste a link, or type an address.",
    recent: "Joined before",
    rejoin: (name: string) => `Join ${name} again`,
    forget: (name: string) => `Remove ${name} from the list`,
    keptHere: "Its messages are kept on this computer",
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
    empty: "No room is open yet. Join one nearby, host one, or join one by its address.",
    unread: (count: number) => `${unreadCount(count)} unread`,
    search: "Search messages",
    nothing: "Nothing said yet",
    notKept: "Messages are not kept",
    draft: "Draft:",
  },
  hostRoom: {
    title: "Host a room",
    lead: "The room lives on this computer, for as long as ChatSpot is open.",
    name: "Name of the room",
    retention: "How long are messages kept?",
    suggestion: (name: string) => `${name}'s room`,
    go: "Host",
  },
  join: {
    title: "Join by address",
    address: "Address, link or short text",
    placeholder: "192.168.1.5, host:port or chatspot://…",
    hint: "Paste whatever you were given: people in the room find all of them under Invite.",
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
    joinAgain: "Join again",
    openAgain: "Open it again to let others in.",
    stopped: "This room is closed to others.",
    timeline: (name: string) => `Messages in ${name}`,
    latest: "Jump to latest",
    toUnread: "Go to where you stopped reading",
    newMessages: (count: number) =>
      count === 1 ? "1 new message" : `${unreadCount(count)} new messages`,
    earlier: "Show earlier messages",
    later: "Show later messages",
    filling: "Older messages are coming in…",
    begins: (name: string) => `This is where ${name} begins`,
    loading: "Reading the messages…",
    search: "Search in this room",
    retention: "How long messages are kept…",
    export: "Save as a file…",
    refused: {
      what: "What you changed in this room was not accepted.",
      next: "Try again, or leave it as it is.",
    },
    unread: "New",
    reset: "The host began this room anew. Messages above are kept by its members only.",
    gap: "Some messages are missing here: the host no longer has them.",
    emptyHost: "Nobody else is here yet",
    emptyHostNearby: "Others on your network see this room under Rooms nearby.",
    emptyHostHidden: "This room is hidden: it does not show under Rooms nearby.",
    emptyHostStopped: "Open the room to let the others in.",
    empty: "Nothing has been said yet",
    emptyLead: "Say hello.",
    emptyNow: "No messages to show",
    outside: "Not in the room yet",
    outsideLead: "What was said shows once the room is reached.",
  },
  link: {
    online: "Connected",
    connecting: "Connecting…",
    waiting: "Reconnecting",
    passcode: "Passcode needed",
    knocking: "At the door",
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
    acts: "What to do with this message",
    copy: "Copy the text",
    unreadFrom: "Mark unread from here",
  },
  compose: {
    label: (room: string) => `Message ${room}`,
    send: "Send",
    offline: "Offline: sent once the room is back.",
    closed: "Not in the room: sent when you join again.",
    stopped: "Closed: sent once the room is open again.",
    editing: "Editing a message that is not sent yet. Esc leaves it as it was.",
    cancelEdit: "Leave it as it was",
    sentMeanwhile: {
      what: "The message was sent as it was before you finished.",
      next: "What you wrote is still here: send it as a new message, or delete it.",
    },
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
    go: "Leave the room",
    copy: "What was said so far",
    keep: "Keep it on this computer",
    keepLead: "You find it again when you come back, and in the search.",
    delete: "Delete it from this computer",
    keepLeadRemoved: "You find it in the search.",
    deleteLead:
      "The room goes from the list as well. The others keep theirs. This cannot be undone.",
    deleteLeadRemoved: "The others keep theirs. This cannot be undone.",
    nothingKept: "Nothing of what was said here is kept on this computer.",
    unsent: (count: number) => `${unsent(count)} will be thrown away.`,
  },
  remove: {
    title: (room: string) => `Remove ${room}?`,
    text: "Its key is deleted with it: this room can never be opened again, and those who joined it will not find it.",
    go: "Remove the room",
  },
  rejoin: {
    title: (room: string) => `Join ${room} again?`,
    text: "You left this room. Its messages show once you are in it again, and the others see that you joined.",
    go: "Join again",
  },
  forget: {
    title: (room: string) => `Forget ${room}?`,
    text: "It goes from the list, and its messages are deleted from this computer. The others keep theirs. This cannot be undone.",
    go: "Forget and delete",
  },
  retention: {
    title: "How long messages are kept",
    choose: "How long are messages kept?",
    custom: "Other…",
    days: "Number of days",
    range: `From 1 to ${LIMITS.retentionDays} days.`,
    now: (rule: string) => `Now: ${rule}`,
    unknown: "It is not known yet how long messages are kept here.",
    host: "Only the room's owner can change it.",
    go: "Change",
    goDelete: "Change and delete",
  },
  export: {
    title: (room: string) => `Save ${room} as a file`,
    lead: "Everything of this room that is on this computer.",
    format: "What kind of file?",
    go: "Save",
    saved: "Saved as",
    copy: "Copy the path",
  },
  search: {
    title: "Search messages",
    find: "Search for words",
    where: "Where to search",
    scopes: { room: "This room", all: "All rooms" },
    hint: "Finds what is on this computer, with or without a connection.",
    none: (query: string) => `Nothing found for “${query}”.`,
    noneNext: "Try another word, or a shorter part of it.",
    older: "Older results",
    results: "Results",
    count: (count: number, more: boolean) =>
      count === 1 && !more ? "1 message" : `${count}${more ? "+" : ""} messages`,
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
    shortcuts: "Keyboard shortcuts",
  },
  switcher: { title: "Go to a room", find: "Type a room's name", none: "No room of that name." },
} as const;

/** The list of shortcuts, in the order shown. */
export const shortcuts: readonly { readonly keys: readonly string[]; readonly does: string }[] = [
  { keys: ["Ctrl", "K"], does: "Go to a room" },
  { keys: ["Ctrl", "F"], does: "Search in this room" },
  { keys: ["Ctrl", "Shift", "F"], does: "Search in all rooms" },
  { keys: ["Alt", "↑ ↓"], does: "Previous, next room" },
  { keys: ["Alt", "Shift", "↑ ↓"], does: "Previous, next room with something new" },
  { keys: ["Enter"], does: "Send (the settings can change it)" },
  { keys: ["Shift", "Enter"], does: "New line" },
  { keys: ["Esc"], does: "Close or cancel what is open, then mark read and jump to the latest" },
  { keys: ["PgUp", "PgDn"], does: "Scroll the messages" },
  { keys: ["Shift", "PgUp"], does: "To where you stopped reading" },
  { keys: ["Home", "End"], does: "First, latest message (with nothing typed)" },
  { keys: ["Tab", "↑ ↓"], does: "To a message and from one to the next, then Tab to its actions" },
  { keys: ["Ctrl", "+ − 0"], does: "Larger, smaller, usual size" },
  { keys: ["Ctrl", "/"], does: "This list" },
];
