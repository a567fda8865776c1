//! The writing half of a connection: written at once where the socket takes it, queued within a bound where not.
//!
//! The room task and the connection's own task both write here. A writer task exists only while the socket blocks. What
//! waits is plaintext, shared by all links; under TLS a record at a time is encrypted when the socket takes it.

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use chatspot_protocol::limits::{LINK_CLOSE_GRACE, LINK_QUEUE_BYTES, MAX_RAW_MESSAGE_BYTES};
use chatspot_protocol::wire::{ServerFrame, close};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_util::sync::CancellationToken;

use crate::net::{self, AtOnce, TcpStream};
use crate::tls::Session;

/// Header and mask of a control frame by a client.
const CONTROL_HEADER: usize = 6;

/// What is read and dropped of a peer that is being sent away: what its system had buffered, not what a flood brings.
const DISCARD_BYTES: usize = 1024 * 1024;

/// Appends a server frame, as one WebSocket text frame, to a batch.
pub(crate) fn encode_into(batch: &mut BytesMut, frame: &ServerFrame) {
    put(
        batch,
        Frame::message(frame.encode(), OpCode::Data(Data::Text), true),
    );
}

/// A server frame as the bytes of one WebSocket text frame.
pub(crate) fn encode(frame: &ServerFrame) -> Bytes {
    let mut bytes = BytesMut::new();
    encode_into(&mut bytes, frame);
    bytes.freeze()
}

pub(crate) fn put(batch: &mut BytesMut, frame: Frame) {
    let mut bytes = Vec::with_capacity(frame.len());
    frame
        .format(&mut bytes)
        .expect("writing into memory cannot fail");
    batch.extend_from_slice(&bytes);
}

fn close_frame(code: u16) -> Bytes {
    let mut bytes = BytesMut::new();
    put(
        &mut bytes,
        Frame::close(Some(CloseFrame {
            code: code.into(),
            reason: "".into(),
        })),
    );
    bytes.freeze()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The close frame is the last thing in the queue.
    Closing,
    /// Nothing is written any more.
    Dead,
}

#[derive(Debug)]
struct Out {
    state: State,
    /// The encryption, if this link has one. Here because whoever reads uses it, too.
    tls: Option<Session>,
    /// Whole WebSocket frames, but for the first chunk, which may be partly written.
    queue: VecDeque<Bytes>,
    queued: usize,
    /// Whether the peer was told that nothing more comes.
    told_end: bool,
    /// Whether a writer task is running.
    writer: bool,
}

/// The writing half of a connection.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    /// A lock because two tasks write; never held across an await.
    out: Mutex<Out>,
    /// Cancelled when the link stops being open.
    ended: CancellationToken,
}

impl Link {
    pub(crate) fn new(stream: TcpStream, tls: Option<Session>) -> Arc<Self> {
        let out = Out {
            state: State::Open,
            tls,
            queue: VecDeque::new(),
            queued: 0,
            told_end: false,
            writer: false,
        };
        Arc::new(Self {
            stream,
            out: Mutex::new(out),
            ended: CancellationToken::new(),
        })
    }

    /// Writes whole frames, now or as soon as the socket takes them. False when the link is not open any more.
    ///
    /// Beyond [`LINK_QUEUE_BYTES`] the peer is cut with 1013: it reads too slowly, and may resume.
    pub(crate) fn push(self: &Arc<Self>, frames: Bytes) -> bool {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.state != State::Open {
            return false;
        }
        out.enqueue(frames);
        self.write(&mut out);
        if out.queued > LINK_QUEUE_BYTES {
            tracing::info!(queued = out.queued, "member reads too slowly, cut");
            // The first chunk may be half written: its rest has to follow, or the close frame is not understood.
            out.queue.truncate(1);
            out.queued = out.queue.front().map_or(0, Bytes::len);
            self.finish(&mut out, close::TRY_LATER);
        }
        self.keep_writing(&mut out);
        true
    }

    /// Writes a frame if nothing else waits; else it is lost.
    pub(crate) fn offer(self: &Arc<Self>, frame: &Bytes) {
        let waits = {
            let out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
            out.waits()
        };
        if !waits {
            self.push(frame.clone());
        }
    }

