//! One task per room: drains the inbox, runs the room machine, commits, and writes each batch once to everybody.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use chatspot_protocol::limits::ROOM_INBOX;
use chatspot_protocol::room::{Broken, Conn, Output, Room, RoomConfig};
use chatspot_protocol::time::Now;
use chatspot_protocol::wire::{ClientFrame, Closing, Hello, RoomSummary, ServerFrame, close};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::link::{self, Link};
use crate::store::{Asked, RoomStore};

/// Inputs that are taken into one batch at the most: bounds the latency of the first one.
const BATCH: usize = 512;

/// Bytes that are written at once at the most: a link that is cut keeps the chunk that is half written.
const BATCH_BYTES: usize = 64 * 1024;

/// What happens to a room.
#[derive(Debug)]
pub(crate) enum Input {
    /// A connection with a checked hello.
    Join {
        conn: Conn,
        hello: Box<Hello>,
        link: Arc<Link>,
    },
    /// A frame of a connection in the room.
    Frame { conn: Conn, frame: ClientFrame },
    /// A connection ended by itself.
    Broken { conn: Conn, how: Broken },
    /// The room closes.
    Close { reason: Closing },
}

struct Seat {
    link: Arc<Link>,
    admitted: bool,
}

/// The task that owns a room.
pub(crate) struct RoomTask {
    room: Room,
    store: RoomStore,
    inbox: mpsc::Receiver<Input>,
    seats: HashMap<Conn, Seat>,
    summary: watch::Sender<RoomSummary>,
    start: Instant,
    /// Frames for everybody that are not written yet.
    batch: BytesMut,
    /// Connections whose link is over although their reader has not said so: one that panicked cannot.
    gone: Vec<Conn>,
    /// The close code of everybody who is still here at the end.
    farewell: u16,
    closing: bool,
}

impl RoomTask {
    pub(crate) fn new(
        config: RoomConfig,
        store: RoomStore,
    ) -> (Self, mpsc::Sender<Input>, watch::Receiver<RoomSummary>) {
        let (sender, inbox) = mpsc::channel(ROOM_INBOX);
        let start = Instant::now();
        let room = Room::new(
            config,
            store.epoch(),
            store.first(),
            store.head(),
            now(start),
        );
        let (summary, summaries) = watch::channel(room.summary());
        let task = Self {
            room,
            store,
            inbox,
            seats: HashMap::new(),
            summary,
            start,
            batch: BytesMut::new(),
            gone: Vec::new(),
            farewell: close::RELAY_STOPPING,
            closing: false,
        };
        (task, sender, summaries)
    }

    /// Runs until the room is closed or the relay ends.
    pub(crate) async fn run(mut self, end: CancellationToken) {
        let mut inputs = Vec::with_capacity(BATCH);
        while !self.closing {
            let due = self.start + self.room.next_timeout();
            tokio::select! {
                biased;
                count = self.inbox.recv_many(&mut inputs, BATCH) => if count == 0 { break },
                () = tokio::time::sleep_until(due) => {}
                () = end.cancelled(), if self.inbox.is_empty() => break,
            }
            self.fill(&mut inputs).await;
            let now = now(self.start);
            for input in inputs.drain(..) {
                self.input(input, now);
            }
            if self.room.next_timeout() <= now.mono {
                self.room.timeout(now);
            }
            self.commit(now);
            self.summary.send_if_modified(|summary| {
                let current = self.room.summary();
                let changed = *summary != current;
                *summary = current;
                changed
            });
        }
        for seat in self.seats.into_values() {
            seat.link.close(self.farewell);
        }
        // Who came too late must not wait for an answer that nobody gives.
        self.inbox.close();
        while let Some(input) = self.inbox.recv().await {
            if let Input::Join { link, .. } = input {
                link.close(self.farewell);
            }
        }
    }

    /// Yields while the inbox still grows: the other sockets are read first, and the batch grows with them.
    async fn fill(&mut self, inputs: &mut Vec<Input>) {
        while inputs.len() < BATCH {
            let before = self.inbox.len();
            tokio::task::yield_now().await;
            let grown = self.inbox.len() > before;
            while inputs.len() < BATCH {
                match self.inbox.try_recv() {
                    Ok(input) => inputs.push(input),
                    Err(_) => break,
                }
            }
            if !grown {
                return;
            }
        }
    }

