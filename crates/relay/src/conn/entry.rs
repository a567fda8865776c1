//! From the greeting to a seat: the hello, and at the doors that ask for it the passcode.

use std::sync::Arc;

use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::limits::{
    LINK_CLOSE_GRACE, MAX_SOFTWARE_BYTES, PASSCODE_TIMEOUT, PROTOCOL_MAX, PROTOCOL_MIN,
};
use chatspot_protocol::passcode::{Binding, Blob, Setup};
use chatspot_protocol::room::{Arrival, Broken, Conn, Shown, check_hello};
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::wire::{
    ClientFrame, Greeting, Hello, Problem, ServerFrame, Versions, close,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Connection, Heard, brief};
use crate::SOFTWARE;
use crate::gate::Pass;
use crate::hub::RoomHandle;
use crate::link;
use crate::room::{Input, WORDS, Word};

/// Somebody with a good hello, and how far they are with their room.
pub(super) struct Seat {
    pub(super) conn: Conn,
    pub(super) room: RoomHandle,
    pub(super) id: RoomId,
    pub(super) member: MemberId,
    /// By the frames so far: what is submitted is signed with it.
    pub(super) name: DisplayName,
    pub(super) words: mpsc::Receiver<Word>,
    /// Whether the room has said anything.
    pub(super) answered: bool,
    pub(super) admitted: bool,
    pub(super) bad_signatures: u32,
    arrival: Arrival,
}

/// How a passcode exchange ended without success.
enum Exchange {
    /// It was never begun, so it tells nothing of the passcode.
    Unbegun,
    /// It was begun, and came to nothing.
    Failed,
}

