//! The task that owns the list of rooms nearby: it hears, asks, and tells the window.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chatspot_nearby::networks::Networks;
use chatspot_nearby::{Effort, Nearby, Sighting};
use chatspot_protocol::address::Address;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::{
    INTRODUCED_ROOMS, LOST_AFTER, LOST_SEARCH, NEARBY_HEARD_EVERY, NEARBY_TELL_EVERY,
};
use chatspot_protocol::view::{self, Change, Discovery, NearbyRoom, Scan, Search};
use chatspot_protocol::wire::Introduced;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::list::{Acquainted, Answer, List, Looking, Now};
use super::room::Presence;
use super::{Digest, Order, Peers, WayTo, probe, scan};
use crate::{Client, Shared, random, wall_now};

/// Sightings that are taken together before anything is done about them.
const SIGHTINGS_AT_ONCE: usize = 64;
/// News of a scan that wait; a scan whose answers are not taken waits, too.
const SCAN_NEWS: usize = 64;
/// When there is nothing to wake for.
const LATER: Duration = Duration::from_secs(3_600);
/// The shortest sleep: what is due a moment later is done together.
const NAP: Duration = Duration::from_millis(5);

/// Ends with the client.
pub(super) async fn run(
    client: Weak<Shared>,
    nearby: Nearby,
    mut sightings: mpsc::Receiver<Sighting>,
    mut orders: mpsc::Receiver<Order>,
    mut digests: watch::Receiver<Digest>,
    discovery: Discovery,
) {
    let mut networks = nearby.networks();
    let first = Arc::clone(&networks.borrow_and_update());
    let mut task = Task::new(client, nearby, first, discovery);
    digests.mark_changed();
    let mut heard = Vec::new();
    let mut hearing = true;
    while task.turn().await.is_some() {
        let wake = task.wake_at();
        tokio::select! {
            // In this order: what people want counts before what is heard, and a flood of it holds up nothing else.
            biased;
            order = orders.recv() => match order {
                Some(order) => task.order(order),
                None => return,
            },
            Some(done) = task.probes.join_next() => {
                // A question that panicked was none.
                if let Ok((address, answer)) = done {
                    task.list.answered(&address, &answer, task.now());
                }
            }
            news = task.scan.next() => task.scanned(news),
            changed = digests.changed() => {
                if changed.is_err() {
                    return;
                }
                let digest = digests.borrow_and_update().clone();
                task.digest(digest).await;
            }
            Ok(()) = networks.changed() => {
                let networks = Arc::clone(&networks.borrow_and_update());
                task.networks(networks);
            }
            () = sleep_until(wake) => {}
            count = sightings.recv_many(&mut heard, SIGHTINGS_AT_ONCE), if hearing => {
                // When nobody hears any more, what is remembered is still there.
                hearing = count > 0;
                task.heard(&mut heard);
            }
        }
        task.stale = true;
    }
}

struct Task {
    client: Weak<Shared>,
    nearby: Nearby,
    list: List,
    discovery: Discovery,
    looking: Looking,
    networks: Arc<Networks>,
    digest: Digest,
    probes: JoinSet<(Address, Answer)>,
    scan: Scanning,
    began: Instant,
    /// Since when a room that is open here has had no connection.
    lost_since: Option<Instant>,
    effort: Effort,
    /// What each room was told of others last.
    introduced: HashMap<RoomId, Vec<Introduced>>,
    told: view::Nearby,
    /// Something happened since the window was told.
    stale: bool,
    tell_at: Instant,
    tell_heard_at: Instant,
}

/// A scan, or none.
struct Scanning {
    task: JoinSet<()>,
    news: Option<mpsc::Receiver<scan::News>>,
    last: Option<Scan>,
}

impl Scanning {
    async fn next(&mut self) -> Option<scan::News> {
        match &mut self.news {
            Some(news) => news.recv().await,
            None => pending().await,
        }
    }

    fn stop(&mut self) {
        self.task.abort_all();
        self.news = None;
        if let Some(scan) = &mut self.last {
            scan.done = true;
        }
    }
}

impl Task {
    fn new(
        client: Weak<Shared>,
        nearby: Nearby,
        networks: Arc<Networks>,
        discovery: Discovery,
    ) -> Self {
        // Jitter need not be secret; without random numbers it is the same each time.
        let seed = random().map_or(0, u64::from_le_bytes);
        let now = Instant::now();
        let mut list = List::new(Arc::clone(&networks), seed);
        let start = Now {
            mono: Duration::ZERO,
            wall: wall_now(),
        };
        list.discovery(discovery, start);
        Self {
            client,
            nearby,
            list,
            discovery,
            looking: Looking::Away,
            networks,
            digest: Digest::default(),
            probes: JoinSet::new(),
            scan: Scanning {
                task: JoinSet::new(),
                news: None,
                last: None,
            },
            began: now,
            lost_since: None,
            effort: Effort::Off,
            introduced: HashMap::new(),
            told: view::Nearby::default(),
            stale: true,
            tell_at: now,
            tell_heard_at: now,
        }
    }

