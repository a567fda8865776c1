//! Connections: accepted within limits, greeted, and read until they end. Their writing half is the link.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chatspot_protocol::ids::Nonce;
use chatspot_protocol::limits::{
    DEAD_AFTER, LINK_CLOSE_GRACE, MAX_FRAME_BYTES, MAX_SOFTWARE_BYTES, PING_AFTER, PROTOCOL_MAX,
    PROTOCOL_MIN,
};
use chatspot_protocol::room::{Broken, Conn, check_hello};
use chatspot_protocol::wire::{
    BadFrame, ClientFrame, Greeting, Hello, Problem, ServerFrame, Versions, close,
};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::SOFTWARE;
use crate::gate::{Gate, Pass};
use crate::http::Served;
use crate::hub::{RoomHandle, SharedHub};
use crate::link::{self, Link, Reader};
use crate::net::{TcpListener, TcpStream};
use crate::room::Input;

/// tungstenite's default of 128 KiB would be most of a connection's memory.
const READ_BUFFER: usize = 4 * 1024;
/// After an accept that failed for want of file handles, before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

type Socket = WebSocketStream<Reader>;

/// Accepts until the relay ends.
pub(crate) async fn accept(
    listener: TcpListener,
    hub: SharedHub,
    gate: Arc<Gate>,
    tasks: TaskTracker,
    end: CancellationToken,
) {
    loop {
        let accepted = tokio::select! { accepted = listener.accept() => accepted, () = hub.stopping.cancelled() => return };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(pass) = gate.admit(peer.ip()) else {
            tracing::info!(%peer, "too many connections, turned away");
            continue;
        };
        let (hub, end) = (hub.clone(), end.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = serve(stream, peer, hub, pass) => {}
                () = end.cancelled() => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, hub: SharedHub, pass: Pass) {
    // Small frames should leave at once; where the system cannot, they leave a little later.
    let _ = stream.set_nodelay(true);
    let request = timeout(hub.config.header_timeout, crate::http::serve(stream, peer));
    let served =
        tokio::select! { served = request => served, () = hub.stopping.cancelled() => return };
    let upgraded = match served {
        Ok(Served::Upgraded(upgraded)) => upgraded,
        Ok(Served::Answered { stream, broken }) => {
            if let Some(error) = broken {
                tracing::info!(%peer, %error, "broken request");
            }
            return link::see_off(&stream).await;
        }
        Err(_) => return tracing::info!(%peer, "no complete request in time"),
    };
    crate::net::bound_unsent(&upgraded.stream);
    let link = Link::new(upgraded.stream);
    let mut end = EndOfLink {
        link: link.clone(),
        seat: None,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_FRAME_BYTES)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
        .accept_unmasked_frames(false);
    let reader = Reader::new(link.clone(), upgraded.early);
    let socket = WebSocketStream::from_raw_socket(reader, Role::Server, Some(config)).await;
    let bucket = Bucket::new(hub.config.frames_per_second, hub.config.frames_burst);
    Connection {
        peer,
        hub,
        link,
        socket,
        bucket,
        heard: Instant::now(),
        pinged: false,
        goodbye: false,
    }
    .run(pass, &mut end)
    .await;
}

/// Ends the socket when its task ends, however it ends: a panic must not leave a half-open one behind, nor a member who
/// seems to be there.
struct EndOfLink {
    link: Arc<Link>,
    /// Set while the connection is in a room.
    seat: Option<(Conn, RoomHandle)>,
}

impl Drop for EndOfLink {
    fn drop(&mut self) {
        self.link.kill();
        if let Some((conn, room)) = self.seat.take() {
            // Only a panic comes here seated. When the inbox is full, the room learns it with its next broadcast.
            let how = Broken::Cut;
            let _ = room.inbox.try_send(Input::Broken { conn, how });
        }
    }
}

struct Connection {
    peer: SocketAddr,
    hub: SharedHub,
    link: Arc<Link>,
    socket: Socket,
    bucket: Bucket,
    heard: Instant,
    /// Whether a ping went out since.
    pinged: bool,
    /// Whether the peer sent its close frame: then there is nothing more to wait for.
    goodbye: bool,
}

/// What came of waiting for a message.
enum Heard {
    Text(Utf8Bytes),
    /// Over; the close frame is sent where one is due.
    Ended(Broken),
}

impl Connection {
    async fn run(mut self, mut pass: Pass, end: &mut EndOfLink) {
        let Some((conn, room)) = self.enter().await else {
            return self.drain().await;
        };
        pass.authenticated();
        end.seat = Some((conn, room.clone()));
        let how = loop {
            match self.next().await {
                Heard::Ended(how) => break how,
                Heard::Text(text) => {
                    let frame = match ClientFrame::decode(&text) {
                        Ok(frame) => frame,
                        Err(bad) => {
                            self.complain(&bad);
                            continue;
                        }
                    };
                    #[cfg(test)]
                    tests::panic_on_word(&frame);
                    if room.inbox.send(Input::Frame { conn, frame }).await.is_err() {
                        break Broken::Cut;
                    }
                }
            }
        };
        end.seat = None;
        // The room may be gone already; then it knows.
        let _ = room.inbox.send(Input::Broken { conn, how }).await;
        self.drain().await;
    }

    /// From the greeting to the room, or None when it came to nothing.
    async fn enter(&mut self) -> Option<(Conn, RoomHandle)> {
        let mut nonce = Nonce([0; 32]);
        if let Err(error) = getrandom::fill(&mut nonce.0) {
            tracing::error!(%error, "no random bytes");
            self.link.close(close::INTERNAL);
            return None;
        }
        let greeting = Greeting {
            protocol: Versions {
                min: PROTOCOL_MIN,
                max: PROTOCOL_MAX,
            },
            software: SOFTWARE.to_owned(),
            nonce,
            rooms: self.hub.summaries(),
        };
        self.link
            .push(link::encode(&ServerFrame::Greeting(greeting)));
        let (patience, stopping) = (self.hub.config.hello_timeout, self.hub.stopping.clone());
        let heard = tokio::select! {
            heard = timeout(patience, self.next()) => heard,
            () = stopping.cancelled() => {
                self.link.close(close::RELAY_STOPPING);
                return None;
            }
        };
        let Ok(heard) = heard else {
            tracing::info!(peer = %self.peer, "no hello in time");
            self.link.close(close::HELLO_TIMEOUT);
            return None;
        };
        let Heard::Text(text) = heard else {
            return None;
        };
        let hello = match read_hello(&text) {
            Ok(hello) => hello,
            Err((problem, message)) => {
                return self.refuse(problem, close_code(problem), &message);
            }
        };
        if let Err((problem, code)) = check_hello(&hello, &nonce) {
            return self.refuse(problem, code, "the hello was refused");
        }
        let Some(room) = self.hub.find(hello.room) else {
            return self.refuse(
                Problem::NoSuchRoom,
                close::NO_SUCH_ROOM,
                "this relay does not host that room",
            );
        };
        let conn = self.hub.next_conn();
        let software = chatspot_protocol::text::cut(&hello.software, MAX_SOFTWARE_BYTES);
        tracing::debug!(peer = %self.peer, ?conn, member = %hello.member, software, "hello");
        let join = Input::Join {
            conn,
            hello: Box::new(hello),
            link: self.link.clone(),
        };
        if room.inbox.send(join).await.is_err() {
            // It closed between the look-up and now.
            return self.refuse(
                Problem::NoSuchRoom,
                close::NO_SUCH_ROOM,
                "this relay does not host that room any more",
            );
        }
        Some((conn, room))
    }

    fn refuse<T>(&self, code: Problem, close: u16, message: &str) -> Option<T> {
        tracing::info!(peer = %self.peer, ?code, "hello refused");
        self.link.push(link::encode(&ServerFrame::Error {
            code,
            message: message.to_owned(),
        }));
        self.link.close(close);
        None
    }

    fn complain(&self, bad: &BadFrame) {
        let message = brief(bad);
        tracing::debug!(peer = %self.peer, message, "bad frame");
        self.link.push(link::encode(&ServerFrame::Error {
            code: bad.problem(),
            message,
        }));
    }

    /// The next text, while the heartbeat is kept and the rate is held.
    async fn next(&mut self) -> Heard {
        loop {
            if let Some(ready) = self.bucket.take(Instant::now()) {
                sleep_until(ready).await;
            }
            let message = tokio::select! {
                message = self.socket.next() => message,
                () = self.link.ended() => return Heard::Ended(Broken::Cut),
                () = sleep_until(self.heard + PING_AFTER), if !self.pinged => {
                    self.pinged = true;
                    self.link.push(ping());
                    continue;
                }
                () = sleep_until(self.heard + DEAD_AFTER) => {
                    tracing::info!(peer = %self.peer, "silent for too long");
                    self.link.close(close::SILENT);
                    return Heard::Ended(Broken::Silent);
                }
            };
            self.heard = Instant::now();
            self.pinged = false;
            match message {
                Some(Ok(Message::Text(text))) => {
                    self.socket.get_mut().message_ended();
                    return Heard::Text(text);
                }
                Some(Ok(Message::Ping(payload) | Message::Pong(payload))) => {
                    self.socket.get_mut().control_ended(payload.len());
                }
                // Only ever written, never read.
                Some(Ok(Message::Frame(_))) => {}
                Some(Ok(Message::Binary(_))) => {
                    let message = "frames are text".to_owned();
                    self.link.push(link::encode(&ServerFrame::Error {
                        code: Problem::NotText,
                        message,
                    }));
                    self.link.close(close::NOT_TEXT);
                    return Heard::Ended(Broken::Cut);
                }
                Some(Ok(Message::Close(frame))) => {
                    // Answered here and not by tungstenite, so that the room writes nothing behind it.
                    self.goodbye = true;
                    self.link
                        .close(frame.map_or(close::NORMAL, |frame| frame.code.into()));
                    return Heard::Ended(Broken::Cut);
                }
                None => return Heard::Ended(Broken::Cut),
                Some(Err(error)) => {
                    if let Some(code) = code_of(&error) {
                        tracing::info!(peer = %self.peer, %error, code, "broken frame");
                        self.link.close(code);
                    }
                    return Heard::Ended(Broken::Cut);
                }
            }
        }
    }

    /// Reads on for a moment, so that the peer gets our close frame before the system resets the connection.
    async fn drain(self) {
        let Self {
            link,
            mut socket,
            goodbye,
            ..
        } = self;
        if goodbye {
            return;
        }
        let farewell = async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Close(_))) => return,
                    Some(Ok(_)) => {}
                    // tungstenite reads nothing more after an error, but the peer may still be sending.
                    Some(Err(_)) | None => return link.discard().await,
                }
            }
        };
        // Whoever does not close in time is cut.
        let _ = timeout(LINK_CLOSE_GRACE, farewell).await;
    }
}