impl Connection {
    /// From the greeting to the room, or None when it came to nothing.
    pub(super) async fn enter(&mut self) -> Option<Seat> {
        if let Err(error) = getrandom::fill(&mut self.nonce.0) {
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
            nonce: self.nonce,
            rooms: self.hub.hosted(),
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
                self.refuse(problem, close_code(problem), &message);
                return None;
            }
        };
        if let Err((problem, code)) = check_hello(&hello, &self.channel, &self.nonce) {
            self.refuse(problem, code, "the hello was refused");
            return None;
        }
        let seat = self.approach(hello).await;
        if seat.is_none() {
            self.refuse(
                Problem::NoSuchRoom,
                close::NO_SUCH_ROOM,
                "this relay does not host that room",
            );
        }
        seat
    }

    /// Goes to the room that a good hello names. None when it is not here, or not any more.
    async fn approach(&mut self, hello: Hello) -> Option<Seat> {
        let room = self.hub.find(hello.room)?;
        let conn = self.hub.next_conn();
        let software = chatspot_protocol::text::cut(&hello.software, MAX_SOFTWARE_BYTES);
        tracing::debug!(peer = %self.peer, ?conn, member = %hello.member, software, "hello");
        self.pace.member = Some(hello.member);
        let (id, member, name) = (hello.room, hello.member, hello.name.clone());
        let arrival = Arrival {
            hello,
            place: self.place,
            caller: self.caller,
            shown: Shown::Nothing,
        };
        // When it were full the room would say nothing more to us; it says less than fits.
        let (voice, words) = mpsc::channel(WORDS);
        let join = Input::Join {
            conn,
            arrival: Box::new(arrival.clone()),
            link: self.link.clone(),
            voice,
        };
        room.inbox.send(join).await.ok()?;
        Some(Seat {
            conn,
            room,
            id,
            member,
            name,
            words,
            answered: false,
            admitted: false,
            bad_signatures: 0,
            arrival,
        })
    }

    /// The room said something about this connection.
    pub(super) async fn told(
        &mut self,
        word: Word,
        seat: &mut Seat,
        pass: &mut Pass,
    ) -> Result<(), Broken> {
        match word {
            Word::Admitted => {
                pass.admitted();
                (seat.answered, seat.admitted) = (true, true);
                Ok(())
            }
            Word::Knocking => {
                seat.answered = true;
                if pass.knocks() {
                    return Ok(());
                }
                let message = "too many people of your network are knocking already";
                self.refuse(Problem::SlowDown, close::SLOW_DOWN, message);
                Err(Broken::Cut)
            }
            Word::Challenge(setup) => {
                let input = match self.exchange(&setup, seat).await {
                    Ok(()) => Input::Passed {
                        conn: seat.conn,
                        arrival: Box::new(Arrival {
                            shown: Shown::Passcode,
                            ..seat.arrival.clone()
                        }),
                    },
                    Err(Exchange::Failed) => Input::Tried { conn: seat.conn },
                    Err(Exchange::Unbegun) => return Err(Broken::Cut),
                };
                let passed = matches!(input, Input::Passed { .. });
                let sent = seat.room.inbox.send(input).await;
                sent.map_err(|_| Broken::Cut)?;
                if passed {
                    return Ok(());
                }
                // The room says why, and closes: it must not hear before that we are gone.
                let _ = timeout(LINK_CLOSE_GRACE, self.link.ended()).await;
                Err(Broken::Cut)
            }
        }
    }

    /// Runs a passcode exchange. When it comes to nothing the link is closing, or the room closes it.
    async fn exchange(&mut self, setup: &Arc<Setup>, seat: &Seat) -> Result<(), Exchange> {
        let mut begun = false;
        let steps = timeout(PASSCODE_TIMEOUT, self.steps(setup, seat, &mut begun)).await;
        match steps {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(())) => {}
            Err(_) => {
                tracing::info!(peer = %self.peer, "no passcode in time");
                self.link.close(close::HELLO_TIMEOUT);
            }
        }
        Err(if begun {
            Exchange::Failed
        } else {
            Exchange::Unbegun
        })
    }

    async fn steps(&mut self, setup: &Setup, seat: &Seat, begun: &mut bool) -> Result<(), ()> {
        self.link.push(link::encode(&ServerFrame::Challenge));
        let start = self.passcode_message().await?;
        // Counted before anything is computed, and whatever becomes of it.
        if let Err(wait) = self.hub.rates.attempt(self.pace.address, seat.id) {
            let message = format!("too many attempts: try again in {} s", wait.as_secs() + 1);
            self.refuse(Problem::SlowDown, close::SLOW_DOWN, &message);
            return Err(());
        }
        *begun = true;
        let mut seed = [0; 32];
        if let Err(error) = getrandom::fill(&mut seed) {
            tracing::error!(%error, "no random bytes");
            self.link.close(close::INTERNAL);
            return Err(());
        }
        let binding = Binding {
            channel: self.channel,
            nonce: self.nonce,
            room: seat.room.key,
            member: seat.member,
        };
        // The room says that it was wrong, and closes.
        let (server, reply) = setup.answer(&start, &binding, seed).map_err(drop)?;
        let reply = ServerFrame::PasscodeReply { message: reply };
        self.link.push(link::encode(&reply));
        let finish = self.passcode_message().await?;
        server.finish(&finish).map_err(drop)
    }

    /// The next frame's message, if it is one of an exchange. Else the link is closing.
    async fn passcode_message(&mut self) -> Result<Blob, ()> {
        let Heard::Text(text) = self.next().await else {
            return Err(());
        };
        match ClientFrame::decode(&text) {
            Ok(
                ClientFrame::PasscodeStart { message } | ClientFrame::PasscodeFinish { message },
            ) => Ok(message),
            Ok(ClientFrame::Leave) => {
                self.link.close(close::NORMAL);
                Err(())
            }
            Ok(_) => {
                let message = "the passcode has to come next";
                self.refuse(Problem::OutOfTurn, close::BAD_HELLO, message);
                Err(())
            }
            Err(bad) => {
                self.refuse(bad.problem(), close::BAD_HELLO, &brief(&bad));
                Err(())
            }
        }
    }

    /// Says why this connection ends.
    pub(super) fn refuse(&self, code: Problem, close: u16, message: &str) {
        tracing::info!(peer = %self.peer, ?code, "refused");
        self.link.push(link::encode(&ServerFrame::Error {
            code,
            message: message.to_owned(),
        }));
        self.link.close(close);
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
