//! Rooms as DNS-SD services (RFC 6762, RFC 6763): calling them out, and finding those of others.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chatspot_protocol::address::Address;
use chatspot_protocol::beacon::{SERVICE, read_text_record, text_record};
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::{
    MDNS_CHANGED_EVERY, MDNS_INSTANCE_BYTES, MDNS_TOLD_EVERY, NEARBY_ADDRESSES, NEARBY_ROOMS,
};
use chatspot_protocol::text::cut;
use chatspot_protocol::view::Way;
use chatspot_protocol::wire::RoomSummary;
use mdns_sd::{
    IfKind, IfPredicate, Receiver, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent,
    ServiceInfo,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use crate::networks::Networks;
use crate::{Announced, Effort, Sighting};

/// How long the farewells may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long to leave a daemon alone that did not take an order.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// How often the daemon looks at the interfaces, in seconds.
const INTERFACES_EVERY: u32 = 2;

/// A room that is called out.
#[derive(Debug)]
struct Registered {
    announced: Announced,
    /// Kept when the room gets another name: to others it would be another service.
    instance: String,
    /// The service's whole name, by which it is taken back.
    name: String,
    at: Instant,
}

/// A room of others.
#[derive(Debug)]
struct Known {
    room: RoomSummary,
    addresses: Vec<Address>,
}

/// See [`Services::start_over`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stale {
    Yes,
    No,
}

/// The daemon, a thread of its own with its own sockets, and what it was told and tells.
pub(crate) struct Services {
    daemon: ServiceDaemon,
    /// Not this computer's name, which its own responder defends.
    host: String,
    /// The one address at which the rooms are, where they are not at all of them.
    only: Option<IpAddr>,
    registered: BTreeMap<RoomId, Registered>,
    found: Option<Receiver<ServiceEvent>>,
    /// Whether the search is to begin anew: what the daemon remembers is of networks that this computer may have left.
    stale: Stale,
    /// By the service's whole name; at most [`NEARBY_ROOMS`].
    known: HashMap<String, Known>,
    tell_at: Instant,
    /// Not before this is anything ordered.
    rest: Instant,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

impl Services {
    /// Starts the daemon; `number` makes the host's name unique. None where it does not start.
    pub(crate) fn start(
        number: u64,
        only: Option<IpAddr>,
        networks: watch::Receiver<Arc<Networks>>,
        now: Instant,
    ) -> Option<Self> {
        let daemon = ServiceDaemon::new()
            .inspect_err(|error| warn!(%error, "no mDNS"))
            .ok()?;
        let useless = IfPredicate::new(move |interface| {
            let networks = networks.borrow();
            let mut useful = networks.useful().into_iter();
            only.is_some_and(|ip| ip != interface.ip())
                || !useful.any(|network| network.interface == interface.name)
        });
        // A daemon that has just started takes orders.
        let _ = daemon.disable_interface(IfKind::Predicate(useless));
        let _ = daemon.set_ip_check_interval(INTERFACES_EVERY);
        Some(Self {
            daemon,
            host: format!("chatspot-{:08x}.local.", number >> 32),
            only,
            registered: BTreeMap::new(),
            found: None,
            stale: Stale::No,
            known: HashMap::new(),
            tell_at: now,
            rest: now,
        })
    }

    /// Calls out these rooms and no others, and looks for others' or not. Gives when there is more to do.
    pub(crate) fn work<'a>(
        &mut self,
        rooms: impl Iterator<Item = &'a Announced>,
        effort: Effort,
        now: Instant,
    ) -> Option<Instant> {
        if self.rest > now {
            return Some(self.rest);
        }
        let mut next = None;
        let done = self
            .look(effort)
            .and_then(|()| self.register(rooms, &mut next, now));
        if let Err(error) = done {
            debug!(%error, "mDNS did not take an order");
            self.rest = now + AFTER_ERROR;
            return Some(self.rest);
        }
        next
    }

    /// The networks are others: what was found in the old ones counts no more, and who is in the new ones is asked.
    pub(crate) fn start_over(&mut self) {
        self.stale = Stale::Yes;
    }

