//! The connection as such: dialling, waiting, the heartbeat, and what an end means.

use std::time::Duration;

use super::{Line, Output, Session};
use crate::limits::{
    DEAD_AFTER, DOUBTED_FOR, GREETING_TIMEOUT, PING_AFTER, REDIAL_FIRST, REDIAL_MOST,
    REPLACED_AGAIN, SLOW_REDIAL_FIRST, SLOW_REDIAL_MOST,
};
use crate::time::Now;
use crate::view::{LinkState, RoomChange, Trouble};
use crate::wire::{ClientFrame, Problem, close};

/// How far the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waiting for the socket.
    Dialling,
    /// Socket open, waiting for the relay's first frame.
    AwaitGreeting { until: Duration },
    /// Hello sent.
    AwaitWelcome { until: Duration },
    /// Hello sent, and somebody in the room has to open.
    Knocking,
    /// In the room.
    Online,
    /// Will dial at that time.
    Waiting { until: Duration },
    /// Not trying before somebody types a passcode.
    AtDoor,
    /// Not trying.
    Closed,
}

/// What the relay said about the end of a connection before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Trouble(Trouble),
    WrongPasscode,
}

impl Ending {
    /// What a connection ends by that ends after this. None: what the close code says.
    pub(super) fn of(problem: Problem) -> Option<Self> {
        let trouble = match problem {
            Problem::WrongPasscode => return Some(Self::WrongPasscode),
            Problem::NoSuchRoom => Trouble::NoSuchRoom,
            Problem::RoomFull => Trouble::RoomFull,
            Problem::Unauthenticated => Trouble::Unauthenticated,
            Problem::Version => Trouble::ClientTooOld,
            Problem::Banned => Trouble::Banned,
            Problem::Locked => Trouble::Locked,
            Problem::InviteNeeded => Trouble::InviteNeeded,
            Problem::BadInvite => Trouble::BadInvite,
            Problem::NotLocal => Trouble::NotLocal,
            Problem::Denied => Trouble::Denied,
            Problem::SlowDown => Trouble::SlowDown,
            // The close frame that follows says whether dialling again can help.
            Problem::Malformed
            | Problem::UnknownType
            | Problem::NotText
            | Problem::OutOfTurn
            | Problem::NotAllowed
            | Problem::NoSuchThing
            | Problem::Unknown => return None,
        };
        Some(Self::Trouble(trouble))
    }
}

/// What a close code says by itself. None: nothing more than that it ended.
fn meaning(code: u16) -> Option<Trouble> {
    let trouble = match code {
        close::HOST_CLOSED => Trouble::HostClosed,
        close::RELAY_STOPPING => Trouble::RelayStopping,
        close::REPLACED => Trouble::Replaced,
        close::UNAUTHENTICATED => Trouble::Unauthenticated,
        close::NO_SUCH_ROOM => Trouble::NoSuchRoom,
        close::ROOM_FULL => Trouble::RoomFull,
        close::VERSION => Trouble::ClientTooOld,
        close::TRY_LATER => Trouble::TooSlow,
        close::SILENT => Trouble::Silent,
        close::BANNED => Trouble::Banned,
        close::KICKED => Trouble::Kicked,
        close::NOT_ADMITTED => Trouble::Denied,
        close::SLOW_DOWN => Trouble::SlowDown,
        code if !close::retry_helps(code) => Trouble::Protocol,
        _ => return None,
    };
    Some(trouble)
}

impl Session {
    /// The socket is open. `secret` is 32 random bytes, for the passcode exchange on it.
    pub fn opened(&mut self, line: Line, secret: [u8; 32], now: Now) {
        self.way.opened(line, secret);
        self.heard = now.mono;
        self.dead_at = None;
        self.ending = None;
        self.state = State::AwaitGreeting {
            until: now.mono + GREETING_TIMEOUT,
        };
    }

    /// There is no socket to be had, or none to a relay that has the room.
    pub fn dial_failed(&mut self, trouble: Trouble, now: Now) {
        let trouble = match trouble {
            // It answered and hung up: who never was in knows no reason to take it for the room.
            Trouble::Lost if !self.was_in => Trouble::NotChatspot,
            trouble => trouble,
        };
        self.end(trouble, now);
    }

