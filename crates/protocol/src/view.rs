//! What the window shows, as data: one snapshot, then changes to it. The TypeScript types are generated from here.
//!
//! Not on the wire between machines: only between a client and its own window.

mod change;
mod checkup;
mod failure;
mod found;
mod history;
mod link;
mod nearby;
mod room;

use serde::{Deserialize, Serialize};

pub use self::change::{Change, RoomChange};
pub use self::checkup::{
    Checkup, Finding, Firewall, FirewallState, Level, NetworkView, Passage, PortState, Symptom,
    VpnTakes,
};
pub use self::failure::{Failure, FailureCode};
pub use self::found::{Found, FoundRoom, Known, LinkQuestion};
pub use self::history::{ExportFormat, Hit, Hits, Item, Page, PageAt, Place, rich_of};
pub use self::link::{AddressKind, HostAddress, Hosting, LinkState, Trouble};
pub use self::nearby::{
    Discovery, Handout, Life, Nearby, NearbyRoom, PictureFormat, Qr, RoomProof, Scan, Search,
    Vanished, Way,
};
pub use self::room::{
    CodeEmoji, CompareStage, Comparison, MemberView, Pending, PendingState, RoomView, Security,
    Verified,
};

use crate::ids::{MemberId, RoomId, WallMillis};
use crate::text::{DisplayName, RoomName};

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

#[cfg(test)]
mod tests;
