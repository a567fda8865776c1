//! The relay's side of one room, without IO: who is in it, what they may say, and who is told.
//!
//! Inputs are methods, outputs are polled. The order of events is not made here: drafts go out as
//! [`Output::Append`], and what the log made of them comes back through [`Room::committed`].

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::event::{Body, Draft, Leaving, RoomSettings};
use crate::identity::hello_is_genuine;
use crate::ids::{ClientId, Epoch, MemberId, Nonce, RoomId, Seq};
use crate::limits::{AWAY_GRACE, HEAD_EVERY, PROTOCOL_MAX, PROTOCOL_MIN, RETURN_GRACE};
use crate::log::Appended;
use crate::text::{DisplayName, RoomName};
use crate::time::Now;
use crate::wire::{
    ClientFrame, Closing, Hello, Member, Presence, Problem, Reject, RoomSummary, ServerFrame,
    Welcome, close,
};

/// One connection to the room, named by whoever drives the machine; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conn(pub u64);

/// What a room is before anybody is in it.
#[derive(Debug, Clone)]
pub struct RoomConfig {
    /// Which room.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// Who hosts it, if a member does.
    pub host: Option<MemberId>,
    /// Its rules.
    pub settings: RoomSettings,
    /// How many members may be present.
    pub max_members: usize,
}

/// How a connection ended without a goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The socket broke; the member may be back in a moment.
    Cut,
    /// Nothing was heard until the heartbeat's limit; there is nothing more to wait for.
    Silent,
}

/// What the driver has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Put this into the log, and give the result back with the same connection.
    Append {
        /// Who asked for it, if it was a `submit`.
        from: Option<Conn>,
        /// What to append.
        draft: Draft,
    },
    /// Read a page and send it to this connection as `events`.
    Read {
        /// To whom.
        conn: Conn,
        /// First wanted.
        from: Seq,
        /// Last wanted.
        to: Seq,
    },
    /// From now on [`Output::All`] reaches this connection too.
    Admit {
        /// Whom.
        conn: Conn,
    },
    /// Send to one connection.
    Send {
        /// To whom.
        conn: Conn,
        /// What.
        frame: ServerFrame,
    },
    /// Send to every connection that is in the room.
    All {
        /// What.
        frame: ServerFrame,
    },
    /// Send to every connection that is in the room and takes it at once. It may be lost, and must never be in the way
    /// of anything else.
    Offer {
        /// What.
        frame: ServerFrame,
    },
    /// End a connection. Nothing is heard of it any more.
    Close {
        /// Which.
        conn: Conn,
        /// With which close code.
        code: u16,
    },
}

/// A member's place in the room.
#[derive(Debug)]
struct Seat {
    name: DisplayName,
    /// None while away.
    conn: Option<Conn>,
    /// Until when an away member may come back unnoticed.
    away_until: Duration,
}

/// The room.
#[derive(Debug)]
pub struct Room {
    config: RoomConfig,
    epoch: Epoch,
    first: Seq,
    head: Seq,
    seats: HashMap<MemberId, Seat>,
    conns: HashMap<Conn, MemberId>,
    next_head: Duration,
    outputs: VecDeque<Output>,
}

/// Why a `hello` was refused: what to answer, and the close code.
pub type Refusal = (Problem, u16);

/// Checks a `hello` before it reaches its room: version and proof of the key.
pub fn check_hello(hello: &Hello, nonce: &Nonce) -> Result<(), Refusal> {
    if !(PROTOCOL_MIN..=PROTOCOL_MAX).contains(&hello.protocol) {
        return Err((Problem::Version, close::VERSION));
    }
    if !hello_is_genuine(&hello.member, nonce, &hello.room, &hello.signature) {
        return Err((Problem::Unauthenticated, close::UNAUTHENTICATED));
    }
    Ok(())
}

