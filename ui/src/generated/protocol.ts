/** Generated from crates/protocol by `npm run types`. Do not edit: the tests compare it with the Rust types. */

export type RoomId = string;

export type MemberId = string;

export type ClientId = string;

export type Epoch = string;

export type Seq = number;

export type Token = string;

export type InviteId = string;

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
text: MessageText, } | { "kind": "edited", 
/**
 * The author's id for this edit.
 */
id: ClientId, 
/**
 * Which message.
 */
target: Target, 
/**
 * What it says from now on.
 */
text: MessageText, } | { "kind": "deleted", 
/**
 * The author's id for this deletion.
 */
id: ClientId, 
/**
 * Which message.
 */
target: Target, } | { "kind": "reacted", 
/**
 * The author's id for this reaction.
 */
id: ClientId, 
/**
 * To which message.
 */
target: Target, 
/**
 * With what.
 */
reaction: Reaction, 
/**
 * False when it is taken back.
 */
active: boolean, } | { "kind": "joined", 
/**
 * By which way.
 */
via: Via, 
/**
 * As what. Only counts for somebody whose role the room does not know yet.
 */
role: Role, } | { "kind": "left", 
/**
 * How.
 */
how: Leaving, } | { "kind": "renamed", 
/**
 * The name before.
 */
from: DisplayName, } | { "kind": "settings", 
/**
 * The author's id for this change.
 */
id: ClientId, 
/**
 * The rules from now on.
 */
settings: RoomSettings, } | { "kind": "moderated", 
/**
 * The author's id for this act.
 */
id: ClientId, 
/**
 * Whom it is about.
 */
member: MemberId, 
/**
 * What it does.
 */
action: Moderation, } | { "kind": "role", 
/**
 * The author's id for this act.
 */
id: ClientId, 
/**
 * Whom it is about.
 */
member: MemberId, 
/**
 * The role from now on. [`Role::Owner`] hands the room on: who had it is a moderator from then on.
 */
role: Role, } | { "kind": "unknown" });

export type Body = { "kind": "message", 
/**
 * The author's id for it: sending the same id again never makes a second event.
 */
id: ClientId, 
/**
 * What was said.
 */
text: MessageText, } | { "kind": "edited", 
/**
 * The author's id for this edit.
 */
id: ClientId, 
/**
 * Which message.
 */
target: Target, 
/**
 * What it says from now on.
 */
text: MessageText, } | { "kind": "deleted", 
/**
 * The author's id for this deletion.
 */
id: ClientId, 
/**
 * Which message.
 */
target: Target, } | { "kind": "reacted", 
/**
 * The author's id for this reaction.
 */
id: ClientId, 
/**
 * To which message.
 */
target: Target, 
/**
 * With what.
 */
reaction: Reaction, 
/**
 * False when it is taken back.
 */
active: boolean, } | { "kind": "joined", 
/**
 * By which way.
 */
via: Via, 
/**
 * As what. Only counts for somebody whose role the room does not know yet.
 */
role: Role, } | { "kind": "left", 
/**
 * How.
 */
how: Leaving, } | { "kind": "renamed", 
/**
 * The name before.
 */
from: DisplayName, } | { "kind": "settings", 
/**
 * The author's id for this change.
 */
id: ClientId, 
/**
 * The rules from now on.
 */
settings: RoomSettings, } | { "kind": "moderated", 
/**
 * The author's id for this act.
 */
id: ClientId, 
/**
 * Whom it is about.
 */
member: MemberId, 
/**
 * What it does.
 */
action: Moderation, } | { "kind": "role", 
/**
 * The author's id for this act.
 */
id: ClientId, 
/**
 * Whom it is about.
 */
member: MemberId, 
/**
 * The role from now on. [`Role::Owner`] hands the room on: who had it is a moderator from then on.
 */
role: Role, } | { "kind": "unknown" };

export type Leaving = "left" | "lost";

