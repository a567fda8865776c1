//! From the TCP connection to the welcome: rows 1 to 14 of the faults.

use std::time::Duration;

use chatspot_protocol::ids::{RoomId, Signature};
use chatspot_protocol::wire::{ClientFrame, Problem, ServerFrame, close};
use chatspot_relay::RelayConfig;
use tokio::io::AsyncReadExt;

use crate::peer::{Peer, relay, relay_with_room, skip, within};
use crate::raw::{Raw, request};

fn hasty() -> RelayConfig {
    RelayConfig {
        header_timeout: Duration::from_millis(300),
        hello_timeout: Duration::from_millis(300),
        ..RelayConfig::default()
    }
}

/// Patient to a degree that no timeout can be what ends a connection.
fn patient() -> RelayConfig {
    RelayConfig {
        header_timeout: Duration::from_secs(600),
        hello_timeout: Duration::from_secs(600),
        ..RelayConfig::default()
    }
}

/// **H1**
#[tokio::test]
async fn f01_headers_that_trickle_are_closed() {
    let (relay, _) = relay_with_room(hasty());
    let mut raw = Raw::connect_tls(relay.address()).await;
    let long = request(&format!("X-Long: {}\r\n", "x".repeat(10_000)));
    let mut trickle = long.bytes();
    let mut byte = [0];
    within("the relay to hang up", async {
        loop {
            tokio::select! {
                read = raw.stream.read(&mut byte) => {
                    assert!(matches!(read, Ok(0) | Err(_)), "the relay answered half a request");
                    return;
                }
                () = tokio::time::sleep(Duration::from_millis(10)) => {
                    let next = trickle.next().expect("the whole request was taken");
                    if !raw.try_send(&[next]).await {
                        return;
                    }
                }
            }
        }
    })
    .await;
}

/// **H1**
#[tokio::test]
async fn f02_silence_is_closed() {
    let (relay, _) = relay_with_room(hasty());
    let mut raw = Raw::connect(relay.address()).await;
    assert_eq!(raw.drained().await, 0);
}

/// **H1**
#[tokio::test]
async fn f03_half_a_tls_hello_holds_nobody_up() {
    let (relay, room) = relay_with_room(patient());
    let mut raw = Raw::connect(relay.address()).await;
    raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        .await;
    Peer::join(&relay, room, 2).await.round_trip().await;
    skip(patient().header_timeout).await;
    assert_eq!(raw.drained().await, 0);
}

/// **H5**
#[tokio::test]
async fn f04_no_hello_is_closed_with_a_code() {
    let (relay, _) = relay_with_room(hasty());
    let mut peer = Peer::connect(relay.address(), 2).await;
    assert_eq!(peer.end().await, Some(close::HELLO_TIMEOUT));
}

/// **H1**
#[tokio::test]
async fn f08_too_many_headers_are_refused() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let large = format!("X-Large: {}\r\n", "x".repeat(70 * 1024));
    let many = "X-More: y\r\n".repeat(500);
    for more in [large, many] {
        let mut raw = Raw::connect_tls(relay.address()).await;
        raw.send(request(&more).as_bytes()).await;
        let head = raw.try_head().await.expect("no answer");
        assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
        assert!(raw.ended_in_peace().await, "the answer was in danger");
    }
    Peer::join(&relay, room, 2).await;
}

/// **H2**
#[tokio::test]
async fn f09_a_wrong_key_or_version_is_refused() {
    let (relay, _) = relay_with_room(RelayConfig::default());
    let good = request("");
    let answer = async |request: String| Raw::ask(relay.address(), &request).await;
    for key in [
        "",
        "short",
        "dGhlIHNhbXBsZSBub25jZQ",
        "!!!!IHNhbXBsZSBub25jZQ==",
    ] {
        let head = answer(good.replace("dGhlIHNhbXBsZSBub25jZQ==", key)).await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{key:?}: {head}");
    }
    let head = answer(good.replace("Version: 13", "Version: 8")).await;
    assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
    assert!(
        head.to_ascii_lowercase()
            .contains("sec-websocket-version: 13"),
        "the right version is not told: {head}"
    );
    let head = answer(good.replace("Upgrade: websocket\r\n", "")).await;
    assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
    let head = answer(good.replace("HTTP/1.1", "HTTP/1.0")).await;
    assert!(head.starts_with("HTTP/1.0 400 "), "{head}");
}

