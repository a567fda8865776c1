//! ChatSpot's client: drives one session machine per room and tells one window about all of them.
//!
//! Nothing here hosts rooms, and nothing here decides what a message means.

#![forbid(unsafe_code)]

mod dial;
mod driver;
mod failure;
mod feed;
mod identity;
mod look;
mod nearby;
mod neighbour;
mod net;
mod order;
mod passphrase;
pub mod store;
mod talk;
mod tls;
mod watch;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use chatspot_folder::store::StoreError;
pub use chatspot_folder::vault::Vault;
use chatspot_protocol::address::Address;
use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::{MemberId, RoomId, Token, WallMillis};
use chatspot_protocol::limits::{CLIENT_ROOMS, NEARBY_ADDRESSES, ROOM_COMMANDS, TIDY_EVERY};
use chatspot_protocol::session::Entry;
use chatspot_protocol::text::{DisplayName, RoomName};
use chatspot_protocol::view::{
    Change, Failure, FailureCode, Hosting, Me, Nearby, RoomChange, RoomView, Verified, View,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::driver::{Command, Driver, Host, Start};
pub use crate::failure::{bad_link, bad_passcode, bad_text, storage};
use crate::failure::{failure, not_open};
use crate::feed::Feed;
pub use crate::feed::{EventSink, SinkGone};
pub use crate::store::{History, Store, new_file};
use crate::store::{Learnt, OpenRoom};
use crate::watch::{LOOK_EVERY, Watch};

/// The name and version that a client tells.
const SOFTWARE: &str = concat!("ChatSpot/", env!("CARGO_PKG_VERSION"));
/// What a client needs to start.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Where identity, name and recent rooms are kept. Made if missing.
    pub data_dir: PathBuf,
    /// What to suggest for a display name.
    pub suggested_name: String,
    /// The version that the window shows.
    pub version: String,
}

/// The handle to everything; clones share it. The rooms' tasks end when the last clone is gone.
#[derive(Debug, Clone)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    identity: Identity,
    store: Store,
    feed: Feed,
    /// What finds rooms nearby, where something does.
    nearby: OnceLock<nearby::Handle>,
    /// One room is opened at a time; an async lock because that takes a look at the disk.
    opening: tokio::sync::Mutex<()>,
    /// A lock because commands come from any thread; never held across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    me: Me,
    rooms: HashMap<RoomId, RoomHandle>,
}

/// The way to a room's task.
#[derive(Debug, Clone)]
struct RoomHandle {
    /// Bounded by [`ROOM_COMMANDS`].
    commands: mpsc::Sender<Command>,
    /// Whether this installation hosts the room.
    hosted: bool,
}

/// A room to open.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Where it is.
    pub address: Address,
    /// Where else it may be, best first.
    pub others: Vec<Address>,
    /// How these addresses are known.
    pub learnt: Learnt,
    /// Which.
    pub room: RoomId,
    /// Its name, as far as known.
    pub name: RoomName,
    /// Set when this installation hosts it.
    pub hosting: Option<Hosting>,
    /// An invite to come in by.
    pub token: Option<Token>,
    /// By what it is known for the right one.
    pub verified: Verified,
}

impl Opening {
    /// A room of which nothing is known but that it answered there.
    pub fn found(address: Address, room: RoomId, name: RoomName) -> Self {
        Self {
            address,
            others: Vec::new(),
            learnt: Learnt::Named,
            room,
            name,
            hosting: None,
            token: None,
            verified: Verified::No,
        }
    }

    /// A room that this installation hosts.
    pub fn hosted(address: Address, room: RoomId, name: RoomName, hosting: Hosting) -> Self {
        Self {
            hosting: Some(hosting),
            verified: Verified::Hosted,
            ..Self::found(address, room, name)
        }
    }
}

/// Why a room is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entering {
    /// Somebody joins it, at this time.
    Joining(WallMillis),
    /// It was open when the client ended: what is known of it is known already.
    Again,
    /// It is not remembered as joined.
    AsHost,
}

impl Client {
    /// Reads the data folder and starts; must be called within a tokio runtime. No room is open before
    /// [`Client::resume`]. Secrets are kept in files.
    pub fn start(config: ClientConfig) -> Result<Self, StoreError> {
        Self::start_in(&Vault::off(), config)
    }

