//! A window without a screen: a client, and the view that its updates add up to.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use chatspot_client::{Client, ClientConfig, EventSink, History, SinkGone};
use chatspot_protocol::event::{Body, Event};
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{Item, LinkState, RoomView, Trouble, Update, View};
use chatspot_relay::tls::Tls;
use chatspot_relay::{Relay, RelayConfig, RoomSpec, Store, listen};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// How long a test waits for what has to happen. Never reached when all is well.
const PATIENCE: Duration = Duration::from_secs(40);

/// Waits for what has to happen.
pub(crate) async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, happens)
        .await
        .unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Lets that much time go by quickly, with everybody awake. Needs a runtime of one thread.
pub(crate) async fn skip(time: Duration) {
    let step = Duration::from_secs(1);
    let mut left = time;
    tokio::time::pause();
    while left > Duration::ZERO {
        tokio::time::advance(left.min(step)).await;
        left = left.saturating_sub(step);
    }
    tokio::time::resume();
}

/// Lets that much time go by at once, as a computer does that sleeps. Needs a runtime of one thread.
pub(crate) async fn sleep_through(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A relay that lets everybody talk as fast as they can.
pub(crate) fn relay_at(address: SocketAddr) -> Relay {
    let config = RelayConfig {
        frames_per_second: 100_000,
        frames_burst: 100_000,
        ..RelayConfig::default()
    };
    relay_with(address, config)
}

pub(crate) fn relay_with(address: SocketAddr, config: RelayConfig) -> Relay {
    let (store, tls) = (Store::in_memory().unwrap(), Tls::in_memory().unwrap());
    Relay::start(listen::on_address(address).unwrap(), config, store, tls).unwrap()
}

/// A relay over the history in a folder.
pub(crate) fn relay_in(folder: &Path, address: SocketAddr) -> Relay {
    let config = RelayConfig {
        frames_per_second: 100_000,
        frames_burst: 100_000,
        ..RelayConfig::default()
    };
    let (store, tls) = (Store::open(folder).unwrap(), Tls::open(folder).unwrap());
    Relay::start(listen::on_address(address).unwrap(), config, store, tls).unwrap()
}

pub(crate) fn relay() -> Relay {
    relay_at("127.0.0.1:0".parse().unwrap())
}

/// Opens the room of that number: the same key each time.
pub(crate) fn open(relay: &Relay, number: u8) -> RoomId {
    relay.open(spec(number)).unwrap()
}

pub(crate) fn spec(number: u8) -> RoomSpec {
    RoomSpec {
        key: RoomKey::from_secret(&[number; 32]),
        name: RoomName::parse(&format!("Room {number}")).unwrap(),
        host: None,
        settings: None,
        passcode: None,
    }
}

/// Passes updates on, until it is told that nobody listens.
pub(crate) struct Sink(mpsc::UnboundedSender<Update>);

impl Sink {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Update>) {
        let (sender, updates) = mpsc::unbounded_channel();
        (Self(sender), updates)
    }
}

impl EventSink for Sink {
    fn update(&self, update: &Update) -> Result<(), SinkGone> {
        self.0.send(update.clone()).map_err(|_| SinkGone)
    }
}

pub(crate) struct Window {
    pub(crate) client: Client,
    updates: mpsc::UnboundedReceiver<Update>,
    /// What the updates so far add up to.
    pub(crate) view: View,
    folder: TempDir,
}

impl Window {
    /// A client with a folder of its own and that name.
    pub(crate) async fn new(name: &str) -> Self {
        let window = Self::nameless().await;
        window.client.set_name(name).await.unwrap();
        window
    }

