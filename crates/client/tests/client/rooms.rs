//! Being in a room: what is said, who is there, and what the window is told of it.

use std::time::Duration;

use chatspot_client::History;
use chatspot_protocol::event::{Body, Leaving};
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::{OUTBOX_MESSAGES, TYPING_FOR};
use chatspot_protocol::view::{FailureCode, LinkState, PendingState, Trouble, Update};
use chatspot_protocol::wire::Presence;
use chatspot_relay::RelayConfig;

use crate::window::{Sink, Window, events, open, relay, relay_with, skip, texts, within};

/// A relay, its room, and two members.
macro_rules! ada_and_bob {
    ($relay:ident, $room:ident, $ada:ident, $bob:ident) => {
        let $relay = relay();
        let $room = open(&$relay, 1);
        let (mut $ada, mut $bob) = (Window::new("Ada").await, Window::new("Bob").await);
        $ada.join($relay.address(), $room).await;
        $bob.join($relay.address(), $room).await;
    };
}

#[tokio::test]
async fn messages_go_both_ways_in_one_order() {
    ada_and_bob!(relay, room, ada, bob);
    let mut expected = Vec::new();
    for number in 0..20 {
        let (mine, yours) = (format!("ping {number}"), format!("pong {number}"));
        ada.send(room, &mine).await;
        expected.push(mine);
        let so_far: Vec<&str> = expected.iter().map(String::as_str).collect();
        bob.until_texts(room, &so_far).await;
        bob.send(room, &yours).await;
        expected.push(yours);
        let so_far: Vec<&str> = expected.iter().map(String::as_str).collect();
        ada.until_texts(room, &so_far).await;
    }
    let last: Vec<&str> = expected.iter().map(String::as_str).collect();
    bob.until_texts(room, &last).await;
    assert!(ada.room(room).outbox.is_empty());
    assert!(bob.room(room).outbox.is_empty());
    // A window's own updates add up to what the client says it is.
    assert_eq!(ada.view, ada.client.view().await);
    assert_eq!(relay.rooms()[0].online, 2);
}

#[tokio::test]
async fn a_newcomer_sees_what_was_said_before() {
    let relay = relay();
    let room = open(&relay, 1);
    let mut ada = Window::new("Ada").await;
    ada.join(relay.address(), room).await;
    ada.send(room, "is anybody here?").await;
    ada.until_texts(room, &["is anybody here?"]).await;
    let mut bob = Window::new("Bob").await;
    bob.join(relay.address(), room).await;
    bob.until_texts(room, &["is anybody here?"]).await;
    let recent = &bob.client.view().await.recents[0];
    assert_eq!((recent.room, recent.name.as_str()), (room, "Room 1"));
}

/// Fast writers: everything once, in the order of writing, and the batches in order.
#[tokio::test]
async fn many_messages_at_once_keep_their_order() {
    const EACH: usize = 150;
    ada_and_bob!(relay, room, ada, bob);
    let write = async |window: &Window, name: &str| {
        for number in 0..EACH {
            window.send(room, &format!("{name} {number}")).await;
        }
    };
    tokio::join!(write(&ada, "Ada"), write(&bob, "Bob"));
    for window in [&mut ada, &mut bob] {
        window
            .until_room(room, "all messages", |open| {
                texts(open).len() == 2 * EACH && open.outbox.is_empty()
            })
            .await;
        assert_eq!(window.view, window.client.view().await);
    }
    assert_eq!(texts(ada.room(room)), texts(bob.room(room)));
    for name in ["Ada", "Bob"] {
        let own: Vec<_> = texts(ada.room(room))
            .into_iter()
            .filter(|text| text.starts_with(name))
            .map(ToOwned::to_owned)
            .collect();
        let expected: Vec<_> = (0..EACH).map(|number| format!("{name} {number}")).collect();
        assert_eq!(own, expected);
    }
    drop(relay);
}

#[tokio::test]
async fn a_leave_is_seen_as_a_goodbye() {
    ada_and_bob!(_relay, room, ada, bob);
    ada.until_room(room, "Bob", |open| open.members.len() == 2)
        .await;
    bob.leave(room).await;
    let bobs = bob.member();
    ada.until_room(room, "the goodbye", |open| {
        events(open)
            .any(|event| event.author == bobs && event.body == Body::Left { how: Leaving::Left })
    })
    .await;
    assert_eq!(ada.room(room).members.len(), 1);
    let failure = bob.client.send(room, "too late").await.unwrap_err();
    assert_eq!(failure.code, FailureCode::NotOpen);
}

/// A room that was left can be joined again.
#[tokio::test]
async fn a_room_can_be_left_and_joined_again() {
    ada_and_bob!(relay, room, ada, bob);
    let mut expected = Vec::new();
    for text in ["round 0", "round 1", "round 2"] {
        bob.leave(room).await;
        bob.join(relay.address(), room).await;
        bob.send(room, text).await;
        expected.push(text);
        bob.until_texts(room, &expected).await;
    }
    ada.until_texts(room, &expected).await;
}