    /// The same, with secrets in a vault.
    pub fn start_in(vault: &Vault, config: ClientConfig) -> Result<Self, StoreError> {
        let (store, start) = Store::open_in(vault, &config.data_dir)?;
        Ok(Self::start_with(store, start, config))
    }

    /// The same over a store that is open already.
    pub fn start_with(store: Store, start: store::Start, config: ClientConfig) -> Self {
        let identity = start.identity;
        let member = identity.member();
        let me = Me {
            member,
            tag: member.tag(),
            fingerprint: member.fingerprint(),
            kept: start.kept,
            name: start.name,
            suggested_name: config.suggested_name,
            version: config.version,
        };
        let view = View {
            me: me.clone(),
            rooms: Vec::new(),
            recents: start.recents,
            prefs: start.prefs,
            recovered: start.recovered,
            nearby: Nearby::default(),
        };
        let state = Mutex::new(State {
            me,
            rooms: HashMap::new(),
        });
        let shared = Arc::new(Shared {
            identity,
            store,
            feed: Feed::start(view),
            nearby: OnceLock::new(),
            opening: tokio::sync::Mutex::new(()),
            state,
        });
        tokio::spawn(watch_computer(Arc::downgrade(&shared)));
        tokio::spawn(keep_house(Arc::downgrade(&shared)));
        Self(shared)
    }

    /// Opens the rooms that were open when the client ended, and dials them; a client without a name has none.
    pub async fn resume(&self) -> Result<(), Failure> {
        if self.name().is_none() {
            return Ok(());
        }
        let rooms = self.0.store.open_rooms().await;
        for OpenRoom {
            room,
            name,
            addresses,
        } in rooms.map_err(|error| storage(&error))?
        {
            let mut addresses = addresses.into_iter();
            let Some(address) = addresses.next() else {
                tracing::warn!(%room, "a room without an address");
                continue;
            };
            let opening = Opening {
                others: addresses.collect(),
                ..Opening::found(address, room, name)
            };
            self.enter(opening, Entering::Again).await?;
        }
        Ok(())
    }

    /// This installation's member.
    pub fn member(&self) -> MemberId {
        self.0.identity.member()
    }

    /// From now on `sink` is told: everything once, then every change. A sink before it is told nothing more.
    pub async fn subscribe(&self, sink: Box<dyn EventSink>) {
        self.0.feed.subscribe(sink).await;
    }

    /// Tells the window something that did not come from a room's connection.
    pub async fn publish(&self, change: Change) {
        self.0.feed.tell(change).await;
    }

    /// Everything as it is now.
    pub async fn view(&self) -> View {
        self.0.feed.view().await
    }

    /// Takes a display name, here and in every open room.
    pub async fn set_name(&self, text: &str) -> Result<(), Failure> {
        let name = DisplayName::parse(text).map_err(|bad| bad_text(&bad))?;
        let kept = self.0.store.set_name(name.clone()).await;
        kept.map_err(|error| storage(&error))?;
        let (me, rooms) = {
            let mut state = self.lock();
            state.me.name = Some(name.clone());
            (
                state.me.clone(),
                state.rooms.values().cloned().collect::<Vec<_>>(),
            )
        };
        self.publish(Change::Me { me }).await;
        for room in rooms {
            // A room that ends just now needs no new name.
            let _ = room
                .commands
                .send(Command::Rename { name: name.clone() })
                .await;
        }
        Ok(())
    }

    /// The display name.
    pub fn name(&self) -> Option<DisplayName> {
        self.lock().me.name.clone()
    }

    /// Opens a room without remembering it: how a host enters its own.
    pub async fn open(&self, opening: Opening) -> Result<(), Failure> {
        self.enter(opening, Entering::AsHost).await
    }

