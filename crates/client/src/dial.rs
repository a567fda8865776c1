//! From an address to an open WebSocket over TLS, or to the reason why there is none.

use chatspot_protocol::address::Address;
use chatspot_protocol::limits::{
    ADDRESS_TIMEOUT, DIAL_TIMEOUT, GREETING_TIMEOUT, MAX_SERVER_FRAME_BYTES, PROTOCOL_MAX,
    PROTOCOL_MIN, SOCKET_PATH, SUBPROTOCOL,
};
use chatspot_protocol::session::Line;
use chatspot_protocol::view::Trouble;
use chatspot_protocol::wire::{Greeting, ServerFrame};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::net::{TcpStream, lookup_host};
use crate::tls::{self, TlsError, TlsStream};

/// An open connection to a relay, or to whatever speaks WebSocket there.
pub(crate) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// An open connection, and what its TLS says of the other end.
pub(crate) struct Dialled {
    pub(crate) socket: Box<Socket>,
    pub(crate) line: Line,
}

/// Dials. Never takes longer than the timeouts of `limits`.
pub(crate) async fn dial(address: &Address) -> Result<Dialled, Trouble> {
    let stream = timeout(DIAL_TIMEOUT, connect(address))
        .await
        .map_err(|_| Trouble::NobodyAnswers)??;
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
            return Err(Trouble::NobodyAnswers);
        }
        Ok(Err(error @ (TlsError::NotTls(_) | TlsError::Unusable(_)))) => {
            tracing::debug!(%address, %error, "no TLS");
            return Err(Trouble::NotChatspot);
        }
        Err(_) => return Err(Trouble::NotChatspot),
    };
    let mut request = format!("wss://{authority}{SOCKET_PATH}")
        .into_client_request()
        .map_err(|_| Trouble::NameUnknown)?;
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
        }),
        // The same, a moment later.
        Ok(Err(Error::Io(_) | Error::Protocol(ProtocolError::HandshakeIncomplete))) => {
            Err(Trouble::NobodyAnswers)
        }
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "not a relay");
            Err(Trouble::NotChatspot)
        }
        Err(_) => Err(Trouble::NotChatspot),
    }
}

async fn connect(address: &Address) -> Result<TcpStream, Trouble> {
    let found = lookup_host((address.host.as_str(), address.port))
        .await
        .map_err(|_| Trouble::NameUnknown)?;
    let mut trouble = Trouble::NameUnknown;
    for socket_address in found {
        // Each has its own time: a black hole before the right one must not use it all up.
        match timeout(ADDRESS_TIMEOUT, TcpStream::connect(socket_address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => tracing::debug!(%socket_address, %error, "no connection"),
            Err(_) => tracing::debug!(%socket_address, "no answer"),
        }
        trouble = Trouble::NobodyAnswers;
    }
    Err(trouble)
}

/// The greeting of the relay at an address, and the connection that it came over, which is closed.
pub(crate) async fn greeting(address: &Address) -> Result<(Greeting, Line), Trouble> {
    // On the heap: handshakes take much room.
    let Dialled { mut socket, line } = Box::pin(dial(address)).await?;
    let greeting = timeout(GREETING_TIMEOUT, async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => match ServerFrame::decode(&text) {
                    Ok(ServerFrame::Greeting(greeting)) => return Ok(greeting),
                    Ok(_) | Err(_) => return Err(Trouble::NotChatspot),
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_) | Err(_)) | None => return Err(Trouble::NotChatspot),
            }
        }
    })
    .await
    .map_err(|_| Trouble::NotChatspot)??;
    // The answer is there; whether the goodbye arrives does not matter.
    let _ = timeout(GREETING_TIMEOUT, (*socket).close(None)).await;
    if greeting.protocol.max < PROTOCOL_MIN {
        return Err(Trouble::RelayTooOld);
    }
    if greeting.protocol.min > PROTOCOL_MAX {
        return Err(Trouble::ClientTooOld);
    }
    Ok((greeting, line))
}

/// Sends one message. False when the connection is no use any more.
pub(crate) async fn send(socket: &mut Socket, message: Message) -> bool {
    matches!(
        timeout(DIAL_TIMEOUT, socket.send(message)).await,
        Ok(Ok(()))
    )
}