    fn now(&self) -> Now {
        Now {
            mono: self.began.elapsed(),
            wall: wall_now(),
        }
    }

    fn order(&mut self, order: Order) {
        let now = self.now();
        match order {
            Order::Look(looking) => {
                self.looking = looking;
                self.list.look(looking, now);
            }
            Order::Discovery(discovery) => {
                self.discovery = discovery;
                self.list.discovery(discovery, now);
                if discovery == Discovery::Off {
                    self.probes = JoinSet::new();
                    self.scan.stop();
                }
            }
            Order::Scan => self.begin_scan(),
            Order::StopScan => self.scan.stop(),
            Order::Introduced { teller, by, rooms } => {
                self.list.introduced(teller, &by, &rooms, now);
            }
            Order::WayTo(room, answer) => {
                let known = self.list.known_of(room);
                let way = self.list.way_to(room).zip(known);
                let way = way.map(|((name, addresses), known)| WayTo {
                    name,
                    addresses,
                    known,
                });
                // Nobody waits any more: nothing to do.
                let _ = answer.send(way);
            }
            Order::Peers(answer) => {
                let _ = answer.send(Peers {
                    reached: self.list.peers(),
                    heard: self.list.heard_now(),
                });
            }
        }
    }

    fn begin_scan(&mut self) {
        // What a scan finds is heard, too.
        if self.scan.news.is_some() || self.discovery == Discovery::Off {
            return;
        }
        let (sender, news) = mpsc::channel(SCAN_NEWS);
        self.scan.task = JoinSet::new();
        let targets = scan::targets(&self.networks);
        self.scan
            .task
            .spawn(scan::run(targets, scan::ports(), sender));
        self.scan.news = Some(news);
    }

    fn scanned(&mut self, news: Option<scan::News>) {
        match news {
            Some(scan::News::Answered(address, answer)) => {
                self.list.scanned(&address, &answer, self.now());
            }
            Some(scan::News::Progress(scan)) => self.scan.last = Some(scan),
            None => {
                self.scan.news = None;
                if let Some(scan) = &mut self.scan.last {
                    scan.done = true;
                }
            }
        }
    }

    fn heard(&mut self, sightings: &mut Vec<Sighting>) {
        let now = self.now();
        let wanted = self.discovery == Discovery::On;
        for sighting in sightings.drain(..).filter(|_| wanted) {
            self.list.heard(sighting, now);
        }
    }

    fn networks(&mut self, networks: Arc<Networks>) {
        self.networks = Arc::clone(&networks);
        self.list.networks(networks, self.now());
        // What was lost with the old network may be in the new one.
        self.lost_since = self.lost_since.map(|_| Instant::now());
    }

    async fn digest(&mut self, digest: Digest) {
        let now = self.now();
        let mut online = digest.open.iter();
        let lost = online.any(|open| open.presence == Presence::Lost);
        self.lost_since = lost.then(|| self.lost_since.unwrap_or_else(Instant::now));
        let rooms: Vec<RoomId> = digest.open.iter().map(|open| open.summary.room).collect();
        self.list.open(digest.open.clone(), now);
        self.list.still_in(&rooms, now);
        let first = self.told == view::Nearby::default();
        if first || self.digest.recents != digest.recents {
            self.remember().await;
        }
        self.digest = digest;
    }

    async fn remember(&mut self) {
        let Some(client) = self.client.upgrade().map(Client) else {
            return;
        };
        match client.0.store.remembered().await {
            Ok(rooms) => {
                let rooms = rooms.into_iter().map(|room| Acquainted {
                    room: room.room,
                    name: room.name,
                    addresses: room.addresses,
                    worked: room.worked,
                });
                self.list.remembered(rooms.collect(), self.now());
            }
            Err(error) => tracing::warn!(%error, "which rooms are remembered is not known"),
        }
    }

    /// Does whatever is to be done now. None when the client is gone.
    async fn turn(&mut self) -> Option<()> {
        let now = self.now();
        match self.discovery {
            Discovery::On => {
                while let Some(address) = self.list.poll(now) {
                    self.probes.spawn(async move {
                        // On the heap: handshakes take much room.
                        let answer = Box::pin(probe::ask(&address)).await;
                        (address, answer)
                    });
                }
            }
            Discovery::Off => self.list.tick(now),
        }
        let client = self.client.upgrade().map(Client)?;
        while let Some((room, addresses)) = self.list.sighted() {
            client.sighted(room, addresses).await;
        }
        self.introduce(&client).await;
        let effort = self.wanted_effort();
        if effort != self.effort {
            if self.effort == Effort::Search {
                self.list.browsing_ended(now);
            }
            self.effort = effort;
            self.nearby.look(effort).await;
        }
        if self.stale && Instant::now() >= self.tell_at {
            self.stale = false;
            self.tell_at = Instant::now() + NEARBY_TELL_EVERY;
            self.tell(&client).await;
        }
        Some(())
    }

