//! What is printed for the person who started the relay.

use std::net::{IpAddr, SocketAddr};

use chatspot_nearby::{Nearby, addresses};
use chatspot_protocol::address::Address;
use chatspot_protocol::event::{Admission, Retention, RoomSettings};
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::invite::InviteLink;
use chatspot_protocol::view::AddressKind;
use chatspot_relay::{Recovered, Relay};

/// Where a domain's proxy listens.
const HTTPS_PORT: u16 = 443;

/// Where others find the relay, best first: what they type, and by what this computer is there.
pub(super) struct Place {
    address: Address,
    shown: String,
    by: Option<String>,
}

pub(super) fn places(relay: &Relay, only: Option<IpAddr>, domains: &[String]) -> Vec<Place> {
    let port = relay.address().port();
    let domains = domains.iter().map(|domain| {
        let address = Address {
            host: domain.clone(),
            port: HTTPS_PORT,
        };
        Place {
            shown: format!("https://{domain}"),
            address,
            by: None,
        }
    });
    // Bound to one address, the others of this machine do not answer.
    if let Some(ip) = only.filter(|ip| !ip.is_unspecified()) {
        let place = Place {
            address: Address {
                host: ip.to_string(),
                port,
            },
            shown: SocketAddr::new(ip, port).to_string(),
            by: None,
        };
        return domains.chain([place]).collect();
    }
    let own = addresses::to_hand_out(port).into_iter();
    let own = own.filter(|own| own.kind != AddressKind::LinkLocal);
    let own = own.filter_map(|own| {
        Some(Place {
            address: own.address.parse().ok()?,
            shown: own.address,
            by: Some(own.interface),
        })
    });
    domains.chain(own).collect()
}

pub(super) fn greet(
    relay: &Relay,
    keys: &[RoomKey],
    places: &[Place],
    nearby: Option<&Nearby>,
    rules: impl Fn(RoomId) -> RoomSettings,
) {
    println!(
        "ChatSpot relay {} listens on port {}.",
        env!("CARGO_PKG_VERSION"),
        relay.address().port()
    );
    if let Some(recovered) = relay.recovered() {
        println!("{}", what_happened(recovered));
    }
    for room in relay.rooms() {
        let rules = rules(room.room);
        println!(
            "The room \"{}\" is open. {} {}{}",
            room.name,
            who(rules.admission),
            how_long(rules.retention),
            if rules.hidden {
                " It is hidden, and not called out."
            } else {
                ""
            }
        );
        let key = keys.iter().find(|key| key.id() == room.room);
        if let Some((key, token)) = key.zip(relay.owner_invite(room.room)) {
            let link = InviteLink {
                key: key.public(),
                token: Some(token),
                name: Some(room.name),
                addresses: places.iter().map(|place| place.address.clone()).collect(),
            };
            println!("Nobody owns it yet. Whoever opens this link in ChatSpot first does:");
            println!("{}", link.encode());
        }
    }
    if nearby.is_some() {
        println!(
            "Others in this network see what is not hidden in ChatSpot under \"Rooms nearby\"."
        );
    } else {
        println!("Nothing is called out in this network.");
    }
    println!("Others choose \"Join by address\" in ChatSpot and type one of:");
    for Place { shown, by, .. } in places {
        match by {
            Some(interface) => println!("  {shown:<28} ({interface})"),
            None => println!("  {shown}"),
        }
    }
}

fn who(admission: Admission) -> &'static str {
    match admission {
        Admission::Open => "Everybody in this network may come in.",
        Admission::Passcode => "Who is new needs its passcode, which its owner sees.",
        Admission::Invite | Admission::Unknown => "Who is new needs an invite.",
        Admission::Knock => "Who is new knocks, and its owner lets them in.",
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