fn read_hello(text: &str) -> Result<Hello, (Problem, String)> {
    match ClientFrame::decode(text) {
        Ok(ClientFrame::Hello(hello)) => Ok(*hello),
        Ok(_) => Err((
            Problem::OutOfTurn,
            "the first frame has to be a hello".to_owned(),
        )),
        // A hello of another version need not have this version's shape: look at the number alone.
        Err(_) if names_other_version(text) => Err((
            Problem::Version,
            "this relay does not speak that version".to_owned(),
        )),
        Err(bad) => Err((bad.problem(), brief(&bad))),
    }
}

/// What is wrong with a frame, in a length that can be sent back.
fn brief(bad: &BadFrame) -> String {
    chatspot_protocol::text::cut(&bad.to_string(), 200).to_owned()
}

fn names_other_version(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Version {
        protocol: u32,
    }
    serde_json::from_str::<Version>(text)
        .is_ok_and(|hello| !(PROTOCOL_MIN..=PROTOCOL_MAX).contains(&hello.protocol))
}

fn close_code(problem: Problem) -> u16 {
    if problem == Problem::Version {
        close::VERSION
    } else {
        close::BAD_HELLO
    }
}

/// The close code for what tungstenite refused (RFC 6455, section 7.4.1). None when there is nobody left to tell.
fn code_of(error: &Error) -> Option<u16> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(close::TOO_BIG),
        Error::Io(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            Some(close::TOO_BIG)
        }
        Error::Utf8(_) => Some(close::NOT_UTF8),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        _ => Some(close::PROTOCOL),
    }
}

