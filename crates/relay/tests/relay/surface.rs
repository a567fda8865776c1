//! What browsers and proxies meet: names, origins, headers, and chats without encryption. Rows 5 to 7 of the faults.

use chatspot_protocol::event::Role;
use chatspot_protocol::wire::RoomSummary;
use chatspot_relay::{Plain, Relay, RelayConfig};
use tokio::io::AsyncReadExt;

use crate::peer::{Peer, relay_with_room};
use crate::raw::{Raw, request};

fn allowing() -> RelayConfig {
    RelayConfig {
        plain: Plain::On,
        domains: vec!["chat.example".to_owned()],
        host_names: vec!["lab.school.example".to_owned()],
        origins: vec!["https://ui.example".to_owned()],
        ..RelayConfig::default()
    }
}

fn get(path: &str, host: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n")
}

/// Asks without encryption and with it.
async fn both(relay: &Relay, request: &str) -> [String; 2] {
    [
        Raw::ask_plain(relay.address(), request).await,
        Raw::ask(relay.address(), request).await,
    ]
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn f05_a_page_of_another_site_is_refused() {
    let (relay, _) = relay_with_room(allowing());
    for origin in ["https://evil.example", "http://localhost:1", "http://"] {
        let line = format!("Origin: {origin}\r\n");
        for request in [
            request(&line),
            get("/rooms", "localhost", &line),
            get("/health", "localhost", &line),
        ] {
            for head in both(&relay, &request).await {
                assert_eq!(status(&head), "403", "{origin}: {head}");
                let allowed = head.to_lowercase().contains("access-control-allow");
                assert!(!allowed, "{head}");
            }
        }
    }
    let twice = request("Origin: https://ui.example\r\nOrigin: https://evil.example\r\n");
    for head in both(&relay, &twice).await {
        assert_eq!(status(&head), "403", "{head}");
    }
}

#[tokio::test]
async fn f06_a_page_without_an_origin_of_its_own_is_refused() {
    let config = RelayConfig {
        origins: vec!["null".to_owned()],
        ..allowing()
    };
    let (relay, _) = relay_with_room(config);
    for head in both(&relay, &request("Origin: null\r\n")).await {
        assert_eq!(status(&head), "403", "{head}");
    }
}

#[tokio::test]
async fn f07_a_host_that_is_not_this_relay_is_misdirected() {
    let (relay, room) = relay_with_room(allowing());
    for host in ["evil.example", "evil.example:4470", "203.0.113.9", ""] {
        let page = request(&format!("Origin: http://{host}\r\n"));
        let page = page.replace("Host: localhost", &format!("Host: {host}"));
        for request in [
            get("/", host, ""),
            get("/health", host, ""),
            get("/rooms", host, ""),
            page,
        ] {
            for head in both(&relay, &request).await {
                assert_eq!(status(&head), "421", "{host}: {head}");
            }
        }
        let app = request("").replace("Host: localhost", &format!("Host: {host}"));
        let head = Raw::ask_plain(relay.address(), &app).await;
        assert_eq!(status(&head), "421", "{host}: {head}");
    }
    let absolute = "GET http://evil.example/rooms HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let twice = get("/rooms", "localhost", "Host: evil.example\r\n");
    let none = "GET /rooms HTTP/1.1\r\n\r\n";
    for (request, expected) in [(absolute, "421"), (&twice, "400"), (none, "400")] {
        let head = Raw::ask_plain(relay.address(), request).await;
        assert_eq!(status(&head), expected, "{request}: {head}");
    }
    let own = relay.address().to_string();
    for host in [&own[..], "localhost", "chat.example", "lab.school.example"] {
        for head in both(&relay, &get("/rooms", host, "")).await {
            assert_eq!(status(&head), "200", "{host}: {head}");
        }
    }
    // An app may have found the relay by any name that its network knows: it knows it by its key.
    let app = request("").replace("Host: localhost", "Host: lab-pc.fritz.box:4470");
    assert_eq!(status(&Raw::ask(relay.address(), &app).await), "101");
    Peer::join(&relay, room, 2).await;
}

#[tokio::test]
async fn a_page_that_was_allowed_may_ask_and_join_as_a_guest() {
    let (relay, room) = relay_with_room(allowing());
    let own = format!("http://{}", relay.address());
    for origin in ["https://ui.example", &own] {
        let headers = [("origin", origin)];
        let mut page = Peer::connect_plain(relay.address(), &headers, 3).await;
        // Through the relay's own proxy it may come from anywhere.
        page.hello(room).await;
        assert_eq!(
            page.error().await,
            chatspot_protocol::wire::Problem::NotLocal
        );
    }
    let (relay, room) = relay_with_room(RelayConfig {
        domains: Vec::new(),
        ..allowing()
    });
    let headers = [("origin", "https://ui.example")];
    let mut page = Peer::connect_plain(relay.address(), &headers, 3).await;
    page.hello(room).await;
    page.expect_welcome().await;
    let joined = page.event().await;
    let is_guest = matches!(
        joined.body,
        chatspot_protocol::event::Body::Joined {
            role: Role::Guest,
            ..
        }
    );
    assert!(is_guest, "{joined:?}");
    let line = "Origin: https://ui.example\r\n";
    for head in both(&relay, &get("/rooms", "localhost", line)).await {
        let head = head.to_lowercase();
        assert!(head.contains("access-control-allow-origin: https://ui.example\r\n"));
        assert!(head.contains("vary: origin\r\n"), "{head}");
    }
    let preflight = get(
        "/rooms",
        "localhost",
        "Origin: https://ui.example\r\nAccess-Control-Request-Method: GET\r\n\
         Access-Control-Request-Private-Network: true\r\n",
    );
    for head in both(&relay, &preflight.replace("GET /", "OPTIONS /")).await {
        assert_eq!(status(&head), "204", "{head}");
        let head = head.to_lowercase();
        for line in [
            "access-control-allow-origin: https://ui.example",
            "access-control-allow-methods: get",
            "access-control-allow-private-network: true",
        ] {
            assert!(head.contains(line), "{line}: {head}");
        }
    }
}

#[tokio::test]
async fn the_rooms_are_told_as_json() {
    let (relay, room) = relay_with_room(RelayConfig::default());
    let mut raw = Raw::connect(relay.address()).await;
    raw.send(get("/rooms", "localhost", "").as_bytes()).await;
    let mut answer = String::new();
    raw.stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("application/json"), "{head}");
    let rooms: Vec<RoomSummary> = serde_json::from_str(body).unwrap();
    assert_eq!(rooms, relay.rooms());
    assert_eq!(rooms[0].room, room);
}

