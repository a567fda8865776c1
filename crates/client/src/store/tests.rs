//! What both stores promise, the one on the disk and the one in memory; and what only a disk can show.

mod addresses;
mod disk;
mod export;
mod history;
mod pages;
mod rooms;
mod search;
mod trust;
mod unsay;

use std::ops::Deref;

use chatspot_protocol::address::Address;
use chatspot_protocol::event::{
    Body, Days, Event, Proof, Retention, Role, RoomSettings, Submission, Via,
};
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, RoomId, Seq};
use chatspot_protocol::session::{Cursor, Keep};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::timeline::Told;
use chatspot_protocol::view::{Item, Pending, PendingState, Place, Verified};
use tempfile::TempDir;

use super::{History, Kept, Learnt, Opening, Saved, Store};

const ROOM: RoomId = RoomId([1; 16]);
const ME: MemberId = MemberId([1; 32]);
const ADA: MemberId = MemberId([2; 32]);
const DAY: i64 = 24 * 3_600_000;

/// A store, and the folder that it is in, if it is in one.
struct Bed {
    store: Store,
    folder: Option<TempDir>,
}

impl Deref for Bed {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Bed {
    fn disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path()).unwrap();
        Self {
            store,
            folder: Some(folder),
        }
    }

    fn memory() -> Self {
        Self {
            store: Store::in_memory().unwrap(),
            folder: None,
        }
    }

    fn both() -> [Self; 2] {
        [Self::disk(), Self::memory()]
    }

    /// The same after a crash; in memory nothing is left after one, so nothing happens there.
    fn crashed(self) -> Self {
        let Self { store, folder } = self;
        let Some(folder) = folder else {
            return Self { store, folder };
        };
        drop(store);
        let (store, _) = Store::open(folder.path()).unwrap();
        Self {
            store,
            folder: Some(folder),
        }
    }

    async fn enter(&self) -> Kept {
        self.open_room(ROOM, opening("Lab"), ME).await.unwrap()
    }

    /// Has events written down at the end of the timeline.
    async fn learn(&self, cursor: Cursor, events: Vec<Event>) -> Saved {
        self.keep(ROOM, vec![news(cursor, events)], 0)
            .await
            .unwrap()
    }

    /// Has messages of Ada's written down, one for each number.
    async fn fill(&self, log: u32, seqs: std::ops::RangeInclusive<u64>) -> Saved {
        let cursor = cursor(log, seqs.end() + 1);
        let events = seqs.map(|seq| message(seq, ADA, &format!("number {seq}")));
        self.learn(cursor, events.collect()).await
    }
}

/// Events at the end of the timeline, each said by its author or by the relay.
fn news(cursor: Cursor, events: Vec<Event>) -> Keep {
    Keep::Events {
        cursor,
        events: events.into_iter().map(proven).collect(),
        tail: true,
    }
}

fn proven(event: Event) -> Told {
    let proof = match event.body {
        Body::Joined { .. } | Body::Left { .. } | Body::Renamed { .. } | Body::Unknown => {
            Proof::Relay
        }
        _ => Proof::Author,
    };
    Told { event, proof }
}

fn opening(name: &str) -> Opening {
    Opening {
        name: RoomName::parse(name).unwrap(),
        addresses: vec![at("h:1")],
        learnt: Learnt::Named,
        joined_at: Some(1),
        token: None,
        verified: Verified::No,
    }
}

fn at(text: &str) -> Address {
    text.parse().unwrap()
}

fn cursor(log: u32, next: u64) -> Cursor {
    Cursor {
        log,
        epoch: Epoch([u8::try_from(log).unwrap(); 16]),
        next: Seq(next),
        low: Seq(1),
    }
}

fn place(log: u32, seq: u64) -> Place {
    Place { log, seq: Seq(seq) }
}

fn id(number: u64) -> ClientId {
    let mut id = [0; 16];
    // From its first byte on: a store may look only at the start.
    id[..8].copy_from_slice(&number.to_le_bytes());
    ClientId(id)
}

fn text(text: &str) -> MessageText {
    MessageText::parse(text).unwrap()
}

/// A message whose id is its number, sent that many seconds after 1970.
fn message(seq: u64, author: MemberId, words: &str) -> Event {
    Event {
        seq: Seq(seq),
        at: i64::try_from(seq).unwrap() * 1_000,
        author,
        name: DisplayName::parse("Ada").unwrap(),
        body: Body::Message {
            id: id(seq),
            text: text(words),
        },
        signature: None,
    }
}

fn joined(seq: u64) -> Event {
    Event {
        body: Body::Joined {
            via: Via::Open,
            role: Role::Member,
        },
        ..message(seq, ADA, "x")
    }
}

fn waiting(number: u64) -> Pending {
    Pending {
        id: id(number),
        submission: Submission::message(id(number), text("hello")),
        at: 5,
        state: PendingState::Queued,
        rich: None,
    }
}

fn rules(retention: Retention) -> Keep {
    Keep::Settings {
        settings: RoomSettings {
            retention,
            ..RoomSettings::default()
        },
    }
}

fn days(days: u16) -> Retention {
    Retention::Days {
        days: Days::new(days).unwrap(),
    }
}

/// Items in short: `1/5` is an event, `-1/5` the gap before it, `=2` the beginning of a log.
fn short(items: &[Item]) -> String {
    let short = |item: &Item| match item {
        Item::Event { log, event, .. } => format!("{log}/{}", event.seq),
        Item::Gap { log, before } => format!("-{log}/{before}"),
        Item::Reset { log } => format!("={log}"),
    };
    items.iter().map(short).collect::<Vec<_>>().join(" ")
}
