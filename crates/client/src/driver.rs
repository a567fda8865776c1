//! One task per room: the session machine, its one connection, and the window's commands.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chatspot_protocol::address::Address;
use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::{ClientId, RoomId};
use chatspot_protocol::session::{OutboxFull, Output, Session};
use chatspot_protocol::text::{DisplayName, MessageText};
use chatspot_protocol::time::Now;
use chatspot_protocol::view::{Change, RoomView, Trouble};
use chatspot_protocol::wire::{ServerFrame, close};
use futures_util::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::dial::{self, Socket};
use crate::feed::Feed;
use crate::{SOFTWARE, wall_now};

/// What the window asks of a room.
#[derive(Debug)]
pub(crate) enum Command {
    Submit {
        id: ClientId,
        text: MessageText,
        taken: oneshot::Sender<Result<(), OutboxFull>>,
    },
    Retry {
        id: ClientId,
    },
    Discard {
        id: ClientId,
        taken: oneshot::Sender<bool>,
    },
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
    /// Stay away until the next redial.
    Stop,
    /// Say goodbye and end; `done` is dropped when that is written.
    Leave {
        done: oneshot::Sender<()>,
    },
}

type Dialling = Pin<Box<dyn Future<Output = Result<Box<Socket>, Trouble>> + Send>>;

/// The room's one connection.
enum Line {
    None,
    Dialling(Dialling),
    Open(Box<Socket>),
}

/// What the task woke up for.
enum Woke {
    Command(Option<Command>),
    Dialled(Result<Box<Socket>, Trouble>),
    Heard(Option<Result<Message, Error>>),
    Timeout,
}

pub(crate) struct Driver {
    room: RoomId,
    address: Address,
    session: Session,
    line: Line,
    feed: Feed,
    start: Instant,
    left: bool,
}

impl Driver {
    pub(crate) fn new(
        room: RoomId,
        identity: Identity,
        name: DisplayName,
        address: Address,
        feed: Feed,
    ) -> Self {
        let mut seed = [0; 8];
        if let Err(error) = getrandom::fill(&mut seed) {
            tracing::warn!(%error, "redials are not spread");
        }
        let session = Session::new(
            room,
            identity,
            name,
            SOFTWARE.to_owned(),
            u64::from_le_bytes(seed),
        );
        Self {
            room,
            address,
            session,
            line: Line::None,
            feed,
            start: Instant::now(),
            left: false,
        }
    }

    /// Runs until the room is left or the client is gone.
    pub(crate) async fn run(mut self, view: Box<RoomView>, mut commands: mpsc::Receiver<Command>) {
        self.feed.tell(Change::RoomOpened { room: view }).await;
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
                Woke::Command(Some(command)) => done = self.command(command, now),
                Woke::Dialled(Ok(socket)) => {
                    self.line = Line::Open(socket);
                    self.session.opened(now);
                }
                Woke::Dialled(Err(trouble)) => {
                    self.line = Line::None;
                    self.session.dial_failed(trouble, now);
                }
                Woke::Heard(heard) => self.heard(heard, now),
                Woke::Timeout => self.session.timeout(now),
            }
            self.carry_out().await;
            drop(done);
        }
    }

    fn command(&mut self, command: Command, now: Now) -> Option<oneshot::Sender<()>> {
        match command {
            Command::Submit { id, text, taken } => {
                // Nobody waits for the answer any more when the window was reloaded; the message counts all the same.
                let _ = taken.send(self.session.submit(id, text, now));
            }
            Command::Retry { id } => self.session.retry(id, now),
            Command::Discard { id, taken } => {
                // Nobody waits for the answer any more when the window was reloaded.
                let _ = taken.send(self.session.discard(id));
            }
            Command::Typing { active } => self.session.typing(active),
            Command::Rename { name } => self.session.rename(name),
            Command::Redial { address } => {
                if let Some(address) = address {
                    self.session.moved(address.to_string());
                    self.address = address;
                }
                self.session.redial();
            }
            Command::Stop => self.session.stop(),
            Command::Leave { done } => {
                self.session.leave();
                return Some(done);
            }
        }
        None
    }

    fn heard(&mut self, heard: Option<Result<Message, Error>>, now: Now) {
        match heard {
            Some(Ok(Message::Text(text))) => match ServerFrame::decode(&text) {
                Ok(frame) => self.session.frame(frame, now),
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

    /// Carries out what the machine asks for. Boxed where it may dial and fail again.
    async fn carry_out(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Dial => {
                    let address = self.address.clone();
                    self.line = Line::Dialling(Box::pin(async move {
                        dial::dial(&address).await.map(Box::new)
                    }));
                }
                Output::Transmit(frame) => self.write(Message::text(frame.encode())).await,
                Output::Ping => self.write(Message::Ping(Vec::new().into())).await,
                Output::Hangup(code) => {
                    if let Line::Open(mut socket) = std::mem::replace(&mut self.line, Line::None) {
                        tokio::spawn(async move { hang_up(&mut socket, code).await });
                    }
                }
                Output::Change(what) => {
                    self.feed
                        .tell(Change::Room {
                            room: self.room,
                            what,
                        })
                        .await;
                }
                Output::Left => self.left = true,
            }
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
