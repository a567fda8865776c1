//! Session and room machines in memory, under a seeded network that drops, delays, duplicates, reorders and cuts.
//! Checked after each run: one order for all, no hole, nothing twice, per-author order, nothing lost that was sent.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chatspot_protocol::event::{Body, Event};
use chatspot_protocol::identity::{Identity, RoomKey};
use chatspot_protocol::ids::{ClientId, Epoch, Nonce};
use chatspot_protocol::limits::{MEMORY_LOG_EVENTS, PROTOCOL_MAX, PROTOCOL_MIN};
use chatspot_protocol::log::MemoryLog;
use chatspot_protocol::room::{self, Broken, Conn, Room, RoomConfig, check_hello};
use chatspot_protocol::session::{self, Session};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::time::Now;
use chatspot_protocol::view::{Item, LinkState, RoomChange, RoomView};
use chatspot_protocol::wire::{ClientFrame, Greeting, ServerFrame, Versions};

/// `SplitMix64`: one number makes a whole run.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// How bad the network is, in percent of frames.
#[derive(Clone, Copy)]
struct Weather {
    drop: u64,
    duplicate: u64,
    delay_ms: u64,
    cut: u64,
    relay_restart: u64,
}

/// Nothing is lost and nothing overtakes.
const CALM: Weather = Weather {
    drop: 0,
    duplicate: 0,
    delay_ms: 0,
    cut: 0,
    relay_restart: 0,
};

enum Packet {
    Opened,
    ToClient(ServerFrame),
    ToRelay(ClientFrame),
    ClosedAtClient(Option<u16>),
    ClosedAtRelay(Broken),
}

struct End {
    session: Session,
    view: RoomView,
    /// Every item in the order in which it was shown.
    shown: Vec<Item>,
    /// What this member's author wrote, in order.
    wrote: Vec<ClientId>,
    conn: Option<Conn>,
    name: DisplayName,
}

struct World {
    rng: Rng,
    weather: Weather,
    mono: Duration,
    ends: Vec<End>,
    room: Room,
    log: MemoryLog,
    config: RoomConfig,
    /// Which end a connection belongs to, and whether it still lives at the relay.
    conns: HashMap<Conn, (usize, Nonce)>,
    in_room: HashSet<Conn>,
    /// In flight, by time of arrival and order of sending.
    packets: BTreeMap<(Duration, u64), (Conn, Packet)>,
    sent: u64,
    next_conn: u64,
}

impl World {
    fn new(seed: u64, members: usize, weather: Weather) -> Self {
        let room = RoomKey::from_secret(&[7; 32]).id();
        let config = RoomConfig {
            room,
            name: RoomName::parse("Pair").unwrap(),
            host: None,
            max_members: 100,
        };
        let epoch = Epoch([1; 16]);
        let log = MemoryLog::new(epoch, MEMORY_LOG_EVENTS);
        let mut world = Self {
            rng: Rng(seed),
            weather,
            mono: Duration::ZERO,
            ends: Vec::new(),
            room: Room::new(
                config.clone(),
                epoch,
                log.first(),
                log.head(),
                Now {
                    mono: Duration::ZERO,
                    wall: 0,
                },
            ),
            log,
            config,
            conns: HashMap::new(),
            in_room: HashSet::new(),
            packets: BTreeMap::new(),
            sent: 0,
            next_conn: 0,
        };
        for index in 0..members {
            let identity = Identity::from_secret(&[u8::try_from(index).unwrap() + 1; 32]);
            let name = DisplayName::parse(&format!("Member {index}")).unwrap();
            let session = Session::new(
                room,
                identity,
                name.clone(),
                "test".into(),
                seed ^ index as u64,
            );
            let view = RoomView::opening(room, world.config.name.clone(), "sim".into(), None);
            world.ends.push(End {
                session,
                view,
                shown: Vec::new(),
                wrote: Vec::new(),
                conn: None,
                name,
            });
        }
        for index in 0..members {
            world.drain_session(index);
        }
        world
    }

    fn now(&self) -> Now {
        Now {
            mono: self.mono,
            wall: i64::try_from(self.mono.as_millis()).unwrap(),
        }
    }

    fn deliver_later(&mut self, conn: Conn, packet: Packet) {
        // TCP keeps order: delays only spread, so the arrival is never before an earlier packet of the same way,
        // unless this weather reorders, which the machines must bear as well.
        let delay = Duration::from_millis(1 + self.rng.below(self.weather.delay_ms + 1));
        self.sent += 1;
        self.packets
            .insert((self.mono + delay, self.sent), (conn, packet));
    }

    fn send(&mut self, conn: Conn, make: impl Fn() -> Packet) {
        if self.rng.chance(self.weather.drop) {
            return;
        }
        if self.rng.chance(self.weather.duplicate) {
            self.deliver_later(conn, make());
        }
        self.deliver_later(conn, make());
        if self.rng.below(1000) < self.weather.cut {
            self.cut(conn);
        }
    }

    /// The connection breaks: both ends learn it, at different times.
    fn cut(&mut self, conn: Conn) {
        self.deliver_later(conn, Packet::ClosedAtClient(None));
        self.deliver_later(conn, Packet::ClosedAtRelay(Broken::Cut));
    }

