//! What members are told: who is here and as what, what was not taken, and each other's steps of comparisons.

use std::time::Duration;

use crate::compare::CompareStep;
use crate::event::{Body, Leaving};
use crate::ids::{ClientId, MemberId};
use crate::room::pace::TooFast;
use crate::room::{Conn, Output, Room, Seat};
use crate::wire::{Member, Presence, Problem, Reject, ServerFrame, Welcome};

impl Room {
    /// Passes a step of a comparison on.
    pub(super) fn compare(
        &mut self,
        conn: Conn,
        member: MemberId,
        whom: MemberId,
        step: CompareStep,
    ) {
        if whom == member || step == CompareStep::Unknown {
            self.complain(conn, Problem::NotAllowed, "this compares nothing");
            return;
        }
        if let Err(TooFast { .. }) = self.paces.compare(member, self.now.mono) {
            self.complain(conn, Problem::SlowDown, "too many steps of comparisons");
            return;
        }
        if let Some(to) = self.seats.get(&whom).and_then(|seat| seat.conn) {
            let frame = ServerFrame::Compare { member, step };
            self.outputs.push_back(Output::Send { conn: to, frame });
        } else if step != CompareStep::Stop {
            self.complain(conn, Problem::NoSuchThing, "they are not here");
            let (member, step) = (whom, CompareStep::Stop);
            let frame = ServerFrame::Compare { member, step };
            self.outputs.push_back(Output::Send { conn, frame });
        }
    }

    pub(super) fn welcome(&self) -> Welcome {
        let seats = self.seats.iter();
        let mut members: Vec<Member> = seats.map(|(id, seat)| self.member(*id, seat)).collect();
        members.sort_unstable_by_key(|member| member.member);
        Welcome {
            name: self.config.name.clone(),
            epoch: self.epoch,
            settings: self.config.settings,
            first: self.first,
            head: self.head,
            members,
        }
    }

    fn member(&self, member: MemberId, seat: &Seat) -> Member {
        let presence = if seat.conn.is_some() {
            Presence::Online
        } else {
            Presence::Away
        };
        Member {
            member,
            name: seat.name.clone(),
            host: self.config.host == Some(member),
            role: seat.role,
            muted: seat.muted,
            presence,
        }
    }

    /// Tells everybody how a member is here.
    pub(super) fn tell_seat(&mut self, member: MemberId) {
        if let Some(seat) = self.seats.get(&member) {
            let frame = ServerFrame::Presence(self.member(member, seat));
            self.outputs.push_back(Output::All { frame });
        }
    }

    /// Takes a member's seat away and tells everybody.
    pub(super) fn unseat(&mut self, member: MemberId) -> Option<Seat> {
        let seat = self.seats.remove(&member)?;
        self.neighbours.forget(&member);
        let gone = Member {
            presence: Presence::Gone,
            ..self.member(member, &seat)
        };
        let frame = ServerFrame::Presence(gone);
        self.outputs.push_back(Output::All { frame });
        Some(seat)
    }

    pub(super) fn remove(&mut self, member: MemberId, how: Leaving) {
        if let Some(seat) = self.unseat(member) {
            self.append(member, seat.name, Body::Left { how });
        }
    }

    pub(super) fn reject(&mut self, to: Option<Conn>, id: ClientId, code: Reject, message: &str) {
        self.reject_for(to, id, code, message, None);
    }

    /// Answers a submit whose connection may be gone by now. With [`Reject::SlowDown`] goes how long to wait.
    pub(super) fn reject_for(
        &mut self,
        to: Option<Conn>,
        id: ClientId,
        code: Reject,
        message: &str,
        wait: Option<Duration>,
    ) {
        let message = message.to_owned();
        // Rounded up: whoever waits as told is not refused again.
        let wait = wait.map(|wait| u32::try_from(wait.as_millis() + 1).unwrap_or(u32::MAX));
        let frame = ServerFrame::Rejected {
            id,
            code,
            message,
            wait,
        };
        self.answer(to, frame);
    }

    pub(super) fn answer(&mut self, to: Option<Conn>, frame: ServerFrame) {
        if let Some(conn) = to.filter(|conn| self.conns.contains_key(conn)) {
            self.outputs.push_back(Output::Send { conn, frame });
        }
    }

    pub(super) fn complain(&mut self, conn: Conn, code: Problem, message: &str) {
        self.outputs.push_back(Output::Send {
            conn,
            frame: ServerFrame::Error {
                code,
                message: message.to_owned(),
            },
        });
    }

    pub(super) fn refuse(&mut self, conn: Conn, code: Problem, message: &str, close: u16) {
        self.complain(conn, code, message);
        self.outputs.push_back(Output::Close { conn, code: close });
    }
}