    /// Says goodbye with this code; nothing else is written afterwards.
    pub(crate) fn close(self: &Arc<Self>, code: u16) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.state == State::Open {
            self.finish(&mut out, code);
            self.keep_writing(&mut out);
        }
    }

    /// Ends the socket at once.
    pub(crate) fn kill(&self) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.die();
        self.ended.cancel();
        // Both halves: a reader or writer that waits on it wakes up.
        net::shutdown(&self.stream, Shutdown::Both);
    }

    /// Takes what the peer still sends, up to a bound, and drops it. Ends when the peer has closed.
    pub(crate) async fn discard(&self) {
        discard(&self.stream).await;
    }

    /// Waits until the link is closing or dead.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    fn finish(&self, out: &mut Out, code: u16) {
        out.enqueue(close_frame(code));
        out.state = State::Closing;
        self.write(out);
        self.ended.cancel();
    }

    /// Writes what the socket takes now.
    fn write(&self, out: &mut Out) {
        match self.write_some(out) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => {
                out.die();
                self.ended.cancel();
            }
        }
    }

    fn write_some(&self, out: &mut Out) -> io::Result<()> {
        loop {
            if let Some(tls) = &mut out.tls {
                tls.send(&mut AtOnce(&self.stream))?;
            }
            let Some(chunk) = out.queue.front_mut() else {
                match &mut out.tls {
                    Some(tls) if out.state == State::Closing && !out.told_end => {
                        out.told_end = true;
                        tls.end();
                        continue;
                    }
                    _ => return Ok(()),
                }
            };
            let written = match &mut out.tls {
                Some(tls) => tls.seal(chunk)?,
                None => self.stream.try_write(chunk)?,
            };
            chunk.advance(written);
            if chunk.is_empty() {
                out.queue.pop_front();
            }
            out.queued -= written;
        }
    }

    fn keep_writing(self: &Arc<Self>, out: &mut Out) {
        if out.waits() && !out.writer {
            out.writer = true;
            tokio::spawn(self.clone().write_later());
        }
    }

    /// Reads what was decrypted already. `WouldBlock` when there is nothing.
    fn read_opened(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut out.tls {
            Some(tls) => tls.open(into),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Reads what came, decrypted where it has to be. `WouldBlock` when there is nothing.
    fn read(self: &Arc<Self>, into: &mut [u8]) -> io::Result<usize> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.tls.is_none() {
            drop(out);
            return self.stream.try_read(into);
        }
        loop {
            let Some(tls) = &mut out.tls else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            match tls.open(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            let received = tls.receive(&mut AtOnce(&self.stream));
            if tls.waits() {
                // The answer to what the peer asked of the encryption, or why this is the end.
                self.write(&mut out);
                self.keep_writing(&mut out);
            }
            received?;
        }
    }

    /// The writer task: ends when the queue is empty, the link is dead, or a closing peer takes nothing.
    async fn write_later(self: Arc<Self>) {
        loop {
            let closing = self
                .out
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .state
                == State::Closing;
            let ready = if closing {
                tokio::time::timeout(LINK_CLOSE_GRACE, self.stream.writable())
                    .await
                    .unwrap_or(Err(io::ErrorKind::TimedOut.into()))
            } else {
                tokio::select! { ready = self.stream.writable() => ready, () = self.ended() => Ok(()) }
            };
            let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
            if ready.is_err() {
                out.die();
                self.ended.cancel();
            } else {
                self.write(&mut out);
            }
            if !out.waits() {
                out.writer = false;
                return;
            }
        }
    }
}

/// Ends a socket whose last bytes are written: what the peer still sends is read for a moment, because closing a
/// socket with unread bytes resets the connection, and a reset may overtake our answer.
pub(crate) async fn see_off(stream: &TcpStream) {
    net::shutdown(stream, Shutdown::Write);
    // Whoever does not close in time is cut.
    let _ = tokio::time::timeout(LINK_CLOSE_GRACE, discard(stream)).await;
}

/// Ends when the peer has closed. Beyond [`DISCARD_BYTES`] nothing more is read: the peer's own buffers fill up.
async fn discard(stream: &TcpStream) {
    let mut scratch = [0; 4096];
    let mut left = DISCARD_BYTES;
    while left > 0 && stream.readable().await.is_ok() {
        match stream.try_read(&mut scratch) {
            Ok(0) => return,
            Ok(length) => left = left.saturating_sub(length),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
    if left == 0 {
        std::future::pending::<()>().await;
    }
}

impl Out {
    fn enqueue(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        self.queue.push_back(bytes);
    }

    /// Whether something waits for the socket.
    fn waits(&self) -> bool {
        let sealed = self.tls.as_ref().is_some_and(Session::waits);
        self.state != State::Dead && (sealed || !self.queue.is_empty())
    }

    fn die(&mut self) {
        self.state = State::Dead;
        self.queue.clear();
        self.queued = 0;
    }
}

/// The reading half, as tungstenite wants it: it reads the socket and writes its pongs and close frames to the link.
#[derive(Debug)]
pub(crate) struct Reader {
    link: Arc<Link>,
    early: Bytes,
    /// Raw bytes since the last whole message.
    raw: usize,
    /// Bytes since somebody asked.
    read: usize,
}

impl Reader {
    pub(crate) fn new(link: Arc<Link>, early: Bytes) -> Self {
        Self {
            link,
            early,
            raw: 0,
            read: 0,
        }
    }

    /// How many bytes came since the last question.
    pub(crate) fn take_read(&mut self) -> usize {
        std::mem::take(&mut self.read)
    }

    /// A whole message came out: the count of raw bytes starts anew.
    pub(crate) fn message_ended(&mut self) {
        self.raw = 0;
    }

    /// A ping or pong came out, maybe between two fragments of a message: only its own bytes are taken off the count.
    pub(crate) fn control_ended(&mut self, payload: usize) {
        self.raw = self.raw.saturating_sub(CONTROL_HEADER + payload);
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.raw > MAX_RAW_MESSAGE_BYTES {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "too many raw bytes for one message",
            )));
        }
        if !self.early.is_empty() {
            let length = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early.split_to(length));
            self.raw += length;
            self.read += length;
            return Poll::Ready(Ok(()));
        }
        // The encryption may hold what came: the socket is asked only when that is used up.
        let mut read = self.link.read_opened(buf.initialize_unfilled());
        loop {
            match read {
                Ok(length) => {
                    buf.advance(length);
                    self.raw += length;
                    self.read += length;
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(self.link.stream.poll_read_ready(cx))?;
            read = self.link.read(buf.initialize_unfilled());
        }
    }
}

impl AsyncWrite for Reader {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        // A link that is closing takes no more: tungstenite's own goodbye would come after ours.
        self.link.push(Bytes::copy_from_slice(buf));
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    /// A notice never stands before a message, and never makes one wait.
    #[tokio::test]
    async fn f76_what_is_only_offered_is_left_out_where_something_waits() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let link = Link::new(listener.accept().await.unwrap().0, None);
        net::bound_unsent(&link.stream);
        let (notice, message) = (Bytes::from_static(b"n"), Bytes::from(vec![b'm'; 64 * 1024]));
        link.offer(&notice);
        let mut first = [0; 1];
        peer.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"n");
        let queued = || link.out.lock().unwrap().queued;
        let mut pushed = 0;
        while queued() == 0 {
            link.push(message.clone());
            pushed += message.len();
        }
        let before = queued();
        for _ in 0..100 {
            link.offer(&notice);
        }
        assert!(queued() <= before);
        link.push(Bytes::from_static(b"end"));
        let mut read = Vec::new();
        let reading = async {
            while read.len() < pushed + 3 {
                assert!(peer.read_buf(&mut read).await.unwrap() > 0);
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reading)
            .await
            .unwrap();
        assert!(read.ends_with(b"mend"), "a notice stands between");
        let notices = read[..pushed].contains(&b'n');
        assert!(!notices, "a notice was written among what waited");
    }

    /// What waits is bounded, and what is sent after all is whole frames and the close frame.
    #[tokio::test]
    async fn f23_a_link_that_nobody_reads_keeps_no_more_than_its_bound() {
        const CHUNK: usize = 64 * 1024;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let link = Link::new(listener.accept().await.unwrap().0, None);
        let mut chunk = BytesMut::new();
        put(
            &mut chunk,
            Frame::message(vec![b' '; CHUNK], OpCode::Data(Data::Text), true),
        );
        let chunk = chunk.freeze();
        let queued = |link: &Link| link.out.lock().unwrap().queued;
        let mut most = 0;
        while link.push(chunk.clone()) {
            most = most.max(queued(&link));
        }
        assert!(most <= LINK_QUEUE_BYTES, "{most} bytes waited");
        let left = queued(&link);
        assert!(
            left <= chunk.len() + 4,
            "{left} bytes are kept after the cut"
        );
        link.ended().await;
        let mut read = Vec::new();
        let reading = async {
            while !read.ends_with(&close_frame(close::TRY_LATER)) {
                assert!(
                    peer.read_buf(&mut read).await.unwrap() > 0,
                    "no close frame"
                );
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reading)
            .await
            .unwrap();
        let frames = read.len() - close_frame(close::TRY_LATER).len();
        assert_eq!(frames % chunk.len(), 0, "a frame was cut in half");
    }
}
