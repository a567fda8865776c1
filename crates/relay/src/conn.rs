//! Connections: accepted within limits, encrypted, greeted, and read until they end. Their writing half is the link;
//! how they come into a room is in `entry`, where they can be dialled back in `back`.

mod back;
mod entry;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chatspot_protocol::identity::Channel;
use chatspot_protocol::ids::{ClientId, MemberId, Nonce};
use chatspot_protocol::limits::{
    BAD_SIGNATURES, DEAD_AFTER, LINK_CLOSE_GRACE, MAX_FRAME_BYTES, PING_AFTER,
};
use chatspot_protocol::room::{Broken, Caller, Conn, Place, check_submit};
use chatspot_protocol::wire::{BadFrame, ClientFrame, Problem, Reject, ServerFrame, close};
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::entry::Seat;
use crate::gate::{Gate, Pass};
use crate::http::{Ends, Served};
use crate::hub::{RoomHandle, SharedHub};
use crate::link::{self, Link, Reader};
use crate::names::Over;
use crate::net::{TcpListener, TcpStream, first_byte};
use crate::rates::Frames;
use crate::room::{Input, Word};
use crate::tls::{self, Session};

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
    // Boxed, because it needs far more room than the connection that it becomes.
    let arriving = Box::pin(arrive(stream, peer, &hub));
    let arriving = timeout(hub.config.header_timeout, arriving);
    let arrived =
        tokio::select! { arrived = arriving => arrived, () = hub.stopping.cancelled() => return };
    let arrived = match arrived {
        Ok(Ok(arrived)) => arrived,
        Ok(Err(stream)) => return link::see_off(&stream).await,
        Err(_) => return tracing::info!(%peer, "no complete request in time"),
    };
    crate::net::bound_unsent(&arrived.stream);
    let channel = match &arrived.tls {
        Some(session) if arrived.caller == Caller::App => match session.exporter() {
            Ok(exporter) => Channel::Tls(exporter),
            Err(error) => return tracing::error!(%peer, %error, "nothing to bind a proof to"),
        },
        // A page does not see its own encryption.
        Some(_) | None => Channel::Nonce,
    };
    let link = Link::new(arrived.stream, arrived.tls);
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
    let reader = Reader::new(link.clone(), arrived.early);
    let socket = WebSocketStream::from_raw_socket(reader, Role::Server, Some(config)).await;
    let frames = Frames::new(&hub.config);
    Connection {
        peer,
        hub,
        link,
        socket,
        channel,
        nonce: Nonce([0; 32]),
        caller: arrived.caller,
        place: arrived.place,
        pace: Pace {
            frames,
            address: pass.address(),
            member: None,
            frame_taken: false,
            owed_by_address: 0,
            owed_by_member: 0,
        },
        heard: Instant::now(),
        pinged: false,
        goodbye: false,
    }
    .run(pass, &mut end)
    .await;
}

/// A WebSocket that somebody opened.
struct Arrived {
    stream: TcpStream,
    tls: Option<Session>,
    early: Bytes,
    caller: Caller,
    place: Place,
}

