//! The client's side of one room, without IO: dialling, saying hello, keeping the order, sending what was written.
//!
//! Inputs are methods, outputs are polled, time and randomness are arguments. The driver owns at most one connection
//! at a time: [`Output::Dial`] opens it, and it is gone after [`Session::closed`] or [`Output::Hangup`].

use std::collections::VecDeque;
use std::time::Duration;

use crate::compare::{Compare, CompareWish};
use crate::door::DoorOrder;
use crate::event::{RoomSettings, Submission};
use crate::identity::Identity;
use crate::ids::{ClientId, MemberId, RoomId, Seq, Share};
use crate::limits::{PING_AFTER, TYPING_FOR, TYPING_MEMBERS};
use crate::outbox::Outbox;
pub use crate::outbox::OutboxFull;
use crate::text::{DisplayName, RoomName};
use crate::time::Now;
pub use crate::timeline::Cursor;
use crate::timeline::Timeline;
pub use crate::timeline::Told;
use crate::view::{Comparison, Pending, RoomChange, Trouble, Verified};
use crate::wire::{ClientFrame, Closing, Member, Presence, Problem, ServerFrame, close};

use greet::Way;
use link::{Ending, State};
use neighbours::Telling;
use people::People;

/// Comparing short codes, over the connection.
mod codes;
/// From the socket to the welcome.
mod greet;
/// Dialling, waiting, and what the end of a connection means.
mod link;
/// Events and own messages.
mod log;
/// Rooms that members tell of, and dialling back.
mod neighbours;
/// Who is present.
mod people;
/// What a session is given, and what it wants done.
mod terms;

pub use terms::{Entry, Keep, Line, NotConnected, Output, Resume, Trust};

/// The client's side of one room.
#[derive(Debug)]
pub struct Session {
    room: RoomId,
    identity: Identity,
    name: DisplayName,
    software: String,
    way: Way,
    state: State,
    /// Set by `closing` and `error`: what the end of this connection means.
    ending: Option<Ending>,
    /// Whether a welcome was ever received: afterwards a room that is missing is waited for.
    was_in: bool,
    /// The room's name, once it is known.
    room_name: Option<RoomName>,
    trust: Trust,
    /// As it is written down, if it is.
    trust_kept: Option<Trust>,
    /// The key of what answered in the room's place.
    offered: Option<String>,
    tries: u32,
    /// Why there was no connection the last time.
    trouble: Option<Trouble>,
    /// When another connection last took our place. Once may be a late hello of our own; twice is somebody else.
    replaced: Option<Duration>,
    jitter: u64,
    heard: Duration,
    /// Until when the answer to a ping is waited for. None: nothing was asked since something was heard.
    dead_at: Option<Duration>,
    settings: Option<RoomSettings>,
    /// The head at the last welcome: its rules are those of that place, and what older events say is past.
    ruled_at: Seq,
    /// Whether events are to be kept that are not kept yet.
    keeping: bool,
    /// How often in a row events could not be kept: a welcome alone is no reason to dial at once the next time.
    unkept: u32,
    /// What the window knows of older history.
    filling: bool,
    timeline: Timeline,
    outbox: Outbox,
    typing: Vec<(MemberId, Duration)>,
    people: People,
    /// Whether the window is shown a door.
    keeps_door: bool,
    compare: Compare,
    telling: Telling,
    /// The comparison that the window is shown.
    comparison: Option<Comparison>,
    outputs: VecDeque<Output>,
}