/// **L2**
#[tokio::test]
async fn f10_one_address_is_capped_and_another_still_joins() {
    let config = RelayConfig {
        address_connections: 3,
        ..patient()
    };
    let (relay, room) = relay_with_room(config);
    let mut members = Vec::new();
    for number in 2..5 {
        members.push(Peer::join(&relay, room, number).await);
    }
    let mut one_too_many = Raw::connect(relay.address()).await;
    assert_eq!(one_too_many.drained().await, 0);
    let from = "127.0.0.2:0".parse().unwrap();
    let mut other = Peer::connect_from(from, relay.address(), 5).await;
    other.hello(room).await;
    other.expect_welcome().await;
    // A place that was left can be taken.
    let gone = members.pop().unwrap();
    let member = gone.member();
    gone.cut();
    members[0].presence(member).await;
    within("a place", async {
        while Raw::try_upgrade(relay.address()).await.is_none() {}
    })
    .await;
}

/// **L2**
#[tokio::test]
async fn f10_a_thousand_sockets_of_one_address_disturb_nobody() {
    let (relay, room) = relay_with_room(patient());
    let mut member = Peer::join(&relay, room, 2).await;
    let mut sockets = Vec::new();
    for _ in 0..1000 {
        sockets.push(Raw::connect(relay.address()).await);
    }
    let from = "127.0.0.2:0".parse().unwrap();
    let mut other = Peer::connect_from(from, relay.address(), 3).await;
    other.hello(room).await;
    other.expect_welcome().await;
    let id = other.say("hello").await;
    member.committed(id).await;
    let mut admitted = 0;
    for socket in &mut sockets {
        if socket.try_send(request("").as_bytes()).await && socket.try_head().await.is_some() {
            admitted += 1;
        }
    }
    assert_eq!(admitted, RelayConfig::default().address_unauthenticated);
}

/// **H4**
#[tokio::test]
async fn f11_a_recorded_hello_is_refused_on_another_connection() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut first = Peer::connect(relay.address(), 2).await;
    let recorded = ClientFrame::Hello(Box::new(first.good_hello(room)));
    first.send(&recorded).await;
    first.expect_welcome().await;
    let mut second = Peer::connect(relay.address(), 2).await;
    second.send(&recorded).await;
    assert_eq!(second.error().await, Problem::Unauthenticated);
    assert_eq!(second.end().await, Some(close::UNAUTHENTICATED));
    first.round_trip().await;
}

/// **H4**
#[tokio::test]
async fn a_signature_for_another_room_or_by_another_key_is_refused() {
    let relay = relay(RelayConfig::default());
    let (here, there) = (crate::peer::open(&relay, 1), crate::peer::open(&relay, 2));
    let mut peer = Peer::connect(relay.address(), 3).await;
    let mut hello = peer.good_hello(there);
    hello.room = here;
    peer.send(&ClientFrame::Hello(Box::new(hello))).await;
    assert_eq!(peer.error().await, Problem::Unauthenticated);
    let mut peer = Peer::connect(relay.address(), 3).await;
    let mut hello = peer.good_hello(here);
    hello.signature = Signature([7; 64]);
    peer.send(&ClientFrame::Hello(Box::new(hello))).await;
    assert_eq!(peer.error().await, Problem::Unauthenticated);
    assert_eq!(peer.end().await, Some(close::UNAUTHENTICATED));
}

/// **V1**, **V2**
#[tokio::test]
async fn f14_another_version_is_told_plainly() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut peer = Peer::connect(relay.address(), 2).await;
    assert_eq!(
        (peer.greeting.protocol.min, peer.greeting.protocol.max),
        (1, 1)
    );
    let mut hello = peer.good_hello(room);
    hello.protocol = 2;
    peer.send(&ClientFrame::Hello(Box::new(hello))).await;
    assert_eq!(peer.error().await, Problem::Version);
    assert_eq!(peer.end().await, Some(close::VERSION));
    // Of a later version's hello nothing but the number need be as it is now.
    let mut peer = Peer::connect(relay.address(), 2).await;
    peer.send_text(r#"{"type":"hello","protocol":2,"who":{"key":"x"}}"#)
        .await;
    assert_eq!(peer.error().await, Problem::Version);
    assert_eq!(peer.end().await, Some(close::VERSION));
}

