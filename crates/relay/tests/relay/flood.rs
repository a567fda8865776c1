//! Peers that send too much or read too little: rows 20, 21 and 23 of the faults.

use std::cell::Cell;
use std::time::Instant;

use chatspot_protocol::limits::MAX_TEXT_BYTES;
use chatspot_protocol::wire::{Presence, close};
use chatspot_relay::RelayConfig;

use crate::peer::{Peer, identity, relay_with_room, unhurried, within};
use crate::raw::{CONTINUATION, Frame, Heard, PING, Raw, TEXT};

/// **L1**
#[tokio::test]
async fn f20_a_flood_of_tiny_fragments_is_closed() {
    let (relay, room) = relay_with_room(unhurried());
    let mut other = Peer::join(&relay, room, 2).await;
    let empty = Frame::part(CONTINUATION, b"").bytes().repeat(1000);
    let tiny = Frame::part(CONTINUATION, b" ").bytes().repeat(1000);
    // Pings in between must not make the count start anew.
    let with_pings = [empty.clone(), Frame::new(PING, b"x").bytes()].concat();
    for flood in [empty, tiny, with_pings] {
        let mut raw = Raw::join(relay.address(), room, 3).await;
        raw.send_frame(Frame::part(TEXT, b"")).await;
        // 2 MB at the most: far more than a message may cost, far less than would fill a buffer unnoticed.
        for _ in 0..300 {
            if !raw.try_send(&flood).await {
                break;
            }
        }
        assert_eq!(raw.end().await, Some(close::TOO_BIG));
        other.round_trip().await;
    }
}

/// **L3**
#[tokio::test]
async fn f21_a_flood_of_pings_is_slowed_down_and_disturbs_nobody() {
    const BURST: u32 = 50;
    let config = RelayConfig {
        frames_per_second: 1,
        frames_burst: BURST,
        ..RelayConfig::default()
    };
    let (relay, room) = relay_with_room(config);
    let mut other = Peer::join(&relay, room, 2).await;
    let mut raw = Raw::join(relay.address(), room, 3).await;
    let start = Instant::now();
    raw.send(&Frame::new(PING, b"x").bytes().repeat(2000)).await;
    for _ in 0..30 {
        other.round_trip().await;
    }
    let mut pongs = 0;
    while let Some(heard) = raw.heard_by_now() {
        pongs += u64::from(matches!(heard, Heard::Pong));
    }
    assert!(
        pongs <= u64::from(BURST) + start.elapsed().as_secs() + 1,
        "{pongs} pings were answered"
    );
    // Slowed down, not thrown out.
    let before = pongs;
    while pongs < before.max(u64::from(BURST)) + 1 {
        match raw.hear().await {
            Heard::Pong => pongs += 1,
            Heard::End(end) => panic!("the connection ended with {end:?}"),
            Heard::Frame(_) | Heard::Ping => {}
        }
    }
}

/// **L4**
#[tokio::test]
async fn f23_a_peer_that_never_reads_is_cut_and_the_others_miss_nothing() {
    // How much the system buffers for the idle one is the system's choice: it is written to until it is cut.
    const MOST: usize = 4_000;
    const AFTERWARDS: usize = 20;
    let (relay, room) = relay_with_room(unhurried());
    let mut sender = Peer::join(&relay, room, 2).await;
    let mut reader = Peer::join(&relay, room, 3).await;
    let mut idle = Raw::connect_with_small_buffer(relay.address()).await;
    idle.enter(room, 4).await;
    let long = "x".repeat(MAX_TEXT_BYTES);
    let (cut, is_cut) = (tokio::sync::Notify::new(), Cell::new(false));
    let written = Cell::new(usize::MAX);
    let read = async {
        let mut events = Vec::new();
        while events.len() < written.get() {
            reader
                .until(|frame| {
                    use chatspot_protocol::wire::ServerFrame::{Event, Presence as Change};
                    match frame {
                        Event(event) if event.author == identity(2).member() => {
                            events.push(event.seq.0);
                        }
                        Change(told)
                            if told.member == identity(4).member()
                                && told.presence == Presence::Away =>
                        {
                            is_cut.set(true);
                            cut.notify_one();
                        }
                        _ => {}
                    }
                    Some(())
                })
                .await;
        }
        events
    };
    let write = async {
        let mut count = 0;
        let mut left = AFTERWARDS;
        while left > 0 {
            let id = sender.say(&long).await;
            sender.committed(id).await;
            count += 1;
            assert!(count < MOST, "the idle one is never cut");
            if is_cut.get() {
                left -= 1;
                // Known before the last one is read, so that the reader stops at it.
                written.set(count + left);
            }
        }
    };
    // It reads again as soon as it is cut: its goodbye waits only for a moment.
    let wake = async {
        cut.notified().await;
        idle.end().await
    };
    let all = async { tokio::join!(read, write, wake) };
    let (events, (), end) = within("every message, and the idle one to be cut", all).await;
    assert_eq!(events.len(), written.get());
    assert!(
        events.is_sorted_by(|a, b| a < b),
        "the order suffered: {events:?}"
    );
    // What waited for the idle one was bounded; it is told that it may come again.
    assert_eq!(end, Some(close::TRY_LATER));
    Raw::join(relay.address(), room, 4).await;
}
