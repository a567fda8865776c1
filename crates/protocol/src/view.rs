//! What the window shows, as data: one snapshot, then changes to it. The TypeScript types are generated from here.
//!
//! Not on the wire between machines: only between a client and its own window.

mod checkup;
mod nearby;

use serde::{Deserialize, Serialize};

pub use self::checkup::{
    Checkup, Finding, Firewall, FirewallState, Level, NetworkView, Passage, PortState, Symptom,
    VpnTakes,
};
pub use self::nearby::{
    Discovery, Handout, Life, Nearby, NearbyRoom, PictureFormat, Qr, RoomProof, Scan, Search,
    Vanished, Way,
};

use crate::door::DoorView;
use crate::event::{Body, Event, Proof, Role, RoomSettings, Submission};
use crate::ids::{ClientId, MemberId, RoomId, Seq, WallMillis};
use crate::limits::VIEW_ITEMS;
use crate::markdown::Rich;
use crate::text::{DisplayName, RoomName};
use crate::wire::Presence;

/// What the window is sent over its channel: one snapshot first, then only changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "update", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, on its way to a window"
)]
pub enum Update {
    /// Everything. Replaces whatever was known.
    Snapshot {
        /// The state now.
        view: View,
    },
    /// What changed since, in order.
    Changes {
        /// At least one.
        changes: Vec<Change>,
    },
}

/// Everything that the window shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct View {
    /// This installation.
    pub me: Me,
    /// The rooms that are open here, oldest first.
    pub rooms: Vec<RoomView>,
    /// Rooms that were joined before, latest first; may hold rooms that are open.
    pub recents: Vec<Recent>,
    /// What the window wants kept of its own, as it wrote it down; empty at first. See [`crate::limits::PREFS_BYTES`].
    pub prefs: String,
    /// Set when this computer's history was damaged at the start of the app.
    pub recovered: Option<Recovery>,
    /// Rooms nearby.
    #[serde(default)]
    pub nearby: Nearby,
}

/// What became of a damaged file. The damaged one was set aside, not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// The newest backup took its place: what came after it is missing.
    Backup,
    /// There was no backup that could be read: everything is missing.
    Anew,
}

/// This installation's member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Me {
    /// Who.
    pub member: MemberId,
    /// The short key tag.
    pub tag: String,
    /// The display name; none before the first run's question is answered.
    pub name: Option<DisplayName>,
    /// What to suggest for a name.
    pub suggested_name: String,
    /// The app's version.
    pub version: String,
    /// The key for people to compare.
    pub fingerprint: String,
    /// Where this computer keeps the secret half.
    pub kept: Keeping,
}

/// Where secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Keeping {
    /// In the system's keychain, which opens with the user's session.
    Keychain,
    /// In a file that only this user can read, because the system has no keychain.
    File,
}

/// One open room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RoomView {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// The address that it was joined by, as `host:port`.
    pub address: String,
    /// Set when this installation hosts it.
    pub hosting: Option<Hosting>,
    /// How the connection is.
    pub link: LinkState,
    /// The room's rules, once they are known.
    pub settings: Option<RoomSettings>,
    /// Who is present.
    pub members: Vec<MemberView>,
    /// The end of the timeline, in the room's order; at most [`VIEW_ITEMS`].
    pub items: Vec<Item>,
    /// Whether this computer has more before `items`.
    pub older: bool,
    /// Whether older history is still coming from the relay.
    pub filling: bool,
    /// The last position that was seen by the person at the window. None before anything was.
    pub read: Option<Place>,
    /// How many messages of others come after `read`; at most [`crate::limits::UNREAD_COUNTED`].
    pub unread: u32,
    /// What is typed and not sent, as it was when the room was opened here.
    pub draft: String,
    /// Own messages that the relay has not committed yet, in the order of writing.
    pub outbox: Vec<Pending>,
    /// Who is typing, oneself left out.
    pub typing: Vec<MemberId>,
    /// How sure it is that this is the right room.
    pub security: Security,
    /// The door, for the owner and moderators while they are in the room.
    pub door: Option<DoorView>,
    /// A comparison of short codes that is going on.
    pub compare: Option<Comparison>,
    /// While the room or the relay wants a pause of us: until when, by this computer's clock.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub slow_until: Option<WallMillis>,
}

