//! What members put into the log: whether they may, and what follows once it is there.
//!
//! One change at a time: while something that changes who may do what (a moderation, a role, the rules) is on its way
//! into the log, the next such change waits, and so does whatever the member says whom it is about. So everything is
//! checked against the roster exactly as it stands in the log at that place, whether the change was saved or not.

use crate::door::Invite;
use crate::event::{Body, Draft, Event, Leaving, Moderation, Role, Signed, said_bytes};
use crate::ids::{ClientId, MemberId};
use crate::limits::ROOM_HELD;
use crate::log::Appended;
use crate::room::pace::{Paid, Speech, TooFast};
use crate::room::{Conn, Output, Room};
use crate::text::DisplayName;
use crate::wire::{ClientFrame, Problem, Reject, ServerFrame, close};

/// Something that the log was asked to take.
#[derive(Debug)]
pub(super) struct Flight {
    author: MemberId,
    id: Option<ClientId>,
    paid: Paid,
    binds: Binds,
    /// The invite that it used up a part of, as it was before.
    invite: Option<Invite>,
}

/// For whom it changes what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binds {
    Nobody,
    /// For its author, who comes in by it.
    Author,
    /// For anybody: it stands in [`Room::acting`], too.
    Everybody,
}

impl Flight {
    /// Of what the room writes down by itself.
    pub(super) fn notice(author: MemberId) -> Self {
        Self {
            author,
            id: None,
            paid: Paid::Nothing,
            binds: Binds::Nobody,
            invite: None,
        }
    }
}

/// Something that changes who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// It is about a member.
    On(MemberId),
    /// It is about the room.
    OnRoom,
}

/// What kind of act it is, if it is one.
fn act(body: &Body) -> Option<Act> {
    match body {
        Body::Moderated { member, .. } | Body::Role { member, .. } => Some(Act::On(*member)),
        Body::Settings { .. } => Some(Act::OnRoom),
        Body::Message { .. }
        | Body::Edited { .. }
        | Body::Deleted { .. }
        | Body::Reacted { .. }
        | Body::Joined { .. }
        | Body::Left { .. }
        | Body::Renamed { .. }
        | Body::Unknown => None,
    }
}

impl Room {
    /// Whether a frame has to wait for what is on its way into the log, or behind others of its connection that do.
    pub(super) fn must_wait(&self, conn: Conn, member: MemberId, frame: &ClientFrame) -> bool {
        let act = match frame {
            ClientFrame::Submit(signed) => act(signed.submission.body()),
            ClientFrame::Door(_) => Some(Act::OnRoom),
            ClientFrame::Rename { .. } | ClientFrame::Leave => None,
            ClientFrame::Hello(_)
            | ClientFrame::Fetch { .. }
            | ClientFrame::Typing { .. }
            | ClientFrame::PasscodeStart { .. }
            | ClientFrame::PasscodeFinish { .. }
            | ClientFrame::Compare { .. }
            | ClientFrame::Introduce { .. }
            | ClientFrame::DialBack { .. }
            | ClientFrame::DialledBack { .. } => return false,
        };
        if self.held.iter().any(|(held, _)| *held == conn) || self.acting.contains(&Act::On(member))
        {
            return true;
        }
        let is_joining = |who: MemberId| {
            let mut flights = self.flights.iter();
            flights.any(|flight| flight.binds == Binds::Author && flight.author == who)
        };
        match act {
            Some(_) if !self.acting.is_empty() || is_joining(member) => true,
            Some(Act::On(whom)) => is_joining(whom),
            Some(Act::OnRoom) | None => false,
        }
    }

    /// Keeps a frame until the log has answered.
    pub(super) fn hold(&mut self, conn: Conn, frame: ClientFrame) {
        if self.held.len() < ROOM_HELD {
            self.held.push_back((conn, frame));
        } else if let Some(member) = self.conns.remove(&conn) {
            let code = close::TRY_LATER;
            self.outputs.push_back(Output::Close { conn, code });
            self.away(member);
        }
    }