/// **H3**
#[tokio::test]
async fn f14_the_subprotocol_is_chatspot_v1_or_none() {
    let (relay, _) = relay_with_room(RelayConfig::default());
    let offer = async |list: &str| {
        let line = format!("Sec-WebSocket-Protocol: {list}\r\n");
        Raw::ask(relay.address(), &request(&line))
            .await
            .to_ascii_lowercase()
    };
    let head = offer("chatspot.v9, soap").await;
    assert!(head.starts_with("http/1.1 400 "), "{head}");
    let head = offer("soap, chatspot.v1").await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(
        head.contains("sec-websocket-protocol: chatspot.v1\r\n"),
        "{head}"
    );
    assert!(head.contains("connection: upgrade\r\n"), "{head}");
    let head = Raw::ask(relay.address(), &request(""))
        .await
        .to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(!head.contains("sec-websocket-protocol"), "{head}");
}

/// **H5**
#[tokio::test]
async fn a_first_frame_that_is_no_hello_ends_the_connection() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    for (text, problem) in [
        (r#"{"type":"leave"}"#, Problem::OutOfTurn),
        (r#"{"type":"dance"}"#, Problem::UnknownType),
        (r#"{"type":"hello"}"#, Problem::Malformed),
        ("hello", Problem::Malformed),
    ] {
        let mut peer = Peer::connect(relay.address(), 2).await;
        peer.send_text(text).await;
        assert_eq!(peer.error().await, problem, "{text}");
        assert_eq!(peer.end().await, Some(close::BAD_HELLO), "{text}");
    }
    Peer::join(&relay, room, 2).await;
}

/// **H5**
#[tokio::test]
async fn f39_f46_a_name_that_shows_nothing_or_controls_is_refused_with_a_reason() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    for (name, reason) in [
        ("", "nothing visible"),
        ("\\u200b\\u2060", "nothing visible"),
        ("a\\u0000b", "control"),
        ("a\\u001b[31m", "control"),
    ] {
        let mut peer = Peer::connect(relay.address(), 2).await;
        let hello = ClientFrame::Hello(Box::new(peer.good_hello(room))).encode();
        let hello = hello.replace("\"name\":\"Peer\"", &format!("\"name\":\"{name}\""));
        peer.send_text(&hello).await;
        let Ok(ServerFrame::Error { code, message }) = peer.next().await else {
            panic!("{name:?} was not refused");
        };
        assert_eq!(code, Problem::Malformed);
        assert!(message.contains(reason), "{name:?}: {message}");
        assert_eq!(peer.end().await, Some(close::BAD_HELLO));
    }
}

/// **H5**
#[tokio::test]
async fn a_room_that_is_not_here_is_told() {
    let (relay, _) = relay_with_room(RelayConfig::default());
    let mut peer = Peer::connect(relay.address(), 2).await;
    peer.hello(RoomId([9; 16])).await;
    assert_eq!(peer.error().await, Problem::NoSuchRoom);
    assert_eq!(peer.end().await, Some(close::NO_SUCH_ROOM));
}

/// **H2**
#[tokio::test]
async fn a_browser_that_looks_in_is_told_what_this_is() {
    let (relay, _) = relay_with_room(RelayConfig::default());
    let get = async |line: &str| {
        let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut raw = Raw::connect(relay.address()).await;
        raw.send(request.as_bytes()).await;
        let head = raw.try_head().await.unwrap();
        // One request, one answer, the end.
        raw.drained().await;
        head
    };
    assert!(get("GET /").await.starts_with("HTTP/1.1 200 "));
    assert!(get("GET /health").await.starts_with("HTTP/1.1 200 "));
    assert!(get("GET /other").await.starts_with("HTTP/1.1 404 "));
    assert!(get("POST /").await.starts_with("HTTP/1.1 405 "));
    assert!(get("GET /ws").await.starts_with("HTTP/1.1 403 "));
}
