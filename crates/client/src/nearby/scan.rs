//! Tries the addresses of the own networks one after the other, because somebody asked for it.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use chatspot_nearby::networks::Networks;
use chatspot_protocol::address::Address;
use chatspot_protocol::limits::{
    DEFAULT_PORT, SCAN_AT_ONCE, SCAN_NETWORKS, SCAN_PACE, SCAN_PATIENCE,
};
use chatspot_protocol::view::{AddressKind, Scan};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::list::Answer;
use super::probe;
use crate::net::TcpStream;

/// How far a scan is.
#[derive(Debug)]
pub(super) enum News {
    /// Something answered.
    Answered(Address, Answer),
    /// So much is done.
    Progress(Scan),
}

/// Addresses of a network that are tried: those around the own one, where it is larger than people walk through.
const PREFIX: u8 = 24;

/// The addresses to try, network by network: private ones of real adapters, without the own ones.
pub(super) fn targets(networks: &Networks) -> Vec<Ipv4Addr> {
    let mut own = BTreeSet::new();
    let mut nets: Vec<(u32, u8)> = Vec::new();
    for network in &networks.0 {
        let IpAddr::V4(ip) = network.ip else {
            continue;
        };
        own.insert(ip);
        // What leads elsewhere than into a local network is not ours to walk through.
        if network.kind != AddressKind::Lan || !network.is_real() || !ip.is_private() {
            continue;
        }
        let prefix = network.prefix.clamp(PREFIX, 32);
        let first = u32::from(ip) & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        if !nets.contains(&(first, prefix)) && nets.len() < SCAN_NETWORKS {
            nets.push((first, prefix));
        }
    }
    let mut seen = BTreeSet::new();
    let mut targets = Vec::new();
    for (first, prefix) in nets {
        let last = first | u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
        // The network itself and all of it at once are no computers, where there is room for that.
        let hosts = if prefix >= 31 {
            first..=last
        } else {
            first + 1..=last - 1
        };
        let hosts = hosts.map(Ipv4Addr::from);
        targets.extend(hosts.filter(|ip| !own.contains(ip) && seen.insert(*ip)));
    }
    targets
}

