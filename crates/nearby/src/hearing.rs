//! What datagrams say, and how many of them are read at all. Pure.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use chatspot_protocol::address::Address;
use chatspot_protocol::beacon::{Beacon, Cast};
use chatspot_protocol::ids::{RoomId, WallMillis};
use chatspot_protocol::limits::{
    HEARD_A_SECOND, HEARD_OF_SOURCE_A_SECOND, HEARD_ROOMS, HEARD_SOURCES, TAKEN_A_SECOND,
};
use chatspot_protocol::view::Way;
use tokio::time::Instant;
use tracing::trace;

use crate::Sighting;
use crate::budget::{Budget, Budgets, Rate};
use crate::networks::Networks;
use crate::sockets::Datagram;

const TAKEN: Rate = Rate::a_second(TAKEN_A_SECOND);
const ALL: Rate = Rate::a_second(HEARD_A_SECOND);
const OF_SOURCE: Rate = Rate::a_second(HEARD_OF_SOURCE_A_SECOND);

/// What was said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Sighting(Sighting),
    Seek,
    Ping {
        nonce: u64,
        by: Cast,
    },
    Pong {
        nonce: u64,
        heard: Cast,
        by: Cast,
        at: WallMillis,
    },
}

/// Reads, within limits.
#[derive(Debug)]
pub(crate) struct Hearing {
    /// What is looked at, whoever sent it.
    taken: Budget,
    /// What is read of that, which one host alone does not use up.
    all: Budget,
    sources: Budgets,
    /// Where rooms were said to be: their farewells do not say the port.
    ports: HashMap<(SocketAddr, RoomId), u16>,
}

impl Hearing {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            taken: Budget::new(now),
            all: Budget::new(now),
            sources: Budgets::new(OF_SOURCE, HEARD_SOURCES),
            ports: HashMap::new(),
        }
    }

    /// From when on a datagram may be taken from the sockets. Before, not even that work is done.
    pub(crate) fn ready_at(&self) -> Instant {
        self.all.ready_at(ALL).max(self.taken.ready_at(TAKEN))
    }

    /// What a datagram says; none where it says nothing, or its sender says too much.
    pub(crate) fn hear(
        &mut self,
        datagram: &Datagram,
        networks: &Networks,
        now: Instant,
    ) -> Option<Heard> {
        self.taken.take(TAKEN, now)?;
        self.sources.take(datagram.from.ip(), now)?;
        self.all.take(ALL, now)?;
        let (beacon, by) = Beacon::decode(&datagram.bytes)
            .inspect_err(|error| trace!(%error, from = %datagram.from, "no beacon"))
            .ok()?;
        let from = datagram.from;
        let address = |port| address(from, port, networks);
        match beacon {
            Beacon::Here { port, room } => {
                if port == 0 || room.hidden {
                    return None;
                }
                if self.ports.len() >= HEARD_ROOMS {
                    // All of them are called out again soon.
                    self.ports.clear();
                }
                self.ports.insert((place(from), room.room), port);
                Some(Heard::Sighting(Sighting::Here {
                    room,
                    addresses: vec![address(port)],
                    by: way(by),
                }))
            }
            Beacon::Gone { room } => {
                let port = self.ports.remove(&(place(from), room))?;
                Some(Heard::Sighting(Sighting::Gone {
                    room,
                    addresses: vec![address(port)],
                    by: way(by),
                }))
            }
            Beacon::Seek => Some(Heard::Seek),
            Beacon::Ping { nonce } => Some(Heard::Ping { nonce, by }),
            Beacon::Pong { nonce, heard, at } => Some(Heard::Pong {
                nonce,
                heard,
                by,
                at,
            }),
        }
    }
}

fn way(by: Cast) -> Way {
    match by {
        Cast::Multicast => Way::Multicast,
        Cast::Broadcast => Way::Broadcast,
        Cast::Unicast | Cast::Unknown => Way::Answer,
    }
}

/// The sender without its port.
fn place(from: SocketAddr) -> SocketAddr {
    let mut place = from;
    place.set_port(0);
    place
}

