//! How often something may happen, overall and for each address, in bounded memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// So much at once, and another one each time that `every` has passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) burst: u32,
    pub(crate) every: Duration,
}

impl Rate {
    /// So many a second, and as many at once.
    pub(crate) const fn a_second(times: u32) -> Self {
        Self {
            burst: times,
            every: Duration::from_nanos(1_000_000_000 / times as u64),
        }
    }
}

/// What is left of a [`Rate`]: the time at which all of it is there again tells (a "generic cell rate algorithm").
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    full_at: Instant,
}

impl Budget {
    pub(crate) fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// From when on one more is there.
    pub(crate) fn ready_at(&self, rate: Rate) -> Instant {
        let room = rate.every * rate.burst.saturating_sub(1);
        self.full_at.checked_sub(room).unwrap_or(self.full_at)
    }

    /// Takes one, if one is there.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> Option<()> {
        if self.ready_at(rate) > now {
            return None;
        }
        self.full_at = self.full_at.max(now) + rate.every;
        Some(())
    }
}

/// A [`Budget`] for each address, for at most `most` of them.
#[derive(Debug)]
pub(crate) struct Budgets {
    rate: Rate,
    most: usize,
    of: HashMap<IpAddr, Budget>,
}

impl Budgets {
    pub(crate) fn new(rate: Rate, most: usize) -> Self {
        Self {
            rate,
            most,
            of: HashMap::new(),
        }
    }

    /// Takes one of this address. With too many addresses, none is left for new ones until old ones rest.
    pub(crate) fn take(&mut self, of: IpAddr, now: Instant) -> Option<()> {
        if self.of.len() >= self.most && !self.of.contains_key(&of) {
            // Those with all of it again are as if they had never been.
            self.of.retain(|_, budget| budget.full_at > now);
            if self.of.len() >= self.most {
                return None;
            }
        }
        let rate = self.rate;
        self.of
            .entry(of)
            .or_insert_with(|| Budget::new(now))
            .take(rate, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 3,
        every: Duration::from_secs(10),
    };

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_by_one() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        let taken = (0..100)
            .filter(|second| {
                let now = start + Duration::from_secs(second / 2);
                budget.take(RATE, now).is_some()
            })
            .count();
        assert_eq!(taken, 3 + 4);
        assert_eq!(budget.ready_at(RATE), start + Duration::from_secs(50));
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_do_not_take_from_each_other_and_are_bounded() {
        let start = Instant::now();
        let mut budgets = Budgets::new(RATE, 2);
        let ip = |n: u8| IpAddr::from([10, 0, 0, n]);
        for _ in 0..3 {
            assert!(budgets.take(ip(1), start).is_some());
        }
        assert!(budgets.take(ip(1), start).is_none());
        assert!(budgets.take(ip(2), start).is_some());
        assert!(budgets.take(ip(3), start).is_none());
        let later = start + Duration::from_secs(11);
        assert!(budgets.take(ip(3), later).is_some());
        assert_eq!(budgets.of.len(), 2);
    }
}
