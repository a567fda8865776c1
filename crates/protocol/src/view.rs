//! What the window shows, as data: one snapshot, then changes to it. The TypeScript types are generated from here.
//!
//! Not on the wire between machines: only between a client and its own window.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::{ClientId, Epoch, MemberId, RoomId, WallMillis};
use crate::limits::VIEW_ITEMS;
use crate::text::{DisplayName, MessageText, RoomName};
use crate::wire::Presence;

/// What the window is sent over its channel: one snapshot first, then only changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "update", rename_all = "snake_case")]
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
    /// Who is present.
    pub members: Vec<MemberView>,
    /// The timeline, in the room's order.
    pub items: Vec<Item>,
    /// Own messages that the relay has not committed yet, in the order of writing.
    pub outbox: Vec<Pending>,
    /// Who is typing, oneself left out.
    pub typing: Vec<MemberId>,
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
    /// Whether this member hosts the room.
    pub host: bool,
    /// How it is here. Never [`Presence::Gone`].
    pub presence: Presence,
}

/// One thing in the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum Item {
    /// An event of the log.
    Event {
        /// The log that its seq is of.
        epoch: Epoch,
        /// The event.
        event: Event,
    },
    /// The room's log began anew here: what stands above is kept by this window only.
    Reset {
        /// The new log.
        epoch: Epoch,
    },
    /// Events that the relay no longer has, or that came before this window's time, are missing here.
    Gap {
        /// The log.
        epoch: Epoch,
    },
}

/// An own message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Pending {
    /// Its identity; the event that commits it bears the same.
    pub id: ClientId,
    /// What it says.
    pub text: MessageText,
    /// When it was written, by this computer's clock.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at: WallMillis,
    /// How far it is.
    pub state: PendingState,
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
}

/// What answers at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Found {
    /// The address as it was understood, `host:port`.
    pub address: String,
    /// Its rooms.
    pub rooms: Vec<crate::wire::RoomSummary>,
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
    /// The data folder cannot be written.
    Storage,
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
    /// New at the end of the timeline. An own message leaves the outbox by it.
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
}

impl View {
    /// The view after `change`. A change to a room that is not open is ignored: it was left meanwhile.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Me { me } => self.me = me,
            Change::Recents { recents } => self.recents = recents,
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
            Change::QuitAsked { .. } => {}
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
            members: Vec::new(),
            items: Vec::new(),
            outbox: Vec::new(),
            typing: Vec::new(),
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
                }
                self.link = link;
            }
            RoomChange::Hosting { hosting } => self.hosting = Some(hosting),
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
                        event:
                            Event {
                                body: crate::event::Body::Message { id, .. },
                                author,
                                ..
                            },
                        ..
                    } = &item
                    {
                        self.outbox.retain(|pending| pending.id != *id);
                        self.typing.retain(|m| m != author);
                    }
                    self.items.push(item);
                }
                let over = self.items.len().saturating_sub(VIEW_ITEMS);
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
        }
    }
}
