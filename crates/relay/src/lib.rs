//! ChatSpot's relay: drives the room machine. Embedded in the app, or headless as `chatspot-relay`.
//!
//! One task accepts, one task reads each connection, one task owns each room. Nothing here draws a page or dials out.

#![forbid(unsafe_code)]

pub mod addresses;
mod conn;
mod gate;
mod http;
mod hub;
mod link;
pub mod listen;
pub mod net;
pub mod records;
mod room;
mod store;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chatspot_protocol::event::{Retention, RoomSettings};
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::limits;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::wire::{Closing, RoomSummary};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gate::Gate;
use crate::hub::Hub;
pub use crate::hub::OpenError;
use crate::net::TcpListener;
pub use crate::store::{Recovered, Store, StoreError};

/// The name and version that a relay tells.
pub const SOFTWARE: &str = concat!("ChatSpot relay/", env!("CARGO_PKG_VERSION"));

/// How long the end waits for the disk.
const STORE_CLOSE: Duration = Duration::from_secs(10);

/// What a relay allows. The defaults are those of [`limits`].
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one address (IPv6: from one /64).
    pub address_connections: usize,
    /// Connections from one address without a `hello` yet.
    pub address_unauthenticated: usize,
    /// Members in one room.
    pub room_members: usize,
    /// Rooms.
    pub rooms: usize,
    /// Frames a second from one connection, for long.
    pub frames_per_second: u32,
    /// Frames from one connection at once.
    pub frames_burst: u32,
    /// See [`limits::HEADER_TIMEOUT`].
    pub header_timeout: Duration,
    /// See [`limits::HELLO_TIMEOUT`].
    pub hello_timeout: Duration,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            connections: limits::RELAY_CONNECTIONS,
            address_connections: limits::ADDRESS_CONNECTIONS,
            address_unauthenticated: limits::ADDRESS_UNAUTHENTICATED,
            room_members: limits::ROOM_MEMBERS,
            rooms: limits::RELAY_ROOMS,
            frames_per_second: limits::FRAMES_PER_SECOND,
            frames_burst: limits::FRAMES_BURST,
            header_timeout: limits::HEADER_TIMEOUT,
            hello_timeout: limits::HELLO_TIMEOUT,
        }
    }
}

/// A room to host.
#[derive(Debug, Clone)]
pub struct RoomSpec {
    /// Its key; the id follows from it.
    pub key: RoomKey,
    /// Its name.
    pub name: RoomName,
    /// The member who hosts it, if one does.
    pub host: Option<MemberId>,
    /// How long its history is kept. None: as it was, and for ever in a new room.
    pub retention: Option<Retention>,
}

/// A running relay. Dropping it ends everything at once; [`Relay::stop`] says goodbye first.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    store: Store,
    hub: Arc<Hub>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Relay {
    /// Serves the listener until the relay is stopped or dropped. What is said is in `store` before anybody is told.
    ///
    /// # Errors
    /// When the listener has no address, which the system would have to refuse.
    pub fn start(
        listener: TcpListener,
        config: RelayConfig,
        store: Store,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let gate = Gate::new(
            config.connections,
            config.address_connections,
            config.address_unauthenticated,
        );
        let hub = Arc::new(Hub::new(config, store.clone(), tasks.clone(), end.clone()));
        tasks.spawn(conn::accept(
            listener,
            hub.clone(),
            gate,
            tasks.clone(),
            end.clone(),
        ));
        Ok(Self {
            address,
            store,
            hub,
            tasks,
            end,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happened to the history when it was damaged.
    pub fn recovered(&self) -> Option<&Recovered> {
        self.store.recovered()
    }

    /// The rules of an open room, as its log has them.
    pub fn settings(&self, room: RoomId) -> Option<RoomSettings> {
        self.hub.settings(room)
    }

    /// Opens a room; members can join from now on. Waits for the disk, for a commit or two.
    pub fn open(&self, spec: RoomSpec) -> Result<RoomId, OpenError> {
        self.hub.open(spec)
    }

    /// Closes a room and tells everybody in it why. False if it was not open.
    pub async fn close(&self, room: RoomId, reason: Closing) -> bool {
        self.hub.close(room, reason).await
    }

    /// Forgets a room that is not open here, with everything that was said in it.
    pub fn forget(&self, room: RoomId) -> Result<(), StoreError> {
        self.store.forget(room)
    }

    /// The open rooms.
    pub fn rooms(&self) -> Vec<RoomSummary> {
        self.hub.summaries()
    }

    /// Closes every room with that reason, waits until the members have been told (at most
    /// [`limits::LINK_CLOSE_GRACE`] and a little), closes the store, and ends.
    pub async fn stop(self, reason: Closing) {
        self.hub.stopping.cancel();
        for summary in self.hub.summaries() {
            self.hub.close(summary.room, reason).await;
        }
        self.tasks.close();
        let grace = limits::LINK_CLOSE_GRACE + Duration::from_secs(1);
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some connections did not close in time");
        }
        let store = self.store.clone();
        let closing = tokio::task::spawn_blocking(move || store.close());
        // A disk that does not answer: what was told is on it all the same.
        if tokio::time::timeout(STORE_CLOSE, closing).await.is_err() {
            tracing::warn!("the history was not closed in time");
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end.cancel();
    }
}