impl Session {
    /// A session that dials at once. `seed` feeds nothing but the jitter of redials.
    pub fn new(entry: Entry, resume: Resume, seed: u64) -> Self {
        let Entry {
            room,
            identity,
            name,
            software,
            token,
            passcode,
        } = entry;
        let Resume {
            name: room_name,
            cursor,
            last,
            outbox,
            settings,
            trust,
            verified,
        } = resume;
        let me = identity.member();
        let mut session = Self {
            room,
            identity,
            name,
            software,
            way: Way::new(token, passcode),
            state: State::Closed,
            ending: None,
            // What was there before may be there again.
            was_in: cursor.is_some(),
            room_name,
            trust,
            trust_kept: Some(trust),
            offered: None,
            tries: 0,
            trouble: None,
            replaced: None,
            jitter: seed,
            heard: Duration::ZERO,
            dead_at: None,
            settings,
            ruled_at: Seq::ZERO,
            keeping: false,
            unkept: 0,
            filling: false,
            timeline: Timeline::resume(cursor, last),
            outbox: Outbox::resume(outbox),
            typing: Vec::new(),
            people: People::new(me, verified),
            keeps_door: false,
            compare: Compare::new(me),
            telling: Telling::default(),
            comparison: None,
            outputs: VecDeque::new(),
        };
        if trust.verified != Verified::No {
            session.show_security();
        }
        session.dial();
        session
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Session::timeout`] is due.
    pub fn next_timeout(&self) -> Option<Duration> {
        let state = match self.state {
            State::AwaitGreeting { until }
            | State::AwaitWelcome { until }
            | State::Waiting { until } => Some(until),
            State::Online | State::Knocking => {
                Some(self.dead_at.unwrap_or(self.heard + PING_AFTER))
            }
            State::Dialling | State::AtDoor | State::Closed => None,
        };
        let fetch = match self.state {
            State::Online => self.timeline.again_at(),
            _ => None,
        };
        let flight = self.outbox.again_at();
        let held = self.outbox.held_until();
        let typing = self.typing.iter().map(|(_, until)| *until).min();
        let compare = self.compare.until();
        let telling = self.telling.due().filter(|_| self.state == State::Online);
        let all = [state, flight, held, fetch, typing, compare, telling];
        all.into_iter().flatten().min()
    }

    /// Anything came in, be it a ping.
    pub fn heard(&mut self, now: Now) {
        self.heard = now.mono;
        self.dead_at = None;
    }

    /// A frame of the relay.
    pub fn frame(&mut self, frame: ServerFrame, now: Now) {
        self.heard(now);
        match (self.state, frame) {
            (State::AwaitGreeting { .. }, ServerFrame::Greeting(greeting)) => {
                self.greeted(&greeting, now);
            }
            (State::AwaitWelcome { .. }, ServerFrame::Challenge) => self.challenged(now),
            (State::AwaitWelcome { .. }, ServerFrame::PasscodeReply { message }) => {
                self.replied(&message);
            }
            (State::AwaitWelcome { .. }, ServerFrame::Knocking) => self.knocking(),
            (State::AwaitWelcome { .. } | State::Knocking, ServerFrame::Welcome(welcome)) => {
                self.welcomed(*welcome, now);
            }
            // What only those in the room hear: we are, and the welcome is lost. There is no time limit to notice it by.
            (State::Knocking, ServerFrame::Event(_) | ServerFrame::Head { .. }) => {
                self.hang_up(close::PROTOCOL, Trouble::Lost, now);
            }
            (State::Online, frame) => self.online(frame, now),
            (_, ServerFrame::Closing { reason }) => self.closing(reason),
            (_, ServerFrame::Error { code, .. }) => self.ending = Ending::of(code),
            // A frame at the wrong time: late ones of a finished handshake, or a relay that is none.
            (State::AwaitGreeting { .. }, _) => {
                self.hang_up(close::PROTOCOL, Trouble::NotChatspot, now);
            }
            (
                State::AwaitWelcome { .. }
                | State::Knocking
                | State::Dialling
                | State::Waiting { .. }
                | State::AtDoor
                | State::Closed,
                _,
            ) => {}
        }
    }

    /// A frame in the room.
    fn online(&mut self, frame: ServerFrame, now: Now) {
        match frame {
            ServerFrame::Event(event) => self.event(event, now),
            ServerFrame::Events { from, to, events } => {
                let learnt = self.timeline.page(from, to, events, now.mono);
                self.learn(learnt, now);
            }
            ServerFrame::Head { epoch, seq } => {
                self.timeline.head(epoch, seq);
                self.fetch(now);
            }
            ServerFrame::Presence(member) => self.present(member),
            ServerFrame::Typing { member, active } => self.types(member, active, now),
            ServerFrame::Rejected { id, code, wait, .. } => self.rejected(id, code, wait, now),
            ServerFrame::Door(door) => {
                self.keeps_door = true;
                self.change(RoomChange::Door { door: Some(door) });
            }
            ServerFrame::Compare { member, step } => self.compared(member, step, now),
            ServerFrame::Introduced { member, rooms } => self.introduced(member, rooms),
            ServerFrame::DialBack {
                member,
                room,
                address,
            } => self.outputs.push_back(Output::DialBack {
                member,
                room,
                address,
            }),
            ServerFrame::DialledBack {
                member,
                room,
                address,
                outcome,
            } => self.was_dialled_back(member, room, address.as_deref(), outcome),
            ServerFrame::Closing { reason } => self.closing(reason),
            ServerFrame::Error { code, .. } => {
                // Others are answers to what was asked for in the room, and end nothing.
                if code == Problem::Banned {
                    self.ending = Ending::of(code);
                }
            }
            // Late ones of a finished handshake.
            ServerFrame::Greeting(_)
            | ServerFrame::Welcome(_)
            | ServerFrame::Challenge
            | ServerFrame::PasscodeReply { .. }
            | ServerFrame::Knocking => {}
        }
    }

    fn closing(&mut self, reason: Closing) {
        self.ending = Some(Ending::Trouble(match reason {
            Closing::HostClosed => Trouble::HostClosed,
            Closing::RelayStopping | Closing::Unknown => Trouble::RelayStopping,
        }));
    }

    /// What [`Session::submit`] will take, to be written down first.
    pub fn draft(&self, submission: Submission, now: Now) -> Result<Pending, OutboxFull> {
        self.outbox.draft(submission, now.wall)
    }

    /// Takes a message that is written down into the outbox, and sends it as soon as it can.
    pub fn submit(&mut self, pending: Pending, now: Now) {
        self.outbox.push(pending.clone());
        self.change(RoomChange::Pending { pending });
        self.pump(now);
    }

    /// Queues a failed message again, behind those that wait.
    pub fn retry(&mut self, id: ClientId, now: Now) {
        if let Some(pending) = self.outbox.retry(id) {
            self.keep(Keep::Pending {
                pending: pending.clone(),
            });
            // Taken out and put in, so that the window shows it in its new place.
            self.change(RoomChange::PendingGone { id });
            self.change(RoomChange::Pending { pending });
        }
        self.pump(now);
    }

    /// Whether [`Session::discard`] would take this message out.
    pub fn can_discard(&self, id: ClientId) -> bool {
        self.outbox.can_discard(id)
    }

    /// Takes a message out of the outbox. False when it is on its way or was sent already.
    pub fn discard(&mut self, id: ClientId) -> bool {
        let taken = self.outbox.discard(id);
        if taken {
            self.keep(Keep::Gone { id });
            self.change(RoomChange::PendingGone { id });
        }
        taken
    }

    /// What was to be kept is kept.
    pub fn kept(&mut self) {
        self.timeline.kept();
        self.outbox.kept();
        if std::mem::take(&mut self.keeping) {
            self.unkept = 0;
        }
    }

    /// What was to be kept could not be: it will come again over a new connection.
    pub fn not_kept(&mut self, now: Now) {
        self.timeline.not_kept();
        self.outbox.not_kept();
        self.keeping = false;
        self.unkept += 1;
        self.tries = self.unkept;
        // The rules may have been among it, or the trust: the next welcome has them written down anew.
        self.settings = None;
        self.trust_kept = None;
        if matches!(self.state, State::Online) {
            self.hang_up(close::NORMAL, Trouble::NotSaved, now);
        }
    }

    /// Tells the others that one is typing, or stopped.
    pub fn typing(&mut self, active: bool) {
        if self.state == State::Online {
            self.transmit(ClientFrame::Typing { active });
        }
    }

    /// Wants something at the door. The answer is the next [`RoomChange::Door`].
    pub fn door(&mut self, order: DoorOrder) -> Result<(), NotConnected> {
        if self.state != State::Online {
            return Err(NotConnected);
        }
        self.transmit(ClientFrame::Door(order));
        Ok(())
    }

    /// The person at the window goes on with a comparison of short codes. `share` is 32 random bytes.
    pub fn compare(
        &mut self,
        wish: CompareWish,
        share: [u8; 32],
        now: Now,
    ) -> Result<(), NotConnected> {
        self.wish(wish, Share(share), now)
    }

    /// Takes another name.
    pub fn rename(&mut self, name: DisplayName) {
        self.name = name.clone();
        if self.state == State::Online {
            self.transmit(ClientFrame::Rename { name });
        }
    }

    /// The room is dialled at another address from now on.
    pub fn moved(&mut self, address: String) {
        self.change(RoomChange::Address { address });
    }

    /// Time went on.
    pub fn timeout(&mut self, now: Now) {
        self.link_timeout(now);
        self.outbox.give_up(now.mono);
        if self.outbox.held_until().is_some_and(|at| at <= now.mono) {
            self.go_on();
        }
        self.pump(now);
        if self.timeline.again_at().is_some_and(|at| at <= now.mono) {
            self.timeline.timeout(now.mono);
            self.fetch(now);
        }
        let late: Vec<MemberId> = self
            .typing
            .iter()
            .filter(|(_, until)| *until <= now.mono)
            .map(|(member, _)| *member)
            .collect();
        for member in late {
            self.types(member, false, now);
        }
        self.compare.timeout(now.mono);
        self.go_on_comparing();
        self.tell_of_rooms(now);
    }

    fn present(&mut self, member: Member) {
        let id = member.member;
        if member.muted || member.presence == Presence::Gone {
            self.taken_back(id);
        }
        let changed = match member.presence {
            Presence::Gone => {
                self.typing.retain(|(typist, _)| *typist != id);
                self.change(RoomChange::MemberGone { member: id });
                self.compare.gone(id);
                self.go_on_comparing();
                self.people.gone(&id)
            }
            Presence::Online | Presence::Away => {
                if id == self.identity.member() && !member.role.is_staff() {
                    self.hide_door();
                }
                self.people.changed(member)
            }
        };
        self.show_members(changed);
    }

    fn show_members(&mut self, members: Vec<crate::view::MemberView>) {
        for member in members {
            self.change(RoomChange::Member { member });
        }
    }

    /// The door is not ours to keep any more, or there is no connection.
    fn hide_door(&mut self) {
        if std::mem::take(&mut self.keeps_door) {
            self.change(RoomChange::Door { door: None });
        }
    }

    fn types(&mut self, member: MemberId, active: bool, now: Now) {
        if member == self.identity.member() {
            return;
        }
        let known = self.typing.iter().any(|(typist, _)| *typist == member);
        self.typing.retain(|(typist, _)| *typist != member);
        if active && self.typing.len() < TYPING_MEMBERS {
            self.typing.push((member, now.mono + TYPING_FOR));
        }
        let shown = self.typing.iter().any(|(typist, _)| *typist == member);
        if shown != known {
            self.change(RoomChange::Typing {
                member,
                active: shown,
            });
        }
    }

    fn transmit(&mut self, frame: ClientFrame) {
        self.outputs.push_back(Output::Transmit(frame));
    }

    fn keep(&mut self, keep: Keep) {
        self.outputs.push_back(Output::Keep(keep));
    }

    fn change(&mut self, change: RoomChange) {
        self.outputs.push_back(Output::Change(change));
    }
}

#[cfg(test)]
mod tests;