export type Submission = { "kind": "message", 
/**
 * The author's id for it: sending the same id again never makes a second event.
 */
id: ClientId, 
/**
 * What was said.
 */
text: MessageText, } | { "kind": "edited", 
/**
 * The author's id for this edit.
 */
id: ClientId, 
/**
 * Which message.
 */
target: Target, 
/**
 * What it says from now on.
 */
text: MessageText, } | { "kind": "deleted", 
/**
 * The author's id for this deletion.
 */
id: ClientId, 
/**
 * Which message.
 */
target: Target, } | { "kind": "reacted", 
/**
 * The author's id for this reaction.
 */
id: ClientId, 
/**
 * To which message.
 */
target: Target, 
/**
 * With what.
 */
reaction: Reaction, 
/**
 * False when it is taken back.
 */
active: boolean, } | { "kind": "joined", 
/**
 * By which way.
 */
via: Via, 
/**
 * As what. Only counts for somebody whose role the room does not know yet.
 */
role: Role, } | { "kind": "left", 
/**
 * How.
 */
how: Leaving, } | { "kind": "renamed", 
/**
 * The name before.
 */
from: DisplayName, } | { "kind": "settings", 
/**
 * The author's id for this change.
 */
id: ClientId, 
/**
 * The rules from now on.
 */
settings: RoomSettings, } | { "kind": "moderated", 
/**
 * The author's id for this act.
 */
id: ClientId, 
/**
 * Whom it is about.
 */
member: MemberId, 
/**
 * What it does.
 */
action: Moderation, } | { "kind": "role", 
/**
 * The author's id for this act.
 */
id: ClientId, 
/**
 * Whom it is about.
 */
member: MemberId, 
/**
 * The role from now on. [`Role::Owner`] hands the room on: who had it is a moderator from then on.
 */
role: Role, } | { "kind": "unknown" };

export type Target = { 
/**
 * Whose it is.
 */
author: MemberId, 
/**
 * Its author's id for it.
 */
id: ClientId, };

export type RoomSettings = { 
/**
 * How long the room's history is kept, by the relay and by every member.
 */
retention: Retention, 
/**
 * How somebody new comes in.
 */
admission: Admission, 
/**
 * Nobody new comes in at all.
 */
locked: boolean, 
/**
 * Seconds between two messages of one member; 0: as fast as they like. At most [`crate::limits::SLOW_SECONDS`].
 * It does not hold for the owner and moderators.
 */
slow: number, 
/**
 * The room is not called out in the network: who has no address or invite does not find it.
 */
hidden?: boolean, };

export type Retention = { "keep": "forever" } | { "keep": "days", 
/**
 * From 1 to [`crate::limits::RETENTION_DAYS`].
 */
days: Days, } | { "keep": "nothing" };

export type Moderation = "mute" | "unmute" | "kick" | "ban" | "unban" | "unknown";

export type Admission = "open" | "passcode" | "invite" | "knock" | "unknown";

export type Role = "owner" | "moderator" | "member" | "guest" | "unknown";

export type Via = { "by": "membership" } | { "by": "open" } | { "by": "passcode" } | { "by": "invite", 
/**
 * Which.
 */
invite: InviteId, } | { "by": "knock", 
/**
 * By whom.
 */
admitted_by: MemberId, } | { "by": "unknown" };

export type Proof = "author" | "relay" | "missing";

export type Invite = { 
/**
 * Its public name.
 */
id: InviteId, 
/**
 * Its secret.
 */
token: Token, 
/**
 * What those who use it become: [`Role::Member`] or [`Role::Guest`], or [`Role::Owner`] by the relay's own.
 */
role: Role, 
/**
 * Who made it. None: the relay itself.
 */
made_by: MemberId | null, 
/**
 * When it was made, by the relay's clock.
 */
made_at: number, 
/**
 * Until when it holds, by the relay's clock. None: until it is revoked.
 */
expires_at: number | null, 
/**
 * How many more may use it. None: any number.
 */
uses_left: number | null, 
/**
 * How many have used it.
 */
used: number, };

