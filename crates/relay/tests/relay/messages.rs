//! What members say: the log's order, exactly once, pages, and frames that are not understood.

use chatspot_protocol::event::Body;
use chatspot_protocol::ids::Seq;
use chatspot_protocol::limits::{MAX_TEXT_BYTES, PAGE_EVENTS};
use chatspot_protocol::wire::{ClientFrame, Problem, Reject, ServerFrame};
use chatspot_relay::RelayConfig;

use crate::peer::{Peer, is_joined, open, random_id, relay, relay_with_room, texts, unhurried};

/// **S1**, **S2**
#[tokio::test]
async fn f25_the_same_submit_again_gets_the_same_seq_and_only_the_sender_is_told() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let mut bob = Peer::join(&relay, room, 3).await;
    let id = random_id();
    ada.submit(id, "hi").await;
    let first = ada.committed(id).await;
    assert_eq!(bob.committed(id).await, first);
    ada.submit(id, "hi").await;
    assert_eq!(ada.committed(id).await, first);
    let last = ada.say("the end").await;
    let next = bob.event().await;
    assert!(
        matches!(next.body, Body::Message { id, .. } if id == last),
        "the others were told again: {next:?}"
    );
    assert_eq!(next.seq, first.seq.next());
}

/// **S2**: also when the first connection is gone.
#[tokio::test]
async fn f25_the_same_submit_over_another_connection_is_the_same_message() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let id = ada.say("hi").await;
    let first = ada.committed(id).await;
    ada.cut();
    let mut ada = Peer::join(&relay, room, 2).await;
    ada.submit(id, "hi").await;
    assert_eq!(ada.committed(id).await, first);
}

/// **S3**
#[tokio::test]
async fn f26_the_same_id_with_another_text_is_rejected() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let id = ada.say("hi").await;
    ada.committed(id).await;
    ada.submit(id, "ho").await;
    let rejected = ada
        .until(|frame| match frame {
            ServerFrame::Rejected { id, code, .. } => Some((id, code)),
            ServerFrame::Event(event) => panic!("{event:?}"),
            _ => None,
        })
        .await;
    assert_eq!(rejected, (id, Reject::IdConflict));
    ada.round_trip().await;
    // Another member may use the same id: ids are each member's own.
    let mut bob = Peer::join(&relay, room, 3).await;
    bob.submit(id, "ho").await;
    assert_eq!(bob.committed(id).await.author, bob.member());
}

/// **R2**, **R3**
#[tokio::test]
async fn a_newcomer_fetches_the_log_page_by_page() {
    let (relay, room) = relay_with_room(unhurried());
    let mut ada = Peer::join(&relay, room, 2).await;
    let count = 2 * PAGE_EVENTS + 50;
    let mut last = random_id();
    for number in 0..count {
        last = ada.say(&format!("message {number}")).await;
    }
    let head = ada.committed(last).await.seq;
    let mut bob = Peer::join(&relay, room, 3).await;
    let welcome = bob.welcome.clone().unwrap();
    assert_eq!((welcome.first, welcome.head), (Seq(1), head));
    let (mut next, mut all, mut pages) = (Seq(1), Vec::new(), 0);
    while next <= head {
        bob.send(&ClientFrame::Fetch {
            from: next,
            to: head,
        })
        .await;
        let (from, to, events) = bob
            .until(|frame| match frame {
                ServerFrame::Events { from, to, events } => Some((from, to, events)),
                _ => None,
            })
            .await;
        assert_eq!(from, next);
        assert_eq!(events.len() as u64, to.0 - from.0 + 1);
        all.extend(events);
        next = to.next();
        pages += 1;
    }
    assert_eq!(pages, 3);
    assert!(
        all.iter()
            .zip(1..)
            .all(|(event, seq)| event.seq == Seq(seq))
    );
    let expected: Vec<_> = (0..count)
        .map(|number| format!("message {number}"))
        .collect();
    assert_eq!(texts(&all), expected);
}

/// **R2**: a page ends by bytes, too, and never passes the limit of a frame.
#[tokio::test]
async fn a_page_of_long_texts_is_shorter() {
    let (relay, room) = relay_with_room(unhurried());
    let mut ada = Peer::join(&relay, room, 2).await;
    let long = "\"".repeat(MAX_TEXT_BYTES);
    for _ in 0..30 {
        let id = ada.say(&long).await;
        ada.committed(id).await;
    }
    ada.send(&ClientFrame::Fetch {
        from: Seq(1),
        to: Seq(31),
    })
    .await;
    let page = ada
        .until(|frame| matches!(frame, ServerFrame::Events { .. }).then_some(frame))
        .await;
    assert!(page.encode().len() < chatspot_protocol::limits::MAX_SERVER_FRAME_BYTES);
    let ServerFrame::Events { to, events, .. } = page else {
        unreachable!()
    };
    assert!(to < Seq(31));
    assert_eq!(events.last().unwrap().seq, to);
}

/// **R4**
#[tokio::test]
async fn a_fetch_of_what_is_not_there_is_out_of_turn() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    for (from, to) in [(0, 1), (2, 1), (1000, 1001)] {
        ada.send(&ClientFrame::Fetch {
            from: Seq(from),
            to: Seq(to),
        })
        .await;
        assert_eq!(ada.error().await, Problem::OutOfTurn, "{from} to {to}");
    }
    // Beyond the head is cut to the head.
    ada.send(&ClientFrame::Fetch {
        from: Seq(1),
        to: Seq::MAX,
    })
    .await;
    let to = ada
        .until(|frame| match frame {
            ServerFrame::Events { to, .. } => Some(to),
            _ => None,
        })
        .await;
    assert_eq!(to, Seq(1));
}

