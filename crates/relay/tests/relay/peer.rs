//! A well-behaved client over tungstenite, and the relay that it talks to.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use chatspot_protocol::event::{Body, Event, Submission};
use chatspot_protocol::identity::{Channel, Identity, RoomKey};
use chatspot_protocol::ids::{ClientId, MemberId, Nonce, RoomId, Token};
use chatspot_protocol::passcode::{self, Binding, Passcode};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::wire::{
    ClientFrame, Greeting, Hello, Presence, Problem, ServerFrame, Welcome,
};
use chatspot_relay::tls::Tls;
use chatspot_relay::{Relay, RelayConfig, RoomSpec, Store, listen};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};

use crate::raw::Wire;
use crate::secure;

/// How long a test waits for what has to happen. Never reached when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Waits for what has to happen.
pub(crate) async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, happens)
        .await
        .unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Lets that much time go by at once, for relay and test alike. Needs a runtime of one thread.
pub(crate) async fn skip(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A relay on a port from the system, with its history in memory.
pub(crate) fn relay(config: RelayConfig) -> Relay {
    relay_over(config, Store::in_memory().unwrap())
}

/// A relay on a port from the system.
pub(crate) fn relay_over(config: RelayConfig, store: Store) -> Relay {
    let listener = listen::on_address("127.0.0.1:0".parse().unwrap()).unwrap();
    Relay::start(listener, config, store, Tls::in_memory().unwrap()).unwrap()
}

pub(crate) fn room_key(number: u8) -> RoomKey {
    RoomKey::from_secret(&[number; 32])
}

/// Opens the room of that number.
pub(crate) fn open(relay: &Relay, number: u8) -> RoomId {
    open_hosted(relay, number, None)
}

pub(crate) fn open_hosted(relay: &Relay, number: u8, host: Option<MemberId>) -> RoomId {
    let spec = RoomSpec {
        key: room_key(number),
        name: RoomName::parse(&format!("Room {number}")).unwrap(),
        host,
        settings: None,
        passcode: None,
    };
    relay.open(spec).unwrap()
}

/// A relay as configured, with one room.
pub(crate) fn relay_with_room(config: RelayConfig) -> (Relay, RoomId) {
    let relay = relay(config);
    let room = open(&relay, 1);
    (relay, room)
}

/// A configuration that never makes a test wait for its turn.
pub(crate) fn unhurried() -> RelayConfig {
    RelayConfig::default().paced(100_000)
}

pub(crate) fn identity(number: u8) -> Identity {
    Identity::from_secret(&[number; 32])
}

pub(crate) fn random_id() -> ClientId {
    let mut id = [0; 16];
    getrandom::fill(&mut id).unwrap();
    ClientId(id)
}

/// A good hello.
pub(crate) fn hello(
    identity: &Identity,
    name: &str,
    room: RoomId,
    channel: &Channel,
    nonce: &Nonce,
) -> Hello {
    Hello {
        protocol: 1,
        room,
        member: identity.member(),
        name: DisplayName::parse(name).unwrap(),
        signature: identity.sign_hello(channel, nonce, &room),
        token: None,
        software: "test".to_owned(),
    }
}

fn request_for(to: SocketAddr, headers: &[(&'static str, &str)]) -> Request<()> {
    let mut request = format!("ws://{to}/ws").into_client_request().unwrap();
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().insert(*name, value);
    }
    request
}

/// How a connection ended: the close code, or none when it was cut.
pub(crate) type End = Option<u16>;

/// One connection.
pub(crate) struct Peer {
    socket: WebSocketStream<Box<dyn Wire>>,
    pub(crate) channel: Channel,
    pub(crate) name: DisplayName,
    pub(crate) room: RoomId,
    pub(crate) identity: Identity,
    pub(crate) greeting: Greeting,
    /// Set by [`Peer::join`].
    pub(crate) welcome: Option<Welcome>,
}

impl Peer {
    /// Connects and takes the greeting.
    pub(crate) async fn connect(to: SocketAddr, number: u8) -> Self {
        Self::connect_from("127.0.0.1:0".parse().unwrap(), to, number).await
    }

    pub(crate) async fn connect_from(from: SocketAddr, to: SocketAddr, number: u8) -> Self {
        let tcp = TcpSocket::new_v4().unwrap();
        tcp.bind(from).unwrap();
        let stream = within("a connection", tcp.connect(to)).await.unwrap();
        let stream = within("encryption", secure::connect(stream)).await.unwrap();
        let channel = Channel::Tls(secure::exporter(&stream));
        let request = request_for(to, &[]);
        Self::upgrade(Box::new(stream), channel, request, number).await
    }

    /// Connects as a page does, or whoever comes through a proxy: without the relay's own encryption, and with these
    /// headers.
    pub(crate) async fn connect_plain(
        to: SocketAddr,
        headers: &[(&'static str, &str)],
        number: u8,
    ) -> Self {
        let stream = within("a connection", TcpStream::connect(to)).await;
        let request = request_for(to, headers);
        Self::upgrade(Box::new(stream.unwrap()), Channel::Nonce, request, number).await
    }

    async fn upgrade(
        stream: Box<dyn Wire>,
        channel: Channel,
        request: Request<()>,
        number: u8,
    ) -> Self {
        let upgrade = tokio_tungstenite::client_async(request, stream);
        let (mut socket, _) = within("the upgrade", upgrade).await.unwrap();
        let first = within("the greeting", socket.next())
            .await
            .unwrap()
            .unwrap();
        let ServerFrame::Greeting(greeting) =
            ServerFrame::decode(first.to_text().unwrap()).unwrap()
        else {
            panic!("the first frame is no greeting: {first}");
        };
        Self {
            socket,
            channel,
            name: DisplayName::parse("Peer").unwrap(),
            room: greeting
                .rooms
                .first()
                .map_or(RoomId([0; 16]), |first| first.summary.room),
            identity: identity(number),
            greeting,
            welcome: None,
        }
    }

    /// Connects, says hello and takes the welcome. The member and its name follow from the number.
    pub(crate) async fn join(relay: &Relay, room: RoomId, number: u8) -> Self {
        Self::join_at(relay.address(), room, number).await
    }

    pub(crate) async fn join_at(to: SocketAddr, room: RoomId, number: u8) -> Self {
        let mut peer = Self::connect(to, number).await;
        peer.hello(room).await;
        peer.expect_welcome().await;
        peer
    }

    pub(crate) async fn hello(&mut self, room: RoomId) {
        self.room = room;
        let hello = self.good_hello(room);
        self.send(&ClientFrame::Hello(Box::new(hello))).await;
    }

    /// Says hello with an invite.
    pub(crate) async fn hello_with(&mut self, room: RoomId, token: Token) {
        self.room = room;
        let hello = Hello {
            token: Some(token),
            ..self.good_hello(room)
        };
        self.send(&ClientFrame::Hello(Box::new(hello))).await;
    }

    pub(crate) fn good_hello(&self, room: RoomId) -> Hello {
        let name = self.name.as_str();
        hello(
            &self.identity,
            name,
            room,
            &self.channel,
            &self.greeting.nonce,
        )
    }

    pub(crate) async fn expect_welcome(&mut self) -> Welcome {
        match self.next().await {
            Ok(ServerFrame::Welcome(welcome)) => {
                self.welcome = Some((*welcome).clone());
                *welcome
            }
            other => panic!("no welcome but {other:?}"),
        }
    }

    /// Takes the challenge, and proves this passcode. Whether the relay has the same.
    pub(crate) async fn prove(&mut self, passcode: &str) -> bool {
        let (client, reply) = self.begin(passcode).await;
        let ServerFrame::PasscodeReply { message } = reply else {
            panic!("no answer but {reply:?}");
        };
        let binding = Binding {
            channel: self.channel,
            nonce: self.greeting.nonce,
            room: room_key(1).public(),
            member: self.member(),
        };
        match client.finish(&message, &binding, [7; 32]) {
            Ok(message) => {
                self.send(&ClientFrame::PasscodeFinish { message }).await;
                true
            }
            Err(_) => false,
        }
    }

    /// Takes the challenge, and begins. Gives the relay's answer.
    pub(crate) async fn begin(&mut self, passcode: &str) -> (passcode::Client, ServerFrame) {
        assert_eq!(self.next().await, Ok(ServerFrame::Challenge));
        let (client, message) = passcode::start(&Passcode::parse(passcode).unwrap(), [6; 32]);
        self.send(&ClientFrame::PasscodeStart { message }).await;
        (client, self.next().await.expect("no answer"))
    }

    pub(crate) fn member(&self) -> MemberId {
        self.identity.member()
    }

    pub(crate) async fn send(&mut self, frame: &ClientFrame) {
        if let ClientFrame::Rename { name } = frame {
            self.name = name.clone();
        }
        self.send_text(&frame.encode()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send_message(Message::text(text)).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        within("the relay to read", self.socket.send(message))
            .await
            .unwrap();
    }

    /// Submits a text; the answer is not awaited.
    pub(crate) async fn say(&mut self, text: &str) -> ClientId {
        let id = random_id();
        self.submit(id, text).await;
        id
    }

    pub(crate) async fn submit(&mut self, id: ClientId, text: &str) {
        let text = MessageText::parse(text).unwrap();
        self.put(Submission::message(id, text)).await;
    }

    /// Submits anything; the answer is not awaited.
    pub(crate) async fn put(&mut self, submission: Submission) {
        let signed = submission.sign(&self.identity, &self.room, &self.name);
        self.send(&ClientFrame::Submit(Box::new(signed))).await;
    }

    /// The next frame, or how the connection ended.
    pub(crate) async fn next(&mut self) -> Result<ServerFrame, End> {
        loop {
            match within("a frame", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(ServerFrame::decode(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map(|frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Reads on to the first frame of which `pick` makes something. Pings and heads give no more patience.
    pub(crate) async fn until<T>(&mut self, mut pick: impl FnMut(ServerFrame) -> Option<T>) -> T {
        within("the right frame", async {
            loop {
                match self.next().await {
                    Ok(frame) => {
                        if let Some(picked) = pick(frame) {
                            return picked;
                        }
                    }
                    Err(end) => panic!("the connection ended with {end:?}"),
                }
            }
        })
        .await
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Event {
        self.until(|frame| match frame {
            ServerFrame::Event(event) => Some(event),
            _ => None,
        })
        .await
    }

    /// Reads on to the event that commits the message of that id.
    pub(crate) async fn committed(&mut self, wanted: ClientId) -> Event {
        self.until(|frame| match frame {
            ServerFrame::Event(event) => {
                matches!(&event.body, Body::Message { id, .. } if *id == wanted).then_some(event)
            }
            _ => None,
        })
        .await
    }

    /// Reads on to that member's next change of presence.
    pub(crate) async fn presence(&mut self, of: MemberId) -> Presence {
        self.until(|frame| match frame {
            ServerFrame::Presence(told) if told.member == of => Some(told.presence),
            _ => None,
        })
        .await
    }

    /// Reads on to an error frame.
    pub(crate) async fn error(&mut self) -> Problem {
        self.until(|frame| match frame {
            ServerFrame::Error { code, message } => {
                assert!(!message.is_empty(), "an error without words");
                Some(code)
            }
            _ => None,
        })
        .await
    }

    /// Reads on until the connection is over.
    pub(crate) async fn end(&mut self) -> End {
        within("the end of the connection", async {
            loop {
                if let Err(end) = self.next().await {
                    return end;
                }
            }
        })
        .await
    }

    /// A message of our own goes round: everything before it was dealt with, and the connection lives.
    pub(crate) async fn round_trip(&mut self) {
        let id = self.say("round trip").await;
        self.committed(id).await;
    }

    /// Ends the connection without a goodbye.
    pub(crate) fn cut(self) {
        drop(self);
    }
}

/// Whether somebody came.
pub(crate) fn is_joined(body: &Body) -> bool {
    matches!(body, Body::Joined { .. })
}

/// The texts of messages, in order.
pub(crate) fn texts(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Message { text, .. } => Some(text.as_str().to_owned()),
            _ => None,
        })
        .collect()
}
