//! The simulated world: members with disks and somebody at each window, a network, and the clock. The relay is in
//! `relay.rs`.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chatspot_protocol::door::DoorOrder;
use chatspot_protocol::event::{Admission, Body, Event, Moderation, Role, Submission};
use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::{ClientId, Exporter, MemberId, RoomId};
use chatspot_protocol::limits::OUTBOX_MESSAGES;
use chatspot_protocol::room::{Broken, Conn};
use chatspot_protocol::session::{self, Entry, Line, Session};
use chatspot_protocol::text::{DisplayName, MessageText};
use chatspot_protocol::time::Now;
use chatspot_protocol::view::{LinkState, PendingState, RoomChange, RoomView, Trouble};
use chatspot_protocol::wire::{ClientFrame, ServerFrame};

use crate::disk::Disk;
use crate::relay::{DOMAIN, Relay, TLS, TOKEN, passcode, room_name};

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

    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.next().to_le_bytes());
        bytes
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
    /// The owner mutes, kicks, bans, and takes it back.
    pub(crate) moderation: u64,
}

/// How members come in, and by which kind of connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct House {
    pub(crate) admission: Admission,
    pub(crate) proxy: Proxy,
}

/// What stands before the relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proxy {
    None,
    /// It ends the TLS, under a name that the web's authorities vouch for.
    Web,
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
    moderation: 0,
};

pub(crate) enum Packet {
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
    /// Acts of the owner so far, for their ids.
    acts: u64,
}

impl End {
    pub(crate) fn member(&self) -> MemberId {
        self.identity.member()
    }
}

/// What both ends of a connection derive from its TLS.
pub(crate) fn exporter(conn: Conn) -> Exporter {
    let mut bytes = [0xe0; 32];
    bytes[..8].copy_from_slice(&conn.0.to_le_bytes());
    Exporter(bytes)
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
    pub(crate) house: House,
    pub(crate) mono: Duration,
    pub(crate) ends: Vec<End>,
    pub(crate) relay: Relay,
    /// Events that a rollback took out of the log.
    pub(crate) lost: Vec<Event>,
    /// Whether messages may have been refused and sent again, behind others.
    pub(crate) sent_again: bool,
    /// Which end a connection belongs to.
    pub(crate) conns: HashMap<Conn, usize>,
    /// In flight, by time of arrival and order of sending.
    packets: BTreeMap<(Duration, u64), (Conn, Packet)>,
    sent: u64,
    next_conn: u64,
}

