//! What encryption costs a relay: handshakes a second and their time and CPU on either side; deliveries a second with
//! and without it, one member writing to fifty; and memory of connections that only listen.
//!
//! `cargo run --release -p chatspot-relay --example handshakes [SECONDS] [CONNECTIONS]`
//!
//! The relay runs in a process of its own (this program once more), so that its CPU and memory are its own. Linux only.
#![allow(clippy::print_stdout)] // what it prints is for the person who measures

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chatspot_protocol::event::Submission;
use chatspot_protocol::identity::{Channel, Identity, RoomKey};
use chatspot_protocol::ids::{ClientId, RoomId};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::wire::{ClientFrame, Hello, ServerFrame};
use chatspot_relay::tls::Tls;
use chatspot_relay::{Plain, Relay, RelayConfig, RoomSpec, Store, listen};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

// The client's half of TLS is that of the tests.
#[path = "../tests/relay/secure.rs"]
#[allow(dead_code, clippy::unwrap_used)]
mod secure;

const RECEIVERS: u8 = 50;
/// Messages that the sender has on their way at once.
const IN_FLIGHT: u64 = 64;
/// In turns: what else the machine does meets both.
const ROUNDS: usize = 3;
const TEXT: &str = "The projector in the big room is free again from two o'clock, and the cable is in the drawer \
                    below it, where it always was.";

type Failure = Box<dyn Error + Send + Sync>;

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

#[derive(Clone, Copy, PartialEq)]
enum Coat {
    Tls,
    None,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("serve") {
        return serve().await;
    }
    let seconds = first.map_or(Ok(3.0), |text| text.parse())?;
    let time = Duration::try_from_secs_f64(seconds)?;
    let idle = arguments.next().map_or(Ok(2_000), |text| text.parse())?;
    handshakes(time).await?;
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (coat, rates) in [Coat::Tls, Coat::None].into_iter().zip(&mut rates) {
            rates.push(deliveries(coat, time).await?);
        }
    }
    for (name, rates) in ["TLS", "plain"].into_iter().zip(&mut rates) {
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (rate, cpu) = rates[rates.len() / 2];
        println!("{name}: {rate:.0} deliveries a second, {cpu:.2} s of the relay's CPU a million");
    }
    memory(Coat::Tls, idle).await?;
    memory(Coat::None, idle).await
}

/// The relay: prints its port, and runs until its input ends.
async fn serve() -> Result<(), Failure> {
    let most = 1_000_000;
    let config = RelayConfig {
        connections: most,
        address_connections: most,
        address_unauthenticated: most,
        room_members: most,
        plain: Plain::On,
        hello_timeout: Duration::from_secs(600),
        ..RelayConfig::default().paced(1_000_000)
    };
    let listener = listen::on_address(([127, 0, 0, 1], 0).into())?;
    let relay = Relay::start(listener, config, Store::in_memory()?, Tls::in_memory()?)?;
    relay.open(RoomSpec {
        key: RoomKey::from_secret(&[1; 32]),
        name: RoomName::parse("Lab")?,
        host: None,
        settings: None,
        passcode: None,
    })?;
    println!("{}", relay.address());
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await?;
    Ok(())
}

struct Served {
    child: Child,
    address: SocketAddr,
    /// It ends when this is closed.
    input: Option<ChildStdin>,
}

impl Served {
    fn start() -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let input = child.stdin.take();
        Ok(Self {
            child,
            address: line.trim().parse()?,
            input,
        })
    }

    /// User and system time so far, in seconds.
    fn cpu(&self) -> Result<f64, Failure> {
        cpu_of(&self.child.id().to_string())
    }

    /// Memory that is this process's, in bytes.
    fn memory(&self) -> Result<f64, Failure> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kilobytes.ok_or("no Pss")?.parse::<f64>()? * 1024.0)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(mut input) = self.input.take() {
            let _ = input.flush();
        }
        let _ = self.child.wait();
    }
}

fn cpu_of(process: &str) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // utime and stime (proc(5)), in ticks of a hundredth of a second.
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

async fn handshakes(time: Duration) -> Result<(), Failure> {
    let served = Served::start()?;
    let (start, relay, own) = (Instant::now(), served.cpu()?, cpu_of("self")?);
    let mut took = Vec::new();
    while start.elapsed() < time {
        let stream = TcpStream::connect(served.address).await?;
        let before = Instant::now();
        drop(secure::connect(stream).await?);
        took.push(before.elapsed());
    }
    let count = f64::from(u32::try_from(took.len())?);
    let elapsed = start.elapsed().as_secs_f64();
    took.sort_unstable();
    println!(
        "{:.0} handshakes a second, one after the other; median {:?}; CPU a handshake: relay {:.0} us, client {:.0} us",
        count / elapsed,
        took[took.len() / 2],
        (served.cpu()? - relay) / count * 1e6,
        (cpu_of("self")? - own) / count * 1e6,
    );
    Ok(())
}

