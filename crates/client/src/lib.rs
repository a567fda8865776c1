//! ChatSpot's client: drives one session machine per room and tells one window about all of them.
//!
//! Nothing here hosts rooms, and nothing here decides what a message means.

#![forbid(unsafe_code)]

mod dial;
mod driver;
mod feed;
mod net;
pub mod store;
mod watch;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use chatspot_folder::store::StoreError;
use chatspot_protocol::address::{Address, BadAddress};
use chatspot_protocol::event::{RoomSettings, Submission};
use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::{ClientId, MemberId, RoomId, WallMillis};
use chatspot_protocol::limits::{CLIENT_ROOMS, PREFS_BYTES, ROOM_COMMANDS, TIDY_EVERY};
use chatspot_protocol::text::{BadText, DisplayName, MessageText, RoomName};
use chatspot_protocol::view::{
    Change, ExportFormat, Failure, FailureCode, Found, Hits, Hosting, Me, Page, PageAt, Place,
    RoomChange, RoomView, Trouble, View,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::driver::{Command, Driver, Mark, Start};
use crate::feed::Feed;
pub use crate::feed::{EventSink, SinkGone};
use crate::store::OpenRoom;
pub use crate::store::{History, Store};
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
    /// Which.
    pub room: RoomId,
    /// Its name, as far as known.
    pub name: RoomName,
    /// Set when this installation hosts it.
    pub hosting: Option<Hosting>,
}

impl Client {
    /// Reads the data folder and starts; must be called within a tokio runtime. No room is open before
    /// [`Client::resume`].
    pub fn start(config: ClientConfig) -> Result<Self, StoreError> {
        let (store, start) = Store::open(&config.data_dir)?;
        Ok(Self::start_with(store, start, config))
    }

