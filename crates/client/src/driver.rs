//! One task per room: the session machine, its one connection, and the window's commands. What the machine learns is
//! on the disk before anybody is told.

mod command;
mod places;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chatspot_protocol::address::Address;
use chatspot_protocol::event::{Body, Submission};
use chatspot_protocol::ids::{ClientId, MemberId, RoomId, RoomPublicKey};
use chatspot_protocol::limits::{FRAMES_AT_ONCE, UNREAD_COUNTED};
use chatspot_protocol::session::{Entry, Keep, NotConnected, Output, Resume, Session};
use chatspot_protocol::time::Now;
use chatspot_protocol::view::{Change, Failure, FailureCode, Item, Place, RoomChange, Trouble};
use chatspot_protocol::wire::{Back, ServerFrame, close};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

pub(crate) use self::command::{Command, Mark};
use crate::dial::{self, Dialled, Finish, Reached, Socket};
use crate::failure::{failure, storage};
use crate::feed::Feed;
use crate::neighbour::{Neighbours, Taken, TriedBack};
use crate::store::{Cut, Saved, Store};
use crate::watch::Woken;
use crate::{Shared, random, wall_now};

type Dialling = Pin<Box<dyn Future<Output = Finish> + Send>>;

/// The room's one connection.
enum Line {
    None,
    Dialling(Dialling),
    Open(Box<Socket>),
}

/// What the task woke up for.
enum Woke {
    Command(Option<Command>),
    Dialled(Finish),
    Heard(Option<Result<Message, Error>>),
    Timeout,
    TriedBack(TriedBack),
}

pub(crate) struct Driver {
    room: RoomId,
    /// Where the room may be, at least one. The first is where it was last, or where it was found or named since.
    addresses: Vec<Address>,
    /// The address that the window shows.
    shown: Option<Address>,
    /// Where the connection leads, or the last one led.
    relay: Option<SocketAddr>,
    host: Host,
    /// When a sighting led to dialling last.
    sighted: Option<Instant>,
    neighbours: Neighbours,
    session: Session,
    line: Line,
    me: MemberId,
    /// The one key that the room's id fits. Whoever says it first, it is this one.
    key: Option<RoomPublicKey>,
    store: Store,
    feed: Feed,
    /// For what concerns other rooms, too.
    client: Weak<Shared>,
    /// As the window was told last.
    read: Option<Place>,
    unread: u32,
    start: Instant,
    left: bool,
}

/// Who hosts a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// This installation: its relay is dialled, and nothing else.
    Us,
    /// Somebody.
    Somebody,
}

/// What a room's task starts with.
pub(crate) struct Start {
    pub(crate) entry: Entry,
    /// At least one, best first.
    pub(crate) addresses: Vec<Address>,
    pub(crate) host: Host,
    pub(crate) resume: Resume,
    /// As the window was told.
    pub(crate) read: Option<Place>,
    /// As the window was told.
    pub(crate) unread: u32,
}

impl Driver {
    pub(crate) fn new(start: Start, client: &Arc<Shared>) -> Self {
        let Start {
            entry,
            addresses,
            host,
            resume,
            read,
            unread,
        } = start;
        let mut seed = [0; 8];
        if let Err(error) = getrandom::fill(&mut seed) {
            tracing::warn!(%error, "redials are not spread");
        }
        let (room, me) = (entry.room, entry.identity.member());
        let session = Session::new(entry, resume, u64::from_le_bytes(seed));
        Self {
            room,
            shown: addresses.first().cloned(),
            relay: None,
            addresses,
            host,
            sighted: None,
            neighbours: Neighbours::default(),
            session,
            line: Line::None,
            me,
            key: None,
            store: client.store.clone(),
            feed: client.feed.clone(),
            client: Arc::downgrade(client),
            read,
            unread,
            start: Instant::now(),
            left: false,
        }
    }

