//! The relay of the simulated world: its room machine, a log that commits later than it is asked, and what a connection's
//! task does with a frame before it reaches the room.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chatspot_protocol::door::{Door, Invite};
use chatspot_protocol::event::{Body, Draft, Event, Role, RoomSettings, Submission};
use chatspot_protocol::identity::{Channel, Identity, RelayName, RoomKey};
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, Nonce, RoomId, Seq, TlsKey, Token};
use chatspot_protocol::limits::{MEMORY_LOG_EVENTS, PROTOCOL_MAX, PROTOCOL_MIN};
use chatspot_protocol::log::{Appended, MemoryLog};
use chatspot_protocol::passcode::{Binding, Passcode, Server, Setup};
use chatspot_protocol::room::{
    Arrival, Broken, Caller, Conn, Kept, Output, Place, Room, RoomConfig, Shown, check_hello,
    check_submit,
};
use chatspot_protocol::roster::Roster;
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::time::Now;
use chatspot_protocol::wire::{ClientFrame, Greeting, Hello, Hosted, ServerFrame, Versions};

use crate::world::{House, Packet, Proxy, World, exporter};

/// The key of the relay's TLS, or of the proxy's.
pub(crate) const TLS: TlsKey = TlsKey([0x71; 32]);
pub(crate) const DOMAIN: &str = "chat.example";
/// An invite for everybody.
pub(crate) const TOKEN: Token = Token([0x70; 16]);

pub(crate) fn passcode() -> Passcode {
    Passcode::parse("correct horse battery staple").unwrap()
}

pub(crate) fn room_name() -> RoomName {
    RoomName::parse("Pair").unwrap()
}

/// One connection, as its task knows it.
struct Link {
    nonce: Nonce,
    hello: Option<Hello>,
    exchange: Exchange,
}

/// How far a passcode exchange is.
enum Exchange {
    Not,
    Asked,
    Answered(Box<Server>),
}

pub(crate) struct Relay {
    pub(crate) log: MemoryLog,
    pub(crate) room: Room,
    config: RoomConfig,
    owner: (MemberId, DisplayName),
    /// As it was written down last.
    door: Door,
    setup: Setup,
    /// Drafts that the log was asked to take and has not committed yet; lost in a crash.
    asked: Vec<(Option<Conn>, Draft)>,
    pub(crate) commit_at: Option<Duration>,
    /// What the relay acknowledged or told, in whatever log.
    pub(crate) told: HashMap<(MemberId, ClientId), Event>,
    links: HashMap<Conn, Link>,
    in_room: BTreeSet<Conn>,
    next_epoch: u8,
}

impl Relay {
    pub(crate) fn new(house: House, owner: (MemberId, DisplayName), past: u64) -> Self {
        let config = RoomConfig {
            key: RoomKey::from_secret(&[7; 32]),
            name: room_name(),
            host: Some(owner.0),
            settings: RoomSettings {
                admission: house.admission,
                ..RoomSettings::default()
            },
            max_members: 100,
        };
        let mut log = MemoryLog::new(Epoch([1; 16]), MEMORY_LOG_EVENTS);
        let (author, name) = (
            Identity::from_secret(&[99; 32]),
            DisplayName::parse("Past").unwrap(),
        );
        for number in 0..past {
            let mut id = [9; 16];
            id[..8].copy_from_slice(&number.to_le_bytes());
            // Long ones make pages that come in several answers.
            let text = "x".repeat(1 + usize::try_from(number % 7).unwrap() * 900);
            let submission = Submission::message(ClientId(id), MessageText::parse(&text).unwrap());
            let signed = submission.sign(&author, &config.key.id(), &name);
            log.append(Draft {
                at: 0,
                author: author.member(),
                name: name.clone(),
                body: signed.submission.into(),
                signature: Some(signed.signature),
            });
        }
        let invite = Invite {
            id: TOKEN.id(),
            token: TOKEN,
            role: Role::Member,
            made_by: None,
            made_at: 0,
            expires_at: None,
            uses_left: None,
            used: 0,
            raised: Vec::new(),
        };
        let door = Door {
            passcode: Some(passcode()),
            invites: vec![invite],
        };
        let now = Now {
            mono: Duration::ZERO,
            wall: 0,
        };
        Self {
            room: open(&config, &log, &owner, door.clone(), now),
            log,
            config,
            owner,
            door,
            setup: Setup::new(&passcode(), [3; 32]),
            asked: Vec::new(),
            commit_at: None,
            told: HashMap::new(),
            links: HashMap::new(),
            in_room: BTreeSet::new(),
            next_epoch: 2,
        }
    }

    pub(crate) fn room_id(&self) -> RoomId {
        self.config.key.id()
    }
}

