//! How long a member takes to catch up what it missed, over loopback, with both ends' histories on the disk.
//!
//! `cargo run --release -p chatspot-client --example catch_up -- [EVENTS] [ROUNDS]`
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::time::{Duration, Instant};

use chatspot_client::{Client, ClientConfig};
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{Failure, Item, LinkState, View};
use chatspot_relay::tls::Tls;
use chatspot_relay::{Relay, RelayConfig, RoomSpec, Store, listen};

type Anything = Box<dyn std::error::Error>;

/// Who writes what is missed, side by side: each waits for its answer before the next message.
const WRITERS: usize = 32;

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let events = arguments.next().transpose()?.unwrap_or(10_000);
    let rounds = arguments.next().transpose()?.unwrap_or(3);
    let folder = tempfile::tempdir()?;
    let mut relay = Some(serve(&folder.path().join("relay"), "127.0.0.1:0".parse()?)?);
    let (address, room) = {
        let relay = relay.as_ref().ok_or("it runs")?;
        (relay.address(), relay.rooms()[0].room)
    };
    let late = client(&folder.path().join("late"), "Late").await?;
    late.join(&address.to_string(), room, "Hall")
        .await
        .map_err(said)?;
    until(&late, |view| is_online(view, room)).await;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let name = format!("Writer {number}");
        let writer = client(&folder.path().join(&name), &name).await?;
        writer
            .join(&address.to_string(), room, "Hall")
            .await
            .map_err(said)?;
        until(&writer, |view| is_online(view, room)).await;
        writers.push(writer);
    }
    let mut all = Vec::new();
    for round in 0..rounds {
        late.stop(room).await.map_err(said)?;
        let start = Instant::now();
        for number in 0..events.div_ceil(WRITERS) {
            for writer in &writers {
                let text = format!("{round} {number}: {}", "x".repeat(100));
                while writer.send(room, &text).await.is_err() {
                    // The outbox is full: wait for the disk.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
        for writer in &writers {
            let sent = |view: &View| view.rooms.iter().all(|open| open.outbox.is_empty());
            until(writer, sent).await;
        }
        let written = start.elapsed();
        let head = newest(&writers[0].view().await, room);
        let start = Instant::now();
        late.redial(room).await.map_err(said)?;
        until(&late, |view| newest(view, room) >= head).await;
        let took = start.elapsed();
        println!(
            "{events} events written in {:.2} s, caught up in {:.2} s ({:.0} a second), {} MB resident",
            written.as_secs_f64(),
            took.as_secs_f64(),
            f64::from(u32::try_from(events)?) / took.as_secs_f64(),
            resident()
        );
        all.push(took);
    }
    all.sort();
    println!("median {:.2} s", all[all.len() / 2].as_secs_f64());
    if let Some(relay) = relay.take() {
        relay
            .stop(chatspot_protocol::wire::Closing::RelayStopping)
            .await;
    }
    Ok(())
}

fn serve(folder: &Path, address: std::net::SocketAddr) -> Result<Relay, Anything> {
    let config = RelayConfig {
        address_unauthenticated: 1_000,
        ..RelayConfig::default()
    };
    let (listener, store) = (listen::on_address(address)?, Store::open(folder)?);
    let relay = Relay::start(listener, config, store, Tls::open(folder)?)?;
    relay.open(RoomSpec {
        key: RoomKey::from_secret(&[1; 32]),
        name: RoomName::parse("Hall")?,
        host: None,
        settings: None,
        passcode: None,
    })?;
    Ok(relay)
}

async fn client(folder: &Path, name: &str) -> Result<Client, Anything> {
    let client = Client::start(ClientConfig {
        data_dir: folder.to_owned(),
        suggested_name: String::new(),
        version: String::new(),
    })?;
    client.set_name(name).await.map_err(said)?;
    Ok(client)
}

fn said(failure: Failure) -> String {
    failure.message
}

fn is_online(view: &View, room: RoomId) -> bool {
    let mut rooms = view.rooms.iter();
    rooms.any(|open| open.room == room && open.link == LinkState::Online)
}

fn newest(view: &View, room: RoomId) -> u64 {
    let open = view.rooms.iter().find(|open| open.room == room);
    let place = open.and_then(|open| open.items.iter().rev().find_map(Item::place));
    place.map_or(0, |place| place.seq.0)
}

/// Looks often enough for the figures to be about the work.
async fn until(client: &Client, wanted: impl Fn(&View) -> bool) {
    while !wanted(&client.view().await) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// This process's resident memory in megabytes, relay and all clients together; 0 where the system does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}