#[tokio::test]
async fn every_answer_says_what_it_is_not() {
    let (relay, _) = relay_with_room(RelayConfig::default());
    for request in [
        get("/", "localhost", ""),
        get("/health", "localhost", ""),
        get("/other", "localhost", ""),
        get("/", "evil.example", ""),
        get("/", "localhost", "Origin: null\r\n"),
        request(""),
    ] {
        for head in both(&relay, &request).await {
            let head = head.to_lowercase();
            for line in [
                "x-content-type-options: nosniff",
                "cache-control: no-store",
                "content-security-policy: default-src 'none'; frame-ancestors 'none'",
                "referrer-policy: no-referrer",
                "x-frame-options: deny",
            ] {
                assert!(head.contains(line), "{line} is missing: {head}");
            }
            assert!(!head.contains("set-cookie"), "{head}");
        }
    }
}

#[tokio::test]
async fn without_encryption_a_relay_only_says_what_it_is() {
    let (relay, _) = relay_with_room(RelayConfig::default());
    let ask = async |request: &str| Raw::ask_plain(relay.address(), request).await;
    assert_eq!(status(&ask(&get("/", "localhost", "")).await), "200");
    assert_eq!(status(&ask(&get("/health", "localhost", "")).await), "200");
    let mut raw = Raw::connect(relay.address()).await;
    raw.send(request("").as_bytes()).await;
    let mut answer = String::new();
    raw.stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), "403");
    assert!(answer.contains("encrypted connections only"), "{answer}");
    let (relay, room) = relay_with_room(RelayConfig {
        plain: Plain::On,
        ..RelayConfig::default()
    });
    let mut peer = Peer::connect_plain(relay.address(), &[], 2).await;
    peer.hello(room).await;
    peer.expect_welcome().await;
    peer.round_trip().await;
}
