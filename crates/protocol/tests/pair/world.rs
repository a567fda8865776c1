//! The simulated world: members with disks, one relay with a log that commits later than it is asked, and a network.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chatspot_protocol::event::{Body, Draft, Event, Submission};
use chatspot_protocol::identity::{Identity, RoomKey};
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, Nonce, Seq};
use chatspot_protocol::limits::{MEMORY_LOG_EVENTS, PROTOCOL_MAX, PROTOCOL_MIN};
use chatspot_protocol::log::{Appended, MemoryLog};
use chatspot_protocol::room::{self, Broken, Conn, Room, RoomConfig, check_hello};
use chatspot_protocol::session::{self, Session};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::time::Now;
use chatspot_protocol::view::{RoomChange, RoomView};
use chatspot_protocol::wire::{ClientFrame, Greeting, ServerFrame, Versions};

use crate::disk::Disk;

/// `SplitMix64`: one number makes a whole run.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// How bad everything is, in percent of frames, of messages written, or of transactions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) drop: u64,
    pub(crate) duplicate: u64,
    pub(crate) delay_ms: u64,
    /// In tenths of a percent of frames.
    pub(crate) cut: u64,
    pub(crate) commit_ms: u64,
    pub(crate) relay_crash: u64,
    /// The relay's log goes back to an older state: a backup with a new name, or a file that lost its end.
    pub(crate) rollback: u64,
    /// In tenths of a percent of inputs to a member.
    pub(crate) client_crash: u64,
    /// In tenths of a percent of a member's transactions.
    pub(crate) disk_full: u64,
    /// The relay cannot write a batch.
    pub(crate) not_saved: u64,
    pub(crate) sleep: u64,
}

/// Nothing is lost and nothing overtakes.
pub(crate) const CALM: Weather = Weather {
    drop: 0,
    duplicate: 0,
    delay_ms: 0,
    cut: 0,
    commit_ms: 2,
    relay_crash: 0,
    rollback: 0,
    client_crash: 0,
    disk_full: 0,
    not_saved: 0,
    sleep: 0,
};

enum Packet {
    Opened,
    ToClient(ServerFrame),
    ToRelay(ClientFrame),
    ClosedAtClient(Option<u16>),
    ClosedAtRelay(Broken),
}

/// One member's side.
pub(crate) struct End {
    pub(crate) identity: Identity,
    pub(crate) name: DisplayName,
    pub(crate) session: Session,
    pub(crate) disk: Disk,
    pub(crate) view: RoomView,
    /// What this member's author wrote and was told is taken, in order.
    pub(crate) wrote: Vec<ClientId>,
    conn: Option<Conn>,
    starts: u64,
}

impl End {
    pub(crate) fn member(&self) -> MemberId {
        self.identity.member()
    }
}

/// Where a crash may hit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Point {
    BeforeCommit,
    AfterCommit,
    Never,
}

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) weather: Weather,
    pub(crate) mono: Duration,
    pub(crate) ends: Vec<End>,
    pub(crate) log: MemoryLog,
    room: Room,
    config: RoomConfig,
    /// Drafts that the log was asked to take and has not committed yet; lost in a crash.
    asked: Vec<(Option<Conn>, Draft)>,
    commit_at: Option<Duration>,
    /// What the relay acknowledged or told, in whatever log.
    pub(crate) told: HashMap<(MemberId, ClientId), Event>,
    /// Events that a rollback took out of the log.
    pub(crate) lost: Vec<Event>,
    /// Whether the relay ever failed to save a batch.
    pub(crate) not_saved: bool,
    /// Which end a connection belongs to.
    conns: HashMap<Conn, (usize, Nonce)>,
    in_room: HashSet<Conn>,
    /// In flight, by time of arrival and order of sending.
    packets: BTreeMap<(Duration, u64), (Conn, Packet)>,
    sent: u64,
    next_conn: u64,
    next_epoch: u8,
}