    fn look(&mut self, effort: Effort) -> mdns_sd::Result<()> {
        // What is known is asked for again and again before it expires: not while nobody looks.
        if self.found.is_some() && (effort != Effort::Search || self.stale == Stale::Yes) {
            self.daemon.stop_browse(&service())?;
            self.forget();
        }
        if self.found.is_none() && effort == Effort::Search {
            self.found = Some(self.daemon.browse(&service())?);
        }
        self.stale = Stale::No;
        Ok(())
    }

    /// Nothing more is heard of what is known. Nobody is told: a [`Sighting::Gone`] would say that it closed, and whoever
    /// counts the silence since the last [`Services::still_here`] notices it.
    fn forget(&mut self) {
        self.found = None;
        self.known.clear();
    }

    fn register<'a>(
        &mut self,
        rooms: impl Iterator<Item = &'a Announced>,
        next: &mut Option<Instant>,
        now: Instant,
    ) -> mdns_sd::Result<()> {
        let mut closed: Vec<RoomId> = self.registered.keys().copied().collect();
        for announced in rooms {
            let id = announced.room.room;
            closed.retain(|room| *room != id);
            let before = self.registered.get(&id);
            if let Some(before) = before {
                if before.announced == *announced {
                    continue;
                }
                let due = before.at + MDNS_CHANGED_EVERY;
                if due > now {
                    *next = Some(next.map_or(due, |next| next.min(due)));
                    continue;
                }
            }
            let instance = before.map_or_else(
                || instance(&announced.room),
                |before| before.instance.clone(),
            );
            let info = service_info(&instance, &self.host, self.only, announced)?;
            let name = info.get_fullname().to_owned();
            self.daemon.register(info)?;
            let registered = Registered {
                announced: announced.clone(),
                instance,
                name,
                at: now,
            };
            self.registered.insert(id, registered);
        }
        for room in closed {
            if let Some(registered) = self.registered.get(&room) {
                self.daemon.unregister(&registered.name)?;
                self.registered.remove(&room);
            }
        }
        Ok(())
    }

    /// What the daemon found next. Cancel safe.
    pub(crate) async fn found(&mut self) -> Option<ServiceEvent> {
        let Some(found) = &self.found else {
            return std::future::pending().await;
        };
        let event = found.recv_async().await.ok();
        if event.is_none() {
            // It gave up on us since we did not listen; the next search starts anew.
            self.forget();
        }
        event
    }

    /// What an event says.
    pub(crate) fn read(&mut self, event: ServiceEvent, networks: &Networks) -> Vec<Sighting> {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                resolved(&mut self.known, &service, networks).unwrap_or_default()
            }
            ServiceEvent::ServiceRemoved(_, name) => {
                let known = self.known.remove(&name);
                known.map(Known::gone).into_iter().collect()
            }
            // What is found is resolved next; the rest is about the search itself.
            _ => Vec::new(),
        }
    }

    /// What is still there, now and then.
    pub(crate) fn still_here(&mut self, now: Instant) -> Vec<Sighting> {
        if self.tell_at > now {
            return Vec::new();
        }
        self.tell_at = now + MDNS_TOLD_EVERY;
        self.known.values().map(Known::here).collect()
    }

    pub(crate) fn wake(&self) -> Option<Instant> {
        (!self.known.is_empty()).then_some(self.tell_at)
    }

    /// Takes everything back, and ends the daemon.
    pub(crate) async fn end(self) {
        if let Ok(ended) = self.daemon.shutdown() {
            let _ = timeout(FAREWELL, ended.recv_async()).await;
        }
    }
}

fn service() -> String {
    format!("{SERVICE}.local.")
}

/// The room's name and a little of its id, as two rooms may have one name.
fn instance(room: &RoomSummary) -> String {
    let [a, b, c, ..] = room.room.0;
    let tag = format!(" ({a:02x}{b:02x}{c:02x})");
    let name = cut(room.name.as_str(), MDNS_INSTANCE_BYTES - tag.len());
    format!("{}{tag}", name.trim_end())
}

