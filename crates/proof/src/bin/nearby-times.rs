//! After how long rooms nearby are found and joined, in networks as people have them. Linux, as the tests of networks.
#![allow(clippy::print_stdout)] // what it prints is its figures

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> ExitCode {
    chatspot_proof::exit_code(times::run().await)
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("only Linux has networks that can be made for this");
    ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
mod times {
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    use chatspot_proof::lan::{HostId, Lan, Swallows};
    use chatspot_proof::neighbour::{Found, Seen, Word};
    use chatspot_proof::street::{Street, StreetError, StreetPrograms};
    use chatspot_protocol::view::Way;
    use clap::Parser;

    /// Measures how long it takes to find rooms, and prints a table: the median and the worst of each in milliseconds.
    ///
    /// Needs the programs chatspot-relay, neighbour and impostor beside this one.
    #[derive(Debug, Parser)]
    #[command(name = "nearby-times", version)]
    struct Options {
        /// How often each is measured.
        #[arg(long, default_value_t = 10)]
        repeats: usize,

        /// Only networks whose name holds this.
        #[arg(long, default_value = "")]
        only: String,
    }

    /// A kind of network.
    struct Kind {
        name: &'static str,
        /// The addresses of the relay's computer and of the one that looks.
        relay: &'static [&'static str],
        neighbour: &'static [&'static str],
        swallows: Swallows,
        rooms: usize,
        first: First,
        extras: Extras,
    }

    /// Who is there first.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum First {
        Relay,
        /// The list is in view when the room opens.
        Looks,
        /// The app runs with the list out of view when the room opens.
        Idles,
    }

    /// What the computers have besides.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Extras {
        None,
        /// The same address for Docker on both, and a VPN with the default route.
        DockerAndVpn,
    }

    /// How long the slowest way is waited for; in some networks it is none.
    const LAST_WAY: Duration = Duration::from_secs(8);

    /// How long an app has been there when a room opens.
    const WHILE: Duration = Duration::from_secs(10);

    const USUAL_RELAY: &[&str] = &["10.77.0.2/24", "fe80::77:2/64"];
    const USUAL_NEIGHBOUR: &[&str] = &["10.77.0.3/24", "fe80::77:3/64"];

    const PLAIN: Kind = Kind {
        name: "plain",
        relay: USUAL_RELAY,
        neighbour: USUAL_NEIGHBOUR,
        swallows: Swallows::Nothing,
        rooms: 1,
        first: First::Relay,
        extras: Extras::None,
    };

    const KINDS: &[Kind] = &[
        PLAIN,
        Kind {
            name: "plain, room opens while somebody looks",
            first: First::Looks,
            ..PLAIN
        },
        Kind {
            name: "plain, room opens while the app idles",
            first: First::Idles,
            ..PLAIN
        },
        Kind {
            name: "multicast dropped",
            swallows: Swallows::Multicast,
            ..PLAIN
        },
        Kind {
            name: "docker and VPN",
            extras: Extras::DockerAndVpn,
            ..PLAIN
        },
        Kind {
            name: "IPv6 only",
            relay: &["fd77::2/64", "fe80::77:2/64"],
            neighbour: &["fd77::3/64", "fe80::77:3/64"],
            ..PLAIN
        },
        Kind {
            name: "link-local only",
            relay: &["fe80::77:2/64"],
            neighbour: &["fe80::77:3/64"],
            ..PLAIN
        },
        Kind {
            name: "50 rooms",
            rooms: 50,
            ..PLAIN
        },
    ];

    pub(crate) async fn run() -> Result<(), StreetError> {
        let options = Options::parse();
        println!("| network | what | of | median ms | worst ms |\n|---|---|---|---|---|");
        for kind in KINDS {
            if !kind.name.contains(&options.only) {
                continue;
            }
            let mut times = BTreeMap::<String, Vec<u64>>::new();
            for _ in 0..options.repeats {
                for (what, ms) in once(kind).await? {
                    times.entry(what).or_default().push(ms);
                }
            }
            for (what, mut ms) in times {
                ms.sort_unstable();
                let (count, median) = (ms.len(), ms[ms.len() / 2]);
                let worst = ms[count - 1];
                println!("| {} | {what} | {count} | {median} | {worst} |", kind.name);
            }
        }
        Ok(())
    }

    async fn once(kind: &Kind) -> Result<Vec<(String, u64)>, StreetError> {
        let folder = tempfile::tempdir()?;
        let mut lan = Lan::new()?;
        let network = lan.network()?;
        let relay = lan.host_in(network, kind.relay)?;
        let neighbour = lan.host_in(network, kind.neighbour)?;
        lan.swallow(kind.swallows)?;
        if kind.extras == Extras::DockerAndVpn {
            for (host, address) in [(relay, "10.8.0.5/24"), (neighbour, "10.8.0.6/24")] {
                lan.docker(host)?;
                lan.vpn(host, address)?;
                lan.at(host).ip("route replace default dev wg0")?;
            }
        }
        let street = Street::new(lan, StreetPrograms::beside_this()?, folder.path());
        measure(kind, &street, relay, neighbour).await
    }

    async fn measure(
        kind: &Kind,
        street: &Street,
        relay: HostId,
        neighbour: HostId,
    ) -> Result<Vec<(String, u64)>, StreetError> {
        let names: Vec<String> = (0..kind.rooms)
            .map(|number| format!("Room {number}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let all = |seen: &Seen| names.iter().all(|name| seen.is_here(name));
        let (_host, mut ada, from) = match kind.first {
            First::Relay => {
                let host = street.relay(relay, &names).await?;
                (host, street.neighbour(neighbour, "Ada", &[])?, 0)
            }
            First::Looks | First::Idles => {
                let idle: &[&str] = if kind.first == First::Idles {
                    &["--idle"]
                } else {
                    &[]
                };
                let mut ada = street.neighbour(neighbour, "Ada", idle)?;
                let active = kind.first == First::Looks;
                ada.tell(&Word::Look { active }).await?;
                // It has been there for a while, and asks no more than now and then.
                tokio::time::sleep(WHILE).await;
                let host = street.relay(relay, &names).await?;
                // An answer tells its clock.
                let from = ada.tell(&Word::Look { active }).await?.ms;
                (host, ada, from)
            }
        };
        let seen = ada.until("all rooms", all).await?;
        // The slowest way, where it is one at all.
        let by_mdns = |seen: &Seen| {
            let mdns = |name: &&str| seen.ways(name).contains(&Way::Mdns);
            names.iter().all(mdns)
        };
        let seen = ada.within(LAST_WAY, by_mdns).await.unwrap_or(seen);
        let mut rows: Vec<(String, u64)> = Vec::new();
        let first = |is_it: &dyn Fn(&Found) -> bool| {
            let last = names.iter().map(|name| {
                let found = seen.found.iter();
                let mut found = found.filter(|found| found.name.as_str() == *name && is_it(found));
                found.next().map(|found| found.ms.saturating_sub(from))
            });
            last.collect::<Option<Vec<u64>>>()?.into_iter().max()
        };
        rows.extend(first(&|_| true).map(|ms| ("listed".to_owned(), ms)));
        rows.extend(first(&|found| found.way.is_none()).map(|ms| ("proven".to_owned(), ms)));
        for way in [Way::Mdns, Way::Multicast, Way::Broadcast, Way::Answer] {
            let by = first(&|found| found.way.as_ref() == Some(&way));
            rows.extend(by.map(|ms| (format!("by {way:?}"), ms)));
        }
        let clicked = Instant::now();
        ada.join(names[0]).await?;
        let ms = u64::try_from(clicked.elapsed().as_millis()).unwrap_or(u64::MAX);
        rows.push(("from click to being in".to_owned(), ms));
        Ok(rows)
    }
}