/// The room over what is kept of it: the store keeps a roster with the log, which is here made of it.
fn open(
    config: &RoomConfig,
    log: &MemoryLog,
    (owner, name): &(MemberId, DisplayName),
    door: Door,
    now: Now,
) -> Room {
    let mut roster = Roster::default();
    roster.found(*owner, name.clone());
    let mut present = BTreeMap::new();
    for event in whole(log) {
        roster.apply(&event);
        match event.body {
            Body::Joined { .. } => drop(present.insert(event.author, event.name)),
            Body::Left { .. } => drop(present.remove(&event.author)),
            _ => {}
        }
    }
    let kept = Kept {
        epoch: log.epoch(),
        first: log.first(),
        head: log.head(),
        present: present.into_iter().collect(),
        roster,
        door,
    };
    Room::new(config.clone(), kept, now)
}

fn whole(log: &MemoryLog) -> Vec<Event> {
    let mut all = Vec::new();
    while (all.len() as u64) < log.head().0 {
        let page = log.read(Seq(all.len() as u64 + 1), log.head());
        all.extend(page.events);
    }
    all
}

impl World {
    pub(crate) fn whole_log(&self) -> Vec<Event> {
        whole(&self.relay.log)
    }

    fn channel(&self, conn: Conn) -> Channel {
        match self.house.proxy {
            Proxy::None => Channel::Tls(exporter(conn)),
            Proxy::Web => Channel::Nonce,
        }
    }

    pub(crate) fn greet(&mut self, conn: Conn) {
        let nonce = Nonce(self.rng.bytes());
        let link = Link {
            nonce,
            hello: None,
            exchange: Exchange::Not,
        };
        self.relay.links.insert(conn, link);
        let key = &self.relay.config.key;
        let names = [
            RelayName::Tls { key: TLS },
            RelayName::Domain {
                domain: DOMAIN.to_owned(),
            },
        ];
        // Behind a proxy the relay does not know whose TLS it is.
        let name = usize::from(self.house.proxy == Proxy::Web);
        let greeting = Greeting {
            protocol: Versions {
                min: PROTOCOL_MIN,
                max: PROTOCOL_MAX,
            },
            software: "sim".into(),
            nonce,
            rooms: vec![Hosted {
                summary: self.relay.room.summary(),
                key: key.public(),
                warrants: vec![key.warrant(1, names[name].clone())],
            }],
        };
        self.send(conn, || {
            Packet::ToClient(ServerFrame::Greeting(greeting.clone()))
        });
    }

    /// What a connection's task does with a frame.
    pub(crate) fn received(&mut self, conn: Conn, frame: ClientFrame) {
        let now = self.now();
        let channel = self.channel(conn);
        let room = self.room();
        let key = self.relay.config.key.public();
        let Some(link) = self.relay.links.get_mut(&conn) else {
            return;
        };
        match (frame, &link.hello) {
            (ClientFrame::Hello(hello), None) => {
                assert_eq!(check_hello(&hello, &channel, &link.nonce), Ok(()));
                link.hello = Some((*hello).clone());
                self.relay
                    .room
                    .join(conn, arrival(*hello, Shown::Nothing), now);
            }
            (ClientFrame::PasscodeStart { message }, Some(hello)) => {
                if matches!(link.exchange, Exchange::Asked) {
                    let binding = Binding {
                        channel,
                        nonce: link.nonce,
                        room: key,
                        member: hello.member,
                    };
                    let seed = self.rng.bytes();
                    let (server, message) =
                        self.relay.setup.answer(&message, &binding, seed).unwrap();
                    link.exchange = Exchange::Answered(Box::new(server));
                    self.send(conn, || {
                        Packet::ToClient(ServerFrame::PasscodeReply {
                            message: message.clone(),
                        })
                    });
                }
            }
            (ClientFrame::PasscodeFinish { message }, Some(hello)) => {
                let hello = hello.clone();
                if let Exchange::Answered(server) =
                    std::mem::replace(&mut link.exchange, Exchange::Not)
                {
                    server.finish(&message).unwrap();
                    let arrival = arrival(hello, Shown::Passcode);
                    self.relay.room.join(conn, arrival, now);
                }
            }
            (ClientFrame::Submit(signed), Some(hello)) => {
                let good = check_submit(&signed, &room, &hello.member, &hello.name);
                assert_eq!(good, Ok(()), "nobody lies here");
                self.relay
                    .room
                    .frame(conn, ClientFrame::Submit(signed), now);
            }
            (frame, Some(_)) => self.relay.room.frame(conn, frame, now),
            (_, None) => {}
        }
    }