/// How sure it is that a room is the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Security {
    /// The room's key, for people to compare.
    pub fingerprint: String,
    /// By what it is known for the right one, best first.
    pub verified: Verified,
    /// The key of what answered in its place, with [`Trouble::KeyChanged`].
    pub offered: Option<String>,
}

/// By what a room is known for the one that somebody meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// By nothing: it was the one that answered at the address. It has been the same one since.
    No,
    /// It knew the passcode.
    Passcode,
    /// The invite named its key.
    Invite,
    /// Two people compared codes.
    Compared,
    /// It is hosted here.
    Hosted,
}

/// A comparison of short codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Comparison {
    /// With whom.
    pub member: MemberId,
    /// By which name.
    pub name: DisplayName,
    /// How far it is.
    pub stage: CompareStage,
}

/// How far a comparison is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum CompareStage {
    /// They ask us.
    Asked,
    /// We asked them, or wait for their last step.
    Waiting,
    /// Both screens show this.
    Codes {
        /// Six of [`crate::compare::EMOJI`], with their names.
        emoji: Vec<CodeEmoji>,
        /// The same as nine digits, in groups of three.
        digits: String,
    },
    /// They match: the person at this window said so.
    Matched,
    /// They, or the connection, stopped it.
    Stopped,
    /// The steps do not fit each other: somebody stands between.
    Broken,
}

/// One picture of a short code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CodeEmoji {
    /// The picture.
    pub emoji: String,
    /// Its name in English.
    pub name: String,
}

/// A hosted room's side of hosting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Hosting {
    /// Whether the room is open to others now.
    pub running: bool,
    /// The port in use while running.
    pub port: u16,
    /// Set when the default port was busy, so that people who know only the host's name learn why it fails.
    pub other_port: bool,
    /// The addresses to hand out, best first.
    pub addresses: Vec<HostAddress>,
    /// Why it does not run, if it should.
    pub trouble: Option<Failure>,
    /// Set when the relay's files were damaged at the start.
    pub recovered: Option<Recovery>,
}

/// An address to hand out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct HostAddress {
    /// As to be typed: `host` on the default port, else `host:port` or `[v6]:port`.
    pub address: String,
    /// The network interface's name.
    pub interface: String,
    /// What kind of network it leads to.
    pub kind: AddressKind,
}

/// What kind of network an address leads to, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum AddressKind {
    /// A private address on a real adapter: the local network.
    Lan,
    /// A public address on a real adapter.
    Public,
    /// A VPN.
    Vpn,
    /// Containers and virtual machines on this computer.
    Virtual,
    /// Valid on one cable only.
    LinkLocal,
    /// This computer only.
    Loopback,
}

/// How the connection to a room is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkState {
    /// Dialling or saying hello.
    Connecting,
    /// In the room.
    Online,
    /// At the door: the room wants its passcode before anything else. Not connected meanwhile.
    Passcode {
        /// Whether one was tried and is another one.
        wrong: bool,
    },
    /// At the door: somebody in the room has to open.
    Knocking,
    /// Not connected; dials again by itself.
    Waiting {
        /// Why the connection ended or could not be made.
        trouble: Trouble,
        /// When it dials again, by this computer's clock.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        retry_at: WallMillis,
    },
    /// Not connected and not trying.
    Closed {
        /// Why.
        trouble: Trouble,
    },
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The host's name is not known on this network.
    NameUnknown,
    /// Nobody answers at the address.
    NobodyAnswers,
    /// Something else than ChatSpot answers.
    NotChatspot,
    /// The relay speaks only an older version of the wire.
    RelayTooOld,
    /// The relay speaks only a newer version of the wire.
    ClientTooOld,
    /// The relay does not host this room (any more).
    NoSuchRoom,
    /// The room takes nobody more.
    RoomFull,
    /// The connection broke.
    Lost,
    /// Nothing was heard for too long.
    Silent,
    /// The relay cut us because we read too slowly.
    TooSlow,
    /// The relay stopped.
    RelayStopping,
    /// The host closed the room.
    HostClosed,
    /// The same identity connected from elsewhere.
    Replaced,
    /// The relay did not accept our identity.
    Unauthenticated,
    /// Hosting was stopped here.
    Stopped,
    /// What answers there has another key than this room, or cannot prove that it hosts it. Nothing was sent to it.
    KeyChanged,
    /// We were sent out for good.
    Banned,
    /// We were sent out, and may come in like anybody new.
    Kicked,
    /// Nobody new comes in.
    Locked,
    /// Who is new needs an invite.
    InviteNeeded,
    /// The invite is used up, too old, revoked, or of another room.
    BadInvite,
    /// The room is open to the relay's own network only.
    NotLocal,
    /// Whoever keeps the door said no.
    Denied,
    /// Too many attempts: the relay wants a pause.
    SlowDown,
    /// This computer's disk takes nothing more, so nothing can be received.
    NotSaved,
    /// The relay broke the protocol.
    Protocol,
}

