//! Two services and bare sockets, over loopback alone.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};

use chatspot_protocol::beacon::Beacon;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::BEACON_GROUP_V4;
use chatspot_protocol::view::Way;
use chatspot_protocol::wire::RoomSummary;
use tokio::time::timeout;

use super::*;
use crate::announcer::tests::room;
use crate::networks::tests::networks;

/// Nothing takes nearly as long: this only ends a test that would hang.
const BACKSTOP: Duration = Duration::from_secs(30);

fn loopback() -> Networks {
    networks(&["lo 127.0.0.1/8"])
}

/// A port that is free at this moment.
fn config() -> Config {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    Config {
        port: socket.local_addr().unwrap().port(),
        mdns: Mdns::Off,
    }
}

/// Waits for a sighting that fits.
async fn wait_for<T>(
    seen: &mut mpsc::Receiver<Sighting>,
    fits: impl Fn(Sighting) -> Option<T>,
) -> T {
    let wait = async {
        loop {
            if let Some(found) = fits(seen.recv().await.unwrap()) {
                return found;
            }
        }
    };
    timeout(BACKSTOP, wait).await.unwrap()
}

fn here(of: RoomId, way: Way) -> impl Fn(Sighting) -> Option<(RoomSummary, String)> {
    move |sighting| match sighting {
        Sighting::Here {
            room,
            addresses,
            by,
        } if room.room == of && by == way => Some((room, addresses[0].to_string())),
        _ => None,
    }
}

#[tokio::test]
async fn a_room_is_found_by_group_and_by_broadcast_and_its_end_is_heard() {
    let config = config();
    let (host, mut heard_by_host) = Nearby::start_in(config.clone(), None, loopback);
    let (guest, mut seen) = Nearby::start_in(config, None, loopback);
    guest.look(Effort::Listen).await;
    // Answered once it looks.
    guest.ping(Duration::ZERO).await;
    let announced = room(1);
    let id = announced.room.room;
    host.announce(vec![announced.clone()]).await;
    let (found, address) = wait_for(&mut seen, here(id, Way::Multicast)).await;
    assert_eq!(
        (found, address.as_str()),
        (announced.room.clone(), "127.0.0.1:4470")
    );
    wait_for(&mut seen, here(id, Way::Broadcast)).await;

    let mut changed = announced;
    changed.room.online = 7;
    host.announce(vec![changed.clone()]).await;
    wait_for(&mut seen, |sighting| match sighting {
        Sighting::Here { room, .. } => (room == changed.room).then_some(()),
        Sighting::Gone { .. } | Sighting::Networks => None,
    })
    .await;

    timeout(BACKSTOP, host.end()).await.unwrap();
    // It looks for nothing, so it is told nothing, its own room included.
    assert_eq!(heard_by_host.recv().await, None);
    let gone = wait_for(&mut seen, |sighting| match sighting {
        Sighting::Gone {
            room, addresses, ..
        } => Some((room, addresses[0].to_string())),
        Sighting::Here { .. } | Sighting::Networks => None,
    })
    .await;
    assert_eq!(gone, (id, "127.0.0.1:4470".to_owned()));
}

#[tokio::test]
async fn the_last_handle_that_is_dropped_says_that_rooms_are_gone() {
    let config = config();
    let (host, _seen) = Nearby::start_in(config.clone(), None, loopback);
    let (guest, mut seen) = Nearby::start_in(config, None, loopback);
    guest.look(Effort::Search).await;
    let id = room(1).room.room;
    host.announce(vec![room(1)]).await;
    wait_for(&mut seen, here(id, Way::Multicast)).await;
    drop(host);
    wait_for(&mut seen, |sighting| match sighting {
        Sighting::Gone { room, .. } => (room == id).then_some(()),
        Sighting::Here { .. } | Sighting::Networks => None,
    })
    .await;
}

