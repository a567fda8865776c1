//! From an address to an open WebSocket over TLS and what the relay says first, or to the reason why there is none.

mod race;

use std::collections::VecDeque;
use std::net::SocketAddr;

use chatspot_protocol::address::Address;
use chatspot_protocol::identity::{RelayName, Warrant};
use chatspot_protocol::limits::{
    ADDRESS_TIMEOUT, DIAL_TIMEOUT, GREETING_TIMEOUT, MAX_SERVER_FRAME_BYTES, PROTOCOL_MAX,
    PROTOCOL_MIN, SOCKET_PATH, SUBPROTOCOL, WARRANTS,
};
use chatspot_protocol::session::Line;
use chatspot_protocol::view::Trouble;
use chatspot_protocol::wire::{Greeting, Hosted, ServerFrame};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use self::race::{Course, Lane};
pub(crate) use self::race::{Finish, Goal, Home, Reached, order, race};
use crate::net::{TcpStream, lookup_host};
use crate::tls::{self, TlsError, TlsStream};

/// An open connection to a relay, or to whatever speaks WebSocket there.
pub(crate) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// An open connection, and what its TLS says of the other end.
pub(crate) struct Dialled {
    pub(crate) socket: Box<Socket>,
    pub(crate) line: Line,
    /// Where the other end is.
    pub(crate) to: SocketAddr,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreached {
    /// The other end says that nobody is there.
    Refused,
    /// Nothing came back, or the connection was hung up.
    Silent,
    /// Something else than a relay answered.
    NotChatspot,
    /// No request can be made of the address.
    NameUnknown,
}

impl Unreached {
    pub(crate) fn trouble(self) -> Trouble {
        match self {
            Self::Refused | Self::Silent => Trouble::NobodyAnswers,
            Self::NotChatspot => Trouble::NotChatspot,
            Self::NameUnknown => Trouble::NameUnknown,
        }
    }
}

/// Opens a connection to one of the addresses that `address` stands for. Never takes longer than the timeouts of
/// `limits`.
pub(crate) async fn open(address: &Address, to: SocketAddr) -> Result<Dialled, Unreached> {
    let stream = match timeout(ADDRESS_TIMEOUT, TcpStream::connect(to)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%to, %error, "no connection");
            return Err(match error.kind() {
                std::io::ErrorKind::ConnectionRefused => Unreached::Refused,
                _ => Unreached::Silent,
            });
        }
        Err(_) => {
            tracing::debug!(%to, "no answer");
            return Err(Unreached::Silent);
        }
    };
    // Small frames should leave at once; where the system cannot, they leave a little later.
    let _ = stream.set_nodelay(true);
    // The host as a relay wants it in the Host header: IPv6 in brackets, without its zone.
    let host = address
        .host
        .split('%')
        .next()
        .unwrap_or_default()
        .to_owned();
    let authority = Address {
        host,
        port: address.port,
    };
    let (stream, line) = match timeout(GREETING_TIMEOUT, tls::secure(&address.host, stream)).await {
        Ok(Ok(secured)) => secured,
        // It took the connection and hung up: full, starting, or shutting down.
        Ok(Err(TlsError::Io(error))) => {
            tracing::debug!(%address, %error, "hung up");
            return Err(Unreached::Silent);
        }
        Ok(Err(error @ (TlsError::NotTls(_) | TlsError::Unusable(_)))) => {
            tracing::debug!(%address, %error, "no TLS");
            return Err(Unreached::NotChatspot);
        }
        Err(_) => return Err(Unreached::NotChatspot),
    };
    let mut request = format!("wss://{authority}{SOCKET_PATH}")
        .into_client_request()
        .map_err(|_| Unreached::NameUnknown)?;
    request.headers_mut().insert(
        SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(SUBPROTOCOL),
    );
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_SERVER_FRAME_BYTES))
        .max_frame_size(Some(MAX_SERVER_FRAME_BYTES))
        .read_buffer_size(16 * 1024);
    match timeout(
        GREETING_TIMEOUT,
        client_async_with_config(request, stream, Some(config)),
    )
    .await
    {
        Ok(Ok((socket, _))) => Ok(Dialled {
            socket: Box::new(socket),
            line,
            to,
        }),
        // The same, a moment later.
        Ok(Err(Error::Io(_) | Error::Protocol(ProtocolError::HandshakeIncomplete))) => {
            Err(Unreached::Silent)
        }
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "not a relay");
            Err(Unreached::NotChatspot)
        }
        Err(_) => Err(Unreached::NotChatspot),
    }
}

