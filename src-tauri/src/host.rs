//! Hosting: the embedded relay, the rooms in it, and what the window is told of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chatspot_client::{Client, Opening, Vault};
use chatspot_nearby::{Nearby, addresses};
use chatspot_protocol::address::Address;
use chatspot_protocol::event::RoomSettings;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::{DEFAULT_PORT, TIDY_EVERY};
use chatspot_protocol::passcode::Passcode;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{Failure, FailureCode, HostAddress, Hosting, LinkState, Recovery};
use chatspot_protocol::wire::Closing;
use chatspot_relay::records::{FolderError, RoomRecord, RoomRecords};
use chatspot_relay::tls::{Tls, TlsError};
use chatspot_relay::{OpenError, Recovered, Relay, RelayConfig, RoomSpec, Store, listen};
use tauri::async_runtime::JoinHandle;
use tokio::sync::Mutex;

/// How often the network interfaces are looked at while a room is open: a changed address is shown within that.
const ADDRESSES_EVERY: Duration = Duration::from_secs(10);

/// All hosting of this installation.
pub(crate) struct Host {
    client: Client,
    /// By which rooms are called out; none where that is off.
    nearby: Option<Nearby>,
    /// A lock because commands come side by side; an async one because a room opens and closes in several steps.
    state: Mutex<State>,
}

struct State {
    folder: PathBuf,
    /// What the keys of rooms and relay are kept in.
    vault: Vault,
    records: RoomRecords,
    /// Runs from the first open room to the last.
    relay: Option<Relay>,
    /// The relay before it, which says its goodbyes and closes its files, or what puts them in order without one.
    ending: Option<JoinHandle<()>>,
    shown: Vec<HostAddress>,
}

impl Host {
    /// Reads the rooms of the data folder.
    pub(crate) fn load(
        folder: &Path,
        vault: Vault,
        client: Client,
        nearby: Option<Nearby>,
    ) -> Result<Self, FolderError> {
        let state = State {
            folder: folder.to_owned(),
            records: RoomRecords::load_in(&vault, folder)?,
            vault,
            relay: None,
            ending: None,
            shown: Vec::new(),
        };
        Ok(Self {
            client,
            nearby,
            state: Mutex::new(state),
        })
    }

    /// Opens the rooms that were open when the app ended, and shows those that were not.
    pub(crate) async fn resume_all(&self) {
        let mut state = self.state.lock().await;
        for record in state.records.rooms().to_vec() {
            let result = if record.open {
                self.open(&mut state, &record, Terms::kept()).await
            } else {
                self.show_stopped(&record, None).await
            };
            if let Err(failure) = result {
                tracing::warn!(?failure, room = %record.name, "cannot host");
                if let Err(failure) = self.show_stopped(&record, Some(failure)).await {
                    tracing::warn!(?failure, room = %record.name, "cannot show the room");
                }
            }
        }
        if state.relay.is_none() {
            // What grew too old goes although nobody opens the rooms.
            ended(&mut state).await;
            put_in_order(&mut state);
        }
    }

    /// Hosts a new room, with these rules, and this passcode or a random one.
    pub(crate) async fn create(
        &self,
        name: &str,
        settings: RoomSettings,
        passcode: Option<&str>,
    ) -> Result<RoomId, Failure> {
        let name = RoomName::parse(name).map_err(|bad| chatspot_client::bad_text(&bad))?;
        let passcode = passcode.map(Passcode::parse).transpose();
        let terms = Terms {
            settings: Some(settings),
            passcode: passcode.map_err(chatspot_client::bad_passcode)?,
        };
        let mut state = self.state.lock().await;
        let record = state
            .records
            .add(name)
            .map_err(|error| records_failure(&error))?;
        match self.open(&mut state, &record, terms).await {
            Ok(room) => Ok(room),
            Err(failure) => {
                // Nobody saw it: it should not be there at the next start either.
                let room = record.key().id();
                state
                    .records
                    .remove(room)
                    .map_err(|error| records_failure(&error))?;
                Err(failure)
            }
        }
    }

