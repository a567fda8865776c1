//! From the socket to the welcome: whether what answers is the room, and by which way this member comes in.

use super::link::State;
use super::{Keep, Line, Output, Session, Trust};
use crate::identity::{Channel, RelayName};
use crate::ids::{Nonce, RoomPublicKey, Token};
use crate::limits::{GREETING_TIMEOUT, PASSCODE_TIMEOUT, PROTOCOL_MAX, PROTOCOL_MIN, WARRANTS};
use crate::passcode::{self, Binding, Blob, Passcode};
use crate::time::Now;
use crate::view::{LinkState, RoomChange, Security, Trouble, Verified};
use crate::wire::{ClientFrame, Greeting, Hello, Hosted, Welcome, close};

/// How far a passcode exchange is.
#[derive(Debug)]
enum Exchange {
    /// There is none.
    Not,
    /// `passcode_start` is sent.
    Started(Box<passcode::Client>),
    /// The relay knows the passcode, and was sent `passcode_finish`.
    Proven,
}

/// What this member has to come in by, and how far it is with it on this connection.
#[derive(Debug)]
pub(super) struct Way {
    token: Option<Token>,
    passcode: Option<Passcode>,
    line: Option<Line>,
    /// The room's key, as soon as something proved to be the room.
    key: Option<RoomPublicKey>,
    /// The token in the hello of this connection.
    shown: Option<Token>,
    /// What a passcode exchange on this connection is bound to: known with the hello.
    binding: Option<Binding>,
    /// For the exchange.
    secret: [u8; 32],
    exchange: Exchange,
}

impl Way {
    pub(super) fn new(token: Option<Token>, passcode: Option<Passcode>) -> Self {
        Self {
            token,
            passcode,
            line: None,
            key: None,
            shown: None,
            binding: None,
            secret: [0; 32],
            exchange: Exchange::Not,
        }
    }

    pub(super) fn opened(&mut self, line: Line, secret: [u8; 32]) {
        self.disconnected();
        self.line = Some(line);
        self.secret = secret;
    }

    pub(super) fn disconnected(&mut self) {
        self.line = None;
        self.shown = None;
        self.binding = None;
        self.secret = [0; 32];
        self.exchange = Exchange::Not;
    }

    pub(super) fn key(&self) -> Option<RoomPublicKey> {
        self.key
    }
}

/// What a greeting shows.
enum Answer {
    /// The room, on a relay that it vouches for.
    Room {
        key: RoomPublicKey,
        channel: Channel,
        term: u64,
    },
    /// Something in its place, with this key if it is another one.
    Another { offered: Option<String> },
    /// Nothing of it.
    Nothing,
}

impl Session {
    pub(super) fn greeted(&mut self, greeting: &Greeting, now: Now) {
        if greeting.protocol.max < PROTOCOL_MIN {
            return self.hang_up(close::VERSION, Trouble::RelayTooOld, now);
        }
        if greeting.protocol.min > PROTOCOL_MAX {
            return self.hang_up(close::VERSION, Trouble::ClientTooOld, now);
        }
        match self.look(&greeting.rooms) {
            Answer::Nothing => self.hang_up(close::NORMAL, Trouble::NoSuchRoom, now),
            Answer::Another { offered } => {
                self.offered = offered;
                self.show_security();
                self.hang_up(close::NORMAL, Trouble::KeyChanged, now);
            }
            Answer::Room { key, channel, term } => {
                self.way.key = Some(key);
                self.trust(Trust { term, ..self.trust });
                let protocol = greeting.protocol.max.min(PROTOCOL_MAX);
                self.hello(protocol, channel, greeting.nonce, key, now);
            }
        }
    }

