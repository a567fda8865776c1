/** Generated from crates/protocol by `npm run types`. Do not edit: the tests compare it with the Rust types. */

export type RoomId = string;

export type MemberId = string;

export type ClientId = string;

export type Epoch = string;

export type Seq = number;

export type Event = { 
/**
 * Its place in the room's order.
 */
seq: Seq, 
/**
 * The relay's clock when it was committed. A label, never an order.
 */
at: number, 
/**
 * Whose it is.
 */
author: MemberId, 
/**
 * The author's name at that time, so that an old page needs no other to be read.
 */
name: DisplayName, } & ({ "kind": "message", 
/**
 * The author's id for it: sending the same id again never makes a second event.
 */
id: ClientId, 
/**
 * What was said.
 */
text: MessageText, } | { "kind": "joined" } | { "kind": "left", 
/**
 * How.
 */
how: Leaving, } | { "kind": "renamed", 
/**
 * The name before.
 */
from: DisplayName, } | { "kind": "unknown" });

export type Body = { "kind": "message", 
/**
 * The author's id for it: sending the same id again never makes a second event.
 */
id: ClientId, 
/**
 * What was said.
 */
text: MessageText, } | { "kind": "joined" } | { "kind": "left", 
/**
 * How.
 */
how: Leaving, } | { "kind": "renamed", 
/**
 * The name before.
 */
from: DisplayName, } | { "kind": "unknown" };

export type Leaving = "left" | "lost";

export type Presence = "online" | "away" | "gone";

export type Reject = "id_conflict" | "not_saved" | "unknown";

export type RoomSummary = { 
/**
 * Which room.
 */
room: RoomId, 
/**
 * Its name.
 */
name: RoomName, 
/**
 * How many members are present.
 */
online: number, 
/**
 * Whether it takes nobody more.
 */
full: boolean, };

export type Update = { "update": "snapshot", 
/**
 * The state now.
 */
view: View, } | { "update": "changes", 
/**
 * At least one.
 */
changes: Array<Change>, };

export type View = { 
/**
 * This installation.
 */
me: Me, 
/**
 * The rooms that are open here, oldest first.
 */
rooms: Array<RoomView>, 
/**
 * Rooms that were joined before, latest first; may hold rooms that are open.
 */
recents: Array<Recent>, };

export type Me = { 
/**
 * Who.
 */
member: MemberId, 
/**
 * The short key tag.
 */
tag: string, 
/**
 * The display name; none before the first run's question is answered.
 */
name: DisplayName | null, 
/**
 * What to suggest for a name.
 */
suggested_name: string, 
/**
 * The app's version.
 */
version: string, };

export type RoomView = { 
/**
 * Which.
 */
room: RoomId, 
/**
 * Its name.
 */
name: RoomName, 
/**
 * The address that it was joined by, as `host:port`.
 */
address: string, 
/**
 * Set when this installation hosts it.
 */
hosting: Hosting | null, 
/**
 * How the connection is.
 */
link: LinkState, 
/**
 * Who is present.
 */
members: Array<MemberView>, 
/**
 * The timeline, in the room's order.
 */
items: Array<Item>, 
/**
 * Own messages that the relay has not committed yet, in the order of writing.
 */
outbox: Array<Pending>, 
/**
 * Who is typing, oneself left out.
 */
typing: Array<MemberId>, };

export type Hosting = { 
/**
 * Whether the room is open to others now.
 */
running: boolean, 
/**
 * The port in use while running.
 */
port: number, 
/**
 * Set when the default port was busy, so that people who know only the host's name learn why it fails.
 */
other_port: boolean, 
/**
 * The addresses to hand out, best first.
 */
addresses: Array<HostAddress>, 
/**
 * Why it does not run, if it should.
 */
trouble: Failure | null, };

export type HostAddress = { 
/**
 * As to be typed: `host` on the default port, else `host:port` or `[v6]:port`.
 */
address: string, 
/**
 * The network interface's name.
 */
interface: string, 
/**
 * What kind of network it leads to.
 */
kind: AddressKind, };

export type AddressKind = "lan" | "public" | "vpn" | "virtual" | "link_local" | "loopback";

export type LinkState = { "state": "connecting" } | { "state": "online" } | { "state": "waiting", 
/**
 * Why the connection ended or could not be made.
 */
trouble: Trouble, 
/**
 * When it dials again, by this computer's clock.
 */
retry_at: number, } | { "state": "closed", 
/**
 * Why.
 */
trouble: Trouble, };

export type Trouble = "name_unknown" | "nobody_answers" | "not_chatspot" | "relay_too_old" | "client_too_old" | "no_such_room" | "room_full" | "lost" | "silent" | "too_slow" | "relay_stopping" | "host_closed" | "replaced" | "unauthenticated" | "stopped" | "protocol";

