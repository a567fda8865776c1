//! Notices that the computer slept or changed networks: a connection that looks open may be dead then, and nobody
//! should have to wait for the heartbeat to say so.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use chatspot_protocol::view::AddressKind;
use tokio::time::Instant;

/// How often clocks and network interfaces are looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The clocks may drift apart this much between two looks before it counts as sleep: far more than any clock is
/// slewed by, far less than the heartbeat's patience.
const SLEPT: Duration = Duration::from_secs(5);

/// What happened to the computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// It slept, or somebody set its clock ahead: no harm is done by dialling again.
    Slept,
    /// Its network addresses changed.
    Moved,
}

/// What was seen at the last look.
#[derive(Debug)]
pub(crate) struct Watch {
    mono: Instant,
    wall: SystemTime,
    addresses: BTreeSet<IpAddr>,
}

impl Watch {
    pub(crate) fn new(mono: Instant, wall: SystemTime, addresses: BTreeSet<IpAddr>) -> Self {
        Self {
            mono,
            wall,
            addresses,
        }
    }

    /// Compares with the last look. Where the monotonic clock stands still in sleep, the wall clock ran ahead of it;
    /// where it does not, this look comes far too late.
    pub(crate) fn look(
        &mut self,
        mono: Instant,
        wall: SystemTime,
        addresses: BTreeSet<IpAddr>,
    ) -> Option<Woken> {
        let passed = mono.duration_since(self.mono);
        // A clock that was set back tells nothing.
        let by_wall = wall.duration_since(self.wall).unwrap_or(Duration::ZERO);
        let slept = by_wall > passed + SLEPT || passed > LOOK_EVERY + SLEPT;
        let moved = addresses != self.addresses;
        *self = Self::new(mono, wall, addresses);
        match (slept, moved) {
            (true, _) => Some(Woken::Slept),
            (false, true) => Some(Woken::Moved),
            (false, false) => None,
        }
    }
}

/// The addresses of this computer that others could reach. Empty when the system does not tell.
pub(crate) fn addresses() -> BTreeSet<IpAddr> {
    let networks = crate::net::networks().0.into_iter();
    networks
        // What comes and goes with containers carries no connection to a room.
        .filter(|network| {
            !matches!(
                network.kind,
                AddressKind::Loopback | AddressKind::Virtual
            )
        })
        .map(|network| network.ip)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> BTreeSet<IpAddr> {
        BTreeSet::from([IpAddr::from([192, 168, 1, 7])])
    }

    #[tokio::test]
    async fn f69_sleep_is_noticed_whether_the_clock_stands_still_in_it_or_not() {
        let (mono, wall) = (Instant::now(), SystemTime::now());
        let hour = Duration::from_secs(3600);
        let mut watch = Watch::new(mono, wall, home());
        assert_eq!(
            watch.look(mono + LOOK_EVERY, wall + LOOK_EVERY, home()),
            None
        );
        let (mono, wall) = (mono + 2 * LOOK_EVERY, wall + LOOK_EVERY + hour);
        assert_eq!(watch.look(mono, wall, home()), Some(Woken::Slept));
        assert_eq!(
            watch.look(mono + LOOK_EVERY, wall + LOOK_EVERY, home()),
            None,
            "once"
        );
        let (mono, wall) = (mono + LOOK_EVERY + hour, wall + LOOK_EVERY + hour);
        assert_eq!(watch.look(mono, wall, home()), Some(Woken::Slept));
    }

    #[tokio::test]
    async fn f73_a_clock_that_is_set_back_or_corrected_a_little_is_no_sleep() {
        let (mono, wall) = (Instant::now(), SystemTime::now());
        let mut watch = Watch::new(mono, wall, home());
        let year = Duration::from_secs(365 * 24 * 3600);
        assert_eq!(watch.look(mono + LOOK_EVERY, wall - year, home()), None);
        let second = Duration::from_secs(1);
        assert_eq!(
            watch.look(
                mono + 2 * LOOK_EVERY,
                wall - year + LOOK_EVERY + second,
                home()
            ),
            None
        );
    }

    #[tokio::test]
    async fn another_network_is_noticed_once() {
        let (mono, wall) = (Instant::now(), SystemTime::now());
        let mut watch = Watch::new(mono, wall, home());
        let away = BTreeSet::from([IpAddr::from([10, 0, 0, 3])]);
        let mut look = |addresses: &BTreeSet<IpAddr>| watch.look(mono, wall, addresses.clone());
        assert_eq!(look(&home()), None);
        assert_eq!(look(&away), Some(Woken::Moved));
        assert_eq!(look(&away), None);
        assert_eq!(look(&BTreeSet::new()), Some(Woken::Moved));
    }
}