/// Tries them, paced, and tells how it goes. Ends early when nobody listens, or when it is dropped.
pub(super) async fn run(targets: Vec<Ipv4Addr>, ports: Arc<[u16]>, news: mpsc::Sender<News>) {
    let mut scan = Scan {
        tried: 0,
        of: u32::try_from(targets.len()).unwrap_or(u32::MAX),
        done: false,
        found: 0,
    };
    if news.send(News::Progress(scan)).await.is_err() {
        return;
    }
    let places = Arc::new(Semaphore::new(SCAN_AT_ONCE));
    let mut pace = interval(SCAN_PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut targets = targets.into_iter();
    let mut attempts: JoinSet<Option<(Address, Answer)>> = JoinSet::new();
    let mut more = true;
    while more || !attempts.is_empty() {
        tokio::select! {
            // The semaphore first: a slow network makes the pace slower, not the crowd larger.
            place = begin(&places, &mut pace), if more => match targets.next() {
                Some(ip) => {
                    let ports = Arc::clone(&ports);
                    attempts.spawn(async move {
                        let answered = attempt(ip, &ports).await;
                        drop(place);
                        answered
                    });
                }
                None => more = false,
            },
            Some(done) = attempts.join_next() => {
                scan.tried += 1;
                if let Ok(Some((address, answer))) = done {
                    if matches!(answer, Answer::Relay { .. }) {
                        scan.found += 1;
                    }
                    if news.send(News::Answered(address, answer)).await.is_err() {
                        return;
                    }
                }
                // Progress that nobody has time for is told with the next.
                if matches!(news.try_send(News::Progress(scan)), Err(mpsc::error::TrySendError::Closed(_))) {
                    return;
                }
            },
        }
    }
    scan.done = true;
    // Nobody listens any more: nobody needs to know.
    let _ = news.send(News::Progress(scan)).await;
}

async fn begin(
    places: &Arc<Semaphore>,
    pace: &mut tokio::time::Interval,
) -> Option<tokio::sync::OwnedSemaphorePermit> {
    pace.tick().await;
    // Never closed.
    Arc::clone(places).acquire_owned().await.ok()
}

/// A look whether anything answers first: an address at which nobody is costs one packet or two. Where somebody is and no
/// relay at the first port, the host's may have found that port taken.
async fn attempt(ip: Ipv4Addr, ports: &[u16]) -> Option<(Address, Answer)> {
    let mut first = None;
    for port in ports {
        let address = Address {
            host: ip.to_string(),
            port: *port,
        };
        let target = (address.host.as_str(), address.port);
        let stream = timeout(SCAN_PATIENCE, TcpStream::connect(target)).await;
        match stream {
            Ok(Ok(stream)) => drop(stream),
            Ok(Err(refused)) if refused.kind() == io::ErrorKind::ConnectionRefused => continue,
            Ok(Err(_)) | Err(_) => break,
        }
        let answer = probe::ask(&address).await;
        if matches!(answer, Answer::Relay { .. }) {
            return Some((address, answer));
        }
        first = first.or(Some((address, answer)));
    }
    first
}

/// Ports that are tried at one computer: three relays or other services before one's own are many, and each port is one
/// more connection to everybody who is there.
const PORTS: u16 = 4;

/// The ports at which relays are tried: the first ones that a host tries.
pub(super) fn ports() -> Arc<[u16]> {
    (DEFAULT_PORT..DEFAULT_PORT + PORTS).collect()
}

#[cfg(test)]
mod tests {
    use chatspot_nearby::networks::Network;

    use super::*;

    fn network(interface: &str, ip: &str, prefix: u8, kind: AddressKind) -> Network {
        Network {
            interface: interface.to_owned(),
            index: 1,
            kind,
            ip: ip.parse().unwrap(),
            prefix,
            broadcast: None,
        }
    }

    #[track_caller]
    fn check(networks: &[(&str, &str, u8, AddressKind)], expected: &[(&str, usize)]) {
        let networks = networks
            .iter()
            .map(|(name, ip, prefix, kind)| network(name, ip, *prefix, *kind));
        let targets = targets(&Networks(networks.collect()));
        let mut counted: Vec<(String, usize)> = Vec::new();
        for target in &targets {
            let [a, b, c, _] = target.octets();
            let start = format!("{a}.{b}.{c}");
            match counted.iter_mut().find(|(known, _)| *known == start) {
                Some((_, count)) => *count += 1,
                None => counted.push((start, 1)),
            }
        }
        let counted: Vec<_> = counted.iter().map(|(net, n)| (net.as_str(), *n)).collect();
        assert_eq!(counted, expected);
    }

    #[test]
    fn the_own_network_is_scanned_without_oneself() {
        use AddressKind::{Lan, LinkLocal, Loopback, Public, Virtual, Vpn};
        check(&[("eth0", "192.168.1.7", 24, Lan)], &[("192.168.1", 253)]);
        // Of a large one the part around oneself; of a small one no more than it has.
        check(&[("eth0", "10.20.30.40", 8, Lan)], &[("10.20.30", 253)]);
        check(&[("eth0", "192.168.1.130", 25, Lan)], &[("192.168.1", 125)]);
        check(&[("eth0", "192.168.1.2", 30, Lan)], &[("192.168.1", 1)]);
        check(&[("eth0", "192.168.1.2", 31, Lan)], &[("192.168.1", 1)]);
        check(&[("eth0", "192.168.1.2", 32, Lan)], &[]);
        check(
            &[
                ("eth0", "192.168.1.7", 24, Lan),
                ("wlan0", "192.168.1.8", 24, Lan),
                ("wlan1", "192.168.2.8", 24, Lan),
            ],
            &[("192.168.1", 252), ("192.168.2", 253)],
        );
        check(
            &[
                ("lo", "127.0.0.1", 8, Loopback),
                ("tun0", "10.8.0.2", 24, Vpn),
                ("docker0", "172.17.0.1", 16, Virtual),
                ("eth0", "198.51.100.9", 24, Public),
                ("eth1", "169.254.3.4", 16, LinkLocal),
                ("eth2", "fd00::1", 64, Lan),
            ],
            &[],
        );
        let many: Vec<String> = (0..20).map(|n| format!("10.0.{n}.1")).collect();
        let many: Vec<_> = many
            .iter()
            .map(|ip| ("eth0", ip.as_str(), 24, Lan))
            .collect();
        let networks = many
            .iter()
            .map(|(name, ip, prefix, kind)| network(name, ip, *prefix, *kind));
        let targets = targets(&Networks(networks.collect()));
        assert_eq!(targets.len(), SCAN_NETWORKS * 253);
    }

    #[tokio::test]
    async fn a_scan_tries_everybody_once_and_says_so() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // It hangs up on whoever comes.
        let server = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        let (sender, mut news) = mpsc::channel(64);
        let targets = vec![Ipv4Addr::LOCALHOST; 3];
        let scan = tokio::spawn(run(targets, Arc::new([port]), sender));
        let (mut answers, mut last) = (0, None);
        while let Some(news) = news.recv().await {
            match news {
                News::Answered(address, answer) => {
                    assert_eq!((address.port, answer), (port, Answer::Nobody));
                    answers += 1;
                }
                News::Progress(scan) => last = Some(scan),
            }
        }
        scan.await.unwrap();
        server.abort();
        let over = Scan {
            tried: 3,
            of: 3,
            done: true,
            found: 0,
        };
        assert_eq!((answers, last), (3, Some(over)));
    }

    /// The port was taken, and the relay is at one of the next.
    #[tokio::test]
    async fn f71_a_computer_that_refuses_or_is_something_else_is_tried_at_the_next_ports() {
        // Nobody else gets its port, and nobody listens there.
        let refusing = tokio::net::TcpSocket::new_v4().unwrap();
        refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut ports = vec![refusing.local_addr().unwrap().port()];
        let mut servers = JoinSet::new();
        let (sender, mut seen) = mpsc::channel(8);
        for _ in 0..2 {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            ports.push(port);
            let sender = sender.clone();
            servers.spawn(async move {
                while listener.accept().await.is_ok() {
                    // Two come: the look, and the question.
                    sender.send(port).await.unwrap();
                }
            });
        }
        let answered = attempt(Ipv4Addr::LOCALHOST, &ports).await;
        let (address, answer) = answered.unwrap();
        assert_eq!((address.port, answer), (ports[1], Answer::Nobody));
        servers.abort_all();
        drop(sender);
        let mut tried = BTreeSet::new();
        while let Some(port) = seen.recv().await {
            tried.insert(port);
        }
        assert_eq!(tried, ports[1..].iter().copied().collect());
        drop(refusing);
    }

    /// Whoever stops it takes the receiver away.
    #[tokio::test]
    async fn a_scan_that_nobody_waits_for_ends() {
        let (sender, news) = mpsc::channel(1);
        drop(news);
        run(vec![Ipv4Addr::LOCALHOST; 100_000], Arc::new([1]), sender).await;
    }
}