impl World {
    /// `past` messages were said before anybody of the members came.
    pub(crate) fn new(seed: u64, members: usize, weather: Weather, past: u64) -> Self {
        let config = RoomConfig {
            room: RoomKey::from_secret(&[7; 32]).id(),
            name: RoomName::parse("Pair").unwrap(),
            host: None,
            settings: chatspot_protocol::event::RoomSettings::default(),
            max_members: 100,
        };
        let mut log = MemoryLog::new(Epoch([1; 16]), MEMORY_LOG_EVENTS);
        for number in 0..past {
            let mut id = [9; 16];
            id[..8].copy_from_slice(&number.to_le_bytes());
            log.append(Draft {
                at: 0,
                author: MemberId([9; 32]),
                name: DisplayName::parse("Past").unwrap(),
                body: Submission::message(
                    ClientId(id),
                    // Long ones make pages that come in several answers.
                    MessageText::parse(&"x".repeat(1 + usize::try_from(number % 7).unwrap() * 900))
                        .unwrap(),
                )
                .into(),
            });
        }
        let now = Now {
            mono: Duration::ZERO,
            wall: 0,
        };
        let room = Room::new(
            config.clone(),
            log.epoch(),
            log.first(),
            log.head(),
            Vec::new(),
            now,
        );
        let mut world = Self {
            rng: Rng(seed),
            weather,
            mono: Duration::ZERO,
            ends: Vec::new(),
            log,
            room,
            config,
            asked: Vec::new(),
            commit_at: None,
            told: HashMap::new(),
            lost: Vec::new(),
            not_saved: false,
            conns: HashMap::new(),
            in_room: HashSet::new(),
            packets: BTreeMap::new(),
            sent: 0,
            next_conn: 0,
            next_epoch: 2,
        };
        for index in 0..members {
            let identity = Identity::from_secret(&[u8::try_from(index).unwrap() + 1; 32]);
            let name = DisplayName::parse(&format!("Member {index}")).unwrap();
            let disk = Disk::default();
            let (session, view) = world.start(&identity, &name, &disk, 0);
            world.ends.push(End {
                identity,
                name,
                session,
                disk,
                view,
                wrote: Vec::new(),
                conn: None,
                starts: 0,
            });
        }
        for index in 0..members {
            world.drain_session(index);
        }
        world
    }

    /// A member's program as it starts: a session and a view of what the disk has.
    fn start(
        &self,
        identity: &Identity,
        name: &DisplayName,
        disk: &Disk,
        starts: u64,
    ) -> (Session, RoomView) {
        let session = Session::new(
            self.config.room,
            identity.clone(),
            name.clone(),
            "test".into(),
            disk.resume(),
            u64::from(identity.member().0[0]) ^ (starts << 8),
        );
        let mut view = RoomView::opening(
            self.config.room,
            self.config.name.clone(),
            "sim".into(),
            None,
        );
        view.items = disk.items();
        view.outbox.clone_from(&disk.outbox);
        (session, view)
    }

    fn now(&self) -> Now {
        Now {
            mono: self.mono,
            // Clocks are off by whatever they like.
            wall: i64::try_from(self.mono.as_millis()).unwrap(),
        }
    }

    fn deliver_later(&mut self, conn: Conn, packet: Packet) {
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

    /// What the client's driver does: everything of one input is one transaction, and then the rest.
    fn drain_session(&mut self, index: usize) {
        loop {
            let end = &mut self.ends[index];
            let outputs: Vec<session::Output> =
                std::iter::from_fn(|| end.session.poll_output()).collect();
            if outputs.is_empty() {
                return;
            }
            let crash = match self.rng.below(2000) {
                roll if roll < self.weather.client_crash => Point::BeforeCommit,
                roll if roll < 2 * self.weather.client_crash => Point::AfterCommit,
                _ => Point::Never,
            };
            if crash == Point::BeforeCommit {
                return self.crash_client(index);
            }
            let (keeps, rest): (Vec<_>, Vec<_>) = outputs
                .into_iter()
                .partition(|output| matches!(output, session::Output::Keep(_)));
            let keeps: Vec<session::Keep> = keeps
                .into_iter()
                .map(|output| match output {
                    session::Output::Keep(keep) => keep,
                    _ => unreachable!("partitioned"),
                })
                .collect();
            let mut failed = false;
            if !keeps.is_empty() {
                failed = self.rng.below(1000) < self.weather.disk_full;
                let end = &mut self.ends[index];
                if !failed {
                    let items = end.disk.commit(end.identity.member(), keeps);
                    end.session.kept();
                    if crash == Point::AfterCommit {
                        return self.crash_client(index);
                    }
                    if !items.is_empty() {
                        self.ends[index].view.apply(RoomChange::Items { items });
                    }
                }
            }
            for output in rest {
                self.carry_out(index, output);
            }
            if failed {
                let now = self.now();
                self.ends[index].session.not_kept(now);
            }
        }
    }

    fn carry_out(&mut self, index: usize, output: session::Output) {
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
            session::Output::Keep(_) => unreachable!("kept before"),
            session::Output::Change(change) => self.ends[index].view.apply(change),
            session::Output::Left => unreachable!("nobody leaves here"),
        }
    }

    /// The member's program dies, and starts again from its disk.
    pub(crate) fn crash_client(&mut self, index: usize) {
        if let Some(conn) = self.ends[index].conn.take() {
            self.deliver_later(conn, Packet::ClosedAtRelay(Broken::Cut));
        }
        let end = &self.ends[index];
        let starts = end.starts + 1;
        let (session, view) = self.start(&end.identity, &end.name, &end.disk, starts);
        let end = &mut self.ends[index];
        (end.session, end.view, end.starts) = (session, view, starts);
        self.drain_session(index);
    }