/// Shakes hands where the peer begins so, and reads its request. The socket comes back when that was all.
async fn arrive(
    stream: TcpStream,
    peer: SocketAddr,
    hub: &SharedHub,
) -> Result<Arrived, TcpStream> {
    let local = stream.local_addr().ok();
    let ends = |over| Ends { peer, local, over };
    let told = |broken: Option<String>| {
        if let Some(error) = broken {
            tracing::info!(%peer, error, "broken request");
        }
    };
    match first_byte(&stream).await {
        Ok(Some(tls::FIRST_BYTE)) => {}
        Ok(Some(_)) => {
            return match crate::http::serve(stream, ends(Over::Plain), hub).await {
                Served::Upgraded(upgraded) => Ok(Arrived {
                    stream: upgraded.stream,
                    tls: None,
                    early: upgraded.early,
                    caller: upgraded.caller,
                    place: upgraded.place,
                }),
                Served::Answered { stream, broken } => {
                    told(broken.map(|error| error.to_string()));
                    Err(stream)
                }
            };
        }
        Ok(None) | Err(_) => return Err(stream),
    }
    let encrypted = hub.tls.accept(stream).await.map_err(|(error, stream)| {
        tracing::info!(%peer, %error, "no encryption was agreed on");
        stream
    })?;
    match crate::http::serve(encrypted, ends(Over::Tls), hub).await {
        Served::Upgraded(upgraded) => {
            let (stream, session) = tls::apart(upgraded.stream);
            Ok(Arrived {
                stream,
                tls: Some(session),
                early: upgraded.early,
                caller: upgraded.caller,
                place: upgraded.place,
            })
        }
        Served::Answered { mut stream, broken } => {
            told(broken.map(|error| error.to_string()));
            // The goodbye of the encryption. Whoever is gone needs none.
            let _ = stream.shutdown().await;
            Err(tls::apart(stream).0)
        }
    }
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
    channel: Channel,
    nonce: Nonce,
    caller: Caller,
    place: Place,
    pace: Pace,
    heard: Instant,
    /// Whether a ping went out since.
    pinged: bool,
    /// Whether the peer sent its close frame: then there is nothing more to wait for.
    goodbye: bool,
}

/// How fast a connection may be read.
struct Pace {
    frames: Frames,
    address: IpAddr,
    /// Known from the hello on.
    member: Option<MemberId>,
    /// Whether the next frame has its token.
    frame_taken: bool,
    /// Bytes that were read and are not counted yet.
    owed_by_address: usize,
    owed_by_member: usize,
}

/// What came of waiting for a message.
enum Heard {
    Text(Utf8Bytes),
    /// Over; the close frame is sent where one is due.
    Ended(Broken),
}

/// What comes first.
enum Next {
    Word(Word),
    Heard(Heard),
}

impl Connection {
    async fn run(mut self, mut pass: Pass, end: &mut EndOfLink) {
        let Some(mut seat) = self.enter().await else {
            return self.drain().await;
        };
        pass.authenticated();
        end.seat = Some((seat.conn, seat.room.clone()));
        let link = self.link.clone();
        let how = loop {
            let next = tokio::select! {
                biased;
                Some(word) = seat.words.recv() => Next::Word(word),
                // Until the room has said something, nothing is read: what a hasty client sends along waits.
                heard = self.next(), if seat.answered => Next::Heard(heard),
                () = link.ended(), if !seat.answered => Next::Heard(Heard::Ended(Broken::Cut)),
            };
            let done = match next {
                Next::Word(word) => self.told(word, &mut seat, &mut pass).await,
                Next::Heard(Heard::Text(text)) => self.frame(&text, &mut seat, &mut pass).await,
                Next::Heard(Heard::Ended(how)) => Err(how),
            };
            if let Err(how) = done {
                break how;
            }
        };
        end.seat = None;
        // The room may be gone already; then it knows.
        let conn = seat.conn;
        let _ = seat.room.inbox.send(Input::Broken { conn, how }).await;
        self.drain().await;
    }

