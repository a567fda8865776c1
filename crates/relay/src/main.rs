//! The headless relay: rooms on a server, a small board under the desk, or a `PaaS`.
#![allow(clippy::print_stdout)] // what it prints is for the person who started it

#[path = "main/printed.rs"]
mod printed;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use chatspot_nearby::{Config, Nearby};
use chatspot_protocol::event::{Admission, Days, Retention, RoomSettings};
use chatspot_protocol::limits;
use chatspot_protocol::passcode::Passcode;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::wire::Closing;
use chatspot_relay::records::RoomRecords;
use chatspot_relay::tls::Tls;
use chatspot_relay::{Plain, Relay, RelayConfig, RoomSpec, Store, listen};
use clap::{Parser, ValueEnum};

use self::printed::{greet, places};

/// Hosts ChatSpot rooms without a window.
///
/// People in the same network see the rooms in the ChatSpot app under "Rooms nearby". Everybody else chooses "Join by
/// address" there, and types one of the addresses that are printed at the start. A room keeps its identity over restarts, because its key is kept in the data folder.
///
/// At the first start a link is printed for whoever is to own the room: open it in ChatSpot before you tell anybody the
/// address. The owner decides who comes in, sees the passcode, and makes invites.
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

    /// How somebody new comes into the rooms. Not given, it stays as it was; in a new room it is the passcode, which the
    /// room's owner sees.
    #[arg(long, value_name = "HOW")]
    admission: Option<How>,

    /// Rooms that are not called out: nobody finds them who has no address or invite. --hidden=no ends that. Not given, it
    /// stays as it was; a new room is called out.
    #[arg(
        long,
        value_name = "YES OR NO",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes"
    )]
    hidden: Option<Hidden>,

    /// Whether the rooms are called out in this computer's networks, with --listen in the one of that address. Unless it
    /// is said, they are, but not with --domain, nor where --listen names this computer alone: there nobody is near. With
    /// off, no socket is opened for it, as it should be in a cloud.
    #[arg(
        long,
        env = "CHATSPOT_RELAY_NEARBY",
        value_name = "WHEN",
        default_value = "auto"
    )]
    nearby: CallOut,

    /// The passcode of rooms that are new, instead of four words of the relay's choice. Better in the environment than on
    /// the command line, which others on this machine can see.
    #[arg(
        long,
        env = "CHATSPOT_RELAY_PASSCODE",
        hide_env_values = true,
        value_name = "WORDS",
        value_parser = passcode
    )]
    passcode: Option<Passcode>,

    /// Also take chats that are not encrypted by this relay itself: for guests with a browser in a network that you trust,
    /// or behind a proxy that ends the encryption. Whoever is in the same network can read them.
    #[arg(long)]
    plain: bool,

    /// The domain of a proxy on this machine or in its network that ends the encryption and hands everything on here. The
    /// rooms vouch for it. May be given several times; includes --plain.
    #[arg(long = "domain", value_name = "NAME", value_parser = host_name)]
    domains: Vec<String>,

    /// A web page from elsewhere that may talk to this relay, with its scheme and port. May be given several times.
    #[arg(long = "allow-origin", value_name = "URL", value_parser = origin)]
    origins: Vec<String>,

    /// Another name by which browsers may call this relay, besides its addresses, this machine's name and localhost. May
    /// be given several times.
    #[arg(long = "host-name", value_name = "NAME", value_parser = host_name)]
    host_names: Vec<String>,

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

    /// Frames a second that one member may send for long; faster ones are read later. The other rates rise with it.
    #[arg(long, value_name = "N", default_value_t = limits::FRAMES_PER_SECOND)]
    frames_per_second: u32,
}

const EXAMPLES: &str = "\
Examples:
  chatspot-relay                              one room, Lobby, on port 4470
  chatspot-relay --room Workshop --room Lab   two rooms
  chatspot-relay --keep 30d                   delete what is older than 30 days
  chatspot-relay --admission open             everybody in this network may come in
  chatspot-relay --hidden                     found only by who has the address
  chatspot-relay --listen 127.0.0.1 --domain chat.example
                                              behind a proxy on the same machine
  RUST_LOG=chatspot_relay=debug chatspot-relay

Ctrl-C tells everybody that the relay stops, and ends.";

fn room_name(text: &str) -> Result<RoomName, String> {
    RoomName::parse(text).map_err(|error| format!("this cannot be a room's name: {error}"))
}

/// See [`Admission`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum How {
    /// Who knows the passcode.
    Passcode,
    /// Everybody in the relay's own network.
    Open,
    /// Who has an invite.
    Invite,
    /// Whom the owner or a moderator lets in.
    Knock,
}

/// See [`Options::hidden`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Hidden {
    /// They are.
    Yes,
    /// They are called out.
    No,
}

/// See [`Options::nearby`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CallOut {
    /// Where somebody may be near.
    Auto,
    /// In any case.
    On,
    /// In no case.
    Off,
}

