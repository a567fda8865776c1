//! Rooms that are found elsewhere than they were: by their key, and without an alarm.

use std::cell::Cell;
use std::net::{Ipv6Addr, SocketAddr};

use chatspot_protocol::event::Admission;
use chatspot_protocol::identity::{RelayName, RoomKey};
use chatspot_protocol::ids::{Nonce, RoomId, TlsKey};
use chatspot_protocol::invite::InviteLink;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{FailureCode, LinkState, RoomView, Trouble, Verified};
use chatspot_protocol::wire::{
    Back, Closing, Greeting, Hosted, RoomSummary, ServerFrame, Versions,
};
use chatspot_relay::Relay;
use tokio::net::TcpListener;

use crate::look_up::beginning_with;
use crate::window::{Window, open, relay, relay_at, spec, within};

fn at(address: SocketAddr) -> chatspot_protocol::address::Address {
    address.to_string().parse().unwrap()
}

/// A relay where another one was a moment ago.
async fn relay_in_place(address: SocketAddr) -> Relay {
    within("the port", async {
        while std::net::TcpListener::bind(address).is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    relay_at(address)
}

/// Waits until the room is as wanted, and fails when the window ever shows that another room took its place.
async fn until_unalarmed(window: &mut Window, room: RoomId, wanted: impl Fn(&RoomView) -> bool) {
    let alarmed = Cell::new(false);
    window
        .until_room(room, "no alarm", |open| {
            let trouble = Trouble::KeyChanged;
            let closed = open.link == LinkState::Closed { trouble };
            alarmed.set(alarmed.get() || closed || open.security.offered.is_some());
            wanted(open)
        })
        .await;
    assert!(!alarmed.get(), "a false alarm");
}

fn is_online(open: &RoomView) -> bool {
    open.link == LinkState::Online
}

fn waits_with(open: &RoomView, why: Trouble) -> bool {
    matches!(open.link, LinkState::Waiting { trouble, .. } if trouble == why)
}

#[tokio::test]
async fn f70_a_host_that_moves_is_found_by_its_room_and_nobody_is_alarmed() {
    let first = relay();
    let (old, room) = (first.address(), open(&first, 1));
    let mut ada = Window::new("Ada").await;
    ada.join(old, room).await;
    first.stop(Closing::RelayStopping).await;
    // Somebody else has the address now, with other rooms.
    let other = relay_in_place(old).await;
    open(&other, 2);
    until_unalarmed(&mut ada, room, |open| waits_with(open, Trouble::NoSuchRoom)).await;
    let second = relay();
    assert_eq!(open(&second, 1), room);
    ada.client.sighted(room, vec![at(second.address())]).await;
    until_unalarmed(&mut ada, room, is_online).await;
    assert_eq!(ada.room(room).address, second.address().to_string());
    // What is handed out leads to where it is, and then to where it was.
    let link = ada.client.invite_link(room, None).await.unwrap();
    let addresses = ada.client.read_link(&link).await.unwrap().addresses;
    let expected = [second.address(), old].map(|address| address.to_string());
    assert_eq!(addresses, expected);
    // It is remembered where it was last, whatever is where it was first.
    let mut ada = ada.restarted().await;
    ada.client.resume().await.unwrap();
    until_unalarmed(&mut ada, room, is_online).await;
    assert_eq!(ada.room(room).address, second.address().to_string());
}

#[tokio::test]
async fn f70_a_host_that_comes_back_to_where_it_was_needs_nobody_to_find_it() {
    let (first, second) = (relay(), relay());
    let (old, new) = (first.address(), second.address());
    let room = open(&first, 1);
    let mut ada = Window::new("Ada").await;
    ada.join(old, room).await;
    // Where it is heard to be as well is remembered, and nothing else happens.
    ada.client.sighted(room, vec![at(new)]).await;
    first.stop(Closing::RelayStopping).await;
    open(&second, 1);
    until_unalarmed(&mut ada, room, |open| {
        is_online(open) && open.address == new.to_string()
    })
    .await;
    second.stop(Closing::RelayStopping).await;
    let third = relay_in_place(old).await;
    open(&third, 1);
    until_unalarmed(&mut ada, room, |open| {
        is_online(open) && open.address == old.to_string()
    })
    .await;
}

#[tokio::test]
async fn f70_a_room_of_the_same_name_at_an_old_address_is_no_alarm() {
    let first = relay();
    let (old, room) = (first.address(), open(&first, 1));
    let mut ada = Window::new("Ada").await;
    ada.join(old, room).await;
    first.stop(Closing::RelayStopping).await;
    ada.until_waiting(room).await;
    let second = relay();
    open(&second, 1);
    ada.client.sighted(room, vec![at(second.address())]).await;
    until_unalarmed(&mut ada, room, is_online).await;
    let twin = relay_in_place(old).await;
    let mut other = spec(2);
    other.name = RoomName::parse("Room 1").unwrap();
    twin.open(other).unwrap();
    second.stop(Closing::RelayStopping).await;
    until_unalarmed(&mut ada, room, |open| waits_with(open, Trouble::NoSuchRoom)).await;
}

#[tokio::test]
async fn f70_an_alarm_ends_when_the_room_is_found_elsewhere() {
    let first = relay();
    let (old, room) = (first.address(), open(&first, 1));
    let mut ada = Window::new("Ada").await;
    ada.join(old, room).await;
    first.stop(Closing::RelayStopping).await;
    let twin = relay_in_place(old).await;
    let mut other = spec(2);
    other.name = RoomName::parse("Room 1").unwrap();
    twin.open(other).unwrap();
    ada.until_closed(room, Trouble::KeyChanged).await;
    let second = relay();
    open(&second, 1);
    ada.client.sighted(room, vec![at(second.address())]).await;
    ada.until_room(room, "the room itself", |open| {
        is_online(open) && open.security.offered.is_none()
    })
    .await;
}

#[tokio::test]
async fn f71_a_host_whose_port_is_taken_is_found_at_another() {
    let first = relay();
    let (old, room) = (first.address(), open(&first, 1));
    let mut ada = Window::new("Ada").await;
    ada.join(old, room).await;
    first.stop(Closing::RelayStopping).await;
    let _another_program = within("the port", async {
        loop {
            match TcpListener::bind(old).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            }
        }
    })
    .await;
    ada.until_room(room, "another program", |open| !is_online(open))
        .await;
    let second = relay();
    open(&second, 1);
    ada.client.sighted(room, vec![at(second.address())]).await;
    until_unalarmed(&mut ada, room, is_online).await;
    assert_eq!(ada.room(room).address, second.address().to_string());
}

/// What a relay says that claims room 1, and has a warrant for another relay's key.
fn claim() -> String {
    let key = RoomKey::from_secret(&[1; 32]);
    let tls = TlsKey([9; 32]);
    ServerFrame::Greeting(Greeting {
        protocol: Versions { min: 1, max: 1 },
        software: "a liar".to_owned(),
        nonce: Nonce([1; 32]),
        rooms: vec![Hosted {
            summary: RoomSummary {
                host: None,
                hidden: false,
                room: key.id(),
                name: RoomName::parse("Room 1").unwrap(),
                online: 1,
                full: false,
                admission: Admission::Open,
                locked: false,
            },
            key: key.public(),
            warrants: vec![key.warrant(1, RelayName::Tls { key: tls })],
        }],
    })
    .encode()
}

fn link(addresses: &[SocketAddr]) -> String {
    let link = InviteLink {
        key: RoomKey::from_secret(&[1; 32]).public(),
        token: None,
        name: None,
        addresses: addresses.iter().copied().map(at).collect(),
    };
    link.encode()
}

#[tokio::test]
async fn f74_who_answers_first_without_the_rooms_key_loses() {
    let (liar, _tasks) = beginning_with(claim()).await;
    let genuine = relay();
    let room = open(&genuine, 1);
    let mut ada = Window::new("Ada").await;
    ada.client
        .join_link(&link(&[liar, genuine.address()]))
        .await
        .unwrap();
    until_unalarmed(&mut ada, room, is_online).await;
    assert_eq!(ada.room(room).address, genuine.address().to_string());
    // Whoever is told of the liar dials it first, and is not fooled either.
    let address = genuine.address();
    genuine.stop(Closing::RelayStopping).await;
    let back = relay_in_place(address).await;
    open(&back, 1);
    ada.client.sighted(room, vec![at(liar)]).await;
    until_unalarmed(&mut ada, room, is_online).await;
    assert_eq!(ada.room(room).address, address.to_string());
}

#[tokio::test]
async fn f83_who_claims_the_room_where_nobody_said_that_it_is_ends_nothing() {
    let (liar, _tasks) = beginning_with(claim()).await;
    let first = relay();
    let (home, room) = (first.address(), open(&first, 1));
    let mut ada = Window::new("Ada").await;
    ada.join(home, room).await;
    ada.client.sighted(room, vec![at(liar)]).await;
    first.stop(Closing::RelayStopping).await;
    until_unalarmed(&mut ada, room, |open| {
        waits_with(open, Trouble::NobodyAnswers)
    })
    .await;
    let back = relay_in_place(home).await;
    open(&back, 1);
    until_unalarmed(&mut ada, room, is_online).await;
}

#[tokio::test]
async fn f83_what_claims_the_room_at_home_is_told_though_it_may_be_elsewhere() {
    let first = relay();
    let (home, room) = (first.address(), open(&first, 1));
    let mut ada = Window::new("Ada").await;
    ada.join(home, room).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = nobody.local_addr().unwrap();
    drop(nobody);
    ada.client.sighted(room, vec![at(away)]).await;
    first.stop(Closing::RelayStopping).await;
    let liar = relay_in_place(home).await;
    let mut other = spec(2);
    other.name = RoomName::parse("Room 1").unwrap();
    liar.open(other).unwrap();
    ada.until_closed(room, Trouble::KeyChanged).await;
}

#[tokio::test]
async fn what_says_nothing_does_not_hold_up_the_address_behind_it() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = relay();
    let room = open(&relay, 1);
    let mut ada = Window::new("Ada").await;
    let link = link(&[silent.local_addr().unwrap(), relay.address()]);
    ada.client.join_link(&link).await.unwrap();
    ada.until_link(room, |link| *link == LinkState::Online)
        .await;
    assert_eq!(ada.room(room).security.verified, Verified::Invite);
}