export type Knock = { 
/**
 * Who.
 */
member: MemberId, 
/**
 * By which name. A label that they chose.
 */
name: DisplayName, };

export type Banned = { 
/**
 * Who.
 */
member: MemberId, 
/**
 * By which name they were known.
 */
name: DisplayName, };

export type DoorView = { 
/**
 * The passcode, to tell others.
 */
passcode: Passcode | null, 
/**
 * Those that still hold, oldest first. A moderator is not shown those that make owners.
 */
invites: Array<Invite>, 
/**
 * Who waits, longest first.
 */
knocks: Array<Knock>, 
/**
 * Who may not come in; at most [`crate::limits::BANNED_SHOWN`].
 */
banned: Array<Banned>, 
/**
 * How many passcode exchanges failed since the relay started.
 */
wrong: number, };

export type Passcode = string;

export type CompareWish = { "wish": "ask", 
/**
 * Whom.
 */
member: MemberId, } | { "wish": "accept" } | { "wish": "match" } | { "wish": "differ" } | { "wish": "stop" };

export type Rich = Array<Block>;

export type Block = { "block": "paragraph", 
/**
 * They.
 */
inlines: Array<Inline>, } | { "block": "heading", 
/**
 * Its text.
 */
inlines: Array<Inline>, } | { "block": "quote", 
/**
 * It.
 */
blocks: Array<Block>, } | { "block": "code", 
/**
 * The language that it claims to be.
 */
language: string | null, 
/**
 * The text.
 */
text: string, } | { "block": "list", 
/**
 * The first number. None: dots.
 */
start: number | null, 
/**
 * Its items.
 */
items: Array<Array<Block>>, } | { "block": "rule" };

export type Inline = { "inline": "text", 
/**
 * It.
 */
text: string, } | { "inline": "break" } | { "inline": "strong", 
/**
 * What.
 */
inlines: Array<Inline>, } | { "inline": "emphasis", 
/**
 * What.
 */
inlines: Array<Inline>, } | { "inline": "strike", 
/**
 * What.
 */
inlines: Array<Inline>, } | { "inline": "code", 
/**
 * It.
 */
text: string, } | { "inline": "link", 
/**
 * Where it leads: http, https or mailto, as a browser would write it.
 */
href: string, 
/**
 * The host or mail address that it really leads to, in ASCII (`xn--` where it is not).
 */
host: string, 
/**
 * Whether the text says the same as `href`: then nobody is asked before it is opened.
 */
plain: boolean, 
/**
 * Its text.
 */
inlines: Array<Inline>, };

export type Presence = "online" | "away" | "gone";

export type Reject = "id_conflict" | "not_allowed" | "no_such_message" | "bad_signature" | "muted" | "slow_down" | "not_saved" | "unknown";

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
 * By which name its host is known in it, if a member hosts it.
 */
host?: DisplayName | null, 
/**
 * How many members are present.
 */
online: number, 
/**
 * Whether it takes nobody more.
 */
full: boolean, 
/**
 * How somebody new comes in.
 */
admission: Admission, 
/**
 * Nobody new comes in at all.
 */
locked: boolean, 
/**
 * It is not called out, and not to be listed for anybody who does not know it.
 */
hidden?: boolean, };

export type Back = "reached" | "no_answer" | "refused" | "not_itself" | "declined" | "unknown";

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
recents: Array<Recent>, 
/**
 * What the window wants kept of its own, as it wrote it down; empty at first. See [`crate::limits::PREFS_BYTES`].
 */
prefs: string, 
/**
 * Set when this computer's history was damaged at the start of the app.
 */
recovered: Recovery | null, 
/**
 * Rooms nearby.
 */
nearby: Nearby, };

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
version: string, 
/**
 * The key for people to compare.
 */
fingerprint: string, 
/**
 * Where this computer keeps the secret half.
 */
kept: Keeping, };

export type Keeping = "keychain" | "file";

