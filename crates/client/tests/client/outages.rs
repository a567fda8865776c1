//! Relays that go away and come back, networks that break: nothing is lost, nothing is doubled.

use std::time::Duration;

use chatspot_protocol::limits::{DEAD_AFTER, REDIAL_MOST};
use chatspot_protocol::view::{Item, LinkState, PendingState, Trouble};
use chatspot_protocol::wire::Closing;

use crate::proxy::Proxy;
use crate::window::{Window, open, relay, relay_at, skip, sleep_through, texts, within};

/// **R5**: another epoch is shown as a break.
#[tokio::test]
async fn what_is_written_while_the_relay_is_down_arrives_when_it_is_back() {
    let first = relay();
    let address = first.address();
    let room = open(&first, 1);
    let mut ada = Window::new("Ada").await;
    ada.join(address, room).await;
    ada.send(room, "before").await;
    ada.until_texts(room, &["before"]).await;
    first.stop(Closing::RelayStopping).await;
    ada.until_link(room, |link| {
        matches!(
            link,
            LinkState::Waiting {
                trouble: Trouble::RelayStopping | Trouble::NobodyAnswers,
                ..
            }
        )
    })
    .await;
    for text in ["one", "two", "three"] {
        ada.send(room, text).await;
    }
    ada.until_room(room, "the outbox", |open| open.outbox.len() == 3)
        .await;
    let waits = |open: &chatspot_protocol::view::RoomView| {
        open.outbox
            .iter()
            .all(|pending| pending.state == PendingState::Queued)
    };
    assert!(waits(ada.room(room)));

    let second = relay_at(address);
    assert_eq!(open(&second, 1), room, "the same key is the same room");
    let mut bob = Window::new("Bob").await;
    bob.join(address, room).await;
    bob.until_texts(room, &["one", "two", "three"]).await;
    // What was said before stays above the break.
    ada.until_texts(room, &["before", "one", "two", "three"])
        .await;
    let items = &ada.room(room).items;
    let resets: Vec<_> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| matches!(item, Item::Reset { .. }))
        .map(|(place, _)| place)
        .collect();
    assert_eq!(resets.len(), 1, "one break for one new log: {items:?}");
    let message = |item: &Item, wanted: &str| {
        matches!(item, Item::Event { event, .. }
            if matches!(&event.body, chatspot_protocol::event::Body::Message { text, .. } if text.as_str() == wanted))
    };
    assert!(
        items[..resets[0]]
            .iter()
            .any(|item| message(item, "before"))
    );
    assert!(items[resets[0]..].iter().any(|item| message(item, "one")));
    assert!(ada.room(room).outbox.is_empty());
}

/// **R5**, **S2**; rows 65 and 67 of the faults, as far as one machine shows them.
#[tokio::test]
async fn f67_a_network_that_breaks_again_and_again_loses_and_doubles_nothing() {
    const MESSAGES: usize = 120;
    let relay = relay();
    let room = open(&relay, 1);
    let proxy = Proxy::to(relay.address()).await;
    let (mut ada, mut bob) = (Window::new("Ada").await, Window::new("Bob").await);
    ada.join(proxy.address, room).await;
    bob.join(proxy.address, room).await;
    let (mut expected, mut cuts) = (Vec::new(), 0);
    for number in 0..MESSAGES {
        let text = format!("message {number}");
        ada.send(room, &text).await;
        expected.push(text);
        if number % 20 == 10 {
            // Wherever the conversation is just now: some are sent, some are on their way, some wait.
            let so_far = number / 2;
            ada.until_room(room, "half of it", |open| {
                open.link == LinkState::Online && texts(open).len() > so_far
            })
            .await;
            proxy.cut();
            ada.until_link(room, |link| *link != LinkState::Online)
                .await;
            cuts += 1;
        }
    }
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    ada.until_texts(room, &expected).await;
    bob.until_texts(room, &expected).await;
    assert!(ada.room(room).outbox.is_empty());
    assert_eq!(cuts, MESSAGES / 20);
    for window in [&ada, &bob] {
        let breaks = window.room(room).items.iter();
        let breaks = breaks.filter(|item| !matches!(item, Item::Event { .. }));
        assert_eq!(breaks.count(), 0, "the same log went on");
    }
}

/// **C2**
#[tokio::test]
async fn a_room_that_its_host_closed_is_not_dialled_again() {
    let relay = relay();
    let room = open(&relay, 1);
    let proxy = Proxy::to(relay.address()).await;
    let mut ada = Window::new("Ada").await;
    ada.join(proxy.address, room).await;
    let before = proxy.connections();
    relay.close(room, Closing::HostClosed).await;
    ada.until_closed(room, Trouble::HostClosed).await;
    for _ in 0..10 {
        skip(REDIAL_MOST).await;
        ada.client.view().await;
    }
    assert_eq!(proxy.connections(), before);
    // Only when somebody asks for it.
    open(&relay, 1);
    ada.client.redial(room).await.unwrap();
    ada.until_link(room, |link| *link == LinkState::Online)
        .await;
    assert_eq!(proxy.connections(), before + 1);
}

/// A host that stops hosting in its own window is not dialled behind its back.
#[tokio::test]
async fn a_room_that_was_stopped_here_is_not_dialled_again() {
    let relay = relay();
    let room = open(&relay, 1);
    let proxy = Proxy::to(relay.address()).await;
    let mut ada = Window::new("Ada").await;
    ada.join(proxy.address, room).await;
    let before = proxy.connections();
    ada.client.stop(room).await.unwrap();
    ada.until_closed(room, Trouble::Stopped).await;
    for _ in 0..10 {
        skip(REDIAL_MOST).await;
        ada.client.view().await;
    }
    assert_eq!(proxy.connections(), before);
    ada.client.redial(room).await.unwrap();
    ada.until_link(room, |link| *link == LinkState::Online)
        .await;
}

/// A relay that was not there when the room was joined is found when it comes.
#[tokio::test]
async fn a_relay_that_comes_later_is_found() {
    let early = relay();
    let address = early.address();
    let room = open(&early, 1);
    drop(early);
    let mut ada = Window::new("Ada").await;
    let text = address.to_string();
    ada.client.join(&text, room, "Room 1").await.unwrap();
    ada.until_waiting(room).await;
    ada.send(room, "hello?").await;
    let late = within("the port", async {
        loop {
            if let Ok(listener) = chatspot_relay::listen::on_address(address) {
                let config = chatspot_relay::RelayConfig::default();
                let store = chatspot_relay::Store::in_memory().unwrap();
                let tls = chatspot_relay::tls::Tls::in_memory().unwrap();
                return chatspot_relay::Relay::start(listener, config, store, tls).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    open(&late, 1);
    ada.until_texts(room, &["hello?"]).await;
    assert_eq!(ada.room(room).link, LinkState::Online);
}

/// **B1**: nobody answers any more, though the connection stands.
#[tokio::test]
async fn f66_a_relay_that_falls_silent_is_noticed() {
    let relay = relay();
    let room = open(&relay, 1);
    let mut ada = Window::new("Ada").await;
    ada.join(relay.address(), room).await;
    // Both sides' clocks jump over every ping, so that neither hears the other in time.
    sleep_through(DEAD_AFTER).await;
    ada.until_link(room, |link| *link != LinkState::Online)
        .await;
    ada.until_link(room, |link| *link == LinkState::Online)
        .await;
    ada.send(room, "back again").await;
    ada.until_texts(room, &["back again"]).await;
}
