//! What members do for each other in finding rooms, and which rooms a relay tells of.

use std::net::{IpAddr, SocketAddr};

use chatspot_protocol::event::RoomSettings;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::wire::{Back, ClientFrame, Introduced, Problem, ServerFrame};
use chatspot_relay::tls::Tls;
use chatspot_relay::{Relay, RelayConfig, RoomSpec, Store, listen};
use tokio::io::AsyncReadExt;

use crate::peer::{Peer, identity, open, open_hosted, relay, relay_with_room, room_key};
use crate::raw::Raw;

const OTHER: RoomId = RoomId([9; 16]);

async fn introduced(peer: &mut Peer) -> ServerFrame {
    peer.until(|frame| matches!(frame, ServerFrame::Introduced { .. }).then_some(frame))
        .await
}

async fn dialled_back(peer: &mut Peer) -> ServerFrame {
    peer.until(|frame| matches!(frame, ServerFrame::DialledBack { .. }).then_some(frame))
        .await
}

/// **G5**
#[tokio::test]
async fn what_a_member_tells_of_reaches_the_others_and_newcomers() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let mut bob = Peer::join(&relay, room, 3).await;
    let rooms = vec![Introduced {
        room: OTHER,
        name: RoomName::parse("Lab").unwrap(),
        addresses: vec!["10.0.0.7:4470".to_owned()],
    }];
    ada.send(&ClientFrame::Introduce {
        rooms: rooms.clone(),
    })
    .await;
    let member = ada.member();
    let told = ServerFrame::Introduced { member, rooms };
    assert_eq!(introduced(&mut bob).await, told);
    let mut carol = Peer::join(&relay, room, 4).await;
    assert_eq!(introduced(&mut carol).await, told);
    ada.send(&ClientFrame::Introduce {
        rooms: vec![Introduced {
            room,
            name: RoomName::parse("Room 1").unwrap(),
            addresses: vec!["10.0.0.7:4470".to_owned()],
        }],
    })
    .await;
    assert_eq!(ada.error().await, Problem::NotAllowed);
}

fn ask(member: &Peer, port: u16) -> ClientFrame {
    ClientFrame::DialBack {
        member: member.member(),
        room: OTHER,
        port,
    }
}

/// **G6**
#[tokio::test]
async fn nobody_is_sent_to_the_relays_own_computer() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let mut bob = Peer::join(&relay, room, 3).await;
    ada.send(&ask(&bob, 4470)).await;
    let declined = ServerFrame::DialledBack {
        member: bob.member(),
        room: OTHER,
        address: None,
        outcome: Back::Declined,
    };
    assert_eq!(dialled_back(&mut ada).await, declined);
    bob.round_trip().await;
}

/// An address of this computer in a network, if it is in one.
fn in_a_network() -> Option<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap().into_iter();
    let mut own = interfaces.map(|interface| interface.ip());
    own.find(|ip| ip.is_ipv4() && !ip.is_loopback())
}

/// Somebody who comes from that address.
async fn near(ip: IpAddr, relay: &Relay, number: u8) -> Peer {
    Peer::connect_from(SocketAddr::new(ip, 0), relay.address(), number).await
}

/// **G6**
#[tokio::test]
async fn a_member_is_dialled_back_where_the_relay_sees_it() {
    let Some(ip) = in_a_network() else {
        return println!("this computer is in no network");
    };
    let listener = listen::on_address(SocketAddr::new(ip, 0)).unwrap();
    let (store, tls) = (Store::in_memory().unwrap(), Tls::in_memory().unwrap());
    let relay = Relay::start(listener, RelayConfig::default(), store, tls).unwrap();
    let room = open(&relay, 1);
    let (mut ada, mut bob) = (near(ip, &relay, 2).await, near(ip, &relay, 3).await);
    for peer in [&mut ada, &mut bob] {
        peer.hello(room).await;
        peer.expect_welcome().await;
    }
    for low in [1, 443, 8080] {
        ada.send(&ask(&bob, low)).await;
        let frame = dialled_back(&mut ada).await;
        assert!(matches!(
            frame,
            ServerFrame::DialledBack { address: None, .. }
        ));
    }
    // Those were all that she may ask at once.
    bob.send(&ask(&ada, 4471)).await;
    let address = SocketAddr::new(ip, 4471).to_string();
    let asked = ada
        .until(|frame| matches!(frame, ServerFrame::DialBack { .. }).then_some(frame))
        .await;
    let member = bob.member();
    assert_eq!(
        asked,
        ServerFrame::DialBack {
            member,
            room: OTHER,
            address: address.clone()
        }
    );
    let outcome = Back::Refused;
    ada.send(&ClientFrame::DialledBack {
        member,
        room: OTHER,
        outcome,
    })
    .await;
    let answer = ServerFrame::DialledBack {
        member: ada.member(),
        room: OTHER,
        address: Some(address),
        outcome,
    };
    assert_eq!(dialled_back(&mut bob).await, answer);
}

/// **G1**
#[tokio::test]
async fn a_hidden_room_is_in_the_greeting_and_in_no_list() {
    let relay = relay(RelayConfig::default());
    let host = identity(2).member();
    let shown = open_hosted(&relay, 1, Some(host));
    let spec = RoomSpec {
        key: room_key(2),
        name: RoomName::parse("Secret").unwrap(),
        host: None,
        settings: Some(RoomSettings {
            hidden: true,
            ..RoomSettings::default()
        }),
        passcode: None,
    };
    let hidden = relay.open(spec).unwrap();
    let _host = Peer::join(&relay, shown, 2).await;
    let mut stranger = Peer::connect(relay.address(), 3).await;
    let greeted = stranger.greeting.rooms.drain(..).map(|room| room.summary);
    let greeted: Vec<_> = greeted
        .map(|room| (room.room, room.hidden, room.host.is_some()))
        .collect();
    assert_eq!(greeted, [(shown, false, true), (hidden, true, false)]);
    let request = "GET /rooms HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut raw = Raw::connect(relay.address()).await;
    raw.send(request.as_bytes()).await;
    let mut answer = String::new();
    raw.stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.contains("Room 1") && !answer.contains("Secret"),
        "{answer}"
    );
}
