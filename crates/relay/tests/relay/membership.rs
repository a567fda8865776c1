//! Who is in the room, and how they come and go.

use std::pin::pin;
use std::time::Duration;

use chatspot_protocol::event::{Body, Leaving};
use chatspot_protocol::limits::{AWAY_GRACE, DEAD_AFTER, HEAD_EVERY, PING_AFTER};
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::wire::{ClientFrame, Closing, Presence, Problem, ServerFrame, close};
use chatspot_relay::RelayConfig;
use tokio_tungstenite::tungstenite::Message;

use crate::peer::{
    Peer, identity, is_joined, open, open_hosted, relay, relay_with_room, skip, unhurried, within,
};
use crate::raw::{Heard, Raw};

/// **H6**, **P1**
#[tokio::test]
async fn a_join_is_shown_to_those_who_are_there() {
    let relay = relay(RelayConfig::default());
    let room = open_hosted(&relay, 1, Some(identity(2).member()));
    let mut host = Peer::join(&relay, room, 2).await;
    let welcome = host.welcome.clone().unwrap();
    assert_eq!(welcome.name.as_str(), "Room 1");
    assert_eq!(welcome.members.len(), 1);
    assert!(welcome.members[0].host);
    let joined = host.event().await;
    assert_eq!(
        (joined.author, is_joined(&joined.body)),
        (host.member(), true)
    );
    let mut guest = Peer::join(&relay, room, 3).await;
    let welcome = guest.welcome.clone().unwrap();
    assert_eq!(welcome.head, joined.seq);
    let hosts: Vec<_> = welcome
        .members
        .iter()
        .filter(|member| member.host)
        .collect();
    assert_eq!((welcome.members.len(), hosts.len()), (2, 1));
    assert_eq!(hosts[0].member, host.member());
    // The newcomer's presence is told before its event; the newcomer itself gets the event only.
    assert_eq!(host.presence(guest.member()).await, Presence::Online);
    let joined = host.event().await;
    assert_eq!(joined.author, guest.member());
    assert_eq!(guest.event().await, joined);
    assert_eq!(relay.rooms()[0].online, 2);
}

/// **P2**
#[tokio::test]
async fn a_leave_is_an_event_at_once() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let mut bob = Peer::join(&relay, room, 3).await;
    let bobs = bob.member();
    assert_eq!(ada.presence(bobs).await, Presence::Online);
    bob.send(&ClientFrame::Leave).await;
    assert_eq!(bob.end().await, Some(close::NORMAL));
    assert_eq!(ada.presence(bobs).await, Presence::Gone);
    let left = ada.event().await;
    let left = if is_joined(&left.body) {
        ada.event().await
    } else {
        left
    };
    assert_eq!(
        (left.author, left.body),
        (bobs, Body::Left { how: Leaving::Left })
    );
}

/// **P3**
#[tokio::test]
async fn a_new_name_is_told_and_logged() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let mut bob = Peer::join(&relay, room, 3).await;
    let name = DisplayName::parse("Ada").unwrap();
    // The same name again is no news.
    for _ in 0..2 {
        ada.send(&ClientFrame::Rename { name: name.clone() }).await;
    }
    ada.round_trip().await;
    let renamed = bob
        .until(|frame| match frame {
            ServerFrame::Event(event) if event.author == identity(2).member() => Some(event),
            _ => None,
        })
        .await;
    assert_eq!(renamed.name, name);
    let from = DisplayName::parse("Peer").unwrap();
    assert_eq!(renamed.body, Body::Renamed { from });
    let next = bob.event().await;
    assert!(matches!(next.body, Body::Message { .. }), "{next:?}");
    assert_eq!(next.name, name, "a message bears the new name");
    let carol = Peer::join(&relay, room, 4).await;
    let members = carol.welcome.unwrap().members;
    assert!(members.iter().any(|member| member.name == name));
}

/// **P4**
#[tokio::test]
async fn typing_is_told_and_not_logged() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let mut bob = Peer::join(&relay, room, 3).await;
    let head = bob.event().await.seq;
    for active in [true, false] {
        ada.send(&ClientFrame::Typing { active }).await;
        let told = bob
            .until(|frame| match frame {
                ServerFrame::Typing { member, active } => Some((member, active)),
                _ => None,
            })
            .await;
        assert_eq!(told, (ada.member(), active));
    }
    let id = ada.say("done").await;
    assert_eq!(bob.committed(id).await.seq, head.next());
}

