//! Whom one dials back for, and where.

use chatspot_nearby::networks::Network;
use chatspot_protocol::view::AddressKind;

use super::*;

fn home() -> Networks {
    Networks(vec![Network {
        interface: "eth0".to_owned(),
        index: 2,
        kind: AddressKind::Public,
        ip: "203.0.113.7".parse().unwrap(),
        prefix: 24,
        broadcast: None,
    }])
}

const RELAY: &str = "192.168.1.1:4470";

fn may(address: &str, relay: &str) -> Option<SocketAddr> {
    let allowed = may_be_dialled_back(address, relay.parse().unwrap(), &home());
    allowed.map(|(_, to)| to)
}

#[test]
fn nobody_is_sent_against_strangers_or_services_of_the_system() {
    for good in [
        "192.168.1.5:4470",
        "10.1.2.3:4489",
        "169.254.7.7:4470",
        "[fd00::5]:4470",
        "203.0.113.99:4470",
    ] {
        assert_eq!(may(good, RELAY), Some(good.parse().unwrap()), "{good}");
    }
    for bad in [
        "127.0.0.1:4470",
        "[::1]:4470",
        "[::ffff:127.0.0.1]:4470",
        "0.0.0.0:4470",
        "239.255.68.70:4470",
        "198.51.100.1:4470",
        "[2001:db8::1]:4470",
        "[fe80::1%eth0]:4470",
        "localhost:4470",
        "printer.local:4470",
        "192.168.1.5:22",
        "192.168.1.5:0",
        "192.168.1.5:4469",
        "192.168.1.5:4490",
        "192.168.1.5:8080",
        // This computer's own.
        "203.0.113.7:4470",
        "[::ffff:203.0.113.7]:4470",
        "",
    ] {
        assert_eq!(may(bad, RELAY), None, "{bad}");
    }
}

#[test]
fn nobody_is_sent_by_a_relay_that_is_not_in_a_local_network() {
    for near in [
        "127.0.0.1:4470",
        "[::1]:4470",
        "10.1.2.3:4470",
        "203.0.113.1:443",
        "[::ffff:192.168.1.1]:4470",
        "[fd00::5]:4470",
        "[fe80::5%3]:4470",
    ] {
        assert!(may("192.168.1.5:4470", near).is_some(), "{near}");
    }
    for far in ["198.51.100.1:4470", "[2001:db8::1]:4470", "8.8.8.8:443"] {
        assert_eq!(may("192.168.1.5:4470", far), None, "{far}");
    }
}

#[test]
fn an_address_of_a_link_is_tried_on_the_link_of_the_relay() {
    let there = may("[fe80::1]:4470", "[fe80::5%3]:4471");
    assert_eq!(there, Some("[fe80::1%3]:4470".parse().unwrap()));
    for other in [RELAY, "[fd00::5]:4470", "[::1]:4470"] {
        assert_eq!(may("[fe80::1]:4470", other), None, "{other}");
    }
}

#[tokio::test]
async fn what_is_taken_back_does_not_overtake_what_was_told() {
    let mut neighbours = Neighbours::default();
    let (sender, mut came) = mpsc::channel(8);
    let (go, gone) = oneshot::channel::<()>();
    let first = sender.clone();
    neighbours.pass_on(async move {
        gone.await.unwrap();
        first.send("told").await.unwrap();
    });
    neighbours.pass_on(async move { sender.send("taken back").await.unwrap() });
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    assert_eq!(came.recv().await, Some("told"));
    assert_eq!(came.recv().await, Some("taken back"));
}

#[tokio::test(start_paused = true)]
async fn one_dials_back_seldom() {
    let store = Store::in_memory().unwrap();
    let (member, room) = (MemberId([1; 32]), RoomId([2; 16]));
    let mut neighbours = Neighbours::default();
    store.set_discovery(Discovery::Off).await.unwrap();
    let mut ask = || {
        let relay = RELAY.parse().unwrap();
        neighbours.dial_back(&store, member, room, "192.168.1.5:4470", relay)
    };
    assert_eq!(ask(), Taken::Yes);
    assert_eq!(ask(), Taken::No);
    tokio::time::advance(DIAL_BACK_EVERY).await;
    assert_eq!(ask(), Taken::Yes);
    // Whoever wants nothing of discovery does not take part in it.
    let outcome = Back::Declined;
    let tried = TriedBack {
        member,
        room,
        outcome,
    };
    assert_eq!(neighbours.tried().await, tried);
}

#[tokio::test]
async fn an_answer_reaches_whoever_asked_and_nobody_else() {
    let (ada, bob, room) = (MemberId([1; 32]), MemberId([2; 32]), RoomId([2; 16]));
    let mut neighbours = Neighbours::default();
    let (answer, mut first) = oneshot::channel();
    neighbours.asked(ada, room, answer);
    neighbours.answered(bob, room, (None, Back::Reached));
    neighbours.answered(ada, RoomId([3; 16]), (None, Back::Reached));
    assert!(first.try_recv().is_err());
    let said = (Some("10.0.0.1:1".to_owned()), Back::Refused);
    neighbours.answered(ada, room, said.clone());
    assert_eq!(first.await, Ok(said));
    // Those who gave up take nobody's place.
    for _ in 0..2 * DIAL_BACKS_ASKED {
        let (answer, gone) = oneshot::channel();
        neighbours.asked(ada, room, answer);
        drop(gone);
    }
    let (answer, asked) = oneshot::channel();
    neighbours.asked(bob, room, answer);
    neighbours.disconnected();
    assert!(asked.await.is_err());
}
