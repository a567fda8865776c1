//! A member on its simulated computer: the client, somebody who writes, and a window that writes down what it shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chatspot_client::{Client, ClientConfig, EventSink, SinkGone, Store, store};
use chatspot_proof::history::Line;
use chatspot_proof::window::Window;
use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::{RoomId, Seq};
use chatspot_protocol::view::{Failure, Item, LinkState, Update};

use crate::plan::Writer;
use crate::world::{ADDRESS, ROOM};

/// What outlives a crash: the disk, and what is written down about the member.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) store: Store,
    pub(crate) room: RoomId,
    identity: Identity,
    /// A lock because the client wants its window to be shared; everything runs in one thread.
    notes: Arc<Mutex<Notes>>,
}

#[derive(Debug, Default)]
struct Notes {
    lines: Vec<Line>,
    /// How many of its messages it has given to the client.
    written: usize,
    stands: Stands,
}

/// How far it is, in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stands {
    pub(crate) shown: Seq,
    pub(crate) outbox: usize,
    pub(crate) online: bool,
}

impl Member {
    pub(crate) fn new(number: u8, room: RoomId, store: Store) -> Self {
        Self {
            store,
            room,
            identity: Identity::from_secret(&[number + 1; 32]),
            notes: Arc::default(),
        }
    }

    /// Nothing while it does not run.
    pub(crate) fn stands(&self) -> Stands {
        self.notes(|notes| notes.stands)
    }

    pub(crate) fn written(&self) -> usize {
        self.notes(|notes| notes.written)
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.notes(|notes| notes.lines.clone())
    }

    fn notes<T>(&self, look: impl FnOnce(&mut Notes) -> T) -> T {
        look(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, line: Line) {
        self.notes(|notes| notes.lines.push(line));
    }

    /// What runs on its computer.
    pub(crate) async fn run(self, writer: Writer) -> turmoil::Result {
        tokio::time::sleep(writer.comes.saturating_sub(now())).await;
        let Writer { name, writes, .. } = writer;
        let by = self.identity.member();
        self.notes(|notes| notes.stands = Stands::default());
        self.note(Line::Start {
            by,
            name: name.clone(),
        });
        let config = ClientConfig {
            data_dir: std::path::PathBuf::new(),
            suggested_name: name.clone(),
            version: "0".to_owned(),
        };
        let start = store::Start::of(self.identity.clone());
        let client = Client::start_with(self.store.clone(), start, config);
        let window = Seen {
            member: self.clone(),
            window: Mutex::new(Window::new(by)),
        };
        client.subscribe(Box::new(window)).await;
        client
            .set_name(&name)
            .await
            .map_err(|failure| said(&failure))?;
        client.resume().await.map_err(|failure| said(&failure))?;
        if client.view().await.rooms.is_empty() {
            let joined = client.join(ADDRESS, self.room, ROOM).await;
            joined.map_err(|failure| said(&failure))?;
        }
        let before = self.written();
        for (index, (at, text)) in writes.into_iter().enumerate().skip(before) {
            tokio::time::sleep(at.saturating_sub(now())).await;
            let n = index as u64 + 1;
            self.notes(|notes| {
                notes.written = index + 1;
                let text = text.clone();
                notes.lines.push(Line::Wrote { by, n, text });
            });
            match client.send(self.room, &text).await {
                Ok(()) => self.note(Line::Taken { by, n }),
                Err(failure) => {
                    let why = said(&failure);
                    self.note(Line::Refused { by, n, why });
                }
            }
        }
        std::future::pending().await
    }
}

/// Since the simulation began.
fn now() -> Duration {
    turmoil::sim_elapsed().unwrap_or_default()
}

fn said(failure: &Failure) -> String {
    format!("{:?}: {}", failure.code, failure.message)
}

/// The member's window.
struct Seen {
    member: Member,
    /// A lock because a sink is told through a shared reference; nobody else takes it.
    window: Mutex<Window>,
}

impl EventSink for Seen {
    fn update(&self, update: &Update) -> Result<(), SinkGone> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = window.update(update);
        self.member.notes(|notes| {
            notes.lines.extend(lines);
            if let Some(room) = window.room() {
                let shown = room.items.iter().rev().find_map(Item::place);
                notes.stands = Stands {
                    shown: shown.map_or(Seq::ZERO, |place| place.seq),
                    outbox: room.outbox.len(),
                    online: room.link == LinkState::Online,
                };
            }
        });
        Ok(())
    }
}