/// Somebody who is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct MemberView {
    /// Who.
    pub member: MemberId,
    /// By which name.
    pub name: DisplayName,
    /// The short key tag.
    pub tag: String,
    /// Whether the room is on this member's computer.
    pub host: bool,
    /// What it may do.
    pub role: Role,
    /// Whether it may only read.
    pub muted: bool,
    /// Whether the person at this computer compared codes with it.
    pub verified: bool,
    /// Somebody else in the room whose name looks the same, and who was known by it first.
    pub looks_like: Option<MemberId>,
    /// How it is here. Never [`Presence::Gone`].
    pub presence: Presence,
}

/// A place in this computer's timeline of a room: ordered by log, then by position in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Place {
    /// Which of the room's logs, counted from 1 as this computer came to know them.
    pub log: u32,
    /// The position in that log.
    pub seq: Seq,
}

/// One thing in the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "item", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all items are events, so boxes would save nothing"
)]
pub enum Item {
    /// An event of the log.
    Event {
        /// See [`Place::log`].
        log: u32,
        /// The event.
        event: Event,
        /// Who vouches for it.
        proof: Proof,
        /// What it says as a tree, where it is more than plain text.
        rich: Option<Rich>,
    },
    /// The room's log began anew here: what stands above is kept by members only.
    Reset {
        /// The new log.
        log: u32,
    },
    /// Events that the relay no longer had, or that could not be read, are missing here.
    Gap {
        /// The log.
        log: u32,
        /// The position after the gap.
        before: Seq,
    },
}

impl Item {
    /// Its place, if it is an event.
    pub fn place(&self) -> Option<Place> {
        match self {
            Item::Event { log, event, .. } => Some(Place {
                log: *log,
                seq: event.seq,
            }),
            Item::Reset { .. } | Item::Gap { .. } => None,
        }
    }
}

/// What to read of a room's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum PageAt {
    /// What comes before a place, with the break between the two, if there is one.
    Before {
        /// The place, not included.
        place: Place,
    },
    /// What comes after a place, with the break between the two, if there is one.
    After {
        /// The place, not included.
        place: Place,
    },
    /// A place with what comes before and after it. It need not exist any more.
    Around {
        /// The place.
        place: Place,
    },
    /// The end.
    Latest,
}

/// A part of a room's timeline; at most [`crate::limits::WINDOW_PAGE`] events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Page {
    /// In the room's order.
    pub items: Vec<Item>,
    /// Whether this computer has more before it.
    pub older: bool,
    /// Whether this computer has more after it.
    pub newer: bool,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Hits {
    /// Newest first; at most [`crate::limits::SEARCH_HITS`].
    pub hits: Vec<Hit>,
    /// Give this to the next search for older hits; none when there are no more.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub next: Option<i64>,
}

/// A message that holds what was searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Hit {
    /// In which room.
    pub room: RoomId,
    /// The room's name.
    pub room_name: RoomName,
    /// See [`Place::log`].
    pub log: u32,
    /// The message.
    pub event: Event,
    /// Who vouches for it.
    pub proof: Proof,
}

/// How a room is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// One JSON object a line, as events stand in PROTOCOL.md: for programs.
    JsonLines,
    /// A page that any browser shows: for people.
    Html,
}

/// An own message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Pending {
    /// Its identity; the event that commits it bears the same. The submission's, for short.
    pub id: ClientId,
    /// What it says.
    pub submission: Submission,
    /// When it was written, by this computer's clock.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at: WallMillis,
    /// How far it is.
    pub state: PendingState,
    /// What it says as a tree, where it is more than plain text.
    #[serde(default)]
    pub rich: Option<Rich>,
}