    /// A text of somebody whose hello was good.
    async fn frame(&mut self, text: &str, seat: &mut Seat, pass: &mut Pass) -> Result<(), Broken> {
        // Whoever answers a late welcome was let in, even where we have not heard of it.
        while let Ok(word) = seat.words.try_recv() {
            self.told(word, seat, pass).await?;
        }
        let frame = match ClientFrame::decode(text) {
            Ok(frame) => frame,
            Err(bad) => {
                self.complain(bad.problem(), brief(&bad));
                return Ok(());
            }
        };
        #[cfg(test)]
        tests::panic_on_word(&frame);
        match &frame {
            ClientFrame::PasscodeStart { .. } | ClientFrame::PasscodeFinish { .. } => {
                let message = "nobody asked for a passcode".to_owned();
                self.complain(Problem::OutOfTurn, message);
                return Ok(());
            }
            ClientFrame::Leave if !seat.admitted => {
                self.link.close(close::NORMAL);
                return Err(Broken::Cut);
            }
            _ if !seat.admitted => {
                let message = "you are not in the room yet".to_owned();
                self.complain(Problem::OutOfTurn, message);
                return Ok(());
            }
            ClientFrame::Submit(signed) => {
                if let Err(code) = check_submit(signed, &seat.id, &seat.member, &seat.name) {
                    return self.reject(signed.submission.id(), code, seat);
                }
            }
            ClientFrame::Rename { name } => seat.name = name.clone(),
            ClientFrame::Hello(_)
            | ClientFrame::Fetch { .. }
            | ClientFrame::Typing { .. }
            | ClientFrame::Leave
            | ClientFrame::Door(_)
            | ClientFrame::Compare { .. }
            | ClientFrame::Introduce { .. }
            | ClientFrame::DialBack { .. }
            | ClientFrame::DialledBack { .. } => {}
        }
        let conn = seat.conn;
        let input = match frame {
            ClientFrame::DialBack { member, room, port } => Input::DialBack {
                conn,
                whom: member,
                about: room,
                address: back::address(self.peer, self.place, self.caller, port),
            },
            frame => Input::Frame { conn, frame },
        };
        let sent = seat.room.inbox.send(input).await;
        sent.map_err(|_| Broken::Cut)
    }

    /// What is signed wrongly never reaches the room.
    fn reject(&self, id: ClientId, code: Reject, seat: &mut Seat) -> Result<(), Broken> {
        seat.bad_signatures += 1;
        tracing::info!(peer = %self.peer, member = %seat.member, ?code, "submission refused");
        self.link.push(link::encode(&ServerFrame::Rejected {
            id,
            code,
            message: "the signature does not fit".to_owned(),
            wait: None,
        }));
        if seat.bad_signatures < BAD_SIGNATURES {
            return Ok(());
        }
        self.link.close(close::UNAUTHENTICATED);
        Err(Broken::Cut)
    }

    fn complain(&self, code: Problem, message: String) {
        tracing::debug!(peer = %self.peer, ?code, message, "bad frame");
        let frame = ServerFrame::Error { code, message };
        self.link.push(link::encode(&frame));
    }

    /// Whether the next message may be read, or in how long.
    fn may_read(&mut self) -> Result<(), Duration> {
        let read = self.socket.get_mut().take_read();
        let (pace, rates) = (&mut self.pace, &self.hub.rates);
        pace.owed_by_address += read;
        rates.of_address(pace.address, pace.owed_by_address)?;
        pace.owed_by_address = 0;
        if let Some(member) = pace.member {
            pace.owed_by_member += read;
            rates.of_member(member, pace.owed_by_member)?;
            pace.owed_by_member = 0;
        }
        if !pace.frame_taken {
            pace.frames.take()?;
            pace.frame_taken = true;
        }
        Ok(())
    }

    /// The next text, while the heartbeat is kept and the rates are held: what comes too fast is read later.
    async fn next(&mut self) -> Heard {
        loop {
            while let Err(wait) = self.may_read() {
                tokio::select! {
                    () = sleep(wait) => {}
                    () = self.link.ended() => return Heard::Ended(Broken::Cut),
                }
                // It is we who do not listen.
                self.heard = Instant::now();
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
            self.pace.frame_taken = false;
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
                    self.complain(Problem::NotText, "frames are text".to_owned());
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

/// What is wrong with a frame, in a length that can be sent back.
fn brief(bad: &BadFrame) -> String {
    chatspot_protocol::text::cut(&bad.to_string(), 200).to_owned()
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

#[cfg(test)]
mod tests;
