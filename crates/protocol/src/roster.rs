//! Who is what in a room: roles, who may speak, and who may not come in. All of it follows from the room's log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Body, Event, Moderation, Role, RoomSettings, Via};
use crate::ids::{InviteId, MemberId};
use crate::limits::{ROOM_KNOWN, ROOM_KNOWN_GUESTS};
use crate::text::DisplayName;

/// What a room knows of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// By which name it was known last.
    pub name: DisplayName,
    /// What it may do.
    pub role: Role,
    /// Whether it comes back without being asked for anything.
    pub admitted: bool,
    /// Whether it may only read.
    pub muted: bool,
    /// Whether it may not come in.
    pub banned: bool,
    /// The invite that it came in by.
    pub invite: Option<InviteId>,
}

impl Standing {
    /// Has that role from now on.
    fn rise(&mut self, role: Role) {
        self.role = role;
        self.admitted = role != Role::Guest;
        if role == Role::Owner {
            self.muted = false;
        }
    }

    /// Is let in like anybody new, and keeps no other role. That it is not a guest's tells them from a guest who is
    /// still there.
    fn send_out(&mut self) {
        self.role = Role::Member;
        self.admitted = false;
    }
}

/// A role of a later version may do no more than a guest.
fn plain(role: Role) -> Role {
    role.min(Role::Guest)
}

/// Everybody that the room knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster(BTreeMap<MemberId, Standing>);

impl Roster {
    /// Goes on with what was kept.
    pub fn resume(kept: impl IntoIterator<Item = (MemberId, Standing)>) -> Self {
        Self(kept.into_iter().collect())
    }

    /// What the room knows of a member.
    pub fn get(&self, member: &MemberId) -> Option<&Standing> {
        self.0.get(member)
    }

