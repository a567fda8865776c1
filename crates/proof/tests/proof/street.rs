//! Networks with computers in them for the tests of rooms nearby, and what a doctor's report holds.

use std::net::IpAddr;

use chatspot_proof::lan::{HostId, Lan};
use chatspot_proof::namespace::NamespaceError;
use chatspot_proof::neighbour::{Seen, Word};
use chatspot_proof::street::{Neighbour, Street, StreetPrograms};
use chatspot_protocol::view::{Checkup, Passage, Symptom};

use crate::programs::{Folder, programs};

/// The addresses of a computer in the network of most tests: as people's computers have them.
fn usual(number: u8) -> [String; 2] {
    [
        format!("10.77.0.{number}/24"),
        format!("fe80::77:{number}/64"),
    ]
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A street without anybody, or none where the system does not let us make one: the test says so and passes.
pub(crate) fn street(folder: &Folder) -> Option<Street> {
    let lan = match Lan::new() {
        Ok(lan) => lan,
        Err(NamespaceError::Unable(why)) => {
            println!("skipped: {why}");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let programs = StreetPrograms {
        relay: programs().relay,
        neighbour: env!("CARGO_BIN_EXE_neighbour").into(),
        impostor: env!("CARGO_BIN_EXE_impostor").into(),
    };
    Some(Street::new(lan, programs, folder.path()))
}

/// One network with a router and some computers at `10.77.0.2`, `.3` and so on.
pub(crate) struct Plain {
    pub(crate) street: Street,
    pub(crate) router: HostId,
    pub(crate) hosts: Vec<HostId>,
}

impl Plain {
    pub(crate) fn new(folder: &Folder, hosts: u8) -> Option<Self> {
        let mut street = street(folder)?;
        let lan = &mut street.lan;
        let network = lan.network().unwrap();
        let router = lan.host_in(network, &["10.77.0.1/24"]).unwrap();
        lan.forward(router).unwrap();
        let host = |number| {
            let addresses = usual(number);
            let host = lan.host_in(network, &addresses.each_ref().map(String::as_str));
            let host = host.unwrap();
            lan.router(host, ip("10.77.0.1")).unwrap();
            host
        };
        let hosts = (2..2 + hosts).map(host).collect();
        Some(Self {
            street,
            router,
            hosts,
        })
    }
}

/// The ways in which a room was found, each with its time, for whoever reads what the test prints.
pub(crate) fn tell(scenario: &str, seen: &Seen) {
    for found in &seen.found {
        let way = found
            .way
            .as_ref()
            .map_or("proven".to_owned(), |way| format!("{way:?}"));
        println!("{scenario}: {} {way} after {} ms", found.name, found.ms);
    }
}

pub(crate) fn multicast<'a>(checkup: &'a Checkup) -> &'a Passage {
    let passage = |what: &'a Symptom| match what {
        Symptom::Multicast { passage } => Some(passage),
        _ => None,
    };
    checkup
        .findings
        .iter()
        .find_map(|finding| passage(&finding.what))
        .unwrap()
}

pub(crate) fn broadcast<'a>(checkup: &'a Checkup) -> &'a Passage {
    let passage = |what: &'a Symptom| match what {
        Symptom::Broadcast { passage } => Some(passage),
        _ => None,
    };
    checkup
        .findings
        .iter()
        .find_map(|finding| passage(&finding.what))
        .unwrap()
}

pub(crate) fn peers(checkup: &Checkup) -> u32 {
    let peers = |what: &Symptom| match what {
        Symptom::Peers { answered } => Some(*answered),
        _ => None,
    };
    checkup
        .findings
        .iter()
        .find_map(|finding| peers(&finding.what))
        .unwrap()
}

pub(crate) fn has(checkup: &Checkup, is_it: impl Fn(&Symptom) -> bool) -> bool {
    checkup.findings.iter().any(|finding| is_it(&finding.what))
}

pub(crate) async fn check(
    scenario: &str,
    neighbour: &mut Neighbour,
    hosting: Option<u16>,
) -> Checkup {
    let seen = neighbour.tell(&Word::Check { hosting }).await.unwrap();
    let checkup = seen
        .checkups
        .last()
        .unwrap_or_else(|| panic!("{:?}", seen.answers))
        .clone();
    println!("{scenario}: the doctor took {} ms", checkup.took);
    for finding in &checkup.findings {
        println!("{scenario}: {:?} {:?}", finding.level, finding.what);
    }
    checkup
}