    async fn enter(&self, opening: Opening, entering: Entering) -> Result<(), Failure> {
        let Opening {
            address,
            others,
            learnt,
            room,
            name,
            hosting,
            token,
            verified,
        } = opening;
        let my_name = self
            .name()
            .ok_or_else(|| failure(FailureCode::NoName, "no display name yet"))?;
        let mut addresses = vec![address];
        addresses.extend(others);
        limit(&mut addresses);
        let learnt = if hosting.is_some() {
            Learnt::Hosted
        } else {
            learnt
        };
        // Two openings of one room side by side must not be two tasks for it.
        let _one = self.0.opening.lock().await;
        let known = self.lock().rooms.get(&room).cloned();
        if let Some(known) = known {
            // The host's own way in stays the host's, whatever address somebody typed for it.
            if hosting.is_some() || !known.hosted {
                let kept = &self.0.store;
                let kept = kept.learn_addresses(room, addresses.clone(), learnt);
                kept.await.map_err(|error| storage(&error))?;
                let kept = self.0.store.invited(room, token, verified).await;
                kept.map_err(|error| storage(&error))?;
                let found = match learnt {
                    Learnt::Hosted => Command::HostedAt { addresses },
                    Learnt::Named | Learnt::Sighted => Command::FoundAt { addresses },
                };
                // A room that ends just now is not dialled again.
                let _ = known.commands.send(found).await;
                if token.is_some() || verified > Verified::No {
                    let invited = Command::Invited { token, verified };
                    let _ = known.commands.send(invited).await;
                }
                if let Some(hosting) = hosting {
                    self.hosting(room, hosting).await;
                }
            }
            return Ok(());
        }
        if self.lock().rooms.len() >= CLIENT_ROOMS {
            let message = format!("{CLIENT_ROOMS} rooms are open");
            return Err(failure(FailureCode::TooManyRooms, message));
        }
        let kept = self
            .0
            .store
            .open_room(
                room,
                store::Opening {
                    name: name.clone(),
                    addresses: match entering {
                        Entering::Again => Vec::new(),
                        Entering::Joining(_) | Entering::AsHost => addresses.clone(),
                    },
                    learnt,
                    joined_at: match entering {
                        Entering::Joining(at) => Some(at),
                        Entering::Again | Entering::AsHost => None,
                    },
                    token,
                    verified,
                },
                self.member(),
            )
            .await
            .map_err(|error| storage(&error))?;
        let hosted = hosting.is_some();
        let mut view = RoomView::opening(room, name, addresses[0].to_string(), hosting);
        view.settings = kept.resume.settings;
        view.items = kept.items;
        view.older = kept.older;
        view.read = kept.read;
        view.unread = kept.unread;
        view.draft = kept.draft;
        view.outbox.clone_from(&kept.resume.outbox);
        view.security.verified = kept.resume.trust.verified;
        let start = Start {
            entry: Entry {
                room,
                identity: self.0.identity.clone(),
                name: my_name,
                software: SOFTWARE.to_owned(),
                token: kept.token,
                passcode: None,
            },
            addresses,
            host: if hosted { Host::Us } else { Host::Somebody },
            resume: kept.resume,
            read: kept.read,
            unread: kept.unread,
        };
        let driver = Driver::new(start, &self.0);
        let (commands, receiver) = mpsc::channel(ROOM_COMMANDS);
        let handle = RoomHandle { commands, hosted };
        self.lock().rooms.insert(room, handle);
        // Told before its task begins: whoever asks for the view next finds the room in it.
        let room = Box::new(view);
        self.publish(Change::RoomOpened { room }).await;
        tokio::spawn(driver.run(receiver));
        Ok(())
    }

    /// Tells how hosting of a room goes.
    pub async fn hosting(&self, room: RoomId, hosting: Hosting) {
        self.publish(Change::Room {
            room,
            what: RoomChange::Hosting { hosting },
        })
        .await;
    }

    /// Leaves a room, with a goodbye where there is a connection. Returns when the goodbye is written and this
    /// computer's copy of the room is kept or gone, as wanted. Unsent messages are thrown away: the window asks before.
    pub async fn leave(&self, room: RoomId, copy: History) -> Result<(), Failure> {
        let (sender, ended) = oneshot::channel();
        self.command(room, Command::Leave { done: sender }).await?;
        // An error means that the driver is gone, which is what was asked for.
        let _ = ended.await;
        // Whoever joins it again meanwhile waits until it is gone.
        let _one = self.0.opening.lock().await;
        self.lock().rooms.remove(&room);
        let closed = self.0.store.close_room(room, copy, wall_now()).await;
        self.publish(Change::RoomLeft { room }).await;
        self.tell_recents().await?;
        closed.map_err(|error| storage(&error))
    }

