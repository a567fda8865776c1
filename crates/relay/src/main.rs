//! The headless relay: rooms on a server, a small board under the desk, or a `PaaS`.
#![allow(clippy::print_stdout)] // what it prints is for the person who started it

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use chatspot_protocol::event::{Days, Retention};
use chatspot_protocol::limits;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::AddressKind;
use chatspot_protocol::wire::Closing;
use chatspot_relay::records::RoomRecords;
use chatspot_relay::{Recovered, Relay, RelayConfig, RoomSpec, Store, addresses, listen};
use clap::Parser;

/// Hosts ChatSpot rooms without a window.
///
/// People join with the ChatSpot app: they choose "Join by address" and type one of the addresses that are printed at
/// the start. A room keeps its identity over restarts, because its key is kept in the data folder.
#[derive(Debug, Parser)]
#[command(name = "chatspot-relay", version, after_help = EXAMPLES)]
struct Options {
    /// A room to host; may be given several times.
    #[arg(long = "room", value_name = "NAME", default_value = "Lobby", value_parser = room_name)]
    rooms: Vec<RoomName>,

    /// The port to listen on. When it is busy the next free one is taken, unless --listen is given.
    #[arg(long, env = "PORT", default_value_t = limits::DEFAULT_PORT)]
    port: u16,

    /// Listen on this address only, instead of all interfaces.
    #[arg(long, value_name = "IP")]
    listen: Option<IpAddr>,

    /// How long the rooms' history is kept: forever, nothing, or a number of days like 30d. What is older is deleted,
    /// here and by every member. Not given, it stays as it was; in a new room everything is kept.
    #[arg(long, value_name = "HOW LONG", value_parser = keep)]
    keep: Option<Retention>,

    /// Where the rooms' keys and their history are kept.
    #[arg(long, env = "CHATSPOT_RELAY_DATA_DIR", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,

    /// Most members in one room.
    #[arg(long, value_name = "N", default_value_t = limits::ROOM_MEMBERS)]
    max_members: usize,

    /// Most connections in all.
    #[arg(long, value_name = "N", default_value_t = limits::RELAY_CONNECTIONS)]
    max_connections: usize,

    /// Most connections from one address. Raise it when everybody comes through one proxy.
    #[arg(long, value_name = "N", default_value_t = limits::ADDRESS_CONNECTIONS)]
    max_per_address: usize,

    /// Frames a second that one member may send for long; faster ones are read later.
    #[arg(long, value_name = "N", default_value_t = limits::FRAMES_PER_SECOND)]
    frames_per_second: u32,
}

const EXAMPLES: &str = "\
Examples:
  chatspot-relay                              one room, Lobby, on port 4470
  chatspot-relay --room Workshop --room Lab   two rooms
  chatspot-relay --keep 30d                   delete what is older than 30 days
  chatspot-relay --listen 127.0.0.1           behind a proxy on the same machine
  RUST_LOG=chatspot_relay=debug chatspot-relay

Ctrl-C tells everybody that the relay stops, and ends.";

fn room_name(text: &str) -> Result<RoomName, String> {
    RoomName::parse(text).map_err(|error| format!("this cannot be a room's name: {error}"))
}

fn keep(text: &str) -> Result<Retention, String> {
    match text {
        "forever" => return Ok(Retention::Forever),
        "nothing" => return Ok(Retention::Nothing),
        _ => {}
    }
    let number = text.strip_suffix('d').unwrap_or(text).parse().ok();
    let days = number.and_then(Days::new).ok_or_else(|| {
        let most = limits::RETENTION_DAYS;
        format!("say forever, nothing, or a number of days from 1d to {most}d")
    })?;
    Ok(Retention::Days { days })
}

fn main() -> ExitCode {
    let options = Options::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "chatspot_relay=info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(run(options)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            tracing::error!("{message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    let folder = options
        .data_dir
        .or_else(|| dirs::data_dir().map(|data| data.join("chatspot-relay")))
        .ok_or("no home folder: say where with --data-dir")?;
    let mut records = RoomRecords::load(&folder).map_err(|error| error.to_string())?;
    let store = Store::open(&folder).map_err(|error| error.to_string())?;
    let listener = match options.listen {
        Some(ip) => listen::on_address(SocketAddr::new(ip, options.port)),
        None => listen::on_all_interfaces(options.port),
    };
    let listener =
        listener.map_err(|error| format!("cannot listen on port {}: {error}", options.port))?;
    let config = RelayConfig {
        connections: options.max_connections,
        address_connections: options.max_per_address,
        address_unauthenticated: options.max_per_address.min(
            RelayConfig::default()
                .address_unauthenticated
                .max(options.max_per_address / 8),
        ),
        room_members: options.max_members,
        frames_per_second: options.frames_per_second,
        frames_burst: options.frames_per_second.max(limits::FRAMES_BURST),
        ..RelayConfig::default()
    };
    let relay = Relay::start(listener, config, store).map_err(|error| error.to_string())?;
    for name in options.rooms {
        let record = records.named(&name).map_err(|error| error.to_string())?;
        let key = record.key();
        relay
            .open(RoomSpec {
                key,
                name: name.clone(),
                host: None,
                retention: options.keep,
            })
            .map_err(|error| format!("{name}: {error}"))?;
    }
    greet(&relay, options.listen, options.keep);
    until_told_to_stop().await;
    println!("Closing the rooms.");
    relay.stop(Closing::RelayStopping).await;
    Ok(())
}

fn greet(relay: &Relay, only: Option<IpAddr>, keep: Option<Retention>) {
    let port = relay.address().port();
    println!(
        "ChatSpot relay {} listens on port {port}.",
        env!("CARGO_PKG_VERSION")
    );
    if let Some(recovered) = relay.recovered() {
        println!("{}", what_happened(recovered));
    }
    for room in relay.rooms() {
        let kept = keep.or_else(|| relay.settings(room.room).map(|rules| rules.retention));
        println!(
            "The room \"{}\" is open. {}",
            room.name,
            how_long(kept.unwrap_or_default())
        );
    }
    println!("Others choose \"Join by address\" in ChatSpot and type one of:");
    // Bound to one address, the others of this machine do not answer.
    if let Some(ip) = only.filter(|ip| !ip.is_unspecified()) {
        println!("  {}", SocketAddr::new(ip, port));
        return;
    }
    for address in addresses::to_hand_out(port)
        .iter()
        .filter(|address| address.kind != AddressKind::LinkLocal)
    {
        println!("  {:<28} ({})", address.address, address.interface);
    }
}

fn how_long(retention: Retention) -> String {
    match retention {
        Retention::Forever => "Its history is kept.".to_owned(),
        Retention::Days { days } if days.get() == 1 => "Its history is kept for a day.".to_owned(),
        Retention::Days { days } => format!("Its history is kept for {} days.", days.get()),
        Retention::Nothing => "Its history is not kept.".to_owned(),
    }
}

fn what_happened(recovered: &Recovered) -> String {
    let (instead, aside) = match recovered {
        Recovered::Backup { aside, .. } => (
            "The newest backup took its place, so the last day may be missing.",
            aside,
        ),
        Recovered::Anew { aside } => (
            "There was no backup that could be read, so it begins anew.",
            aside,
        ),
    };
    match aside {
        Some(aside) => format!(
            "The history was damaged and is now in {}. {instead}",
            aside.display()
        ),
        None => format!("The history was damaged. {instead}"),
    }
}

/// Ctrl-C, or what a service manager sends.
async fn until_told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (terminate, hangup) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
        );
        if let (Ok(mut terminate), Ok(mut hangup)) = (terminate, hangup) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
