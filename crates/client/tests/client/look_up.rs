//! What an address answers, and what people are told when it is not what they hoped for.

use std::net::SocketAddr;

use chatspot_protocol::ids::Nonce;
use chatspot_protocol::view::{Discovery, FailureCode};
use chatspot_protocol::wire::{Greeting, ServerFrame, Versions};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::tls::{Key, websocket};
use crate::window::{Window, open, relay, relay_at, within};

async fn look_up(text: &str) -> Result<String, FailureCode> {
    let window = Window::nameless().await;
    let found = within("an answer", window.client.look_up(text)).await;
    found
        .map(|found| found.address)
        .map_err(|failure| failure.code)
}

/// A server that treats each connection with `serve`.
pub(crate) async fn server<F>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinSet<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut tasks = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tasks.spawn(serve(stream));
        }
    });
    (address, tasks)
}

/// A WebSocket server that speaks our subprotocol over TLS and begins with that text.
pub(crate) async fn beginning_with(text: String) -> (SocketAddr, JoinSet<()>) {
    let key = Key::new();
    server(move |stream| {
        let (key, text) = (key.clone(), text.clone());
        async move {
            let Some(mut socket) = websocket(&key, stream).await else {
                return;
            };
            // Whoever looked may be gone already.
            let _ = socket.send(Message::text(text)).await;
            while let Some(Ok(_)) = socket.next().await {}
        }
    })
    .await
}

fn greeting(min: u32, max: u32) -> String {
    ServerFrame::Greeting(Greeting {
        protocol: Versions { min, max },
        software: "another one".to_owned(),
        nonce: Nonce([1; 32]),
        rooms: Vec::new(),
    })
    .encode()
}

#[tokio::test]
async fn a_relay_tells_its_rooms() {
    let relay = relay();
    open(&relay, 1);
    open(&relay, 2);
    let window = Window::nameless().await;
    let address = relay.address();
    // However it is written.
    for text in [
        address.to_string(),
        format!("http://{address}/"),
        format!("come to {address} !"),
    ] {
        let found = window.client.look_up(&text).await.unwrap();
        assert_eq!(found.address, address.to_string());
        let names: Vec<_> = found
            .rooms
            .iter()
            .map(|found| found.summary.name.as_str())
            .collect();
        assert_eq!(names, ["Room 1", "Room 2"]);
    }
    assert_eq!(relay.rooms()[0].online, 0, "looking is not joining");
}

#[tokio::test]
async fn what_is_no_address_is_told() {
    assert_eq!(look_up("").await, Err(FailureCode::NotAnAddress));
    assert_eq!(look_up("!!!").await, Err(FailureCode::NotAnAddress));
    assert_eq!(
        look_up("ftp://127.0.0.1").await,
        Err(FailureCode::WrongScheme)
    );
}

#[tokio::test]
async fn a_name_that_nobody_has_is_told() {
    assert_eq!(
        look_up("nobody-has-this-name.invalid").await,
        Err(FailureCode::NameUnknown)
    );
}

#[tokio::test]
async fn nobody_at_the_address_is_told() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    assert_eq!(
        look_up(&address.to_string()).await,
        Err(FailureCode::NobodyAnswers)
    );
}

/// A full relay or one that shuts down hangs up at once: that is no other program.
#[tokio::test]
async fn somebody_who_hangs_up_at_once_is_nobody() {
    let (at_once, _at_once) = server(async |stream| drop(stream)).await;
    let (after_reading, _after_reading) = server(async |mut stream: TcpStream| {
        let _ = stream.read(&mut [0; 4096]).await;
    })
    .await;
    for address in [at_once, after_reading] {
        assert_eq!(
            look_up(&address.to_string()).await,
            Err(FailureCode::NobodyAnswers)
        );
    }
}

#[tokio::test]
async fn something_else_at_the_address_is_told() {
    let (web, _web) = server(async |mut stream: TcpStream| {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            .await;
        let _ = stream.read(&mut [0; 4096]).await;
    })
    .await;
    let (echo, _echo) = server(async |mut stream: TcpStream| {
        let (mut read, mut write) = stream.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    })
    .await;
    let key = Key::new();
    let (other_socket, _other_socket) = server(move |stream| {
        let key = key.clone();
        async move {
            let Ok(stream) = key.accept(stream).await else {
                return;
            };
            if let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await {
                while let Some(Ok(_)) = socket.next().await {}
            }
        }
    })
    .await;
    let (no_greeting, _no_greeting) = beginning_with("welcome to my server".to_owned()).await;
    for address in [web, echo, other_socket, no_greeting] {
        assert_eq!(
            look_up(&address.to_string()).await,
            Err(FailureCode::NotChatspot)
        );
    }
}

/// **V1**
#[tokio::test]
async fn f14_a_relay_of_another_version_says_which_side_must_update() {
    let (newer, _newer) = beginning_with(greeting(2, 3)).await;
    assert_eq!(
        look_up(&newer.to_string()).await,
        Err(FailureCode::ClientTooOld)
    );
    let (older, _older) = beginning_with(greeting(0, 0)).await;
    assert_eq!(
        look_up(&older.to_string()).await,
        Err(FailureCode::RelayTooOld)
    );
}

#[tokio::test]
async fn a_relay_without_rooms_is_told() {
    let relay = relay_at("127.0.0.1:0".parse().unwrap());
    assert_eq!(
        look_up(&relay.address().to_string()).await,
        Err(FailureCode::NoRooms)
    );
}

#[tokio::test]
async fn where_nothing_looks_for_rooms_whoever_wants_it_is_told_so() {
    let window = Window::new("Ada").await;
    let none = window.client.check_up(None).await.unwrap_err();
    assert_eq!(none.code, FailureCode::NoDiscovery);
    // The wish is kept for a start that can look.
    window.client.set_discovery(Discovery::Off).await.unwrap();
    let none = window.client.set_discovery(Discovery::On).await;
    assert_eq!(none.unwrap_err().code, FailureCode::NoDiscovery);
}