    /// The room was found at another address, or proved itself anew. Dials at once where that can help: true then.
    pub fn sighted(&mut self) -> bool {
        let waits = matches!(self.state, State::Waiting { .. } | State::Closed);
        let helps = waits
            && self.trouble.is_some_and(|trouble| match trouble {
                Trouble::NameUnknown
                | Trouble::NobodyAnswers
                | Trouble::NotChatspot
                | Trouble::NoSuchRoom
                // Whatever stood in its place: here it is.
                | Trouble::KeyChanged
                | Trouble::HostClosed
                | Trouble::RelayStopping
                | Trouble::Lost
                | Trouble::Silent => true,
                Trouble::RelayTooOld
                | Trouble::ClientTooOld
                | Trouble::RoomFull
                | Trouble::TooSlow
                | Trouble::Replaced
                | Trouble::Unauthenticated
                | Trouble::Stopped
                | Trouble::Banned
                | Trouble::Kicked
                | Trouble::Locked
                | Trouble::InviteNeeded
                | Trouble::BadInvite
                | Trouble::NotLocal
                | Trouble::Denied
                | Trouble::SlowDown
                | Trouble::NotSaved
                | Trouble::Protocol => false,
            });
        if helps {
            self.dial();
        }
        helps
    }

    /// Whether something answered, and the connection to it is open.
    pub fn is_in_touch(&self) -> bool {
        match self.state {
            State::AwaitGreeting { .. }
            | State::AwaitWelcome { .. }
            | State::Knocking
            | State::Online => true,
            State::Dialling | State::Waiting { .. } | State::AtDoor | State::Closed => false,
        }
    }

    /// The term that a warrant of the room has to have at least.
    pub fn term(&self) -> u64 {
        self.trust.term
    }

    /// The connection ended, with this close code if there was one.
    pub fn closed(&mut self, code: Option<u16>, now: Now) {
        if !self.is_connected() {
            return;
        }
        let greeting = matches!(self.state, State::AwaitGreeting { .. });
        match (self.ending.take(), code.and_then(meaning)) {
            (Some(Ending::WrongPasscode), _) => self.wrong_passcode(),
            (Some(Ending::Trouble(trouble)), _) | (None, Some(trouble)) => self.end(trouble, now),
            (None, None) if greeting && !self.was_in => self.end(Trouble::NotChatspot, now),
            (None, None) => self.end(Trouble::Lost, now),
        }
    }

    /// The computer slept, or changed networks: what looks open may be dead, and waiting makes no sense any more.
    pub fn woke(&mut self) {
        match self.state {
            State::Closed | State::AtDoor => {}
            State::Waiting { .. } => self.redial(),
            State::Dialling
            | State::AwaitGreeting { .. }
            | State::AwaitWelcome { .. }
            | State::Knocking
            | State::Online => self.dial_anew(),
        }
    }

    /// The room was found where it was not before: the connection may lead to where it is no more. Asks for a sign of
    /// life, and waits for it only [`DOUBTED_FOR`].
    pub fn doubted(&mut self, now: Now) {
        let until = now.mono + DOUBTED_FOR;
        if matches!(self.state, State::Online | State::Knocking)
            && self.dead_at.is_none_or(|at| until < at)
        {
            self.dead_at = Some(until);
            self.outputs.push_back(Output::Ping);
        }
    }

    /// Dials now, whatever it was waiting for.
    pub fn redial(&mut self) {
        if !self.is_connected() {
            self.tries = 0;
            self.dial();
        }
    }

    /// Ends the connection and stays away until [`Session::redial`], because hosting was stopped here.
    pub fn stop(&mut self) {
        // While dialling, too: the socket must not open behind our back.
        if self.is_connected() {
            self.outputs.push_back(Output::Hangup(close::NORMAL));
        }
        self.close(Trouble::Stopped);
    }