/// **F3**
#[tokio::test]
async fn f30_json_nested_deeply_is_an_error_and_no_end() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for text in [
        format!(r#"{{"type":"typing","active":true,"more":{deep}}}"#),
        deep.clone(),
        "[".repeat(60_000),
        format!(
            r#"{{"type":"typing","active":{}"#,
            r#"{"a":"#.repeat(10_000)
        ),
    ] {
        ada.send_text(&text).await;
        assert_eq!(ada.error().await, Problem::Malformed);
    }
    ada.round_trip().await;
}

/// **V3**, **V4**
#[tokio::test]
async fn f31_an_unknown_type_is_an_error_and_an_unknown_field_is_ignored() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    assert!(is_joined(&ada.event().await.body));
    ada.send_text(r#"{"type":"dance","style":"tango"}"#).await;
    assert_eq!(ada.error().await, Problem::UnknownType);
    ada.send_text(r#"{"type":"rename","name":"Lovelace","colour":{"red":1},"sort":[1]}"#)
        .await;
    let event = ada.event().await;
    assert!(matches!(event.body, Body::Renamed { .. }), "{event:?}");
    assert_eq!(event.name.as_str(), "Lovelace");
}

/// **F3**
#[tokio::test]
async fn f32_numbers_that_are_no_seq_are_refused() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    for number in [
        "9223372036854775807",
        "9007199254740992",
        "-1",
        "1.5",
        "1e0",
        "1e400",
        "\"1\"",
        "null",
    ] {
        ada.send_text(&format!(r#"{{"type":"fetch","from":{number},"to":1}}"#))
            .await;
        assert_eq!(ada.error().await, Problem::Malformed, "{number}");
    }
    ada.round_trip().await;
}

/// **F3**
#[tokio::test]
async fn a_bad_frame_in_the_room_is_an_error_and_no_end() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let long = "x".repeat(MAX_TEXT_BYTES + 1);
    let id = random_id();
    for text in [
        String::new(),
        "hello".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"type":7}"#.to_owned(),
        format!(r#"{{"type":"submit","kind":"message","id":"{id}","text":"{long}"}}"#),
        format!(r#"{{"type":"submit","kind":"message","id":"{id}","text":" \n "}}"#),
        r#"{"type":"submit","kind":"message","id":"short","text":"x"}"#.to_owned(),
        r#"{"type":"rename","name":"\u202e"}"#.to_owned(),
    ] {
        ada.send_text(&text).await;
        assert_eq!(ada.error().await, Problem::Malformed, "{text:.60}");
    }
    ada.hello(room).await;
    assert_eq!(ada.error().await, Problem::OutOfTurn);
    ada.round_trip().await;
}

/// **S4**
#[tokio::test]
async fn everybody_gets_the_same_order_whoever_sends() {
    const SENDERS: u8 = 8;
    const EACH: usize = 50;
    let (relay, room) = relay_with_room(unhurried());
    let mut peers = Vec::new();
    for number in 0..SENDERS {
        peers.push(Peer::join(&relay, room, 10 + number).await);
    }
    let tasks: Vec<_> = peers
        .into_iter()
        .map(|mut peer| {
            tokio::spawn(async move {
                for number in 0..EACH {
                    peer.say(&format!("{} says {number}", peer.member())).await;
                }
                let mut events = Vec::new();
                while texts(&events).len() < EACH * usize::from(SENDERS) {
                    events.push(peer.event().await);
                }
                (peer, events)
            })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        let (peer, events) = task.await.unwrap();
        assert!(
            events.is_sorted_by(|a, b| a.seq.next() == b.seq),
            "a hole or another order"
        );
        let own = texts(&events)
            .into_iter()
            .filter(|text| text.starts_with(&peer.member().to_string()));
        let expected = (0..EACH).map(|number| format!("{} says {number}", peer.member()));
        assert!(own.eq(expected), "one author's order suffered");
        seen.push(texts(&events));
    }
    assert!(seen.iter().all(|texts| *texts == seen[0]));
}

/// **S4**
#[tokio::test]
async fn two_rooms_on_one_relay_do_not_mix() {
    let relay = relay(RelayConfig::default());
    let (red, blue) = (open(&relay, 1), open(&relay, 2));
    let mut in_red = Peer::join(&relay, red, 3).await;
    assert_eq!(in_red.greeting.rooms.len(), 2);
    // The same member may be in both.
    let mut in_blue = Peer::join(&relay, blue, 3).await;
    let (red_id, blue_id) = (in_red.say("red").await, in_blue.say("blue").await);
    let (red_event, blue_event) = (
        in_red.committed(red_id).await,
        in_blue.committed(blue_id).await,
    );
    assert_eq!((red_event.seq, blue_event.seq), (Seq(2), Seq(2)));
    assert_ne!(
        in_red.welcome.as_ref().unwrap().epoch,
        in_blue.welcome.as_ref().unwrap().epoch
    );
    for (peer, text) in [(&mut in_red, "red"), (&mut in_blue, "blue")] {
        peer.send(&ClientFrame::Fetch {
            from: Seq(1),
            to: Seq(9),
        })
        .await;
        let events = peer
            .until(|frame| match frame {
                ServerFrame::Events { events, .. } => Some(events),
                _ => None,
            })
            .await;
        assert_eq!(texts(&events), [text]);
    }
}
