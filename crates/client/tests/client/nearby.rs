//! Rooms nearby, against real relays over loopback. What is heard in the network is said by the test.

use std::net::SocketAddr;

use chatspot_nearby::{Config, Mdns, Nearby, Sighting};
use chatspot_protocol::address::Address;
use chatspot_protocol::event::Admission;
use chatspot_protocol::identity::{RelayName, RoomKey};
use chatspot_protocol::ids::{Nonce, RoomId};
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{
    Discovery, FailureCode, Known, Life, LinkState, NearbyRoom, RoomProof, Search, Trouble,
    Vanished, View, Way,
};
use chatspot_protocol::wire::{Closing, Greeting, Hosted, RoomSummary, ServerFrame, Versions};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::look_up::server;
use crate::tls::{Key, websocket};
use crate::window::{Window, open, relay, relay_in, within};

/// A window with an ear that hears what the test says.
struct Ear {
    sightings: mpsc::Sender<Sighting>,
    /// What it says itself goes nowhere.
    _nearby: mpsc::Receiver<Sighting>,
}

impl Ear {
    async fn of(window: &Window) -> Self {
        // A port of its own: tests beside this one are not heard.
        let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let config = Config {
            port: free.local_addr().unwrap().port(),
            mdns: Mdns::Off,
        };
        drop(free);
        let (nearby, unheard) = Nearby::start(config);
        // One waits: when the next one is taken, the one before is done with.
        let (sightings, heard) = mpsc::channel(1);
        window.client.attach(nearby, heard).await;
        Self {
            sightings,
            _nearby: unheard,
        }
    }

    async fn hears(&self, room: RoomSummary, address: SocketAddr) {
        let sighting = Sighting::Here {
            room,
            addresses: vec![at(address)],
            by: Way::Multicast,
        };
        self.sightings.send(sighting).await.unwrap();
    }
}

fn at(address: SocketAddr) -> Address {
    address.to_string().parse().unwrap()
}

fn claim(room: RoomId, name: &str) -> RoomSummary {
    RoomSummary {
        room,
        name: RoomName::parse(name).unwrap(),
        host: None,
        online: 3,
        full: false,
        admission: Admission::Open,
        locked: false,
        hidden: false,
    }
}

fn listed(view: &View, room: RoomId) -> Option<&NearbyRoom> {
    view.nearby
        .rooms
        .iter()
        .find(|listed| listed.summary.room == room)
}

fn is_proven(view: &View, room: RoomId) -> bool {
    listed(view, room).is_some_and(|listed| listed.proof == RoomProof::Proven)
}