    /// Leaves the room with a goodbye, if there is a connection to say it on.
    pub fn leave(&mut self) {
        // Before the welcome, too: behind a hello it is understood, and without it we would linger as away.
        if matches!(
            self.state,
            State::Online | State::Knocking | State::AwaitWelcome { .. }
        ) {
            self.transmit(ClientFrame::Leave);
            self.outputs.push_back(Output::Hangup(close::NORMAL));
        }
        self.state = State::Closed;
        self.outputs.push_back(Output::Left);
    }

    /// Whether there is a connection, or will be without waiting.
    fn is_connected(&self) -> bool {
        !matches!(
            self.state,
            State::Waiting { .. } | State::AtDoor | State::Closed
        )
    }

    pub(super) fn link_timeout(&mut self, now: Now) {
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
            State::Online | State::Knocking
                if self.heard + DEAD_AFTER <= now.mono
                    || self.dead_at.is_some_and(|at| at <= now.mono) =>
            {
                self.hang_up(close::SILENT, Trouble::Silent, now);
            }
            State::Online | State::Knocking
                if self.dead_at.is_none() && self.heard + PING_AFTER <= now.mono =>
            {
                self.dead_at = Some(self.heard + DEAD_AFTER);
                self.outputs.push_back(Output::Ping);
            }
            _ => {}
        }
    }

    pub(super) fn dial(&mut self) {
        self.state = State::Dialling;
        // Whatever answered before: what answers now is looked at anew.
        if self.offered.take().is_some() {
            self.show_security();
        }
        self.change(RoomChange::Link {
            link: LinkState::Connecting,
        });
        self.outputs.push_back(Output::Dial);
    }

    /// Dials now, in the place of whatever connection there is.
    pub(super) fn dial_anew(&mut self) {
        if self.is_connected() {
            self.outputs.push_back(Output::Hangup(close::NORMAL));
            self.disconnected();
        }
        self.tries = 0;
        self.dial();
    }

    pub(super) fn hang_up(&mut self, code: u16, trouble: Trouble, now: Now) {
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
            | Trouble::KeyChanged
            | Trouble::Banned
            | Trouble::Kicked
            | Trouble::Locked
            | Trouble::InviteNeeded
            | Trouble::BadInvite
            | Trouble::NotLocal
            | Trouble::Denied
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
            | Trouble::SlowDown
            | Trouble::NotSaved
            | Trouble::RelayStopping => false,
        };
        if trouble == Trouble::BadInvite {
            self.forget_token();
        }
        if stays_away {
            self.close(trouble);
        } else {
            self.wait(trouble, now);
        }
    }

    fn close(&mut self, trouble: Trouble) {
        self.state = State::Closed;
        self.trouble = Some(trouble);
        self.disconnected();
        self.change(RoomChange::Link {
            link: LinkState::Closed { trouble },
        });
    }

    fn wait(&mut self, trouble: Trouble, now: Now) {
        let times = 1 << self.tries.min(8);
        self.tries += 1;
        let wait = if trouble == Trouble::SlowDown {
            // Never sooner than the relay gives another try.
            let most = SLOW_REDIAL_FIRST.saturating_mul(times);
            most.min(SLOW_REDIAL_MOST).mul_f64(1.0 + self.random())
        } else {
            let most = REDIAL_FIRST.saturating_mul(times).min(REDIAL_MOST);
            most.mul_f64(0.1 + 0.9 * self.random())
        };
        let until = now.mono + wait;
        self.state = State::Waiting { until };
        self.trouble = Some(trouble);
        self.disconnected();
        self.change(RoomChange::Link {
            link: LinkState::Waiting {
                trouble,
                retry_at: now.wall_at(until),
            },
        });
    }

    /// What held only while connected.
    pub(super) fn disconnected(&mut self) {
        self.timeline.disconnected();
        self.typing.clear();
        self.way.disconnected();
        let grounded = self.outbox.ground();
        self.tell(grounded);
        self.hide_door();
        self.compare.disconnected();
        self.all_taken_back();
        self.go_on_comparing();
    }

    /// From 0 to 1, by `SplitMix64` (Steele, Lea, Flood 2014): spreads redials, guards nothing.
    fn random(&mut self) -> f64 {
        self.jitter = self.jitter.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.jitter;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}