    /// A member wants something in the log.
    pub(super) fn submit(&mut self, conn: Conn, member: MemberId, name: DisplayName, what: Signed) {
        let Signed {
            submission,
            signature,
        } = what;
        let (id, body) = (submission.id(), submission.body());
        let rules = self.config.settings;
        if !self.roster.may(member, body, rules) {
            let message = "this is not yours to change";
            self.reject(Some(conn), id, Reject::NotAllowed, message);
            return;
        }
        // What was said is still theirs to take back.
        let is_speech = matches!(
            body,
            Body::Message { .. } | Body::Edited { .. } | Body::Reacted { .. }
        );
        if is_speech && self.is_muted(&member) {
            let message = "you may only read at the moment";
            self.reject(Some(conn), id, Reject::Muted, message);
            return;
        }
        let speech = match body {
            Body::Message { .. } if !self.roster.role(&member).is_staff() => {
                let slow = self.slow();
                Speech::Message { slow }
            }
            _ => Speech::Other,
        };
        let paid = match self.paces.submit(member, id, speech, self.now.mono) {
            Ok(paid) => paid,
            Err(TooFast { wait }) => {
                let message = "this is too fast";
                self.reject_for(Some(conn), id, Reject::SlowDown, message, Some(wait));
                return;
            }
        };
        if let Body::Moderated {
            member: whom,
            action: Moderation::Ban,
            ..
        } = body
        {
            self.revoke_of(*whom);
        }
        let binds = self.bind(body);
        self.flights.push_back(Flight {
            author: member,
            id: Some(id),
            paid,
            binds,
            invite: None,
        });
        let draft = Draft {
            at: self.now.wall,
            author: member,
            name,
            body: submission.into(),
            signature: Some(signature),
        };
        let from = Some(conn);
        self.outputs.push_back(Output::Append { from, draft });
    }

    fn bind(&mut self, body: &Body) -> Binds {
        match act(body) {
            Some(act) => {
                self.acting.push_back(act);
                Binds::Everybody
            }
            None => Binds::Nobody,
        }
    }

    /// The room itself does something that has an id.
    pub(super) fn act_itself(&mut self, body: Body) {
        let Some(name) = self.own_name() else {
            return;
        };
        let key = self.config.key.author();
        let author = key.member();
        let said = said_bytes(&self.config.key.id(), &author, &name, &body);
        let binds = self.bind(&body);
        let flight = Flight {
            id: body.id(),
            binds,
            ..Flight::notice(author)
        };
        self.flights.push_back(flight);
        let draft = Draft {
            at: self.now.wall,
            author,
            name,
            body,
            signature: said.map(|said| key.sign(&said)),
        };
        self.outputs.push_back(Output::Append { from: None, draft });
    }

    /// Writes down that somebody came in.
    pub(super) fn append_joined(&mut self, author: MemberId, body: Body, used: Option<Invite>) {
        let Some(name) = self.seats.get(&author).map(|seat| seat.name.clone()) else {
            return;
        };
        let is_handover = matches!(
            body,
            Body::Joined {
                role: Role::Owner,
                ..
            }
        ) && self.roster.role(&author) != Role::Owner;
        let binds = if is_handover {
            self.acting.push_back(Act::On(author));
            Binds::Everybody
        } else {
            Binds::Author
        };
        let flight = Flight {
            binds,
            invite: used,
            ..Flight::notice(author)
        };
        self.append_as(flight, name, body);
    }

    /// Writes a notice down.
    pub(super) fn append(&mut self, author: MemberId, name: DisplayName, body: Body) {
        self.append_as(Flight::notice(author), name, body);
    }

    fn append_as(&mut self, flight: Flight, name: DisplayName, body: Body) {
        let draft = Draft {
            at: self.now.wall,
            author: flight.author,
            name,
            body,
            signature: None,
        };
        self.flights.push_back(flight);
        self.outputs.push_back(Output::Append { from: None, draft });
    }

