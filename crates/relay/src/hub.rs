//! The rooms of one relay: opened, found, closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chatspot_protocol::door::{Door, Invite};
use chatspot_protocol::event::{Role, RoomSettings};
use chatspot_protocol::identity::{RelayName, RoomKey, Warrant};
use chatspot_protocol::ids::{ClientId, RoomId, RoomPublicKey, Token};
use chatspot_protocol::limits::PASSCODE_WORDS;
use chatspot_protocol::passcode::{self, Passcode};
use chatspot_protocol::room::{Conn, RoomConfig};
use chatspot_protocol::wire::{Closing, Hosted, RoomSummary};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::names::Names;
use crate::rates::Rates;
use crate::room::{Input, RoomTask, wall};
use crate::store::{OpenedRoom, Opening, RoomStore, Store, StoreError};
use crate::tls::Tls;
use crate::{RelayConfig, RoomSpec};

/// Random bytes of a generated passcode: two a word.
const PASSCODE_RANDOM: usize = 2 * PASSCODE_WORDS;

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
    pub(crate) key: RoomPublicKey,
    warrants: Arc<[Warrant]>,
    /// The relay's own invite, where the room has no owner.
    owner_invite: Option<Token>,
}

/// A door with everything that it has from the start: a passcode, and a way in for its owner.
fn furnished(
    mut door: Door,
    passcode: Option<Passcode>,
    owned: bool,
) -> Result<Door, getrandom::Error> {
    if door.passcode.is_none() {
        let mut random = [0; PASSCODE_RANDOM];
        getrandom::fill(&mut random)?;
        door.passcode = Some(passcode.unwrap_or_else(|| passcode::generate(&random)));
    }
    if !owned && !door.invites.iter().any(is_for_owner) {
        let mut token = Token([0; 16]);
        getrandom::fill(&mut token.0)?;
        door.invites.push(Invite {
            id: token.id(),
            token,
            role: Role::Owner,
            made_by: None,
            made_at: wall(),
            expires_at: None,
            uses_left: Some(1),
            used: 0,
            raised: Vec::new(),
        });
    }
    Ok(door)
}

/// Whether it is the relay's own invite for whoever is to own the room, and not used yet.
fn is_for_owner(invite: &Invite) -> bool {
    invite.role == Role::Owner && invite.made_by.is_none() && invite.uses_left != Some(0)
}

/// All rooms.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) config: RelayConfig,
    pub(crate) tls: Tls,
    pub(crate) names: Names,
    pub(crate) rates: Rates,
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
        tls: Tls,
        tasks: TaskTracker,
        end: CancellationToken,
    ) -> Self {
        // A child: the end of everything is the end of accepting, too.
        let stopping = end.child_token();
        Self {
            names: Names::new(&config),
            rates: Rates::new(&config),
            config,
            tls,
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
        let OpenedRoom {
            log,
            mut kept,
            term,
        } = self.store.room(&Opening {
            room,
            settings: spec.settings.unwrap_or_default(),
            tls_key: self.tls.key(),
            now: wall(),
        })?;
        let owned = spec.host.is_some() || kept.roster.owner().is_some();
        let door = furnished(kept.door.clone(), spec.passcode, owned)?;
        if door != kept.door {
            log.keep_door(&door)?;
            kept.door = door;
        }
        let invites = kept.door.invites.iter();
        let owner_invite = invites
            .filter(|_| !owned)
            .find(|invite| is_for_owner(invite));
        let handle = |inbox, summary| RoomHandle {
            key: spec.key.public(),
            warrants: self.warrants(&spec.key, term).into(),
            owner_invite: owner_invite.map(|invite| invite.token),
            inbox,
            summary,
            log: log.clone(),
        };
        let config = RoomConfig {
            key: spec.key.clone(),
            name: spec.name,
            host: spec.host,
            settings: log.settings(),
            max_members: self.config.room_members,
        };
        let (task, inbox, summary) = RoomTask::new(
            config,
            log.clone(),
            kept.clone(),
            self.config.member_submits,
        );
        self.tasks.spawn(task.run(self.end.clone()));
        rooms.insert(room, handle(inbox, summary));
        tracing::info!(%room, "room opened");
        Ok(room)
    }

    /// What a room's key says of this relay: one statement for each of its names.
    fn warrants(&self, key: &RoomKey, term: u64) -> Vec<Warrant> {
        let tls = RelayName::Tls {
            key: self.tls.key(),
        };
        let domains = self.config.domains.iter().map(|domain| RelayName::Domain {
            domain: domain.to_lowercase(),
        });
        let names = std::iter::once(tls).chain(domains);
        names.map(|name| key.warrant(term, name)).collect()
    }

    /// Has a room change its rules, behind what it was asked for before. False if it is not open.
    pub(crate) async fn rule(
        &self,
        room: RoomId,
        settings: RoomSettings,
    ) -> Result<bool, getrandom::Error> {
        let mut id = ClientId([0; 16]);
        getrandom::fill(&mut id.0)?;
        let Some(handle) = self.find(room) else {
            return Ok(false);
        };
        Ok(handle
            .inbox
            .send(Input::Rule { id, settings })
            .await
            .is_ok())
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

    /// The way in for a room's owner, where it had none when it was opened.
    pub(crate) fn owner_invite(&self, room: RoomId) -> Option<Token> {
        self.find(room)?.owner_invite
    }

    /// The rooms, as everybody who connects is told of them.
    pub(crate) fn hosted(&self) -> Vec<Hosted> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let hosted = rooms.values().map(|handle| Hosted {
            summary: handle.summary.borrow().clone(),
            key: handle.key,
            warrants: handle.warrants.to_vec(),
        });
        let mut hosted: Vec<Hosted> = hosted.collect();
        hosted.sort_by(|a, b| in_order(&a.summary, &b.summary));
        hosted
    }

    /// The rooms that may be listed for anybody.
    pub(crate) fn listed(&self) -> Vec<RoomSummary> {
        let mut listed = self.summaries();
        listed.retain(|room| !room.hidden);
        listed
    }

    pub(crate) fn summaries(&self) -> Vec<RoomSummary> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let mut summaries: Vec<RoomSummary> = rooms
            .values()
            .map(|handle| handle.summary.borrow().clone())
            .collect();
        summaries.sort_by(in_order);
        summaries
    }
}

fn in_order(a: &RoomSummary, b: &RoomSummary) -> std::cmp::Ordering {
    (a.name.as_str(), a.room).cmp(&(b.name.as_str(), b.room))
}

/// Everything that a connection needs of the relay.
pub(crate) type SharedHub = Arc<Hub>;
