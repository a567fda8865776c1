//! The one task that listens and calls out: it joins the sockets, the clock and what is wanted.

use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chatspot_protocol::beacon::Beacon;
use chatspot_protocol::ids::WallMillis;
use chatspot_protocol::limits::{ECHOES, NETWORKS_EVERY, PING_AGAIN};
use mdns_sd::ServiceEvent;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tracing::{debug, info};

use crate::announcer::{Announcer, Call, To};
use crate::hearing::{Heard, Hearing};
use crate::mdns::Services;
use crate::networks::Networks;
use crate::pongs::Ping;
use crate::seeker::Seeker;
use crate::service::{Config, Echo, Echoes, Mdns, Order};
use crate::sockets::{Datagram, Port, Sent, Sockets};
use crate::{Effort, Sighting, Ways};

/// How often sockets that did not open are tried again: an address of IPv6 can be used a second or two after it appears.
const REOPENINGS: u32 = 4;

/// How long until mDNS is tried again that did not start.
const MDNS_RETRY: Duration = Duration::from_secs(60);

/// A question that waits for answers.
#[derive(Debug)]
struct Asking {
    /// Of the first time and of the second: as another question it is answered to all again.
    nonces: [u64; 2],
    /// When it is sent the second time.
    again: Option<Instant>,
    until: Instant,
    answer: oneshot::Sender<Echoes>,
    echoes: Echoes,
}

/// The task.
#[derive(Debug)]
pub(crate) struct Task {
    config: Config,
    /// Of all networks that of this address alone.
    only: Option<IpAddr>,
    look_at_networks: fn() -> Networks,
    networks: watch::Sender<Arc<Networks>>,
    sightings: mpsc::Sender<Sighting>,
    announcer: Announcer,
    seeker: Seeker,
    hearing: Hearing,
    /// At most as many as there are orders at once; each ends by itself.
    asking: Vec<Asking>,
    sockets: Option<Sockets>,
    reopenings: u32,
    services: Option<Services>,
    /// When there is more for mDNS to do.
    services_at: Option<Instant>,
}

/// Whether the task goes on.
enum Next {
    On,
    /// It was told to end, and says so when it has.
    End(oneshot::Sender<()>),
}

