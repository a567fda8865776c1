//! Reads a room's whole log over the wire, with nothing between it and the relay but a WebSocket library.

use std::time::Duration;

use chatspot_protocol::event::Event;
use chatspot_protocol::identity::{Channel, Identity};
use chatspot_protocol::ids::{Epoch, RoomId, Seq};
use chatspot_protocol::limits::{PAGE_EVENTS, PROTOCOL_MAX, SOCKET_PATH, SUBPROTOCOL};
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::wire::{BadFrame, ClientFrame, Greeting, Hello, ServerFrame, Welcome};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::history::Line;

/// How long a frame is waited for: a page over a link that loses every third packet comes within it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A room's log from its first event to the head that the relay named.
#[derive(Debug, Clone)]
pub struct Readout {
    /// The log's name.
    pub epoch: Epoch,
    /// The oldest position.
    pub first: Seq,
    /// The newest position as the reader came in.
    pub head: Seq,
    /// What the relay sent, as it sent it.
    pub events: Vec<Event>,
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadoutError {
    /// The connection.
    #[error("the connection to the relay: {0}")]
    Connection(#[from] Box<tungstenite::Error>),
    /// The relay closed it.
    #[error("the relay hung up")]
    Ended,
    /// Nothing came.
    #[error("the relay sent nothing for {PATIENCE:?}")]
    Silence,
    /// No frame.
    #[error("not a frame: {0}")]
    Frame(#[from] BadFrame),
    /// A frame that says no.
    #[error("the relay says: {0}")]
    Refused(String),
    /// No such room.
    #[error("the relay does not host exactly one room; say which one is meant")]
    WhichRoom,
    /// The system has none.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The answer to a question speaks for something else.
    #[error("asked for events from {asked}, the relay answered from {from} to {to}")]
    OtherPage {
        /// What was asked for.
        asked: Seq,
        /// What it answered.
        from: Seq,
        /// Up to where.
        to: Seq,
    },
}

impl Readout {
    /// Comes into the room as somebody new and reads its log. Without `room`, the relay must host only one.
    pub async fn of(address: &str, room: Option<RoomId>) -> Result<Self, ReadoutError> {
        let connecting = tokio::time::timeout(PATIENCE, TcpStream::connect(address));
        let stream = connecting.await.map_err(|_| ReadoutError::Silence)?;
        let stream = stream.map_err(|error| Box::new(error.into()))?;
        Self::over(stream, address, room).await
    }

    /// The same over a connection that is there already.
    pub async fn over<S: AsyncRead + AsyncWrite + Unpin>(
        stream: S,
        address: &str,
        room: Option<RoomId>,
    ) -> Result<Self, ReadoutError> {
        let securing = tokio::time::timeout(PATIENCE, crate::tls::connect(stream));
        let (stream, _, channel) = securing
            .await
            .map_err(|_| ReadoutError::Silence)?
            .map_err(|error| Box::new(error.into()))?;
        let mut reader = Reader::begin(stream, address, channel).await?;
        let greeting = reader.greeting().await?;
        let room = match (room, greeting.rooms.as_slice()) {
            (Some(room), _) => room,
            (None, [only]) => only.summary.room,
            (None, _) => return Err(ReadoutError::WhichRoom),
        };
        let welcome = reader.enter(&greeting, room).await?;
        let mut readout = Self {
            epoch: welcome.epoch,
            first: welcome.first,
            head: welcome.head,
            events: Vec::new(),
        };
        let mut next = welcome.first;
        while next <= welcome.head {
            next = reader.page(next, welcome.head, &mut readout.events).await?;
        }
        Ok(readout)
    }

    /// It, as a part of a history.
    pub fn lines(self) -> Vec<Line> {
        let Self {
            epoch,
            first,
            head,
            events,
        } = self;
        std::iter::once(Line::Log { epoch, first, head })
            .chain(events.into_iter().map(|event| Line::Holds { event }))
            .collect()
    }
}

struct Reader<S> {
    socket: WebSocketStream<S>,
    channel: Channel,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Reader<S> {
    async fn begin(stream: S, address: &str, channel: Channel) -> Result<Self, ReadoutError> {
        let mut request = format!("wss://{address}{SOCKET_PATH}")
            .into_client_request()
            .map_err(Box::new)?;
        request.headers_mut().insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
        let connected = tokio_tungstenite::client_async(request, stream);
        let connected = tokio::time::timeout(PATIENCE, connected).await;
        let (socket, _) = connected
            .map_err(|_| ReadoutError::Silence)?
            .map_err(Box::new)?;
        Ok(Self { socket, channel })
    }

    async fn greeting(&mut self) -> Result<Greeting, ReadoutError> {
        loop {
            if let ServerFrame::Greeting(greeting) = self.frame().await? {
                return Ok(greeting);
            }
        }
    }

    async fn enter(&mut self, greeting: &Greeting, room: RoomId) -> Result<Welcome, ReadoutError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        let identity = Identity::from_secret(&secret);
        let hello = Hello {
            protocol: PROTOCOL_MAX,
            room,
            member: identity.member(),
            name: DisplayName::parse("Reader").expect("it is a name"),
            signature: identity.sign_hello(&self.channel, &greeting.nonce, &room),
            token: None,
            software: "ChatSpot readout".to_owned(),
        };
        self.send(&ClientFrame::Hello(Box::new(hello))).await?;
        loop {
            if let ServerFrame::Welcome(welcome) = self.frame().await? {
                return Ok(*welcome);
            }
        }
    }

    /// Asks for the events from `asked` on, and returns what to ask for next.
    async fn page(
        &mut self,
        asked: Seq,
        head: Seq,
        into: &mut Vec<Event>,
    ) -> Result<Seq, ReadoutError> {
        let to = head.min(Seq(asked.0 + PAGE_EVENTS - 1));
        self.send(&ClientFrame::Fetch { from: asked, to }).await?;
        loop {
            if let ServerFrame::Events { from, to, events } = self.frame().await? {
                if from != asked || to < from {
                    return Err(ReadoutError::OtherPage { asked, from, to });
                }
                into.extend(events);
                return Ok(to.next());
            }
        }
    }

    async fn send(&mut self, frame: &ClientFrame) -> Result<(), ReadoutError> {
        let sent = self.socket.send(Message::text(frame.encode()));
        tokio::time::timeout(PATIENCE, sent)
            .await
            .map_err(|_| ReadoutError::Silence)?
            .map_err(Box::new)?;
        Ok(())
    }

    async fn frame(&mut self) -> Result<ServerFrame, ReadoutError> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .map_err(|_| ReadoutError::Silence)?
                .ok_or(ReadoutError::Ended)?
                .map_err(Box::new)?;
            let Message::Text(text) = message else {
                continue;
            };
            match ServerFrame::decode(&text)? {
                ServerFrame::Error { message, .. } => return Err(ReadoutError::Refused(message)),
                frame => return Ok(frame),
            }
        }
    }
}