    fn input(&mut self, input: Input, now: Now) {
        match input {
            Input::Join { conn, hello, link } => {
                self.seats.insert(
                    conn,
                    Seat {
                        link,
                        admitted: false,
                    },
                );
                self.room.join(conn, *hello, now);
            }
            Input::Frame { conn, frame } => self.room.frame(conn, frame, now),
            Input::Broken { conn, how } => {
                self.seats.remove(&conn);
                self.room.broken(conn, how, now);
            }
            Input::Close { reason } => {
                self.room.close(reason);
                if reason == Closing::HostClosed {
                    self.farewell = close::HOST_CLOSED;
                }
                self.closing = true;
            }
        }
    }

    /// Carries out what the machine asks for; everything it wants appended is one commit.
    fn commit(&mut self, now: Now) {
        loop {
            for conn in std::mem::take(&mut self.gone) {
                self.seats.remove(&conn);
                self.room.broken(conn, Broken::Cut, now);
            }
            let mut drafts: Vec<Asked> = Vec::new();
            while let Some(output) = self.room.poll_output() {
                match output {
                    Output::Append { from, draft } => drafts.push((from, draft)),
                    Output::Read { conn, from, to } => {
                        let page = self.store.read(from, to);
                        let frame = ServerFrame::Events {
                            from: page.from,
                            to: page.to,
                            events: page.events,
                        };
                        self.send(conn, &frame);
                    }
                    Output::Admit { conn } => {
                        // What was said before is not for the newcomer.
                        self.flush();
                        if let Some(seat) = self.seats.get_mut(&conn) {
                            seat.admitted = true;
                        }
                    }
                    Output::Send { conn, frame } => self.send(conn, &frame),
                    Output::All { frame } => {
                        link::encode_into(&mut self.batch, &frame);
                        if self.batch.len() >= BATCH_BYTES {
                            self.flush();
                        }
                    }
                    Output::Close { conn, code } => {
                        self.flush();
                        if let Some(seat) = self.seats.remove(&conn) {
                            seat.link.close(code);
                        }
                    }
                }
            }
            if !drafts.is_empty() {
                let results = self.store.append(drafts);
                self.room.committed(results);
                self.room.forgotten(self.store.first());
                continue;
            }
            self.flush();
            if self.gone.is_empty() {
                return;
            }
        }
    }

    fn send(&mut self, conn: Conn, frame: &ServerFrame) {
        // Keeps the order between what is for everybody and what is for one.
        self.flush();
        if let Some(seat) = self.seats.get(&conn) {
            seat.link.push(link::encode(frame));
        }
    }

    fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = self.batch.split().freeze();
        for (conn, seat) in self.seats.iter().filter(|(_, seat)| seat.admitted) {
            if !seat.link.push(batch.clone()) {
                self.gone.push(*conn);
            }
        }
    }
}

fn now(start: Instant) -> Now {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Now {
        mono: start.elapsed(),
        wall: i64::try_from(wall.as_millis()).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use chatspot_protocol::identity::Identity;
    use chatspot_protocol::ids::{Nonce, RoomId};
    use chatspot_protocol::text::{DisplayName, RoomName};
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A hello that was taken just before its room closed: its client must not wait for an answer until it gives up.
    #[tokio::test]
    async fn whoever_comes_too_late_is_told_that_the_room_is_closed() {
        let config = RoomConfig {
            room: RoomId([1; 16]),
            name: RoomName::parse("Lab").unwrap(),
            host: None,
            max_members: 10,
        };
        let (task, inbox, _summary) = RoomTask::new(config, RoomStore::in_memory().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let link = Link::new(listener.accept().await.unwrap().0);
        let reason = Closing::HostClosed;
        inbox.send(Input::Close { reason }).await.unwrap();
        // As much as one batch takes, so that the join is still in the inbox when the room is closed.
        for number in 1..BATCH as u64 {
            let frame = ClientFrame::Leave;
            let conn = Conn(1000 + number);
            inbox.send(Input::Frame { conn, frame }).await.unwrap();
        }
        let identity = Identity::from_secret(&[1; 32]);
        let hello = Box::new(Hello {
            protocol: 1,
            room: RoomId([1; 16]),
            member: identity.member(),
            name: DisplayName::parse("Ada").unwrap(),
            signature: identity.sign_hello(&Nonce([0; 32]), &RoomId([1; 16])),
            software: String::new(),
        });
        let conn = Conn(1);
        inbox.send(Input::Join { conn, hello, link }).await.unwrap();
        task.run(CancellationToken::new()).await;
        let mut close_frame = [0; 4];
        let read = peer.read_exact(&mut close_frame);
        tokio::time::timeout(Duration::from_secs(30), read)
            .await
            .expect("nobody told it")
            .unwrap();
        assert_eq!(close_frame[2..], close::HOST_CLOSED.to_be_bytes());
        assert!(inbox.is_closed());
    }
}
