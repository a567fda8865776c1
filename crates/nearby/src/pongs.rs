//! How a `ping` is answered: each way that it came, to who asked, and once to all near them, unless others did. Pure.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use chatspot_protocol::beacon::{Beacon, Cast};
use chatspot_protocol::ids::WallMillis;
use chatspot_protocol::limits::{
    HEARD_SOURCES, PINGS_REMEMBERED, PONG_ALL_EVERY, PONGS_A_SECOND, PONGS_ENOUGH,
    PONGS_OF_SOURCE_A_SECOND, PONGS_WAITING,
};
use tokio::time::Instant;

use crate::announcer::{Call, To};
use crate::budget::{Budget, Budgets, Rate};

const ALL: Rate = Rate::a_second(PONGS_A_SECOND);
const OF_SOURCE: Rate = Rate::a_second(PONGS_OF_SOURCE_A_SECOND);

/// A question, as it came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ping {
    pub(crate) nonce: u64,
    /// How it came in.
    pub(crate) heard: Cast,
    pub(crate) from: SocketAddr,
    /// Our clock then.
    pub(crate) at: WallMillis,
}

impl Ping {
    fn answer(self, to: To) -> Call {
        let Ping {
            nonce, heard, at, ..
        } = self;
        let beacon = Beacon::Pong { nonce, heard, at };
        Call { beacon, to }
    }

    fn is_same_as(self, nonce: u64, ip: IpAddr) -> bool {
        self.nonce == nonce && self.from.is_ipv6() == ip.is_ipv6()
    }
}

/// An answer to all that waits for its time.
#[derive(Debug)]
struct Waiting {
    ping: Ping,
    due: Instant,
    /// Who answered to all meanwhile; at most [`PONGS_ENOUGH`].
    others: Vec<IpAddr>,
}

/// What is answered, and what waits to be.
#[derive(Debug)]
pub(crate) struct Pongs {
    all: Budget,
    sources: Budgets,
    /// What is answered, the latest last: one question comes in several ways, and each of them maybe twice. At most
    /// [`PINGS_REMEMBERED`].
    answered: VecDeque<(u64, IpAddr, Cast)>,
    /// At most [`PONGS_WAITING`]; more questions are answered to who asks alone.
    waiting: Vec<Waiting>,
    /// Which question was answered to all last, and when.
    last: Option<(u64, Instant)>,
}

impl Pongs {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            all: Budget::new(now),
            sources: Budgets::new(OF_SOURCE, HEARD_SOURCES),
            answered: VecDeque::new(),
            waiting: Vec::new(),
            last: None,
        }
    }

    /// Somebody near asks; gives what they are told at once. `wait`: by chance, before all are told.
    pub(crate) fn pinged(&mut self, ping: Ping, wait: Duration, now: Instant) -> Option<Call> {
        let ip = ping.from.ip();
        let asked = (ping.nonce, ip, ping.heard);
        if self.answered.contains(&asked) {
            return None;
        }
        self.sources.take(ip, now)?;
        self.all.take(ALL, now)?;
        let is_new = !self
            .answered
            .iter()
            .any(|(nonce, ip, _)| ping.is_same_as(*nonce, *ip));
        if self.answered.len() >= PINGS_REMEMBERED {
            self.answered.pop_front();
        }
        self.answered.push_back(asked);
        // Once for each family: what becomes of the one says nothing of the other.
        if is_new && self.waiting.len() < PONGS_WAITING {
            self.waiting.push(Waiting {
                ping,
                due: now + wait,
                others: Vec::new(),
            });
        }
        Some(ping.answer(To::One(ping.from)))
    }

    /// Somebody else answers so.
    pub(crate) fn ponged(&mut self, nonce: u64, from: IpAddr, by: Cast) {
        match by {
            Cast::Multicast | Cast::Broadcast => {}
            Cast::Unicast | Cast::Unknown => return,
        }
        for waiting in &mut self.waiting {
            if waiting.ping.is_same_as(nonce, from) && !waiting.others.contains(&from) {
                waiting.others.push(from);
            }
        }
        self.waiting
            .retain(|waiting| waiting.others.len() < PONGS_ENOUGH);
    }

    /// The next answer to all that is due, if one is.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Call> {
        let due = |waiting: &Waiting| self.due(waiting) <= now;
        let at = self.waiting.iter().position(due)?;
        let ping = self.waiting.swap_remove(at).ping;
        if self.last.is_none_or(|(nonce, _)| nonce != ping.nonce) {
            self.last = Some((ping.nonce, now));
        }
        Some(ping.answer(To::AllNear(ping.from)))
    }

    /// When [`Pongs::poll`] has something next.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| self.due(waiting)).min()
    }

    fn due(&self, waiting: &Waiting) -> Instant {
        match self.last {
            Some((nonce, at)) if nonce != waiting.ping.nonce => {
                waiting.due.max(at + PONG_ALL_EVERY)
            }
            Some(_) | None => waiting.due,
        }
    }

    /// Nothing that waits is said.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
    }
}