impl Task {
    pub(crate) fn new(
        config: Config,
        only: Option<IpAddr>,
        look_at_networks: fn() -> Networks,
        sightings: mpsc::Sender<Sighting>,
        networks: watch::Sender<Arc<Networks>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            config,
            only,
            look_at_networks,
            networks,
            sightings,
            announcer: Announcer::new(random(), now),
            seeker: Seeker::default(),
            hearing: Hearing::new(now),
            asking: Vec::new(),
            sockets: None,
            reopenings: 0,
            services: None,
            services_at: None,
        }
    }

    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut look = interval(NETWORKS_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = loop {
            self.work(Instant::now());
            self.work_by_mdns(Instant::now()).await;
            let wake = self.wake();
            let ready = self.hearing.ready_at();
            tokio::select! {
                order = orders.recv() => match order.map(|order| self.order(order)) {
                    Some(Next::On) => {}
                    Some(Next::End(ended)) => break Some(ended),
                    None => break None,
                },
                datagram = heard(&mut self.sockets, ready) => self.hear(&datagram),
                event = found(&mut self.services) => self.find(event),
                () = at(wake) => {}
                _ = look.tick() => self.look_at_networks(),
            }
        };
        self.farewell().await;
        drop(ended);
    }

    /// Does what is due.
    fn work(&mut self, now: Instant) {
        self.open_or_close();
        while let Some(call) = self.announcer.poll(now) {
            self.send(&call);
        }
        if let Some(port) = self.seeker.poll(now)
            && let Some(sockets) = &self.sockets
        {
            sockets.call(&Beacon::Seek, port);
        }
        self.ask(now);
    }

    /// The daemon is there while rooms are open, or are searched, and only then.
    async fn work_by_mdns(&mut self, now: Instant) {
        let effort = self.seeker.effort();
        let wanted = self.config.mdns == Mdns::On
            && (effort == Effort::Search || self.announcer.open().next().is_some());
        if !wanted {
            self.services_at = None;
            if let Some(services) = self.services.take() {
                services.end().await;
            }
            return;
        }
        if self.services.is_none() {
            if self.services_at.is_some_and(|at| at > now) {
                return;
            }
            self.services = Services::start(random(), self.only, self.networks.subscribe(), now);
            self.services_at = Some(now + MDNS_RETRY);
        }
        if let Some(services) = &mut self.services {
            self.services_at = services.work(self.announcer.open(), effort, now);
            let still_here = services.still_here(now);
            for sighting in still_here {
                self.tell(sighting);
            }
        }
    }

    fn find(&mut self, event: Option<ServiceEvent>) {
        let networks = self.networks.borrow().clone();
        let found = event.zip(self.services.as_mut());
        let told = found.map(|(event, services)| services.read(event, &networks));
        for sighting in told.into_iter().flatten() {
            self.tell(sighting);
        }
    }

    fn ask(&mut self, now: Instant) {
        for asking in &mut self.asking {
            if asking.again.is_some_and(|again| again <= now) {
                asking.again = None;
                if let Some(sockets) = &self.sockets {
                    let [_, nonce] = asking.nonces;
                    sockets.call(&Beacon::Ping { nonce }, Port::Own);
                }
            }
        }
        for done in self.asking.extract_if(.., |asking| asking.until <= now) {
            let _ = done.answer.send(done.echoes);
        }
    }

    fn wake(&self) -> Option<Instant> {
        let asking = self
            .asking
            .iter()
            .map(|asking| asking.again.unwrap_or(asking.until).min(asking.until));
        asking
            .chain(self.announcer.wake())
            .chain(self.seeker.wake())
            .chain(self.services_at)
            .chain(self.services.as_ref().and_then(Services::wake))
            .min()
    }

    fn order(&mut self, order: Order) -> Next {
        let now = Instant::now();
        match order {
            Order::Announce(rooms) => self.announcer.announce(rooms, now),
            Order::Look(effort) => self.seeker.look(effort, now),
            Order::Ping(patience, answer) => {
                let nonce = random();
                let asking = Asking {
                    nonces: [nonce, random()],
                    again: Some(now + PING_AGAIN),
                    until: now + patience,
                    answer,
                    echoes: Echoes::default(),
                };
                self.asking.push(asking);
                self.open_or_close();
                let sent = match &self.sockets {
                    Some(sockets) => sockets.call(&Beacon::Ping { nonce }, Port::Shared),
                    None => Sent::default(),
                };
                if let Some(asking) = self.asking.last_mut() {
                    asking.echoes.ways = Ways {
                        multicast: sent.multicast.reach(),
                        broadcast: sent.broadcast.reach(),
                    };
                    asking.echoes.deaf = self
                        .sockets
                        .as_ref()
                        .and_then(|sockets| sockets.deaf().map(str::to_owned));
                    asking.echoes.multicast_refused = sent.multicast.refused();
                    asking.echoes.broadcast_refused = sent.broadcast.refused();
                }
            }
            Order::End(ended) => return Next::End(ended),
        }
        Next::On
    }

    /// Sockets are there while somebody wants something, and only then.
    fn open_or_close(&mut self) {
        let wanted = self.seeker.effort() != Effort::Off
            || !self.announcer.is_silent()
            || !self.asking.is_empty();
        if !wanted {
            self.sockets = None;
        } else if self.sockets.is_none() {
            self.reopenings = REOPENINGS;
            self.open();
        }
    }

    fn open(&mut self) {
        // The old ones first: their port may not be shared everywhere.
        self.sockets = None;
        let networks = self.networks.borrow().clone();
        self.sockets = Some(Sockets::open(&networks, self.config.port));
    }

    fn send(&self, call: &Call) {
        let Some(sockets) = &self.sockets else {
            return;
        };
        match call.to {
            To::All => {
                sockets.call(&call.beacon, Port::Shared);
            }
            To::AllNear(to) => sockets.call_near(&call.beacon, to),
            To::One(to) => sockets.tell(&call.beacon, to),
        }
    }

    fn hear(&mut self, datagram: &Datagram) {
        let now = Instant::now();
        let networks = self.networks.borrow().clone();
        let from = datagram.from;
        match self.hearing.hear(datagram, &networks, now) {
            Some(Heard::Sighting(sighting)) if self.seeker.effort() != Effort::Off => {
                self.tell(sighting);
            }
            Some(Heard::Seek) => self.announcer.sought(from, &networks, now),
            // Our own question comes back to us, too.
            Some(Heard::Ping { nonce, by })
                if self
                    .asking
                    .iter()
                    .all(|asking| !asking.nonces.contains(&nonce)) =>
            {
                let ping = Ping {
                    nonce,
                    heard: by,
                    from,
                    at: wall(),
                };
                self.announcer.pinged(ping, &networks, now);
            }
            Some(Heard::Pong {
                nonce,
                heard,
                by,
                at,
            }) => {
                self.announcer.ponged(nonce, from, by);
                let now = wall();
                let echo = Echo {
                    from,
                    heard,
                    by,
                    at,
                    now,
                };
                self.echo(nonce, echo, &networks);
            }
            Some(Heard::Sighting(_) | Heard::Ping { .. }) | None => {}
        }
    }

    fn echo(&mut self, nonce: u64, echo: Echo, networks: &Networks) {
        // Another app on this computer says nothing about the network.
        if networks.0.iter().any(|own| own.ip == echo.from.ip()) {
            return;
        }
        let Some(asking) = self
            .asking
            .iter_mut()
            .find(|asking| asking.nonces.contains(&nonce))
        else {
            return;
        };
        let echoes = &mut asking.echoes.echoes;
        let same =
            |other: &Echo| (other.from, other.heard, other.by) == (echo.from, echo.heard, echo.by);
        if echoes.len() < ECHOES && !echoes.iter().any(same) {
            echoes.push(echo);
        }
    }

    fn tell(&self, sighting: Sighting) {
        if self.sightings.try_send(sighting).is_err() {
            // It is called out again.
            debug!("a sighting was not taken");
        }
    }

    fn look_at_networks(&mut self) {
        let networks = (self.look_at_networks)().only(self.only);
        let changed = **self.networks.borrow() != networks;
        if changed {
            info!(networks = networks.0.len(), "in other networks");
            self.networks.send_replace(Arc::new(networks));
            self.reopenings = REOPENINGS;
            if self.sockets.is_some() {
                self.open();
            }
        } else if !self.opens_more() {
            return;
        }
        let now = Instant::now();
        self.announcer.start_over(now);
        self.seeker.start_over(now);
        if changed {
            if let Some(services) = &mut self.services {
                services.start_over();
            }
            self.tell(Sighting::Networks);
        }
    }

    /// Tries again, a few times, what did not open; whether more is open then.
    fn opens_more(&mut self) -> bool {
        let Some(sockets) = self.sockets.as_mut().filter(|sockets| !sockets.is_whole()) else {
            return false;
        };
        if self.reopenings == 0 {
            return false;
        }
        self.reopenings -= 1;
        let networks = self.networks.borrow().clone();
        sockets.open_rest(&networks) > 0
    }

    /// Says that the rooms are gone.
    async fn farewell(&mut self) {
        let services = self.services.take();
        let by_mdns = async {
            if let Some(services) = services {
                services.end().await;
            }
        };
        tokio::join!(by_mdns, self.farewell_by_beacons());
    }

    async fn farewell_by_beacons(&mut self) {
        self.announcer.announce(Vec::new(), Instant::now());
        self.announcer.forget_questions();
        loop {
            while let Some(call) = self.announcer.poll(Instant::now()) {
                self.send(&call);
            }
            let Some(wake) = self.announcer.wake() else {
                return;
            };
            sleep_until(wake).await;
        }
    }
}