    fn wanted_effort(&self) -> Effort {
        if self.discovery == Discovery::Off {
            return Effort::Off;
        }
        let lost = self.lost_since.map(|since| since.elapsed());
        let lost = lost.is_some_and(|lost| (LOST_AFTER..LOST_SEARCH).contains(&lost));
        if lost || self.looking == Looking::At {
            Effort::Search
        } else {
            Effort::Listen
        }
    }

    /// Tells those in the open rooms of others.
    async fn introduce(&mut self, client: &Client) {
        let all = match self.discovery {
            Discovery::On => self.list.to_introduce(),
            Discovery::Off => Vec::new(),
        };
        let mut rooms = Vec::new();
        for open in &self.digest.open {
            if !matches!(open.presence, Presence::Hosted | Presence::Online) {
                continue;
            }
            let room = open.summary.room;
            rooms.push(room);
            let others = all.iter().filter(|other| other.room != room);
            let others: Vec<Introduced> = others.take(INTRODUCED_ROOMS).cloned().collect();
            let nothing = Vec::new();
            if *self.introduced.get(&room).unwrap_or(&nothing) != others {
                client.introduce(room, others.clone()).await;
                self.introduced.insert(room, others);
            }
        }
        self.introduced.retain(|room, _| rooms.contains(room));
    }

    async fn tell(&mut self, client: &Client) {
        let real = |network: &chatspot_nearby::networks::Network| !network.ip.is_loopback();
        let search = match (self.discovery, self.looking) {
            (Discovery::Off, _) => Search::Off,
            (Discovery::On, _) if !self.networks.0.iter().any(real) => Search::NoNetwork,
            (Discovery::On, Looking::At) => Search::Searching,
            (Discovery::On, Looking::Away) => Search::Listening,
        };
        let next = view::Nearby {
            search,
            rooms: self.list.shown(self.now()),
            scan: self.scan.last,
        };
        if next == self.told {
            return;
        }
        // That something was heard again is no news worth a picture each time.
        if same_but_heard(&next, &self.told) && Instant::now() < self.tell_heard_at {
            return;
        }
        self.tell_heard_at = Instant::now() + NEARBY_HEARD_EVERY;
        self.told = next.clone();
        client.publish(Change::Nearby { nearby: next }).await;
    }

    fn wake_at(&self) -> Instant {
        let now = Instant::now();
        let wake = match self.discovery {
            Discovery::On => self.list.wake_at(self.now()),
            Discovery::Off => self.list.fades_at(self.now()),
        };
        let wake = wake.map(|at| self.began + at);
        let tell = self.stale.then_some(self.tell_at);
        let lost = self.lost_since.into_iter();
        let lost = lost.flat_map(|since| [since + LOST_AFTER, since + LOST_SEARCH]);
        let lost = lost.filter(|at| *at > now);
        let next = wake.into_iter().chain(tell).chain(lost).min();
        next.unwrap_or(now + LATER).max(now + NAP)
    }
}

fn same_but_heard(a: &view::Nearby, b: &view::Nearby) -> bool {
    let same = |(a, b): (&NearbyRoom, &NearbyRoom)| {
        let heard_at = b.heard_at;
        *b == NearbyRoom {
            heard_at,
            ..a.clone()
        }
    };
    a.search == b.search
        && a.scan == b.scan
        && a.rooms.len() == b.rooms.len()
        && a.rooms.iter().zip(&b.rooms).all(same)
}

#[cfg(test)]
mod tests {
    use chatspot_nearby::{Config, Mdns};

    use super::*;

    /// A scan that goes nowhere and never ends.
    #[tokio::test]
    async fn whoever_does_not_want_to_find_rooms_does_not_scan() {
        let config = Config {
            port: 0,
            mdns: Mdns::Off,
        };
        let (nearby, _heard) = Nearby::start(config);
        let networks = Arc::new(Networks::default());
        let mut task = Task::new(Weak::new(), nearby, networks, Discovery::On);
        let (_sender, news) = mpsc::channel(1);
        task.scan.news = Some(news);
        task.scan.task.spawn(pending());
        task.order(Order::Discovery(Discovery::Off));
        assert!(task.scan.news.is_none());
        let ended = task.scan.task.join_next().await.unwrap();
        assert!(ended.unwrap_err().is_cancelled());
        task.order(Order::Scan);
        assert!(task.scan.news.is_none());
        task.order(Order::Discovery(Discovery::On));
        task.order(Order::Scan);
        assert!(task.scan.news.is_some());
    }
}