    /// Whether what answers is the room. Nothing is sent to it before.
    fn look(&self, rooms: &[Hosted]) -> Answer {
        let mut ours = rooms
            .iter()
            .filter(|hosted| hosted.summary.room == self.room);
        if let Some(first) = ours.clone().next() {
            let found = ours.find_map(|hosted| self.warranted(hosted));
            return found.unwrap_or_else(|| Answer::Another {
                // The right key without a warrant is none to compare.
                offered: Some(first.key.room())
                    .filter(|room| *room != self.room)
                    .map(|room| room.fingerprint()),
            });
        }
        // In the place of a room that was here before, one that calls itself the same is taken for what it may be.
        let known = self.room_name.as_ref().filter(|_| self.was_in);
        let same = rooms
            .iter()
            .find(|hosted| Some(&hosted.summary.name) == known);
        match same {
            Some(hosted) => Answer::Another {
                offered: Some(hosted.key.room().fingerprint()),
            },
            None => Answer::Nothing,
        }
    }

    /// The room, if its key fits the id and vouches for the relay at the other end of this very connection.
    fn warranted(&self, hosted: &Hosted) -> Option<Answer> {
        let key = hosted.key;
        let line = self.way.line.as_ref()?;
        if key.room() != self.room {
            return None;
        }
        // What names something else costs nothing; what names this relay costs a curve operation.
        let named = hosted.warrants.iter().filter_map(|warrant| {
            let channel = match &warrant.relay {
                RelayName::Tls { key } if *key == line.key => Channel::Tls(line.exporter),
                RelayName::Domain { domain } if line.domain.as_ref() == Some(domain) => {
                    Channel::Nonce
                }
                RelayName::Tls { .. } | RelayName::Domain { .. } | RelayName::Unknown => {
                    return None;
                }
            };
            (warrant.term >= self.trust.term).then_some((warrant, channel))
        });
        let genuine = named
            .take(WARRANTS)
            .filter(|(warrant, _)| warrant.is_genuine(&key));
        // The TLS itself says more than a name that stands for it.
        let (warrant, channel) = genuine
            .max_by_key(|(warrant, channel)| (matches!(channel, Channel::Tls(_)), warrant.term))?;
        Some(Answer::Room {
            key,
            channel,
            term: warrant.term,
        })
    }

    fn hello(
        &mut self,
        protocol: u32,
        channel: Channel,
        nonce: Nonce,
        key: RoomPublicKey,
        now: Now,
    ) {
        let member = self.identity.member();
        self.way.binding = Some(Binding {
            channel,
            nonce,
            room: key,
            member,
        });
        self.way.shown = self.way.token;
        let hello = Hello {
            protocol,
            room: self.room,
            member,
            name: self.name.clone(),
            signature: self.identity.sign_hello(&channel, &nonce, &self.room),
            token: self.way.token,
            software: self.software.clone(),
        };
        self.transmit(ClientFrame::Hello(Box::new(hello)));
        self.state = State::AwaitWelcome {
            until: now.mono + GREETING_TIMEOUT,
        };
    }

    /// The room wants its passcode.
    pub(super) fn challenged(&mut self, now: Now) {
        if !matches!(self.way.exchange, Exchange::Not) {
            return;
        }
        let Some(passcode) = &self.way.passcode else {
            self.outputs.push_back(Output::Hangup(close::NORMAL));
            return self.at_door(LinkState::Passcode { wrong: false });
        };
        let (client, message) = passcode::start(passcode, self.way.secret);
        self.way.exchange = Exchange::Started(Box::new(client));
        self.transmit(ClientFrame::PasscodeStart { message });
        self.state = State::AwaitWelcome {
            until: now.mono + PASSCODE_TIMEOUT,
        };
    }

    /// Whether the relay knows the passcode, too. Only then is it told that we do.
    pub(super) fn replied(&mut self, reply: &Blob) {
        let (Exchange::Started(_), Some(binding)) = (&self.way.exchange, self.way.binding) else {
            return;
        };
        let Exchange::Started(client) = std::mem::replace(&mut self.way.exchange, Exchange::Not)
        else {
            return;
        };
        if let Ok(message) = client.finish(reply, &binding, self.way.secret) {
            self.way.exchange = Exchange::Proven;
            self.transmit(ClientFrame::PasscodeFinish { message });
        } else {
            self.outputs.push_back(Output::Hangup(close::NORMAL));
            self.wrong_passcode();
        }
    }

