//! Who comes into the room, and by which way.

use std::time::Duration;

use crate::event::{Admission, Body, Leaving, Role, Via};
use crate::ids::{ClientId, MemberId, Token};
use crate::passcode::Passcode;
use crate::room::acts::Act;
use crate::room::{Arrival, Caller, Conn, Output, Place, Refusal, Room, Seat, Shown};
use crate::text::DisplayName;
use crate::time::Now;
use crate::wire::{Hello, Problem, ServerFrame, close};

/// What becomes of an arrival.
enum Decision {
    /// In, to the seat that is still theirs.
    Back,
    /// In.
    In(Entry),
    /// In when the exchange succeeds.
    Challenge(Passcode),
    /// In when somebody opens.
    Knock,
    /// Not in.
    Refuse(Refusal, &'static str),
}

/// How somebody comes in who was not here.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) via: Via,
    pub(super) role: Role,
    /// The invite that is used up by it, or a part of it.
    pub(super) invite: Option<Token>,
}

fn no(problem: Problem, message: &'static str) -> Decision {
    Decision::Refuse((problem, close::NOT_ADMITTED), message)
}

/// A page's key is gone with it.
pub(super) fn at_most(caller: Caller, role: Role) -> Role {
    match caller {
        Caller::App => role,
        Caller::Page => role.max(Role::Guest),
    }
}

impl Room {
    /// Somebody wants in.
    pub fn join(&mut self, conn: Conn, arrival: Arrival, now: Now) {
        self.now = now;
        let tried = self.challenged.remove(&conn);
        let decision = self.decide(&arrival, tried.as_ref());
        let Hello {
            member,
            name,
            token,
            ..
        } = arrival.hello;
        let is_in = !matches!(decision, Decision::Refuse(..));
        if is_in && !self.has_place(member) {
            self.refuse_full(conn);
            return;
        }
        match decision {
            Decision::Refuse((problem, code), message) => {
                self.refuse(conn, problem, message, code);
            }
            Decision::Challenge(passcode) => {
                self.challenged.insert(conn, passcode.clone());
                self.outputs.push_back(Output::Challenge { conn, passcode });
            }
            Decision::Knock => self.knock(conn, member, name, arrival.caller),
            Decision::Back => {
                let before = self.seats.get(&member).map(|seat| &seat.name);
                if before != Some(&name) && self.paces.rename(member, now.mono).is_err() {
                    return self.refuse_renames(conn);
                }
                self.come_back(conn, member, name);
                self.raise(member, token, arrival.caller);
            }
            Decision::In(entry) => {
                let is_known = entry.via == Via::Membership;
                self.enter(conn, member, name, entry);
                self.raise(member, token.filter(|_| is_known), arrival.caller);
            }
        }
        self.settle();
    }

    /// A passcode exchange failed: [`Output::Challenge`] came to nothing. Its connection is told so, and closed.
    pub fn tried(&mut self, conn: Conn) {
        if self.challenged.remove(&conn).is_none() {
            return;
        }
        self.wrong = self.wrong.saturating_add(1);
        self.door_changed = true;
        let message = "the passcode is another one";
        self.refuse(conn, Problem::WrongPasscode, message, close::NOT_ADMITTED);
        self.settle();
    }

    fn decide(&self, arrival: &Arrival, tried: Option<&Passcode>) -> Decision {
        let member = arrival.hello.member;
        let known = self.roster.get(&member);
        if known.is_some_and(|known| known.banned) {
            let refusal = (Problem::Banned, close::BANNED);
            return Decision::Refuse(refusal, "you were sent out of this room for good");
        }
        if self.acting.contains(&Act::On(member)) {
            // Perhaps they are being sent out: the log knows in a moment.
            let refusal = (Problem::SlowDown, close::SLOW_DOWN);
            return Decision::Refuse(refusal, "come back in a moment");
        }
        if self.seats.contains_key(&member) {
            return Decision::Back;
        }
        if let Some(known) = known.filter(|known| known.admitted) {
            let (via, role) = (Via::Membership, known.role);
            return Decision::In(Entry {
                via,
                role,
                invite: None,
            });
        }
        if self.config.settings.locked {
            return no(Problem::Locked, "nobody new comes into this room");
        }
        if let Some(token) = arrival.hello.token {
            return self.by_invite(token, arrival.caller);
        }
        let by = |via| {
            Decision::In(Entry {
                via,
                role: at_most(arrival.caller, Role::Member),
                invite: None,
            })
        };
        match self.config.settings.admission {
            Admission::Open => match arrival.place {
                Place::Local => by(Via::Open),
                Place::Remote => no(Problem::NotLocal, "this room is open to its network only"),
            },
            Admission::Passcode => match (&self.door.passcode, arrival.shown) {
                // Another one may hold since the exchange began.
                (Some(passcode), Shown::Passcode) if tried == Some(passcode) => by(Via::Passcode),
                (Some(passcode), _) => Decision::Challenge(passcode.clone()),
                (None, _) => no(Problem::InviteNeeded, "this room has no passcode yet"),
            },
            Admission::Knock => Decision::Knock,
            Admission::Invite | Admission::Unknown => {
                no(Problem::InviteNeeded, "who is new needs an invite")
            }
        }
    }

