//! What finding rooms costs a network: packets and bytes a minute of an app that idles, announces or looks.
#![allow(clippy::print_stdout)] // what it prints is its figures

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> ExitCode {
    chatspot_proof::exit_code(traffic::run().await)
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("only Linux has networks that can be made for this");
    ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
mod traffic {
    use std::time::Duration;

    use chatspot_proof::lan::{HostId, Lan};
    use chatspot_proof::street::{Host, Neighbour, Street, StreetError, StreetPrograms};
    use clap::Parser;
    use tempfile::TempDir;

    /// Counts what a computer sends in networks of two, and prints a table. What the system itself sends for groups and
    /// addresses is counted, too.
    ///
    /// Needs the programs chatspot-relay, neighbour and impostor beside this one.
    #[derive(Debug, Parser)]
    #[command(name = "nearby-traffic", version)]
    struct Options {
        /// How many minutes.
        #[arg(long, default_value_t = 5)]
        minutes: u64,

        /// How many rooms the relay has.
        #[arg(long, default_value_t = 1)]
        rooms: usize,
    }

    /// What was sent so far.
    #[derive(Clone, Copy, Default)]
    struct Sent {
        packets: u64,
        bytes: u64,
    }

    /// Who is in a network.
    struct Cast {
        what: &'static str,
        relay: bool,
        /// The neighbour's options; none where there is nobody.
        neighbour: Option<&'static [&'static str]>,
        /// Whose traffic is counted.
        of: Of,
    }

    #[derive(Clone, Copy)]
    enum Of {
        Relay,
        Neighbour,
    }

    const CASTS: &[Cast] = &[
        Cast {
            what: "an idle app, alone",
            relay: false,
            neighbour: Some(&["--idle"]),
            of: Of::Neighbour,
        },
        Cast {
            what: "an idle app beside a relay",
            relay: true,
            neighbour: Some(&["--idle"]),
            of: Of::Neighbour,
        },
        Cast {
            what: "a relay, alone",
            relay: true,
            neighbour: None,
            of: Of::Relay,
        },
        Cast {
            what: "a relay beside an app that looks",
            relay: true,
            neighbour: Some(&[]),
            of: Of::Relay,
        },
        Cast {
            what: "an app that looks, alone",
            relay: false,
            neighbour: Some(&[]),
            of: Of::Neighbour,
        },
        Cast {
            what: "an app that looks beside a relay",
            relay: true,
            neighbour: Some(&[]),
            of: Of::Neighbour,
        },
    ];

    /// A network in which it is played.
    struct Scene {
        what: &'static str,
        street: Street,
        counted: HostId,
        before: Sent,
        _folder: TempDir,
        _relay: Option<Host>,
        _neighbour: Option<Neighbour>,
    }

    pub(crate) async fn run() -> Result<(), StreetError> {
        let options = Options::parse();
        let names: Vec<String> = (0..options.rooms)
            .map(|number| format!("Room {number}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut scenes = Vec::new();
        for cast in CASTS {
            scenes.push(scene(cast, &names).await?);
        }
        println!("| who | minute | packets | bytes |\n|---|---|---|---|");
        for minute in 1..=options.minutes {
            tokio::time::sleep(Duration::from_secs(60)).await;
            for scene in &mut scenes {
                let sent = sent(&scene.street, scene.counted)?;
                let packets = sent.packets - scene.before.packets;
                let bytes = sent.bytes - scene.before.bytes;
                println!("| {} | {minute} | {packets} | {bytes} |", scene.what);
                scene.before = sent;
            }
        }
        Ok(())
    }

    async fn scene(cast: &Cast, rooms: &[&str]) -> Result<Scene, StreetError> {
        let folder = tempfile::tempdir()?;
        let mut lan = Lan::new()?;
        let network = lan.network()?;
        let relay = lan.host_in(network, &["10.77.0.2/24", "fe80::77:2/64"])?;
        let neighbour = lan.host_in(network, &["10.77.0.3/24", "fe80::77:3/64"])?;
        let street = Street::new(lan, StreetPrograms::beside_this()?, folder.path());
        let counted = match cast.of {
            Of::Relay => relay,
            Of::Neighbour => neighbour,
        };
        let before = sent(&street, counted)?;
        let host = if cast.relay {
            Some(street.relay(relay, rooms).await?)
        } else {
            None
        };
        let looks = cast
            .neighbour
            .map(|options| street.neighbour(neighbour, "Ada", options));
        Ok(Scene {
            what: cast.what,
            _relay: host,
            _neighbour: looks.transpose()?,
            street,
            counted,
            before,
            _folder: folder,
        })
    }

    fn sent(street: &Street, host: HostId) -> Result<Sent, StreetError> {
        let text = street
            .lan
            .at(host)
            .run("ip -json -statistics link show dev eth0")?;
        let counts: serde_json::Value =
            serde_json::from_str(&text).map_err(std::io::Error::other)?;
        let count = |what| {
            counts[0]["stats64"]["tx"][what]
                .as_u64()
                .unwrap_or_default()
        };
        Ok(Sent {
            packets: count("packets"),
            bytes: count("bytes"),
        })
    }
}
