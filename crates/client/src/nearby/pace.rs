//! How fast addresses are asked, and by whose turn.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chatspot_protocol::address::Address;
use chatspot_protocol::limits::{
    ASKED_HOSTS, PROBE_ADDRESS_EVERY, PROBE_PACE, PROBES_AT_ONCE, REMEMBERED_PACE,
};

/// Questions at once after a quiet time: as many as may run side by side.
const BURST: u32 = 4;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Pace {
    running: HashSet<Address>,
    /// When the bucket of questions would be full again.
    full_at: Duration,
    remembered_at: Duration,
    /// When each address was asked last.
    asked: HashMap<Address, Duration>,
    /// How often each host was asked: whoever names many addresses waits behind whoever names one.
    hosts: HashMap<String, u32>,
    random: u64,
}

impl Pace {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            running: HashSet::new(),
            full_at: Duration::ZERO,
            remembered_at: Duration::ZERO,
            asked: HashMap::new(),
            hosts: HashMap::new(),
            random: seed,
        }
    }

    /// Between 0 and 1,000. `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
    pub(super) fn jitter(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) % 1_001).unwrap_or(0)
    }

    pub(super) fn is_running(&self, address: &Address) -> bool {
        self.running.contains(address)
    }

    /// Whether as many questions run as may.
    pub(super) fn is_full(&self) -> bool {
        self.running.len() >= PROBES_AT_ONCE
    }

    /// When this address may be asked.
    pub(super) fn ready_at(&self, address: &Address, only_remembered: Remembered) -> Duration {
        // Half a question more, for the jitter.
        let next = self
            .full_at
            .saturating_sub(PROBE_PACE * (2 * BURST - 1) / 2);
        let again = self.asked.get(address);
        let again = again.map_or(Duration::ZERO, |asked| *asked + PROBE_ADDRESS_EVERY);
        let gentle = match only_remembered {
            Remembered::Only => self.remembered_at,
            Remembered::AndMore => Duration::ZERO,
        };
        next.max(again).max(gentle)
    }

    /// How often its host was asked.
    pub(super) fn times(&self, address: &Address) -> u32 {
        self.hosts.get(&address.host).copied().unwrap_or(0)
    }

    /// It is asked now.
    pub(super) fn asks(&mut self, address: &Address, only_remembered: Remembered, now: Duration) {
        let jitter = self.jitter();
        self.full_at = self.full_at.max(now) + PROBE_PACE + PROBE_PACE * jitter / 10_000;
        if only_remembered == Remembered::Only {
            self.remembered_at = now + REMEMBERED_PACE + REMEMBERED_PACE * jitter / 4_000;
        }
        self.running.insert(address.clone());
        self.asked
            .retain(|_, asked| now < *asked + PROBE_ADDRESS_EVERY);
        self.asked.insert(address.clone(), now);
        if self.hosts.len() >= ASKED_HOSTS {
            self.hosts.clear();
        }
        *self.hosts.entry(address.host.clone()).or_default() += 1;
    }

    /// Whatever is asked, nobody waits for the answers.
    pub(super) fn stop(&mut self) {
        self.running.clear();
    }

    /// An answer is there.
    pub(super) fn answered(&mut self, address: &Address) {
        self.running.remove(address);
    }
}

/// Whether an address is asked for being remembered alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remembered {
    /// It is.
    Only,
    /// Something says that the room is there now.
    AndMore,
}