#[tokio::test]
async fn a_new_name_reaches_the_others() {
    ada_and_bob!(_relay, room, ada, bob);
    ada.client.set_name("  Ada   Lovelace ").await.unwrap();
    let adas = ada.member();
    bob.until_room(room, "the new name", |open| {
        open.members
            .iter()
            .any(|member| member.member == adas && member.name.as_str() == "Ada Lovelace")
            && events(open).any(|event| matches!(event.body, Body::Renamed { .. }))
    })
    .await;
    ada.until("one's own new name", |view| {
        view.me
            .name
            .as_ref()
            .is_some_and(|name| name.as_str() == "Ada Lovelace")
    })
    .await;
    // It is kept.
    let ada = ada.restarted().await;
    assert_eq!(ada.view.me.name.as_ref().unwrap().as_str(), "Ada Lovelace");
    assert_eq!(ada.member(), adas);
    for (bad, code) in [
        ("\u{200b}", FailureCode::Empty),
        ("a\nb", FailureCode::Control),
    ] {
        assert_eq!(ada.client.set_name(bad).await.unwrap_err().code, code);
    }
}

/// **P4**
#[tokio::test]
async fn typing_is_shown_and_expires() {
    ada_and_bob!(_relay, room, ada, bob);
    let adas = ada.member();
    ada.client.typing(room, true).await.unwrap();
    bob.until_room(room, "typing", |open| open.typing == [adas])
        .await;
    ada.client.typing(room, false).await.unwrap();
    bob.until_room(room, "no typing", |open| open.typing.is_empty())
        .await;
    ada.client.typing(room, true).await.unwrap();
    bob.until_room(room, "typing", |open| open.typing == [adas])
        .await;
    skip(TYPING_FOR).await;
    bob.until_room(room, "typing to expire", |open| open.typing.is_empty())
        .await;
    // A message ends it, too.
    ada.client.typing(room, true).await.unwrap();
    bob.until_room(room, "typing", |open| open.typing == [adas])
        .await;
    ada.send(room, "done").await;
    bob.until_texts(room, &["done"]).await;
    assert!(bob.room(room).typing.is_empty());
    ada.until_texts(room, &["done"]).await;
    assert!(ada.room(room).typing.is_empty(), "one sees oneself typing");
}

#[tokio::test]
async fn a_second_subscription_begins_with_everything() {
    ada_and_bob!(_relay, room, ada, bob);
    ada.send(room, "hello").await;
    ada.until_texts(room, &["hello"]).await;
    let (sink, mut updates) = Sink::new();
    ada.client.subscribe(Box::new(sink)).await;
    let Some(Update::Snapshot { view }) = within("the snapshot", updates.recv()).await else {
        panic!("no snapshot first");
    };
    assert_eq!(view, ada.client.view().await);
    assert_eq!(texts(&view.rooms[0]), ["hello"]);
    // The first one is told nothing more; what it was told before is still there.
    bob.send(room, "hello to you").await;
    let mut mirror = view;
    while texts(&mirror.rooms[0]).len() < 2 {
        match within("a change", updates.recv()).await.unwrap() {
            Update::Changes { changes } => {
                for change in changes {
                    mirror.apply(change);
                }
            }
            Update::Snapshot { .. } => panic!("a second snapshot"),
        }
    }
    assert_eq!(mirror, ada.client.view().await);
    // A window that is gone stops nothing.
    drop(updates);
    ada.send(room, "again").await;
    bob.until_texts(room, &["hello", "hello to you", "again"])
        .await;
}