/// The next datagram, not before `ready`. Cancel safe.
async fn heard(sockets: &mut Option<Sockets>, ready: Instant) -> Datagram {
    let Some(sockets) = sockets else {
        return pending().await;
    };
    if ready > Instant::now() {
        sleep_until(ready).await;
    }
    match sockets.heard().await {
        Some(datagram) => datagram,
        None => pending().await,
    }
}

/// What mDNS finds next. Cancel safe.
async fn found(services: &mut Option<Services>) -> Option<ServiceEvent> {
    match services {
        Some(services) => services.found().await,
        None => pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

fn wall() -> WallMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        WallMillis::try_from(since.as_millis()).unwrap_or(WallMillis::MAX)
    })
}

/// Chance, or the time where the system has none: nothing here is a secret.
fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| wall().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::announcer::tests::room;
    use crate::networks::tests::networks;

    static MOVED: AtomicBool = AtomicBool::new(false);

    fn moving() -> Networks {
        if MOVED.load(Ordering::Relaxed) {
            networks(&["eth0 10.0.0.7/24"])
        } else {
            Networks::default()
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn at_one_address_other_networks_are_none() {
        let all = || networks(&["eth0 10.0.0.7/24", "eth1 10.0.1.7/24"]);
        let look = |only: &str| {
            let (sightings, mut seen) = mpsc::channel(4);
            let (teller, told) = watch::channel(Arc::new(Networks::default()));
            let config = Config {
                port: 0,
                mdns: Mdns::Off,
            };
            let mut task = Task::new(config, only.parse().ok(), all, sightings, teller);
            task.look_at_networks();
            let here: Vec<IpAddr> = told.borrow().0.iter().map(|network| network.ip).collect();
            (here, seen.try_recv().is_ok())
        };
        assert_eq!(look("10.0.1.7"), (vec![[10, 0, 1, 7].into()], true));
        assert_eq!(look("10.0.2.7"), (vec![], false));
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_is_set_for_what_is_next_and_another_network_comes_first() {
        let (sightings, mut seen) = mpsc::channel(4);
        let (teller, told) = watch::channel(Arc::new(Networks::default()));
        let config = Config {
            port: 0,
            mdns: Mdns::Off,
        };
        let mut task = Task::new(config, None, moving, sightings, teller);
        let start = Instant::now();
        task.work(start);
        assert_eq!(task.wake(), None);
        task.order(Order::Look(Effort::Search));
        assert_eq!(task.wake(), Some(start));
        task.work(start);
        assert_eq!(task.wake(), Some(start + seconds(1)));
        task.order(Order::Look(Effort::Listen));
        assert_eq!(task.wake(), None);

        task.order(Order::Announce(vec![room(1)]));
        for second in [0, 1, 3] {
            task.work(start + seconds(second));
        }
        tokio::time::advance(seconds(4)).await;
        let quiet = task.wake();
        assert!(quiet > Some(start + seconds(10)), "{quiet:?}");
        task.look_at_networks();
        assert_eq!(task.wake(), quiet);
        assert!(seen.try_recv().is_err());
        MOVED.store(true, Ordering::Relaxed);
        task.look_at_networks();
        assert_eq!(task.wake(), Some(start + seconds(4)));
        assert_eq!(seen.try_recv(), Ok(Sighting::Networks));
        assert_eq!(**told.borrow(), moving());
    }
}