    /// What the log made of drafts, in the order in which it was asked.
    pub fn committed(&mut self, results: impl IntoIterator<Item = (Option<Conn>, Appended)>) {
        for (from, appended) in results {
            if let Some(flight) = self.flights.pop_front() {
                self.landed(flight, &appended);
            }
            match appended {
                Appended::New(event) => self.take_event(event),
                Appended::Again(event) => self.answer(from, ServerFrame::Event(event)),
                Appended::Conflict(id) => {
                    self.reject(from, id, Reject::IdConflict, "this id was used before");
                }
                Appended::NoTarget(id) => {
                    let message = "the message that it is about is not here";
                    self.reject(from, id, Reject::NoSuchMessage, message);
                }
                Appended::NotSaved(Some(id)) => {
                    self.reject(from, id, Reject::NotSaved, "the relay could not store it");
                }
                Appended::NotSaved(None) => {}
            }
        }
        for (conn, frame) in std::mem::take(&mut self.held) {
            self.take(conn, frame);
        }
        self.settle();
    }

    fn landed(&mut self, flight: Flight, appended: &Appended) {
        let is_new = matches!(appended, Appended::New(_));
        if flight.binds == Binds::Everybody {
            self.acting.pop_front();
        }
        match flight.id {
            Some(id) if is_new => self.paces.taken(flight.author, id),
            Some(id) => self.paces.refused(flight.author, id, flight.paid),
            None => {}
        }
        if is_new {
            return;
        }
        if let Some(invite) = flight.invite {
            self.give_back(invite);
        }
        // Nobody is here whom the room could not moderate, or would not know again.
        let is_joining = flight.id.is_none() && flight.binds != Binds::Nobody;
        if is_joining && self.roster.get(&flight.author).is_none() {
            let seat = self.unseat(flight.author);
            if let Some(conn) = seat.and_then(|seat| seat.conn) {
                self.conns.remove(&conn);
                let message = "the relay could not store that you came in";
                self.refuse(conn, Problem::SlowDown, message, close::INTERNAL);
            }
        }
    }

    /// Something is in the log now: it holds, and everybody is told.
    fn take_event(&mut self, event: Event) {
        self.head = event.seq;
        let changed = self.roster.apply(&event);
        // Only what changes something is looked at again: texts are not copied.
        let act = act(&event.body).map(|_| event.body.clone());
        self.outputs.push_back(Output::All {
            frame: ServerFrame::Event(event),
        });
        match act {
            Some(Body::Settings { settings, .. }) => {
                self.config.settings = settings;
                if settings.locked {
                    self.send_knockers_away();
                }
            }
            Some(Body::Moderated { member, action, .. }) => match action {
                Moderation::Kick => self.send_out(member, close::KICKED),
                Moderation::Ban => {
                    self.ban_knocker(member);
                    self.send_out(member, close::BANNED);
                    self.door_changed = true;
                }
                Moderation::Unban => self.door_changed = true,
                Moderation::Mute | Moderation::Unmute | Moderation::Unknown => {}
            },
            None
            | Some(
                Body::Message { .. }
                | Body::Edited { .. }
                | Body::Deleted { .. }
                | Body::Reacted { .. }
                | Body::Joined { .. }
                | Body::Left { .. }
                | Body::Renamed { .. }
                | Body::Role { .. }
                | Body::Unknown,
            ) => {}
        }
        for member in changed {
            self.tell_standing(member);
        }
    }

    /// Tells everybody of a role or a right to speak that is another now.
    fn tell_standing(&mut self, member: MemberId) {
        let (role, muted) = (self.roster.role(&member), self.is_muted(&member));
        let Some(seat) = self.seats.get_mut(&member) else {
            return;
        };
        if (seat.role, seat.muted) == (role, muted) {
            return;
        }
        if muted {
            self.neighbours.forget(&member);
        }
        self.door_changed |= seat.role.is_staff() != role.is_staff();
        (seat.role, seat.muted) = (role, muted);
        self.tell_seat(member);
    }

    /// Nothing that is on its way from the member is taken any more.
    fn send_out(&mut self, member: MemberId, code: u16) {
        let conn = self.seats.get(&member).and_then(|seat| seat.conn);
        if let Some(conn) = conn {
            self.conns.remove(&conn);
            self.outputs.push_back(Output::Close { conn, code });
        }
        self.remove(member, Leaving::Left);
    }
}
