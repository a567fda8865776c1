//! The rules of a room.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::ids::WallMillis;

/// The rules of a room, set by its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RoomSettings {
    /// How long the room's history is kept, by the relay and by every member.
    pub retention: Retention,
    /// How somebody new comes in.
    #[serde(default)]
    pub admission: Admission,
    /// Nobody new comes in at all.
    #[serde(default)]
    pub locked: bool,
    /// Seconds between two messages of one member; 0: as fast as they like. At most [`crate::limits::SLOW_SECONDS`].
    /// It does not hold for the owner and moderators.
    #[serde(default, deserialize_with = "slow")]
    pub slow: u16,
    /// The room is not called out in the network: who has no address or invite does not find it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

fn slow<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let slow = u16::deserialize(deserializer)?;
    if slow > crate::limits::SLOW_SECONDS {
        return Err(de::Error::custom("slow mode is an hour at most"));
    }
    Ok(slow)
}

/// How somebody new comes into a room. Whoever is a member of it comes back without; whoever has an invite comes in
/// whatever is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Everybody on the relay's own network. What a room says that says nothing.
    #[default]
    Open,
    /// Whoever knows the passcode.
    Passcode,
    /// Only who has an invite.
    Invite,
    /// Whom the owner or a moderator lets in.
    Knock,
    /// A way of a later version.
    #[serde(other)]
    Unknown,
}

impl Admission {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Admission::Open => "open",
            Admission::Passcode => "passcode",
            Admission::Invite => "invite",
            Admission::Knock => "knock",
            Admission::Unknown => "unknown",
        }
    }
}

/// How long a room's history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "keep", rename_all = "snake_case")]
pub enum Retention {
    /// Until somebody deletes it.
    #[default]
    Forever,
    /// What is older than that is deleted.
    Days {
        /// From 1 to [`crate::limits::RETENTION_DAYS`].
        days: Days,
    },
    /// Nothing that was said is written to a disk, but for own messages until they are sent.
    Nothing,
}

/// A number of days from 1 to [`crate::limits::RETENTION_DAYS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "number"))]
pub struct Days(u16);

impl Days {
    /// Takes a number within the bounds.
    pub fn new(days: u16) -> Option<Self> {
        (1..=crate::limits::RETENTION_DAYS)
            .contains(&days)
            .then_some(Self(days))
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = u16::deserialize(deserializer)?;
        Self::new(days).ok_or_else(|| de::Error::custom("days are from 1 to 3650"))
    }
}

impl Retention {
    /// As it is signed.
    pub(super) fn signed(self) -> String {
        match self {
            Retention::Forever => "forever".to_owned(),
            Retention::Days { days } => format!("days:{}", days.0),
            Retention::Nothing => "nothing".to_owned(),
        }
    }

    /// What was committed before this moment is to be deleted, by the clock of whoever asks. None: nothing is.
    pub fn cutoff(self, now: WallMillis) -> Option<WallMillis> {
        match self {
            Retention::Forever => None,
            Retention::Days { days } => Some(now - i64::from(days.0) * 24 * 3_600_000),
            Retention::Nothing => Some(WallMillis::MAX),
        }
    }
}
