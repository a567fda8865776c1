//! One task per room: drains the inbox, runs the room machine, commits, and writes each batch once to everybody.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use chatspot_protocol::address::Address;
use chatspot_protocol::door::Door;
use chatspot_protocol::event::RoomSettings;
use chatspot_protocol::ids::{ClientId, MemberId, RoomId, Seq, WallMillis};
use chatspot_protocol::limits::{
    FETCHES_WAITING, ROOM_BATCH, ROOM_BATCH_BYTES, ROOM_INBOX, ROOM_WAITING,
};
use chatspot_protocol::log::Page;
use chatspot_protocol::passcode::{Passcode, Setup};
use chatspot_protocol::room::{Arrival, Broken, Conn, Kept, Output, Room, RoomConfig};
use chatspot_protocol::time::Now;
use chatspot_protocol::wire::{ClientFrame, Closing, Problem, RoomSummary, ServerFrame, close};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Rate;
use crate::link::{self, Link};
use crate::store::{Asked, Committed, Pending, RoomStore};

/// Words that wait for one connection: it knocks and is let in, or is challenged and let in.
pub(crate) const WORDS: usize = 4;

/// What a room says to a connection's task, beside what goes over the link.
#[derive(Debug)]
pub(crate) enum Word {
    /// Prove that the other end knows the passcode.
    Challenge(Arc<Setup>),
    /// It stands at the door.
    Knocking,
    /// It is in.
    Admitted,
}

/// What happens to a room.
#[derive(Debug)]
pub(crate) enum Input {
    /// A connection with a checked hello.
    Join {
        conn: Conn,
        arrival: Box<Arrival>,
        link: Arc<Link>,
        voice: mpsc::Sender<Word>,
    },
    /// A connection that joined has proved that it knows the passcode.
    Passed { conn: Conn, arrival: Box<Arrival> },
    /// It has not, and ends.
    Tried { conn: Conn },
    /// New rules, by the relay's owner.
    Rule {
        id: ClientId,
        settings: RoomSettings,
    },
    /// A frame of a connection in the room.
    Frame { conn: Conn, frame: ClientFrame },
    /// A member asks another one to dial it back.
    DialBack {
        conn: Conn,
        whom: MemberId,
        about: RoomId,
        /// Where; none where nobody is to be sent there.
        address: Option<Address>,
    },
    /// A connection ended by itself.
    Broken { conn: Conn, how: Broken },
    /// The room closes.
    Close { reason: Closing },
}

struct Seat {
    link: Arc<Link>,
    /// To the connection's task. Bounded by [`WORDS`], which is more than is ever said.
    voice: mpsc::Sender<Word>,
    admitted: bool,
    /// Whether a page is being read for it.
    reading: bool,
    /// The pages that it wants next, at most [`FETCHES_WAITING`].
    fetches: VecDeque<(Seq, Seq)>,
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
    /// What came while a commit runs; the next one takes all of it. When it is long, the inbox waits.
    waiting: Vec<Asked>,
    /// The commit that runs.
    commit: Option<Pending<Committed>>,
    /// The pages that are being read, at most one for each connection.
    reads: FuturesUnordered<Pending<(Conn, Option<Page>)>>,
    /// Set once the room closes: nothing more is taken, and what was taken is committed and told first.
    closing: Option<Closing>,
    /// The door as it has to be written down with the next commit.
    door: Option<Door>,
    /// Whether that commit should not wait for drafts.
    door_is_due: bool,
    /// Made when the passcode is first asked for.
    setup: Option<(Passcode, Arc<Setup>)>,
}