    pub(crate) async fn nameless() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap()).await
    }

    pub(crate) async fn in_folder(folder: TempDir) -> Self {
        let client = start(&folder);
        let (sink, mut updates) = Sink::new();
        client.subscribe(Box::new(sink)).await;
        let first = within("the snapshot", updates.recv()).await.unwrap();
        let Update::Snapshot { view } = first else {
            panic!("no snapshot first: {first:?}");
        };
        Self {
            client,
            updates,
            view,
            folder,
        }
    }

    /// Ends the program without a goodbye, as a crash does, and starts it again in the same folder. The rooms are not
    /// open before [`Client::resume`].
    pub(crate) async fn restarted(self) -> Self {
        Self::in_folder(self.stopped().await).await
    }

    /// Ends the program without a goodbye. Its tasks end one after the other, so that the folder is free a little later.
    pub(crate) async fn stopped(self) -> TempDir {
        let Self { client, folder, .. } = self;
        drop(client);
        within("the folder to be free", async {
            // Whoever holds it holds its locks; a look that takes them itself would be in the next one's way.
            while !["profile.lock", "history.lock"]
                .into_iter()
                .all(|name| is_free(&folder.path().join(name)))
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        folder
    }

    /// A program with a copy of the folder, so with the same identity.
    pub(crate) async fn twin(&self) -> Self {
        let copy = tempfile::tempdir().unwrap();
        let name = "profile.json";
        std::fs::copy(self.folder.path().join(name), copy.path().join(name)).unwrap();
        Self::in_folder(copy).await
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Leaves a room, and waits until it is gone from the window.
    pub(crate) async fn leave(&mut self, room: RoomId) {
        self.client.leave(room, History::Keep).await.unwrap();
        self.until("the room to be gone", |view| {
            view.rooms.iter().all(|open| open.room != room)
        })
        .await;
    }

    pub(crate) fn member(&self) -> MemberId {
        self.client.member()
    }

    /// Joins as people do: by what an address answers.
    pub(crate) async fn join(&mut self, address: SocketAddr, room: RoomId) {
        let found = self.client.look_up(&address.to_string()).await.unwrap();
        let mut rooms = found.rooms.iter().map(|found| &found.summary);
        let summary = rooms.find(|summary| summary.room == room).unwrap();
        self.client
            .join(&found.address, room, summary.name.as_str())
            .await
            .unwrap();
        self.until_link(room, |link| *link == LinkState::Online)
            .await;
    }

    pub(crate) fn room(&self, room: RoomId) -> &RoomView {
        self.view
            .rooms
            .iter()
            .find(|open| open.room == room)
            .unwrap()
    }

    /// Takes updates until the view is as wanted. Other updates give no more patience.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&View) -> bool) {
        within(what, async {
            while !wanted(&self.view) {
                let update = self.updates.recv().await;
                match update.expect("the client is gone") {
                    Update::Changes { changes } => {
                        assert!(!changes.is_empty(), "an empty batch");
                        for change in changes {
                            self.view.apply(change);
                        }
                    }
                    Update::Snapshot { .. } => panic!("a second snapshot"),
                }
            }
        })
        .await;
    }

    pub(crate) async fn until_room(
        &mut self,
        room: RoomId,
        what: &str,
        wanted: impl Fn(&RoomView) -> bool,
    ) {
        self.until(what, |view| {
            view.rooms
                .iter()
                .any(|open| open.room == room && wanted(open))
        })
        .await;
    }

    pub(crate) async fn until_link(&mut self, room: RoomId, wanted: impl Fn(&LinkState) -> bool) {
        self.until_room(room, "the link", |open| wanted(&open.link))
            .await;
    }

    pub(crate) async fn until_closed(&mut self, room: RoomId, why: Trouble) {
        self.until_link(room, |link| *link == LinkState::Closed { trouble: why })
            .await;
    }

    pub(crate) async fn until_waiting(&mut self, room: RoomId) {
        self.until_link(room, |link| matches!(link, LinkState::Waiting { .. }))
            .await;
    }

    pub(crate) async fn send(&self, room: RoomId, text: &str) {
        self.client.send(room, text).await.unwrap();
    }

    /// Takes updates until these are all the messages that the room shows.
    pub(crate) async fn until_texts(&mut self, room: RoomId, expected: &[&str]) {
        self.until_room(room, &format!("the messages {expected:?}"), |open| {
            texts(open) == expected
        })
        .await;
    }
}

fn start(folder: &TempDir) -> Client {
    Client::start(config(folder)).unwrap()
}

fn config(folder: &TempDir) -> ClientConfig {
    ClientConfig {
        data_dir: folder.path().to_owned(),
        suggested_name: "Somebody".to_owned(),
        version: "test".to_owned(),
    }
}

pub(crate) fn events(room: &RoomView) -> impl Iterator<Item = &Event> {
    room.items.iter().filter_map(|item| match item {
        Item::Event { event, .. } => Some(event),
        Item::Reset { .. } | Item::Gap { .. } => None,
    })
}

/// The texts that a room shows, in order.
pub(crate) fn texts(room: &RoomView) -> Vec<&str> {
    events(room)
        .filter_map(|event| match &event.body {
            Body::Message { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// Whether nobody holds that lock.
pub(crate) fn is_free(lock: &Path) -> bool {
    let Ok(file) = std::fs::File::open(lock) else {
        return true;
    };
    file.try_lock().is_ok()
}
