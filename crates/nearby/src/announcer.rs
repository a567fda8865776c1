//! When which datagram is sent for the rooms that are open here. Pure: time and chance are arguments.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use chatspot_protocol::beacon::{Beacon, Cast};
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::{
    ANSWER_ALL_EVERY, ANSWER_EVERY, ANSWER_JITTER, ANSWER_SOURCE_EVERY, ANSWERS_OF_SOURCE,
    ANSWERS_WAITING, CALL_AGAIN, CALL_CHANGED_EVERY, CALL_EVERY, CALL_SPACING, FAREWELL_AGAIN,
    HEARD_SOURCES, PONG_JITTER, RELAY_ROOMS,
};
use tokio::time::Instant;

use crate::Announced;
use crate::budget::{Budgets, Rate};
use crate::networks::Networks;
use crate::pongs::{Ping, Pongs};

const SEEKS: Rate = Rate {
    burst: ANSWERS_OF_SOURCE,
    every: ANSWER_SOURCE_EVERY,
};

/// A datagram to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) beacon: Beacon,
    pub(crate) to: To,
}

/// To whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// To the group and to all of each network.
    All,
    /// To the group and to all of the network that this address is in.
    AllNear(SocketAddr),
    /// To one address.
    One(SocketAddr),
}

/// Numbers by chance, good enough to be out of step with others (xorshift, Marsaglia 2003).
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// Any time up to this one.
    fn up_to(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // A thousand steps are enough.
        let part = u32::try_from(self.0 % 1_000).unwrap_or(0);
        most * part / 1_000
    }
}

/// A room that is open.
#[derive(Debug)]
struct Open {
    announced: Announced,
    due: Instant,
    /// When this round of calls began; none while it did not.
    began: Option<Instant>,
    /// How many of [`CALL_AGAIN`] are done.
    again: usize,
    called: Option<Instant>,
}

#[derive(Debug)]
struct Farewell {
    room: RoomId,
    due: Instant,
    left: u8,
}

/// Decides what is sent, and when.
#[derive(Debug)]
pub(crate) struct Announcer {
    rooms: BTreeMap<RoomId, Open>,
    farewells: VecDeque<Farewell>,
    /// Those who asked, in their order; at most [`ANSWERS_WAITING`], and more are not answered one by one.
    asked: VecDeque<(SocketAddr, Instant)>,
    /// What is sent at once: at most an answer for each room, and those to who pings.
    out: VecDeque<Call>,
    next_call: Instant,
    next_answer: Instant,
    next_answer_to_all: Instant,
    seekers: Budgets,
    pongs: Pongs,
    chance: Chance,
}

impl Announcer {
    pub(crate) fn new(seed: u64, now: Instant) -> Self {
        Self {
            rooms: BTreeMap::new(),
            farewells: VecDeque::new(),
            asked: VecDeque::new(),
            out: VecDeque::new(),
            next_call: now,
            next_answer: now,
            next_answer_to_all: now,
            seekers: Budgets::new(SEEKS, HEARD_SOURCES),
            pongs: Pongs::new(now),
            chance: Chance::new(seed),
        }
    }

    /// Whether anything is, or is still to be, called out.
    pub(crate) fn is_silent(&self) -> bool {
        self.rooms.is_empty() && self.farewells.is_empty()
    }