/// **P5**
#[tokio::test]
async fn a_cut_member_is_away_and_later_lost() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let bob = Peer::join(&relay, room, 3).await;
    let bobs = bob.member();
    assert_eq!(ada.presence(bobs).await, Presence::Online);
    bob.cut();
    assert_eq!(ada.presence(bobs).await, Presence::Away);
    assert_eq!(relay.rooms()[0].online, 1);
    skip(AWAY_GRACE).await;
    assert_eq!(ada.presence(bobs).await, Presence::Gone);
    let lost = ada
        .until(|frame| match frame {
            ServerFrame::Event(event) if !is_joined(&event.body) => Some(event),
            _ => None,
        })
        .await;
    assert_eq!(
        (lost.author, lost.body),
        (bobs, Body::Left { how: Leaving::Lost })
    );
}

/// **P5**
#[tokio::test]
async fn a_member_that_is_back_in_time_was_never_gone() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let bob = Peer::join(&relay, room, 3).await;
    let bobs = bob.member();
    assert_eq!(ada.presence(bobs).await, Presence::Online);
    let head = ada.event().await.seq;
    bob.cut();
    assert_eq!(ada.presence(bobs).await, Presence::Away);
    let mut bob = Peer::join(&relay, room, 3).await;
    assert_eq!(ada.presence(bobs).await, Presence::Online);
    skip(AWAY_GRACE).await;
    let id = bob.say("here again").await;
    assert_eq!(
        ada.committed(id).await.seq,
        head.next(),
        "something else was logged"
    );
}

/// **P5**: a WebSocket close without `leave` is a connection that ended, not a goodbye.
#[tokio::test]
async fn a_close_without_leave_is_answered_and_makes_away() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let mut bob = Peer::join(&relay, room, 3).await;
    assert_eq!(ada.presence(bob.member()).await, Presence::Online);
    bob.send_message(Message::Close(None)).await;
    assert_eq!(bob.end().await, Some(close::NORMAL));
    assert_eq!(ada.presence(bob.member()).await, Presence::Away);
}

/// **B1**, **B2**
#[tokio::test]
async fn f66_a_silent_member_is_pinged_and_then_lost_at_once() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut silent = Raw::join(relay.address(), room, 3).await;
    skip(PING_AFTER).await;
    loop {
        match silent.hear().await {
            Heard::Ping => break,
            Heard::Frame(_) => {}
            other => panic!("{other:?}"),
        }
    }
    // Nothing is answered.
    let mut ada = Peer::join(&relay, room, 2).await;
    skip(DEAD_AFTER.checked_sub(PING_AFTER).unwrap()).await;
    assert_eq!(silent.end().await, Some(close::SILENT));
    assert_eq!(ada.presence(identity(3).member()).await, Presence::Gone);
    let lost = ada
        .until(|frame| match frame {
            ServerFrame::Event(event) if event.author == identity(3).member() => Some(event),
            _ => None,
        })
        .await;
    assert_eq!(lost.body, Body::Left { how: Leaving::Lost });
}

/// **R1**
#[tokio::test]
async fn the_head_is_told_now_and_then() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let joined = ada.event().await;
    skip(HEAD_EVERY).await;
    let head = ada
        .until(|frame| match frame {
            ServerFrame::Head { epoch, seq } => Some((epoch, seq)),
            _ => None,
        })
        .await;
    assert_eq!(head, (ada.welcome.unwrap().epoch, joined.seq));
}

/// **H7**
#[tokio::test]
async fn a_second_connection_of_a_member_takes_the_place_of_the_first() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut ada = Peer::join(&relay, room, 2).await;
    let mut first = Peer::join(&relay, room, 3).await;
    let mut second = Peer::join(&relay, room, 3).await;
    assert_eq!(first.end().await, Some(close::REPLACED));
    assert_eq!(second.welcome.as_ref().unwrap().members.len(), 2);
    let id = second.say("it is me").await;
    let event = ada.committed(id).await;
    assert_eq!(event.seq.0, 3, "a change of connection was logged");
    assert_eq!(second.committed(id).await, event);
}