/// How far an own message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PendingState {
    /// Waits for a connection, or for the ones before it.
    Queued,
    /// Handed to the connection.
    Sending,
    /// The relay refused it.
    Failed {
        /// Why.
        code: crate::wire::Reject,
        /// Whether sending it again can help.
        retry: bool,
    },
}

/// A room that was joined before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Recent {
    /// Which.
    pub room: RoomId,
    /// Its name then.
    pub name: RoomName,
    /// Where it was.
    pub address: String,
    /// When it was last joined.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub joined_at: WallMillis,
    /// Whether this computer keeps some of its history.
    pub kept: bool,
    /// The room's key, for people to compare.
    pub fingerprint: String,
    /// By what it is known for the right one.
    pub verified: Verified,
}

/// What answers at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Found {
    /// The address as it was understood, `host:port`.
    pub address: String,
    /// Its rooms. Those that could not prove their key are left out.
    pub rooms: Vec<FoundRoom>,
}

/// A room that answers at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct FoundRoom {
    /// What it says of itself.
    #[serde(flatten)]
    pub summary: crate::wire::RoomSummary,
    /// Its key, for people to compare.
    pub fingerprint: String,
    /// What this computer knows of it.
    pub known: Known,
}

/// What this computer knows of a room that answers at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Known {
    /// Nothing.
    New,
    /// It was joined before.
    Joined,
    /// A room of that name was joined at this address before, and had another key: it must not be joined in its place.
    /// The one known before has to be forgotten first.
    KeyChanged {
        /// The room known before.
        room: RoomId,
        /// Its key, for people to compare.
        fingerprint: String,
    },
}

/// What a link or a pasted text asks for. Nothing is done before somebody says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LinkQuestion {
    /// The link as it came, to give back with the answer.
    pub link: String,
    /// Which room it leads to.
    pub room: RoomId,
    /// What the link calls it.
    pub name: Option<RoomName>,
    /// The room's key, for people to compare.
    pub fingerprint: String,
    /// Where it leads, best first.
    pub addresses: Vec<String>,
    /// Whether it brings an invite.
    pub invite: bool,
    /// Whether the room was joined before.
    pub known: bool,
}

/// A failed command: a code that the window has words for, and a message for the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Failure {
    /// What the window acts on.
    pub code: FailureCode,
    /// For the log and the curious.
    pub message: String,
}

/// What can be wrong with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The text holds nothing that could be an address.
    NotAnAddress,
    /// A scheme that ChatSpot does not speak, such as `ftp://`.
    WrongScheme,
    /// See [`Trouble::NameUnknown`].
    NameUnknown,
    /// See [`Trouble::NobodyAnswers`].
    NobodyAnswers,
    /// See [`Trouble::NotChatspot`].
    NotChatspot,
    /// See [`Trouble::RelayTooOld`].
    RelayTooOld,
    /// See [`Trouble::ClientTooOld`].
    ClientTooOld,
    /// See [`Trouble::RoomFull`].
    RoomFull,
    /// See [`Trouble::NoSuchRoom`].
    NoSuchRoom,
    /// ChatSpot answers there, but hosts no room now.
    NoRooms,
    /// A name or message with nothing visible.
    Empty,
    /// A name or message that is too long.
    TooLong,
    /// A name with control characters.
    Control,
    /// No display name was chosen yet.
    NoName,
    /// That room is not open here.
    NotOpen,
    /// Too many unsent messages.
    OutboxFull,
    /// Too many rooms.
    TooManyRooms,
    /// No port could be opened.
    NoPort,
    /// Only the room's host may do that.
    NotHost,
    /// The data folder cannot be read or written.
    Storage,
    /// The disk is full.
    DiskFull,
    /// The data folder was written by a newer version.
    NewerData,
    /// Another ChatSpot uses the data folder now.
    DataInUse,
    /// It is no invite link, or a damaged one.
    BadLink,
    /// An invite link of a newer version.
    LinkTooNew,
    /// None of the link's addresses leads to its room.
    RoomNotThere,
    /// See [`Trouble::KeyChanged`].
    KeyChanged,
    /// A passcode or passphrase that is too short.
    TooShort,
    /// The passphrase does not open the file.
    WrongPassphrase,
    /// The file or text is no exported identity.
    NotAnIdentity,
    /// The system's keychain holds this installation's key and does not open.
    KeychainLocked,
    /// The system's keychain has lost this installation's key.
    KeychainEmpty,
    /// A link that must not be opened.
    UnsafeLink,
    /// Not what this member may do in the room.
    NotAllowed,
    /// There is no connection to the room to do that over.
    NotConnected,
    /// Nothing here looks for rooms nearby: it was turned off where ChatSpot was started.
    NoDiscovery,
    /// A defect.
    Internal,
}

