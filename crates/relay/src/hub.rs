//! The rooms of one relay: opened, found, closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chatspot_protocol::event::RoomSettings;
use chatspot_protocol::ids::{ClientId, RoomId};
use chatspot_protocol::room::{Conn, RoomConfig};
use chatspot_protocol::wire::{Closing, RoomSummary};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::room::{Input, RoomTask, wall};
use crate::store::{RoomStore, Store, StoreError};
use crate::{RelayConfig, RoomSpec};

/// Why a room cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This relay hosts as many rooms as it may.
    #[error("this relay hosts {0} rooms already")]
    TooMany(usize),
    /// The room is open here already.
    #[error("the room is open already")]
    AlreadyOpen,
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// Its history cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A way to a room's task.
#[derive(Debug, Clone)]
pub(crate) struct RoomHandle {
    /// Bounded by [`chatspot_protocol::limits::ROOM_INBOX`]; when it is full, the connections' readers wait.
    pub(crate) inbox: mpsc::Sender<Input>,
    summary: watch::Receiver<RoomSummary>,
    log: RoomStore,
}

/// All rooms.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) config: RelayConfig,
    store: Store,
    /// A lock because every connection looks rooms up; never held across an await.
    rooms: RwLock<HashMap<RoomId, RoomHandle>>,
    next_conn: AtomicU64,
    tasks: TaskTracker,
    /// Nobody is accepted any more, and who is not in a room is sent away.
    pub(crate) stopping: CancellationToken,
    /// Everything ends now.
    end: CancellationToken,
}

impl Hub {
    pub(crate) fn new(
        config: RelayConfig,
        store: Store,
        tasks: TaskTracker,
        end: CancellationToken,
    ) -> Self {
        // A child: the end of everything is the end of accepting, too.
        let stopping = end.child_token();
        Self {
            config,
            store,
            rooms: RwLock::default(),
            next_conn: AtomicU64::new(0),
            tasks,
            stopping,
            end,
        }
    }

    /// A name for a new connection, never used again.
    pub(crate) fn next_conn(&self) -> Conn {
        Conn(self.next_conn.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn open(&self, spec: RoomSpec) -> Result<RoomId, OpenError> {
        let room = spec.key.id();
        let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        if rooms.contains_key(&room) {
            return Err(OpenError::AlreadyOpen);
        }
        if rooms.len() >= self.config.rooms {
            return Err(OpenError::TooMany(rooms.len()));
        }
        let new = RoomSettings {
            retention: spec.retention.unwrap_or_default(),
        };
        let log = self.store.room(room, new, wall())?;
        let settings = log.settings();
        let config = RoomConfig {
            room,
            name: spec.name,
            host: spec.host,
            settings,
            max_members: self.config.room_members,
        };
        let (mut task, inbox, summary) = RoomTask::new(config, log.clone());
        if let Some(retention) = spec.retention
            && retention != settings.retention
        {
            let mut id = ClientId([0; 16]);
            getrandom::fill(&mut id.0)?;
            task.rule(spec.key.member(), id, RoomSettings { retention });
        }
        self.tasks.spawn(task.run(self.end.clone()));
        let handle = RoomHandle {
            inbox,
            summary,
            log,
        };
        rooms.insert(room, handle);
        tracing::info!(%room, "room opened");
        Ok(room)
    }

    pub(crate) fn settings(&self, room: RoomId) -> Option<RoomSettings> {
        self.find(room).map(|handle| handle.log.settings())
    }

    pub(crate) async fn close(&self, room: RoomId, reason: Closing) -> bool {
        let handle = self
            .rooms
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&room);
        let Some(handle) = handle else { return false };
        tracing::info!(%room, ?reason, "room closed");
        // The task may have ended by itself only by a defect; then there is nobody left to tell.
        handle.inbox.send(Input::Close { reason }).await.is_ok()
    }

    pub(crate) fn find(&self, room: RoomId) -> Option<RoomHandle> {
        self.rooms
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&room)
            .cloned()
    }

    pub(crate) fn summaries(&self) -> Vec<RoomSummary> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let mut summaries: Vec<RoomSummary> = rooms
            .values()
            .map(|handle| handle.summary.borrow().clone())
            .collect();
        summaries.sort_by(|a, b| (a.name.as_str(), a.room).cmp(&(b.name.as_str(), b.room)));
        summaries
    }
}

/// Everything that a connection needs of the relay.
pub(crate) type SharedHub = Arc<Hub>;