/// **H6**
#[tokio::test]
async fn a_full_room_says_so_and_a_place_that_is_left_can_be_taken() {
    let config = RelayConfig {
        room_members: 2,
        ..unhurried()
    };
    let (relay, room) = relay_with_room(config);
    let mut ada = Peer::join(&relay, room, 2).await;
    let mut bob = Peer::join(&relay, room, 3).await;
    assert_eq!(ada.presence(bob.member()).await, Presence::Online);
    let mut carol = Peer::connect(relay.address(), 4).await;
    assert!(carol.greeting.rooms[0].summary.full);
    carol.hello(room).await;
    assert_eq!(carol.error().await, Problem::RoomFull);
    assert_eq!(carol.end().await, Some(close::ROOM_FULL));
    // Who has a place keeps it over a second connection.
    let mut bob_again = Peer::join(&relay, room, 3).await;
    assert_eq!(bob.end().await, Some(close::REPLACED));
    bob_again.send(&ClientFrame::Leave).await;
    bob_again.end().await;
    Peer::join(&relay, room, 4).await;
}

async fn hears_closing(peer: &mut Peer, why: Closing, code: u16) {
    let reason = peer
        .until(|frame| match frame {
            ServerFrame::Closing { reason } => Some(reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, why);
    assert_eq!(peer.end().await, Some(code));
}

/// **C3**
#[tokio::test]
async fn a_room_that_its_host_closes_tells_everybody() {
    let relay = relay(RelayConfig::default());
    let (room, other_room) = (open(&relay, 1), open(&relay, 2));
    let mut members = [
        Peer::join(&relay, room, 2).await,
        Peer::join(&relay, room, 3).await,
    ];
    let mut elsewhere = Peer::join(&relay, other_room, 4).await;
    assert!(relay.close(room, Closing::HostClosed).await);
    assert!(!relay.close(room, Closing::HostClosed).await);
    for member in &mut members {
        hears_closing(member, Closing::HostClosed, close::HOST_CLOSED).await;
    }
    elsewhere.round_trip().await;
    let mut late = Peer::connect(relay.address(), 5).await;
    assert_eq!(late.greeting.rooms.len(), 1);
    late.hello(room).await;
    assert_eq!(late.error().await, Problem::NoSuchRoom);
    // It can be opened again: the same room, the same log.
    assert_eq!(open(&relay, 1), room);
    let again = Peer::join(&relay, room, 2).await.welcome.unwrap();
    let before = members[0].welcome.as_ref().unwrap();
    assert_eq!(again.epoch, before.epoch);
    assert!(again.head > before.head);
}

/// **C3**
#[tokio::test]
async fn a_relay_that_stops_says_goodbye_to_everybody_first() {
    let (relay, room) = relay_with_room(RelayConfig {
        header_timeout: Duration::from_secs(600),
        hello_timeout: Duration::from_secs(600),
        ..RelayConfig::default()
    });
    let address = relay.address();
    let mut member = Peer::join(&relay, room, 2).await;
    let mut no_request = Raw::connect(address).await;
    // Connections are taken in their order: this one's greeting shows that the one before was taken.
    let mut greeted = Peer::connect(address, 3).await;
    let mut stop = pin!(relay.stop(Closing::RelayStopping));
    let farewell = async {
        hears_closing(&mut member, Closing::RelayStopping, close::RELAY_STOPPING).await;
        assert_eq!(greeted.end().await, Some(close::RELAY_STOPPING));
        // Who has asked for nothing yet does not hold the end up.
        no_request.drained().await;
    };
    // The members have not hung up yet, so the relay still waits for them.
    tokio::select! {
        () = &mut stop => panic!("stopped before everybody was told"),
        () = farewell => {}
    }
    drop((member, greeted));
    within("the end of the relay", stop).await;
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "the port is still open"
    );
}

/// A relay that is dropped ends everything without a goodbye.
#[tokio::test]
async fn a_dropped_relay_cuts_everybody() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut member = Peer::join(&relay, room, 2).await;
    let mut greeted = Peer::connect(relay.address(), 3).await;
    drop(relay);
    member.end().await;
    greeted.end().await;
}