/// One change to a [`View`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// This installation's member has another name.
    Me {
        /// The member now.
        me: Me,
    },
    /// The recent rooms changed.
    Recents {
        /// All of them.
        recents: Vec<Recent>,
    },
    /// What the window wants kept changed.
    Prefs {
        /// All of it.
        prefs: String,
    },
    /// A room was opened.
    RoomOpened {
        /// The room, as it starts.
        room: Box<RoomView>,
    },
    /// A room was left.
    RoomLeft {
        /// Which.
        room: RoomId,
    },
    /// A room changed.
    Room {
        /// Which.
        room: RoomId,
        /// How.
        #[serde(flatten)]
        what: RoomChange,
    },
    /// A link was opened: ask what to do with it. See [`LinkQuestion`].
    LinkAsked {
        /// The question. None: the link was none that leads anywhere.
        question: Option<LinkQuestion>,
    },
    /// The rooms nearby changed.
    Nearby {
        /// All of it.
        nearby: Nearby,
    },
    /// Somebody closes the app while others are in rooms hosted here: ask.
    QuitAsked {
        /// How many others are in those rooms.
        others: u32,
    },
}

/// One change to a [`RoomView`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum RoomChange {
    /// The room's name.
    Name {
        /// The name now.
        name: RoomName,
    },
    /// It is joined by another address from now on.
    Address {
        /// The address, as `host:port`.
        address: String,
    },
    /// The connection's state.
    Link {
        /// The state now.
        link: LinkState,
    },
    /// Hosting began, changed or ended.
    Hosting {
        /// Hosting now.
        hosting: Hosting,
    },
    /// The room's rules.
    Settings {
        /// They.
        settings: RoomSettings,
    },
    /// Older history came from the relay and is on this computer's disk.
    Filled {
        /// Whether anything is before the first item that the room was opened with.
        older: bool,
        /// Whether more is coming.
        filling: bool,
    },
    /// How far the room was read, or how much is not.
    Read {
        /// See [`RoomView::read`].
        read: Option<Place>,
        /// See [`RoomView::unread`].
        unread: u32,
    },
    /// What is typed and not sent was written down. The window that typed it need not be told.
    Draft {
        /// The text.
        text: String,
    },
    /// History was deleted here, as the room's rules or the person want it: this is what is left of the end.
    Cut {
        /// See [`RoomView::items`].
        items: Vec<Item>,
        /// See [`RoomView::older`].
        older: bool,
    },
    /// All who are present.
    Members {
        /// They.
        members: Vec<MemberView>,
    },
    /// One who came or changed.
    Member {
        /// The one.
        member: MemberView,
    },
    /// One who is gone.
    MemberGone {
        /// Who.
        member: MemberId,
    },
    /// New at the end of the timeline. An own message leaves the outbox by it, if it is proven to be the author's.
    Items {
        /// In order.
        items: Vec<Item>,
    },
    /// An own message entered the outbox, or its state changed.
    Pending {
        /// The message.
        pending: Pending,
    },
    /// An own message was taken out of the outbox without being sent.
    PendingGone {
        /// Which.
        id: ClientId,
    },
    /// Somebody types, or stopped.
    Typing {
        /// Who.
        member: MemberId,
        /// True while typing.
        active: bool,
    },
    /// How sure it is that this is the right room.
    Security {
        /// It now.
        security: Security,
    },
    /// How the door is. None: it is not ours to keep, or there is no connection.
    Door {
        /// It now.
        door: Option<DoorView>,
    },
    /// How a comparison of short codes is.
    Compare {
        /// It now. None: there is none any more.
        compare: Option<Comparison>,
    },
    /// The room or the relay wants a pause of us.
    Slow {
        /// See [`RoomView::slow_until`].
        #[cfg_attr(feature = "ts", ts(type = "number | null"))]
        until: Option<WallMillis>,
    },
}