    /// The rooms that are called out: what is not hidden of the set.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Announced> {
        self.rooms.values().map(|open| &open.announced)
    }

    /// These and no others are open from now on. Hidden ones count as closed.
    pub(crate) fn announce(&mut self, rooms: Vec<Announced>, now: Instant) {
        let rooms: BTreeMap<RoomId, Announced> = rooms
            .into_iter()
            .filter(|announced| !announced.room.hidden)
            .take(RELAY_ROOMS)
            .map(|announced| (announced.room.room, announced))
            .collect();
        let closed: Vec<RoomId> = self
            .rooms
            .keys()
            .filter(|room| !rooms.contains_key(room))
            .copied()
            .collect();
        for room in closed {
            let was = self.rooms.remove(&room);
            // What was never called out needs no farewell.
            if was.is_some_and(|open| open.called.is_some()) {
                self.farewells.truncate(RELAY_ROOMS - 1);
                let due = now;
                self.farewells.push_front(Farewell { room, due, left: 2 });
            }
        }
        for (room, announced) in rooms {
            self.farewells.retain(|farewell| farewell.room != room);
            match self.rooms.get_mut(&room) {
                Some(open) if open.announced == announced => {}
                Some(open) => {
                    open.announced = announced;
                    let soon = open
                        .called
                        .map_or(now, |called| now.max(called + CALL_CHANGED_EVERY));
                    open.due = open.due.min(soon);
                }
                None => {
                    let open = Open {
                        announced,
                        due: now,
                        began: None,
                        again: 0,
                        called: None,
                    };
                    self.rooms.insert(room, open);
                }
            }
        }
    }

    /// The networks are others: whoever is there now has heard nothing yet.
    pub(crate) fn start_over(&mut self, now: Instant) {
        for open in self.rooms.values_mut() {
            open.due = now;
            open.began = None;
            open.again = 0;
        }
        self.forget_questions();
    }

    /// Nobody who asked is answered any more.
    pub(crate) fn forget_questions(&mut self) {
        self.asked.clear();
        self.pongs.forget();
    }

    /// Somebody asks who is there.
    pub(crate) fn sought(&mut self, from: SocketAddr, networks: &Networks, now: Instant) {
        if self.rooms.is_empty() || !networks.is_near(from.ip()) {
            return;
        }
        // One question comes in several ways at once.
        if self.asked.iter().any(|(other, _)| *other == from)
            || self.seekers.take(from.ip(), now).is_none()
        {
            return;
        }
        let soon = now + self.chance.up_to(ANSWER_JITTER);
        if self.next_answer_to_all <= now {
            self.next_answer_to_all = now + ANSWER_ALL_EVERY;
            for open in self.rooms.values_mut() {
                open.due = open.due.min(soon);
            }
        }
        if self.asked.len() < ANSWERS_WAITING {
            self.asked.push_back((from, soon));
        }
    }

    /// Somebody asks who hears it.
    pub(crate) fn pinged(&mut self, ping: Ping, networks: &Networks, now: Instant) {
        if networks.is_near(ping.from.ip()) {
            let wait = self.chance.up_to(PONG_JITTER);
            self.out.extend(self.pongs.pinged(ping, wait, now));
        }
    }

    /// Somebody else answers such a question.
    pub(crate) fn ponged(&mut self, nonce: u64, from: SocketAddr, by: Cast) {
        self.pongs.ponged(nonce, from.ip(), by);
    }

    /// The next datagram that is due, if one is.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Call> {
        if let Some(call) = self.out.pop_front() {
            return Some(call);
        }
        if let Some(call) = self.pongs.poll(now) {
            return Some(call);
        }
        if let Some(at) = self.farewells.iter().position(|f| f.due <= now) {
            let farewell = &mut self.farewells[at];
            let beacon = Beacon::Gone {
                room: farewell.room,
            };
            farewell.left -= 1;
            farewell.due = now + FAREWELL_AGAIN;
            if farewell.left == 0 {
                self.farewells.remove(at);
            }
            let to = To::All;
            return Some(Call { beacon, to });
        }
        if self.next_answer <= now
            && let Some((to, due)) = self.asked.front().copied()
            && due <= now
        {
            self.asked.pop_front();
            self.next_answer = now + ANSWER_EVERY;
            for open in self.rooms.values() {
                let beacon = here(&open.announced);
                let to = To::One(to);
                self.out.push_back(Call { beacon, to });
            }
            if let Some(call) = self.out.pop_front() {
                return Some(call);
            }
        }
        self.poll_room(now)
    }

    fn poll_room(&mut self, now: Instant) -> Option<Call> {
        if self.next_call > now {
            return None;
        }
        let open = self
            .rooms
            .values_mut()
            .filter(|open| open.due <= now)
            .min_by_key(|open| open.due)?;
        self.next_call = now + CALL_SPACING;
        open.called = Some(now);
        let began = *open.began.get_or_insert(now);
        open.due = match CALL_AGAIN.get(open.again) {
            Some(after) => (began + *after).max(now + CALL_SPACING),
            // Out of step with others that opened at the same time.
            None => now + CALL_EVERY - self.chance.up_to(CALL_EVERY / 8),
        };
        open.again = CALL_AGAIN.len().min(open.again + 1);
        Some(Call {
            beacon: here(&open.announced),
            to: To::All,
        })
    }

    /// When [`Announcer::poll`] has something next.
    pub(crate) fn wake(&self) -> Option<Instant> {
        let calls = self.rooms.values().map(|open| open.due).min();
        let farewells = self.farewells.iter().map(|farewell| farewell.due).min();
        let answers = self.asked.front().map(|(_, due)| *due);
        [
            calls.map(|due| due.max(self.next_call)),
            farewells,
            answers.map(|due| due.max(self.next_answer)),
            self.pongs.wake(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

fn here(announced: &Announced) -> Beacon {
    Beacon::Here {
        port: announced.port,
        room: announced.room.clone(),
    }
}

#[cfg(test)]
#[path = "announcer/tests.rs"]
pub(crate) mod tests;