/// Deliveries a second, and seconds of the relay's CPU for a million of them.
async fn deliveries(coat: Coat, time: Duration) -> Result<(f64, f64), Failure> {
    let served = Served::start()?;
    let count = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for number in 0..RECEIVERS {
        let mut peer = Peer::join(served.address, coat, 2 + number).await?;
        let count = count.clone();
        tasks.push(tokio::spawn(async move {
            while peer.next_event().await.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let mut sender = Peer::join(served.address, coat, 1).await?;
    let sending = tokio::spawn(async move {
        let (mut sent, mut told) = (0, 0);
        loop {
            while sent - told < IN_FLIGHT {
                sent += 1;
                sender.say(sent).await?;
            }
            if sender.next_event().await? {
                told += 1;
            }
        }
        #[allow(unreachable_code)]
        Ok::<(), Failure>(())
    });
    tokio::time::sleep(time / 4).await;
    let (start, before, cpu) = (Instant::now(), count.load(Ordering::Relaxed), served.cpu()?);
    tokio::time::sleep(time).await;
    let done = count.load(Ordering::Relaxed) - before;
    let done = f64::from(u32::try_from(done)?);
    let rates = (
        done / start.elapsed().as_secs_f64(),
        (served.cpu()? - cpu) / done * 1e6,
    );
    sending.abort();
    for task in tasks {
        task.abort();
    }
    Ok(rates)
}

/// What connections that said hello and then only listen cost.
async fn memory(coat: Coat, connections: u32) -> Result<(), Failure> {
    let served = Served::start()?;
    let before = served.memory()?;
    let mut peers = Vec::new();
    for _ in 0..connections {
        peers.push(Peer::connect(served.address, coat, 1).await?);
    }
    let name = if coat == Coat::Tls { "TLS" } else { "plain" };
    let each = (served.memory()? - before) / f64::from(connections);
    println!("{name}: {each:.0} bytes of memory for each of {connections} idle connections");
    Ok(())
}

struct Peer {
    socket: WebSocketStream<Box<dyn Wire>>,
    identity: Identity,
    room: RoomId,
    name: DisplayName,
}

impl Peer {
    /// Connects and takes the greeting.
    async fn connect(to: SocketAddr, coat: Coat, number: u8) -> Result<(Self, Hello), Failure> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let (stream, channel): (Box<dyn Wire>, _) = match coat {
            Coat::Tls => {
                let stream = secure::connect(stream).await?;
                let channel = Channel::Tls(secure::exporter(&stream));
                (Box::new(stream), channel)
            }
            Coat::None => (Box::new(stream), Channel::Nonce),
        };
        let (socket, _) = tokio_tungstenite::client_async(format!("ws://{to}/ws"), stream).await?;
        let mut peer = Self {
            socket,
            identity: Identity::from_secret(&[number; 32]),
            room: RoomKey::from_secret(&[1; 32]).id(),
            name: DisplayName::parse("Peer")?,
        };
        let ServerFrame::Greeting(greeting) = peer.next().await? else {
            return Err("the first frame is no greeting".into());
        };
        let hello = Hello {
            protocol: greeting.protocol.max,
            room: peer.room,
            member: peer.identity.member(),
            name: peer.name.clone(),
            signature: peer
                .identity
                .sign_hello(&channel, &greeting.nonce, &peer.room),
            token: None,
            software: String::new(),
        };
        Ok((peer, hello))
    }

    async fn join(to: SocketAddr, coat: Coat, number: u8) -> Result<Self, Failure> {
        let (mut peer, hello) = Self::connect(to, coat, number).await?;
        let hello = ClientFrame::Hello(Box::new(hello)).encode();
        peer.socket.send(Message::text(hello)).await?;
        while !matches!(peer.next().await?, ServerFrame::Welcome(_)) {}
        Ok(peer)
    }

    async fn text(&mut self) -> Result<tokio_tungstenite::tungstenite::Utf8Bytes, Failure> {
        loop {
            if let Message::Text(text) = self.socket.next().await.ok_or("the relay ended")?? {
                return Ok(text);
            }
        }
    }

    async fn next(&mut self) -> Result<ServerFrame, Failure> {
        Ok(ServerFrame::decode(&self.text().await?)?)
    }

    /// Whether the next frame is an event with an id; told by its looks, to leave the CPU to the relay.
    async fn next_event(&mut self) -> Result<bool, Failure> {
        let text = self.text().await?;
        Ok(text.contains("\"kind\":\"message\""))
    }

    async fn say(&mut self, number: u64) -> Result<(), Failure> {
        let id = ClientId(u128::from(number).to_be_bytes());
        let message = Submission::message(id, MessageText::parse(TEXT)?);
        let signed = message.sign(&self.identity, &self.room, &self.name);
        let frame = ClientFrame::Submit(Box::new(signed)).encode();
        Ok(self.socket.send(Message::text(frame)).await?)
    }
}
