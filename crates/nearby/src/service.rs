//! The handle of the one task that listens and calls out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chatspot_protocol::beacon::Cast;
use chatspot_protocol::ids::WallMillis;
use chatspot_protocol::limits::BEACON_PORT;
use tokio::sync::{mpsc, oneshot, watch};

use crate::networks::Networks;
use crate::task::Task;
use crate::{Announced, Effort, Sighting};

/// How discovery is done.
#[derive(Debug, Clone)]
pub struct Config {
    /// The UDP port of beacons.
    pub port: u16,
    /// Whether rooms are called out and looked for by mDNS, too.
    pub mdns: Mdns,
}

/// See [`Config::mdns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mdns {
    /// They are.
    On,
    /// By beacons alone.
    Off,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: BEACON_PORT,
            mdns: Mdns::On,
        }
    }
}

/// An answer to [`Nearby::ping`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// Whose.
    pub from: std::net::SocketAddr,
    /// How our question came to them.
    pub heard: Cast,
    /// How their answer came to us.
    pub by: Cast,
    /// Their clock.
    pub at: WallMillis,
    /// Our clock then.
    pub now: WallMillis,
}

/// What came of [`Nearby::ping`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Echoes {
    /// Answers of other computers.
    pub echoes: Vec<Echo>,
    /// What the system said where it did not send to groups at all. None, too, where there is nowhere to send.
    pub multicast_refused: Option<String>,
    /// What the system said where it did not send to all at all. None, too, where there is nowhere to send.
    pub broadcast_refused: Option<String>,
    /// Which ways there are at all.
    pub ways: Ways,
    /// What the system said where the beacons' port could not be opened: what others call out and ask is not heard, only
    /// answers are.
    pub deaf: Option<String>,
}

/// Whether this computer is in a network that has a way to all in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ways {
    /// To a group: every network has one.
    pub multicast: Reach,
    /// To all of a network: IPv6 knows no such thing.
    pub broadcast: Reach,
}

/// See [`Ways`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// There is no network with such a way, and nothing to be refused.
    #[default]
    Nowhere,
    /// There is one; whether the system lets anything out is another matter.
    Somewhere,
}

/// What is wanted of the task.
#[derive(Debug)]
pub(crate) enum Order {
    Announce(Vec<Announced>),
    Look(Effort),
    Ping(Duration, oneshot::Sender<Echoes>),
    End(oneshot::Sender<()>),
}

/// The handle; clones share the task, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Nearby {
    /// Bounded; when it is full, whoever wants something waits.
    orders: mpsc::Sender<Order>,
    networks: watch::Receiver<Arc<Networks>>,
}

impl Nearby {
    /// Begins. Must be called within a tokio runtime. Nothing is opened before somebody wants something.
    ///
    /// What is heard goes to the receiver; when nobody takes it, the newest is dropped: it is called out again.
    pub fn start(config: Config) -> (Self, mpsc::Receiver<Sighting>) {
        Self::start_in(config, None, Networks::now)
    }

    /// The same in one network alone, that of this address of this computer: where a relay listens at no other one,
    /// nobody is to dial another one. An unspecified address stands for all of them.
    pub fn start_at(config: Config, ip: IpAddr) -> (Self, mpsc::Receiver<Sighting>) {
        let ip = ip.to_canonical();
        Self::start_in(
            config,
            Some(ip).filter(|ip| !ip.is_unspecified()),
            Networks::now,
        )
    }

    /// The same in networks that are told.
    pub(crate) fn start_in(
        config: Config,
        only: Option<IpAddr>,
        networks: fn() -> Networks,
    ) -> (Self, mpsc::Receiver<Sighting>) {
        let (orders, receiver) = mpsc::channel(16);
        let (sightings, seen) = mpsc::channel(256);
        let (teller, told) = watch::channel(Arc::new(networks().only(only)));
        let task = Task::new(config, only, networks, sightings, teller);
        tokio::spawn(task.run(receiver));
        let networks = told;
        (Self { orders, networks }, seen)
    }

    /// From now on these rooms are called out, and no others; hidden ones are left out.
    pub async fn announce(&self, rooms: Vec<Announced>) {
        let _ = self.orders.send(Order::Announce(rooms)).await;
    }

    /// From now on so much is done to find rooms.
    pub async fn look(&self, effort: Effort) {
        let _ = self.orders.send(Order::Look(effort)).await;
    }

    /// Asks who is there, in every way, and gives them this long to answer.
    pub async fn ping(&self, patience: Duration) -> Echoes {
        let (sender, echoes) = oneshot::channel();
        let _ = self.orders.send(Order::Ping(patience, sender)).await;
        echoes.await.unwrap_or_default()
    }

    /// The networks that this computer is in, as they change.
    pub fn networks(&self) -> watch::Receiver<Arc<Networks>> {
        self.networks.clone()
    }

    /// Says that the rooms are gone, and ends.
    pub async fn end(&self) {
        let (sender, ended) = oneshot::channel();
        let _ = self.orders.send(Order::End(sender)).await;
        let _ = ended.await;
    }
}

#[cfg(test)]
mod tests;
