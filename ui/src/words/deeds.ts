/** One line for each thing that somebody did in a room. See `../words.ts`. */
import type { Moderation, Role, RoomSettings } from "../generated/protocol";
import { daysOf } from "../state/retention";
import type { Deed, Move } from "../state/timeline";
import { days, isolated, list, span } from "./names";

const moderations: Record<Exclude<Moderation, "unmute">, string> = {
  mute: "muted",
  kick: "sent out",
  ban: "banned",
  unban: "lifted the ban of",
  unknown: "did something about",
};

const admissions: Record<RoomSettings["admission"], string> = {
  open: "opened the room to everybody on the network",
  passcode: "made the passcode the way in",
  invite: "made invites the only way in",
  knock: "had newcomers knock",
  unknown: "chose another way in",
};

function retentionSet(retention: RoomSettings["retention"]): string {
  const count = daysOf(retention);
  if (count === null) return "set messages to be kept for ever";
  return count === 0
    ? "set nothing to be kept in this room"
    : `set messages to be kept for ${days(count)}`;
}

const waysIn: Record<RoomSettings["admission"], string> = {
  open: "everybody on the network comes in",
  passcode: "newcomers need the passcode",
  invite: "newcomers need an invite",
  knock: "newcomers knock",
  unknown: "newcomers come in another way",
};

/** What holds from then on, where it is not known what held before. */
function rulesNow(now: RoomSettings): string {
  const count = daysOf(now.retention);
  const kept =
    count === null
      ? "messages are kept for ever"
      : count === 0
        ? "nothing is kept"
        : `messages are kept for ${days(count)}`;
  const parts = [kept, waysIn[now.admission]];
  if (now.locked) parts.push("the room is locked");
  if (now.hidden) parts.push("the room is hidden from Rooms nearby");
  if (now.slow > 0) parts.push(`slow mode is ${span(now.slow)}`);
  return `changed the rules: ${list(parts, parts.length)}`;
}

/** What a change of the rules did. */
function rulesSet(now: RoomSettings, before: RoomSettings | null): string {
  if (!before) return rulesNow(now);
  const parts: string[] = [];
  if (daysOf(before.retention) !== daysOf(now.retention)) parts.push(retentionSet(now.retention));
  if (before.admission !== now.admission) parts.push(admissions[now.admission]);
  if (before.locked !== now.locked)
    parts.push(now.locked ? "locked the room" : "unlocked the room");
  if ((before.hidden ?? false) !== (now.hidden ?? false))
    parts.push(
      now.hidden ? "hid the room from Rooms nearby" : "let the room show under Rooms nearby",
    );
  if (before.slow !== now.slow)
    parts.push(now.slow > 0 ? `set slow mode to ${span(now.slow)}` : "turned slow mode off");
  return parts.length > 0 ? list(parts, parts.length) : "left the room's rules as they are";
}

function roleSet(who: string, whom: string, role: Role): string {
  switch (role) {
    case "owner":
      return `${who} handed the room over to ${whom}`;
    case "moderator":
      return `${who} made ${whom} a moderator`;
    case "member":
      return `${who} made ${whom} a member`;
    case "guest":
      return `${who} made ${whom} a guest`;
    case "unknown":
      return `${who} changed what ${whom} may do`;
  }
}

/** One line about what somebody did; `whom` is the other one that it is about, `own` when that is the same person. */
export function deed(who: string, did: Deed, whom: string, own: boolean): string {
  switch (did.deed) {
    case "renamed":
      return renamed(isolated(did.from), who);
    case "settings":
      return `${who} ${rulesSet(did.settings, did.before)}`;
    case "edited":
      return `${who} edited a message`;
    case "deleted":
      return own ? `${who} deleted a message` : `${who} deleted a message of ${whom}`;
    case "reacted":
      return did.active
        ? `${who} reacted with ${did.reaction}`
        : `${who} took back the reaction ${did.reaction}`;
    case "moderated":
      return did.action === "unmute"
        ? `${who} let ${whom} write again`
        : `${who} ${moderations[did.action]} ${whom}`;
    case "role":
      return roleSet(who, whom, did.role);
    case "unproven":
      return `Something is said to be from ${who}, but that is not proven: it changed nothing.`;
    case "unknown":
      return `${who} did something that needs a newer ChatSpot to be shown.`;
  }
}

/** "Eda is now Ada" */
export function renamed(from: string, to: string): string {
  return `${from} is now ${to}`;
}

const moves: Record<Exclude<Move, "let_in">, string> = {
  joined: "joined",
  by_passcode: "joined with the passcode",
  by_invite: "joined by an invite",
  left: "left",
  lost: "lost the connection",
  visited: "joined and left",
  returned: "left and came back",
};

/** One part of a folded notice; `by` is who let them in. */
export function move(kind: Move, names: readonly string[], most?: number, by = ""): string {
  if (kind === "let_in") return `${by} let ${list(names, most)} in`;
  return `${list(names, most)} ${moves[kind]}`;
}
