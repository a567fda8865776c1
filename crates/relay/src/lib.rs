//! ChatSpot's relay: drives the room machine. Embedded in the app, or headless as `chatspot-relay`.
//!
//! One task accepts, one task reads each connection, one task owns each room, and one tells discovery of them. Nothing
//! here draws a page or dials out.

#![forbid(unsafe_code)]

mod announce;
mod conn;
mod gate;
mod http;
mod hub;
mod link;
pub mod listen;
mod names;
pub mod net;
mod rates;
pub mod records;
mod room;
mod store;
pub mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chatspot_nearby::Nearby;
use chatspot_protocol::event::RoomSettings;
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::{MemberId, RoomId, Token};
use chatspot_protocol::limits;
use chatspot_protocol::passcode::Passcode;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::wire::{Closing, RoomSummary};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gate::Gate;
use crate::hub::Hub;
pub use crate::hub::OpenError;
use crate::net::TcpListener;
pub use crate::store::{Recovered, Store, StoreError};
use crate::tls::Tls;

/// The name and version that a relay tells.
pub const SOFTWARE: &str = concat!("ChatSpot relay/", env!("CARGO_PKG_VERSION"));

/// How long the end waits for the disk.
const STORE_CLOSE: Duration = Duration::from_secs(10);

impl RelayConfig {
    /// Lets each connection send that many frames a second for long, and raises the other rates with it.
    #[must_use]
    pub fn paced(self, frames_per_second: u32) -> Self {
        let times = |default: u32| {
            let raised = u64::from(default) * u64::from(frames_per_second)
                / u64::from(limits::FRAMES_PER_SECOND);
            default.max(u32::try_from(raised).unwrap_or(u32::MAX))
        };
        let raised = |Rate { per_second, burst }| Rate {
            per_second: times(per_second),
            burst: times(burst),
        };
        Self {
            frames_per_second,
            frames_burst: frames_per_second.max(self.frames_burst),
            member_submits: raised(self.member_submits),
            member_bytes: raised(self.member_bytes),
            address_bytes: raised(self.address_bytes),
            ..self
        }
    }
}

/// How much may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// For long.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// Whether chats without the relay's own encryption are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// They are refused.
    Off,
    /// They are taken: pages in browsers need it, and proxies that end the encryption.
    On,
}

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
    /// Submissions of one member of a room.
    pub member_submits: Rate,
    /// Bytes of one member, in all rooms and by all connections together.
    pub member_bytes: Rate,
    /// Bytes from one address.
    pub address_bytes: Rate,
    /// Whether chats without the relay's own encryption are served.
    pub plain: Plain,
    /// Domains at which a proxy ends the encryption and hands it on here: the rooms vouch for them, too.
    pub domains: Vec<String>,
    /// Other names by which pages may call this relay.
    pub host_names: Vec<String>,
    /// Origins of pages from elsewhere that may talk to this relay, like `https://chat.example`.
    pub origins: Vec<String>,
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
            member_submits: Rate {
                per_second: limits::MEMBER_SUBMITS_PER_SECOND,
                burst: limits::MEMBER_SUBMITS_BURST,
            },
            member_bytes: Rate {
                per_second: limits::MEMBER_BYTES_PER_SECOND,
                burst: limits::MEMBER_BYTES_BURST,
            },
            address_bytes: Rate {
                per_second: limits::ADDRESS_BYTES_PER_SECOND,
                burst: limits::ADDRESS_BYTES_BURST,
            },
            plain: Plain::Off,
            domains: Vec::new(),
            host_names: Vec::new(),
            origins: Vec::new(),
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
    /// The rules of a new room. One that was open here before has those of its log, see [`Relay::rule`].
    pub settings: Option<RoomSettings>,
    /// The passcode of a new room; without one it gets a random one.
    pub passcode: Option<Passcode>,
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
        tls: Tls,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let gate = Gate::new(
            config.connections,
            config.address_connections,
            config.address_unauthenticated,
        );
        let hub = Arc::new(Hub::new(
            config,
            store.clone(),
            tls,
            tasks.clone(),
            end.clone(),
        ));
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

    /// Sets the rules of an open room, as an event of the room itself, before anything that comes later. False if it is
    /// not open.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub async fn rule(
        &self,
        room: RoomId,
        settings: RoomSettings,
    ) -> Result<bool, getrandom::Error> {
        self.hub.rule(room, settings).await
    }

    /// The token by which its owner comes into an open room: once, and only where it had no owner when it was opened.
    pub fn owner_invite(&self, room: RoomId) -> Option<Token> {
        self.hub.owner_invite(room)
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

    /// From now on the rooms that are open, and not hidden, are called out by this, as they are at the moment, and until
    /// the relay stops or is dropped. At most once. Must be called within a tokio runtime.
    pub fn announce(&self, nearby: Nearby) {
        let port = self.address.port();
        self.tasks
            .spawn(announce::run(self.hub.clone(), port, nearby));
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
