//! The client's side of one room, without IO: dialling, saying hello, keeping the order, sending what was written.
//!
//! Inputs are methods, outputs are polled, time and randomness are arguments. The driver owns at most one connection
//! at a time: [`Output::Dial`] opens it, and it is gone after [`Session::closed`] or [`Output::Hangup`].

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Body, Event, RoomSettings, Submission};
use crate::identity::Identity;
use crate::ids::{ClientId, MemberId, RoomId, Seq};
use crate::limits::{
    DEAD_AFTER, GREETING_TIMEOUT, PING_AFTER, PROTOCOL_MAX, PROTOCOL_MIN, REDIAL_FIRST,
    REDIAL_MOST, REPLACED_AGAIN, TYPING_FOR, TYPING_MEMBERS,
};
use crate::outbox::Outbox;
pub use crate::outbox::OutboxFull;
use crate::text::{DisplayName, RoomName};
use crate::time::Now;
pub use crate::timeline::Cursor;
use crate::timeline::{Learnt, Timeline};
use crate::view::{LinkState, MemberView, Pending, RoomChange, Trouble};
use crate::wire::{
    ClientFrame, Closing, Greeting, Hello, Member, Presence, Problem, Reject, ServerFrame, Welcome,
    close,
};

/// What the driver has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a connection; answer with [`Session::opened`] or [`Session::dial_failed`].
    Dial,
    /// Send a frame.
    Transmit(ClientFrame),
    /// Send a WebSocket ping.
    Ping,
    /// Close the connection and forget it; [`Session::closed`] is not expected.
    Hangup(u16),
    /// Write this down. Everything of one input is one transaction, done before anything else of it; then
    /// [`Session::kept`] or [`Session::not_kept`].
    Keep(Keep),
    /// Tell the window.
    Change(RoomChange),
    /// The room was left; nothing more comes.
    Left,
}

/// What has to be on the disk before the window is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Events, together with the cursor behind them. The window is shown what is new in them.
    Events {
        /// How far the client is with them.
        cursor: Cursor,
        /// They, in order. Own ones among them leave the outbox.
        events: Vec<Event>,
        /// Whether they stand at the end of the timeline; else they are older than all that is here.
        tail: bool,
    },
    /// An own message's state, and its place behind all others that wait.
    Pending {
        /// The message.
        pending: Pending,
    },
    /// An own message that is not waited for any more.
    Gone {
        /// Which.
        id: ClientId,
    },
    /// The room's rules: what they want deleted is to be deleted.
    Settings {
        /// They.
        settings: RoomSettings,
    },
    /// The room's name.
    Name {
        /// The name now.
        name: RoomName,
    },
}

/// What a session goes on with after a restart.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// How far it was.
    pub cursor: Option<Cursor>,
    /// The event before the cursor, if it is here.
    pub last: Option<Event>,
    /// Own messages on their way, in the order of writing.
    pub outbox: Vec<Pending>,
    /// The room's rules, if they are known.
    pub settings: Option<RoomSettings>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waiting for the socket.
    Dialling,
    /// Socket open, waiting for the relay's first frame.
    AwaitGreeting { until: Duration },
    /// Hello sent.
    AwaitWelcome { until: Duration },
    /// In the room.
    Online,
    /// Will dial at that time.
    Waiting { until: Duration },
    /// Not trying.
    Closed,
}

/// The client's side of one room.
#[derive(Debug)]
pub struct Session {
    room: RoomId,
    identity: Identity,
    name: DisplayName,
    software: String,
    state: State,
    /// Set by `closing`: what the end of this connection means.
    ending: Option<Trouble>,
    /// Whether a welcome was ever received: afterwards a room that is missing is waited for.
    was_in: bool,
    tries: u32,
    /// When another connection last took our place. Once may be a late hello of our own; twice is somebody else.
    replaced: Option<Duration>,
    jitter: u64,
    heard: Duration,
    pinged: bool,
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
    outputs: VecDeque<Output>,
}