fn ping() -> Bytes {
    let mut bytes = BytesMut::new();
    link::put(&mut bytes, Frame::ping(Vec::new()));
    bytes.freeze()
}

/// A token bucket over received frames. Faster ones are read later: the sender's socket fills, nothing is lost.
struct Bucket {
    each: Duration,
    burst: u32,
    /// When the bucket will be full again.
    full_at: Instant,
}

impl Bucket {
    fn new(per_second: u32, burst: u32) -> Self {
        Self {
            each: Duration::from_secs(1) / per_second.max(1),
            burst: burst.max(1),
            full_at: Instant::now(),
        }
    }

    /// Takes a token. Some when it is there only later.
    fn take(&mut self, now: Instant) -> Option<Instant> {
        self.full_at = self.full_at.max(now) + self.each;
        let ready = self.full_at.checked_sub(self.each * self.burst)?;
        (ready > now).then_some(ready)
    }
}

#[cfg(test)]
mod tests {
    use chatspot_protocol::event::{Body, Submission};
    use chatspot_protocol::identity::{Identity, RoomKey};
    use chatspot_protocol::ids::{ClientId, MemberId};
    use chatspot_protocol::limits::HEAD_EVERY;
    use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
    use chatspot_protocol::wire::Presence;
    use futures_util::SinkExt;