#[tokio::test]
async fn a_full_room_is_told_and_not_dialled_again() {
    let config = RelayConfig {
        room_members: 1,
        ..RelayConfig::default()
    };
    let relay = relay_with("127.0.0.1:0".parse().unwrap(), config);
    let room = open(&relay, 1);
    let mut ada = Window::new("Ada").await;
    ada.join(relay.address(), room).await;
    let mut bob = Window::new("Bob").await;
    let address = relay.address().to_string();
    bob.client.join(&address, room, "Room 1").await.unwrap();
    bob.until_closed(room, Trouble::RoomFull).await;
    ada.client.leave(room, History::Keep).await.unwrap();
    // Asked for, it is tried again.
    within("the place", async {
        while relay.rooms()[0].online > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    bob.client.redial(room).await.unwrap();
    bob.until_link(room, |link| *link == LinkState::Online)
        .await;
}

#[tokio::test]
async fn a_room_that_is_not_there_is_told() {
    let relay = relay();
    open(&relay, 1);
    let mut ada = Window::new("Ada").await;
    let address = relay.address().to_string();
    let room = RoomId([9; 16]);
    ada.client.join(&address, room, "Room 9").await.unwrap();
    ada.until_closed(room, Trouble::NoSuchRoom).await;
}

#[tokio::test]
async fn without_a_name_no_room_opens() {
    let relay = relay();
    let room = open(&relay, 1);
    let window = Window::nameless().await;
    let address = relay.address().to_string();
    let joined = window.client.join(&address, room, "Room 1").await;
    assert_eq!(joined.unwrap_err().code, FailureCode::NoName);
    assert!(window.client.view().await.rooms.is_empty());
}

#[tokio::test]
async fn a_message_that_cannot_be_one_is_refused_here() {
    ada_and_bob!(_relay, room, ada, bob);
    for (text, code) in [
        (" \n ".to_owned(), FailureCode::Empty),
        ("x".repeat(17 * 1024), FailureCode::TooLong),
    ] {
        assert_eq!(ada.client.send(room, &text).await.unwrap_err().code, code);
    }
    ada.send(room, "good").await;
    bob.until_texts(room, &["good"]).await;
    ada.until_texts(room, &["good"]).await;
}

/// Messages wait without a connection, up to a bound, and can be taken back.
#[tokio::test]
async fn the_outbox_is_bounded_and_can_be_taken_back() {
    let nobody = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let room = RoomId([1; 16]);
    let mut ada = Window::new("Ada").await;
    let address = nobody.to_string();
    ada.client.join(&address, room, "Nowhere").await.unwrap();
    ada.until_link(room, |link| {
        matches!(
            link,
            LinkState::Waiting {
                trouble: Trouble::NobodyAnswers,
                ..
            }
        )
    })
    .await;
    for number in 0..OUTBOX_MESSAGES {
        ada.send(room, &format!("message {number}")).await;
    }
    let full = ada.client.send(room, "one more").await.unwrap_err();
    assert_eq!(full.code, FailureCode::OutboxFull);
    ada.until_room(room, "the outbox", |open| {
        open.outbox.len() == OUTBOX_MESSAGES
    })
    .await;
    let first = ada.room(room).outbox[0].clone();
    assert_eq!(first.state, PendingState::Queued);
    ada.client.discard(room, first.id).await.unwrap();
    ada.until_room(room, "the outbox", |open| {
        open.outbox.len() == OUTBOX_MESSAGES - 1
    })
    .await;
    ada.send(room, "one more").await;
}

/// As the app ends: every room hears it, and nothing is forgotten.
#[tokio::test]
async fn a_goodbye_to_all_rooms_is_heard_in_each() {
    let relay = relay();
    let rooms = [open(&relay, 1), open(&relay, 2)];
    let (mut ada, mut bob) = (Window::new("Ada").await, Window::new("Bob").await);
    for room in rooms {
        ada.join(relay.address(), room).await;
        bob.join(relay.address(), room).await;
    }
    bob.client.goodbye().await;
    let bobs = bob.member();
    for room in rooms {
        ada.until_room(room, "the goodbye", |open| {
            let how = Leaving::Left;
            events(open).any(|event| event.author == bobs && event.body == Body::Left { how })
        })
        .await;
    }
    let bob = bob.restarted().await;
    assert_eq!(bob.view.recents.len(), 2);
}

#[tokio::test]
async fn f61_two_programs_do_not_share_a_folder() {
    let ada = Window::new("Ada").await;
    let config = chatspot_client::ClientConfig {
        data_dir: ada.folder().to_owned(),
        suggested_name: String::new(),
        version: String::new(),
    };
    let second = chatspot_client::Client::start(config);
    assert!(matches!(
        second,
        Err(chatspot_client::StoreError::InUse { .. })
    ));
    // Once the first one has ended, the folder is free.
    ada.restarted().await;
}

/// Two programs with one identity do not throw each other out for ever.
#[tokio::test]
async fn a_place_that_is_taken_twice_is_given_up() {
    let relay = relay();
    let room = open(&relay, 1);
    let mut ada = Window::new("Ada").await;
    ada.join(relay.address(), room).await;
    let twin = ada.twin().await;
    assert_eq!(twin.member(), ada.member());
    let address = relay.address().to_string();
    twin.client.join(&address, room, "Room 1").await.unwrap();
    // Either may be the one that gives up; the other one stays.
    within("one of the two to give up", async {
        loop {
            let given_up = LinkState::Closed {
                trouble: Trouble::Replaced,
            };
            let (mine, other) = (ada.client.view().await, twin.client.view().await);
            let links = [mine, other].map(|view| view.rooms.first().map(|room| room.link.clone()));
            if links.contains(&Some(given_up)) && links.contains(&Some(LinkState::Online)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn presence_follows_a_cut_and_a_return() {
    let relay = relay();
    let room = open(&relay, 1);
    let proxy = crate::proxy::Proxy::to(relay.address()).await;
    let (mut ada, mut bob) = (Window::new("Ada").await, Window::new("Bob").await);
    ada.join(relay.address(), room).await;
    bob.join(proxy.address, room).await;
    let bobs = bob.member();
    let is = |wanted: Presence| {
        move |open: &chatspot_protocol::view::RoomView| {
            open.members
                .iter()
                .any(|member| member.member == bobs && member.presence == wanted)
        }
    };
    ada.until_room(room, "Bob", is(Presence::Online)).await;
    proxy.cut();
    ada.until_room(room, "Bob to be away", is(Presence::Away))
        .await;
    ada.until_room(room, "Bob to be back", is(Presence::Online))
        .await;
    let joined = events(ada.room(room)).filter(|event| event.author == bobs);
    assert_eq!(joined.count(), 1, "a short cut was logged");
}
