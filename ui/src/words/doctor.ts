/** Words for what the doctor found: what it is, what it means, what to do next; and all of it as one text. See `../words.ts`. */
import type {
  AddressKind,
  Back,
  Checkup,
  Finding,
  Firewall,
  FirewallState,
  Level,
  NetworkView,
  Passage,
  PortState,
  Symptom,
} from "../generated/protocol";
import type { Told } from "./codes";
import { isolated, span } from "./names";

/** A finding in words. */
export interface Found {
  /** What it is about, in a word or two. */
  readonly name: string;
  /** What was found. */
  readonly what: string;
  /** What that means; empty where it is plain. */
  readonly means: string;
  /** What to do next; empty where nothing is. */
  readonly next: string;
  /** Exactly what to type or to change, or the facts themselves. */
  readonly lines: readonly string[];
  /** What the lines are. */
  readonly kind: "none" | "terminal" | "settings" | "facts";
}

const NOTHING = { means: "", next: "", lines: [], kind: "none" } as const;

const kinds: Record<AddressKind, string> = {
  lan: "local network",
  public: "public address",
  vpn: "VPN",
  virtual: "inside this computer only",
  link_local: "direct cable only",
  loopback: "this computer only",
};

const firewalls: Record<Firewall, string> = {
  ufw: "The firewall ufw",
  firewalld: "The firewall firewalld",
  nftables: "The firewall nftables",
  windows: "The firewall of Windows",
  macos: "The firewall of macOS",
};

function networksFound(level: Level, networks: readonly NetworkView[]): Found {
  const name = "Networks";
  const lines = networks.map(
    ({ interface: where, kind, addresses }) =>
      `${where} (${kinds[kind]}): ${addresses.join(", ") || "no address"}`,
  );
  const facts = lines.length > 0 ? ({ lines, kind: "facts" } as const) : ({} as const);
  if (networks.length === 0 || level === "bad")
    return {
      ...NOTHING,
      name,
      what: "This computer is in no network.",
      means: "Nobody can be found from here, and nobody finds you.",
      next: "Plug in the cable, or connect to the Wi-Fi that the others use, then run this again.",
      ...facts,
    };
  if (level === "doubtful")
    return {
      ...NOTHING,
      name,
      what: "This computer may not be in the network that the others use.",
      means: "It is only in networks of its own, of a VPN, or without a router.",
      next: "Connect to the Wi-Fi or the cable that the others use, then run this again.",
      ...facts,
    };
  const count = networks.filter(({ kind }) => kind === "lan" || kind === "public").length;
  return {
    ...NOTHING,
    name,
    what: count > 1 ? `This computer is in ${count} networks.` : "This computer is in a network.",
    means: count > 1 ? "Rooms are looked for in all of them." : "",
    ...facts,
  };
}

function passageFound(how: "multicast" | "broadcast", passage: Passage): Found {
  const name = how === "multicast" ? "Calls to a group (multicast)" : "Calls to all (broadcast)";
  const what = how === "multicast" ? "Multicast" : "Broadcast";
  const other = how === "multicast" ? "broadcast" : "multicast";
  const otherwise =
    "Rooms can still be found by Scan this network, through members of rooms that you are in, and joined by link or address.";
  switch (passage.passage) {
    case "both":
      return { ...NOTHING, name, what: `${what} works: others hear this computer, and are heard.` };
    case "out_only":
      return {
        ...NOTHING,
        name,
        what: `${what} goes out, but what others send does not come in.`,
        means:
          "Others find your rooms. You may not find theirs this way: a firewall on this computer is the likely cause.",
        next: `Allow ChatSpot in the firewall of this computer: UDP port 4470 coming in.`,
      };
    case "in_only":
      return {
        ...NOTHING,
        name,
        what: `${what} of others comes in, but they do not hear this computer.`,
        means:
          "You find their rooms. They may not find yours: something between you, or a firewall on their side, drops it.",
        next: "Have one of them run this check, too. Until then, invite them by link or address.",
      };
    case "blocked":
      return {
        ...NOTHING,
        name,
        what: `${what} does not get through in this network.`,
        means: `Others are there, and neither hear nor are heard this way. Many company and guest networks drop it; ${other} and mDNS may still work.`,
        next: otherwise,
      };
    case "leaves":
      return {
        ...NOTHING,
        name,
        what: `${what} leaves this computer. Nobody is there to say whether it arrives.`,
        next: "Run this again while somebody else in your network has ChatSpot open.",
      };
    case "refused":
      return {
        ...NOTHING,
        name,
        what: `This computer does not let ChatSpot send ${how}.`,
        means: "A firewall or a security program forbids it, or the network was just lost.",
        next:
          how === "multicast"
            ? "On macOS: allow ChatSpot under Privacy & Security, Local Network. Elsewhere: allow it in the firewall."
            : "Allow ChatSpot in the firewall of this computer.",
        lines: [passage.message],
        kind: "facts",
      };
  }
}