    /// Runs until the room is left or the client is gone.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.carry_out().await;
        while !self.left {
            let due = self.session.next_timeout().map(|at| self.start + at);
            let woke = tokio::select! {
                command = commands.recv() => Woke::Command(command),
                woke = wait(&mut self.line) => woke,
                tried = self.neighbours.tried() => Woke::TriedBack(tried),
                () = sleep_until(due.unwrap_or(self.start)), if due.is_some() => Woke::Timeout,
            };
            let now = self.now();
            let mut done = None;
            match woke {
                Woke::Command(None) => return,
                Woke::Command(Some(command)) => done = self.command(command, now).await,
                Woke::Dialled(finish) => self.dialled(finish, now).await,
                Woke::Heard(heard) => {
                    self.heard(heard, now);
                    self.hear_more(now);
                }
                Woke::Timeout => self.session.timeout(now),
                Woke::TriedBack(TriedBack {
                    member,
                    room,
                    outcome,
                }) => self.session.dialled_back(member, room, outcome),
            }
            self.carry_out().await;
            drop(done);
        }
    }

    async fn dialled(&mut self, finish: Finish, now: Now) {
        match finish {
            Finish::Won(reached) => {
                self.reached(reached.address.clone()).await;
                self.opened(*reached, now);
            }
            // The session sees for itself, and says what is wrong.
            Finish::Instead(reached) => self.opened(*reached, now),
            Finish::Nothing(trouble) => {
                self.line = Line::None;
                self.session.dial_failed(trouble, now);
            }
        }
    }

    fn opened(&mut self, reached: Reached, now: Now) {
        let Reached {
            dialled: Dialled { socket, line, to },
            greeting,
            ..
        } = reached;
        self.relay = Some(to);
        match random() {
            Ok(secret) => {
                self.line = Line::Open(socket);
                self.session.opened(line, secret, now);
                self.frame(ServerFrame::Greeting(greeting), now);
            }
            Err(failure) => {
                // Without randomness nothing that is secret can be said.
                tracing::error!(?failure, "no connection");
                self.line = Line::None;
                self.session.dial_failed(Trouble::Lost, now);
            }
        }
    }

    async fn command(&mut self, command: Command, now: Now) -> Option<oneshot::Sender<()>> {
        match command {
            Command::Submit { submission, taken } => {
                // Nobody waits for the answer any more when the window was reloaded; the message counts all the same.
                let _ = taken.send(self.submit(submission, now).await);
            }
            Command::Retry { id } => self.session.retry(id, now),
            Command::Discard { id, taken } => {
                // Nobody waits for the answer any more when the window was reloaded.
                let _ = taken.send(self.discard(id).await);
            }
            Command::Read { mark } => self.mark(mark).await,
            Command::Pruned => self.recount().await,
            Command::Typing { active } => self.session.typing(active),
            Command::Rename { name } => self.session.rename(name),
            Command::Redial => self.session.redial(),
            Command::FoundAt { addresses } => self.found_at(addresses).await,
            Command::HostedAt { addresses } => {
                self.host = Host::Us;
                self.set_addresses(addresses);
                self.session.redial();
            }
            Command::Sighted { addresses } => self.sighted(addresses).await,
            Command::Introduce { rooms } => self.session.introduce(rooms, now),
            Command::DialBack {
                member,
                about,
                port,
                answer,
            } => {
                // Dropped, the answer says that there is no connection.
                if self.session.dial_back(member, about, port).is_ok() {
                    self.neighbours.asked(member, about, answer);
                }
            }
            Command::Passcode { passcode } => self.session.passcode(passcode),
            Command::Invited { token, verified } => self.session.invited(token, verified),
            Command::Door { order, sent } => {
                // Nobody waits for the answer any more when the window was reloaded.
                let _ = sent.send(self.session.door(order).map_err(not_connected));
            }
            Command::Key { answer } => {
                // Nobody waits for the answer any more when the window was reloaded.
                let _ = answer.send(self.key);
            }
            Command::Verified { member } => self.session.verified(member),
            Command::Compare { wish, sent } => {
                let wished = random().and_then(|share| {
                    let compared = self.session.compare(wish, share, now);
                    compared.map_err(not_connected)
                });
                // Nobody waits for the answer any more when the window was reloaded.
                let _ = sent.send(wished);
            }
            Command::Woke(woken) => {
                if woken == Woken::Slept || !self.is_at_home() {
                    tracing::info!(?woken, room = %self.room, "connects anew");
                    self.session.woke();
                }
            }
            Command::Stop => self.session.stop(),
            Command::Leave { done } => {
                self.session.leave();
                return Some(done);
            }
        }
        None
    }

    /// Written down first; only then is it in the outbox and on its way.
    async fn submit(&mut self, submission: Submission, now: Now) -> Result<(), Failure> {
        let full = |_| failure(FailureCode::OutboxFull, "too many unsent messages");
        let pending = self.session.draft(submission, now).map_err(full)?;
        let put = self.store.put_pending(self.room, pending.clone()).await;
        put.map_err(|error| storage(&error))?;
        self.session.submit(pending, now);
        Ok(())
    }

    /// Taken off the disk first: what is said to be gone must not be sent after a crash.
    async fn discard(&mut self, id: ClientId) -> Result<bool, Failure> {
        if !self.session.can_discard(id) {
            return Ok(false);
        }
        let gone = vec![Keep::Gone { id }];
        let kept = self.store.keep(self.room, gone, wall_now()).await;
        kept.map_err(|error| storage(&error))?;
        Ok(self.session.discard(id))
    }

    /// Tells what is left at the end of the timeline. Asked for here, where nothing new comes between the look at the
    /// disk and the telling.
    async fn recount(&mut self) {
        match self.store.kept(self.room).await {
            Ok(kept) => {
                let (items, older) = (kept.items, kept.older);
                self.tell(RoomChange::Cut { items, older }).await;
                self.tell_read(kept.read, kept.unread).await;
            }
            Err(error) => tracing::warn!(%error, "what is left is not shown yet"),
        }
    }

    async fn mark(&mut self, mark: Mark) {
        let marked = match mark {
            Mark::UpTo(place) => self.store.mark_read(self.room, place).await,
            Mark::UnreadFrom(place) => self.store.mark_unread_from(self.room, place).await,
        };
        match marked {
            Ok((read, unread)) => self.tell_read(read, unread).await,
            Err(error) => tracing::warn!(%error, "how far the room is read is not kept"),
        }
    }

    async fn tell_read(&mut self, read: Option<Place>, unread: u32) {
        if (self.read, self.unread) != (read, unread) {
            (self.read, self.unread) = (read, unread);
            self.tell(RoomChange::Read { read, unread }).await;
        }
    }

    async fn tell(&mut self, what: RoomChange) {
        let room = self.room;
        self.feed.tell(Change::Room { room, what }).await;
    }

    /// Takes what is there already, so that a burst is one transaction.
    fn hear_more(&mut self, now: Now) {
        for _ in 0..FRAMES_AT_ONCE {
            let Line::Open(socket) = &mut self.line else {
                return;
            };
            let Some(heard) = socket.next().now_or_never() else {
                return;
            };
            self.heard(heard, now);
        }
    }

    fn heard(&mut self, heard: Option<Result<Message, Error>>, now: Now) {
        match heard {
            Some(Ok(Message::Text(text))) => match ServerFrame::decode(&text) {
                Ok(frame) => self.frame(frame, now),
                Err(error) => {
                    // A later version may send more than this one knows.
                    tracing::debug!(%error, "frame not understood");
                    self.session.heard(now);
                }
            },
            Some(Ok(Message::Close(frame))) => {
                self.line = Line::None;
                self.session
                    .closed(frame.map(|frame| frame.code.into()), now);
            }
            Some(Ok(_)) => self.session.heard(now),
            Some(Err(_)) | None => {
                self.line = Line::None;
                self.session.closed(None, now);
            }
        }
    }

    fn frame(&mut self, frame: ServerFrame, now: Now) {
        if let ServerFrame::Greeting(greeting) = &frame {
            let mut keys = greeting.rooms.iter().map(|hosted| hosted.key);
            self.key = self.key.or(keys.find(|key| key.room() == self.room));
        }
        self.session.frame(frame, now);
    }

    /// Carries out what the machine asks for: what is to be kept first, and all at once.
    async fn carry_out(&mut self) {
        loop {
            let (mut keeps, mut rest) = (Vec::new(), Vec::new());
            while let Some(output) = self.session.poll_output() {
                match output {
                    Output::Keep(keep) => keeps.push(keep),
                    other => rest.push(other),
                }
            }
            if keeps.is_empty() && rest.is_empty() {
                return;
            }
            let kept = keeps.is_empty() || self.keep(keeps).await;
            for output in rest {
                self.perform(output).await;
            }
            if !kept {
                self.session.not_kept(self.now());
            }
        }
    }

    /// Has the disk take it, and shows what is new by it. False when the disk does not.
    async fn keep(&mut self, keeps: Vec<Keep>) -> bool {
        let verified: Vec<MemberId> = keeps
            .iter()
            .filter_map(|keep| match keep {
                Keep::Verified { member } => Some(*member),
                _ => None,
            })
            .collect();
        let saved = match self.store.keep(self.room, keeps, wall_now()).await {
            Ok(saved) => saved,
            Err(error) => {
                tracing::error!(%error, room = %self.room, "cannot write down what comes in");
                return false;
            }
        };
        self.session.kept();
        for member in verified {
            tokio::spawn(crate::verified(self.client.clone(), self.room, member));
        }
        let Saved { items, cut, others } = saved;
        let came = items.iter().rev().find_map(|item| match item {
            Item::Event { event, .. }
                if event.author == self.me && matches!(event.body, Body::Joined { .. }) =>
            {
                item.place()
            }
            Item::Event { .. } | Item::Reset { .. } | Item::Gap { .. } => None,
        });
        if !items.is_empty() {
            self.tell(RoomChange::Items { items }).await;
        }
        if let Some(Cut { items, older }) = cut {
            self.tell(RoomChange::Cut { items, older }).await;
            match self.store.kept(self.room).await {
                Ok(kept) => self.tell_read(kept.read, kept.unread).await,
                Err(error) => tracing::warn!(%error, "unread messages are not counted anew"),
            }
            return true;
        }
        if self.read.is_none()
            && let Some(came) = came
        {
            // Who is new has read what was said before they came.
            self.mark(Mark::UpTo(came)).await;
        } else {
            let unread = self.unread.saturating_add(others).min(UNREAD_COUNTED);
            self.tell_read(self.read, unread).await;
        }
        true
    }

    async fn perform(&mut self, output: Output) {
        match output {
            Output::Dial => self.dial().await,
            Output::Transmit(frame) => self.write(Message::text(frame.encode())).await,
            Output::Ping => self.write(Message::Ping(Vec::new().into())).await,
            Output::Hangup(code) => {
                self.neighbours.disconnected();
                if let Line::Open(mut socket) = std::mem::replace(&mut self.line, Line::None) {
                    tokio::spawn(async move { hang_up(&mut socket, code).await });
                }
            }
            Output::Keep(_) => unreachable!("kept before everything else"),
            Output::Change(what) => self.tell(what).await,
            Output::Introduced { member, by, rooms } => self.introduced(member, by, rooms),
            Output::DialBack {
                member,
                room,
                address,
            } => {
                let asked = self.relay.map_or(Taken::No, |relay| {
                    self.neighbours
                        .dial_back(&self.store, member, room, &address, relay)
                });
                if asked == Taken::No {
                    self.session.dialled_back(member, room, Back::Declined);
                }
            }
            Output::DialledBack {
                member,
                room,
                address,
                outcome,
            } => self.neighbours.answered(member, room, (address, outcome)),
            Output::Left => self.left = true,
        }
    }

    async fn write(&mut self, message: Message) {
        if let Line::Open(socket) = &mut self.line
            && !dial::send(socket, message).await
        {
            self.line = Line::None;
            self.session.closed(None, self.now());
        }
    }

    fn now(&self) -> Now {
        Now {
            mono: self.start.elapsed(),
            wall: wall_now(),
        }
    }
}

fn not_connected(_: NotConnected) -> Failure {
    failure(FailureCode::NotConnected, "not in the room now")
}

async fn wait(line: &mut Line) -> Woke {
    match line {
        Line::None => std::future::pending().await,
        Line::Dialling(dialling) => Woke::Dialled(dialling.await),
        Line::Open(socket) => Woke::Heard(socket.next().await),
    }
}

/// Says goodbye and reads on until the relay has closed too, so that what was written before still arrives.
async fn hang_up(socket: &mut Socket, code: u16) {
    // RFC 6455 keeps 1000 for an ordinary goodbye; everything that a relay cannot act on is told as that.
    let code = if code == close::SILENT {
        close::NORMAL
    } else {
        code
    };
    let goodbye = async {
        if socket
            .close(Some(CloseFrame {
                code: code.into(),
                reason: "".into(),
            }))
            .await
            .is_ok()
        {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    if tokio::time::timeout(Duration::from_secs(2), goodbye)
        .await
        .is_err()
    {
        tracing::debug!("no goodbye from the relay");
    }
}