/// The tree of what a body says.
pub fn rich_of(body: &Body) -> Option<Rich> {
    match body {
        Body::Message { text, .. } | Body::Edited { text, .. } => {
            crate::markdown::rich(text.as_str())
        }
        Body::Deleted { .. }
        | Body::Reacted { .. }
        | Body::Joined { .. }
        | Body::Left { .. }
        | Body::Renamed { .. }
        | Body::Settings { .. }
        | Body::Moderated { .. }
        | Body::Role { .. }
        | Body::Unknown => None,
    }
}

impl View {
    /// The view after `change`. A change to a room that is not open is ignored: it was left meanwhile.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Me { me } => self.me = me,
            Change::Recents { recents } => self.recents = recents,
            Change::Prefs { prefs } => self.prefs = prefs,
            Change::Nearby { nearby } => self.nearby = nearby,
            Change::RoomOpened { room } => {
                self.rooms.retain(|open| open.room != room.room);
                self.rooms.push(*room);
            }
            Change::RoomLeft { room } => self.rooms.retain(|open| open.room != room),
            Change::Room { room, what } => {
                if let Some(open) = self.rooms.iter_mut().find(|open| open.room == room) {
                    open.apply(what);
                }
            }
            Change::QuitAsked { .. } | Change::LinkAsked { .. } => {}
        }
    }
}

impl RoomView {
    /// A room before its first connection.
    pub fn opening(
        room: RoomId,
        name: RoomName,
        address: String,
        hosting: Option<Hosting>,
    ) -> Self {
        Self {
            room,
            name,
            address,
            hosting,
            link: LinkState::Connecting,
            settings: None,
            members: Vec::new(),
            items: Vec::new(),
            older: false,
            filling: false,
            read: None,
            unread: 0,
            draft: String::new(),
            outbox: Vec::new(),
            typing: Vec::new(),
            security: Security {
                fingerprint: room.fingerprint(),
                verified: Verified::No,
                offered: None,
            },
            door: None,
            compare: None,
            slow_until: None,
        }
    }

    /// The room after `change`.
    pub fn apply(&mut self, change: RoomChange) {
        match change {
            RoomChange::Name { name } => self.name = name,
            RoomChange::Address { address } => self.address = address,
            RoomChange::Link { link } => {
                if link != LinkState::Online {
                    self.typing.clear();
                    self.door = None;
                }
                self.link = link;
            }
            RoomChange::Hosting { hosting } => self.hosting = Some(hosting),
            RoomChange::Settings { settings } => self.settings = Some(settings),
            RoomChange::Filled { older, filling } => {
                self.older |= older;
                self.filling = filling;
            }
            RoomChange::Read { read, unread } => {
                self.read = read;
                self.unread = unread;
            }
            RoomChange::Draft { text } => self.draft = text,
            RoomChange::Cut { items, older } => {
                self.items = items;
                self.older = older;
            }
            RoomChange::Members { members } => {
                self.typing.clear();
                self.members = members;
            }
            RoomChange::Member { member } => {
                match self.members.iter_mut().find(|m| m.member == member.member) {
                    Some(known) => *known = member,
                    None => self.members.push(member),
                }
            }
            RoomChange::MemberGone { member } => {
                self.members.retain(|m| m.member != member);
                self.typing.retain(|m| *m != member);
            }
            RoomChange::Items { items } => {
                for item in items {
                    if let Item::Event {
                        event,
                        proof: Proof::Author,
                        ..
                    } = &item
                    {
                        self.outbox
                            .retain(|pending| pending.submission.body() != &event.body);
                        if matches!(event.body, Body::Message { .. }) {
                            self.typing.retain(|m| *m != event.author);
                        }
                    }
                    self.items.push(item);
                }
                let over = self.items.len().saturating_sub(VIEW_ITEMS);
                self.older |= over > 0;
                self.items.drain(..over);
            }
            RoomChange::Pending { pending } => {
                match self.outbox.iter_mut().find(|p| p.id == pending.id) {
                    Some(known) => *known = pending,
                    None => self.outbox.push(pending),
                }
            }
            RoomChange::PendingGone { id } => self.outbox.retain(|pending| pending.id != id),
            RoomChange::Typing { member, active } => {
                self.typing.retain(|m| *m != member);
                if active {
                    self.typing.push(member);
                }
            }
            RoomChange::Security { security } => self.security = security,
            RoomChange::Door { door } => self.door = door,
            RoomChange::Compare { compare } => self.compare = compare,
            RoomChange::Slow { until } => self.slow_until = until,
        }
    }
}

#[cfg(test)]
mod tests;
