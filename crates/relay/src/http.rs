//! The HTTP side of the relay's port: one request, answered or upgraded. Nothing is kept alive.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use chatspot_protocol::limits::{MAX_HEADER_BYTES, MAX_HEADERS, SOCKET_PATH, SUBPROTOCOL};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::net::TcpStream;

/// What is told to somebody who opens the relay's address in a browser.
const HELLO: &str =
    "This is a ChatSpot relay. Open ChatSpot, choose \"Join by address\" and type this address.\n";

/// A socket that was upgraded to WebSocket.
pub(crate) struct Upgraded {
    /// The socket.
    pub(crate) stream: TcpStream,
    /// What the peer sent right behind its request.
    pub(crate) early: Bytes,
}

/// What became of the one request.
pub(crate) enum Served {
    /// It is a WebSocket now.
    Upgraded(Upgraded),
    /// It has its answer; the socket is still open, so that the answer can arrive.
    Answered {
        /// The socket.
        stream: TcpStream,
        /// What was wrong with the request, if hyper itself refused it.
        broken: Option<hyper::Error>,
    },
}

/// Serves the one request of a fresh connection.
pub(crate) async fn serve(stream: TcpStream, peer: SocketAddr) -> Served {
    let upgraded = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(&request, peer);
        upgraded.store(
            response.status() == StatusCode::SWITCHING_PROTOCOLS,
            Ordering::Relaxed,
        );
        ready(Ok::<_, Infallible>(response))
    });
    // `keep_alive(false)` would write "Connection: Upgrade, close", which clients rightly refuse; so every answer but
    // the upgrade says "close" by itself (see `plain`).
    let mut connection = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let broken = poll_fn(|cx| connection.poll_without_shutdown(cx))
        .await
        .err();
    let parts = connection.into_parts();
    let stream = parts.io.into_inner();
    if broken.is_none() && upgraded.load(Ordering::Relaxed) {
        Served::Upgraded(Upgraded {
            stream,
            early: parts.read_buf,
        })
    } else {
        Served::Answered { stream, broken }
    }
}

fn respond(request: &Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
    let refused = |status, text: &str| {
        let origin = request.headers().get(header::ORIGIN);
        tracing::info!(%peer, %status, ?origin, text, "request refused");
        plain(status, text)
    };
    if request.method() != Method::GET {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "only GET is served here\n");
    }
    match request.uri().path() {
        SOCKET_PATH if request.version() < Version::HTTP_11 => {
            refused(StatusCode::BAD_REQUEST, "WebSocket needs HTTP/1.1\n")
        }
        SOCKET_PATH => match upgrade(request.headers()) {
            Ok(response) => response,
            Err((status, text)) => refused(status, text),
        },
        "/" => plain(StatusCode::OK, HELLO),
        "/health" => plain(StatusCode::OK, "ok\n"),
        _ => refused(StatusCode::NOT_FOUND, "there is nothing here\n"),
    }
}

/// The answer to an upgrade request (RFC 6455, section 4.2).
fn upgrade(headers: &HeaderMap) -> Result<Response<Full<Bytes>>, (StatusCode, &'static str)> {
    // No page is served yet, so every page that dials is somebody else's.
    if headers.contains_key(header::ORIGIN) {
        return Err((
            StatusCode::FORBIDDEN,
            "web pages may not connect to this relay\n",
        ));
    }
    if !has_token(headers, header::UPGRADE, "websocket")
        || !has_token(headers, header::CONNECTION, "upgrade")
    {
        return Err((
            StatusCode::UPGRADE_REQUIRED,
            "this address speaks WebSocket\n",
        ));
    }
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return Err((
            StatusCode::UPGRADE_REQUIRED,
            "this address speaks WebSocket version 13\n",
        ));
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_key(key.as_bytes()));
    let Some(key) = key else {
        return Err((
            StatusCode::BAD_REQUEST,
            "the Sec-WebSocket-Key is not 16 bytes of base64\n",
        ));
    };
    let offers = headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL);
    if offers && !has_token(headers, header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        return Err((
            StatusCode::BAD_REQUEST,
            "this relay speaks the subprotocol chatspot.v1 only\n",
        ));
    }
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let fields = response.headers_mut();
    fields.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    fields.insert(
        header::SEC_WEBSOCKET_ACCEPT,
        accept.expect("base64 is a header value"),
    );
    if offers {
        fields.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
    }
    Ok(response)
}

/// Whether a comma-separated header holds that word, in any case.
fn has_token(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case(word))
}

/// Whether it is the base64 of 16 bytes.
fn is_key(text: &[u8]) -> bool {
    data_encoding::BASE64
        .decode(text)
        .is_ok_and(|bytes| bytes.len() == 16)
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if status == StatusCode::UPGRADE_REQUIRED {
        fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        fields.append(header::CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
    }
    response
}
