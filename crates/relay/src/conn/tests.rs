//! One connection that fails leaves the others alone.

use chatspot_protocol::event::{Body, Submission};
use chatspot_protocol::identity::{Identity, RoomKey};
use chatspot_protocol::ids::{ClientId, MemberId, RoomId};
use chatspot_protocol::limits::{HEAD_EVERY, PROTOCOL_MAX};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::wire::{Hello, Presence};
use futures_util::SinkExt;

use super::*;
use crate::tls::Tls;
use crate::{Plain, Relay, RelayConfig, RoomSpec, Store};

/// The message that makes its connection's task panic.
const WORD: &str = "please panic";
/// Below [`HEAD_EVERY`]: what a room learns only with its next broadcast comes too late.
const PATIENCE: Duration = Duration::from_secs(15);
const _: () = assert!(PATIENCE.as_secs() < HEAD_EVERY.as_secs());

pub(super) fn panic_on_word(frame: &ClientFrame) {
    if let ClientFrame::Submit(signed) = frame
        && let Body::Message { text, .. } = signed.submission.body()
    {
        assert!(text.as_str() != WORD, "as the test asked");
    }
}

/// Without encryption, which is none of its business.
struct Peer {
    socket: WebSocketStream<TcpStream>,
    identity: Identity,
    room: RoomId,
}

impl Peer {
    async fn join(relay: &Relay, room: &RoomKey, secret: u8) -> Self {
        let identity = Identity::from_secret(&[secret; 32]);
        let stream = TcpStream::connect(relay.address()).await.unwrap();
        let url = format!("ws://{}/ws", relay.address());
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        let room = room.id();
        let mut peer = Self {
            socket,
            identity: identity.clone(),
            room,
        };
        let ServerFrame::Greeting(greeting) = peer.next().await.unwrap() else {
            panic!("no greeting");
        };
        peer.send(&ClientFrame::Hello(Box::new(Hello {
            protocol: PROTOCOL_MAX,
            room,
            member: identity.member(),
            name: name(),
            signature: identity.sign_hello(&Channel::Nonce, &greeting.nonce, &room),
            token: None,
            software: String::new(),
        })))
        .await;
        peer.until(|frame| matches!(frame, ServerFrame::Welcome(_)))
            .await;
        peer
    }

    async fn send(&mut self, frame: &ClientFrame) {
        self.socket
            .send(Message::text(frame.encode()))
            .await
            .unwrap();
    }

    async fn say(&mut self, text: &str) {
        let mut id = [0; 16];
        getrandom::fill(&mut id).unwrap();
        let text = MessageText::parse(text).unwrap();
        let message = Submission::message(ClientId(id), text);
        let signed = message.sign(&self.identity, &self.room, &name());
        self.send(&ClientFrame::Submit(Box::new(signed))).await;
    }

    /// None when the connection is over.
    async fn next(&mut self) -> Option<ServerFrame> {
        loop {
            let message = timeout(PATIENCE, self.socket.next())
                .await
                .expect("waited too long for a frame");
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Some(ServerFrame::decode(&text).unwrap());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    async fn until(&mut self, wanted: impl Fn(&ServerFrame) -> bool) -> ServerFrame {
        loop {
            let frame = self.next().await.expect("the connection ended");
            if wanted(&frame) {
                return frame;
            }
        }
    }
}

#[tokio::test]
async fn f80_a_panic_in_one_connection_leaves_the_others_alive() {
    let listener = crate::listen::on_address("127.0.0.1:0".parse().unwrap()).unwrap();
    let relay = Relay::start(
        listener,
        RelayConfig {
            plain: Plain::On,
            ..RelayConfig::default()
        },
        Store::in_memory().unwrap(),
        Tls::in_memory().unwrap(),
    )
    .unwrap();
    let key = RoomKey::from_secret(&[1; 32]);
    relay
        .open(RoomSpec {
            key: key.clone(),
            name: RoomName::parse("Lab").unwrap(),
            host: None,
            settings: None,
            passcode: None,
        })
        .unwrap();
    let mut unlucky = Peer::join(&relay, &key, 2).await;
    let mut other = Peer::join(&relay, &key, 3).await;
    unlucky.say(WORD).await;
    // Without anybody saying anything.
    let (gone, shown) = (other_id(2), other_id(3));
    other
        .until(|frame| {
            matches!(frame, ServerFrame::Presence(told) if told.member == gone && told.presence == Presence::Away)
        })
        .await;
    let ending = async { while unlucky.next().await.is_some() {} };
    timeout(PATIENCE, ending)
        .await
        .expect("a dead connection was left open");
    other.say("still here").await;
    other
        .until(|frame| matches!(frame, ServerFrame::Event(event) if event.author == shown))
        .await;
    Peer::join(&relay, &key, 4).await;
}

fn name() -> DisplayName {
    DisplayName::parse("Peer").unwrap()
}

fn other_id(secret: u8) -> MemberId {
    Identity::from_secret(&[secret; 32]).member()
}