#[tokio::test]
async fn ipv6_and_its_zones_are_dialled() {
    let Ok(probe) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await else {
        // A computer without IPv6.
        return;
    };
    drop(probe);
    let relay = relay_at("[::]:0".parse().unwrap());
    let (port, room) = (relay.address().port(), open(&relay, 1));
    let networks = chatspot_nearby::networks::Networks::now().0;
    let scoped = networks.iter().filter(
        |network| matches!(network.ip, std::net::IpAddr::V6(ip) if ip.is_unicast_link_local()),
    );
    let hosts = scoped.map(|network| format!("{}%{}", network.ip, network.interface));
    for host in std::iter::once("::1".to_owned()).chain(hosts) {
        let ada = Window::new("Ada").await;
        let found = ada.client.look_up(&format!("[{host}]:{port}")).await;
        let found = found.unwrap_or_else(|failure| panic!("{host}: {failure:?}"));
        assert_eq!(found.rooms[0].summary.room, room, "{host}");
        let mut ada = ada;
        ada.client
            .join(&found.address, room, "Room 1")
            .await
            .unwrap();
        ada.until_link(room, |link| *link == LinkState::Online)
            .await;
    }
}

#[tokio::test]
async fn nobody_is_sent_to_this_computers_own_addresses() {
    let relay = relay();
    let room = open(&relay, 1);
    let (mut ada, mut bob) = (Window::new("Ada").await, Window::new("Bob").await);
    ada.join(relay.address(), room).await;
    bob.join(relay.address(), room).await;
    let port = relay.address().port();
    let asked = ada.client.dial_back(room, bob.member(), room, port).await;
    assert_eq!(asked.unwrap(), (None, Back::Declined));
    ada.client.stop(room).await.unwrap();
    ada.until_closed(room, Trouble::Stopped).await;
    let asked = ada.client.dial_back(room, bob.member(), room, port).await;
    assert_eq!(asked.unwrap_err().code, FailureCode::NotConnected);
}