impl RoomTask {
    pub(crate) fn new(
        config: RoomConfig,
        store: RoomStore,
        kept: Kept,
        submits: Rate,
    ) -> (Self, mpsc::Sender<Input>, watch::Receiver<RoomSummary>) {
        let (sender, inbox) = mpsc::channel(ROOM_INBOX);
        let start = Instant::now();
        let mut room = Room::new(config, kept, now(start));
        let every = Duration::from_secs(1) / submits.per_second.max(1);
        room.pace_submits(every, submits.burst);
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
            waiting: Vec::new(),
            commit: None,
            reads: FuturesUnordered::new(),
            closing: None,
            door: None,
            door_is_due: false,
            setup: None,
        };
        (task, sender, summaries)
    }

    /// Runs until the room is closed or the relay ends.
    pub(crate) async fn run(mut self, end: CancellationToken) {
        let mut inputs = Vec::with_capacity(ROOM_BATCH);
        self.carry_out(now(self.start));
        loop {
            if let Some(reason) = self.closing
                && self.commit.is_none()
            {
                self.room.close(reason);
                self.carry_out(now(self.start));
                break;
            }
            let taking = self.closing.is_none() && self.waiting.len() < ROOM_WAITING;
            let due = self.start + self.room.next_timeout();
            tokio::select! {
                biased;
                committed = done(&mut self.commit) => {
                    self.commit = None;
                    self.committed(committed);
                }
                Some((conn, page)) = self.reads.next() => self.page(conn, page),
                count = self.inbox.recv_many(&mut inputs, ROOM_BATCH), if taking => {
                    if count == 0 {
                        break;
                    }
                    self.fill(&mut inputs).await;
                }
                () = tokio::time::sleep_until(due) => {}
                () = end.cancelled(), if self.inbox.is_empty() => break,
            }
            let now = now(self.start);
            for input in inputs.drain(..) {
                self.input(input, now);
            }
            if self.room.next_timeout() <= now.mono {
                self.room.timeout(now);
                // What could not be written down before.
                self.door_is_due |= self.door.is_some();
            }
            self.carry_out(now);
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
        while inputs.len() < ROOM_BATCH {
            let before = self.inbox.len();
            tokio::task::yield_now().await;
            let grown = self.inbox.len() > before;
            while inputs.len() < ROOM_BATCH {
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
            Input::Join { link, .. } if self.closing.is_some() => link.close(self.farewell),
            _ if self.closing.is_some() => {}
            Input::Join {
                conn,
                arrival,
                link,
                voice,
            } => {
                self.seats.insert(
                    conn,
                    Seat {
                        link,
                        voice,
                        admitted: false,
                        reading: false,
                        fetches: VecDeque::new(),
                    },
                );
                self.room.join(conn, *arrival, now);
            }
            // Its seat is gone when it was sent away meanwhile.
            Input::Passed { conn, arrival } if self.seats.contains_key(&conn) => {
                self.room.join(conn, *arrival, now);
            }
            Input::Passed { .. } => {}
            Input::Tried { conn } => self.room.tried(conn),
            Input::Rule { id, settings } => self.room.rule(id, settings, now),
            Input::Frame { conn, frame } => self.room.frame(conn, frame, now),
            Input::DialBack {
                conn,
                whom,
                about,
                address,
            } => self.room.dial_back(conn, whom, about, address, now),
            Input::Broken { conn, how } => {
                self.seats.remove(&conn);
                self.room.broken(conn, how, now);
            }
            Input::Close { reason } => {
                if reason == Closing::HostClosed {
                    self.farewell = close::HOST_CLOSED;
                }
                self.closing = Some(reason);
            }
        }
    }

    /// Carries out what the machine asks for; everything it wants appended waits for the next commit.
    fn carry_out(&mut self, now: Now) {
        loop {
            for conn in std::mem::take(&mut self.gone) {
                self.seats.remove(&conn);
                self.room.broken(conn, Broken::Cut, now);
            }
            while let Some(output) = self.room.poll_output() {
                match output {
                    Output::Append { from, draft } => self.waiting.push((from, draft)),
                    Output::Read { conn, from, to } => self.fetch(conn, from, to),
                    Output::KeepDoor(door) => {
                        self.door = Some(door);
                        self.door_is_due = true;
                    }
                    Output::Challenge { conn, passcode } => self.challenge(conn, passcode),
                    Output::Admit { conn } => {
                        // What was said before is not for the newcomer.
                        self.flush();
                        if let Some(seat) = self.seats.get_mut(&conn) {
                            seat.admitted = true;
                            say(&seat.voice, Word::Admitted);
                        }
                    }
                    Output::Send { conn, frame } => {
                        if matches!(frame, ServerFrame::Knocking)
                            && let Some(seat) = self.seats.get(&conn)
                        {
                            say(&seat.voice, Word::Knocking);
                        }
                        self.send(conn, &frame);
                    }
                    Output::All { frame } => {
                        link::encode_into(&mut self.batch, &frame);
                        if self.batch.len() >= ROOM_BATCH_BYTES {
                            self.flush();
                        }
                    }
                    Output::Offer { frame } => self.offer(&frame),
                    Output::Close { conn, code } => {
                        self.flush();
                        if let Some(seat) = self.seats.remove(&conn) {
                            seat.link.close(code);
                        }
                    }
                }
            }
            if self.commit.is_none() {
                // Asked only between commits: in one, the log may be ahead of the room.
                self.room.forgotten(self.store.first());
                if !self.waiting.is_empty() || self.door_is_due {
                    let drafts = std::mem::take(&mut self.waiting);
                    self.door_is_due = false;
                    let mut commit = self.store.append(drafts, self.door.take());
                    // Started with the first look; in memory it is done then.
                    match (&mut commit).now_or_never() {
                        Some(committed) => {
                            self.committed(committed);
                            continue;
                        }
                        None => self.commit = Some(commit),
                    }
                }
            }
            self.flush();
            if self.gone.is_empty() {
                return;
            }
        }
    }

    fn committed(&mut self, Committed { answers, unkept }: Committed) {
        self.room.committed(answers);
        // A newer one takes its place.
        self.door = self.door.take().or(unkept);
    }

    /// Has the connection's task ask for the passcode.
    fn challenge(&mut self, conn: Conn, passcode: Passcode) {
        let Some(seat) = self.seats.get(&conn) else {
            return;
        };
        let setup = match &self.setup {
            Some((of, setup)) if *of == passcode => setup.clone(),
            _ => {
                let mut seed = [0; 32];
                if let Err(error) = getrandom::fill(&mut seed) {
                    tracing::error!(%error, "no random bytes");
                    seat.link.close(close::INTERNAL);
                    return;
                }
                let setup = Arc::new(Setup::new(&passcode, seed));
                self.setup = Some((passcode, setup.clone()));
                setup
            }
        };
        say(&seat.voice, Word::Challenge(setup));
    }

    /// Reads a page, or has it wait for the one that is being read for the same connection.
    fn fetch(&mut self, conn: Conn, from: Seq, to: Seq) {
        let Some(seat) = self.seats.get_mut(&conn) else {
            return;
        };
        if !seat.reading {
            seat.reading = true;
            let page = self.store.read(from, to);
            self.reads
                .push(Box::pin(page.map(move |page| (conn, page))));
        } else if seat.fetches.len() < FETCHES_WAITING {
            seat.fetches.push_back((from, to));
        } else {
            let frame = ServerFrame::Error {
                code: Problem::OutOfTurn,
                message: "wait for the pages that you asked for".to_owned(),
            };
            self.send(conn, &frame);
        }
    }

    /// A page was read. One that could not be is not answered; it is asked for again.
    fn page(&mut self, conn: Conn, page: Option<Page>) {
        if let Some(Page { from, to, events }) = page {
            self.send(conn, &ServerFrame::Events { from, to, events });
        }
        if let Some(seat) = self.seats.get_mut(&conn) {
            seat.reading = false;
            if let Some((from, to)) = seat.fetches.pop_front() {
                self.fetch(conn, from, to);
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

    /// Writes to whoever takes it at once.
    fn offer(&mut self, frame: &ServerFrame) {
        self.flush();
        let bytes = link::encode(frame);
        for seat in self.seats.values().filter(|seat| seat.admitted) {
            seat.link.offer(&bytes);
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

/// Whoever does not listen any more needs not know.
fn say(voice: &mpsc::Sender<Word>, word: Word) {
    let _ = voice.try_send(word);
}

/// What a commit answers; never, when none runs.
async fn done(commit: &mut Option<Pending<Committed>>) -> Committed {
    match commit {
        Some(commit) => commit.await,
        None => std::future::pending().await,
    }
}

fn now(start: Instant) -> Now {
    Now {
        mono: start.elapsed(),
        wall: wall(),
    }
}

/// What the wall clock says.
pub(crate) fn wall() -> WallMillis {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