    pub(crate) fn broken(&mut self, conn: Conn, how: Broken) {
        let now = self.now();
        self.relay.links.remove(&conn);
        self.relay.in_room.remove(&conn);
        self.relay.room.broken(conn, how, now);
    }

    pub(crate) fn drain_room(&mut self) {
        while let Some(output) = self.relay.room.poll_output() {
            match output {
                Output::Append { from, draft } => {
                    self.relay.asked.push((from, draft));
                    let later = Duration::from_millis(self.rng.below(self.weather.commit_ms + 1));
                    self.relay.commit_at.get_or_insert(self.mono + later);
                }
                Output::Read { conn, from, to } => {
                    let page = self.relay.log.read(from, to);
                    let frame = ServerFrame::Events {
                        from: page.from,
                        to: page.to,
                        events: page.events,
                    };
                    self.send(conn, || Packet::ToClient(frame.clone()));
                }
                Output::Admit { conn } => {
                    self.relay.in_room.insert(conn);
                }
                Output::Send { conn, frame } => {
                    self.send(conn, || Packet::ToClient(frame.clone()));
                }
                Output::All { frame } | Output::Offer { frame } => {
                    for conn in self.relay.in_room.clone() {
                        self.send(conn, || Packet::ToClient(frame.clone()));
                    }
                }
                Output::KeepDoor(door) => self.relay.door = door,
                Output::Challenge {
                    conn,
                    passcode: wanted,
                } => {
                    assert_eq!(wanted, passcode());
                    if let Some(link) = self.relay.links.get_mut(&conn) {
                        link.exchange = Exchange::Asked;
                    }
                    self.send(conn, || Packet::ToClient(ServerFrame::Challenge));
                }
                Output::Close { conn, code } => {
                    self.relay.in_room.remove(&conn);
                    self.relay.links.remove(&conn);
                    self.deliver_later(conn, Packet::ClosedAtClient(Some(code)));
                }
            }
        }
    }

    /// The log commits everything that it was asked for until now, and the relay may die right after.
    pub(crate) fn commit(&mut self) {
        self.relay.commit_at = None;
        let saved = !self.rng.chance(self.weather.not_saved);
        self.sent_again |= !saved;
        let asked = std::mem::take(&mut self.relay.asked);
        let answers: Vec<_> = asked
            .into_iter()
            .map(|(from, draft)| {
                let appended = if saved {
                    self.relay.log.append(draft)
                } else {
                    Appended::NotSaved(draft.body.id())
                };
                (from, appended)
            })
            .collect();
        if self.rng.chance(self.weather.relay_crash) {
            return self.crash_relay();
        }
        for (_, appended) in &answers {
            if let Appended::New(event) | Appended::Again(event) = appended {
                self.relay
                    .told
                    .insert((event.author, event.ident()), event.clone());
            }
        }
        self.relay.room.committed(answers);
        self.drain_room();
    }

    /// The relay dies with what it had not committed, and comes back with its log.
    pub(crate) fn crash_relay(&mut self) {
        self.relay.asked.clear();
        self.relay.commit_at = None;
        self.relay.in_room.clear();
        let mut conns: Vec<Conn> = self.relay.links.drain().map(|(conn, _)| conn).collect();
        conns.sort_unstable();
        let now = self.now();
        let relay = &mut self.relay;
        // What the machine says at its start goes to nobody.
        relay.room = open(
            &relay.config,
            &relay.log,
            &relay.owner,
            relay.door.clone(),
            now,
        );
        for conn in conns {
            self.deliver_later(conn, Packet::ClosedAtClient(None));
        }
    }

    /// The relay comes back with an older state of its log: under a new name, as it does with a backup, or under the
    /// old one, because somebody copied a file or deleted half of it.
    pub(crate) fn roll_back(&mut self) {
        let all = self.whole_log();
        let kept = usize::try_from(self.rng.below(all.len() as u64 + 1)).unwrap();
        let epoch = if self.rng.chance(50) {
            self.relay.next_epoch += 1;
            Epoch([self.relay.next_epoch; 16])
        } else {
            self.relay.log.epoch()
        };
        self.relay.log = MemoryLog::new(epoch, MEMORY_LOG_EVENTS);
        for (place, event) in all.into_iter().enumerate() {
            if place >= kept {
                self.lost.push(event);
                continue;
            }
            let Event {
                at,
                author,
                name,
                body,
                signature,
                ..
            } = event;
            self.relay.log.append(Draft {
                at,
                author,
                name,
                body,
                signature,
            });
        }
        self.crash_relay();
    }
}

fn arrival(hello: Hello, shown: Shown) -> Arrival {
    Arrival {
        hello,
        place: Place::Local,
        caller: Caller::App,
        shown,
    }
}
