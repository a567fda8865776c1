//! Frames that RFC 6455 or the protocol forbids: rows 15 to 24 of the faults, but for the floods.

use chatspot_protocol::limits::MAX_FRAME_BYTES;
use chatspot_protocol::wire::{Problem, ServerFrame, close};
use chatspot_relay::RelayConfig;

use crate::peer::{Peer, relay_with_room};
use crate::raw::{CONTINUATION, Frame, Heard, PING, Raw, TEXT};

/// A member sends these bytes and is closed with that code, while another one goes on.
async fn closed_with(code: u16, cases: impl IntoIterator<Item = (&str, Vec<u8>)>) {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut other = Peer::join(&relay, room, 2).await;
    for (case, bytes) in cases {
        let mut raw = Raw::join(relay.address(), room, 3).await;
        raw.send(&bytes).await;
        assert_eq!(raw.end().await, Some(code), "{case}");
        other.round_trip().await;
    }
}

/// **F1**
#[tokio::test]
async fn f15_an_unmasked_frame_is_closed() {
    let frame = Frame {
        masked: false,
        ..Frame::new(TEXT, b"{}")
    };
    closed_with(close::PROTOCOL, [("unmasked", frame.bytes())]).await;
}

/// **F1**
#[tokio::test]
async fn f16_a_reserved_bit_or_opcode_is_closed() {
    let bits = [1, 2, 4].map(|reserved| {
        let frame = Frame {
            reserved,
            ..Frame::new(TEXT, b"{}")
        };
        ("reserved bit", frame.bytes())
    });
    let opcodes = [3, 7, 11, 15].map(|opcode| ("opcode", Frame::new(opcode, b"").bytes()));
    closed_with(close::PROTOCOL, bits.into_iter().chain(opcodes)).await;
}

/// **F1**
#[tokio::test]
async fn f17_a_ping_in_parts_or_over_125_bytes_is_closed() {
    let cases = [
        ("in parts", Frame::part(PING, b"x").bytes()),
        ("long", Frame::new(PING, &[b'x'; 126]).bytes()),
    ];
    closed_with(close::PROTOCOL, cases).await;
}

/// **F1**
#[tokio::test]
async fn f18_invalid_utf8_is_closed_even_when_split() {
    let split = [
        Frame::part(TEXT, b"\"\xe2\x82").bytes(),
        Frame::new(CONTINUATION, b"\x28\"").bytes(),
    ];
    let cases = [
        ("split", split.concat()),
        ("whole", Frame::new(TEXT, b"\xc3\x28").bytes()),
    ];
    closed_with(close::NOT_UTF8, cases).await;
}

#[tokio::test]
async fn valid_utf8_may_be_split_and_pinged_between() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut raw = Raw::join(relay.address(), room, 2).await;
    let text = "{\"type\":\"rename\",\"name\":\"\u{20ac}\"}".as_bytes();
    let cut = text.iter().position(|byte| *byte == 0xe2).unwrap() + 1;
    raw.send_frame(Frame::part(TEXT, &text[..cut])).await;
    raw.send_frame(Frame::new(PING, b"still there?")).await;
    raw.send_frame(Frame::new(CONTINUATION, &text[cut..])).await;
    let mut ponged = false;
    loop {
        match raw.hear().await {
            Heard::Pong => ponged = true,
            Heard::Frame(frame) => {
                if let ServerFrame::Presence(told) = *frame {
                    assert_eq!(told.name.as_str(), "\u{20ac}");
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(ponged);
}

/// **L1**
#[tokio::test]
async fn f19_a_message_that_says_it_is_huge_is_closed_before_it_comes() {
    let declared = |length: u64| {
        let mut bytes = vec![0x81, 0xff];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0; 4]);
        bytes
    };
    let part = vec![b'x'; MAX_FRAME_BYTES / 2 + 1];
    let in_parts = [
        Frame::part(TEXT, &part).bytes(),
        Frame::new(CONTINUATION, &part).bytes(),
    ];
    let cases = [
        ("2^63", declared(1 << 63)),
        ("2^64 - 1", declared(u64::MAX)),
        ("one over", declared(MAX_FRAME_BYTES as u64 + 1)),
        ("in parts", in_parts.concat()),
    ];
    closed_with(close::TOO_BIG, cases).await;
}

/// **L1**
#[tokio::test]
async fn a_message_of_just_the_limit_is_read() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut peer = Peer::join(&relay, room, 2).await;
    peer.send_text(&" ".repeat(MAX_FRAME_BYTES)).await;
    assert_eq!(peer.error().await, Problem::Malformed);
    peer.round_trip().await;
}

/// **F1**
#[tokio::test]
async fn f22_a_continuation_of_nothing_is_closed() {
    let interrupted = [
        Frame::part(TEXT, b"{").bytes(),
        Frame::new(TEXT, b"{}").bytes(),
    ];
    let cases = [
        ("of nothing", Frame::new(CONTINUATION, b"{}").bytes()),
        ("interrupted", interrupted.concat()),
    ];
    closed_with(close::PROTOCOL, cases).await;
}

/// **F2**
#[tokio::test]
async fn f24_a_binary_message_is_refused() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut peer = Peer::join(&relay, room, 2).await;
    let binary = tokio_tungstenite::tungstenite::Message::binary(b"{\"type\":\"leave\"}".to_vec());
    peer.send_message(binary).await;
    assert_eq!(peer.error().await, Problem::NotText);
    assert_eq!(peer.end().await, Some(close::NOT_TEXT));
}
