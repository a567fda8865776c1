//! Who is at the other end, and who said what: people in between, other rooms in a room's place, and relays that lie.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use chatspot_client::History;
use chatspot_protocol::event::{Admission, Body, Event, Proof, Role, RoomSettings};
use chatspot_protocol::identity::{Identity, RelayName, RoomKey};
use chatspot_protocol::ids::{ClientId, Epoch, Nonce, RoomId, Seq, Token};
use chatspot_protocol::invite::InviteLink;
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::view::{FailureCode, Item, Known, LinkState, Trouble, Verified};
use chatspot_protocol::wire::{
    ClientFrame, Greeting, Hosted, Member, Presence, RoomSummary, ServerFrame, Versions, Welcome,
};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::look_up::server;
use crate::tls::{Key, connect, websocket};
use crate::window::{Window, open, relay, relay_at, spec, texts};

/// Somebody who takes the client's TLS, has one of their own to the relay, and passes on what they read.
async fn in_between(relay: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<u8>>>, JoinSet<()>) {
    let (key, heard) = (Key::new(), Arc::new(Mutex::new(Vec::new())));
    let ears = Arc::clone(&heard);
    let (address, tasks) = server(move |stream| {
        let (key, ears) = (key.clone(), Arc::clone(&ears));
        async move {
            let (Ok(near), Ok(far)) = (key.accept(stream).await, connect(relay).await) else {
                return;
            };
            let (mut near_read, mut near_write) = tokio::io::split(near);
            let (mut far_read, mut far_write) = tokio::io::split(far);
            let up = async {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = near_read.read(&mut bytes).await {
                    ears.lock().unwrap().extend_from_slice(&bytes[..count]);
                    if far_write.write_all(&bytes[..count]).await.is_err() {
                        return;
                    }
                }
            };
            let down = tokio::io::copy(&mut far_read, &mut near_write);
            tokio::select! { () = up => {}, _ = down => {} }
        }
    })
    .await;
    (address, heard, tasks)
}

#[tokio::test]
async fn somebody_in_between_is_told_nothing() {
    let relay = relay();
    let room = open(&relay, 1);
    let (between, heard, _tasks) = in_between(relay.address()).await;
    let mut ada = Window::new("Ada").await;
    let looked = ada.client.look_up(&between.to_string()).await;
    assert_eq!(looked.unwrap_err().code, FailureCode::KeyChanged);
    // Whoever joined before is not fooled either: the room's own word does not name this key.
    ada.join(relay.address(), room).await;
    ada.client
        .join(&between.to_string(), room, "Room 1")
        .await
        .unwrap();
    ada.client.stop(room).await.unwrap();
    ada.until_closed(room, Trouble::Stopped).await;
    ada.client.redial(room).await.unwrap();
    ada.until_link(room, |link| *link == LinkState::Online)
        .await;
    assert_eq!(ada.room(room).address, relay.address().to_string());
    // Whoever knows no other address is told.
    let mut bob = Window::new("Bob").await;
    bob.client
        .join(&between.to_string(), room, "Room 1")
        .await
        .unwrap();
    bob.until_closed(room, Trouble::KeyChanged).await;
    let heard = heard.lock().unwrap().clone();
    // Frames of a client are masked, so this looks at their number: requests, and goodbyes of a few bytes.
    let requests = String::from_utf8_lossy(&heard).matches("GET /").count();
    assert!(requests >= 2, "{requests}");
    let after = heard
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_ascii())
        .map(<[u8]>::len)
        .sum::<usize>();
    assert!(after < 32 * requests, "{after} bytes were said");
}