export type Security = { 
/**
 * The room's key, for people to compare.
 */
fingerprint: string, 
/**
 * By what it is known for the right one, best first.
 */
verified: Verified, 
/**
 * The key of what answered in its place, with [`Trouble::KeyChanged`].
 */
offered: string | null, };

export type Verified = "no" | "passcode" | "invite" | "compared" | "hosted";

export type Comparison = { 
/**
 * With whom.
 */
member: MemberId, 
/**
 * By which name.
 */
name: DisplayName, 
/**
 * How far it is.
 */
stage: CompareStage, };

export type CompareStage = { "stage": "asked" } | { "stage": "waiting" } | { "stage": "codes", 
/**
 * Six of [`crate::compare::EMOJI`], with their names.
 */
emoji: Array<CodeEmoji>, 
/**
 * The same as nine digits, in groups of three.
 */
digits: string, } | { "stage": "matched" } | { "stage": "stopped" } | { "stage": "broken" };

export type CodeEmoji = { 
/**
 * The picture.
 */
emoji: string, 
/**
 * Its name in English.
 */
name: string, };

export type FoundRoom = { 
/**
 * Its key, for people to compare.
 */
fingerprint: string, 
/**
 * What this computer knows of it.
 */
known: Known, 
/**
 * Which room.
 */
room: RoomId, 
/**
 * Its name.
 */
name: RoomName, 
/**
 * By which name its host is known in it, if a member hosts it.
 */
host?: DisplayName | null, 
/**
 * How many members are present.
 */
online: number, 
/**
 * Whether it takes nobody more.
 */
full: boolean, 
/**
 * How somebody new comes in.
 */
admission: Admission, 
/**
 * Nobody new comes in at all.
 */
locked: boolean, 
/**
 * It is not called out, and not to be listed for anybody who does not know it.
 */
hidden?: boolean, };

export type Known = { "known": "new" } | { "known": "joined" } | { "known": "key_changed", 
/**
 * The room known before.
 */
room: RoomId, 
/**
 * Its key, for people to compare.
 */
fingerprint: string, };

export type LinkQuestion = { 
/**
 * The link as it came, to give back with the answer.
 */
link: string, 
/**
 * Which room it leads to.
 */
room: RoomId, 
/**
 * What the link calls it.
 */
name: RoomName | null, 
/**
 * The room's key, for people to compare.
 */
fingerprint: string, 
/**
 * Where it leads, best first.
 */
addresses: Array<string>, 
/**
 * Whether it brings an invite.
 */
invite: boolean, 
/**
 * Whether the room was joined before.
 */
known: boolean, };

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
 * The room's rules, once they are known.
 */
settings: RoomSettings | null, 
/**
 * Who is present.
 */
members: Array<MemberView>, 
/**
 * The end of the timeline, in the room's order; at most [`VIEW_ITEMS`].
 */
items: Array<Item>, 
/**
 * Whether this computer has more before `items`.
 */
older: boolean, 
/**
 * Whether older history is still coming from the relay.
 */
filling: boolean, 
/**
 * The last position that was seen by the person at the window. None before anything was.
 */
read: Place | null, 
/**
 * How many messages of others come after `read`; at most [`crate::limits::UNREAD_COUNTED`].
 */
unread: number, 
/**
 * What is typed and not sent, as it was when the room was opened here.
 */
draft: string, 
/**
 * Own messages that the relay has not committed yet, in the order of writing.
 */
outbox: Array<Pending>, 
/**
 * Who is typing, oneself left out.
 */
typing: Array<MemberId>, 
/**
 * How sure it is that this is the right room.
 */
security: Security, 
/**
 * The door, for the owner and moderators while they are in the room.
 */
door: DoorView | null, 
/**
 * A comparison of short codes that is going on.
 */
compare: Comparison | null, 
/**
 * While the room or the relay wants a pause of us: until when, by this computer's clock.
 */
slow_until: number | null, };

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
trouble: Failure | null, 
/**
 * Set when the relay's files were damaged at the start.
 */