    fn drain_room(&mut self) {
        while let Some(output) = self.room.poll_output() {
            match output {
                room::Output::Append { from, draft } => {
                    self.asked.push((from, draft));
                    let later = Duration::from_millis(self.rng.below(self.weather.commit_ms + 1));
                    self.commit_at.get_or_insert(self.mono + later);
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
                room::Output::All { frame } | room::Output::Offer { frame } => {
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

    /// The log commits everything that it was asked for until now, and the relay may die right after.
    fn commit(&mut self) {
        self.commit_at = None;
        let saved = !self.rng.chance(self.weather.not_saved);
        self.not_saved |= !saved;
        let asked = std::mem::take(&mut self.asked);
        let answers: Vec<_> = asked
            .into_iter()
            .map(|(from, draft)| {
                let appended = if saved {
                    self.log.append(draft)
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
                self.told
                    .insert((event.author, event.ident()), event.clone());
            }
        }
        self.room.committed(answers);
        self.drain_room();
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

    /// The relay dies with what it had not committed, and comes back with its log.
    pub(crate) fn crash_relay(&mut self) {
        self.asked.clear();
        self.commit_at = None;
        let mut conns: Vec<Conn> = self.in_room.drain().collect();
        conns.sort_unstable();
        self.room = Room::new(
            self.config.clone(),
            self.log.epoch(),
            self.log.first(),
            self.log.head(),
            self.present(),
            self.now(),
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
            self.next_epoch += 1;
            Epoch([self.next_epoch; 16])
        } else {
            self.log.epoch()
        };
        self.log = MemoryLog::new(epoch, MEMORY_LOG_EVENTS);
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
                ..
            } = event;
            self.log.append(Draft {
                at,
                author,
                name,
                body,
            });
        }
        self.crash_relay();
    }

    /// Who is in the room by the log.
    fn present(&self) -> Vec<(MemberId, DisplayName)> {
        let mut present = BTreeMap::new();
        for event in self.whole_log() {
            match event.body {
                Body::Joined => drop(present.insert(event.author, event.name)),
                Body::Left { .. } => drop(present.remove(&event.author)),
                _ => {}
            }
        }
        present.into_iter().collect()
    }

    pub(crate) fn whole_log(&self) -> Vec<Event> {
        let mut all = Vec::new();
        while (all.len() as u64) < self.log.head().0 {
            let page = self.log.read(Seq(all.len() as u64 + 1), self.log.head());
            all.extend(page.events);
        }
        all
    }

    /// Runs until nothing is due before `until`.
    pub(crate) fn run(&mut self, until: Duration) {
        loop {
            let packet = self.packets.keys().next().map(|(at, _)| *at);
            let sessions = self
                .ends
                .iter()
                .filter_map(|end| end.session.next_timeout());
            let Some(next) = sessions
                .chain(packet)
                .chain(self.commit_at)
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
            if self.commit_at.is_some_and(|at| at <= self.mono) {
                self.commit();
            }
            if self.room.next_timeout() <= self.mono {
                self.room.timeout(now);
                self.drain_room();
            }
            for index in 0..self.ends.len() {
                let due = self.ends[index].session.next_timeout();
                if due.is_some_and(|at| at <= self.mono) {
                    self.ends[index].session.timeout(now);
                    self.drain_session(index);
                }
            }
        }
        self.mono = until;
    }

    pub(crate) fn write(&mut self, index: usize, number: u64) {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_le_bytes());
        id[8] = u8::try_from(index).unwrap();
        let text = MessageText::parse(&format!("{index} says {number}")).unwrap();
        let submission = Submission::message(ClientId(id), text);
        let now = self.now();
        let crash = self.rng.below(1000) < self.weather.client_crash;
        let end = &mut self.ends[index];
        let pending = end.session.draft(submission, now).unwrap();
        // On the disk first; only then is the writer told that it is taken.
        end.disk.put(pending.clone());
        end.wrote.push(ClientId(id));
        if crash {
            return self.crash_client(index);
        }
        end.session.submit(pending, now);
        self.drain_session(index);
    }

    /// Sends what failed again, as a person would.
    pub(crate) fn retry_all(&mut self, index: usize) {
        let now = self.now();
        let failed: Vec<ClientId> = self.ends[index]
            .view
            .outbox
            .iter()
            .filter(|pending| {
                matches!(
                    pending.state,
                    chatspot_protocol::view::PendingState::Failed { .. }
                )
            })
            .map(|pending| pending.id)
            .collect();
        for id in failed {
            self.ends[index].session.retry(id, now);
            self.drain_session(index);
        }
    }

    /// The member's computer sleeps or changes networks.
    pub(crate) fn wake(&mut self, index: usize) {
        self.ends[index].session.woke();
        self.drain_session(index);
    }
}