impl Room {
    /// A room over a log that reaches from `first` to `head`. Who is `present` by the log has been here when the relay
    /// ended, and is away until they come back or [`RETURN_GRACE`] is over.
    pub fn new(
        config: RoomConfig,
        epoch: Epoch,
        first: Seq,
        head: Seq,
        present: Vec<(MemberId, DisplayName)>,
        now: Now,
    ) -> Self {
        let away = |(member, name)| {
            let seat = Seat {
                name,
                conn: None,
                away_until: now.mono + RETURN_GRACE,
            };
            (member, seat)
        };
        Self {
            seats: present.into_iter().map(away).collect(),
            config,
            epoch,
            first,
            head,
            conns: HashMap::new(),
            next_head: now.mono + HEAD_EVERY,
            outputs: VecDeque::new(),
        }
    }

    /// What a relay tells everybody of the room.
    pub fn summary(&self) -> RoomSummary {
        let online = self
            .seats
            .values()
            .filter(|seat| seat.conn.is_some())
            .count();
        RoomSummary {
            room: self.config.room,
            name: self.config.name.clone(),
            online: u32::try_from(online).unwrap_or(u32::MAX),
            full: online >= self.config.max_members,
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Room::timeout`] is due.
    pub fn next_timeout(&self) -> Duration {
        let away = self
            .seats
            .values()
            .filter(|seat| seat.conn.is_none())
            .map(|seat| seat.away_until);
        away.chain([self.next_head]).min().unwrap_or(self.next_head)
    }

    /// A connection with a checked `hello` (see [`check_hello`]) wants in.
    pub fn join(&mut self, conn: Conn, hello: Hello, now: Now) {
        let Hello { member, name, .. } = hello;
        let before = self.seats.remove(&member);
        if before.is_none() && self.seats.len() >= self.config.max_members {
            // Whoever is away longest makes room for somebody who is here.
            let away = self.seats.iter().filter(|(_, seat)| seat.conn.is_none());
            let longest = away.min_by_key(|(member, seat)| (seat.away_until, **member));
            if let Some(member) = longest.map(|(member, _)| *member) {
                self.remove(member, Leaving::Lost, now);
            }
        }
        if before.is_none() && self.seats.len() >= self.config.max_members {
            self.refuse(
                conn,
                Problem::RoomFull,
                "this room takes nobody more just now",
                close::ROOM_FULL,
            );
            return;
        }
        let renamed = before
            .as_ref()
            .filter(|seat| seat.name != name)
            .map(|seat| seat.name.clone());
        let is_back = before.is_some();
        if let Some(old) = before.and_then(|seat| seat.conn) {
            self.conns.remove(&old);
            self.outputs.push_back(Output::Close {
                conn: old,
                code: close::REPLACED,
            });
        }
        self.seats.insert(
            member,
            Seat {
                name: name.clone(),
                conn: Some(conn),
                away_until: Duration::ZERO,
            },
        );
        // Told before the newcomer is listening: its own welcome lists everybody.
        self.tell_presence(member, &name, Presence::Online);
        self.conns.insert(conn, member);
        self.outputs.push_back(Output::Admit { conn });
        self.outputs.push_back(Output::Send {
            conn,
            frame: ServerFrame::Welcome(Box::new(self.welcome())),
        });
        if !is_back {
            self.append(member, name, Body::Joined, now);
        } else if let Some(from) = renamed {
            self.append(member, name, Body::Renamed { from }, now);
        }
    }

    /// A frame of a connection that is in the room.
    pub fn frame(&mut self, conn: Conn, frame: ClientFrame, now: Now) {
        let Some(member) = self.conns.get(&conn).copied() else {
            return;
        };
        let Some(name) = self.seats.get(&member).map(|seat| seat.name.clone()) else {
            return;
        };
        match frame {
            ClientFrame::Hello(_) => {
                self.complain(conn, Problem::OutOfTurn, "you are in the room already");
            }
            ClientFrame::Submit(submission) => {
                if !self.may(member, submission.body()) {
                    let (id, code) = (submission.id(), Reject::NotAllowed);
                    let message = "this is not yours to change".to_owned();
                    let frame = ServerFrame::Rejected { id, code, message };
                    self.outputs.push_back(Output::Send { conn, frame });
                    return;
                }
                let draft = Draft {
                    at: now.wall,
                    author: member,
                    name,
                    body: submission.into(),
                };
                self.outputs.push_back(Output::Append {
                    from: Some(conn),
                    draft,
                });
            }
            ClientFrame::Fetch { from, to } => {
                if from == Seq::ZERO || to < from || from > self.head {
                    self.complain(conn, Problem::OutOfTurn, "there are no such events");
                } else {
                    self.outputs.push_back(Output::Read {
                        conn,
                        from,
                        to: to.min(self.head),
                    });
                }
            }
            ClientFrame::Typing { active } => {
                self.outputs.push_back(Output::Offer {
                    frame: ServerFrame::Typing { member, active },
                });
            }
            ClientFrame::Rename { name: new } => {
                if new == name {
                    return;
                }
                if let Some(seat) = self.seats.get_mut(&member) {
                    seat.name = new.clone();
                }
                self.tell_presence(member, &new, Presence::Online);
                self.append(member, new, Body::Renamed { from: name }, now);
            }
            ClientFrame::Leave => {
                self.conns.remove(&conn);
                self.outputs.push_back(Output::Close {
                    conn,
                    code: close::NORMAL,
                });
                self.remove(member, Leaving::Left, now);
            }
        }
    }

    /// A connection ended without `leave`.
    pub fn broken(&mut self, conn: Conn, how: Broken, now: Now) {
        let Some(member) = self.conns.remove(&conn) else {
            return;
        };
        match how {
            Broken::Silent => self.remove(member, Leaving::Lost, now),
            Broken::Cut => {
                let Some(seat) = self.seats.get_mut(&member) else {
                    return;
                };
                seat.conn = None;
                seat.away_until = now.mono + AWAY_GRACE;
                let name = seat.name.clone();
                self.tell_presence(member, &name, Presence::Away);
            }
        }
    }

    /// What the log made of drafts, in the log's order.
    pub fn committed(&mut self, results: impl IntoIterator<Item = (Option<Conn>, Appended)>) {
        for (from, appended) in results {
            match appended {
                Appended::New(event) => {
                    self.head = event.seq;
                    if let Body::Settings { settings, .. } = &event.body {
                        self.config.settings = *settings;
                    }
                    self.outputs.push_back(Output::All {
                        frame: ServerFrame::Event(event),
                    });
                }
                Appended::Again(event) => self.answer(from, ServerFrame::Event(event)),
                Appended::Conflict(id) => {
                    self.reject(from, id, Reject::IdConflict, "this id was used before");
                }
                Appended::NoTarget(id) => {
                    let message = "the message that it is about is not here";
                    self.reject(from, id, Reject::NoSuchMessage, message);
                }
                Appended::NotSaved(Some(id)) => {
                    self.reject(from, id, Reject::NotSaved, "the relay could not store it");
                }
                Appended::NotSaved(None) => {}
            }
        }
    }

    /// Sets the room's rules without a member's asking: `author` says so in the log.
    pub fn rule(&mut self, author: MemberId, id: ClientId, settings: RoomSettings, now: Now) {
        // Both names follow the same rules.
        let name = DisplayName::parse(self.config.name.as_str());
        if let Ok(name) = name.inspect_err(|bad| debug_assert!(false, "{bad}")) {
            self.append(author, name, Body::Settings { id, settings }, now);
        }
    }

    /// The room's rules.
    pub fn settings(&self) -> RoomSettings {
        self.config.settings
    }

    /// The log forgot what is older than `first`.
    pub fn forgotten(&mut self, first: Seq) {
        self.first = first;
    }

    /// Time went on.
    pub fn timeout(&mut self, now: Now) {
        let mut late: Vec<_> = self
            .seats
            .iter()
            .filter(|(_, seat)| seat.conn.is_none() && seat.away_until <= now.mono)
            .map(|(m, s)| (s.away_until, *m))
            .collect();
        late.sort_unstable();
        for (_, member) in late {
            self.remove(member, Leaving::Lost, now);
        }
        if self.next_head <= now.mono {
            self.next_head = now.mono + HEAD_EVERY;
            self.outputs.push_back(Output::All {
                frame: ServerFrame::Head {
                    epoch: self.epoch,
                    seq: self.head,
                },
            });
        }
    }

    /// The room closes for everybody.
    pub fn close(&mut self, reason: Closing) {
        let code = if reason == Closing::HostClosed {
            close::HOST_CLOSED
        } else {
            close::RELAY_STOPPING
        };
        self.outputs.push_back(Output::All {
            frame: ServerFrame::Closing { reason },
        });
        let mut conns: Vec<Conn> = self.conns.drain().map(|(conn, _)| conn).collect();
        conns.sort_unstable();
        self.outputs
            .extend(conns.into_iter().map(|conn| Output::Close { conn, code }));
        self.seats.clear();
    }

    fn welcome(&self) -> Welcome {
        let mut members: Vec<Member> = self
            .seats
            .iter()
            .map(|(member, seat)| self.member(*member, seat))
            .collect();
        members.sort_unstable_by_key(|member| member.member);
        Welcome {
            name: self.config.name.clone(),
            epoch: self.epoch,
            settings: self.config.settings,
            first: self.first,
            head: self.head,
            members,
        }
    }

    fn member(&self, member: MemberId, seat: &Seat) -> Member {
        let presence = if seat.conn.is_some() {
            Presence::Online
        } else {
            Presence::Away
        };
        Member {
            member,
            name: seat.name.clone(),
            host: self.config.host == Some(member),
            presence,
        }
    }

    fn remove(&mut self, member: MemberId, how: Leaving, now: Now) {
        if let Some(seat) = self.seats.remove(&member) {
            self.tell_presence(member, &seat.name, Presence::Gone);
            self.append(member, seat.name, Body::Left { how }, now);
        }
    }

    fn append(&mut self, author: MemberId, name: DisplayName, body: Body, now: Now) {
        self.outputs.push_back(Output::Append {
            from: None,
            draft: Draft {
                at: now.wall,
                author,
                name,
                body,
            },
        });
    }

    fn tell_presence(&mut self, member: MemberId, name: &DisplayName, presence: Presence) {
        let host = self.config.host == Some(member);
        self.outputs.push_back(Output::All {
            frame: ServerFrame::Presence {
                member,
                name: name.clone(),
                host,
                presence,
            },
        });
    }

    /// Whether a member may submit that.
    fn may(&self, member: MemberId, body: &Body) -> bool {
        let host = self.config.host == Some(member);
        match body {
            Body::Message { .. } | Body::Reacted { .. } => true,
            Body::Edited { target, .. } => target.author == member,
            Body::Deleted { target, .. } => target.author == member || host,
            Body::Settings { .. } | Body::Moderated { .. } => host,
            Body::Joined | Body::Left { .. } | Body::Renamed { .. } | Body::Unknown => false,
        }
    }

    fn reject(&mut self, to: Option<Conn>, id: ClientId, code: Reject, message: &str) {
        let message = message.to_owned();
        self.answer(to, ServerFrame::Rejected { id, code, message });
    }

    /// Answers a submit whose connection may be gone by now.
    fn answer(&mut self, to: Option<Conn>, frame: ServerFrame) {
        if let Some(conn) = to.filter(|conn| self.conns.contains_key(conn)) {
            self.outputs.push_back(Output::Send { conn, frame });
        }
    }

    fn complain(&mut self, conn: Conn, code: Problem, message: &str) {
        self.outputs.push_back(Output::Send {
            conn,
            frame: ServerFrame::Error {
                code,
                message: message.to_owned(),
            },
        });
    }

    fn refuse(&mut self, conn: Conn, code: Problem, message: &str, close: u16) {
        self.complain(conn, code, message);
        self.outputs.push_back(Output::Close { conn, code: close });
    }
}

#[cfg(test)]
mod tests;
