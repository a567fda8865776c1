//! The door: what its keepers see and order, the invites, and who knocks.

use std::time::Duration;

use crate::door::{Banned, DoorOrder, DoorView, Invite, Knock};
use crate::event::{Role, Via};
use crate::ids::{InviteId, MemberId, Token};
use crate::limits::{
    BANNED_SHOWN, INVITE_SECONDS, INVITE_USES, KNOCK_FOR, ROOM_INVITES, ROOM_KNOCKS,
};
use crate::room::join::{Entry, at_most};
use crate::room::{Caller, Conn, Output, Refusal, Room};
use crate::text::DisplayName;
use crate::wire::{ClientFrame, Problem, ServerFrame, close};

/// Somebody who waits at the door.
#[derive(Debug)]
pub(super) struct Knocker {
    pub(super) conn: Conn,
    member: MemberId,
    name: DisplayName,
    caller: Caller,
    /// Until when.
    pub(super) until: Duration,
}

/// Why an order is not carried out.
type No = (Problem, &'static str);

const NOT_YOURS: No = (Problem::NotAllowed, "this is not yours to order");
const NO_INVITE: No = (Problem::NoSuchThing, "there is no such invite");

impl Room {
    /// Carries out what somebody wants at the door.
    pub(super) fn order(&mut self, conn: Conn, member: MemberId, order: DoorOrder) {
        let role = self.roster.role(&member);
        let done = if !role.is_staff() {
            Err(NOT_YOURS)
        } else if self.paces.order(member, self.now.mono).is_err() {
            Err((Problem::SlowDown, "this is too fast"))
        } else {
            match order {
                DoorOrder::Passcode { .. } if role != Role::Owner => Err(NOT_YOURS),
                DoorOrder::Passcode { passcode } => {
                    if self.door.passcode.as_ref() != Some(&passcode) {
                        self.door.passcode = Some(passcode);
                        self.keep_door();
                    }
                    Ok(())
                }
                DoorOrder::Invite {
                    token,
                    role,
                    uses,
                    seconds,
                } => self.make_invite(member, token, role, uses, seconds),
                DoorOrder::Revoke { invite } => self.revoke(role, invite),
                DoorOrder::Answer {
                    member: whom,
                    admit,
                } => {
                    if admit {
                        self.let_in(whom, member)
                    } else {
                        self.send_away(whom)
                    }
                }
                DoorOrder::Unknown => Err((Problem::UnknownType, "this order is not known")),
            }
        };
        if let Err((problem, message)) = done {
            self.complain(conn, problem, message);
        }
    }

    fn make_invite(
        &mut self,
        by: MemberId,
        token: Token,
        role: Role,
        uses: Option<u32>,
        seconds: Option<u32>,
    ) -> Result<(), No> {
        let is_for_them = matches!(role, Role::Member | Role::Guest);
        let is_bounded = uses.is_none_or(|uses| (1..=INVITE_USES).contains(&uses))
            && seconds.is_none_or(|seconds| (1..=INVITE_SECONDS).contains(&seconds));
        if !is_for_them || !is_bounded {
            return Err((Problem::NotAllowed, "there are no such invites"));
        }
        self.door_changed = true;
        let id = token.id();
        if self.door.invites.iter().any(|invite| invite.id == id) {
            return Ok(());
        }
        self.door.prune(self.now.wall);
        if self.door.invites.len() >= ROOM_INVITES {
            return Err((Problem::NotAllowed, "revoke another invite first"));
        }
        let until = |seconds| self.now.wall.saturating_add(i64::from(seconds) * 1_000);
        self.door.invites.push(Invite {
            id,
            token,
            role,
            made_by: Some(by),
            made_at: self.now.wall,
            expires_at: seconds.map(until),
            uses_left: uses,
            used: 0,
            raised: Vec::new(),
        });
        self.keep_door();
        Ok(())
    }

    fn revoke(&mut self, by: Role, id: InviteId) -> Result<(), No> {
        let before = self.door.invites.len();
        let is_it = |invite: &Invite| invite.id == id && is_shown(invite, by);
        self.door.invites.retain(|invite| !is_it(invite));
        if self.door.invites.len() == before {
            return Err(NO_INVITE);
        }
        self.keep_door();
        Ok(())
    }

    /// Revokes what a banned member could come back by, or send others with: the invites that it used, and those that it
    /// made.
    pub(super) fn revoke_of(&mut self, member: MemberId) {
        let used = self.roster.get(&member).and_then(|known| known.invite);
        let before = self.door.invites.len();
        self.door.invites.retain(|invite| {
            Some(invite.id) != used
                && invite.made_by != Some(member)
                && !invite.raised.contains(&member)
        });
        if self.door.invites.len() < before {
            self.keep_door();
        }
    }

    /// The relay may have ended between a ban and what it does to the invites.
    pub(super) fn shut_out_banned(&mut self) {
        let banned = self.roster.iter().filter(|(_, known)| known.banned);
        let banned: Vec<MemberId> = banned.map(|(member, _)| *member).collect();
        for member in banned {
            self.revoke_of(member);
        }
        self.door_changed = false;
    }

    /// Counts a use of an invite that holds. Says how it was before.
    pub(super) fn use_up(&mut self, token: Token) -> Option<Invite> {
        let now = self.now.wall;
        let mut invites = self.door.invites.iter_mut();
        let invite = invites.find(|invite| invite.token == token && invite.holds(now))?;
        let before = invite.clone();
        invite.used = invite.used.saturating_add(1);
        invite.uses_left = invite.uses_left.map(|uses| uses.saturating_sub(1));
        self.door.prune(now);
        self.keep_door();
        Some(before)
    }

    /// Whoever used an invite did not come in after all.
    pub(super) fn give_back(&mut self, before: Invite) {
        let mut invites = self.door.invites.iter_mut();
        if let Some(invite) = invites.find(|invite| invite.id == before.id) {
            invite.used = invite.used.saturating_sub(1);
            invite.uses_left = invite.uses_left.map(|uses| uses.saturating_add(1));
        } else if before.uses_left == Some(1) && self.door.invites.len() < ROOM_INVITES {
            // It was dropped when it was used up, and not revoked before.
            self.door.invites.push(before);
        } else {
            return;
        }
        self.keep_door();
    }

    pub(super) fn prune_invites(&mut self) {
        if self.door.prune(self.now.wall) {
            self.keep_door();
        }
    }

    pub(super) fn keep_door(&mut self) {
        self.outputs.push_back(Output::KeepDoor(self.door.clone()));
        self.door_changed = true;
    }

    /// Ends the taking of an input: tells the staff how the door is now, if it is another one.
    pub(super) fn settle(&mut self) {
        if !std::mem::take(&mut self.door_changed) {
            return;
        }
        let seats = self.seats.values();
        let mut present: Vec<(Conn, Role)> = seats
            .filter_map(|seat| Some((seat.conn?, seat.role)))
            .collect();
        present.sort_unstable();
        for (conn, role) in present {
            self.show_door(conn, role);
        }
    }

    /// Shows the door to one of its keepers.
    pub(super) fn show_door(&mut self, conn: Conn, role: Role) {
        if role.is_staff() {
            let frame = ServerFrame::Door(self.door_view(role));
            self.outputs.push_back(Output::Send { conn, frame });
        }
    }

    pub(super) fn door_view(&self, role: Role) -> DoorView {
        let invites = self.door.invites.iter();
        let holds = |invite: &&Invite| invite.holds(self.now.wall) && is_shown(invite, role);
        let knocks = self.knocks.iter().map(|knock| Knock {
            member: knock.member,
            name: knock.name.clone(),
        });
        let banned = self.roster.iter().filter(|(_, known)| known.banned);
        let banned = banned.take(BANNED_SHOWN).map(|(member, known)| Banned {
            member: *member,
            name: known.name.clone(),
        });
        DoorView {
            passcode: self.door.passcode.clone(),
            invites: invites.filter(holds).cloned().collect(),
            knocks: knocks.collect(),
            banned: banned.collect(),
            wrong: self.wrong,
        }
    }

    /// Somebody waits until the staff answers.
    pub(super) fn knock(
        &mut self,
        conn: Conn,
        member: MemberId,
        name: DisplayName,
        caller: Caller,
    ) {
        let until = self.now.mono + KNOCK_FOR;
        let knocker = Knocker {
            conn,
            member,
            name,
            caller,
            until,
        };
        let mut knocks = self.knocks.iter_mut();
        if let Some(before) = knocks.find(|before| before.member == member) {
            let old = std::mem::replace(before, knocker).conn;
            let code = close::REPLACED;
            self.outputs.push_back(Output::Close { conn: old, code });
        } else if self.knocks.len() < ROOM_KNOCKS {
            self.knocks.push(knocker);
        } else {
            let message = "too many wait at this door";
            self.refuse(conn, Problem::SlowDown, message, close::SLOW_DOWN);
            return;
        }
        let frame = ServerFrame::Knocking;
        self.outputs.push_back(Output::Send { conn, frame });
        self.door_changed = true;
    }

    pub(super) fn is_knocking(&self, conn: Conn) -> bool {
        self.knocks.iter().any(|knock| knock.conn == conn)
    }

    /// A frame of somebody who waits.
    pub(super) fn knocker_frame(&mut self, conn: Conn, frame: &ClientFrame) {
        if *frame == ClientFrame::Leave {
            self.forget_knocker(conn);
            let code = close::NORMAL;
            self.outputs.push_back(Output::Close { conn, code });
        } else {
            self.complain(conn, Problem::OutOfTurn, "wait until somebody lets you in");
        }
    }

    pub(super) fn forget_knocker(&mut self, conn: Conn) {
        let before = self.knocks.len();
        self.knocks.retain(|knock| knock.conn != conn);
        self.door_changed |= self.knocks.len() < before;
    }

    /// A member is in, by this connection: nobody knocks for it any more.
    pub(super) fn replace_knocker(&mut self, member: MemberId, conn: Conn) {
        if let Some(knocker) = self.take_knocker(member)
            && knocker.conn != conn
        {
            let (conn, code) = (knocker.conn, close::REPLACED);
            self.outputs.push_back(Output::Close { conn, code });
        }
    }

    fn take_knocker(&mut self, member: MemberId) -> Option<Knocker> {
        let mut knocks = self.knocks.iter();
        let place = knocks.position(|knock| knock.member == member)?;
        self.door_changed = true;
        Some(self.knocks.remove(place))
    }

    fn let_in(&mut self, whom: MemberId, by: MemberId) -> Result<(), No> {
        if !self.has_place(whom) {
            return Err((Problem::RoomFull, "this room takes nobody more just now"));
        }
        let Some(knocker) = self.take_knocker(whom) else {
            return Err((Problem::NoSuchThing, "they do not wait any more"));
        };
        let entry = Entry {
            via: Via::Knock { admitted_by: by },
            role: at_most(knocker.caller, Role::Member),
            invite: None,
        };
        self.enter(knocker.conn, whom, knocker.name, entry);
        Ok(())
    }

    fn send_away(&mut self, whom: MemberId) -> Result<(), No> {
        let Some(knocker) = self.take_knocker(whom) else {
            return Err((Problem::NoSuchThing, "they do not wait any more"));
        };
        self.turn_away(&knocker, DENIED, "nobody lets you in");
        Ok(())
    }

    /// Who is banned knocks in vain.
    pub(super) fn ban_knocker(&mut self, member: MemberId) {
        if let Some(knocker) = self.take_knocker(member) {
            let refusal = (Problem::Banned, close::BANNED);
            self.turn_away(&knocker, refusal, "you were sent out of this room for good");
        }
    }

    /// Who has waited for too long is answered.
    pub(super) fn tire_knockers(&mut self) {
        let now = self.now.mono;
        let late = self.knocks.extract_if(.., |knock| knock.until <= now);
        for knocker in late.collect::<Vec<_>>() {
            self.door_changed = true;
            self.turn_away(&knocker, DENIED, "nobody has answered");
        }
    }

    /// Nobody new comes in any more.
    pub(super) fn send_knockers_away(&mut self) {
        for knocker in std::mem::take(&mut self.knocks) {
            self.door_changed = true;
            let refusal = (Problem::Locked, close::NOT_ADMITTED);
            self.turn_away(&knocker, refusal, "nobody new comes into this room");
        }
    }

    fn turn_away(&mut self, knocker: &Knocker, (problem, code): Refusal, message: &str) {
        self.refuse(knocker.conn, problem, message, code);
    }
}

const DENIED: Refusal = (Problem::Denied, close::NOT_ADMITTED);

/// Whether somebody of that role is shown an invite.
fn is_shown(invite: &Invite, role: Role) -> bool {
    invite.role != Role::Owner || role == Role::Owner
}