/// A relay that says it has a room whose key it has not: it shows another room's, or the right one with a warrant that
/// another key signed.
async fn liar(room: &RoomKey, name: &str) -> (SocketAddr, tokio::task::JoinSet<()>) {
    let (key, public) = (Key::new(), room.public());
    let summary = claim(public.room(), name);
    server(move |stream| {
        let (key, summary) = (key.clone(), summary.clone());
        async move {
            let Some(mut socket) = websocket(&key, stream).await else {
                return;
            };
            let own = RoomKey::from_secret(&[99; 32]);
            let greeting = ServerFrame::Greeting(Greeting {
                protocol: Versions { min: 1, max: 1 },
                software: "a liar".to_owned(),
                nonce: Nonce([1; 32]),
                rooms: vec![Hosted {
                    summary,
                    key: public,
                    warrants: vec![own.warrant(1, RelayName::Tls { key: key.key })],
                }],
            });
            // Whoever looked may be gone already.
            let _ = socket.send(Message::text(greeting.encode())).await;
            while let Some(Ok(message)) = socket.next().await {
                assert!(!message.is_text(), "it was told something: {message}");
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_room_that_is_heard_is_listed_proven_and_joined_by_one_click() {
    let relay = relay();
    let room = open(&relay, 1);
    let mut window = Window::new("Ada").await;
    let ear = Ear::of(&window).await;
    ear.hears(claim(room, "A rumour"), relay.address()).await;
    window
        .until("the proof", |view| is_proven(view, room))
        .await;
    let found = listed(&window.view, room).unwrap();
    assert_eq!(found.summary.name.as_str(), "Room 1", "as it says itself");
    assert_eq!((found.summary.online, found.life), (0, Life::Here));
    assert_eq!(found.ways, [Way::Multicast]);
    assert_eq!((&found.known, found.hosted), (&Known::New, false));
    window.client.join_nearby(room).await.unwrap();
    window
        .until_link(room, |link| *link == LinkState::Online)
        .await;
    window
        .until("it to be known", |view| {
            listed(view, room).is_some_and(|found| found.known == Known::Joined)
        })
        .await;
    // It is there because one is in it, though nothing is heard of it any more.
    let found = listed(&window.view, room).unwrap();
    assert_eq!(found.summary.online, 1);
    window.leave(room).await;
    let ear = listed(&window.view, room).map(|found| found.life);
    assert_eq!(ear, Some(Life::Here));
}

#[tokio::test]
async fn f74_who_calls_out_another_ones_room_is_refused_and_told_nothing() {
    let relay = relay();
    let room = open(&relay, 1);
    let mut window = Window::new("Ada").await;
    let ear = Ear::of(&window).await;
    let key = RoomKey::from_secret(&[1; 32]);
    let (fake, _fake) = liar(&key, "Send me your passcode").await;
    ear.hears(claim(room, "Send me your passcode"), fake).await;
    window
        .until("the refusal", |view| {
            listed(view, room).is_some_and(|found| {
                matches!(
                    found.life,
                    Life::Away {
                        why: Vanished::NotItself,
                        ..
                    }
                )
            })
        })
        .await;
    let refused = window.client.join_nearby(room).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::RoomNotThere);
    assert!(window.view.rooms.is_empty());
    // The right one is heard beside it.
    ear.hears(claim(room, "Room 1"), relay.address()).await;
    ear.hears(claim(room, "Send me your passcode"), fake).await;
    window
        .until("the proof", |view| is_proven(view, room))
        .await;
    let found = listed(&window.view, room).unwrap();
    assert_eq!(found.summary.name.as_str(), "Room 1");
    assert_eq!(found.addresses, [at(relay.address()).short()]);
    window.client.join_nearby(room).await.unwrap();
    window
        .until_link(room, |link| *link == LinkState::Online)
        .await;
    assert_eq!(window.room(room).address, relay.address().to_string());
}

#[tokio::test]
async fn fifty_rooms_at_once_are_all_listed_and_proven() {
    let relay = relay();
    let rooms: Vec<RoomId> = (0..50).map(|number| open(&relay, number)).collect();
    let mut window = Window::new("Ada").await;
    let ear = Ear::of(&window).await;
    for room in &rooms {
        ear.hears(claim(*room, "Somewhere"), relay.address()).await;
    }
    window
        .until("fifty proofs", |view| {
            rooms.iter().all(|room| is_proven(view, *room))
        })
        .await;
    assert_eq!(window.view.nearby.rooms.len(), 50);
}

/// The host's computer gets another address, and another host gets its.
#[tokio::test]
async fn f70_a_host_that_moved_is_found_again_by_its_room_without_an_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let first = relay_in(folder.path(), any);
    let room = open(&first, 1);
    let mut window = Window::new("Ada").await;
    let ear = Ear::of(&window).await;
    let before = first.address();
    window.join(before, room).await;
    window.send(room, "before").await;
    window.until_texts(room, &["before"]).await;
    within("the end", first.stop(Closing::RelayStopping)).await;
    window.until_waiting(room).await;
    let stranger = crate::window::relay_at(before);
    open(&stranger, 2);
    let second = relay_in(folder.path(), any);
    assert_eq!(open(&second, 1), room);
    ear.hears(claim(room, "Room 1"), second.address()).await;
    let mut troubles = Vec::new();
    window
        .until_room(room, "to be back", |open| {
            open.link == LinkState::Online && open.address == second.address().to_string()
        })
        .await;
    troubles.extend(window.view.rooms.iter().filter_map(|open| match open.link {
        LinkState::Waiting { trouble, .. } | LinkState::Closed { trouble } => Some(trouble),
        LinkState::Connecting
        | LinkState::Online
        | LinkState::Passcode { .. }
        | LinkState::Knocking => None,
    }));
    assert!(!troubles.contains(&Trouble::KeyChanged));
    assert_eq!(window.room(room).security.offered, None);
    window.send(room, "after").await;
    window.until_texts(room, &["before", "after"]).await;
    // Without anything that is heard it is found there from now on.
    let mut window = window.restarted().await;
    window.client.resume().await.unwrap();
    window
        .until_link(room, |link| *link == LinkState::Online)
        .await;
}

#[tokio::test]
async fn nothing_is_heard_when_discovery_is_off_and_that_is_kept() {
    let relay = relay();
    let room = open(&relay, 1);
    let window = Window::new("Ada").await;
    let ear = Ear::of(&window).await;
    window.client.set_discovery(Discovery::Off).await.unwrap();
    window.client.look_nearby(true).await.unwrap();
    ear.hears(claim(room, "Room 1"), relay.address()).await;
    let mut window = window.restarted().await;
    let ear = Ear::of(&window).await;
    ear.hears(claim(room, "Room 1"), relay.address()).await;
    ear.hears(claim(room, "Room 1"), relay.address()).await;
    window.client.look_nearby(true).await.unwrap();
    // The first one is done with when this is answered.
    let refused = window.client.join_nearby(room).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::RoomNotThere);
    assert_eq!(window.client.view().await.nearby.search, Search::Off);
    window.client.set_discovery(Discovery::On).await.unwrap();
    ear.hears(claim(room, "Room 1"), relay.address()).await;
    window
        .until("the proof", |view| is_proven(view, room))
        .await;
    assert_ne!(window.view.nearby.search, Search::Off);
    window.client.set_discovery(Discovery::Off).await.unwrap();
    window
        .until("it to be forgotten", |view| view.nearby.rooms.is_empty())
        .await;
}

/// Joined before, and nobody calls it out.
#[tokio::test]
async fn a_remembered_room_is_asked_when_somebody_looks() {
    let relay = relay();
    let room = open(&relay, 1);
    let mut window = Window::new("Ada").await;
    window.join(relay.address(), room).await;
    window.leave(room).await;
    let _ear = Ear::of(&window).await;
    window
        .until("the room", |view| listed(view, room).is_some())
        .await;
    let found = listed(&window.view, room).unwrap();
    assert!(
        matches!(
            found.life,
            Life::Away {
                why: Vanished::NotSeen,
                ..
            }
        ),
        "{found:?}"
    );
    window.client.look_nearby(true).await.unwrap();
    window
        .until("a sign of life", |view| {
            listed(view, room).is_some_and(|found| found.life == Life::Here)
        })
        .await;
    let found = listed(&window.view, room).unwrap();
    assert_eq!(
        (&found.ways[..], &found.known),
        (&[Way::Remembered][..], &Known::Joined)
    );
    window.client.join_nearby(room).await.unwrap();
    window
        .until_link(room, |link| *link == LinkState::Online)
        .await;
}

/// The doctor is asked over a network in which nobody is.
#[tokio::test]
async fn a_check_up_ends_and_says_something() {
    let window = Window::new("Ada").await;
    let _ear = Ear::of(&window).await;
    let checkup = within("the doctor", window.client.check_up(None))
        .await
        .unwrap();
    assert!(!checkup.findings.is_empty());
    assert!(checkup.findings.is_sorted_by_key(|finding| finding.level));
    assert!(checkup.software.starts_with("ChatSpot test"));
}