    /// Opens a room again that was stopped.
    pub(crate) async fn resume(&self, room: RoomId) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        let record = record_of(&state, room)?;
        self.open(&mut state, &record, Terms::kept()).await?;
        state
            .records
            .set_open(room, true)
            .map_err(|error| records_failure(&error))
    }

    /// Closes a room for everybody; it stays in the sidebar and can be opened again.
    pub(crate) async fn stop(&self, room: RoomId) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        self.close(&mut state, room).await;
        state
            .records
            .set_open(room, false)
            .map_err(|error| records_failure(&error))
    }

    /// Closes a room for everybody and forgets it. Does nothing for a room that is hosted elsewhere.
    pub(crate) async fn forget(&self, room: RoomId) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        if record_of(&state, room).is_err() {
            return Ok(());
        }
        self.close(&mut state, room).await;
        // Before its key: without that nobody could ask for it again.
        let forgotten = if let Some(relay) = &state.relay {
            relay.forget(room)
        } else {
            ended(&mut state).await;
            let forgotten = Store::open(&state.folder).and_then(|store| {
                store.forget(room)?;
                store.close();
                Ok(())
            });
            put_in_order(&mut state);
            forgotten
        };
        forgotten.map_err(|error| chatspot_client::storage(&error))?;
        state
            .records
            .remove(room)
            .map_err(|error| records_failure(&error))
    }

    /// How many others are in rooms hosted here; somebody in two of them counts twice.
    pub(crate) async fn others(&self) -> u32 {
        let rooms = match &self.state.lock().await.relay {
            Some(relay) => relay.rooms(),
            None => return 0,
        };
        let view = self.client.view().await;
        let inside = |room: RoomId| {
            let mut open = view.rooms.iter();
            open.any(|open| open.room == room && open.link == LinkState::Online)
        };
        let others = rooms
            .iter()
            .map(|room| room.online.saturating_sub(u32::from(inside(room.room))));
        others.sum()
    }

    /// The port of the rooms that are hosted here, if any are.
    pub(crate) async fn port(&self) -> Option<u16> {
        let state = self.state.lock().await;
        state.relay.as_ref().map(|relay| relay.address().port())
    }

    /// Closes everything as the app ends. The rooms open again with it, so the others are told to expect that.
    pub(crate) async fn stop_all(&self) {
        if let Some(relay) = self.state.lock().await.relay.take() {
            relay.stop(Closing::RelayStopping).await;
        }
    }

    /// Shows new addresses when the computer changes networks, and has old history deleted although nobody hosts; runs
    /// for ever.
    pub(crate) async fn watch_addresses(&self) {
        let mut tidied = Instant::now();
        loop {
            tokio::time::sleep(ADDRESSES_EVERY).await;
            let mut state = self.state.lock().await;
            let Some(relay) = &state.relay else {
                // A relay that runs does it itself.
                if tidied.elapsed() > TIDY_EVERY {
                    tidied = Instant::now();
                    ended(&mut state).await;
                    put_in_order(&mut state);
                }
                continue;
            };
            let port = relay.address().port();
            let found = addresses::to_hand_out(port);
            if found == state.shown {
                continue;
            }
            let recovered = recovery(relay);
            let rooms: Vec<RoomId> = relay.rooms().iter().map(|room| room.room).collect();
            for room in rooms {
                self.client
                    .hosting(room, running(port, found.clone(), recovered))
                    .await;
            }
            state.shown = found;
        }
    }

    async fn open(
        &self,
        state: &mut State,
        record: &RoomRecord,
        terms: Terms,
    ) -> Result<RoomId, Failure> {
        let key = record.key();
        ended(state).await;
        let relay = if let Some(relay) = state.relay.take() {
            relay
        } else {
            let relay = start_relay(&state.folder, &state.vault, record.port)?;
            if let Some(nearby) = &self.nearby {
                relay.announce(nearby.clone());
            }
            relay
        };
        let relay = state.relay.insert(relay);
        let port = relay.address().port();
        let spec = RoomSpec {
            key,
            name: record.name.clone(),
            host: Some(self.client.member()),
            settings: terms.settings,
            passcode: terms.passcode,
        };
        let room = spec.key.id();
        match relay.open(spec) {
            Ok(_) | Err(OpenError::AlreadyOpen) => {}
            Err(error @ OpenError::TooMany(_)) => {
                return Err(failure(FailureCode::TooManyRooms, error.to_string()));
            }
            Err(error @ OpenError::Random(_)) => {
                return Err(failure(FailureCode::Internal, error.to_string()));
            }
            Err(OpenError::Store(error)) => {
                end_empty_relay(state);
                return Err(chatspot_client::storage(&error));
            }
        }
        let recovered = recovery(relay);
        state.shown = addresses::to_hand_out(port);
        let hosting = running(port, state.shown.clone(), recovered);
        let opening = Opening::hosted(own_address(port), room, record.name.clone(), hosting);
        if let Err(failure) = self.client.open(opening).await {
            // A room that its host cannot see must not stand open to others.
            relay.close(room, Closing::HostClosed).await;
            end_empty_relay(state);
            return Err(failure);
        }
        if let Err(error) = state.records.set_port(room, port) {
            tracing::warn!(%error, "the next time the room may be at another port");
        }
        Ok(room)
    }

    async fn close(&self, state: &mut State, room: RoomId) {
        // Out first: the host's own window should say "stopped", not that somebody closed it.
        if let Err(failure) = self.client.stop(room).await {
            tracing::debug!(?failure, "the room's window is closed");
        }
        let Some(relay) = &state.relay else { return };
        let port = relay.address().port();
        relay.close(room, Closing::HostClosed).await;
        self.client
            .hosting(
                room,
                Hosting {
                    running: false,
                    ..running(port, Vec::new(), None)
                },
            )
            .await;
        end_empty_relay(state);
    }

    async fn show_stopped(
        &self,
        record: &RoomRecord,
        trouble: Option<Failure>,
    ) -> Result<RoomId, Failure> {
        let key = record.key();
        let (room, name) = (key.id(), record.name.clone());
        let hosting = Hosting {
            running: false,
            trouble,
            ..running(DEFAULT_PORT, Vec::new(), None)
        };
        let address = own_address(DEFAULT_PORT);
        self.client
            .open(Opening::hosted(address, room, name, hosting))
            .await?;
        self.client.stop(room).await?;
        Ok(room)
    }
}