recovered: Recovery | null, };

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

export type LinkState = { "state": "connecting" } | { "state": "online" } | { "state": "passcode", 
/**
 * Whether one was tried and is another one.
 */
wrong: boolean, } | { "state": "knocking" } | { "state": "waiting", 
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

export type Trouble = "name_unknown" | "nobody_answers" | "not_chatspot" | "relay_too_old" | "client_too_old" | "no_such_room" | "room_full" | "lost" | "silent" | "too_slow" | "relay_stopping" | "host_closed" | "replaced" | "unauthenticated" | "stopped" | "key_changed" | "banned" | "kicked" | "locked" | "invite_needed" | "bad_invite" | "not_local" | "denied" | "slow_down" | "not_saved" | "protocol";

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
 * Whether the room is on this member's computer.
 */
host: boolean, 
/**
 * What it may do.
 */
role: Role, 
/**
 * Whether it may only read.
 */
muted: boolean, 
/**
 * Whether the person at this computer compared codes with it.
 */
verified: boolean, 
/**
 * Somebody else in the room whose name looks the same, and who was known by it first.
 */
looks_like: MemberId | null, 
/**
 * How it is here. Never [`Presence::Gone`].
 */
presence: Presence, };

export type Place = { 
/**
 * Which of the room's logs, counted from 1 as this computer came to know them.
 */
log: number, 
/**
 * The position in that log.
 */
seq: Seq, };

export type Item = { "item": "event", 
/**
 * See [`Place::log`].
 */
log: number, 
/**
 * The event.
 */
event: Event, 
/**
 * Who vouches for it.
 */
proof: Proof, 
/**
 * What it says as a tree, where it is more than plain text.
 */
rich: Rich | null, } | { "item": "reset", 
/**
 * The new log.
 */
log: number, } | { "item": "gap", 
/**
 * The log.
 */
log: number, 
/**
 * The position after the gap.
 */
before: Seq, };

export type PageAt = { "at": "before", 
/**
 * The place, not included.
 */
place: Place, } | { "at": "after", 
/**
 * The place, not included.
 */
place: Place, } | { "at": "around", 
/**
 * The place.
 */
place: Place, } | { "at": "latest" };

export type Page = { 
/**
 * In the room's order.
 */
items: Array<Item>, 
/**
 * Whether this computer has more before it.
 */
older: boolean, 
/**
 * Whether this computer has more after it.
 */
newer: boolean, };

export type Hits = { 
/**
 * Newest first; at most [`crate::limits::SEARCH_HITS`].
 */
hits: Array<Hit>, 
/**
 * Give this to the next search for older hits; none when there are no more.
 */
next: number | null, };

export type Hit = { 
/**
 * In which room.
 */
room: RoomId, 
/**
 * The room's name.
 */
room_name: RoomName, 
/**
 * See [`Place::log`].
 */
log: number, 
/**
 * The message.
 */
event: Event, 
/**
 * Who vouches for it.
 */
proof: Proof, };

export type ExportFormat = "json_lines" | "html";

export type Recovery = "backup" | "anew";

export type Pending = { 
/**
 * Its identity; the event that commits it bears the same. The submission's, for short.
 */
id: ClientId, 
/**
 * What it says.
 */
submission: Submission, 
/**
 * When it was written, by this computer's clock.
 */
at: number, 
/**
 * How far it is.
 */
state: PendingState, 
/**
 * What it says as a tree, where it is more than plain text.
 */
rich: Rich | null, };

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
joined_at: number, 
/**
 * Whether this computer keeps some of its history.
 */
kept: boolean, 
/**
 * The room's key, for people to compare.
 */
fingerprint: string, 
/**
 * By what it is known for the right one.
 */
verified: Verified, };

export type Found = { 
/**
 * The address as it was understood, `host:port`.
 */
address: string, 
/**
 * Its rooms. Those that could not prove their key are left out.
 */
rooms: Array<FoundRoom>, };

