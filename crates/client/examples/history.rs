//! How long the store takes with a short and with a long history: fills a room in a temporary folder and asks what the
//! window asks. `cargo run --release -p chatspot-client --example history [events]`

use std::path::Path;
use std::time::{Duration, Instant};

use chatspot_client::store::{History, Learnt, Opening, Store, StoreError};
use chatspot_protocol::event::{Body, Event, Proof, Submission};
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, RoomId, Seq, Signature};
use chatspot_protocol::session::{Cursor, Keep, Told};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::view::{ExportFormat, PageAt, Pending, PendingState, Place, Verified};

const ROOM: RoomId = RoomId([1; 16]);
const ME: MemberId = MemberId([1; 32]);
const FEW: u64 = 100;
const MANY: u64 = 1_000_000;
/// Events written in one transaction: as a burst of a lively room.
const BATCH: u64 = 1_000;
/// Each question is asked that often; the median is shown.
const TIMES: usize = 9;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Fallible<()> {
    let many = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => MANY,
    };
    for events in [FEW, many] {
        measure(events).await?;
    }
    Ok(())
}

async fn measure(events: u64) -> Fallible<()> {
    let folder = tempfile::tempdir()?;
    let (store, _) = Store::open(folder.path())?;
    open(&store).await?;
    let begun = Instant::now();
    fill(&store, events).await?;
    say(&format!("{events} events: fill"), begun.elapsed());
    store.close().await?;
    drop(store);

    let begun = Instant::now();
    let (store, _) = Store::open(folder.path())?;
    say("start after a clean end", begun.elapsed());
    median("open_room", async || open(&store).await).await?;
    let middle = Place {
        log: 1,
        seq: Seq(events / 2 + 1),
    };
    for (name, at) in [
        ("page: latest", PageAt::Latest),
        ("page: before the middle", PageAt::Before { place: middle }),
        ("page: around the middle", PageAt::Around { place: middle }),
    ] {
        median(name, async || store.page(ROOM, at).await.map(drop)).await?;
    }
    for query in ["needle", "the", "need", "th", "the need", "\"the"] {
        for (room, scope) in [(None, "all rooms"), (Some(ROOM), "one room")] {
            let search = async || store.search(room, query.to_owned(), None).await.map(drop);
            median(&format!("search {query:?}, {scope}"), search).await?;
        }
    }
    median("mark_read in the middle", async || {
        store.mark_unread_from(ROOM, middle).await?;
        store.mark_read(ROOM, middle).await.map(drop)
    })
    .await?;
    let mut number = events;
    median("put_pending", async || {
        number += 1;
        store.put_pending(ROOM, pending(number)).await
    })
    .await?;
    let mut seq = events;
    median("keep one event", async || {
        seq += 1;
        store.keep(ROOM, vec![tail(seq..=seq)], 0).await.map(drop)
    })
    .await?;
    for format in [ExportFormat::JsonLines, ExportFormat::Html] {
        let begun = Instant::now();
        let to = folder.path().to_owned();
        let path = store.export(ROOM, format, to, "room".into()).await?;
        say(
            &format!("export, {} MB", megabytes(&path)?),
            begun.elapsed(),
        );
    }
    line(&format!(
        "file {} MB, memory {} MB",
        megabytes(&folder.path().join("history.db"))?,
        memory().unwrap_or(0)
    ));
    let begun = Instant::now();
    store.close_room(ROOM, History::Delete, 0).await?;
    say("forget", begun.elapsed());
    open(&store).await?;
    median("keep while it is cleared away", async || {
        store.keep(ROOM, vec![tail(1..=1)], 0).await.map(drop)
    })
    .await?;
    store.close().await?;
    line("");
    Ok(())
}

async fn open(store: &Store) -> Result<(), StoreError> {
    let opening = Opening {
        name: RoomName::parse("History").expect("it is a name"),
        addresses: Vec::new(),
        learnt: Learnt::Named,
        joined_at: Some(0),
        token: None,
        verified: Verified::No,
    };
    store.open_room(ROOM, opening, ME).await.map(drop)
}

async fn fill(store: &Store, events: u64) -> Result<(), StoreError> {
    let mut first = 1;
    while first <= events {
        let last = (first + BATCH - 1).min(events);
        store.keep(ROOM, vec![tail(first..=last)], 0).await?;
        first = last + 1;
    }
    Ok(())
}

fn tail(seqs: std::ops::RangeInclusive<u64>) -> Keep {
    Keep::Events {
        cursor: Cursor {
            log: 1,
            epoch: Epoch([1; 16]),
            next: Seq(seqs.end() + 1),
            low: Seq(1),
        },
        events: seqs
            .map(|seq| Told {
                event: event(seq),
                proof: Proof::Author,
            })
            .collect(),
        tail: true,
    }
}

fn event(seq: u64) -> Event {
    Event {
        seq: Seq(seq),
        // Two a second.
        at: 1_790_000_000_000 + i64::try_from(seq).unwrap_or(0) * 500,
        author: MemberId([u8::try_from(seq % 30).unwrap_or(0); 32]),
        name: DisplayName::parse("Ada Lovelace").expect("it is a name"),
        body: Body::Message {
            id: id(seq),
            text: text(seq),
        },
        signature: Some(Signature([1; 64])),
    }
}

fn pending(number: u64) -> Pending {
    Pending {
        id: id(number),
        submission: Submission::message(id(number), text(number)),
        at: 0,
        state: PendingState::Queued,
        rich: None,
    }
}

fn id(number: u64) -> ClientId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&mixed(number).to_le_bytes());
    id[8..].copy_from_slice(&number.to_le_bytes());
    ClientId(id)
}

/// A dozen words, of which few are common; one message in fifty thousand holds a rare one.
fn text(seq: u64) -> MessageText {
    let first = if seq % 50_000 == 50 { "needle" } else { "the" };
    let mut words = vec![first.to_owned()];
    for nth in 0..3 + mixed(seq) % 16 {
        let chance = mixed(seq.wrapping_mul(31).wrapping_add(nth));
        let rank = 10_000 / (1 + chance % 10_000);
        let word = mixed(rank.wrapping_mul(chance % 7 + 1)) & 0xffff;
        words.push(format!("w{word:x}"));
    }
    MessageText::parse(&words.join(" ")).expect("there is something visible in it")
}

/// A number that looks random (`SplitMix64`).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

async fn median(
    name: &str,
    mut ask: impl AsyncFnMut() -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        ask().await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    say(name, times[TIMES / 2]);
    Ok(())
}

fn say(name: &str, took: Duration) {
    line(&format!("{name:<40} {took:>12.2?}"));
}

#[allow(clippy::print_stdout, reason = "it is what this program is for")]
fn line(text: &str) {
    println!("{text}");
}

fn megabytes(path: &Path) -> std::io::Result<u64> {
    Ok(std::fs::metadata(path)?.len() / 1_000_000)
}

/// What this process holds, in megabytes; where the system says it as Linux does.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1_000)
}