/// Where a relay of the sender is.
fn address(from: SocketAddr, port: u16, networks: &Networks) -> Address {
    let host = match (from.ip().to_canonical(), from) {
        (IpAddr::V6(ip), SocketAddr::V6(v6)) if ip.is_unicast_link_local() => {
            format!("{ip}%{}", networks.zone(v6.scope_id()))
        }
        (ip, _) => ip.to_string(),
    };
    Address { host, port }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;
    use std::time::Duration;

    use super::*;
    use crate::announcer::tests::room;
    use crate::networks::tests::networks;

    fn said(beacon: &Beacon, by: Cast, from: &str) -> Datagram {
        Datagram {
            bytes: beacon.encode(by),
            from: from.parse().unwrap(),
        }
    }

    fn place_of(heard: Option<Heard>) -> Option<(String, Way)> {
        match heard {
            Some(Heard::Sighting(
                Sighting::Here { addresses, by, .. } | Sighting::Gone { addresses, by, .. },
            )) => Some((addresses[0].to_string(), by)),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_is_where_its_beacon_comes_from() {
        let now = Instant::now();
        let mut hearing = Hearing::new(now);
        let here = networks(&["eth0 192.168.1.5/24", "wlan0 fe80::5/64"]);
        let beacon = Beacon::Here {
            port: 4471,
            room: room(1).room,
        };
        for (by, way) in [
            (Cast::Multicast, Way::Multicast),
            (Cast::Broadcast, Way::Broadcast),
            (Cast::Unicast, Way::Answer),
        ] {
            let datagram = said(&beacon, by, "192.168.1.9:4470");
            let heard = hearing.hear(&datagram, &here, now);
            assert_eq!(place_of(heard), Some(("192.168.1.9:4471".to_owned(), way)));
        }
        let mut datagram = said(&beacon, Cast::Multicast, "192.168.1.9:4470");
        datagram.from = SocketAddrV6::new("fe80::9".parse().unwrap(), 4470, 0, 2).into();
        let heard = hearing.hear(&datagram, &here, now);
        assert_eq!(
            place_of(heard),
            Some(("[fe80::9%wlan0]:4471".to_owned(), Way::Multicast))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_farewell_is_of_the_place_it_comes_from() {
        let now = Instant::now();
        let mut hearing = Hearing::new(now);
        let here = networks(&["eth0 192.168.1.5/24"]);
        let summary = room(1).room;
        let gone = Beacon::Gone { room: summary.room };
        let beacon = Beacon::Here {
            port: 4471,
            room: summary,
        };
        hearing.hear(
            &said(&beacon, Cast::Multicast, "192.168.1.9:4470"),
            &here,
            now,
        );
        let other = said(&gone, Cast::Multicast, "192.168.1.10:4470");
        assert_eq!(hearing.hear(&other, &here, now), None);
        let same = said(&gone, Cast::Broadcast, "192.168.1.9:50000");
        assert_eq!(
            place_of(hearing.hear(&same, &here, now)),
            Some(("192.168.1.9:4471".to_owned(), Way::Broadcast))
        );
        assert_eq!(hearing.hear(&same, &here, now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_says_that_it_is_hidden_or_nowhere_is_not_passed_on() {
        let now = Instant::now();
        let mut hearing = Hearing::new(now);
        let mut room = room(1).room;
        let nowhere = Beacon::Here {
            port: 0,
            room: room.clone(),
        };
        room.hidden = true;
        let hidden = Beacon::Here { port: 4470, room };
        for beacon in [nowhere, hidden] {
            let datagram = said(&beacon, Cast::Multicast, "192.168.1.9:4470");
            assert_eq!(hearing.hear(&datagram, &Networks::default(), now), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_too_much_silences_nobody_else() {
        let start = Instant::now();
        let here = Networks::default();
        let mut hearing = Hearing::new(start);
        let mut read = 0;
        for second in 0..10 {
            for tenth in 0..10 {
                let now = start + Duration::from_millis(1_000 * second + 100 * tenth);
                // The sockets are not left alone for one host that says too much.
                assert!(hearing.ready_at() <= now, "{second} {tenth}");
                for _ in 0..200 {
                    let noise = said(&Beacon::Seek, Cast::Multicast, "10.0.0.66:4470");
                    hearing.hear(&noise, &here, now);
                }
                let quiet = said(&Beacon::Seek, Cast::Multicast, "10.0.0.9:4470");
                read += u32::from(hearing.hear(&quiet, &here, now).is_some());
            }
        }
        assert_eq!(read, 100);
        let now = start + Duration::from_secs(60);
        let mut taken = 0;
        while hearing.ready_at() <= now {
            hearing.hear(
                &said(&Beacon::Seek, Cast::Multicast, "10.0.0.66:1"),
                &here,
                now,
            );
            taken += 1;
        }
        assert_eq!(taken, TAKEN_A_SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_one_or_of_many_is_bounded() {
        let now = Instant::now();
        let here = Networks::default();
        let mut hearing = Hearing::new(now);
        let mut read = 0;
        for _ in 0..10_000 {
            let datagram = said(&Beacon::Seek, Cast::Multicast, "10.0.0.9:4470");
            read += u32::from(hearing.hear(&datagram, &here, now).is_some());
        }
        assert_eq!(read, HEARD_OF_SOURCE_A_SECOND);
        let mut hearing = Hearing::new(now);
        let mut read = 0;
        for n in 0..30_000u32 {
            let from = SocketAddr::from((std::net::Ipv4Addr::from(n), 4470));
            let bytes = Beacon::Here {
                port: 4470,
                room: room(n).room,
            }
            .encode(Cast::Multicast);
            let datagram = Datagram { bytes, from };
            let at = now + Duration::from_millis(u64::from(n / 3));
            read += u32::from(hearing.hear(&datagram, &here, at).is_some());
            assert!(hearing.ports.len() <= HEARD_ROOMS);
        }
        // Ten seconds.
        assert!(read <= 11 * HEARD_A_SECOND, "{read}");
        assert!(read >= 9 * HEARD_A_SECOND, "{read}");
        assert!(hearing.ready_at() > now + Duration::from_millis(9_999));
    }
}
