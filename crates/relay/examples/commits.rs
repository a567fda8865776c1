//! How many messages a second a relay commits, through its sockets, when everybody who writes waits for the answer
//! before the next message; with commits that wait for the disk, and with ones that do not.
//!
//! `cargo run --release -p chatspot-relay --example commits [SECONDS] [FOLDER]`
#![allow(clippy::print_stdout)] // what it prints is for the person who measures

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chatspot_protocol::event::Submission;
use chatspot_protocol::identity::{Channel, Identity, RoomKey};
use chatspot_protocol::ids::{ClientId, RoomId};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::wire::{ClientFrame, Closing, Hello, ServerFrame};
use chatspot_relay::tls::Tls;
use chatspot_relay::{Plain, Relay, RelayConfig, RoomSpec, Store, listen};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Each in a room of its own, so that the commits are measured and not the telling of everybody.
const WRITERS: [u8; 3] = [1, 8, 64];
/// How often each is measured, in turns: what else the machine does meets all of them.
const ROUNDS: usize = 5;
/// As long as most messages are.
const TEXT: &str = "The projector in the big room is free again from two o'clock, and the cable is in the drawer \
                    below it, where it always was.";

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(2.0), |text| text.parse())?;
    let time = Duration::try_from_secs_f64(seconds)?;
    let folder = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let mut rates = [(); 2].map(|()| WRITERS.map(|_| Vec::new()));
    for _ in 0..ROUNDS {
        for (index, writers) in WRITERS.into_iter().enumerate() {
            for (waits, rates) in [true, false].into_iter().zip(&mut rates) {
                rates[index].push(measure(&folder, writers, waits, time).await?);
            }
        }
    }
    println!("messages a second, medians of {ROUNDS} times {seconds} s (least to most)\n");
    println!("| writers | waits for the disk | does not wait |\n|---|---|---|");
    for (index, writers) in WRITERS.into_iter().enumerate() {
        let [full, normal] = rates.each_mut().map(|rates| summary(&mut rates[index]));
        println!("| {writers} | {full} | {normal} |");
    }
    Ok(())
}

fn summary(rates: &mut [f64]) -> String {
    rates.sort_by(f64::total_cmp);
    let (least, most) = (rates[0], rates[rates.len() - 1]);
    format!("{:.0} ({least:.0} to {most:.0})", rates[rates.len() / 2])
}

/// Messages a second of that many writers.
async fn measure(folder: &Path, writers: u8, waits: bool, time: Duration) -> Result<f64, Failure> {
    let folder = tempfile::tempdir_in(folder)?;
    let store = if waits {
        Store::open(folder.path())?
    } else {
        Store::open_without_waiting_for_the_disk(folder.path())?
    };
    let config = RelayConfig {
        address_unauthenticated: usize::from(writers),
        // What encryption costs, the example handshakes measures.
        plain: Plain::On,
        ..RelayConfig::default().paced(1_000_000)
    };
    let listener = listen::on_address(([127, 0, 0, 1], 0).into())?;
    let relay = Relay::start(listener, config, store, Tls::in_memory()?)?;
    let (done, over) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut tasks = Vec::new();
    for number in 1..=writers {
        let room = relay.open(RoomSpec {
            key: RoomKey::from_secret(&[number; 32]),
            name: RoomName::parse(&format!("Room {number}"))?,
            host: None,
            settings: None,
            passcode: None,
        })?;
        let mut writer = Writer::join(relay.address(), room, number).await?;
        let (done, over) = (done.clone(), over.clone());
        tasks.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                writer.say().await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<(), Failure>(())
        }));
    }
    // Everybody is at it before it counts.
    tokio::time::sleep(time / 10).await;
    let (start, before) = (Instant::now(), done.load(Ordering::Relaxed));
    tokio::time::sleep(time).await;
    let said = done.load(Ordering::Relaxed) - before;
    let rate = f64::from(u32::try_from(said)?) / start.elapsed().as_secs_f64();
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    relay.stop(Closing::RelayStopping).await;
    Ok(rate)
}

struct Writer {
    socket: WebSocketStream<TcpStream>,
    next: u128,
    identity: Identity,
    room: RoomId,
    name: DisplayName,
}

impl Writer {
    async fn join(relay: SocketAddr, room: RoomId, number: u8) -> Result<Self, Failure> {
        let stream = TcpStream::connect(relay).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{relay}/ws");
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await?;
        let identity = Identity::from_secret(&[number; 32]);
        let mut writer = Self {
            socket,
            next: 0,
            identity: identity.clone(),
            room,
            name: DisplayName::parse("Writer")?,
        };
        let ServerFrame::Greeting(greeting) = writer.next().await? else {
            return Err("the first frame is no greeting".into());
        };
        let hello = Hello {
            protocol: greeting.protocol.max,
            room,
            member: identity.member(),
            name: writer.name.clone(),
            signature: identity.sign_hello(&Channel::Nonce, &greeting.nonce, &room),
            token: None,
            software: String::new(),
        };
        writer.send(&ClientFrame::Hello(Box::new(hello))).await?;
        while !matches!(writer.next().await?, ServerFrame::Welcome(_)) {}
        Ok(writer)
    }

    async fn send(&mut self, frame: &ClientFrame) -> Result<(), Failure> {
        Ok(self.socket.send(Message::text(frame.encode())).await?)
    }

    async fn next(&mut self) -> Result<ServerFrame, Failure> {
        loop {
            if let Message::Text(text) = self.socket.next().await.ok_or("the relay ended")?? {
                return Ok(ServerFrame::decode(&text)?);
            }
        }
    }

    /// Says something, and waits until it is in the log.
    async fn say(&mut self) -> Result<(), Failure> {
        self.next += 1;
        let id = ClientId(self.next.to_be_bytes());
        let message = Submission::message(id, MessageText::parse(TEXT)?);
        let signed = message.sign(&self.identity, &self.room, &self.name);
        self.send(&ClientFrame::Submit(Box::new(signed))).await?;
        loop {
            match self.next().await? {
                ServerFrame::Event(event) if event.body.id() == Some(id) => return Ok(()),
                ServerFrame::Rejected { message, .. } => return Err(message.into()),
                _ => {}
            }
        }
    }
}