function portFound(port: PortState): Found {
  const name = "Port of your rooms";
  switch (port.state) {
    case "not_hosting":
      return { ...NOTHING, name, what: "You host no room now, so no port has to be open." };
    case "open":
      return port.usual
        ? { ...NOTHING, name, what: `Port ${port.port} is open on this computer.` }
        : {
            ...NOTHING,
            name,
            what: `Your rooms are on port ${port.port}, not on the usual one.`,
            means: "Another program had the usual one. Rooms nearby and links know about it.",
            next: `Whoever joins by address has to type the port as well, and a firewall has to allow TCP port ${port.port}.`,
          };
    case "closed":
      return {
        ...NOTHING,
        name,
        what: `Port ${port.port} does not answer, although you host a room.`,
        means: "Nobody can join: something on this computer keeps the port shut.",
        next: "Stop hosting and open the room again. If it stays, a firewall or a security program on this computer is the cause.",
      };
  }
}

function dialBackFound(who: string, address: string, outcome: Back): Found {
  const name = "Reached by another member";
  const by = isolated(who);
  const facts = { lines: [address], kind: "facts" } as const;
  switch (outcome) {
    case "reached":
      return { ...NOTHING, name, what: `${by} reached your rooms from outside.`, ...facts };
    case "no_answer":
      return {
        ...NOTHING,
        name,
        what: `${by} tried to reach your rooms, and got no answer.`,
        means: "Others cannot join you: a firewall on this computer or in the network drops them.",
        next: "Allow ChatSpot in the firewall of this computer, then run this again.",
        ...facts,
      };
    case "refused":
      return {
        ...NOTHING,
        name,
        what: `${by} tried to reach your rooms, and was refused.`,
        means:
          "The way to this computer is open, but the port is not: a firewall refuses, or a router stands between you.",
        next: "Allow ChatSpot in the firewall of this computer, then run this again.",
        ...facts,
      };
    case "not_itself":
      return {
        ...NOTHING,
        name,
        what: `${by} reached something at your address, but not your room.`,
        means: "Another computer has that address, or a router passes the port on to another one.",
        next: "Look which computer has this address. Two with the same one: restart the router, or this computer's network.",
        ...facts,
      };
    case "declined":
      return {
        ...NOTHING,
        name,
        what: `${by} was asked to try, and did not.`,
        means: "It was asked too often, or you are not in the same network.",
        next: "Run this again in some minutes.",
        ...facts,
      };
    case "unknown":
      return {
        ...NOTHING,
        name,
        what: `${by} tried to reach your rooms, with a result that this version does not know.`,
        next: "Update ChatSpot, then run this again.",
        ...facts,
      };
  }
}

function firewallFound(which: Firewall, state: FirewallState, fix: readonly string[]): Found {
  const name = `Firewall: ${which === "macos" ? "macOS" : which === "windows" ? "Windows" : which}`;
  const what = firewalls[which];
  const settings = which === "windows" || which === "macos";
  const lines = fix;
  const kind = lines.length === 0 ? "none" : settings ? "settings" : "terminal";
  const how = settings
    ? lines.length === 1
      ? "Go to this setting, and change it:"
      : "Go to these settings, and change them:"
    : lines.length === 1
      ? "Type this line into a terminal:"
      : "Type these lines into a terminal:";
  switch (state) {
    case "off":
      return { ...NOTHING, name, what: `${what} is off.` };
    case "lets":
      return { ...NOTHING, name, what: `${what} lets ChatSpot through.` };
    case "blocks":
      return {
        ...NOTHING,
        name,
        what: `${what} keeps others from ChatSpot.`,
        means: "Others find neither you nor your rooms, or cannot join them.",
        next: fix.length > 0 ? how : "Allow ChatSpot in its settings: TCP and UDP port 4470.",
        lines,
        kind,
      };
    case "unsure":
      return {
        ...NOTHING,
        name,
        what: `${what} is on. Only an administrator can see whether it lets ChatSpot through.`,
        means: "If others do not find you, or cannot join, this is the first thing to look at.",
        next: fix.length > 0 ? how : "Ask an administrator to allow TCP and UDP port 4470.",
        lines,
        kind,
      };
  }
}