#[tokio::test]
async fn whoever_asks_is_answered_and_never_told_of_hidden_rooms() {
    let config = config();
    let (host, _seen) = Nearby::start_in(config.clone(), None, loopback);
    let mut hidden = room(1);
    hidden.room.hidden = true;
    host.announce(vec![hidden.clone(), room(2)]).await;
    // Taken in order: when this is answered, the rooms are known and the sockets are open.
    host.ping(Duration::ZERO).await;

    let asker = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, config.port));
    let question = Beacon::Seek.encode(Cast::Unicast);
    asker.send_to(&question, to).await.unwrap();
    let mut buffer = [0; 2_000];
    let (length, _) = timeout(BACKSTOP, asker.recv_from(&mut buffer))
        .await
        .unwrap()
        .unwrap();
    let answer = Beacon::decode(&buffer[..length]).unwrap();
    let open = Beacon::Here {
        port: 4470,
        room: room(2).room,
    };
    assert_eq!(answer, (open, Cast::Unicast));
    // A hidden room would have come first: its number is smaller.
    host.announce(vec![hidden]).await;
    host.ping(Duration::ZERO).await;
    asker.send_to(&question, to).await.unwrap();
    let ping = Beacon::Ping { nonce: 5 }.encode(Cast::Unicast);
    asker.send_to(&ping, to).await.unwrap();
    let (length, _) = timeout(BACKSTOP, asker.recv_from(&mut buffer))
        .await
        .unwrap()
        .unwrap();
    let (answer, _) = Beacon::decode(&buffer[..length]).unwrap();
    assert!(
        matches!(answer, Beacon::Pong { nonce: 5, .. }),
        "{answer:?}"
    );
}

/// Another computer of the loopback network, which Linux has many addresses in.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_ping_is_answered_in_every_way() {
    fn other() -> Networks {
        networks(&["lo 127.0.0.2/8"])
    }
    fn own() -> Networks {
        networks(&["lo 127.0.0.1/8", "lo 127.0.0.3/8"])
    }
    fn same_computer() -> Networks {
        networks(&["lo 127.0.0.3/8"])
    }
    let config = config();
    let (own, _seen) = Nearby::start_in(config.clone(), None, own);
    let (same_computer, _seen) = Nearby::start_in(config.clone(), None, same_computer);
    same_computer.look(Effort::Listen).await;
    same_computer.ping(Duration::ZERO).await;
    let (other, _seen) = Nearby::start_in(config, None, other);
    other.look(Effort::Listen).await;
    other.ping(Duration::ZERO).await;
    let echoes = own.ping(Duration::from_secs(2)).await;
    assert_eq!(echoes.multicast_refused, None);
    assert_eq!(echoes.broadcast_refused, None);
    assert_eq!(echoes.deaf, None);
    for echo in &echoes.echoes {
        assert_eq!(echo.from.ip(), Ipv4Addr::new(127, 0, 0, 2), "{echoes:?}");
    }
    let came = |fits: &dyn Fn(&Echo) -> bool| {
        assert!(echoes.echoes.iter().any(fits), "{echoes:?}");
    };
    for heard in [Cast::Multicast, Cast::Broadcast] {
        came(&|echo| echo.heard == heard && echo.by == Cast::Unicast);
    }
    for by in [Cast::Multicast, Cast::Broadcast] {
        came(&|echo| echo.by == by);
    }
}

#[tokio::test]
async fn without_a_network_a_ping_says_so() {
    let (alone, _seen) = Nearby::start_in(config(), None, Networks::default);
    let echoes = alone.ping(Duration::ZERO).await;
    assert_eq!(echoes, Echoes::default());
}

#[tokio::test]
async fn at_one_address_rooms_are_called_out_there_and_nowhere_else() {
    fn both() -> Networks {
        networks(&["lo 127.0.0.1/8", "lo 127.0.0.3/8"])
    }
    let config = config();
    let ip = |last| Some(IpAddr::from([127, 0, 0, last]));
    let (nowhere, _seen) = Nearby::start_in(config.clone(), ip(4), both);
    assert_eq!(**nowhere.networks().borrow(), Networks::default());
    nowhere.announce(vec![room(2)]).await;
    nowhere.ping(Duration::ZERO).await;
    let (guest, mut seen) = Nearby::start_in(config.clone(), None, loopback);
    guest.look(Effort::Listen).await;
    guest.ping(Duration::ZERO).await;
    let (host, _seen) = Nearby::start_in(config, ip(3), both);
    host.announce(vec![room(1)]).await;
    let first = timeout(BACKSTOP, seen.recv()).await.unwrap().unwrap();
    let (room, address) = here(room(1).room.room, Way::Multicast)(first).unwrap();
    assert_eq!(room.online, 1);
    // By its own port, though it came from the other address.
    assert_eq!(address, "127.0.0.3:4470");
}

#[tokio::test]
async fn where_there_are_no_broadcasts_none_was_refused() {
    fn without() -> Networks {
        let mut networks = loopback();
        networks.0[0].broadcast = None;
        networks
    }
    let (alone, _seen) = Nearby::start_in(config(), None, without);
    let echoes = alone.ping(Duration::ZERO).await;
    let ways = Ways {
        multicast: Reach::Somewhere,
        broadcast: Reach::Nowhere,
    };
    assert_eq!(echoes.ways, ways);
    assert_eq!(echoes.broadcast_refused, None);
}

