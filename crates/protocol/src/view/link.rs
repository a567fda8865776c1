//! How a room is hosted, and how the connection to it is.

use serde::{Deserialize, Serialize};

use super::{Failure, Recovery};
use crate::ids::WallMillis;

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
