//! Rooms nearby: what was heard is put together, proven, and told to the window. The task that owns the list, and the ways
//! to it.

mod checkup;
mod crowd;
mod known;
mod list;
mod near;
mod open;
mod pace;
mod place;
mod probe;
mod questions;
mod room;
mod scan;
mod task;
#[cfg(test)]
mod tests;
mod told;

use std::net::SocketAddr;
use std::sync::Weak;

use chatspot_nearby::{Nearby, Sighting};
use chatspot_protocol::address::Address;
use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::limits::NEARBY_ORDERS;
use chatspot_protocol::text::{DisplayName, RoomName};
use chatspot_protocol::view::{Discovery, Failure, FailureCode, Known, Verified};
use chatspot_protocol::wire::Introduced;
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::known::{Before, known};
pub(crate) use self::list::Looking;
pub(crate) use self::open::{Digest, concerns};
use self::told::Teller;
use crate::failure::{failure, storage};
use crate::{Client, Shared};

/// What is wanted of the task.
#[derive(Debug)]
pub(crate) enum Order {
    /// Somebody came to look at the list, or went.
    Look(Looking),
    /// Whether to look at all.
    Discovery(Discovery),
    /// Try the own networks.
    Scan,
    /// Do not.
    StopScan,
    /// Somebody in a room told of others.
    Introduced {
        teller: Teller,
        by: DisplayName,
        rooms: Vec<Introduced>,
    },
    /// How a room is joined.
    WayTo(RoomId, oneshot::Sender<Option<WayTo>>),
    /// Who is in reach.
    Peers(oneshot::Sender<Peers>),
}

/// How a room of the list is joined.
#[derive(Debug)]
pub(crate) struct WayTo {
    pub(crate) name: RoomName,
    /// Best first.
    pub(crate) addresses: Vec<Address>,
    pub(crate) known: Known,
}

/// What the list knows of others, for the doctor.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// Hosts that were reached.
    pub(crate) reached: Vec<SocketAddr>,
    /// Rooms of others that are heard now.
    pub(crate) heard: usize,
}

/// The way to the task, and to what it listens to.
#[derive(Debug)]
pub(crate) struct Handle {
    /// Bounded by [`NEARBY_ORDERS`]; whoever wants something of a full one waits.
    orders: mpsc::Sender<Order>,
    nearby: Nearby,
}

impl Client {
    /// From now on rooms nearby are found by this. At most once, before anything else of discovery.
    pub async fn attach(&self, nearby: Nearby, sightings: mpsc::Receiver<Sighting>) {
        let discovery = match self.0.store.discovery().await {
            Ok(discovery) => discovery,
            Err(error) => {
                tracing::warn!(%error, "whether rooms are looked for is not known");
                Discovery::On
            }
        };
        let (orders, receiver) = mpsc::channel(NEARBY_ORDERS);
        let handle = Handle {
            orders,
            nearby: nearby.clone(),
        };
        if self.0.nearby.set(handle).is_err() {
            tracing::error!("rooms nearby are found by something already");
            return;
        }
        let client = std::sync::Arc::downgrade(&self.0);
        let digests = self.0.feed.digests();
        tokio::spawn(task::run(
            client, nearby, sightings, receiver, digests, discovery,
        ));
    }

    /// The list of rooms nearby came into view, or left it.
    pub async fn look_nearby(&self, active: bool) -> Result<(), Failure> {
        let looking = if active { Looking::At } else { Looking::Away };
        self.order(Order::Look(looking)).await;
        Ok(())
    }

    /// Whether to look at all; kept, even where nothing can look now.
    pub async fn set_discovery(&self, discovery: Discovery) -> Result<(), Failure> {
        let kept = self.0.store.set_discovery(discovery).await;
        kept.map_err(|error| storage(&error))?;
        if discovery == Discovery::On && self.0.nearby.get().is_none() {
            let message = "nothing looks for rooms nearby";
            return Err(failure(FailureCode::NoDiscovery, message));
        }
        self.order(Order::Discovery(discovery)).await;
        Ok(())
    }

    /// Tries the addresses of the own networks one after the other.
    pub async fn scan(&self) -> Result<(), Failure> {
        self.order(Order::Scan).await;
        Ok(())
    }

    /// Ends that.
    pub async fn stop_scan(&self) -> Result<(), Failure> {
        self.order(Order::StopScan).await;
        Ok(())
    }

    /// Joins a room of the list, at whichever of its addresses proves its key first.
    pub async fn join_nearby(&self, room: RoomId) -> Result<(), Failure> {
        let (sender, way) = oneshot::channel();
        self.order(Order::WayTo(room, sender)).await;
        let way = way.await.ok().flatten();
        let Some(way) = way.filter(|way| !way.addresses.is_empty()) else {
            let message = format!("room {room} is not in the list any more");
            return Err(failure(FailureCode::RoomNotThere, message));
        };
        if let Known::KeyChanged { room: before, .. } = way.known {
            let message = format!("room {before} was there before");
            return Err(failure(FailureCode::KeyChanged, message));
        }
        self.join_at(room, way.name, way.addresses, Verified::No)
            .await
    }

    /// Without somebody who finds rooms nothing is wanted of anybody.
    async fn order(&self, order: Order) {
        if let Some(handle) = self.0.nearby.get() {
            // It ends with the client.
            let _ = handle.orders.send(order).await;
        }
    }
}

/// `member` tells of these in `room`, and of no others any more: of none when it is gone.
pub(crate) async fn introduced(
    client: Weak<Shared>,
    room: RoomId,
    member: MemberId,
    by: DisplayName,
    rooms: Vec<Introduced>,
) {
    tracing::trace!(%room, ?member, rooms = rooms.len(), "introduced");
    // Whoever waits here must not keep the client.
    let orders = client.upgrade().and_then(|client| {
        let handle = client.nearby.get()?;
        Some(handle.orders.clone())
    });
    if let Some(orders) = orders {
        let order = Order::Introduced {
            teller: Teller { via: room, member },
            by,
            rooms,
        };
        // It ends with the client.
        let _ = orders.send(order).await;
    }
}