/// The daemon fills in the addresses as they are at each moment.
fn service_info(
    instance: &str,
    host: &str,
    only: Option<IpAddr>,
    announced: &Announced,
) -> mdns_sd::Result<ServiceInfo> {
    let record = text_record(&announced.room);
    let mut info = ServiceInfo::new(&service(), instance, host, (), announced.port, &record[..])?;
    if let Some(ip) = only {
        info.set_interfaces(vec![IfKind::Addr(ip)]);
    }
    Ok(info.enable_addr_auto())
}

impl Known {
    fn here(&self) -> Sighting {
        Sighting::Here {
            room: self.room.clone(),
            addresses: self.addresses.clone(),
            by: Way::Mdns,
        }
    }

    fn gone(self) -> Sighting {
        Sighting::Gone {
            room: self.room.room,
            addresses: self.addresses,
            by: Way::Mdns,
        }
    }
}

/// What a service that was resolved says, the first time or again: where it is, and where it is not any more. None where
/// it is no room.
fn resolved(
    known: &mut HashMap<String, Known>,
    service: &ResolvedService,
    networks: &Networks,
) -> Option<Vec<Sighting>> {
    let now = read_service(service, networks)?;
    let mut sightings = vec![now.here()];
    if let Some(mut before) = known.remove(&service.fullname) {
        if before.room.room == now.room.room {
            before.addresses.retain(|old| !now.addresses.contains(old));
        }
        // None would stand for all of them.
        if !before.addresses.is_empty() {
            sightings.push(before.gone());
        }
    }
    if known.len() < NEARBY_ROOMS {
        known.insert(service.fullname.clone(), now);
    }
    Some(sightings)
}

fn read_service(service: &ResolvedService, networks: &Networks) -> Option<Known> {
    let room = read_text_record(|key| service.get_property_val_str(key))?;
    if service.port == 0 {
        return None;
    }
    let mut addresses: Vec<Address> = service
        .addresses
        .iter()
        .map(|ip| Address {
            host: host(ip, networks),
            port: service.port,
        })
        .collect();
    // An order that does not change, so that nothing seems new. The best ones are found by whoever dials.
    addresses.sort_by_cached_key(|address| (address.host.contains(':'), address.host.clone()));
    addresses.truncate(2 * NEARBY_ADDRESSES);
    (!addresses.is_empty()).then_some(Known { room, addresses })
}