export type Failure = { 
/**
 * What the window acts on.
 */
code: FailureCode, 
/**
 * For the log and the curious.
 */
message: string, };

export type FailureCode = "not_an_address" | "wrong_scheme" | "name_unknown" | "nobody_answers" | "not_chatspot" | "relay_too_old" | "client_too_old" | "room_full" | "no_such_room" | "no_rooms" | "empty" | "too_long" | "control" | "no_name" | "not_open" | "outbox_full" | "too_many_rooms" | "no_port" | "not_host" | "storage" | "disk_full" | "newer_data" | "data_in_use" | "bad_link" | "link_too_new" | "room_not_there" | "key_changed" | "too_short" | "wrong_passphrase" | "not_an_identity" | "keychain_locked" | "keychain_empty" | "unsafe_link" | "not_allowed" | "not_connected" | "no_discovery" | "internal";

export type Nearby = { 
/**
 * Whether anything is looked for.
 */
search: Search, 
/**
 * At most [`crate::limits::NEARBY_ROOMS`]: those that are here first, then by name.
 */
rooms: Array<NearbyRoom>, 
/**
 * A scan of the own network, while one runs, and how the last one ended.
 */
scan: Scan | null, };

export type Search = "off" | "searching" | "listening" | "no_network";

export type NearbyRoom = { 
/**
 * Its key, for people to compare.
 */
fingerprint: string, 
/**
 * What this computer knows of it.
 */
known: Known, 
/**
 * Whether it is hosted by this installation.
 */
hosted: boolean, 
/**
 * Where it may be, best first; at most [`crate::limits::NEARBY_ADDRESSES`].
 */
addresses: Array<string>, 
/**
 * How it was found, the first way first.
 */
ways: Array<Way>, 
/**
 * Whether it is the room that it says it is.
 */
proof: RoomProof, 
/**
 * Whether it is there.
 */
life: Life, 
/**
 * The last sign of life, by this computer's clock.
 */
heard_at: number, 
/**
 * Which room.
 */
room: RoomId, 
/**
 * Its name.
 */
name: RoomName, 
/**
 * By which name its host is known in it, if a member hosts it.
 */
host?: DisplayName | null, 
/**
 * How many members are present.
 */
online: number, 
/**
 * Whether it takes nobody more.
 */
full: boolean, 
/**
 * How somebody new comes in.
 */
admission: Admission, 
/**
 * Nobody new comes in at all.
 */
locked: boolean, 
/**
 * It is not called out, and not to be listed for anybody who does not know it.
 */
hidden?: boolean, };

export type Way = { "way": "hosted" } | { "way": "mdns" } | { "way": "multicast" } | { "way": "broadcast" } | { "way": "answer" } | { "way": "remembered" } | { "way": "introduced", 
/**
 * By which name.
 */
by: DisplayName, } | { "way": "scanned" };

export type RoomProof = "unchecked" | "proven";

export type Life = { "life": "here" } | { "life": "away", 
/**
 * Why.
 */
why: Vanished, 
/**
 * Since when, by this computer's clock.
 */
since: number, };

export type Vanished = "closed" | "silent" | "unreachable" | "not_itself" | "moved" | "other_network" | "not_seen";

export type Scan = { 
/**
 * Addresses that were tried.
 */
tried: number, 
/**
 * Addresses in all.
 */
of: number, 
/**
 * Whether it is over.
 */
done: boolean, 
/**
 * Relays that answered.
 */
found: number, };

export type Handout = { 
/**
 * The link.
 */
link: string, 
/**
 * The same to be read by people and pasted by them: see [`crate::invite::InviteLink::to_text`].
 */
text: string, 
/**
 * The link as a QR code (ISO/IEC 18004).
 */
qr: Qr, 
/**
 * Where it leads, best first.
 */
addresses: Array<string>, };

export type Qr = { 
/**
 * Modules along each side.
 */
size: number, 
/**
 * `size` rows of `size` letters, `1` for a dark module.
 */
rows: Array<string>, };