    /// The same over a store that is open already.
    pub fn start_with(store: Store, start: store::Start, config: ClientConfig) -> Self {
        let identity = start.identity;
        let member = identity.member();
        let me = Me {
            member,
            tag: member.tag(),
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
        };
        let state = Mutex::new(State {
            me,
            rooms: HashMap::new(),
        });
        let shared = Arc::new(Shared {
            identity,
            store,
            feed: Feed::start(view),
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
            address,
        } in rooms.map_err(|error| storage(&error))?
        {
            let Ok(address) = parse_address(&address) else {
                tracing::warn!(%room, %address, "a room's address is none");
                continue;
            };
            let opening = Opening {
                address,
                room,
                name,
                hosting: None,
            };
            self.enter(opening, None).await?;
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

    /// Asks what answers at an address that somebody typed or pasted.
    pub async fn look_up(&self, text: &str) -> Result<Found, Failure> {
        let address = parse_address(text)?;
        let greeting = dial::greeting(&address).await.map_err(unreachable)?;
        if greeting.rooms.is_empty() {
            return Err(failure(
                FailureCode::NoRooms,
                format!("{address} hosts no room"),
            ));
        }
        Ok(Found {
            address: address.to_string(),
            rooms: greeting.rooms,
        })
    }

    /// Joins a room found at an address, and remembers it.
    pub async fn join(&self, address: &str, room: RoomId, name: &str) -> Result<(), Failure> {
        let address = parse_address(address)?;
        let name = RoomName::parse(name).map_err(|bad| bad_text(&bad))?;
        let opening = Opening {
            address,
            room,
            name,
            hosting: None,
        };
        self.enter(opening, Some(wall_now())).await?;
        self.tell_recents().await
    }

    /// Opens a room without remembering it: how a host enters its own.
    pub async fn open(&self, opening: Opening) -> Result<(), Failure> {
        self.enter(opening, None).await
    }

    async fn enter(&self, opening: Opening, joined_at: Option<WallMillis>) -> Result<(), Failure> {
        let Opening {
            address,
            room,
            name,
            hosting,
        } = opening;
        let my_name = self
            .name()
            .ok_or_else(|| failure(FailureCode::NoName, "no display name yet"))?;
        // Two openings of one room side by side must not be two tasks for it.
        let _one = self.0.opening.lock().await;
        let known = self.lock().rooms.get(&room).cloned();
        if let Some(known) = known {
            // The host's own way in stays the host's, whatever address somebody typed for it.
            if hosting.is_some() || !known.hosted {
                let kept = self.0.store.set_address(room, address.to_string()).await;
                kept.map_err(|error| storage(&error))?;
                let address = Some(address);
                // A room that ends just now is not dialled again.
                let _ = known.commands.send(Command::Redial { address }).await;
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
                    address: address.to_string(),
                    joined_at,
                },
                self.member(),
            )
            .await
            .map_err(|error| storage(&error))?;
        let hosted = hosting.is_some();
        let mut view = RoomView::opening(room, name, address.to_string(), hosting);
        view.settings = kept.resume.settings;
        view.items = kept.items;
        view.older = kept.older;
        view.read = kept.read;
        view.unread = kept.unread;
        view.draft = kept.draft;
        view.outbox.clone_from(&kept.resume.outbox);
        let start = Start {
            room,
            identity: self.0.identity.clone(),
            name: my_name,
            address,
            resume: kept.resume,
            read: kept.read,
            unread: kept.unread,
        };
        let driver = Driver::new(start, self.0.store.clone(), self.0.feed.clone());
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
        self.command(room, Command::Redial { address: None }).await
    }

    /// Stays away from a room whose hosting was stopped here.
    pub async fn stop(&self, room: RoomId) -> Result<(), Failure> {
        self.command(room, Command::Stop).await
    }

    /// Writes a message: it is in the outbox when this returns.
    pub async fn send(&self, room: RoomId, text: &str) -> Result<(), Failure> {
        let text = MessageText::parse(text).map_err(|bad| bad_text(&bad))?;
        let submission = Submission::message(new_id()?, text);
        self.submit(room, submission).await
    }

    /// Sets the room's rules, as its host.
    pub async fn set_settings(&self, room: RoomId, settings: RoomSettings) -> Result<(), Failure> {
        let hosted = self.lock().rooms.get(&room).map(|room| room.hosted);
        if !hosted.ok_or_else(|| not_open(room))? {
            let message = "only the host sets the rules";
            return Err(failure(FailureCode::NotHost, message));
        }
        let submission = Submission::settings(new_id()?, settings);
        self.submit(room, submission).await
    }

    async fn submit(&self, room: RoomId, submission: Submission) -> Result<(), Failure> {
        let (taken, answer) = oneshot::channel();
        self.command(room, Command::Submit { submission, taken })
            .await?;
        answer.await.map_err(|_| not_open(room))?
    }

    /// Sends a failed message again.
    pub async fn retry(&self, room: RoomId, id: ClientId) -> Result<(), Failure> {
        self.command(room, Command::Retry { id }).await
    }

    /// Takes an unsent message out of the outbox.
    ///
    /// False when it is on its way or was sent already.
    pub async fn discard(&self, room: RoomId, id: ClientId) -> Result<bool, Failure> {
        let (sender, taken) = oneshot::channel();
        self.command(room, Command::Discard { id, taken: sender })
            .await?;
        taken.await.map_err(|_| not_open(room))?
    }

    /// Tells the others that one is typing, or stopped.
    pub async fn typing(&self, room: RoomId, active: bool) -> Result<(), Failure> {
        self.command(room, Command::Typing { active }).await
    }

    /// A part of an open room's timeline, from this computer's disk.
    pub async fn page(&self, room: RoomId, at: PageAt) -> Result<Page, Failure> {
        let page = self.0.store.page(room, at).await;
        page.map_err(|error| storage(&error))
    }

    /// Everything up to that place was seen.
    pub async fn read(&self, room: RoomId, place: Place) -> Result<(), Failure> {
        let mark = Mark::UpTo(place);
        self.command(room, Command::Read { mark }).await
    }

    /// From that place on everything counts as unread.
    pub async fn unread_from(&self, room: RoomId, place: Place) -> Result<(), Failure> {
        let mark = Mark::UnreadFrom(place);
        self.command(room, Command::Read { mark }).await
    }

    /// Keeps what is typed and not sent.
    pub async fn save_draft(&self, room: RoomId, text: String) -> Result<(), Failure> {
        let kept = self.0.store.save_draft(room, text.clone()).await;
        kept.map_err(|error| storage(&error))?;
        let what = RoomChange::Draft { text };
        self.publish(Change::Room { room, what }).await;
        Ok(())
    }

    /// Keeps what the window wants kept; at most [`chatspot_protocol::limits::PREFS_BYTES`].
    pub async fn set_prefs(&self, prefs: String) -> Result<(), Failure> {
        if prefs.len() > PREFS_BYTES {
            return Err(failure(FailureCode::TooLong, "too many preferences"));
        }
        let kept = self.0.store.set_prefs(prefs.clone()).await;
        kept.map_err(|error| storage(&error))?;
        self.publish(Change::Prefs { prefs }).await;
        Ok(())
    }

    /// Messages that hold the words of `query`, newest first, in one room or in all; the next ones before `before`.
    pub async fn search(
        &self,
        room: Option<RoomId>,
        query: String,
        before: Option<i64>,
    ) -> Result<Hits, Failure> {
        let hits = self.0.store.search(room, query, before).await;
        hits.map_err(|error| storage(&error))
    }

    /// Writes a room's history to a new file in `folder`. Returns where.
    pub async fn export(
        &self,
        room: RoomId,
        format: ExportFormat,
        folder: PathBuf,
    ) -> Result<PathBuf, Failure> {
        let view = self.0.feed.view().await;
        let open = view.rooms.into_iter().find(|open| open.room == room);
        let stem = format!("ChatSpot {}", open.ok_or_else(|| not_open(room))?.name);
        let path = self.0.store.export(room, format, folder, stem).await;
        path.map_err(|error| storage(&error))
    }

    /// Forgets a room that is not open, with everything that this computer has of it.
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

fn failure(code: FailureCode, message: impl Into<String>) -> Failure {
    Failure {
        code,
        message: message.into(),
    }
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

fn new_id() -> Result<ClientId, Failure> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| failure(FailureCode::Internal, error.to_string()))?;
    Ok(ClientId(id))
}

/// The window's code for a disk that does not do as it is told.
pub fn storage(error: &StoreError) -> Failure {
    let code = match error {
        StoreError::Full { .. } => FailureCode::DiskFull,
        StoreError::Newer { .. } => FailureCode::NewerData,
        StoreError::InUse { .. } => FailureCode::DataInUse,
        _ => FailureCode::Storage,
    };
    failure(code, error.to_string())
}

fn not_open(room: RoomId) -> Failure {
    failure(FailureCode::NotOpen, format!("room {room} is not open"))
}

/// The window's code for a refused text.
pub fn bad_text(bad: &BadText) -> Failure {
    let code = match bad {
        BadText::Empty => FailureCode::Empty,
        BadText::TooLong => FailureCode::TooLong,
        BadText::Control => FailureCode::Control,
    };
    failure(code, bad.to_string())
}

fn parse_address(text: &str) -> Result<Address, Failure> {
    text.parse().map_err(|bad: BadAddress| {
        let code = match bad {
            BadAddress::NotAnAddress => FailureCode::NotAnAddress,
            BadAddress::WrongScheme(_) => FailureCode::WrongScheme,
        };
        failure(code, bad.to_string())
    })
}

fn unreachable(trouble: Trouble) -> Failure {
    let code = match trouble {
        Trouble::NameUnknown => FailureCode::NameUnknown,
        Trouble::NotChatspot => FailureCode::NotChatspot,
        Trouble::RelayTooOld => FailureCode::RelayTooOld,
        Trouble::ClientTooOld => FailureCode::ClientTooOld,
        Trouble::RoomFull => FailureCode::RoomFull,
        Trouble::NoSuchRoom => FailureCode::NoSuchRoom,
        Trouble::NobodyAnswers
        | Trouble::Lost
        | Trouble::Silent
        | Trouble::TooSlow
        | Trouble::RelayStopping
        | Trouble::HostClosed
        | Trouble::Replaced
        | Trouble::Unauthenticated
        | Trouble::Stopped
        | Trouble::NotSaved
        | Trouble::Protocol => FailureCode::NobodyAnswers,
    };
    failure(code, format!("{trouble:?}"))
}

pub(crate) fn wall_now() -> WallMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