    use super::*;
    use crate::{Relay, RelayConfig, RoomSpec, Store};

    /// The message that makes its connection's task panic.
    const WORD: &str = "please panic";
    /// Below [`HEAD_EVERY`]: what a room learns only with its next broadcast comes too late.
    const PATIENCE: Duration = Duration::from_secs(15);
    const _: () = assert!(PATIENCE.as_secs() < HEAD_EVERY.as_secs());

    pub(super) fn panic_on_word(frame: &ClientFrame) {
        if let ClientFrame::Submit(submission) = frame
            && let Body::Message { text, .. } = submission.body()
        {
            assert!(text.as_str() != WORD, "as the test asked");
        }
    }

    struct Peer {
        socket: WebSocketStream<TcpStream>,
        member: MemberId,
    }

    impl Peer {
        async fn join(relay: &Relay, room: &RoomKey, secret: u8) -> Self {
            let identity = Identity::from_secret(&[secret; 32]);
            let member = identity.member();
            let stream = TcpStream::connect(relay.address()).await.unwrap();
            let url = format!("ws://{}/ws", relay.address());
            let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
            let mut peer = Self { socket, member };
            let ServerFrame::Greeting(greeting) = peer.next().await.unwrap() else {
                panic!("no greeting");
            };
            peer.send(&ClientFrame::Hello(Box::new(Hello {
                protocol: PROTOCOL_MAX,
                room: room.id(),
                member,
                name: DisplayName::parse("Peer").unwrap(),
                signature: identity.sign_hello(&greeting.nonce, &room.id()),
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
            self.send(&ClientFrame::Submit(message)).await;
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
            RelayConfig::default(),
            Store::in_memory().unwrap(),
        )
        .unwrap();
        let key = RoomKey::from_secret(&[1; 32]);
        relay
            .open(RoomSpec {
                key: key.clone(),
                name: RoomName::parse("Lab").unwrap(),
                host: None,
                retention: None,
            })
            .unwrap();
        let mut unlucky = Peer::join(&relay, &key, 2).await;
        let mut other = Peer::join(&relay, &key, 3).await;
        unlucky.say(WORD).await;
        // Without anybody saying anything.
        let (gone, shown) = (unlucky.member, other_id(3));
        other
            .until(|frame| {
                matches!(frame, ServerFrame::Presence { member, presence: Presence::Away, .. } if *member == gone)
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

    fn other_id(secret: u8) -> MemberId {
        Identity::from_secret(&[secret; 32]).member()
    }

    #[test]
    fn f21_a_bucket_gives_a_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(10, 3);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(bucket.take(start), None);
        }
        assert_eq!(bucket.take(start), Some(start + Duration::from_millis(100)));
        assert_eq!(bucket.take(start), Some(start + Duration::from_millis(200)));
        let later = start + Duration::from_secs(10);
        for _ in 0..3 {
            assert_eq!(bucket.take(later), None, "full again, and no fuller");
        }
        assert!(bucket.take(later).is_some());
    }
}
