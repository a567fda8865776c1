//! One task per room: the session machine, its one connection, and the window's commands. What the machine learns is
//! on the disk before anybody is told.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chatspot_protocol::address::Address;
use chatspot_protocol::compare::CompareWish;
use chatspot_protocol::door::DoorOrder;
use chatspot_protocol::event::{Body, Submission};
use chatspot_protocol::ids::{ClientId, MemberId, RoomId, RoomPublicKey, Token};
use chatspot_protocol::limits::{FRAMES_AT_ONCE, UNREAD_COUNTED};
use chatspot_protocol::passcode::Passcode;
use chatspot_protocol::session::{Entry, Keep, NotConnected, Output, Resume, Session};
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::time::Now;
use chatspot_protocol::view::{
    Change, Failure, FailureCode, Item, Place, RoomChange, Trouble, Verified,
};
use chatspot_protocol::wire::{ServerFrame, close};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::dial::{self, Dialled, Socket};
use crate::failure::{failure, storage};
use crate::feed::Feed;
use crate::store::{Cut, Saved, Store};
use crate::watch::Woken;
use crate::{Shared, random, wall_now};

/// What the window asks of a room.
#[derive(Debug)]
pub(crate) enum Command {
    Submit {
        submission: Submission,
        taken: oneshot::Sender<Result<(), Failure>>,
    },
    Retry {
        id: ClientId,
    },
    Discard {
        id: ClientId,
        taken: oneshot::Sender<Result<bool, Failure>>,
    },
    /// What the person at the window read, or wants to count as unread.
    Read {
        mark: Mark,
    },
    /// History of the room was deleted, because it grew too old.
    Pruned,
    Typing {
        active: bool,
    },
    Rename {
        name: DisplayName,
    },
    /// Dial now, at this address from now on if one is given.
    Redial {
        address: Option<Address>,
    },
    /// Somebody typed the room's passcode.
    Passcode {
        passcode: Passcode,
    },
    /// Somebody opened a link to the room, with an invite or without.
    Invited {
        token: Option<Token>,
        verified: Verified,
    },
    /// Something is wanted at the door.
    Door {
        order: DoorOrder,
        sent: oneshot::Sender<Result<(), Failure>>,
    },
    /// The room's key, once it has told it.
    Key {
        answer: oneshot::Sender<Option<RoomPublicKey>>,
    },
    /// Codes were compared with this member in another room.
    Verified {
        member: MemberId,
    },
    /// A comparison of short codes goes on.
    Compare {
        wish: CompareWish,
        sent: oneshot::Sender<Result<(), Failure>>,
    },
    /// The computer slept, or its network changed.
    Woke(Woken),
    /// Stay away until the next redial.
    Stop,
    /// Say goodbye and end; `done` is dropped when that is written.
    Leave {
        done: oneshot::Sender<()>,
    },
}

/// How far a room is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mark {
    /// Up to this place, included.
    UpTo(Place),
    /// From this place on it counts as unread.
    UnreadFrom(Place),
}

type Dialling = Pin<Box<dyn Future<Output = Result<Dialled, Trouble>> + Send>>;

/// The room's one connection.
enum Line {
    None,
    Dialling(Dialling),
    Open(Box<Socket>),
}

/// What the task woke up for.
enum Woke {
    Command(Option<Command>),
    Dialled(Result<Dialled, Trouble>),
    Heard(Option<Result<Message, Error>>),
    Timeout,
}

pub(crate) struct Driver {
    room: RoomId,
    address: Address,
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

/// What a room's task starts with.
pub(crate) struct Start {
    pub(crate) entry: Entry,
    pub(crate) address: Address,
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
            address,
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
            address,
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
                () = sleep_until(due.unwrap_or(self.start)), if due.is_some() => Woke::Timeout,
            };
            let now = self.now();
            let mut done = None;
            match woke {
                Woke::Command(None) => return,
                Woke::Command(Some(command)) => done = self.command(command, now).await,
                Woke::Dialled(Ok(dialled)) => self.opened(dialled, now),
                Woke::Dialled(Err(trouble)) => {
                    self.line = Line::None;
                    self.session.dial_failed(trouble, now);
                }
                Woke::Heard(heard) => {
                    self.heard(heard, now);
                    self.hear_more(now);
                }
                Woke::Timeout => self.session.timeout(now),
            }
            self.carry_out().await;
            drop(done);
        }
    }

    fn opened(&mut self, Dialled { socket, line }: Dialled, now: Now) {
        match random() {
            Ok(secret) => {
                self.line = Line::Open(socket);
                self.session.opened(line, secret, now);
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
            Command::Redial { address } => {
                if let Some(address) = address {
                    self.session.moved(address.to_string());
                    self.address = address;
                }
                self.session.redial();
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
                if woken == Woken::Slept || !self.address.is_loopback() {
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
                Ok(frame) => {
                    if let ServerFrame::Greeting(greeting) = &frame {
                        let mut keys = greeting.rooms.iter().map(|hosted| hosted.key);
                        self.key = self.key.or(keys.find(|key| key.room() == self.room));
                    }
                    self.session.frame(frame, now);
                }
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
            Output::Dial => {
                let address = self.address.clone();
                self.line = Line::Dialling(Box::pin(async move { dial::dial(&address).await }));
            }
            Output::Transmit(frame) => self.write(Message::text(frame.encode())).await,
            Output::Ping => self.write(Message::Ping(Vec::new().into())).await,
            Output::Hangup(code) => {
                if let Line::Open(mut socket) = std::mem::replace(&mut self.line, Line::None) {
                    tokio::spawn(async move { hang_up(&mut socket, code).await });
                }
            }
            Output::Keep(_) => unreachable!("kept before everything else"),
            Output::Change(what) => self.tell(what).await,
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