function clockFound(level: Level, ahead: number): Found {
  const name = "Clock";
  const off = Math.abs(ahead);
  const rounded = off < 120 ? off : off < 7_200 ? off - (off % 60) : off - (off % 3_600);
  if (level === "good" || off === 0)
    return { ...NOTHING, name, what: "This computer's clock agrees with the others'." };
  return {
    ...NOTHING,
    name,
    what: `This computer's clock is ${span(rounded)} ${ahead > 0 ? "ahead of" : "behind"} the others'.`,
    means: "Times of messages look wrong, and invites may seem to have run out.",
    next: "Have the system set the time by itself, in its date and time settings.",
  };
}

/** One finding in words. */
export function finding(found: Finding): Found {
  switch (found.symptom) {
    case "networks":
      return networksFound(found.level, found.networks);
    case "multicast":
      return passageFound("multicast", found.passage);
    case "broadcast":
      return passageFound("broadcast", found.passage);
    case "deaf":
      return {
        ...NOTHING,
        name: "Port for finding rooms",
        what: `UDP port ${found.port} cannot be opened on this computer.`,
        means:
          "What others call out is not heard, so their rooms are found by mDNS and at known addresses only. Most probably another program has the port.",
        next: "Close the other program, or restart this computer. Joining by address and by link works all the same.",
        lines: [found.message],
        kind: "facts",
      };
    case "peers":
      return found.answered > 0
        ? {
            ...NOTHING,
            name: "Other computers",
            what:
              found.answered === 1
                ? "1 other computer with ChatSpot answered."
                : `${found.answered} other computers with ChatSpot answered.`,
          }
        : {
            ...NOTHING,
            name: "Other computers",
            what: "No other computer with ChatSpot answered.",
            means: "Either none is open in this network, or something keeps you apart.",
            next: "Make sure that ChatSpot is open on the other computer, and that both are in the same network or Wi-Fi. Then run this there, too.",
          };
    case "port":
      return portFound(found.port);
    case "dial_back":
      return dialBackFound(found.by, found.address, found.outcome);
    case "nobody_to_ask":
      return {
        ...NOTHING,
        name: "Reached by another member",
        what: "You host rooms, and there is nobody to try whether they can be reached.",
        next: "Run this again while somebody is in a room with you.",
      };
    case "firewall":
      return firewallFound(found.firewall, found.state, found.fix);
    case "no_firewall":
      return { ...NOTHING, name: "Firewall", what: "No firewall was found on this computer." };
    case "vpn":
      return found.takes === "local_network"
        ? {
            ...NOTHING,
            name: "VPN",
            what: `A VPN (${found.interface}) takes what should go into your local network.`,
            means: "While it is on, this computer cannot talk to others beside it.",
            next: "Turn the VPN off, or turn on its setting that allows the local network (often called “Allow LAN access” or “split tunnelling”).",
          }
        : {
            ...NOTHING,
            name: "VPN",
            what: `A VPN (${found.interface}) is on. It leaves your local network alone.`,
          };
    case "isolation":
      return {
        ...NOTHING,
        name: "Computers kept apart",
        what:
          found.level === "note"
            ? "The router answers. The one computer that is known here does not."
            : "The router answers, and none of the computers that were here before.",
        means:
          found.level === "note"
            ? "It may be switched off. Or the network keeps computers apart, as guest Wi-Fi does."
            : "They may all be switched off. Or the network keeps computers apart, as guest Wi-Fi does (“client isolation”, “AP isolation”).",
        next: "Look whether the others' computers are on. If so, try another network than the guest one, or the hotspot of a phone. Whoever runs the network can turn the isolation off.",
        lines: [found.router],
        kind: "facts",
      };
    case "no_router":
      return found.router === null
        ? {
            ...NOTHING,
            name: "Router",
            what: "This network has no router.",
            means:
              "That is normal for a cable between two computers, and for networks made by hand.",
            next: "If there should be one, disconnect from the network and connect again.",
          }
        : {
            ...NOTHING,
            name: "Router",
            what: "The router does not answer.",
            means:
              "Some never do. But if nothing else answers either, the connection is not what it seems.",
            next: "Disconnect from the network and connect again.",
            lines: [found.router],
            kind: "facts",
          };
    case "clock":
      return clockFound(found.level, found.ahead);
  }
}