    /// Says goodbye in every room, as the app ends. Nothing is forgotten.
    pub async fn goodbye(&self) {
        let rooms: Vec<_> = self.lock().rooms.drain().collect();
        let mut goodbyes = Vec::new();
        for (_, room) in rooms {
            let (sender, ended) = oneshot::channel();
            if room
                .commands
                .send(Command::Leave { done: sender })
                .await
                .is_ok()
            {
                goodbyes.push(ended);
            }
        }
        for ended in goodbyes {
            // An error means that the driver is gone, which is what was asked for.
            let _ = ended.await;
        }
        if let Err(error) = self.0.store.close().await {
            tracing::warn!(%error, "the history is checked at the next start");
        }
    }

    /// Dials again now.
    pub async fn redial(&self, room: RoomId) -> Result<(), Failure> {
        self.command(room, Command::Redial).await
    }

    /// Stays away from a room whose hosting was stopped here.
    pub async fn stop(&self, room: RoomId) -> Result<(), Failure> {
        self.command(room, Command::Stop).await
    }

    /// Forgets a room that is not open, with everything that this computer has of it: its key, too, so that another room
    /// may be joined in its place.
    pub async fn forget_recent(&self, room: RoomId) -> Result<(), Failure> {
        let _one = self.0.opening.lock().await;
        if !self.lock().rooms.contains_key(&room) {
            let forgotten = self.0.store.forget(room).await;
            forgotten.map_err(|error| storage(&error))?;
        }
        self.tell_recents().await
    }

    async fn tell_recents(&self) -> Result<(), Failure> {
        let recents = self.0.store.recents().await;
        let recents = recents.map_err(|error| storage(&error))?;
        self.publish(Change::Recents { recents }).await;
        Ok(())
    }

    async fn command(&self, room: RoomId, command: Command) -> Result<(), Failure> {
        let handle = self.lock().rooms.get(&room).cloned();
        let handle = handle.ok_or_else(|| not_open(room))?;
        let sent = handle.commands.send(command).await;
        sent.map_err(|_| not_open(room))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each address once, and not more of them than a room has.
pub(crate) fn limit(addresses: &mut Vec<Address>) {
    let mut seen = HashSet::new();
    addresses.retain(|address| seen.insert(address.clone()));
    addresses.truncate(NEARBY_ADDRESSES);
}

/// Looks at clocks and networks for as long as the client is there.
async fn watch_computer(client: Weak<Shared>) {
    let mut watch = Watch::new(Instant::now(), SystemTime::now(), watch::addresses());
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(client) = client.upgrade().map(Client) else {
            return;
        };
        let woken = watch.look(Instant::now(), SystemTime::now(), watch::addresses());
        if let Some(woken) = woken {
            let rooms: Vec<_> = client.lock().rooms.values().cloned().collect();
            for room in rooms {
                // A room that ends just now needs no connection.
                let _ = room.commands.send(Command::Woke(woken)).await;
            }
        }
    }
}

/// Codes were compared with a member in one room: they are the same person in the others.
pub(crate) async fn verified(client: Weak<Shared>, room: RoomId, member: MemberId) {
    let Some(client) = client.upgrade().map(Client) else {
        return;
    };
    let rooms = client.lock().rooms.clone();
    for (_, handle) in rooms.into_iter().filter(|(other, _)| *other != room) {
        // A room that ends just now shows nobody.
        let _ = handle.commands.send(Command::Verified { member }).await;
    }
}

/// Deletes what the rooms' rules want deleted, for as long as the client is there.
async fn keep_house(client: Weak<Shared>) {
    loop {
        let Some(client) = client.upgrade().map(Client) else {
            return;
        };
        match client.0.store.prune(wall_now()).await {
            Ok(rooms) => {
                for room in rooms {
                    // A room that is not open any more shows nothing.
                    let _ = client.command(room, Command::Pruned).await;
                }
            }
            Err(error) => tracing::warn!(%error, "old history is not deleted yet"),
        }
        drop(client);
        tokio::time::sleep(TIDY_EVERY).await;
    }
}

/// Secret random bytes.
pub(crate) fn random<const BYTES: usize>() -> Result<[u8; BYTES], Failure> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| failure(FailureCode::Internal, error.to_string()))?;
    Ok(bytes)
}

pub(crate) fn wall_now() -> WallMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
