//! Somebody with a client, whose window is looked at, and a relay to go to.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chatspot_client::{Client, ClientConfig, EventSink, SinkGone};
use chatspot_proof::program::Program;
use chatspot_proof::stage::free_port;
use chatspot_protocol::event::{Body, Proof};
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::invite::InviteLink;
use chatspot_protocol::view::{Item, LinkState, RoomView, Update, View};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::programs::programs;

/// How long anything that has to happen is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A member with a window.
pub(crate) struct Person {
    pub(crate) client: Client,
    view: watch::Receiver<Option<View>>,
    _folder: TempDir,
}

/// Keeps the view up to date.
struct Glass(watch::Sender<Option<View>>);

impl EventSink for Glass {
    fn update(&self, update: &Update) -> Result<(), SinkGone> {
        self.0.send_modify(|view| match update {
            Update::Snapshot { view: new } => *view = Some(new.clone()),
            Update::Changes { changes } => {
                for change in changes {
                    if let Some(view) = view {
                        view.apply(change.clone());
                    }
                }
            }
        });
        Ok(())
    }
}

impl Person {
    pub(crate) async fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = ClientConfig {
            data_dir: folder.path().to_owned(),
            suggested_name: name.to_owned(),
            version: "0".to_owned(),
        };
        let client = Client::start(config).unwrap();
        client.set_name(name).await.unwrap();
        let (sender, view) = watch::channel(None);
        client.subscribe(Box::new(Glass(sender))).await;
        Self {
            client,
            view,
            _folder: folder,
        }
    }

    /// Joins the first room at an address, as somebody does who typed it.
    pub(crate) async fn join(&self, address: SocketAddr) -> Result<RoomId, String> {
        let text = address.to_string();
        let found = self.client.look_up(&text).await;
        let found = found.map_err(|failure| format!("{:?}", failure.code))?;
        let room = found.rooms[0].summary.clone();
        let joined = self.client.join(&text, room.room, room.name.as_str()).await;
        joined.map_err(|failure| format!("{:?}", failure.code))?;
        Ok(room.room)
    }

    /// Waits until the room in the window is so, and returns it.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&RoomView) -> bool) -> RoomView {
        let mut view = self.view.clone();
        let room = |view: &Option<View>| view.as_ref().and_then(|view| view.rooms.first().cloned());
        let so = view.wait_for(|view| room(view).is_some_and(|room| is_so(&room)));
        let Ok(so) = tokio::time::timeout(PATIENCE, so).await else {
            panic!(
                "waited in vain for {what}: {:#?}",
                room(&self.view.borrow())
            );
        };
        room(&so.unwrap()).unwrap()
    }

    pub(crate) async fn linked(&self, wanted: impl Fn(&LinkState) -> bool) -> RoomView {
        self.until("the link", |room| wanted(&room.link)).await
    }

    pub(crate) async fn online(&self) -> RoomView {
        self.linked(|link| *link == LinkState::Online).await
    }
}

/// The messages that a room shows, and whether each is its author's.
pub(crate) fn messages(room: &RoomView) -> Vec<(String, Proof)> {
    let message = |item: &Item| match item {
        Item::Event { event, proof, .. } => match &event.body {
            Body::Message { text, .. } => Some((text.to_string(), *proof)),
            _ => None,
        },
        Item::Reset { .. } | Item::Gap { .. } => None,
    };
    room.items.iter().filter_map(message).collect()
}

/// What opens the relay's room.
pub(crate) const PASSCODE: &str = "quixotic-zeppelin-wombat-jukebox";

/// The relay's program, with one room.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    printed: watch::Receiver<String>,
    _program: Program,
    folder: TempDir,
}

impl Host {
    pub(crate) async fn start(admission: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port().unwrap();
        let mut command = Command::new(programs().relay);
        command
            .env_remove("PORT")
            .env_remove("CHATSPOT_RELAY_DATA_DIR")
            .env("CHATSPOT_RELAY_PASSCODE", PASSCODE)
            .args(["--listen", "127.0.0.1", "--port", &port.to_string()])
            .args(["--room", "Proof", "--admission", admission, "--data-dir"])
            .arg(folder.path());
        let (sender, mut printed) = watch::channel(String::new());
        let program = Program::start(
            "the relay",
            command,
            &folder.path().join("errors"),
            move |line| {
                sender.send_modify(|text| {
                    text.push_str(line);
                    text.push('\n');
                });
            },
        );
        let listens = printed.wait_for(|text| text.contains("listens on port"));
        let listens = tokio::time::timeout(PATIENCE, listens).await;
        drop(listens.expect("the relay does not listen").unwrap());
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            printed,
            _program: program.unwrap(),
            folder,
        }
    }

    /// The first word like that that the relay prints.
    async fn word(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let mut printed = self.printed.clone();
        let found = |text: &str| {
            text.split_whitespace()
                .find(|word| is_it(word))
                .map(str::to_owned)
        };
        let waited = tokio::time::timeout(PATIENCE, printed.wait_for(|text| found(text).is_some()));
        let Ok(text) = waited.await else {
            panic!("no {what} in {}", *self.printed.borrow());
        };
        found(&text.unwrap()).unwrap()
    }

    /// The invite that makes an owner, as if it led to `address`.
    pub(crate) async fn invite(&self, address: SocketAddr) -> String {
        let link = self
            .word("link", |word| word.starts_with("chatspot://"))
            .await;
        let mut link = InviteLink::decode(&link).unwrap();
        link.addresses = vec![address.to_string().parse().unwrap()];
        link.encode()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