#[tokio::test]
async fn nothing_is_open_while_nobody_wants_anything() {
    let config = config();
    let (service, _seen) = Nearby::start_in(config.clone(), None, loopback);
    let alone = || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, config.port));
    drop(alone().unwrap());
    service.look(Effort::Listen).await;
    service.ping(Duration::ZERO).await;
    assert!(alone().is_err());
    service.look(Effort::Off).await;
    timeout(BACKSTOP, service.end()).await.unwrap();
    // The readers end a moment after their sockets were given up.
    let closed = async {
        while alone().is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(BACKSTOP, closed).await.unwrap();
}

#[tokio::test]
async fn f71_rooms_are_called_out_where_the_port_of_beacons_is_taken() {
    let taken = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let config = Config {
        port: taken.local_addr().unwrap().port(),
        mdns: Mdns::Off,
    };
    let (host, _seen) = Nearby::start_in(config, None, loopback);
    assert!(host.ping(Duration::ZERO).await.deaf.is_some());
    host.announce(vec![room(1)]).await;
    let read = tokio::task::spawn_blocking(move || {
        taken.set_read_timeout(Some(BACKSTOP)).unwrap();
        let mut buffer = [0; 2_000];
        loop {
            let (length, from) = taken.recv_from(&mut buffer).unwrap();
            let said = Beacon::decode(&buffer[..length]).unwrap();
            if !matches!(said.0, Beacon::Ping { .. }) {
                return (said, from);
            }
        }
    });
    let ((beacon, _), from) = read.await.unwrap();
    assert!(matches!(beacon, Beacon::Here { port: 4470, .. }));
    assert_eq!(from.ip(), Ipv4Addr::LOCALHOST);
}

/// Another app on this computer has the same port, and the system hands it what is answered to the port.
#[tokio::test]
async fn f71_answers_come_in_where_another_app_shares_the_port() {
    let config = config();
    let other = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
    other.set_reuse_address(true).unwrap();
    #[cfg(unix)]
    other.set_reuse_port(true).unwrap();
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, config.port));
    other.bind(&any.into()).unwrap();
    let other = UdpSocket::from(other);
    other
        .join_multicast_v4(&BEACON_GROUP_V4, &Ipv4Addr::LOCALHOST)
        .unwrap();
    let (guest, mut seen) = Nearby::start_in(config, None, loopback);
    guest.look(Effort::Search).await;
    let answered = tokio::task::spawn_blocking(move || {
        other.set_read_timeout(Some(BACKSTOP)).unwrap();
        let answer = Beacon::Here {
            port: 4471,
            room: room(1).room,
        };
        let mut buffer = [0; 2_000];
        loop {
            let (length, from) = other.recv_from(&mut buffer).unwrap();
            let (said, by) = Beacon::decode(&buffer[..length]).unwrap();
            if said == Beacon::Seek && by == Cast::Multicast && from.port() != any.port() {
                other.send_to(&answer.encode(Cast::Unicast), from).unwrap();
                return;
            }
        }
    });
    let (_, address) = wait_for(&mut seen, here(room(1).room.room, Way::Answer)).await;
    assert_eq!(address, "127.0.0.1:4471");
    answered.await.unwrap();
}

static MOVED: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn f70_another_network_is_noticed_and_rooms_are_called_out_there() {
    fn moving() -> Networks {
        if MOVED.load(Ordering::Relaxed) {
            networks(&["lo 127.0.0.1/8"])
        } else {
            networks(&["tun0 10.8.0.2/24"])
        }
    }
    let config = config();
    let (host, mut seen_by_host) = Nearby::start_in(config.clone(), None, moving);
    let (guest, mut seen) = Nearby::start_in(config, None, loopback);
    host.announce(vec![room(1)]).await;
    host.ping(Duration::ZERO).await;
    guest.look(Effort::Listen).await;
    guest.ping(Duration::ZERO).await;
    let mut told = host.networks();
    assert_eq!(told.borrow_and_update().0[0].interface, "tun0");
    MOVED.store(true, Ordering::Relaxed);
    timeout(BACKSTOP, told.changed()).await.unwrap().unwrap();
    assert_eq!(told.borrow_and_update().0[0].interface, "lo");
    wait_for(&mut seen_by_host, |sighting| {
        (sighting == Sighting::Networks).then_some(())
    })
    .await;
    wait_for(&mut seen, here(room(1).room.room, Way::Multicast)).await;
}