/// What a name stands for, in the order of the system's resolver but with the families taking turns (RFC 8305, section
/// 4): where one of them leads nowhere, the other is not last.
async fn resolve(address: &Address) -> Result<Vec<SocketAddr>, Trouble> {
    let found = timeout(
        DIAL_TIMEOUT,
        lookup_host((address.host.as_str(), address.port)),
    );
    let Ok(Ok(found)) = found.await else {
        return Err(Trouble::NameUnknown);
    };
    let mut first: VecDeque<SocketAddr> = found.collect();
    let Some(is_ipv6) = first.front().map(SocketAddr::is_ipv6) else {
        return Err(Trouble::NameUnknown);
    };
    let mut other: VecDeque<SocketAddr> = VecDeque::new();
    first.retain(|address| {
        let kept = address.is_ipv6() == is_ipv6;
        if !kept {
            other.push_back(*address);
        }
        kept
    });
    let mut turns = Vec::with_capacity(first.len() + other.len());
    while !first.is_empty() || !other.is_empty() {
        turns.extend(first.pop_front());
        turns.extend(other.pop_front());
    }
    Ok(turns)
}

/// What the relay at the other end says first.
pub(crate) async fn greet(dialled: &mut Dialled) -> Result<Greeting, Trouble> {
    let first = timeout(GREETING_TIMEOUT, async {
        loop {
            match dialled.socket.next().await {
                Some(Ok(Message::Text(text))) => match ServerFrame::decode(&text) {
                    Ok(ServerFrame::Greeting(greeting)) => return Ok(greeting),
                    Ok(_) | Err(_) => return Err(Trouble::NotChatspot),
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                    return Err(Trouble::NotChatspot);
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Trouble::Lost),
            }
        }
    });
    first.await.unwrap_or(Err(Trouble::Lost))
}

/// Whether what greets so speaks a version of the protocol that this program speaks.
pub(crate) fn speaks_with_us(greeting: &Greeting) -> Result<(), Trouble> {
    if greeting.protocol.max < PROTOCOL_MIN {
        return Err(Trouble::RelayTooOld);
    }
    if greeting.protocol.min > PROTOCOL_MAX {
        return Err(Trouble::ClientTooOld);
    }
    Ok(())
}

/// Whether what is at the other end of a connection hosts this room, by the word of the room's key, given in that term or
/// later.
pub(crate) fn is_proven(hosted: &Hosted, line: &Line, term: u64) -> bool {
    let names_it = |warrant: &&Warrant| {
        let named = match &warrant.relay {
            RelayName::Tls { key } => *key == line.key,
            RelayName::Domain { domain } => line.domain.as_ref() == Some(domain),
            RelayName::Unknown => false,
        };
        named && warrant.term >= term
    };
    let mut named = hosted.warrants.iter().filter(names_it).take(WARRANTS);
    hosted.key.room() == hosted.summary.room && named.any(|warrant| warrant.is_genuine(&hosted.key))
}

/// The greeting of the relay at an address, and the connection that it came over, which is closed.
pub(crate) async fn greeting(address: &Address) -> Result<(Greeting, Line), Trouble> {
    let mut greeted = race::stagger(&Anybody, vec![address.clone()]).await;
    if let Ok((Dialled { socket, .. }, _)) = &mut greeted {
        // The answer is there; whether the goodbye arrives does not matter.
        let _ = timeout(GREETING_TIMEOUT, (**socket).close(None)).await;
    }
    let (Dialled { line, .. }, greeting) = greeted.map_err(|troubles| {
        let first = troubles.into_iter().next();
        match first.unwrap_or(Trouble::NobodyAnswers) {
            Trouble::Lost => Trouble::NotChatspot,
            trouble => trouble,
        }
    })?;
    speaks_with_us(&greeting)?;
    Ok((greeting, line))
}

/// Whoever greets first.
struct Anybody;

impl Course for Anybody {
    type Won = (Dialled, Greeting);
    type Lost = Trouble;

    async fn find(&self, address: &Address) -> Result<Vec<SocketAddr>, Trouble> {
        resolve(address).await
    }

    async fn run(&self, lane: Lane) -> Result<(Dialled, Greeting), Trouble> {
        let mut dialled = open(&lane.address, lane.to)
            .await
            .map_err(Unreached::trouble)?;
        let greeting = greet(&mut dialled).await?;
        Ok((dialled, greeting))
    }
}

/// Sends one message. False when the connection is no use any more.
pub(crate) async fn send(socket: &mut Socket, message: Message) -> bool {
    matches!(
        timeout(DIAL_TIMEOUT, socket.send(message)).await,
        Ok(Ok(()))
    )
}
