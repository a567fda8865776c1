//! The door of a room: who may come in, and what the owner and moderators see and do there.
//!
//! A door is the relay's to keep: on its disk, and shown to nobody but the room's staff.

use serde::{Deserialize, Serialize};

use crate::event::Role;
use crate::ids::{InviteId, MemberId, Token, WallMillis};
use crate::passcode::Passcode;
use crate::text::DisplayName;

/// What a relay keeps of a door.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Door {
    /// What opens it where a passcode is asked for. There is one from the start, whatever the admission.
    pub passcode: Option<Passcode>,
    /// At most [`crate::limits::ROOM_INVITES`], oldest first.
    #[serde(default)]
    pub invites: Vec<Invite>,
}

impl Door {
    /// The invite of that secret, if it holds.
    pub fn invite(&self, token: &Token, now: WallMillis) -> Option<&Invite> {
        let mut invites = self.invites.iter();
        invites.find(|invite| invite.token == *token && invite.holds(now))
    }

    /// Somebody who was in the room already became more by an invite.
    pub fn raised_by(&mut self, token: &Token, member: MemberId) {
        let mut invites = self.invites.iter_mut();
        if let Some(invite) = invites.find(|invite| invite.token == *token) {
            invite.raised.push(member);
        }
    }

    /// Drops the invites that do not hold any more. Says whether there were any.
    pub fn prune(&mut self, now: WallMillis) -> bool {
        let before = self.invites.len();
        self.invites.retain(|invite| invite.holds(now));
        self.invites.len() < before
    }
}

/// An invite: whoever brings its token comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Invite {
    /// Its public name.
    pub id: InviteId,
    /// Its secret.
    pub token: Token,
    /// What those who use it become: [`Role::Member`] or [`Role::Guest`], or [`Role::Owner`] by the relay's own.
    pub role: Role,
    /// Who made it. None: the relay itself.
    pub made_by: Option<MemberId>,
    /// When it was made, by the relay's clock.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    #[serde(deserialize_with = "crate::time::label")]
    pub made_at: WallMillis,
    /// Until when it holds, by the relay's clock. None: until it is revoked.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub expires_at: Option<WallMillis>,
    /// How many more may use it. None: any number.
    pub uses_left: Option<u32>,
    /// How many have used it.
    pub used: u32,
    /// Who was in the room already and became more by it. The log does not say by which invite.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "ts", ts(skip))]
    pub raised: Vec<MemberId>,
}

impl Invite {
    /// Whether it lets somebody in.
    pub fn holds(&self, now: WallMillis) -> bool {
        self.uses_left != Some(0) && self.expires_at.is_none_or(|until| now < until)
    }
}

/// Somebody who stands at the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Knock {
    /// Who.
    pub member: MemberId,
    /// By which name. A label that they chose.
    pub name: DisplayName,
}

/// Somebody who may not come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Banned {
    /// Who.
    pub member: MemberId,
    /// By which name they were known.
    pub name: DisplayName,
}

/// The door, as the owner and moderators see it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct DoorView {
    /// The passcode, to tell others.
    pub passcode: Option<Passcode>,
    /// Those that still hold, oldest first. A moderator is not shown those that make owners.
    pub invites: Vec<Invite>,
    /// Who waits, longest first.
    pub knocks: Vec<Knock>,
    /// Who may not come in; at most [`crate::limits::BANNED_SHOWN`].
    pub banned: Vec<Banned>,
    /// How many passcode exchanges failed since the relay started.
    pub wrong: u32,
}

/// What the owner or a moderator wants at the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum DoorOrder {
    /// Another passcode. The owner's alone.
    Passcode {
        /// It.
        passcode: Passcode,
    },
    /// Make an invite. The token is the maker's, so that the link is known before the answer; an order that is repeated
    /// makes no second invite.
    Invite {
        /// Random.
        token: Token,
        /// [`Role::Member`] or [`Role::Guest`].
        role: Role,
        /// For how many, from 1 to [`crate::limits::INVITE_USES`]. None: any number.
        uses: Option<u32>,
        /// For how many seconds, from 1 to [`crate::limits::INVITE_SECONDS`]. None: until it is revoked.
        seconds: Option<u32>,
    },
    /// An invite holds no longer. Who came in by it stays.
    Revoke {
        /// Which.
        invite: InviteId,
    },
    /// The answer to somebody who knocks.
    Answer {
        /// Whom.
        member: MemberId,
        /// Whether they come in.
        admit: bool,
    },
    /// An order of a later version.
    #[serde(other)]
    Unknown,
}