export type PictureFormat = "png" | "svg";

export type Discovery = "on" | "off";

export type Checkup = { 
/**
 * When, by this computer's clock.
 */
at: number, 
/**
 * How long it took, in milliseconds.
 */
took: number, 
/**
 * The app's version, and the system's name.
 */
software: string, 
/**
 * What was found, worst first.
 */
findings: Array<Finding>, };

export type Finding = { 
/**
 * How bad it is.
 */
level: Level, } & ({ "symptom": "networks", 
/**
 * Best first.
 */
networks: Array<NetworkView>, } | { "symptom": "multicast", 
/**
 * How they fare.
 */
passage: Passage, } | { "symptom": "broadcast", 
/**
 * How they fare.
 */
passage: Passage, } | { "symptom": "deaf", 
/**
 * Which, of UDP.
 */
port: number, 
/**
 * What the system says.
 */
message: string, } | { "symptom": "peers", 
/**
 * How many.
 */
answered: number, } | { "symptom": "port", 
/**
 * How it is.
 */
port: PortState, } | { "symptom": "dial_back", 
/**
 * Who.
 */
by: DisplayName, 
/**
 * Where, as `host:port`.
 */
address: string, 
/**
 * What came of it.
 */
outcome: Back, } | { "symptom": "nobody_to_ask" } | { "symptom": "firewall", 
/**
 * Which.
 */
firewall: Firewall, 
/**
 * What it does.
 */
state: FirewallState, 
/**
 * What mends it, in this order: lines for a terminal, or ways through settings, the names on each outermost first.
 */
fix: Array<string>, } | { "symptom": "no_firewall" } | { "symptom": "vpn", 
/**
 * Its interface.
 */
interface: string, 
/**
 * How much it takes.
 */
takes: VpnTakes, } | { "symptom": "isolation", 
/**
 * The router's address.
 */
router: string, } | { "symptom": "no_router", 
/**
 * Its address; none where the network has none.
 */
router: string | null, } | { "symptom": "clock", 
/**
 * How many seconds it is ahead; negative: behind.
 */
ahead: number, });

export type Level = "bad" | "doubtful" | "good" | "note";

export type Symptom = { "symptom": "networks", 
/**
 * Best first.
 */
networks: Array<NetworkView>, } | { "symptom": "multicast", 
/**
 * How they fare.
 */
passage: Passage, } | { "symptom": "broadcast", 
/**
 * How they fare.
 */
passage: Passage, } | { "symptom": "deaf", 
/**
 * Which, of UDP.
 */
port: number, 
/**
 * What the system says.
 */
message: string, } | { "symptom": "peers", 
/**
 * How many.
 */
answered: number, } | { "symptom": "port", 
/**
 * How it is.
 */
port: PortState, } | { "symptom": "dial_back", 
/**
 * Who.
 */
by: DisplayName, 
/**
 * Where, as `host:port`.
 */
address: string, 
/**
 * What came of it.
 */
outcome: Back, } | { "symptom": "nobody_to_ask" } | { "symptom": "firewall", 
/**
 * Which.
 */
firewall: Firewall, 
/**
 * What it does.
 */
state: FirewallState, 
/**
 * What mends it, in this order: lines for a terminal, or ways through settings, the names on each outermost first.
 */
fix: Array<string>, } | { "symptom": "no_firewall" } | { "symptom": "vpn", 
/**
 * Its interface.
 */
interface: string, 
/**
 * How much it takes.
 */
takes: VpnTakes, } | { "symptom": "isolation", 
/**
 * The router's address.
 */
router: string, } | { "symptom": "no_router", 
/**
 * Its address; none where the network has none.
 */
router: string | null, } | { "symptom": "clock", 
/**
 * How many seconds it is ahead; negative: behind.
 */
ahead: number, };

export type NetworkView = { 
/**
 * The interface.
 */
interface: string, 
/**
 * What it leads to.
 */
kind: AddressKind, 
/**
 * Its addresses, with their prefix lengths.
 */
addresses: Array<string>, };

