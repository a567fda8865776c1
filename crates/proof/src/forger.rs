//! A relay that has its room's key and tells whatever it likes: it forges, alters, reorders, replays and rolls back.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use chatspot_protocol::event::{Body, Event, RoomSettings, Submission, Via};
use chatspot_protocol::identity::{Identity, RelayName, RoomKey};
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, Nonce, Seq, Signature};
use chatspot_protocol::limits::{PROTOCOL_MAX, PROTOCOL_MIN};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::wire::{
    ClientFrame, Greeting, Hosted, Member, Presence, RoomSummary, ServerFrame, Versions, Welcome,
};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;

use crate::between::{BetweenError, with_subprotocol};
use crate::tls::Server;

/// What it tells everybody who comes.
#[derive(Debug, Clone)]
pub struct Tale {
    /// The log's name.
    pub epoch: Epoch,
    /// The newest position.
    pub head: Seq,
    /// What it answers to a `fetch`, of what is asked for.
    pub log: Vec<Event>,
    /// What it sends by itself behind the welcome, in this order.
    pub live: Vec<Event>,
}

/// It, as long as this is kept.
#[derive(Debug)]
pub struct Forger {
    /// Where it listens.
    pub address: SocketAddr,
    /// A lock because the next who comes is told what is set here by then.
    tale: Arc<Mutex<Tale>>,
    _tasks: JoinSet<()>,
}

impl Forger {
    /// Begins to host.
    pub async fn host(key: RoomKey, name: RoomName, tale: Tale) -> Result<Self, BetweenError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = Server::new()?;
        let tale = Arc::new(Mutex::new(tale));
        let told = tale.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let tale = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let (server, key, name) = (server.clone(), key.clone(), name.clone());
                lines.spawn(async move {
                    if let Err(error) = tell(stream, server, key, name, tale).await {
                        eprintln!("a line came to its end: {error}");
                    }
                });
            }
        });
        Ok(Self {
            address,
            tale,
            _tasks: tasks,
        })
    }

    /// Tells something else to whoever comes from now on.
    pub fn tell(&self, tale: Tale) {
        *self.tale.lock().unwrap_or_else(PoisonError::into_inner) = tale;
    }
}

async fn tell(
    stream: TcpStream,
    server: Server,
    key: RoomKey,
    name: RoomName,
    tale: Tale,
) -> Result<(), BetweenError> {
    let stream = server.accept(stream).await?;
    let mut socket = accept_hdr_async(stream, with_subprotocol)
        .await
        .map_err(Box::new)?;
    let relay = RelayName::Tls { key: server.key() };
    let summary = RoomSummary {
        host: None,
        hidden: false,
        room: key.id(),
        name: name.clone(),
        online: 0,
        full: false,
        admission: chatspot_protocol::event::Admission::Open,
        locked: false,
    };
    let hosted = Hosted {
        summary,
        key: key.public(),
        warrants: vec![key.warrant(1, relay)],
    };
    let greeting = Greeting {
        protocol: Versions {
            min: PROTOCOL_MIN,
            max: PROTOCOL_MAX,
        },
        software: "forger".to_owned(),
        nonce: Nonce([7; 32]),
        rooms: vec![hosted],
    };
    let mut frames = vec![ServerFrame::Greeting(greeting)];
    loop {
        for frame in std::mem::take(&mut frames) {
            let text = Message::text(frame.encode());
            socket.send(text).await.map_err(Box::new)?;
        }
        let text = match socket.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_))) | None => return Ok(()),
            Some(Ok(_)) => continue,
            Some(Err(error)) => return Err(Box::new(error).into()),
        };
        match ClientFrame::decode(&text) {
            Ok(ClientFrame::Hello(hello)) => {
                let member = Member {
                    member: hello.member,
                    name: hello.name,
                    host: false,
                    role: chatspot_protocol::event::Role::Member,
                    muted: false,
                    presence: Presence::Online,
                };
                frames.push(ServerFrame::Welcome(Box::new(Welcome {
                    name: name.clone(),
                    epoch: tale.epoch,
                    settings: RoomSettings::default(),
                    first: Seq(1),
                    head: tale.head,
                    members: vec![member],
                })));
                frames.extend(tale.live.iter().cloned().map(ServerFrame::Event));
            }
            Ok(ClientFrame::Fetch { from, to }) => {
                let asked = |event: &&Event| (from..=to).contains(&event.seq);
                let events = tale.log.iter().filter(asked).cloned().collect();
                frames.push(ServerFrame::Events { from, to, events });
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Somebody whose words the relay has, really said or not.
#[derive(Debug, Clone)]
pub struct Victim {
    identity: Identity,
    name: DisplayName,
}

impl Victim {
    /// Somebody of that name.
    ///
    /// # Panics
    /// When `name` is none.
    pub fn new(secret: u8, name: &str) -> Self {
        Self {
            identity: Identity::from_secret(&[secret; 32]),
            name: DisplayName::parse(name).expect("a test names people by names"),
        }
    }

    /// Their key.
    pub fn member(&self) -> MemberId {
        self.identity.member()
    }

    /// A message that they really wrote, for this room.
    pub fn says(&self, room: &RoomKey, seq: u64, id: u8, text: &str) -> Event {
        let submission = Submission::message(ClientId([id; 16]), words(text));
        let signed = submission.sign(&self.identity, &room.id(), &self.name);
        self.event(
            seq,
            signed.submission.body().clone(),
            Some(signed.signature),
        )
    }

    /// A message that they never wrote.
    pub fn never_said(&self, seq: u64, id: u8, text: &str, signature: Option<Signature>) -> Event {
        let body = Body::Message {
            id: ClientId([id; 16]),
            text: words(text),
        };
        self.event(seq, body, signature)
    }

    /// Anything else, with that signature.
    pub fn event(&self, seq: u64, body: Body, signature: Option<Signature>) -> Event {
        Event {
            seq: Seq(seq),
            at: 1_790_000_000_000 + i64::try_from(seq).unwrap_or(0),
            author: self.member(),
            name: self.name.clone(),
            body,
            signature,
        }
    }

    /// That they came in.
    pub fn joined(&self, seq: u64) -> Event {
        let joined = Body::Joined {
            via: Via::Open,
            role: chatspot_protocol::event::Role::Member,
        };
        self.event(seq, joined, None)
    }
}

/// A text.
///
/// # Panics
/// When it is none.
pub fn words(text: &str) -> MessageText {
    MessageText::parse(text).expect("a test writes texts")
}

/// The error type of everything here that is IO.
impl From<BetweenError> for io::Error {
    fn from(error: BetweenError) -> Self {
        io::Error::other(error)
    }
}
