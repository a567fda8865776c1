//! When the network is asked for rooms. Pure.

use chatspot_protocol::limits::{SEEK_AGAIN, SEEK_EVERY};
use tokio::time::Instant;

use crate::Effort;
use crate::sockets::Port;

#[derive(Debug, Default)]
pub(crate) struct Seeker {
    effort: Effort,
    next: Option<Instant>,
    began: Option<Instant>,
    asked: usize,
    port: Port,
}

impl Seeker {
    pub(crate) fn effort(&self) -> Effort {
        self.effort
    }

    /// So much is done from now on.
    pub(crate) fn look(&mut self, effort: Effort, now: Instant) {
        if self.effort != effort {
            self.effort = effort;
            self.start_over(now);
        }
    }

    /// The networks are others.
    pub(crate) fn start_over(&mut self, now: Instant) {
        self.next = match self.effort {
            Effort::Search => Some(now),
            Effort::Off | Effort::Listen => None,
        };
        self.began = None;
        self.asked = 0;
        self.port = Port::Shared;
    }

    /// Some if the network is to be asked now, and from where: by turns from the port that firewalls are open at, and from
    /// one at which no other app on this computer takes the answers.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Port> {
        if self.next? > now {
            return None;
        }
        let began = *self.began.get_or_insert(now);
        self.next = Some(match SEEK_AGAIN.get(self.asked) {
            Some(after) => began + *after,
            None => now + SEEK_EVERY,
        });
        self.asked = SEEK_AGAIN.len().min(self.asked + 1);
        let port = self.port;
        self.port = match port {
            Port::Shared => Port::Own,
            Port::Own => Port::Shared,
        };
        Some(port)
    }

    pub(crate) fn wake(&self) -> Option<Instant> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn asked(seeker: &mut Seeker, start: Instant, seconds: u64) -> Vec<u64> {
        (0..seconds)
            .filter(|second| seeker.poll(start + Duration::from_secs(*second)).is_some())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_asks_quickly_and_then_now_and_then() {
        let start = Instant::now();
        let mut seeker = Seeker::default();
        assert!(asked(&mut seeker, start, 100).is_empty());
        seeker.look(Effort::Listen, start);
        assert!(asked(&mut seeker, start, 100).is_empty());
        assert_eq!(seeker.wake(), None);
        seeker.look(Effort::Search, start);
        assert_eq!(asked(&mut seeker, start, 100), [0, 1, 3, 33, 63, 93]);
        seeker.look(Effort::Search, start);
        assert!(asked(&mut seeker, start, 100).is_empty());
        let later = start + Duration::from_secs(100);
        seeker.start_over(later);
        assert_eq!(asked(&mut seeker, later, 10), [0, 1, 3]);
        seeker.start_over(later);
        let ports: Vec<Port> = (0..100)
            .filter_map(|second| seeker.poll(later + Duration::from_secs(second)))
            .collect();
        assert_eq!(ports, [Port::Shared, Port::Own].repeat(3));
        seeker.look(Effort::Off, later);
        assert!(asked(&mut seeker, later, 100).is_empty());
    }
}