    fn drain_session(&mut self, index: usize) {
        while let Some(output) = self.ends[index].session.poll_output() {
            match output {
                session::Output::Dial => {
                    let conn = Conn(self.next_conn);
                    self.next_conn += 1;
                    self.ends[index].conn = Some(conn);
                    let mut nonce = [0; 32];
                    nonce[..8].copy_from_slice(&self.rng.next().to_le_bytes());
                    self.conns.insert(conn, (index, Nonce(nonce)));
                    self.deliver_later(conn, Packet::Opened);
                }
                session::Output::Transmit(frame) => {
                    if let Some(conn) = self.ends[index].conn {
                        self.send(conn, || Packet::ToRelay(frame.clone()));
                    }
                }
                session::Output::Ping => {}
                session::Output::Hangup(_) => {
                    if let Some(conn) = self.ends[index].conn.take() {
                        self.deliver_later(conn, Packet::ClosedAtRelay(Broken::Cut));
                    }
                }
                session::Output::Change(change) => {
                    if let RoomChange::Items { items } = &change {
                        self.ends[index].shown.extend(items.iter().cloned());
                    }
                    self.ends[index].view.apply(change);
                }
                session::Output::Left => unreachable!("nobody leaves here"),
            }
        }
    }

    fn drain_room(&mut self) {
        while let Some(output) = self.room.poll_output() {
            match output {
                room::Output::Append { from, draft } => {
                    let appended = self.log.append(draft);
                    self.room.committed([(from, appended)]);
                }
                room::Output::Read { conn, from, to } => {
                    let page = self.log.read(from, to);
                    let frame = ServerFrame::Events {
                        from: page.from,
                        to: page.to,
                        events: page.events,
                    };
                    self.send(conn, || Packet::ToClient(frame.clone()));
                }
                room::Output::Admit { conn } => {
                    self.in_room.insert(conn);
                }
                room::Output::Send { conn, frame } => {
                    self.send(conn, || Packet::ToClient(frame.clone()));
                }
                room::Output::All { frame } => {
                    let mut conns: Vec<Conn> = self.in_room.iter().copied().collect();
                    conns.sort_unstable();
                    for conn in conns {
                        self.send(conn, || Packet::ToClient(frame.clone()));
                    }
                }
                room::Output::Close { conn, code } => {
                    self.in_room.remove(&conn);
                    self.deliver_later(conn, Packet::ClosedAtClient(Some(code)));
                }
            }
        }
    }

    fn arrive(&mut self, conn: Conn, packet: Packet) {
        let now = self.now();
        let Some((index, nonce)) = self.conns.get(&conn).copied() else {
            return;
        };
        let is_current = self.ends[index].conn == Some(conn);
        match packet {
            Packet::Opened if is_current => {
                self.ends[index].session.opened(now);
                let greeting = Greeting {
                    protocol: Versions {
                        min: PROTOCOL_MIN,
                        max: PROTOCOL_MAX,
                    },
                    software: "sim".into(),
                    nonce,
                    rooms: vec![self.room.summary()],
                };
                self.send(conn, || {
                    Packet::ToClient(ServerFrame::Greeting(greeting.clone()))
                });
            }
            Packet::ToClient(frame) if is_current => {
                // Over the real wire each frame is text: so it is here.
                let frame = ServerFrame::decode(&frame.encode()).unwrap();
                self.ends[index].session.frame(frame, now);
            }
            Packet::ClosedAtClient(code) if is_current => {
                self.ends[index].conn = None;
                self.ends[index].session.closed(code, now);
            }
            Packet::ToRelay(frame) => match ClientFrame::decode(&frame.encode()).unwrap() {
                ClientFrame::Hello(hello) if !self.in_room.contains(&conn) => {
                    assert_eq!(check_hello(&hello, &nonce), Ok(()));
                    self.room.join(conn, *hello, now);
                }
                frame if self.in_room.contains(&conn) => self.room.frame(conn, frame, now),
                _ => {}
            },
            Packet::ClosedAtRelay(how) => {
                self.in_room.remove(&conn);
                self.room.broken(conn, how, now);
            }
            Packet::Opened | Packet::ToClient(_) | Packet::ClosedAtClient(_) => {}
        }
        self.drain_room();
        self.drain_session(index);
    }

    /// The relay dies and comes back with its log as it was.
    fn restart_relay(&mut self) {
        let now = self.now();
        let conns: Vec<Conn> = self.in_room.drain().collect();
        let mut conns = conns;
        conns.sort_unstable();
        self.room = Room::new(
            self.config.clone(),
            self.log.epoch(),
            self.log.first(),
            self.log.head(),
            now,
        );
        for conn in conns {
            self.deliver_later(conn, Packet::ClosedAtClient(None));
        }
    }