export type MemberView = { 
/**
 * Who.
 */
member: MemberId, 
/**
 * By which name.
 */
name: DisplayName, 
/**
 * The short key tag.
 */
tag: string, 
/**
 * Whether this member hosts the room.
 */
host: boolean, 
/**
 * How it is here. Never [`Presence::Gone`].
 */
presence: Presence, };

export type Item = { "item": "event", 
/**
 * The log that its seq is of.
 */
epoch: Epoch, 
/**
 * The event.
 */
event: Event, } | { "item": "reset", 
/**
 * The new log.
 */
epoch: Epoch, } | { "item": "gap", 
/**
 * The log.
 */
epoch: Epoch, };

export type Pending = { 
/**
 * Its identity; the event that commits it bears the same.
 */
id: ClientId, 
/**
 * What it says.
 */
text: MessageText, 
/**
 * When it was written, by this computer's clock.
 */
at: number, 
/**
 * How far it is.
 */
state: PendingState, };

export type PendingState = { "state": "queued" } | { "state": "sending" } | { "state": "failed", 
/**
 * Why.
 */
code: Reject, 
/**
 * Whether sending it again can help.
 */
retry: boolean, };

export type Recent = { 
/**
 * Which.
 */
room: RoomId, 
/**
 * Its name then.
 */
name: RoomName, 
/**
 * Where it was.
 */
address: string, 
/**
 * When it was last joined.
 */
joined_at: number, };

export type Found = { 
/**
 * The address as it was understood, `host:port`.
 */
address: string, 
/**
 * Its rooms.
 */
rooms: Array<RoomSummary>, };

export type Failure = { 
/**
 * What the window acts on.
 */
code: FailureCode, 
/**
 * For the log and the curious.
 */
message: string, };

export type FailureCode = "not_an_address" | "wrong_scheme" | "name_unknown" | "nobody_answers" | "not_chatspot" | "relay_too_old" | "client_too_old" | "room_full" | "no_such_room" | "no_rooms" | "empty" | "too_long" | "control" | "no_name" | "not_open" | "outbox_full" | "too_many_rooms" | "no_port" | "storage" | "internal";

export type Change = { "change": "me", 
/**
 * The member now.
 */
me: Me, } | { "change": "recents", 
/**
 * All of them.
 */
recents: Array<Recent>, } | { "change": "room_opened", 
/**
 * The room, as it starts.
 */
room: RoomView, } | { "change": "room_left", 
/**
 * Which.
 */
room: RoomId, } | { "change": "room", 
/**
 * Which.
 */
room: RoomId, } & ({ "what": "name", 
/**
 * The name now.
 */
name: RoomName, } | { "what": "address", 
/**
 * The address, as `host:port`.
 */
address: string, } | { "what": "link", 
/**
 * The state now.
 */
link: LinkState, } | { "what": "hosting", 
/**
 * Hosting now.
 */
hosting: Hosting, } | { "what": "members", 
/**
 * They.
 */
members: Array<MemberView>, } | { "what": "member", 
/**
 * The one.
 */
member: MemberView, } | { "what": "member_gone", 
/**
 * Who.
 */
member: MemberId, } | { "what": "items", 
/**
 * In order.
 */
items: Array<Item>, } | { "what": "pending", 
/**
 * The message.
 */
pending: Pending, } | { "what": "pending_gone", 
/**
 * Which.
 */
id: ClientId, } | { "what": "typing", 
/**
 * Who.
 */
member: MemberId, 
/**
 * True while typing.
 */
active: boolean, }) | { "change": "quit_asked", 
/**
 * How many others are in those rooms.
 */
others: number, };

export type RoomChange = { "what": "name", 
/**
 * The name now.
 */
name: RoomName, } | { "what": "address", 
/**
 * The address, as `host:port`.
 */
address: string, } | { "what": "link", 
/**
 * The state now.
 */
link: LinkState, } | { "what": "hosting", 
/**
 * Hosting now.
 */
hosting: Hosting, } | { "what": "members", 
/**
 * They.
 */
members: Array<MemberView>, } | { "what": "member", 
/**
 * The one.
 */
member: MemberView, } | { "what": "member_gone", 
/**
 * Who.
 */
member: MemberId, } | { "what": "items", 
/**
 * In order.
 */
items: Array<Item>, } | { "what": "pending", 
/**
 * The message.
 */
pending: Pending, } | { "what": "pending_gone", 
/**
 * Which.
 */
id: ClientId, } | { "what": "typing", 
/**
 * Who.
 */
member: MemberId, 
/**
 * True while typing.
 */
active: boolean, };

export const LIMITS = {
  textBytes: 16384,
  viewItems: 2000,
  typingEveryMs: 3000,
} as const;

export type DisplayName = string;

export type RoomName = string;

export type MessageText = string;