#[tokio::test]
async fn f83_another_room_in_a_rooms_place_is_seen_before_and_after_joining() {
    let first = relay();
    let (address, room) = (first.address(), open(&first, 1));
    let mut ada = Window::new("Ada").await;
    ada.join(address, room).await;
    assert_eq!(ada.room(room).security.fingerprint, room.fingerprint());
    assert_eq!(ada.room(room).security.verified, Verified::No);
    drop(first);
    ada.until_waiting(room).await;
    let second = crate::window::within("the port", async {
        loop {
            if std::net::TcpListener::bind(address).is_ok() {
                return relay_at(address);
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    let mut other = spec(2);
    other.name = RoomName::parse("Room 1").unwrap();
    let other = second.open(other).unwrap();
    ada.client.redial(room).await.unwrap();
    ada.until_closed(room, Trouble::KeyChanged).await;
    ada.until_room(room, "both keys", |open| {
        open.security.fingerprint == room.fingerprint()
            && open.security.offered == Some(other.fingerprint())
    })
    .await;
    let known = async |ada: &Window| {
        let found = ada.client.look_up(&address.to_string()).await.unwrap();
        assert_eq!(found.rooms[0].fingerprint, other.fingerprint());
        found.rooms[0].known.clone()
    };
    let changed = Known::KeyChanged {
        room,
        fingerprint: room.fingerprint(),
    };
    assert_eq!(known(&ada).await, changed);
    // There is one way on: to forget the room that was.
    ada.client.leave(room, History::Keep).await.unwrap();
    assert_eq!(known(&ada).await, changed);
    ada.client.forget_recent(room).await.unwrap();
    assert_eq!(known(&ada).await, Known::New);
    ada.join(address, other).await;
    assert_eq!(known(&ada).await, Known::Joined);
}

#[tokio::test]
async fn two_rooms_of_one_name_side_by_side_are_two_rooms() {
    let relay = relay();
    let room = open(&relay, 1);
    let mut twin = spec(2);
    twin.name = RoomName::parse("Room 1").unwrap();
    relay.open(twin).unwrap();
    let mut ada = Window::new("Ada").await;
    ada.join(relay.address(), room).await;
    let address = relay.address().to_string();
    let found = ada.client.look_up(&address).await.unwrap();
    let known: Vec<_> = found.rooms.into_iter().map(|found| found.known).collect();
    assert!(known.contains(&Known::Joined) && known.contains(&Known::New));
}

/// A link to a room at these addresses.
fn link(number: u8, addresses: &[SocketAddr]) -> String {
    let link = InviteLink {
        key: RoomKey::from_secret(&[number; 32]).public(),
        token: Some(Token([5; 16])),
        name: None,
        addresses: addresses
            .iter()
            .map(|address| address.to_string().parse().unwrap())
            .collect(),
    };
    link.encode()
}

#[tokio::test]
async fn f74_what_does_not_prove_a_links_room_is_passed_over() {
    let relay = relay();
    let room = open(&relay, 1);
    let (between, _heard, _tasks) = in_between(relay.address()).await;
    let other = crate::window::relay();
    open(&other, 2);
    let mut ada = Window::new("Ada").await;
    let nowhere = link(1, &[between, other.address()]);
    let failure = ada.client.join_link(&nowhere).await.unwrap_err();
    assert_eq!(failure.code, FailureCode::RoomNotThere);
    let somewhere = link(1, &[between, other.address(), relay.address()]);
    let question = ada.client.read_link(&somewhere).await.unwrap();
    assert_eq!((question.room, question.known), (room, false));
    assert_eq!(question.fingerprint, room.fingerprint());
    assert!(question.invite);
    assert_eq!(question.link, somewhere);
    let in_a_mail = format!("Join us: {somewhere} see you");
    assert_eq!(ada.client.join_link(&in_a_mail).await.unwrap(), room);
    ada.until_room(room, "the right address", |open| {
        open.address == relay.address().to_string() && open.security.verified == Verified::Invite
    })
    .await;
    assert!(ada.client.read_link(&somewhere).await.unwrap().known);
}

#[tokio::test]
async fn f81_what_is_no_link_is_politely_refused() {
    let ada = Window::new("Ada").await;
    let good = link(1, &["127.0.0.1:1".parse().unwrap()]);
    for text in [
        "",
        "chatspot://join/",
        "chatspot://join/!!!!",
        "chatspot://join/AA\u{0}AA",
        "chatspot://elsewhere/AAAA",
        &good[..good.len() - 3],
        &format!("chatspot://join/{}", "A".repeat(1024 * 1024)),
    ] {
        let failure = ada.client.read_link(text).await.unwrap_err();
        assert_eq!(failure.code, FailureCode::BadLink, "{text:.40}");
        let failure = ada.client.join_link(text).await.unwrap_err();
        assert_eq!(failure.code, FailureCode::BadLink, "{text:.40}");
    }
    assert!(ada.client.view().await.rooms.is_empty());
}

/// A relay that has the room's key and says whatever it wants.
async fn hostile(key: RoomKey, said: Vec<Event>) -> (SocketAddr, JoinSet<()>) {
    let tls = Key::new();
    server(move |stream| {
        let (tls, key, said) = (tls.clone(), key.clone(), said.clone());
        async move {
            let _ = lie(&tls, &key, said, stream).await;
        }
    })
    .await
}

async fn lie(tls: &Key, key: &RoomKey, said: Vec<Event>, stream: TcpStream) -> Option<()> {
    let mut socket = websocket(tls, stream).await?;
    let name = RoomName::parse("Room 1").unwrap();
    let summary = RoomSummary {
        host: None,
        hidden: false,
        room: key.id(),
        name: name.clone(),
        online: 1,
        full: false,
        admission: Admission::Open,
        locked: false,
    };
    let greeting = ServerFrame::Greeting(Greeting {
        protocol: Versions { min: 1, max: 1 },
        software: "hostile".to_owned(),
        nonce: Nonce([1; 32]),
        rooms: vec![Hosted {
            summary,
            key: key.public(),
            warrants: vec![key.warrant(1, RelayName::Tls { key: tls.key })],
        }],
    });
    socket.send(Message::text(greeting.encode())).await.ok()?;
    let Message::Text(text) = socket.next().await?.ok()? else {
        return None;
    };
    let ClientFrame::Hello(hello) = ClientFrame::decode(&text).ok()? else {
        return None;
    };
    let welcome = ServerFrame::Welcome(Box::new(Welcome {
        name,
        epoch: Epoch([1; 16]),
        first: Seq(1),
        head: Seq(0),
        settings: RoomSettings::default(),
        members: vec![Member {
            member: hello.member,
            name: hello.name,
            host: false,
            role: Role::Member,
            muted: false,
            presence: Presence::Online,
        }],
    }));
    socket.send(Message::text(welcome.encode())).await.ok()?;
    for event in said {
        let event = ServerFrame::Event(event);
        socket.send(Message::text(event.encode())).await.ok()?;
    }
    while let Some(Ok(_)) = socket.next().await {}
    Some(())
}

#[tokio::test]
async fn f33_what_a_relay_puts_into_somebodys_mouth_is_marked() {
    let key = RoomKey::from_secret(&[1; 32]);
    let room: RoomId = key.id();
    let bob = Identity::from_secret(&[8; 32]);
    let name = DisplayName::parse("Bob").unwrap();
    let message = |seq: u8, text: &str| Event {
        seq: Seq(u64::from(seq)),
        at: 1,
        author: bob.member(),
        name: name.clone(),
        body: Body::Message {
            id: ClientId([seq; 16]),
            text: MessageText::parse(text).unwrap(),
        },
        signature: None,
    };
    let sign = |mut event: Event| {
        let submission = chatspot_protocol::event::Submission::of(event.body.clone()).unwrap();
        event.signature = Some(submission.sign(&bob, &room, &name).signature);
        event
    };
    let genuine = sign(message(1, "what I said"));
    let unsigned = message(2, "what I never said");
    let mut changed = sign(message(3, "what I said, too"));
    changed.body = Body::Message {
        id: ClientId([3; 16]),
        text: MessageText::parse("what I did not say").unwrap(),
    };
    // What was said once, once more.
    let mut again = genuine.clone();
    again.seq = Seq(4);
    let last = sign(message(5, "goodbye"));
    let said = vec![genuine, unsigned, changed, again, last];
    let (address, _tasks) = hostile(key, said).await;
    let mut ada = Window::new("Ada").await;
    ada.join(address, room).await;
    ada.until_room(room, "all of it", |open| {
        texts(open).last() == Some(&"goodbye")
    })
    .await;
    let shown: Vec<_> = ada
        .room(room)
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Event { event, proof, .. } => Some((event.seq.0, *proof)),
            Item::Reset { .. } | Item::Gap { .. } => None,
        })
        .collect();
    let expected = [
        (1, Proof::Author),
        (2, Proof::Missing),
        (3, Proof::Missing),
        (5, Proof::Author),
    ];
    assert_eq!(shown, expected);
    assert!(matches!(ada.room(room).link, LinkState::Online));
}
