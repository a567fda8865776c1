//! TLS: which is taken, what it binds, and what rooms say of its key.

use chatspot_protocol::identity::{Channel, RelayName};
use chatspot_protocol::wire::{ClientFrame, Problem, close};
use chatspot_relay::tls::Tls;
use chatspot_relay::{Plain, Relay, RelayConfig, Store, listen};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::peer::{Peer, open, relay_with_room, room_key, within};
use crate::raw::{Raw, request};
use crate::secure;

async fn tcp(relay: &Relay) -> TcpStream {
    let stream = within("a connection", TcpStream::connect(relay.address()));
    stream.await.unwrap()
}

#[tokio::test]
async fn tls_before_1_3_is_refused_and_so_is_what_is_no_tls() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let connect = secure::connect_by(tcp(&relay).await, &TLS12, &[]);
    let error = within("a refusal", connect).await.unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
    let connect = secure::connect_by(tcp(&relay).await, &TLS13, &["h2"]);
    within("a refusal", connect).await.unwrap_err();
    let connect = secure::connect_by(tcp(&relay).await, &TLS13, &["h2", "http/1.1"]);
    let stream = within("encryption", connect).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    for garbage in [
        &[0x16; 100][..],
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\x00\x05hello",
    ] {
        let mut raw = Raw::connect(relay.address()).await;
        raw.send(garbage).await;
        raw.stream.shutdown().await.unwrap();
        raw.drained().await;
    }
    Peer::join(&relay, room, 2).await.round_trip().await;
}

/// Garbage behind a good handshake ends the one connection.
#[tokio::test]
async fn records_that_are_no_records_end_their_connection_alone() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut other = Peer::join(&relay, room, 2).await;
    let mut stream = secure::connect(tcp(&relay).await).await.unwrap();
    stream.write_all(request("").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");
    let (mut socket, _) = stream.into_inner();
    socket.write_all(&[0x17; 64]).await.unwrap();
    let mut rest = Vec::new();
    // However it ends, it ends.
    let _ = within("the end", socket.read_to_end(&mut rest)).await;
    other.round_trip().await;
}

/// A hello is good on its own TLS connection only, and nobody can pass for a page's to get around that.
#[tokio::test]
async fn f11_a_hello_is_bound_to_its_encryption() {
    let (relay, room) = relay_with_room(RelayConfig {
        plain: Plain::On,
        ..RelayConfig::default()
    });
    let (first, second) = (
        Peer::connect(relay.address(), 2).await,
        Peer::connect(relay.address(), 2).await,
    );
    assert_ne!(first.channel, second.channel);
    for channel in [Channel::Nonce, first.channel] {
        let mut peer = Peer::connect(relay.address(), 2).await;
        peer.channel = channel;
        peer.hello(room).await;
        assert_eq!(peer.error().await, Problem::Unauthenticated);
        assert_eq!(peer.end().await, Some(close::UNAUTHENTICATED));
    }
    let mut plain = Peer::connect_plain(relay.address(), &[], 2).await;
    plain.channel = first.channel;
    let hello = plain.good_hello(room);
    plain.send(&ClientFrame::Hello(Box::new(hello))).await;
    assert_eq!(plain.error().await, Problem::Unauthenticated);
}

#[tokio::test]
async fn a_room_vouches_for_the_relays_key_and_counts_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Tls::in_memory().unwrap(), Tls::in_memory().unwrap());
    for (tls, term) in [(&first, 1), (&first, 1), (&second, 2), (&first, 3)] {
        let listener = listen::on_address("127.0.0.1:0".parse().unwrap()).unwrap();
        let store = Store::open(folder.path()).unwrap();
        let config = RelayConfig {
            domains: vec!["Chat.Example".to_owned()],
            ..RelayConfig::default()
        };
        let relay = Relay::start(listener, config, store, tls.clone()).unwrap();
        open(&relay, 1);
        let stream = secure::connect(tcp(&relay).await).await.unwrap();
        let key = secure::key(&stream);
        assert_eq!(key, tls.key());
        let hosted = Peer::connect(relay.address(), 2).await.greeting.rooms;
        assert_eq!(hosted[0].key, room_key(1).public());
        let warrants = &hosted[0].warrants;
        let domain = "chat.example".to_owned();
        let names: Vec<_> = warrants.iter().map(|warrant| &warrant.relay).collect();
        let expected = [RelayName::Tls { key }, RelayName::Domain { domain }];
        assert_eq!(names, expected.iter().collect::<Vec<_>>());
        for warrant in warrants {
            assert!(warrant.is_genuine(&hosted[0].key));
            assert_eq!(warrant.term, term);
        }
        drop(stream);
        let stopping = relay.stop(chatspot_protocol::wire::Closing::RelayStopping);
        within("the relay to stop", stopping).await;
    }
}

/// An answer's end is told inside the encryption, so that nobody can cut it short unnoticed.
#[tokio::test]
async fn an_answer_ends_with_a_goodbye_of_the_encryption() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut raw = Raw::connect_tls(relay.address()).await;
    raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert!(raw.ended_in_peace().await);
    let mut raw = Raw::join(relay.address(), room, 2).await;
    raw.send_frame(crate::raw::Frame::new(crate::raw::CLOSE, b""))
        .await;
    assert!(raw.ended_in_peace().await);
}