    /// Runs until nothing is due before `until`.
    fn run(&mut self, until: Duration) {
        loop {
            let packet = self.packets.keys().next().map(|(at, _)| *at);
            let sessions = self
                .ends
                .iter()
                .filter_map(|end| end.session.next_timeout());
            let Some(next) = sessions
                .chain(packet)
                .chain([self.room.next_timeout()])
                .min()
            else {
                break;
            };
            if next > until {
                break;
            }
            self.mono = self.mono.max(next);
            let now = self.now();
            if let Some(entry) = self.packets.first_entry()
                && entry.key().0 <= self.mono
            {
                let (conn, packet) = entry.remove();
                self.arrive(conn, packet);
            }
            if self.room.next_timeout() <= self.mono {
                self.room.timeout(now);
                self.drain_room();
            }
            for index in 0..self.ends.len() {
                if self.ends[index]
                    .session
                    .next_timeout()
                    .is_some_and(|at| at <= self.mono)
                {
                    self.ends[index].session.timeout(now);
                    self.drain_session(index);
                }
            }
        }
        self.mono = until;
    }

    fn write(&mut self, index: usize, number: u64) {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_le_bytes());
        id[8] = u8::try_from(index).unwrap();
        let text = MessageText::parse(&format!("{index} says {number}")).unwrap();
        let now = self.now();
        self.ends[index]
            .session
            .submit(ClientId(id), text, now)
            .unwrap();
        self.ends[index].wrote.push(ClientId(id));
        self.drain_session(index);
    }
}

fn events(items: &[Item]) -> Vec<&Event> {
    items
        .iter()
        .filter_map(|item| {
            if let Item::Event { event, .. } = item {
                Some(event)
            } else {
                None
            }
        })
        .collect()
}

fn run_one(seed: u64) {
    let mut rng = Rng(seed);
    let calm = seed.is_multiple_of(10);
    let weather = if calm {
        CALM
    } else {
        Weather {
            drop: rng.below(25),
            duplicate: rng.below(15),
            delay_ms: rng.below(400),
            cut: rng.below(15),
            relay_restart: rng.below(4),
        }
    };
    let members = 2 + usize::try_from(rng.below(4)).unwrap();
    let mut world = World::new(rng.next(), members, weather);
    for number in 0..40 {
        let wait = Duration::from_millis(world.rng.below(1500));
        world.run(world.mono + wait);
        let index = usize::try_from(world.rng.below(members as u64)).unwrap();
        world.write(index, number);
        if world.rng.chance(weather.relay_restart) {
            world.restart_relay();
        }
    }
    // The weather clears, and everything has to arrive.
    world.weather = CALM;
    world.run(world.mono + Duration::from_secs(240));

    let log = {
        let mut all = Vec::new();
        while (all.len() as u64) < world.log.head().0 {
            let page = world.log.read(
                chatspot_protocol::ids::Seq(all.len() as u64 + 1),
                world.log.head(),
            );
            all.extend(page.events);
        }
        all
    };
    for (place, event) in log.iter().enumerate() {
        assert_eq!(
            event.seq.0,
            place as u64 + 1,
            "seed {seed}: the log has a hole"
        );
    }
    for end in &world.ends {
        let name = &end.name;
        assert_eq!(
            end.view.link,
            LinkState::Online,
            "seed {seed}: {name} is not back"
        );
        assert!(
            end.view.outbox.is_empty(),
            "seed {seed}: {name} has unsent messages: {:?}",
            end.view.outbox
        );
        // Presence is not in the log and may be lost with its frame, so it is checked where no frame is lost.
        if calm {
            assert_eq!(
                end.view.members.len(),
                world.ends.len(),
                "seed {seed}: {name} does not see everybody"
            );
        }
        let shown = events(&end.shown);
        let first = shown
            .first()
            .expect("everybody sees at least their own joining")
            .seq
            .0;
        for (place, event) in shown.iter().enumerate() {
            assert_eq!(
                event.seq.0,
                first + place as u64,
                "seed {seed}: {name} shows a hole, a repetition or another order"
            );
            assert_eq!(
                *event,
                &log[usize::try_from(event.seq.0).unwrap() - 1],
                "seed {seed}: {name} shows what is not in the log"
            );
        }
        assert_eq!(
            shown.last().unwrap().seq,
            world.log.head(),
            "seed {seed}: {name} misses the end"
        );
        let me = log.iter().filter_map(|event| match &event.body {
            Body::Message { id, .. } if event.name == *name => Some(*id),
            _ => None,
        });
        assert_eq!(
            me.collect::<Vec<_>>(),
            end.wrote,
            "seed {seed}: {name}'s messages are not there once each, in order"
        );
    }
}

/// Seeds that failed once stay here.
const KEPT: &[u64] = &[];

#[test]
fn all_members_show_the_same_order_whatever_the_network_does() {
    let runs = std::env::var("CHATSPOT_PAIR_RUNS")
        .ok()
        .and_then(|runs| runs.parse().ok())
        .unwrap_or(150);
    let start = std::env::var("CHATSPOT_PAIR_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1_u64);
    for seed in KEPT.iter().copied().chain(start..start + runs) {
        run_one(seed);
    }
    println!(
        "{} schedules explored, seeds {start} to {}",
        KEPT.len() as u64 + runs,
        start + runs - 1
    );
}