impl World {
    /// `past` messages were said before anybody of the members came. The first member is the owner.
    pub(crate) fn new(
        seed: u64,
        members: usize,
        weather: Weather,
        house: House,
        past: u64,
    ) -> Self {
        let identity =
            |index: usize| Identity::from_secret(&[u8::try_from(index).unwrap() + 1; 32]);
        let name = |index: usize| DisplayName::parse(&format!("Member {index}")).unwrap();
        let mut world = Self {
            rng: Rng(seed),
            weather,
            house,
            mono: Duration::ZERO,
            ends: Vec::new(),
            relay: Relay::new(house, (identity(0).member(), name(0)), past),
            lost: Vec::new(),
            sent_again: false,
            conns: HashMap::new(),
            packets: BTreeMap::new(),
            sent: 0,
            next_conn: 0,
        };
        for index in 0..members {
            let (identity, name) = (identity(index), name(index));
            let mut disk = Disk::default();
            if house.admission == Admission::Invite {
                disk.token = Some(TOKEN);
            }
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
                acts: 0,
            });
        }
        for index in 0..members {
            world.drain_session(index);
        }
        world
    }

    pub(crate) fn room(&self) -> RoomId {
        self.relay.room_id()
    }

    /// A member's program as it starts: a session and a view of what the disk has.
    fn start(
        &self,
        identity: &Identity,
        name: &DisplayName,
        disk: &Disk,
        starts: u64,
    ) -> (Session, RoomView) {
        let entry = Entry {
            room: self.room(),
            identity: identity.clone(),
            name: name.clone(),
            software: "test".into(),
            token: disk.token,
            passcode: Some(passcode()),
        };
        let seed = u64::from(identity.member().0[0]) ^ (starts << 8);
        let session = Session::new(entry, disk.resume(), seed);
        let mut view = RoomView::opening(self.room(), room_name(), "sim".into(), None);
        view.items = disk.items();
        view.outbox.clone_from(&disk.outbox);
        (session, view)
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            mono: self.mono,
            // Clocks are off by whatever they like.
            wall: i64::try_from(self.mono.as_millis()).unwrap(),
        }
    }

    pub(crate) fn deliver_later(&mut self, conn: Conn, packet: Packet) {
        let delay = Duration::from_millis(1 + self.rng.below(self.weather.delay_ms + 1));
        self.sent += 1;
        self.packets
            .insert((self.mono + delay, self.sent), (conn, packet));
    }

    pub(crate) fn send(&mut self, conn: Conn, make: impl Fn() -> Packet) {
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
                self.conns.insert(conn, index);
                self.deliver_later(conn, Packet::Opened);
            }
            session::Output::Transmit(frame) => {
                if let Some(conn) = self.ends[index].conn {
                    self.send(conn, || Packet::ToRelay(frame.clone()));
                }
            }
            // What members do for each other in finding rooms is never in the log, and nobody does it here.
            session::Output::Ping
            | session::Output::Introduced { .. }
            | session::Output::DialBack { .. }
            | session::Output::DialledBack { .. } => {}
            session::Output::Hangup(_) => {
                if let Some(conn) = self.ends[index].conn.take() {
                    self.deliver_later(conn, Packet::ClosedAtRelay(Broken::Cut));
                }
            }
            session::Output::Keep(_) => unreachable!("kept before"),
            session::Output::Change(change) => {
                self.ends[index].view.apply(change.clone());
                if let RoomChange::Door { door: Some(door) } = change {
                    self.open_the_door(index, door.knocks.iter().map(|knock| knock.member));
                }
            }
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

    fn arrive(&mut self, conn: Conn, packet: Packet) {
        let now = self.now();
        let Some(index) = self.conns.get(&conn).copied() else {
            return;
        };
        let is_current = self.ends[index].conn == Some(conn);
        match packet {
            Packet::Opened if is_current => {
                let line = Line {
                    exporter: exporter(conn),
                    key: TLS,
                    domain: (self.house.proxy == Proxy::Web).then(|| DOMAIN.to_owned()),
                };
                let secret = self.rng.bytes();
                self.ends[index].session.opened(line, secret, now);
                self.greet(conn);
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
            Packet::ToRelay(frame) => {
                self.received(conn, ClientFrame::decode(&frame.encode()).unwrap());
            }
            Packet::ClosedAtRelay(how) => self.broken(conn, how),
            Packet::Opened | Packet::ToClient(_) | Packet::ClosedAtClient(_) => {}
        }
        self.drain_room();
        self.drain_session(index);
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
                .chain(self.relay.commit_at)
                .chain([self.relay.room.next_timeout()])
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
            if self.relay.commit_at.is_some_and(|at| at <= self.mono) {
                self.commit();
            }
            if self.relay.room.next_timeout() <= self.mono {
                self.relay.room.timeout(now);
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

    /// What the people at the windows do: send again what failed, and try to come in again.
    pub(crate) fn people_act(&mut self) {
        for index in 0..self.ends.len() {
            let (retry, hopeless): (Vec<_>, Vec<_>) = self
                .failed(index)
                .into_iter()
                .partition(|(_, retry)| *retry);
            let now = self.now();
            for (id, _) in retry {
                self.sent_again = true;
                self.ends[index].session.retry(id, now);
            }
            for (id, _) in hopeless {
                // Off the disk first, as the program does it.
                if self.ends[index].session.can_discard(id) {
                    self.ends[index].disk.remove(id);
                    self.ends[index].session.discard(id);
                }
            }
            let End { session, view, .. } = &mut self.ends[index];
            match view.link {
                LinkState::Passcode { .. } => session.passcode(passcode()),
                LinkState::Closed {
                    trouble: Trouble::InviteNeeded | Trouble::BadInvite,
                } => session.invited(Some(TOKEN), chatspot_protocol::view::Verified::Invite),
                LinkState::Closed { trouble } => {
                    assert_ne!(trouble, Trouble::KeyChanged, "there is nobody else");
                    session.redial();
                }
                LinkState::Connecting
                | LinkState::Online
                | LinkState::Knocking
                | LinkState::Waiting { .. } => {}
            }
            self.drain_session(index);
        }
    }

    fn failed(&self, index: usize) -> Vec<(ClientId, bool)> {
        let failed = self.ends[index].view.outbox.iter().filter_map(|pending| {
            let PendingState::Failed { retry, .. } = pending.state else {
                return None;
            };
            Some((pending.id, retry))
        });
        failed.collect()
    }

    /// The owner hands out the invite anew: it does not hold any more when somebody who came by it was sent out for good.
    pub(crate) fn invite_anew(&mut self) {
        let order = DoorOrder::Invite {
            token: TOKEN,
            role: Role::Member,
            uses: None,
            seconds: None,
        };
        self.ends[0].session.door(order).unwrap();
        self.drain_session(0);
    }

    /// Whoever knocks is let in by the owner.
    fn open_the_door(&mut self, index: usize, knocks: impl Iterator<Item = MemberId>) {
        for member in knocks {
            let order = DoorOrder::Answer {
                member,
                admit: true,
            };
            self.ends[index].session.door(order).unwrap();
        }
    }

    /// The owner does something to a member.
    pub(crate) fn moderate(&mut self, index: usize, action: Moderation) {
        self.sent_again = true;
        let member = self.ends[index].member();
        let now = self.now();
        let owner = &mut self.ends[0];
        owner.acts += 1;
        let mut id = [0xac; 16];
        id[..8].copy_from_slice(&owner.acts.to_le_bytes());
        let id = ClientId(id);
        let body = Body::Moderated { id, member, action };
        if owner.view.outbox.len() < OUTBOX_MESSAGES {
            let pending = owner
                .session
                .draft(Submission::of(body).unwrap(), now)
                .unwrap();
            owner.disk.put(pending.clone());
            owner.session.submit(pending, now);
            self.drain_session(0);
        }
    }

    /// The member's computer sleeps or changes networks.
    pub(crate) fn wake(&mut self, index: usize) {
        self.ends[index].session.woke();
        self.drain_session(index);
    }
}
