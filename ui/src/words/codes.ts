/** Words for every code that comes from below: what happened, what it means, what to do next. See `../words.ts`. */
import type { FailureCode, Reject, Trouble } from "../generated/protocol";

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
  key_changed: {
    what: "What answers there is not the room that you know.",
    next: "It has another key, so nothing was sent to it. Ask the host in person what happened.",
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
  not_host: {
    what: "Only the host of a room can do that.",
    next: "Ask the person who hosts it.",
  },
  storage: {
    what: "ChatSpot cannot write to its folder.",
    next: "It may be read-only, or the disk may be failing. Check it, then try again.",
  },
  disk_full: {
    what: "This computer's disk is full, so that could not be saved.",
    next: "Delete something you do not need, then try again.",
  },
  newer_data: {
    what: "A newer ChatSpot has written what is kept on this computer.",
    next: "This one leaves it untouched. Start the newer version, or update this one.",
  },
  data_in_use: {
    what: "Another ChatSpot on this computer is using the same folder.",
    next: "Close that one first, then start this one again.",
  },
  bad_link: {
    what: "That invite is not complete, or it is none.",
    next: "Copy the whole of it, from its first letter to its last, or ask for a new one.",
  },
  link_too_new: {
    what: "That invite is for a newer ChatSpot than this one.",
    next: "Update ChatSpot, then open it again.",
  },
  room_not_there: {
    what: "The room answers at none of its addresses.",
    next: "Is the host's ChatSpot open, and are you on the same network? An old invite may hold old addresses.",
  },
  too_short: {
    what: "That is too short: it would be guessed.",
    next: "Make it longer. A few words that have nothing to do with each other are best.",
  },
  wrong_passphrase: {
    what: "That passphrase does not open the file.",
    next: "Type it as it was when the file was made: capitals and spaces count.",
  },
  not_an_identity: {
    what: "That file holds no identity, or it is damaged.",
    next: "Choose the file that ChatSpot saved on the other computer.",
  },
  keychain_locked: {
    what: "Your key is in this computer's keychain, and that is locked.",
    next: "Unlock the keychain, for example by logging in anew, then try again.",
  },
  keychain_empty: {
    what: "Your key is gone from this computer's keychain.",
    next: "If you use another keychain now, open the old one. If you saved your identity as a file, you can bring it back by that. Without either you would be somebody new in every room.",
  },
  unsafe_link: {
    what: "ChatSpot does not open that link.",
    next: "Only web and mail addresses are opened. Copy the message to look at it.",
  },
  not_allowed: {
    what: "You may not do that in this room.",
    next: "Ask its owner or a moderator.",
  },
  not_connected: {
    what: "That needs a connection to the room.",
    next: "Wait until it is back, then try again.",
  },
  no_discovery: {
    what: "ChatSpot was started without looking for rooms nearby.",
    next: "Start it again without CHATSPOT_NEARBY=off, or ask whoever set that up. Join by address works all the same.",
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
    next: "Once it is open again, join it again.",
  },
  replaced: {
    what: "You joined this room from another window.",
    next: "Only one at a time can be in it.",
  },
  unauthenticated: {
    what: "The host did not accept this computer's key.",
    next: "Try again. If it stays, restart ChatSpot.",
  },
  not_saved: {
    what: "This computer's disk is full, so nothing can be received.",
    next: "Delete something you do not need. What was missed then follows by itself.",
  },
  banned: {
    what: "You were banned from this room.",
    next: "Its owner and moderators can lift that. Talk to them.",
  },
  kicked: {
    what: "You were sent out of this room.",
    next: "You may come in again like anybody new. What you read here so far stays on this computer.",
  },
  locked: {
    what: "This room is locked: nobody new comes in.",
    next: "Ask its owner or a moderator to unlock it, then try again.",
  },
  invite_needed: {
    what: "Only people with an invite come into this room.",
    next: "Ask its owner or a moderator for one, then paste it here.",
  },
  bad_invite: {
    what: "This invite does not open the room any more.",
    next: "It was used up, ran out or was revoked. Ask for a new one, then paste it here.",
  },
  not_local: {
    what: "This room is open to the host's own network only.",
    next: "Connect to the same network as the host, then try again, or ask for an invite.",
  },
  denied: {
    what: "You were not let in.",
    next: "Somebody who keeps the door said no. Talk to them before you knock again.",
  },
  slow_down: {
    what: "There were too many attempts to get into this room.",
    next: "It wants a pause now. You need not do anything: it is tried again by itself.",
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

/** What to do next about a failure that lets nothing start: there is nothing in the window to try again by. */
const startNext: Partial<Record<FailureCode, string>> = {
  storage: "It may be read-only, or the disk may be failing. Check it, then start ChatSpot again.",
  disk_full: "Delete something you do not need, then start ChatSpot again.",
  internal: "Close ChatSpot and start it again. Nothing that was said is lost by that.",
};

/** Words for a start that failed. */
export function broken(code: FailureCode): Told {
  const told = failure(code);
  return { what: told.what, next: startNext[code] ?? told.next };
}

/** Words for a connection that ended. */
export function trouble(code: Trouble): Told {
  return troubles[code] ?? troubles.protocol;
}

/** Why the relay refused a message. */
export const rejects: Record<Reject, string> = {
  id_conflict: "Not sent: the host took it for another message. Edit it and send it anew.",
  not_allowed: "Not sent: the host does not let you do that here.",
  no_such_message: "Not sent: the message it is about is not there any more.",
  bad_signature: "Not sent: the host could not tell that it is from you. Retry, or write it anew.",
  muted: "Not sent: you are muted here. A moderator can let you write again.",
  slow_down: "Not sent: the room wants a pause between messages. Retry in a moment.",
  not_saved: "Not sent: the host's computer could not save it. Its disk may be full.",
  unknown: "Not sent: the host refused it.",
};
