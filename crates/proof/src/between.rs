//! Somebody who stands between a client and a relay, ends the TLS of both, and tries all that can be tried from there.

use std::io;
use std::net::SocketAddr;

use chatspot_protocol::identity::{Channel, Identity, RelayName, RoomKey};
use chatspot_protocol::ids::{Nonce, RoomId, TlsKey};
use chatspot_protocol::limits::{SOCKET_PATH, SUBPROTOCOL};
use chatspot_protocol::wire::{ClientFrame, Greeting, ServerFrame};
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::tls::{self, Server};

/// What it tries.
#[derive(Debug, Clone)]
pub enum Manner {
    /// To hand everything on as it is.
    Pass,
    /// To be a room of the same name with a key of its own, and to go into the real one as itself.
    OwnRoom(RoomKey),
    /// To be the real room: it has the room's key, as somebody has who hosted it before.
    FormerHost(RoomKey),
}

/// What went through its hands, in words: `client hello`, `relay welcome`.
#[derive(Debug, Clone)]
pub struct Loot(watch::Sender<Vec<String>>);

impl Loot {
    /// All of it so far.
    pub fn words(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Whether that was seen.
    pub fn holds(&self, word: &str) -> bool {
        self.0.borrow().iter().any(|seen| seen == word)
    }

    /// Waits until that is seen.
    pub async fn until(&self, word: &str) {
        let mut seen = self.0.subscribe();
        // It cannot end while this side of it is here.
        let _ = seen
            .wait_for(|words| words.iter().any(|seen| seen == word))
            .await;
    }

    fn add(&self, side: &str, text: &str) {
        #[derive(serde::Deserialize)]
        struct Typed {
            r#type: String,
        }
        let typed = serde_json::from_str(text);
        let kind = typed.map_or_else(|_| "?".to_owned(), |Typed { r#type }| r#type);
        self.0
            .send_modify(|words| words.push(format!("{side} {kind}")));
    }
}

/// It, as long as this is kept.
#[derive(Debug)]
pub struct Between {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it got.
    pub loot: Loot,
    _tasks: JoinSet<()>,
}

impl Between {
    /// Begins to stand before the relay.
    pub async fn before(relay: SocketAddr, manner: Manner) -> Result<Self, BetweenError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = Server::new()?;
        let loot = Loot(watch::Sender::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let taken = loot.clone();
        tasks.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let line = stand(stream, relay, server.clone(), manner.clone(), taken.clone());
                lines.spawn(async move {
                    if let Err(error) = line.await {
                        eprintln!("a line came to its end: {error}");
                    }
                });
            }
        });
        Ok(Self {
            address,
            loot,
            _tasks: tasks,
        })
    }
}

