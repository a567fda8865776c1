//! Says in the network that a room is here, and has not its key: who believes it would come here.
#![allow(clippy::print_stdout)] // what it prints is who came, for whoever started it

use std::net::{Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use chatspot_nearby::{Announced, Config, Nearby};
use chatspot_proof::between::with_subprotocol;
use chatspot_proof::exit_code;
use chatspot_proof::tls::Server;
use chatspot_protocol::event::Admission;
use chatspot_protocol::identity::{RelayName, RoomKey};
use chatspot_protocol::ids::Nonce;
use chatspot_protocol::invite::InviteLink;
use chatspot_protocol::limits::{DEFAULT_PORT, PROTOCOL_MAX, PROTOCOL_MIN};
use chatspot_protocol::text::RoomName;
use chatspot_protocol::wire::{Greeting, Hosted, RoomSummary, ServerFrame, Versions};
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;

/// Announces a room that is hosted by somebody else, and greets whoever comes with a warrant of its own.
///
/// It ends with its standard input. It prints `came` for each connection and `said` for each frame of somebody who
/// believes it.
#[derive(Debug, Parser)]
#[command(name = "impostor", version)]
struct Options {
    /// A link to the room.
    #[arg(long)]
    link: String,

    /// What it calls it.
    #[arg(long)]
    name: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(run(Options::parse()).await)
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let link = InviteLink::decode(&options.link)?;
    let summary = RoomSummary {
        room: link.key.room(),
        name: RoomName::parse(&options.name)?,
        host: None,
        online: 7,
        full: false,
        admission: Admission::Open,
        locked: false,
        hidden: false,
    };
    let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::STREAM, None)?;
    socket.set_only_v6(false)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, DEFAULT_PORT)).into())?;
    socket.listen(16)?;
    let listener = TcpListener::from_std(socket.into())?;
    let (nearby, _sightings) = Nearby::start(Config::default());
    nearby
        .announce(vec![Announced {
            room: summary.clone(),
            port: DEFAULT_PORT,
        }])
        .await;
    println!("listens");
    std::thread::spawn(|| {
        // The end of its input, or an input that cannot be read, is its end.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let server = Server::new()?;
    // The right key beside a warrant that another one signed: as near as one comes without the secret.
    let own = RoomKey::from_secret(&[66; 32]);
    let warrant = own.warrant(1, RelayName::Tls { key: server.key() });
    let hosted = Hosted {
        summary,
        key: link.key,
        warrants: vec![warrant],
    };
    loop {
        let (stream, _) = listener.accept().await?;
        println!("came");
        let (server, hosted) = (server.clone(), hosted.clone());
        tokio::spawn(async move {
            if let Err(error) = greet(stream, server, hosted).await {
                eprintln!("a line came to its end: {error}");
            }
        });
    }
}

async fn greet(
    stream: TcpStream,
    server: Server,
    hosted: Hosted,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let stream = server.accept(stream).await?;
    let mut socket = accept_hdr_async(stream, with_subprotocol).await?;
    let greeting = ServerFrame::Greeting(Greeting {
        protocol: Versions {
            min: PROTOCOL_MIN,
            max: PROTOCOL_MAX,
        },
        software: "an impostor".to_owned(),
        nonce: Nonce([3; 32]),
        rooms: vec![hosted],
    });
    socket.send(Message::text(greeting.encode())).await?;
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            println!("said {text}");
        }
    }
    Ok(())
}