/// What a new room begins with. One that was there before goes on with what it has.
struct Terms {
    settings: Option<RoomSettings>,
    passcode: Option<Passcode>,
}

impl Terms {
    fn kept() -> Self {
        Self {
            settings: None,
            passcode: None,
        }
    }
}

fn running(port: u16, addresses: Vec<HostAddress>, recovered: Option<Recovery>) -> Hosting {
    Hosting {
        running: true,
        port,
        other_port: port != DEFAULT_PORT,
        addresses,
        trouble: None,
        recovered,
    }
}

/// What became of the relay's files, if they were damaged.
fn recovery(relay: &Relay) -> Option<Recovery> {
    relay.recovered().map(|recovered| match recovered {
        Recovered::Backup { .. } => Recovery::Backup,
        Recovered::Anew { .. } => Recovery::Anew,
    })
}

fn own_address(port: u16) -> Address {
    Address {
        host: "127.0.0.1".to_owned(),
        port,
    }
}

/// Where it was reached before, if that port is free: the members dial it there.
fn start_relay(folder: &Path, vault: &Vault, before: Option<u16>) -> Result<Relay, Failure> {
    let store = Store::open(folder).map_err(|error| chatspot_client::storage(&error))?;
    let tls = Tls::open_in(vault, folder).map_err(|error| tls_failure(&error))?;
    let no_port = |error: std::io::Error| failure(FailureCode::NoPort, error.to_string());
    let before = before.and_then(|port| listen::on_port(port).ok());
    let listener = match before {
        Some(listener) => listener,
        None => listen::on_all_interfaces(DEFAULT_PORT).map_err(no_port)?,
    };
    Relay::start(listener, RelayConfig::default(), store, tls).map_err(no_port)
}

/// Waits until the relay before has closed its files.
async fn ended(state: &mut State) {
    if let Some(ending) = state.ending.take()
        && let Err(error) = ending.await
    {
        tracing::error!(%error, "what had the files before did not end well");
    }
}

/// Deletes what was forgotten or grew too old while no relay runs, as the window goes on.
fn put_in_order(state: &mut State) {
    let folder = state.folder.clone();
    state.ending = Some(tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = Store::put_in_order(&folder) {
            tracing::warn!(%error, "old history is not deleted yet");
        }
    }));
}

/// Closes the port after the last room; its goodbyes are said while the window goes on.
fn end_empty_relay(state: &mut State) {
    if state
        .relay
        .as_ref()
        .is_some_and(|relay| relay.rooms().is_empty())
        && let Some(relay) = state.relay.take()
    {
        state.ending = Some(tauri::async_runtime::spawn(relay.stop(Closing::HostClosed)));
    }
}

fn record_of(state: &State, room: RoomId) -> Result<RoomRecord, Failure> {
    let found = state.records.find(room).cloned();
    found.ok_or_else(|| failure(FailureCode::NotOpen, "this room is not hosted here"))
}

fn tls_failure(error: &TlsError) -> Failure {
    let code = match error {
        TlsError::Folder(_) => FailureCode::Storage,
        TlsError::Key(_) | TlsError::Library(_) => FailureCode::Internal,
    };
    failure(code, error.to_string())
}

fn records_failure(error: &FolderError) -> Failure {
    failure(FailureCode::Storage, error.to_string())
}

fn failure(code: FailureCode, message: impl Into<String>) -> Failure {
    Failure {
        code,
        message: message.into(),
    }
}