/** Which symptom explains most where several are as bad: whatever stands first. */
const WEIGHT: readonly Symptom["symptom"][] = [
  "networks",
  "vpn",
  "firewall",
  "port",
  "isolation",
  "dial_back",
  "no_router",
  "deaf",
  "multicast",
  "broadcast",
  "clock",
  "peers",
  "nobody_to_ask",
  "no_firewall",
];

const LEVELS: readonly Level[] = ["bad", "doubtful", "note", "good"];

/** The order in which findings are shown: worst first, then what explains most. */
export function ordered(findings: readonly Finding[]): readonly Finding[] {
  const weight = ({ level, symptom }: Finding) =>
    LEVELS.indexOf(level) * WEIGHT.length + WEIGHT.indexOf(symptom);
  return findings.toSorted((one, other) => weight(one) - weight(other));
}

/** What most probably is wrong, and what to do about it. */
export interface Verdict extends Told {
  readonly level: "bad" | "doubtful" | "good";
}

export function verdict({ findings }: Checkup): Verdict {
  const first = ordered(findings)[0];
  if (first?.level === "bad" || first?.level === "doubtful") {
    const { what, next, lines, kind } = finding(first);
    return { level: first.level, what, next: mends(kind) ? pointing(kind, lines) : next };
  }
  const peers = findings.find((found) => found.symptom === "peers");
  if (peers?.symptom === "peers" && peers.answered > 0)
    return {
      level: "good",
      what: "Everything here is as it should be, and others answer.",
      next: "If a room is missing, it may be hidden or closed. Ask its host for a link or the address.",
    };
  return {
    level: "good",
    what: "Nothing is wrong on this computer.",
    next: "Make sure that ChatSpot is open on the host's computer, in the same network, and run this check there.",
  };
}

/** Whether lines are what mends it, to be copied as they are. */
export function mends(kind: Found["kind"]): kind is "terminal" | "settings" {
  return kind === "terminal" || kind === "settings";
}

function pointing(kind: "terminal" | "settings", lines: readonly string[]): string {
  if (kind === "settings")
    return lines.length === 1
      ? "The setting that changes it stands below."
      : "The settings that change it stand below.";
  return lines.length === 1 ? "The line below mends it." : "The lines below mend it.";
}

export const levels: Record<Level, string> = {
  bad: "Wrong",
  doubtful: "Doubtful",
  note: "To know",
  good: "Good",
};

/** The whole report as a text that can be read in a mail. */
export function checkupText(checkup: Checkup, when: string): string {
  const { what, next } = verdict(checkup);
  const parts = ordered(checkup.findings).map((found) => {
    const { name, what, means, next, lines, kind } = finding(found);
    const sign = kind === "terminal" ? "  $ " : kind === "settings" ? "  > " : "  - ";
    return [
      `[${levels[found.level].toUpperCase()}] ${name}`,
      ...[what, means, next].filter((text) => text !== "").map((text) => `  ${text}`),
      ...lines.map((line) => `${sign}${line}`),
    ].join("\n");
  });
  return `${[
    `ChatSpot: why rooms are not found\n${when}, ${checkup.software}, took ${seconds(checkup.took)}`,
    `${what}\n${next}`,
    ...parts,
    doctor.holds,
  ].join("\n\n")}\n`;
}

/** "4.2 s" */
function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

export const doctor = {
  title: "Can't find a room?",
  busy: "Looking at this computer and its networks…",
  busyLead: "This takes up to 15 seconds.",
  again: "Run again",
  copy: "Copy report",
  copyLines: "Copy these lines",
  copied: "Copied",
  holds:
    "This report holds addresses and interfaces of this computer and its network, and the names of members who helped. It holds no messages, passcodes, keys or invites.",
  took: (ms: number) => `Took ${seconds(ms)}.`,
  probably: { bad: "Most probably why", doubtful: "May be why", good: "All good here" },
  groups: { bad: "Wrong", doubtful: "Doubtful", note: "Good to know", good: "As it should be" },
} as const;