/// Why it cannot stand there, or not any longer.
#[derive(Debug, thiserror::Error)]
pub enum BetweenError {
    /// The network.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// A socket.
    #[error(transparent)]
    Socket(#[from] Box<Error>),
}

async fn stand(
    stream: TcpStream,
    relay: SocketAddr,
    server: Server,
    manner: Manner,
    loot: Loot,
) -> Result<(), BetweenError> {
    let near = server.accept(stream).await?;
    let near = accept_hdr_async(near, with_subprotocol)
        .await
        .map_err(Box::new)?;
    let (far, channel) = dial(relay).await?;
    let mut play = Play {
        manner,
        key: server.key(),
        channel,
        nonce: Nonce([0; 32]),
        room: None,
        identity: Identity::from_secret(&[99; 32]),
    };
    let (mut to_near, mut from_near) = near.split();
    let (mut to_far, mut from_far) = far.split();
    loop {
        tokio::select! {
            message = from_near.next() => match text(message) {
                Some(text) => {
                    loot.add("client", &text);
                    send(&mut to_far, play.of_client(&text)).await?;
                }
                None => break,
            },
            message = from_far.next() => match text(message) {
                Some(text) => {
                    loot.add("relay", &text);
                    send(&mut to_near, play.of_relay(&text)).await?;
                }
                None => break,
            },
        }
    }
    // Both are to learn that it is over, and may know it already.
    let _ = to_near.close().await;
    let _ = to_far.close().await;
    Ok(())
}

async fn dial(
    relay: SocketAddr,
) -> Result<
    (
        WebSocketStream<impl AsyncRead + AsyncWrite + Unpin>,
        Channel,
    ),
    BetweenError,
> {
    let (stream, _, channel) = tls::connect(TcpStream::connect(relay).await?).await?;
    let mut request = format!("wss://{relay}{SOCKET_PATH}")
        .into_client_request()
        .map_err(Box::new)?;
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    request
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    let (socket, _) = client_async(request, stream).await.map_err(Box::new)?;
    Ok((socket, channel))
}

/// Grants the protocol that a client asked for.
#[allow(clippy::result_large_err, clippy::unnecessary_wraps)] // the shape that tungstenite wants
#[allow(clippy::missing_errors_doc)] // there are none
pub fn with_subprotocol(
    _: &Request,
    mut response: Response,
) -> Result<Response, tokio_tungstenite::tungstenite::handshake::server::ErrorResponse> {
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    Ok(response)
}

/// The next text, with what is none passed over. None at the end.
fn text(message: Option<Result<Message, Error>>) -> Option<String> {
    match message {
        Some(Ok(Message::Text(text))) => Some(text.to_string()),
        Some(Ok(Message::Close(_)) | Err(_)) | None => None,
        // As good as nothing: a ping is answered by the library.
        Some(Ok(_)) => Some(String::new()),
    }
}

async fn send(
    to: &mut (impl Sink<Message, Error = Error> + Unpin),
    text: String,
) -> Result<(), BetweenError> {
    if !text.is_empty() {
        to.send(Message::text(text)).await.map_err(Box::new)?;
    }
    Ok(())
}

/// What it makes of one line.
struct Play {
    manner: Manner,
    /// Its own TLS key, as the client sees it.
    key: TlsKey,
    /// Its own connection to the relay.
    channel: Channel,
    nonce: Nonce,
    /// The real room.
    room: Option<RoomId>,
    /// Who it is itself.
    identity: Identity,
}

impl Play {
    fn of_relay(&mut self, text: &str) -> String {
        let Ok(ServerFrame::Greeting(greeting)) = ServerFrame::decode(text) else {
            return text.to_owned();
        };
        self.nonce = greeting.nonce;
        self.room = greeting.rooms.first().map(|hosted| hosted.summary.room);
        ServerFrame::Greeting(self.greeting(greeting)).encode()
    }

    fn greeting(&self, mut greeting: Greeting) -> Greeting {
        let relay = RelayName::Tls { key: self.key };
        for hosted in &mut greeting.rooms {
            match &self.manner {
                Manner::Pass => {}
                Manner::OwnRoom(key) => {
                    hosted.key = key.public();
                    hosted.summary.room = key.id();
                    hosted.warrants = vec![key.warrant(1, relay.clone())];
                }
                Manner::FormerHost(key) => {
                    let terms = hosted.warrants.iter().map(|warrant| warrant.term);
                    let term = terms.max().unwrap_or(1);
                    hosted.warrants = vec![key.warrant(term, relay.clone())];
                }
            }
        }
        greeting
    }

    fn of_client(&self, text: &str) -> String {
        if !matches!(self.manner, Manner::OwnRoom(_)) {
            return text.to_owned();
        }
        let (Ok(ClientFrame::Hello(mut hello)), Some(room)) =
            (ClientFrame::decode(text), self.room)
        else {
            return text.to_owned();
        };
        hello.room = room;
        hello.member = self.identity.member();
        hello.signature = self.identity.sign_hello(&self.channel, &self.nonce, &room);
        ClientFrame::Hello(hello).encode()
    }
}