    /// What was tried is not tried again by itself: each try counts at the relay.
    pub(super) fn wrong_passcode(&mut self) {
        self.way.passcode = None;
        self.at_door(LinkState::Passcode { wrong: true });
    }

    fn at_door(&mut self, link: LinkState) {
        self.state = State::AtDoor;
        self.disconnected();
        self.change(RoomChange::Link { link });
    }

    /// Somebody in the room has to open: that may take as long as it takes.
    pub(super) fn knocking(&mut self) {
        self.state = State::Knocking;
        self.change(RoomChange::Link {
            link: LinkState::Knocking,
        });
    }

    pub(super) fn welcomed(&mut self, welcome: Welcome, now: Now) {
        self.state = State::Online;
        self.ending = None;
        self.was_in = true;
        self.tries = 0;
        self.typing.clear();
        if self.way.shown.take().is_some() {
            self.forget_token();
        }
        let verified = match self.way.exchange {
            Exchange::Proven => self.trust.verified.max(Verified::Passcode),
            Exchange::Not | Exchange::Started(_) => self.trust.verified,
        };
        self.trust(Trust {
            verified,
            ..self.trust
        });
        let me = self.identity.member();
        let known = welcome.members.iter().find(|member| member.member == me);
        // Renamed between hello and welcome.
        if known.is_some_and(|known| known.name != self.name) {
            let name = self.name.clone();
            self.transmit(ClientFrame::Rename { name });
        }
        self.room_name = Some(welcome.name.clone());
        self.keep(Keep::Name {
            name: welcome.name.clone(),
        });
        self.change(RoomChange::Name { name: welcome.name });
        self.ruled_at = welcome.head;
        self.rules(welcome.settings);
        let members = self.people.welcome(welcome.members);
        self.change(RoomChange::Members { members });
        self.change(RoomChange::Link {
            link: LinkState::Online,
        });
        self.timeline
            .welcome(welcome.epoch, welcome.first, welcome.head);
        self.learn(None, now);
        self.tell_of_rooms(now);
    }

    /// Somebody typed the passcode that [`LinkState::Passcode`] asks for: dials anew with it.
    pub fn passcode(&mut self, passcode: Passcode) {
        self.way.passcode = Some(passcode);
        self.redial();
    }

    /// Comes with an invite from now on: dials anew with it, unless we are in. `verified` is what the link says of the
    /// room.
    pub fn invited(&mut self, token: Option<Token>, verified: Verified) {
        self.trust(Trust {
            verified: self.trust.verified.max(verified),
            ..self.trust
        });
        if token.is_some() {
            self.way.token = token;
        }
        let waits = match self.state {
            // The next hello says it.
            State::Online | State::Dialling | State::AwaitGreeting { .. } => false,
            State::AwaitWelcome { .. } | State::Knocking => token.is_some(),
            State::Waiting { .. } | State::AtDoor | State::Closed => true,
        };
        if waits {
            self.dial_anew();
        }
    }

    /// The invite is of no more use.
    pub(super) fn forget_token(&mut self) {
        if self.way.token.take().is_some() {
            self.keep(Keep::TokenUsed);
        }
    }

    /// How sure it is from now on that this is the right room. Written down once there is a room to write it to.
    pub(super) fn trust(&mut self, trust: Trust) {
        let told = self.trust.verified == trust.verified;
        self.trust = trust;
        if self.was_in && self.trust_kept != Some(trust) {
            self.trust_kept = Some(trust);
            self.keep(Keep::Trust { trust });
        }
        if !told {
            self.show_security();
        }
    }

    pub(super) fn show_security(&mut self) {
        let security = Security {
            fingerprint: self.room.fingerprint(),
            verified: self.trust.verified,
            offered: self.offered.clone(),
        };
        self.change(RoomChange::Security { security });
    }
}