export type Passage = { "passage": "both" } | { "passage": "out_only" } | { "passage": "in_only" } | { "passage": "blocked" } | { "passage": "leaves" } | { "passage": "refused", 
/**
 * What it says.
 */
message: string, };

export type PortState = { "state": "not_hosting" } | { "state": "open", 
/**
 * Which.
 */
port: number, 
/**
 * Whether it is the one that others try first.
 */
usual: boolean, } | { "state": "closed", 
/**
 * Which.
 */
port: number, };

export type Firewall = "ufw" | "firewalld" | "nftables" | "windows" | "macos";

export type FirewallState = "off" | "lets" | "blocks" | "unsure";

export type VpnTakes = "local_network" | "elsewhere";

export type Change = { "change": "me", 
/**
 * The member now.
 */
me: Me, } | { "change": "recents", 
/**
 * All of them.
 */
recents: Array<Recent>, } | { "change": "prefs", 
/**
 * All of it.
 */
prefs: string, } | { "change": "room_opened", 
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
hosting: Hosting, } | { "what": "settings", 
/**
 * They.
 */
settings: RoomSettings, } | { "what": "filled", 
/**
 * Whether anything is before the first item that the room was opened with.
 */
older: boolean, 
/**
 * Whether more is coming.
 */
filling: boolean, } | { "what": "read", 
/**
 * See [`RoomView::read`].
 */
read: Place | null, 
/**
 * See [`RoomView::unread`].
 */
unread: number, } | { "what": "draft", 
/**
 * The text.
 */
text: string, } | { "what": "cut", 
/**
 * See [`RoomView::items`].
 */
items: Array<Item>, 
/**
 * See [`RoomView::older`].
 */
older: boolean, } | { "what": "members", 
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
active: boolean, } | { "what": "security", 
/**
 * It now.
 */
security: Security, } | { "what": "door", 
/**
 * It now.
 */
door: DoorView | null, } | { "what": "compare", 
/**
 * It now. None: there is none any more.
 */
compare: Comparison | null, } | { "what": "slow", 
/**
 * See [`RoomView::slow_until`].
 */
until: number | null, }) | { "change": "link_asked", 
/**
 * The question. None: the link was none that leads anywhere.
 */
question: LinkQuestion | null, } | { "change": "nearby", 
/**
 * All of it.
 */
nearby: Nearby, } | { "change": "quit_asked", 
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
hosting: Hosting, } | { "what": "settings", 
/**
 * They.
 */
settings: RoomSettings, } | { "what": "filled", 
/**
 * Whether anything is before the first item that the room was opened with.
 */
older: boolean, 
/**
 * Whether more is coming.
 */
filling: boolean, } | { "what": "read", 
/**
 * See [`RoomView::read`].
 */
read: Place | null, 
/**
 * See [`RoomView::unread`].
 */
unread: number, } | { "what": "draft", 
/**
 * The text.
 */
text: string, } | { "what": "cut", 
/**
 * See [`RoomView::items`].
 */
items: Array<Item>, 
/**
 * See [`RoomView::older`].
 */
older: boolean, } | { "what": "members", 
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
active: boolean, } | { "what": "security", 
/**
 * It now.
 */
security: Security, } | { "what": "door", 
/**
 * It now.
 */
door: DoorView | null, } | { "what": "compare", 
/**
 * It now. None: there is none any more.
 */
compare: Comparison | null, } | { "what": "slow", 
/**
 * See [`RoomView::slow_until`].
 */
until: number | null, };

export const LIMITS = {
  textBytes: 16384,
  viewItems: 500,
  windowItems: 1500,
  unreadCounted: 999,
  retentionDays: 3650,
  searchBytes: 256,
  typingEveryMs: 3000,
} as const;

export type DisplayName = string;

export type RoomName = string;

export type MessageText = string;

export type Reaction = string;

export type Days = number;
