//! The HTTP side of the relay's port: one request, answered or upgraded. Nothing is kept alive.
//!
//! A request has to call the relay by one of its names, or a page could make its own name mean this relay; and one that
//! comes from a page has to come from the relay's own, or from one that its owner allowed.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::net::SocketAddr;
use std::sync::OnceLock;

use chatspot_protocol::limits::{MAX_HEADER_BYTES, MAX_HEADERS, SOCKET_PATH, SUBPROTOCOL};
use chatspot_protocol::room::{Caller, Place};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::Plain;
use crate::hub::Hub;
use crate::names::{Origin, Over};

/// What is told to somebody who opens the relay's address in a browser.
const HELLO: &str =
    "This is a ChatSpot relay. Open ChatSpot, choose \"Join by address\" and type this address.\n";
/// Headers that proxies add.
const FORWARDED: [HeaderName; 2] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
];
/// What browsers ask before a page from the internet talks to something on the local network.
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// A socket that was upgraded to WebSocket.
pub(crate) struct Upgraded<S> {
    /// The socket.
    pub(crate) stream: S,
    /// What the peer sent right behind its request.
    pub(crate) early: Bytes,
    /// What it comes from.
    pub(crate) caller: Caller,
    /// And from where.
    pub(crate) place: Place,
}

/// What became of the one request.
pub(crate) enum Served<S> {
    /// It is a WebSocket now.
    Upgraded(Upgraded<S>),
    /// It has its answer; the socket is still open, so that the answer can arrive.
    Answered {
        /// The socket.
        stream: S,
        /// What was wrong with the request, if hyper itself refused it.
        broken: Option<hyper::Error>,
    },
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    /// This side's, if the system knows it.
    pub(crate) local: Option<SocketAddr>,
    pub(crate) over: Over,
}

/// Serves the one request of a fresh connection.
pub(crate) async fn serve<S>(stream: S, ends: Ends, hub: &Hub) -> Served<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let upgraded = OnceLock::new();
    let service = service_fn(|request: Request<Incoming>| {
        let asked = Asked {
            headers: request.headers(),
            ends,
            hub,
        };
        let response = asked.respond(&request);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // There is only one request.
            let _ = upgraded.set((asked.caller(), asked.place()));
        }
        ready(Ok::<_, Infallible>(response))
    });
    // `keep_alive(false)` would write "Connection: Upgrade, close", which clients rightly refuse; so every answer but
    // the upgrade says "close" by itself (see `answer`).
    let mut connection = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let broken = poll_fn(|cx| connection.poll_without_shutdown(cx))
        .await
        .err();
    let parts = connection.into_parts();
    let stream = parts.io.into_inner();
    match upgraded.get().copied() {
        Some((caller, place)) if broken.is_none() => Served::Upgraded(Upgraded {
            stream,
            early: parts.read_buf,
            caller,
            place,
        }),
        _ => Served::Answered { stream, broken },
    }
}

type Answer = Response<Full<Bytes>>;
/// A status other than 200, and why.
type Refusal = (StatusCode, &'static str);

/// A request on its connection.
struct Asked<'a> {
    headers: &'a HeaderMap,
    ends: Ends,
    hub: &'a Hub,
}

