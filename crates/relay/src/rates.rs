//! How fast: frames of a connection, bytes of a member and of an address, passcode attempts of an address and at a
//! room. What comes too fast is read later, so that the sender's own socket fills; attempts are refused.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::limits::{
    ADDRESS_ATTEMPT_EVERY, ADDRESS_ATTEMPTS, ROOM_ATTEMPT_EVERY, ROOM_ATTEMPTS,
};
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use tokio::time::Instant;

use crate::RelayConfig;

/// Keys that a limiter remembers before those are dropped that have all their tokens again.
const REMEMBERED: usize = 4_096;

/// The runtime's clock, which tests turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RuntimeClock(Instant);

impl RuntimeClock {
    fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RuntimeClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Direct = RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<Duration>>;
type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, RuntimeClock, NoOpMiddleware<Duration>>;

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

fn per_second(rate: u32, burst: u32) -> Quota {
    Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst))
}

fn one_each(every: Duration, burst: u32) -> Quota {
    Quota::with_period(every)
        .unwrap_or(Quota::per_second(NonZeroU32::MIN))
        .allow_burst(at_least_one(burst))
}

/// The frames of one connection.
#[derive(Debug)]
pub(crate) struct Frames {
    limiter: Direct,
    clock: RuntimeClock,
}

impl Frames {
    pub(crate) fn new(config: &RelayConfig) -> Self {
        let clock = RuntimeClock::start();
        let quota = per_second(config.frames_per_second, config.frames_burst);
        let limiter = Direct::direct_with_clock(quota, clock);
        Self { limiter, clock }
    }

    /// Takes one. Says how long to wait before another try when there is none.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        let until = |until: NotUntil<Duration>| until.wait_time_from(self.clock.now());
        self.limiter.check().map_err(until)
    }
}

/// A limit for each of many.
#[derive(Debug)]
struct Each<K: Hash + Eq + Clone> {
    limiter: Keyed<K>,
    clock: RuntimeClock,
    /// The most that can be taken at once.
    burst: NonZeroU32,
    /// With how many keys it is time to drop those that have all their tokens again.
    tidy_at: AtomicUsize,
}

impl<K: Hash + Eq + Clone> Each<K> {
    fn new(quota: Quota) -> Self {
        let clock = RuntimeClock::start();
        Self {
            limiter: Keyed::hashmap_with_clock(quota, clock),
            clock,
            burst: quota.burst_size(),
            tidy_at: AtomicUsize::new(REMEMBERED),
        }
    }

    fn take(&self, key: &K, count: u32) -> Result<(), Duration> {
        let Some(count) = NonZeroU32::new(count) else {
            return Ok(());
        };
        if self.limiter.len() > self.tidy_at.load(Ordering::Relaxed) {
            self.limiter.retain_recent();
            // Twice what is left: a flood of new keys does not make each of them pay for all.
            let next = REMEMBERED.max(2 * self.limiter.len());
            self.tidy_at.store(next, Ordering::Relaxed);
        }
        match self.limiter.check_key_n(key, count.min(self.burst)) {
            Ok(Err(until)) => Err(until.wait_time_from(self.clock.now())),
            // More than the burst was never asked for.
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

/// The rates of a relay that hold for many connections together.
#[derive(Debug)]
pub(crate) struct Rates {
    member_bytes: Each<MemberId>,
    address_bytes: Each<IpAddr>,
    address_attempts: Each<IpAddr>,
    room_attempts: Each<RoomId>,
}

impl Rates {
    pub(crate) fn new(config: &RelayConfig) -> Self {
        let (member, address) = (config.member_bytes, config.address_bytes);
        Self {
            member_bytes: Each::new(per_second(member.per_second, member.burst)),
            address_bytes: Each::new(per_second(address.per_second, address.burst)),
            address_attempts: Each::new(one_each(ADDRESS_ATTEMPT_EVERY, ADDRESS_ATTEMPTS)),
            room_attempts: Each::new(one_each(ROOM_ATTEMPT_EVERY, ROOM_ATTEMPTS)),
        }
    }

    /// Takes bytes that an address sent. Says how long to wait before another try when there are none.
    pub(crate) fn of_address(&self, address: IpAddr, bytes: usize) -> Result<(), Duration> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.address_bytes.take(&address, bytes)
    }

    /// See [`Rates::of_address`].
    pub(crate) fn of_member(&self, member: MemberId, bytes: usize) -> Result<(), Duration> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.member_bytes.take(&member, bytes)
    }

    /// Takes a passcode attempt. One that its address may not make costs the room nothing.
    pub(crate) fn attempt(&self, address: IpAddr, room: RoomId) -> Result<(), Duration> {
        self.address_attempts.take(&address, 1)?;
        self.room_attempts.take(&room, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pass(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn f21_frames_come_in_a_burst_and_then_at_their_rate() {
        let frames = Frames::new(&RelayConfig {
            frames_per_second: 10,
            frames_burst: 3,
            ..RelayConfig::default()
        });
        for _ in 0..3 {
            frames.take().unwrap();
        }
        let wait = frames.take().unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        pass(wait).await;
        frames.take().unwrap();
        frames.take().unwrap_err();
        pass(Duration::from_secs(10)).await;
        for _ in 0..3 {
            frames.take().unwrap();
        }
        frames.take().expect_err("full again, and no fuller");
    }

    #[tokio::test(start_paused = true)]
    async fn f12_attempts_are_counted_for_each_address_and_for_each_room() {
        let rates = Rates::new(&RelayConfig::default());
        let address = |number: u32| IpAddr::from(number.to_be_bytes());
        let (lab, shop) = (RoomId([1; 16]), RoomId([2; 16]));
        for _ in 0..ADDRESS_ATTEMPTS {
            rates.attempt(address(1), lab).unwrap();
        }
        for room in [lab, shop] {
            let wait = rates.attempt(address(1), room).unwrap_err();
            assert!(wait <= ADDRESS_ATTEMPT_EVERY, "{wait:?}");
        }
        for number in 0..ROOM_ATTEMPTS - ADDRESS_ATTEMPTS {
            let each = address(2 + number);
            rates.attempt(each, lab).expect("the first of its address");
        }
        rates.attempt(address(1_000), lab).unwrap_err();
        rates
            .attempt(address(1_001), shop)
            .expect("another room has its own");
        pass(ADDRESS_ATTEMPT_EVERY).await;
        rates.attempt(address(1), lab).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_are_counted_for_each_member_and_a_huge_number_is_a_burst() {
        let rates = Rates::new(&RelayConfig::default());
        let (ada, bob) = (MemberId([1; 32]), MemberId([2; 32]));
        rates.of_member(ada, usize::MAX).unwrap();
        let wait = rates.of_member(ada, 1024).unwrap_err();
        rates.of_member(bob, 1024).unwrap();
        pass(wait).await;
        rates.of_member(ada, 1024).unwrap();
    }
}