impl CallOut {
    /// Whether they are called out by a relay that listens there and has these domains.
    fn applies(self, listen: Option<IpAddr>, domains: &[String]) -> bool {
        match self {
            CallOut::Auto => domains.is_empty() && !listen.is_some_and(|ip| ip.is_loopback()),
            CallOut::On => true,
            CallOut::Off => false,
        }
    }
}

impl From<How> for Admission {
    fn from(how: How) -> Self {
        match how {
            How::Passcode => Admission::Passcode,
            How::Open => Admission::Open,
            How::Invite => Admission::Invite,
            How::Knock => Admission::Knock,
        }
    }
}

fn passcode(text: &str) -> Result<Passcode, String> {
    Passcode::parse(text).map_err(|error| format!("this cannot be a passcode: {error}"))
}

fn host_name(text: &str) -> Result<String, String> {
    let name = text.trim_end_matches('.').to_lowercase();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if name.is_empty() || name.len() > 253 || !name.chars().all(fits) {
        return Err(
            "this is no name of a computer: write it without a scheme, like chat.example"
                .to_owned(),
        );
    }
    Ok(name)
}

fn origin(text: &str) -> Result<String, String> {
    let origin = text.trim_end_matches('/').to_lowercase();
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']) => {
            Ok(origin)
        }
        _ => Err("write it like https://chat.example, with its port if it has one".to_owned()),
    }
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
        .unwrap_or_else(|_| "chatspot_relay=info,chatspot_nearby=warn".into());
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
    let tls = Tls::open(&folder).map_err(|error| error.to_string())?;
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
        plain: if options.plain || !options.domains.is_empty() {
            Plain::On
        } else {
            Plain::Off
        },
        domains: options.domains.clone(),
        origins: options.origins,
        host_names: options.host_names,
        ..RelayConfig::default().paced(options.frames_per_second)
    };
    let relay = Relay::start(listener, config, store, tls).map_err(|error| error.to_string())?;
    let asked = Asked {
        retention: options.keep,
        admission: options.admission.map(Admission::from),
        hidden: options.hidden.map(|hidden| hidden == Hidden::Yes),
    };
    let mut keys = Vec::with_capacity(options.rooms.len());
    for name in options.rooms {
        let record = records.named(&name).map_err(|error| error.to_string())?;
        let key = record.key();
        let room = relay
            .open(RoomSpec {
                key: key.clone(),
                name: name.clone(),
                host: None,
                settings: Some(asked.over(RoomSettings {
                    admission: Admission::Passcode,
                    ..RoomSettings::default()
                })),
                passcode: options.passcode.clone(),
            })
            .map_err(|error| format!("{name}: {error}"))?;
        keys.push(key);
        let before = relay.settings(room).unwrap_or_default();
        let rules = asked.over(before);
        if rules != before {
            relay
                .rule(room, rules)
                .await
                .map_err(|error| format!("{name}: {error}"))?;
        }
    }
    let places = places(&relay, options.listen, &options.domains);
    let is_called_out = options.nearby.applies(options.listen, &options.domains);
    let nearby = is_called_out.then(|| {
        // Nobody here looks for rooms.
        let (nearby, _) = match options.listen {
            Some(ip) => Nearby::start_at(Config::default(), ip),
            None => Nearby::start(Config::default()),
        };
        relay.announce(nearby.clone());
        nearby
    });
    greet(&relay, &keys, &places, nearby.as_ref(), |room| {
        asked.over(relay.settings(room).unwrap_or_default())
    });
    until_told_to_stop().await;
    println!("Closing the rooms.");
    relay.stop(Closing::RelayStopping).await;
    if let Some(nearby) = nearby {
        nearby.end().await;
    }
    Ok(())
}

/// What the command line says of the rooms' rules; what it does not say stays.
#[derive(Debug, Clone, Copy)]
struct Asked {
    retention: Option<Retention>,
    admission: Option<Admission>,
    hidden: Option<bool>,
}

impl Asked {
    fn over(self, before: RoomSettings) -> RoomSettings {
        RoomSettings {
            retention: self.retention.unwrap_or(before.retention),
            admission: self.admission.unwrap_or(before.admission),
            hidden: self.hidden.unwrap_or(before.hidden),
            ..before
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// **G2**
    #[test]
    fn rooms_are_called_out_where_somebody_may_be_near() {
        let domain = ["chat.example".to_owned()];
        let at = |text: &str| Some(text.parse().unwrap());
        for (when, listen, domains, expected) in [
            (CallOut::Auto, None, &[][..], true),
            (CallOut::Auto, at("192.168.1.5"), &[], true),
            (CallOut::Auto, at("0.0.0.0"), &[], true),
            (CallOut::Auto, at("127.0.0.1"), &[], false),
            (CallOut::Auto, at("::1"), &[], false),
            (CallOut::Auto, None, &domain, false),
            (CallOut::On, at("127.0.0.1"), &domain, true),
            (CallOut::Off, None, &[], false),
        ] {
            let applies = when.applies(listen, domains);
            assert_eq!(applies, expected, "{when:?} {listen:?} {domains:?}");
        }
    }
}