impl Asked<'_> {
    fn respond(&self, request: &Request<Incoming>) -> Answer {
        let mut response = self.answer(request).unwrap_or_else(|(status, text)| {
            let Ends { peer, over, .. } = self.ends;
            let origin = self.headers.get(header::ORIGIN);
            let host = self.headers.get(header::HOST);
            tracing::info!(%peer, ?over, %status, ?origin, ?host, text, "request refused");
            let mut refusal = plain(text);
            *refusal.status_mut() = status;
            refusal
        });
        let is_allowed = self.origin().is_some_and(|origin| origin.is_ok());
        let fields = response.headers_mut();
        if is_allowed && let Some(origin) = self.headers.get(header::ORIGIN) {
            fields.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        guard(&mut response);
        response
    }

    fn answer(&self, request: &Request<Incoming>) -> Result<Answer, Refusal> {
        let path = request.uri().path();
        let target = request
            .uri()
            .authority()
            .map(hyper::http::uri::Authority::as_str);
        if let Some(Err(refusal)) = self.origin() {
            self.called_right(target)?;
            return Err(refusal);
        }
        // An app says by what name it found the relay, which may be any that its network knows; it knows the relay by
        // its key. A page always has an origin, and does not get through the relay's own encryption unseen.
        let is_app = path == SOCKET_PATH && self.caller() == Caller::App;
        if !(is_app && self.ends.over == Over::Tls) {
            self.called_right(target)?;
        }
        if request.method() == Method::OPTIONS && self.caller() == Caller::Page {
            return Ok(self.preflight());
        }
        if request.method() != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "only GET is served here\n"));
        }
        match path {
            SOCKET_PATH if request.version() < Version::HTTP_11 => {
                Err((StatusCode::BAD_REQUEST, "WebSocket needs HTTP/1.1\n"))
            }
            SOCKET_PATH if self.ends.over == Over::Plain && self.hub.config.plain == Plain::Off => {
                Err((
                    StatusCode::FORBIDDEN,
                    "this relay takes encrypted connections only\n",
                ))
            }
            SOCKET_PATH => upgrade(self.headers),
            "/" => Ok(plain(HELLO)),
            "/health" => Ok(plain("ok\n")),
            "/rooms" => Ok(self.rooms()),
            _ => Err((StatusCode::NOT_FOUND, "there is nothing here\n")),
        }
    }

    fn host(&self) -> Result<&str, Refusal> {
        let mut hosts = self.headers.get_all(header::HOST).iter();
        match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
            (Some(Ok(host)), None) => Ok(host),
            _ => Err((StatusCode::BAD_REQUEST, "one Host has to be named\n")),
        }
    }

    /// Whether the request calls the relay by a name that is its own.
    fn called_right(&self, target: Option<&str>) -> Result<(), Refusal> {
        let host = self.host()?;
        let is_own = |host| self.hub.names.is_own(host, self.ends.local);
        if is_own(host) && target.is_none_or(is_own) {
            Ok(())
        } else {
            Err((
                StatusCode::MISDIRECTED_REQUEST,
                "this relay is not called that\n",
            ))
        }
    }

    /// Whether the page that this comes from may talk to the relay; none when no page says so.
    fn origin(&self) -> Option<Result<(), Refusal>> {
        let mut origins = self.headers.get_all(header::ORIGIN).iter();
        let origin = origins.next()?;
        let judged = match (origin.to_str(), self.host(), origins.next()) {
            (Ok(origin), Ok(host), None) => self.hub.names.judge(origin, host, self.ends.over),
            _ => Origin::Foreign,
        };
        Some(match judged {
            Origin::Welcome => Ok(()),
            Origin::Foreign => Err((
                StatusCode::FORBIDDEN,
                "this page may not talk to this relay\n",
            )),
        })
    }

    fn caller(&self) -> Caller {
        if self.headers.contains_key(header::ORIGIN) {
            Caller::Page
        } else {
            Caller::App
        }
    }

    fn place(&self) -> Place {
        let forwarded = FORWARDED.iter().any(|name| self.headers.contains_key(name));
        let Ends { peer, over, .. } = self.ends;
        self.hub.names.place(peer.ip(), over, forwarded)
    }

    /// What a page from elsewhere may do (Fetch standard, CORS-preflight).
    fn preflight(&self) -> Answer {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let fields = response.headers_mut();
        let get = HeaderValue::from_static("GET");
        fields.insert(header::ACCESS_CONTROL_ALLOW_METHODS, get);
        if self.headers.contains_key(ASKS_PRIVATE) {
            fields.insert(ALLOWS_PRIVATE, HeaderValue::from_static("true"));
        }
        response
    }

    fn rooms(&self) -> Answer {
        let rooms = serde_json::to_vec(&self.hub.listed())
            .expect("summaries have string keys only, so they are always JSON");
        let mut response = Response::new(Full::new(Bytes::from(rooms)));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

/// The answer to an upgrade request (RFC 6455, section 4.2).
fn upgrade(headers: &HeaderMap) -> Result<Answer, Refusal> {
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

fn plain(text: &str) -> Answer {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// What every answer says: that it is the last one, and that browsers take it for nothing else than it is.
fn guard(response: &mut Answer) {
    let status = response.status();
    let fields = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::VARY, "Origin"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if status == StatusCode::UPGRADE_REQUIRED {
        fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        fields.append(header::CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
    }
}
