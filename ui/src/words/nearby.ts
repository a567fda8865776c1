/** Words for rooms nearby, and for handing out the way to a room. See `../words.ts`. */
import type { Admission, NearbyRoom, Scan, Vanished, Way } from "../generated/protocol";
import { isolated, list } from "./names";

/** Why a room is not there: short, for its line; and what it means. */
export const vanished: Record<Vanished, { readonly short: string; readonly means: string }> = {
  closed: {
    short: "closed by its host",
    means: "Its host closed it. Once it is open again, it shows here by itself.",
  },
  silent: {
    short: "not heard for a while",
    means: "Its host's computer may be asleep or off the network.",
  },
  unreachable: {
    short: "nobody answers",
    means: "It is said to be near, but nobody answers at its addresses. A firewall may be why.",
  },
  not_itself: {
    short: "something else answers there",
    means:
      "What answers at its addresses does not have this room's key, so it cannot be joined from here.",
  },
  moved: {
    short: "not hosted there any more",
    means: "Its host answers, but does not host this room any more.",
  },
  other_network: {
    short: "in another network",
    means: "It was in a network that this computer has left.",
  },
  not_seen: { short: "offline", means: "It was not found since ChatSpot started." },
};

/** How a room was found, in a word or two. */
export function way(found: Way): string {
  switch (found.way) {
    case "hosted":
      return "";
    case "mdns":
      return "mDNS";
    case "multicast":
      return "multicast";
    case "broadcast":
      return "broadcast";
    case "answer":
      return "answered";
    case "remembered":
      return "remembered";
    case "introduced":
      return `told by ${isolated(found.by)}`;
    case "scanned":
      return "scan";
  }
}

function wayLong(found: Way): string {
  switch (found.way) {
    case "hosted":
      return "hosted here";
    case "mdns":
      return "by mDNS, as printers are";
    case "multicast":
      return "by its call to all ChatSpots (multicast)";
    case "broadcast":
      return "by its call to the whole network (broadcast)";
    case "answer":
      return "it answered this computer's question";
    case "remembered":
      return "where you joined it last";
    case "introduced":
      return `told by ${isolated(found.by)}, who is in a room with you`;
    case "scanned":
      return "by the scan of this network";
  }
}

/** All the ways, for whoever wants to know. */
export function ways(found: readonly Way[]): string {
  return found.length === 0 ? "" : `Found: ${list(found.map(wayLong), found.length)}`;
}

/** "just now", "12 seconds ago", "4 minutes ago" */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1_000));
  const plural = (count: number, unit: string) => `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  if (seconds < 5) return "just now";
  if (seconds < 90) return plural(seconds, "second");
  if (seconds < 5_400) return plural(Math.round(seconds / 60), "minute");
  if (seconds < 129_600) return plural(Math.round(seconds / 3_600), "hour");
  return plural(Math.round(seconds / 86_400), "day");
}

/** How the scan goes, or went. */
export function scanned(scan: Scan): string {
  const rooms =
    scan.found === 0
      ? "nobody with ChatSpot answered"
      : scan.found === 1
        ? "1 computer with ChatSpot answered"
        : `${scan.found} computers with ChatSpot answered`;
  if (!scan.done) return `Tried ${scan.tried} of ${scan.of} addresses: ${rooms} so far.`;
  return scan.tried < scan.of
    ? `Stopped after ${scan.tried} of ${scan.of} addresses: ${rooms}.`
    : `Tried all ${scan.of} addresses: ${rooms}.`;
}

/** What the door asks of whoever comes by a link that is no invite. */
const asked: Record<Admission, string> = {
  open: "Whoever is in your network comes in by it.",
  passcode: "They are asked for the passcode.",
  invite: "That is not enough for this room: it takes invites only.",
  knock: "They knock, and somebody who keeps the door lets them in.",
  unknown: "The door asks what it asks everybody.",
};

export const nearby = {
  title: "Rooms nearby",
  count: (count: number) =>
    count === 0 ? "No room nearby" : count === 1 ? "1 room nearby" : `${count} rooms nearby`,
  here: (count: number) => `${count} here`,
  searching: "Looking for rooms…",
  searchingLead: "Rooms on your network show here as they are found.",
  nothing: "No room found yet.",
  nothingLead: "Host one, join by address, or find out why.",
  why: "Find out why",
  off: "Looking for rooms is turned off.",
  offLead: "Join by address works all the same.",
  turnOn: "Look for rooms",
  noNetwork: "This computer is in no network.",
  noNetworkLead:
    "Connect it to the network that the others use. Rooms then show here by themselves.",
  doctor: "Can't find a room?",
  scan: "Scan this network",
  scanTitle: "Tries every address of your own network, one after the other, for ChatSpot.",
  stopScan: "Stop",
  scanning: "Scanning this network",
  before: "Joined before",
  hosted: "hosted here",
  open: "you are in",
  checking: "checking…",
  checkingTitle: "It is being asked to prove that it is this room.",
  alive: (when: string) => `Here: last heard ${when}`,
  away: (when: string) => `Not here: last heard ${when}`,
  host: (name: string) => `hosted by ${isolated(name)}`,
  hereNow: "here now",
  nearby: "nearby",
  full: "full",
  goTo: (room: NearbyRoom) => `Go to ${isolated(room.name)}`,
  join: (room: NearbyRoom) => `Join ${isolated(room.name)}`,
  tryAnyway: (room: NearbyRoom) => `Try to join ${isolated(room.name)} all the same`,
  toggle: "Look for rooms nearby",
  toggleLead:
    "Asks your own network which rooms there are, and tells people in your rooms about others nearby that are not hidden. Rooms that you host are announced in any case, unless they are hidden: their name, yours, and how many are in.",
  hidden: "Hidden",
  hiddenLead: "Not shown under Rooms nearby: people need a link or the address.",
} as const;

export const handout = {
  title: "Link and QR code",
  making: "Making the link…",
  qr: (room: string) => `QR code with the way to ${room}`,
  link: "Link",
  linkLead: "For whoever has ChatSpot: opening it asks whether to join.",
  text: "Short text",
  textLead: "To be pasted whole into Join by address.",
  addresses: "It leads to",
  copyLink: "Copy the link",
  copyText: "Copy the text",
  copy: "Copy",
  copyQr: "Copy the QR code as a picture",
  savePng: "Save the QR code as a picture (PNG)",
  saveSvg: "Save the QR code for printing (SVG)",
  saved: "Saved as",
  copyPath: "Copy the path",
  invites: "Let them in without being asked",
  invitesLead: (days: string) =>
    `Makes an invite: whoever has it comes in as a member, for ${days}, any number of times. It can be revoked.`,
  plain: (admission: Admission) =>
    `It leads to this room and names its key, so nobody can pose as it. ${asked[admission]}`,
  /** The same to somebody who can do something about it. */
  plainUseless:
    "It leads to this room, but this room takes invites only. Let them in without being asked, below.",
  inviting: (days: string) =>
    `It lets in whoever has it, for ${days}. Give it only to those who may come in.`,
  locked: "The room is locked: nobody new comes in until it is unlocked.",
  byAddress: "Or by address",
  door: "Who may come in…",
} as const;