    /// Everybody, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&MemberId, &Standing)> {
        self.0.iter()
    }

    /// What a member may do. Somebody unknown is a guest.
    pub fn role(&self, member: &MemberId) -> Role {
        self.0.get(member).map_or(Role::Guest, |known| known.role)
    }

    /// Whose room it is.
    pub fn owner(&self) -> Option<MemberId> {
        let mut owners = self.0.iter().filter(|(_, known)| known.role == Role::Owner);
        owners.next().map(|(member, _)| *member)
    }

    /// Makes somebody the owner before the log says anything, as the host of a new room is.
    pub fn found(&mut self, owner: MemberId, name: DisplayName) {
        let standing = Standing {
            name,
            role: Role::Owner,
            admitted: true,
            muted: false,
            banned: false,
            invite: None,
        };
        self.0.insert(owner, standing);
    }

    /// Takes a committed event in. Says of whom the room now knows something else, to be kept, or to be deleted where
    /// [`Roster::get`] then knows nothing: the acts of one event reach two members at the most.
    pub fn apply(&mut self, event: &Event) -> Vec<MemberId> {
        match &event.body {
            Body::Joined { via, role } => {
                let invite = match via {
                    Via::Invite { invite } => Some(*invite),
                    Via::Membership
                    | Via::Open
                    | Via::Passcode
                    | Via::Knock { .. }
                    | Via::Unknown => None,
                };
                self.come_in(event, plain(*role), invite)
            }
            Body::Left { .. } => self.go(event.author),
            Body::Renamed { .. } => {
                let Some(known) = self.0.get_mut(&event.author) else {
                    return Vec::new();
                };
                known.name.clone_from(&event.name);
                vec![event.author]
            }
            Body::Moderated { member, action, .. } => {
                let Some(known) = self.0.get_mut(member) else {
                    return Vec::new();
                };
                if known.role == Role::Owner {
                    return Vec::new();
                }
                match action {
                    Moderation::Mute => known.muted = true,
                    Moderation::Unmute => known.muted = false,
                    Moderation::Kick => known.send_out(),
                    Moderation::Ban => {
                        known.banned = true;
                        known.send_out();
                    }
                    Moderation::Unban => known.banned = false,
                    Moderation::Unknown => return Vec::new(),
                }
                vec![*member]
            }
            Body::Role { member, role, .. } => {
                let Some(known) = self.0.get_mut(member).filter(|known| !known.banned) else {
                    return Vec::new();
                };
                // The room always is somebody's: it is handed on, and not given up.
                if known.role == Role::Owner {
                    return Vec::new();
                }
                known.rise(plain(*role));
                self.hand_on(*member)
            }
            Body::Message { .. }
            | Body::Edited { .. }
            | Body::Deleted { .. }
            | Body::Reacted { .. }
            | Body::Settings { .. }
            | Body::Unknown => Vec::new(),
        }
    }

    fn come_in(&mut self, event: &Event, role: Role, invite: Option<InviteId>) -> Vec<MemberId> {
        let is_full = self.0.len() >= ROOM_KNOWN && !self.0.contains_key(&event.author);
        // There is always a place for whom the room belongs to.
        let role = if is_full && role != Role::Owner {
            Role::Guest
        } else {
            role
        };
        let known = self.0.entry(event.author).or_insert_with(|| Standing {
            name: event.name.clone(),
            role,
            admitted: false,
            muted: false,
            banned: false,
            invite: None,
        });
        known.name.clone_from(&event.name);
        known.invite = invite.or(known.invite);
        if !known.banned {
            // Who was sent out begins anew; who belongs here only ever rises by coming in.
            let before = known.admitted.then_some(known.role);
            known.rise(before.map_or(role, |before| before.min(role)));
        }
        self.hand_on(event.author)
    }

    /// Says that `member` changed. If it is the owner, whoever was before is a moderator from now on.
    fn hand_on(&mut self, member: MemberId) -> Vec<MemberId> {
        let mut changed = vec![member];
        if self.role(&member) == Role::Owner {
            for (other, known) in &mut self.0 {
                if known.role == Role::Owner && *other != member {
                    known.role = Role::Moderator;
                    changed.push(*other);
                }
            }
        }
        changed
    }

    /// A member left. In a room that knows many, who would have to be let in anew anyway is forgotten, unless they are
    /// kept out or silent.
    fn go(&mut self, member: MemberId) -> Vec<MemberId> {
        let is_nobody = |known: &Standing| !known.admitted && !known.muted && !known.banned;
        if self.0.len() > ROOM_KNOWN_GUESTS && self.0.get(&member).is_some_and(is_nobody) {
            self.0.remove(&member);
            return vec![member];
        }
        Vec::new()
    }

    /// Whether `member` may put that into the log of a room with these rules. Whether it is muted or too fast is
    /// another question, whose answer changes with time.
    pub fn may(&self, member: MemberId, body: &Body, rules: RoomSettings) -> bool {
        let role = self.role(&member);
        match body {
            Body::Message { .. } | Body::Reacted { .. } => true,
            Body::Edited { target, .. } => target.author == member,
            Body::Deleted { target, .. } => target.author == member || role.is_staff(),
            Body::Settings { settings, .. } => match role {
                Role::Owner => true,
                // The order is theirs, too: how fast people talk, and whether anybody comes in.
                Role::Moderator => {
                    let ordered = RoomSettings {
                        locked: settings.locked,
                        slow: settings.slow,
                        ..rules
                    };
                    *settings == ordered
                }
                Role::Member | Role::Guest | Role::Unknown => false,
            },
            Body::Moderated { member: whom, .. } => {
                *whom != member
                    && self.0.contains_key(whom)
                    && role.is_staff()
                    && role < self.role(whom)
            }
            Body::Role {
                member: whom,
                role: new,
                ..
            } => {
                let known = self.0.get(whom);
                role == Role::Owner
                    && *whom != member
                    && *new != Role::Unknown
                    && known.is_some_and(|known| !known.banned)
            }
            Body::Joined { .. } | Body::Left { .. } | Body::Renamed { .. } | Body::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests;
