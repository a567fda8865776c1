//! A client without a window that looks for rooms nearby, joins them, writes, and asks the doctor.
#![allow(clippy::print_stdout)] // what it prints is what it sees, for whoever started it

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chatspot_client::{Client, ClientConfig, EventSink, History, Opening, SinkGone};
use chatspot_nearby::{Config, Mdns, Nearby, addresses};
use chatspot_proof::exit_code;
use chatspot_proof::neighbour::{Eyes, Word};
use chatspot_protocol::address::Address;
use chatspot_protocol::limits::{BEACON_PORT, DEFAULT_PORT};
use chatspot_protocol::view::{Failure, FailureCode, Hosting, Update};
use clap::Parser;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Looks for rooms nearby.
///
/// Told on its standard input what to do, one JSON object a line, such as {"do":"look","active":true}. It prints what it
/// sees, and ends with its input.
#[derive(Debug, Parser)]
#[command(name = "neighbour", version)]
struct Options {
    /// Its name.
    #[arg(long)]
    name: String,

    /// Its data folder.
    #[arg(long)]
    data_dir: PathBuf,

    /// The UDP port of beacons.
    #[arg(long, default_value_t = BEACON_PORT)]
    port: u16,

    /// Beacons alone, no mDNS.
    #[arg(long)]
    no_mdns: bool,

    /// Begins with the list out of view.
    #[arg(long)]
    idle: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(run(Options::parse()).await)
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::start(ClientConfig {
        data_dir: options.data_dir,
        suggested_name: options.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    if client.name().is_none() {
        let named = client.set_name(&options.name).await;
        named.map_err(|failure| failure.message)?;
    }
    let (nearby, sightings) = Nearby::start(Config {
        port: options.port,
        mdns: if options.no_mdns { Mdns::Off } else { Mdns::On },
    });
    let sight = Sight(Arc::new(Inner {
        begun: Instant::now(),
        eyes: Mutex::new(Eyes::default()),
    }));
    client.subscribe(Box::new(sight.clone())).await;
    client.attach(nearby.clone(), sightings).await;
    client.resume().await.map_err(|failure| failure.message)?;
    if !options.idle {
        let looks = client.look_nearby(true).await;
        looks.map_err(|failure| failure.message)?;
    }
    let mut words = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = words.next_line().await? {
        let answer = follow(&client, &sight, serde_json::from_str(&line)?).await;
        let mut eyes = sight.eyes();
        eyes.answered(answer, sight.ms());
        print(&eyes);
    }
    client.goodbye().await;
    nearby.end().await;
    Ok(())
}

async fn follow(client: &Client, sight: &Sight, word: Word) -> Result<(), Failure> {
    match word {
        Word::Look { active } => client.look_nearby(active).await,
        Word::Join { room } => client.join_nearby(room).await,
        Word::JoinAt { address } => {
            let found = client.look_up(&address).await?;
            let room = found.rooms.into_iter().next().ok_or_else(|| Failure {
                code: FailureCode::RoomNotThere,
                message: "no room is hosted there".to_owned(),
            })?;
            let (room, name) = (room.summary.room, room.summary.name);
            client.join(&address, room, name.as_str()).await
        }
        Word::Host { room, name, port } => {
            let hosting = Hosting {
                running: true,
                port,
                other_port: port != DEFAULT_PORT,
                addresses: addresses::to_hand_out(port),
                trouble: None,
                recovered: None,
            };
            let host = "127.0.0.1".to_owned();
            let address = Address { host, port };
            client
                .open(Opening::hosted(address, room, name, hosting))
                .await
        }
        Word::Leave { room } => client.leave(room, History::Keep).await,
        Word::Say { room, text } => client.send(room, &text).await,
        Word::Scan => client.scan().await,
        Word::Check { hosting } => {
            let checkup = client.check_up(hosting).await?;
            sight.eyes().checked(checkup);
            Ok(())
        }
    }
}

fn print(eyes: &Eyes) {
    let line = serde_json::to_string(eyes.seen());
    println!("{}", line.expect("what is seen is always JSON"));
}

/// What the client tells, printed.
#[derive(Clone)]
struct Sight(Arc<Inner>);

struct Inner {
    begun: Instant,
    /// A lock because the sink is told through a shared reference, from a task of the client's.
    eyes: Mutex<Eyes>,
}

impl Sight {
    fn ms(&self) -> u64 {
        u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn eyes(&self) -> MutexGuard<'_, Eyes> {
        self.0.eyes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for Sight {
    fn update(&self, update: &Update) -> Result<(), SinkGone> {
        let ms = self.ms();
        let mut eyes = self.eyes();
        if eyes.update(update, ms) {
            print(&eyes);
        }
        Ok(())
    }
}
