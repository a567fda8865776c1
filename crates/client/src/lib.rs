//! ChatSpot's client: drives one session machine per room and tells one window about all of them.
//!
//! Nothing here hosts rooms, and nothing here decides what a message means.

#![forbid(unsafe_code)]

mod dial;
mod driver;
mod feed;
mod store;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use chatspot_folder::FolderError;
use chatspot_protocol::address::{Address, BadAddress};
use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::{ClientId, MemberId, RoomId, WallMillis};
use chatspot_protocol::text::{BadText, DisplayName, MessageText, RoomName};
use chatspot_protocol::view::{
    Change, Failure, FailureCode, Found, Hosting, Me, Recent, RoomChange, RoomView, Trouble, View,
};
use tokio::sync::{mpsc, oneshot};

use crate::driver::{Command, Driver};
use crate::feed::Feed;
pub use crate::feed::{EventSink, SinkGone};
use crate::store::Store;

/// The name and version that a client tells.
const SOFTWARE: &str = concat!("ChatSpot/", env!("CARGO_PKG_VERSION"));
/// Commands waiting for one room; when it is full, the window's command waits.
const COMMANDS: usize = 64;
/// Rooms open at once: a sidebar's worth, each with a connection.
const ROOMS: usize = 64;

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
    feed: Feed,
    /// A lock because commands come from any thread; never held across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    store: Store,
    me: Me,
    rooms: HashMap<RoomId, RoomHandle>,
}

/// The way to a room's task.
#[derive(Debug, Clone)]
struct RoomHandle {
    /// Bounded by [`COMMANDS`].
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
    /// Reads the data folder and starts; must be called within a tokio runtime.
    pub fn start(config: ClientConfig) -> Result<Self, FolderError> {
        let store = Store::load(&config.data_dir)?;
        let identity = store.identity();
        let member = identity.member();
        let me = Me {
            member,
            tag: member.tag(),
            name: store.name(),
            suggested_name: config.suggested_name,
            version: config.version,
        };
        let view = View {
            me: me.clone(),
            rooms: Vec::new(),
            recents: store.recents(),
        };
        let state = Mutex::new(State {
            store,
            me,
            rooms: HashMap::new(),
        });
        Ok(Self(Arc::new(Shared {
            identity,
            feed: Feed::start(view),
            state,
        })))
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
        let (me, rooms) = {
            let mut state = self.lock();
            state
                .store
                .set_name(&name)
                .map_err(|error| storage(&error))?;
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
        self.remember(Recent {
            room,
            name: name.clone(),
            address: address.to_string(),
            joined_at: wall_now(),
        })
        .await?;
        self.open(Opening {
            address,
            room,
            name,
            hosting: None,
        })
        .await
    }

    /// Opens a room without remembering it: how a host enters its own.
    pub async fn open(&self, opening: Opening) -> Result<(), Failure> {
        let Opening {
            address,
            room,
            name,
            hosting,
        } = opening;
        let (sender, receiver) = mpsc::channel(COMMANDS);
        let known = {
            let mut state = self.lock();
            let my_name = state
                .me
                .name
                .clone()
                .ok_or_else(|| failure(FailureCode::NoName, "no display name yet"))?;
            match state.rooms.get(&room) {
                Some(known) => Some(known.clone()),
                None if state.rooms.len() >= ROOMS => {
                    return Err(failure(
                        FailureCode::TooManyRooms,
                        format!("{ROOMS} rooms are open"),
                    ));
                }
                None => {
                    let view = RoomView::opening(room, name, address.to_string(), hosting.clone());
                    let driver = Driver::new(
                        room,
                        self.0.identity.clone(),
                        my_name,
                        address.clone(),
                        self.0.feed.clone(),
                    );
                    let hosted = hosting.is_some();
                    let handle = RoomHandle {
                        commands: sender,
                        hosted,
                    };
                    state.rooms.insert(room, handle);
                    tokio::spawn(driver.run(Box::new(view), receiver));
                    None
                }
            }
        };
        // The host's own way in stays the host's, whatever address somebody typed for it.
        if let Some(known) = known.filter(|known| hosting.is_some() || !known.hosted) {
            let address = Some(address);
            // A room that ends just now is not dialled again.
            let _ = known.commands.send(Command::Redial { address }).await;
            if let Some(hosting) = hosting {
                self.hosting(room, hosting).await;
            }
        }
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

    /// Leaves a room, with a goodbye where there is a connection. Returns when the goodbye is written.
    pub async fn leave(&self, room: RoomId) -> Result<(), Failure> {
        let (sender, ended) = oneshot::channel();
        self.command(room, Command::Leave { done: sender }).await?;
        // An error means that the driver is gone, which is what was asked for.
        let _ = ended.await;
        self.lock().rooms.remove(&room);
        self.publish(Change::RoomLeft { room }).await;
        Ok(())
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
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|error| failure(FailureCode::Internal, error.to_string()))?;
        let (sender, taken) = oneshot::channel();
        self.command(
            room,
            Command::Submit {
                id: ClientId(id),
                text,
                taken: sender,
            },
        )
        .await?;
        let full = |_| failure(FailureCode::OutboxFull, "too many unsent messages");
        taken.await.map_err(|_| not_open(room))?.map_err(full)
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
        taken.await.map_err(|_| not_open(room))
    }

    /// Tells the others that one is typing, or stopped.
    pub async fn typing(&self, room: RoomId, active: bool) -> Result<(), Failure> {
        self.command(room, Command::Typing { active }).await
    }

    /// Forgets a recent room.
    pub async fn forget_recent(&self, room: RoomId) -> Result<(), Failure> {
        let recents = self
            .lock()
            .store
            .forget(room)
            .map_err(|error| storage(&error))?;
        self.publish(Change::Recents { recents }).await;
        Ok(())
    }

    async fn remember(&self, recent: Recent) -> Result<(), Failure> {
        let recents = self
            .lock()
            .store
            .remember(recent)
            .map_err(|error| storage(&error))?;
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

fn storage(error: &FolderError) -> Failure {
    failure(FailureCode::Storage, error.to_string())
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