impl Session {
    /// A session that dials at once. `seed` feeds nothing but the jitter of redials.
    pub fn new(
        room: RoomId,
        identity: Identity,
        name: DisplayName,
        software: String,
        resume: Resume,
        seed: u64,
    ) -> Self {
        let Resume {
            cursor,
            last,
            outbox,
            settings,
        } = resume;
        let mut session = Self {
            room,
            identity,
            name,
            software,
            state: State::Closed,
            ending: None,
            // What was there before may be there again.
            was_in: cursor.is_some(),
            tries: 0,
            replaced: None,
            jitter: seed,
            heard: Duration::ZERO,
            pinged: false,
            settings,
            ruled_at: Seq::ZERO,
            keeping: false,
            unkept: 0,
            filling: false,
            timeline: Timeline::resume(cursor, last),
            outbox: Outbox::resume(outbox),
            typing: Vec::new(),
            outputs: VecDeque::new(),
        };
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
            State::Online => Some(self.heard + if self.pinged { DEAD_AFTER } else { PING_AFTER }),
            State::Dialling | State::Closed => None,
        };
        let fetch = match self.state {
            State::Online => self.timeline.again_at(),
            _ => None,
        };
        let flight = self.outbox.again_at();
        let typing = self.typing.iter().map(|(_, until)| *until).min();
        [state, flight, fetch, typing].into_iter().flatten().min()
    }

    /// The socket is open.
    pub fn opened(&mut self, now: Now) {
        self.heard = now.mono;
        self.pinged = false;
        self.ending = None;
        self.state = State::AwaitGreeting {
            until: now.mono + GREETING_TIMEOUT,
        };
    }

    /// There is no socket to be had.
    pub fn dial_failed(&mut self, trouble: Trouble, now: Now) {
        self.wait(trouble, now);
    }

    /// Anything came in, be it a ping.
    pub fn heard(&mut self, now: Now) {
        self.heard = now.mono;
        self.pinged = false;
    }

    /// The connection ended, with this close code if there was one.
    pub fn closed(&mut self, code: Option<u16>, now: Now) {
        if matches!(self.state, State::Waiting { .. } | State::Closed) {
            return;
        }
        let trouble = match (code, self.ending.take()) {
            (_, Some(ending)) => ending,
            (Some(close::HOST_CLOSED), _) => Trouble::HostClosed,
            (Some(close::RELAY_STOPPING), _) => Trouble::RelayStopping,
            (Some(close::REPLACED), _) => Trouble::Replaced,
            (Some(close::UNAUTHENTICATED), _) => Trouble::Unauthenticated,
            (Some(close::NO_SUCH_ROOM), _) => Trouble::NoSuchRoom,
            (Some(close::ROOM_FULL), _) => Trouble::RoomFull,
            (Some(close::VERSION), _) => Trouble::ClientTooOld,
            (Some(close::TRY_LATER), _) => Trouble::TooSlow,
            (Some(close::SILENT), _) => Trouble::Silent,
            (Some(code), _) if !close::retry_helps(code) => Trouble::Protocol,
            _ if matches!(self.state, State::AwaitGreeting { .. }) && !self.was_in => {
                Trouble::NotChatspot
            }
            _ => Trouble::Lost,
        };
        self.end(trouble, now);
    }

    /// A frame of the relay.
    pub fn frame(&mut self, frame: ServerFrame, now: Now) {
        self.heard(now);
        match (self.state, frame) {
            (State::AwaitGreeting { .. }, ServerFrame::Greeting(greeting)) => {
                self.greeted(&greeting, now);
            }
            (State::AwaitWelcome { .. }, ServerFrame::Welcome(welcome)) => {
                self.welcomed(*welcome, now);
            }
            (State::Online, ServerFrame::Event(event)) => self.event(event, now),
            (State::Online, ServerFrame::Events { from, to, events }) => {
                let learnt = self.timeline.page(from, to, events, now.mono);
                self.learn(learnt, now);
            }
            (State::Online, ServerFrame::Head { epoch, seq }) => {
                self.timeline.head(epoch, seq);
                self.fetch(now);
            }
            (
                State::Online,
                ServerFrame::Presence {
                    member,
                    name,
                    host,
                    presence,
                },
            ) => match presence {
                Presence::Gone => {
                    self.typing.retain(|(typist, _)| *typist != member);
                    self.change(RoomChange::MemberGone { member });
                }
                Presence::Online | Presence::Away => {
                    self.change(RoomChange::Member {
                        member: member_view(Member {
                            member,
                            name,
                            host,
                            presence,
                        }),
                    });
                }
            },
            (State::Online, ServerFrame::Typing { member, active }) => {
                self.types(member, active, now);
            }
            (State::Online, ServerFrame::Rejected { id, code, .. }) => self.rejected(id, code, now),
            (_, ServerFrame::Closing { reason }) => {
                self.ending = Some(match reason {
                    Closing::HostClosed => Trouble::HostClosed,
                    Closing::RelayStopping | Closing::Unknown => Trouble::RelayStopping,
                });
            }
            (_, ServerFrame::Error { code, .. }) => {
                // The close frame that follows says whether dialling again can help; these codes say why.
                self.ending = match code {
                    Problem::NoSuchRoom => Some(Trouble::NoSuchRoom),
                    Problem::RoomFull => Some(Trouble::RoomFull),
                    Problem::Unauthenticated => Some(Trouble::Unauthenticated),
                    Problem::Version => Some(Trouble::ClientTooOld),
                    Problem::Malformed
                    | Problem::UnknownType
                    | Problem::NotText
                    | Problem::OutOfTurn
                    | Problem::Unknown => None,
                };
            }
            // A frame at the wrong time: late ones of a finished handshake, or a relay that is none.
            (State::AwaitGreeting { .. }, _) => {
                self.hang_up(close::PROTOCOL, Trouble::NotChatspot, now);
            }
            (
                State::AwaitWelcome { .. }
                | State::Online
                | State::Dialling
                | State::Waiting { .. }
                | State::Closed,
                _,
            ) => {}
        }
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
        // The rules may have been among it: the next welcome has them written down anew.
        self.settings = None;
        if matches!(self.state, State::Online) {
            self.hang_up(close::NORMAL, Trouble::NotSaved, now);
        }
    }

    /// The computer slept, or changed networks: what looks open may be dead, and waiting makes no sense any more.
    pub fn woke(&mut self) {
        match self.state {
            State::Closed => {}
            State::Waiting { .. } => self.redial(),
            State::Dialling
            | State::AwaitGreeting { .. }
            | State::AwaitWelcome { .. }
            | State::Online => {
                self.outputs.push_back(Output::Hangup(close::NORMAL));
                self.disconnected();
                self.tries = 0;
                self.dial();
            }
        }
    }

    /// Tells the others that one is typing, or stopped.
    pub fn typing(&mut self, active: bool) {
        if self.state == State::Online {
            self.transmit(ClientFrame::Typing { active });
        }
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

    /// Dials now, whatever it was waiting for.
    pub fn redial(&mut self) {
        if matches!(self.state, State::Waiting { .. } | State::Closed) {
            self.tries = 0;
            self.dial();
        }
    }

    /// Ends the connection and stays away until [`Session::redial`], because hosting was stopped here.
    pub fn stop(&mut self) {
        // While dialling, too: the socket must not open behind our back.
        if !matches!(self.state, State::Waiting { .. } | State::Closed) {
            self.outputs.push_back(Output::Hangup(close::NORMAL));
        }
        self.close(Trouble::Stopped);
    }

    /// Leaves the room with a goodbye, if there is a connection to say it on.
    pub fn leave(&mut self) {
        // Before the welcome, too: behind a hello it is understood, and without it we would linger as away.
        if matches!(self.state, State::Online | State::AwaitWelcome { .. }) {
            self.transmit(ClientFrame::Leave);
            self.outputs.push_back(Output::Hangup(close::NORMAL));
        }
        self.state = State::Closed;
        self.outputs.push_back(Output::Left);
    }

    /// Time went on.
    pub fn timeout(&mut self, now: Now) {
        match self.state {
            State::AwaitGreeting { until } if until <= now.mono => {
                let trouble = if self.was_in {
                    Trouble::Lost
                } else {
                    Trouble::NotChatspot
                };
                self.hang_up(close::PROTOCOL, trouble, now);
            }
            State::AwaitWelcome { until } if until <= now.mono => {
                self.hang_up(close::PROTOCOL, Trouble::Lost, now);
            }
            State::Waiting { until } if until <= now.mono => self.dial(),
            State::Online if self.heard + DEAD_AFTER <= now.mono => {
                self.hang_up(close::SILENT, Trouble::Silent, now);
            }
            State::Online if !self.pinged && self.heard + PING_AFTER <= now.mono => {
                self.pinged = true;
                self.outputs.push_back(Output::Ping);
            }
            _ => {}
        }
        self.outbox.give_up(now.mono);
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
    }

    fn dial(&mut self) {
        self.state = State::Dialling;
        self.change(RoomChange::Link {
            link: LinkState::Connecting,
        });
        self.outputs.push_back(Output::Dial);
    }

    fn greeted(&mut self, greeting: &Greeting, now: Now) {
        if greeting.protocol.max < PROTOCOL_MIN {
            return self.hang_up(close::VERSION, Trouble::RelayTooOld, now);
        }
        if greeting.protocol.min > PROTOCOL_MAX {
            return self.hang_up(close::VERSION, Trouble::ClientTooOld, now);
        }
        if !greeting
            .rooms
            .iter()
            .any(|summary| summary.room == self.room)
        {
            return self.hang_up(close::NORMAL, Trouble::NoSuchRoom, now);
        }
        let hello = Hello {
            protocol: greeting.protocol.max.min(PROTOCOL_MAX),
            room: self.room,
            member: self.identity.member(),
            name: self.name.clone(),
            signature: self.identity.sign_hello(&greeting.nonce, &self.room),
            software: self.software.clone(),
        };
        self.transmit(ClientFrame::Hello(Box::new(hello)));
        self.state = State::AwaitWelcome {
            until: now.mono + GREETING_TIMEOUT,
        };
    }

    fn welcomed(&mut self, welcome: Welcome, now: Now) {
        self.state = State::Online;
        self.was_in = true;
        self.tries = 0;
        self.typing.clear();
        let me = self.identity.member();
        let known = welcome.members.iter().find(|member| member.member == me);
        // Renamed between hello and welcome.
        if known.is_some_and(|known| known.name != self.name) {
            let name = self.name.clone();
            self.transmit(ClientFrame::Rename { name });
        }
        self.keep(Keep::Name {
            name: welcome.name.clone(),
        });
        self.change(RoomChange::Name { name: welcome.name });
        self.ruled_at = welcome.head;
        self.rules(welcome.settings);
        self.change(RoomChange::Members {
            members: welcome.members.into_iter().map(member_view).collect(),
        });
        self.change(RoomChange::Link {
            link: LinkState::Online,
        });
        self.timeline
            .welcome(welcome.epoch, welcome.first, welcome.head);
        self.learn(None, now);
    }

    fn rules(&mut self, settings: RoomSettings) {
        if self.settings != Some(settings) {
            self.settings = Some(settings);
            self.keep(Keep::Settings { settings });
            self.change(RoomChange::Settings { settings });
        }
    }

    fn event(&mut self, event: Event, now: Now) {
        let own = event
            .body
            .id()
            .filter(|_| event.author == self.identity.member());
        let known = self.timeline.has(event.seq);
        let learnt = self.timeline.event(event);
        self.learn(learnt, now);
        // The answer to a message that was sent again although its event was shown long ago.
        if let Some(id) = own.filter(|_| known)
            && self.outbox.sent(id)
        {
            self.keep(Keep::Gone { id });
            self.change(RoomChange::PendingGone { id });
            self.pump(now);
        }
    }

    /// Has new events written down, takes own messages among them out of the outbox, and asks for what is missing.
    fn learn(&mut self, learnt: Option<Learnt>, now: Now) {
        let mut older = false;
        if let Some(Learnt {
            cursor,
            events,
            tail,
        }) = learnt
        {
            older = !tail && !events.is_empty();
            match self.ruled(&events).filter(|_| tail) {
                None => self.keep_events(cursor, events, tail),
                Some((at, settings)) => {
                    // What comes behind new rules is kept by them.
                    let mut events = events;
                    let behind = events.split_off(at + 1);
                    let next = behind.first().map_or(cursor.next, |event| event.seq);
                    self.keep_events(Cursor { next, ..cursor }, events, tail);
                    self.rules(settings);
                    if !behind.is_empty() {
                        self.keep_events(cursor, behind, tail);
                    }
                }
            }
        }
        // In any case: another log under the same name has nothing older to wait for.
        self.fill(older);
        self.fetch(now);
        self.pump(now);
    }

    /// The last of these events that sets rules, by its index. One from before the welcome rules nothing any more.
    fn ruled(&self, events: &[Event]) -> Option<(usize, RoomSettings)> {
        let mut events = events.iter().enumerate().rev();
        events.find_map(|(at, event)| match &event.body {
            Body::Settings { settings, .. } if event.seq > self.ruled_at => Some((at, *settings)),
            _ => None,
        })
    }

    fn keep_events(&mut self, cursor: Cursor, events: Vec<Event>, tail: bool) {
        let me = self.identity.member();
        for event in events.iter().filter(|_| tail) {
            if matches!(event.body, Body::Message { .. }) {
                self.typing.retain(|(typist, _)| *typist != event.author);
            }
            if let Some(id) = event.body.id().filter(|_| event.author == me) {
                self.outbox.sent(id);
            }
        }
        self.keeping = true;
        self.keep(Keep::Events {
            cursor,
            events,
            tail,
        });
    }

    /// Tells the window how older history goes.
    fn fill(&mut self, older: bool) {
        let filling = self.timeline.is_filling();
        if older || filling != self.filling {
            self.filling = filling;
            self.change(RoomChange::Filled { older, filling });
        }
    }

    fn rejected(&mut self, id: ClientId, code: Reject, now: Now) {
        if let Some(pending) = self.outbox.rejected(id, code) {
            self.keep(Keep::Pending {
                pending: pending.clone(),
            });
            self.tell(Some(pending));
        }
        self.pump(now);
    }

    /// Sends the oldest waiting message, unless one is on its way.
    fn pump(&mut self, now: Now) {
        if self.state != State::Online {
            return;
        }
        if let Some(pending) = self.outbox.launch(now.mono) {
            let submission = pending.submission.clone();
            self.tell(Some(pending));
            self.transmit(ClientFrame::Submit(submission));
        }
    }

    fn tell(&mut self, pending: Option<Pending>) {
        if let Some(pending) = pending {
            self.change(RoomChange::Pending { pending });
        }
    }

    fn fetch(&mut self, now: Now) {
        if self.state == State::Online
            && let Some((from, to)) = self.timeline.poll_fetch(now.mono)
        {
            self.transmit(ClientFrame::Fetch { from, to });
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

    fn hang_up(&mut self, code: u16, trouble: Trouble, now: Now) {
        self.outputs.push_back(Output::Hangup(code));
        self.end(trouble, now);
    }

    /// The connection is gone: wait and dial again, or stay closed where dialling cannot help.
    fn end(&mut self, trouble: Trouble, now: Now) {
        let stays_away = match trouble {
            Trouble::Replaced => self
                .replaced
                .replace(now.mono)
                .is_some_and(|last| now.mono < last + REPLACED_AGAIN),
            Trouble::HostClosed
            | Trouble::Unauthenticated
            | Trouble::Stopped
            | Trouble::RelayTooOld
            | Trouble::ClientTooOld
            | Trouble::Protocol => true,
            // Known before: its host may be starting again. Never seen: it is not there.
            Trouble::NoSuchRoom | Trouble::RoomFull => !self.was_in,
            Trouble::NameUnknown
            | Trouble::NotChatspot
            | Trouble::NobodyAnswers
            | Trouble::Lost
            | Trouble::Silent
            | Trouble::TooSlow
            | Trouble::NotSaved
            | Trouble::RelayStopping => false,
        };
        if stays_away {
            self.close(trouble);
        } else {
            self.wait(trouble, now);
        }
    }

    fn close(&mut self, trouble: Trouble) {
        self.state = State::Closed;
        self.disconnected();
        self.change(RoomChange::Link {
            link: LinkState::Closed { trouble },
        });
    }

    fn wait(&mut self, trouble: Trouble, now: Now) {
        let most = REDIAL_FIRST
            .saturating_mul(1 << self.tries.min(8))
            .min(REDIAL_MOST);
        self.tries += 1;
        let until = now.mono + most.mul_f64(0.1 + 0.9 * self.random());
        self.state = State::Waiting { until };
        self.disconnected();
        self.change(RoomChange::Link {
            link: LinkState::Waiting {
                trouble,
                retry_at: now.wall_at(until),
            },
        });
    }

    /// What held only while connected.
    fn disconnected(&mut self) {
        self.timeline.disconnected();
        self.typing.clear();
        let grounded = self.outbox.ground();
        self.tell(grounded);
    }

    /// From 0 to 1, by `SplitMix64` (Steele, Lea, Flood 2014): spreads redials, guards nothing.
    fn random(&mut self) -> f64 {
        self.jitter = self.jitter.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.jitter;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
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

fn member_view(member: Member) -> MemberView {
    let Member {
        member,
        name,
        host,
        presence,
    } = member;
    MemberView {
        member,
        name,
        tag: member.tag(),
        host,
        presence,
    }
}

#[cfg(test)]
mod tests;