fn host(ip: &ScopedIp, networks: &Networks) -> String {
    match (ip.to_ip_addr(), ip) {
        (IpAddr::V6(v6), ScopedIp::V6(scoped)) if v6.is_unicast_link_local() => {
            format!("{v6}%{}", networks.zone(scoped.scope_id().index))
        }
        (ip, _) => ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use chatspot_protocol::text::RoomName;

    use super::*;
    use crate::announcer::tests::room;
    use crate::networks::tests::networks;

    #[test]
    fn a_service_is_named_after_its_room() {
        let mut room = room(0x00a1_b2c3).room;
        assert_eq!(instance(&room), "Room 10597059 (00a1b2)");
        for (letter, times) in [("x", 40), ("\u{1f600}\u{301}", 40), ("\u{e9} ", 20)] {
            room.name = RoomName::parse(&letter.repeat(times)).unwrap();
            let name = instance(&room);
            assert!(name.len() <= MDNS_INSTANCE_BYTES, "{name}");
            assert!(name.ends_with(" (00a1b2)"), "{name}");
        }
    }

    #[test]
    fn a_service_says_of_a_room_what_is_read_from_it() {
        let mut announced = room(1);
        announced.room.name = RoomName::parse("A.b\\c \u{1f600}").unwrap();
        let name = instance(&announced.room);
        let mut info = service_info(&name, "chatspot-1.local.", None, &announced).unwrap();
        assert!(info.is_addr_auto());
        let here = networks(&["eth0 fe80::5/64", "eth0 192.168.1.5/24"]);
        let bare = read_service(&info.clone().as_resolved_service(), &here);
        assert!(bare.is_none(), "a service that is nowhere");
        let record = text_record(&announced.room);
        info = ServiceInfo::new(
            &service(),
            &name,
            "chatspot-1.local.",
            "192.168.1.9,fd00::9",
            announced.port,
            &record[..],
        )
        .unwrap();
        let known = read_service(&info.as_resolved_service(), &here).unwrap();
        assert_eq!(known.room, announced.room);
        let addresses: Vec<_> = known.addresses.iter().map(Address::to_string).collect();
        assert_eq!(addresses, ["192.168.1.9:4470", "[fd00::9]:4470"]);
    }

    #[test]
    fn a_service_that_moved_is_not_where_it_was() {
        let announced = room(1);
        let id = announced.room.room;
        let here = networks(&["eth0 192.168.1.5/24"]);
        let at = |addresses: &str, announced: &Announced| {
            let record = text_record(&announced.room);
            let host = "chatspot-1.local.";
            ServiceInfo::new(&service(), "x", host, addresses, 4470, &record[..])
                .unwrap()
                .as_resolved_service()
        };
        let text = |addresses: Vec<Address>| -> Vec<String> {
            addresses.iter().map(Address::to_string).collect()
        };
        let mut known = HashMap::new();
        let mut tell = |service: &ResolvedService| {
            let mut told = resolved(&mut known, service, &here).unwrap().into_iter();
            let Some(Sighting::Here { addresses, .. }) = told.next() else {
                panic!("it is somewhere");
            };
            let gone = told.next().map(|sighting| match sighting {
                Sighting::Gone {
                    room, addresses, ..
                } => (room, text(addresses)),
                other => panic!("{other:?}"),
            });
            (text(addresses), gone)
        };
        let both = ["192.168.1.8:4470".to_owned(), "192.168.1.9:4470".to_owned()];
        let first = at("192.168.1.8,192.168.1.9", &announced);
        assert_eq!(tell(&first), (both.to_vec(), None));
        assert_eq!(tell(&first), (both.to_vec(), None));
        let (left, moved) = (both[0].clone(), both[1].clone());
        assert_eq!(
            tell(&at("192.168.1.9", &announced)),
            (vec![moved.clone()], Some((id, vec![left])))
        );
        // Another room under the same name.
        let other = tell(&at("192.168.1.9", &room(2)));
        assert_eq!(other, (vec![moved.clone()], Some((id, vec![moved]))));
    }

    #[test]
    fn a_service_at_one_address_is_there_alone() {
        let ip = "10.0.0.5".parse().unwrap();
        let shown = |only| {
            let info = service_info("x", "chatspot-1.local.", only, &room(1)).unwrap();
            format!("{info:?}")
        };
        assert!(shown(Some(ip)).contains("supported_intfs: [Addr(10.0.0.5)]"));
        assert!(shown(None).contains("supported_intfs: [All]"));
    }

    /// The daemon is real; nothing is asked of the network but that it starts.
    #[tokio::test]
    async fn in_other_networks_the_search_begins_anew() {
        let (_teller, networks) = watch::channel(Arc::new(Networks::default()));
        let now = Instant::now();
        let Some(mut services) = Services::start(1, None, networks, now) else {
            return;
        };
        let known = || Known {
            room: room(1).room,
            addresses: vec!["192.168.1.9:4470".parse().unwrap()],
        };
        services.look(Effort::Search).unwrap();
        services.known.insert("x".to_owned(), known());
        services.look(Effort::Search).unwrap();
        assert_eq!(services.still_here(now).len(), 1);
        services.start_over();
        services.look(Effort::Search).unwrap();
        assert!(services.found.is_some() && services.known.is_empty());
        services.known.insert("x".to_owned(), known());
        services.look(Effort::Listen).unwrap();
        assert!(services.found.is_none() && services.known.is_empty());
        services.end().await;
    }

    #[tokio::test]
    async fn a_service_that_is_no_room_is_passed_over() {
        let info = ServiceInfo::new(
            &service(),
            "x",
            "x.local.",
            "192.168.1.9",
            4470,
            &[("v", "1")][..],
        )
        .unwrap();
        assert!(read_service(&info.as_resolved_service(), &Networks::default()).is_none());
    }
}