    fn by_invite(&self, token: Token, caller: Caller) -> Decision {
        match self.door.invite(&token, self.now.wall) {
            // A page would lose the room with its key.
            Some(invite) if invite.role != Role::Owner || caller == Caller::App => {
                let via = Via::Invite { invite: invite.id };
                Decision::In(Entry {
                    via,
                    role: at_most(caller, invite.role),
                    invite: Some(token),
                })
            }
            Some(_) | None => no(Problem::BadInvite, "this invite does not hold any more"),
        }
    }

    /// Whether there is a seat for a member.
    pub(super) fn has_place(&self, member: MemberId) -> bool {
        self.seats.contains_key(&member)
            || self.seats.len() < self.config.max_members
            || self.seats.values().any(|seat| seat.conn.is_none())
    }

    pub(super) fn refuse_renames(&mut self, conn: Conn) {
        let message = "that is one name after the other: take the next one later";
        self.refuse(conn, Problem::SlowDown, message, close::SLOW_DOWN);
    }

    pub(super) fn refuse_full(&mut self, conn: Conn) {
        let message = "this room takes nobody more just now";
        self.refuse(conn, Problem::RoomFull, message, close::ROOM_FULL);
    }

    /// Takes somebody in for whom there is a place.
    pub(super) fn enter(&mut self, conn: Conn, member: MemberId, name: DisplayName, entry: Entry) {
        if self.seats.len() >= self.config.max_members {
            // Whoever is away longest makes room for somebody who is here.
            let away = self.seats.iter().filter(|(_, seat)| seat.conn.is_none());
            let longest = away.min_by_key(|(member, seat)| (seat.away_until, **member));
            if let Some(member) = longest.map(|(member, _)| *member) {
                self.remove(member, Leaving::Lost);
            }
        }
        let Entry { via, role, invite } = entry;
        // Whose the room is, the log says first.
        let told = match self.roster.role(&member) {
            Role::Owner => Role::Owner,
            _ if role == Role::Owner => Role::Member,
            _ => role,
        };
        self.sit(conn, member, name, told);
        let invite = invite.and_then(|token| self.use_up(token));
        self.append_joined(member, Body::Joined { via, role }, invite);
    }

    fn come_back(&mut self, conn: Conn, member: MemberId, name: DisplayName) {
        let Some(seat) = self.seats.get(&member) else {
            return;
        };
        let (from, role) = (seat.name.clone(), seat.role);
        if let Some(old) = seat.conn {
            self.conns.remove(&old);
            let code = close::REPLACED;
            self.outputs.push_back(Output::Close { conn: old, code });
        }
        self.sit(conn, member, name.clone(), role);
        if from != name {
            self.append(member, name, Body::Renamed { from });
        }
    }

    fn sit(&mut self, conn: Conn, member: MemberId, name: DisplayName, role: Role) {
        self.replace_knocker(member, conn);
        let seat = Seat {
            name,
            conn: Some(conn),
            away_until: Duration::ZERO,
            role,
            muted: self.is_muted(&member),
        };
        self.seats.insert(member, seat);
        // Told before the newcomer is listening: its own welcome lists everybody.
        self.tell_seat(member);
        self.conns.insert(conn, member);
        self.outputs.push_back(Output::Admit { conn });
        let frame = ServerFrame::Welcome(Box::new(self.welcome()));
        self.outputs.push_back(Output::Send { conn, frame });
        self.show_door(conn, role);
        self.introduce_to(conn, member);
    }

    /// Whoever is here already becomes by an invite what they were not: the room says so.
    fn raise(&mut self, member: MemberId, token: Option<Token>, caller: Caller) {
        let Some(token) = token else {
            return;
        };
        let now = self.now.wall;
        let role = self.seats.get(&member).map(|seat| seat.role);
        let invite = self.door.invite(&token, now).cloned();
        let (Some(role), Some(invite)) = (role, invite) else {
            return;
        };
        if caller == Caller::Page || invite.role >= role {
            return;
        }
        let id = act_id(&token, &member, invite.used);
        let role = invite.role;
        if self.use_up(token).is_some() {
            self.door.raised_by(&token, member);
            self.keep_door();
            self.act_itself(Body::Role { id, member, role });
        }
    }
}

/// The id of a role that came of an invite: another one for each use.
fn act_id(token: &Token, member: &MemberId, used: u32) -> ClientId {
    use ed25519_dalek::Digest;
    let hash = ed25519_dalek::Sha512::new()
        .chain_update(b"chatspot invited v1\0")
        .chain_update(token.0)
        .chain_update(member.0)
        .chain_update(used.to_be_bytes())
        .finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    ClientId(id)
}
