//! The relay's side of one room, without IO: who is in it, what they may say, and who is told.
//!
//! Inputs are methods, outputs are polled. The order of events is not made here: drafts go out as
//! [`Output::Append`], and what the log made of them comes back through [`Room::committed`], in the same order.
//!
//! `join` decides who comes in, `door` keeps the door and who knocks, `acts` checks what members put into the log and
//! carries out what the log then says, `pace` knows how fast each of them is, `tell` is what members are told,
//! `neighbours` what they do for each other in finding rooms.

mod acts;
mod door;
mod join;
mod neighbours;
mod pace;
mod tell;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use self::acts::{Act, Flight};
use self::door::Knocker;
use self::neighbours::Neighbours;
use self::pace::Paces;
use crate::door::Door;
use crate::event::{Body, Draft, Leaving, Role, RoomSettings, Signed};
use crate::identity::{Channel, RoomKey, hello_is_genuine};
use crate::ids::{ClientId, Epoch, MemberId, Nonce, RoomId, Seq};
use crate::limits::{AWAY_GRACE, HEAD_EVERY, PROTOCOL_MAX, PROTOCOL_MIN, RETURN_GRACE};
use crate::passcode::Passcode;
use crate::roster::Roster;
use crate::text::{DisplayName, RoomName};
use crate::time::Now;
use crate::wire::{ClientFrame, Closing, Hello, Problem, Reject, RoomSummary, ServerFrame, close};

/// One connection to the room, named by whoever drives the machine; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conn(pub u64);

/// What a room is before anybody is in it.
#[derive(Debug, Clone)]
pub struct RoomConfig {
    /// Its key: the room is an author, too, of what it says by itself.
    pub key: RoomKey,
    /// Its name.
    pub name: RoomName,
    /// Who hosts it, if a member does.
    pub host: Option<MemberId>,
    /// Its rules.
    pub settings: RoomSettings,
    /// How many members may be present.
    pub max_members: usize,
}

/// What the log and the disk know of a room when it opens.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The log's name.
    pub epoch: Epoch,
    /// Its oldest position.
    pub first: Seq,
    /// Its newest.
    pub head: Seq,
    /// Who was present by the log when the relay ended.
    pub present: Vec<(MemberId, DisplayName)>,
    /// Who is what.
    pub roster: Roster,
    /// Who may come in.
    pub door: Door,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// This computer, or a network that it is in.
    Local,
    /// Anywhere else.
    Remote,
}

/// What is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A program with a key of its own.
    App,
    /// A web page, whose key is gone with it: a guest at the most.
    Page,
}

/// What a connection has shown beyond its hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// In an exchange that is over: the passcode that [`Output::Challenge`] named.
    Passcode,
}

/// A connection with a checked `hello` (see [`check_hello`]) that wants in.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The hello.
    pub hello: Hello,
    /// From where.
    pub place: Place,
    /// By what.
    pub caller: Caller,
    /// With what.
    pub shown: Shown,
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
    /// Put this into the log, and give the result back with the same connection, in the order of these outputs.
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
    /// Write the door down, in one transaction with the next drafts, or at once.
    KeepDoor(Door),
    /// Run a passcode exchange with this connection, which is in no seat, beginning with
    /// [`ServerFrame::Challenge`]: when it succeeds, [`Room::join`] again with [`Shown::Passcode`]; when it fails,
    /// [`Room::tried`]; when the connection ends, [`Room::broken`].
    Challenge {
        /// Whom.
        conn: Conn,
        /// Against what.
        passcode: Passcode,
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
    /// As everybody was told.
    role: Role,
    /// As everybody was told.
    muted: bool,
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
    /// As the log says; what is on its way there is in `flights`.
    roster: Roster,
    door: Door,
    /// Who waits at the door, longest first.
    knocks: Vec<Knocker>,
    /// Whose passcode exchange runs, and against what.
    challenged: HashMap<Conn, Passcode>,
    /// How many exchanges failed.
    wrong: u32,
    /// Whether the staff has to be told how the door is.
    door_changed: bool,
    /// What the log was asked to take and has not answered, in this order.
    flights: VecDeque<Flight>,
    /// Of these, those that change who may do what.
    acting: VecDeque<Act>,
    /// Frames that wait until such a change is in the log, at most [`crate::limits::ROOM_HELD`].
    held: VecDeque<(Conn, ClientFrame)>,
    paces: Paces,
    neighbours: Neighbours,
    /// When something came in last. What follows from a commit bears this time: it came of what came in.
    now: Now,
}

/// Why a `hello` was refused: what to answer, and the close code.
pub type Refusal = (Problem, u16);

/// Checks a `hello` before it reaches its room: version and proof of the key.
pub fn check_hello(hello: &Hello, channel: &Channel, nonce: &Nonce) -> Result<(), Refusal> {
    if !(PROTOCOL_MIN..=PROTOCOL_MAX).contains(&hello.protocol) {
        return Err((Problem::Version, close::VERSION));
    }
    if !hello_is_genuine(&hello.member, channel, nonce, &hello.room, &hello.signature) {
        return Err((Problem::Unauthenticated, close::UNAUTHENTICATED));
    }
    Ok(())
}

/// Checks a submission before it reaches its room, in the connection's own task: a curve operation each. `name` is the
/// member's by the frames before it.
pub fn check_submit(
    signed: &Signed,
    room: &RoomId,
    member: &MemberId,
    name: &DisplayName,
) -> Result<(), Reject> {
    if signed.is_genuine(room, member, name) {
        Ok(())
    } else {
        Err(Reject::BadSignature)
    }
}

impl Room {
    /// A room over what is kept of it. Who is present by the log has been here when the relay ended, and is away until
    /// they come back or [`RETURN_GRACE`] is over. Where nobody owns the room, its host does.
    pub fn new(config: RoomConfig, kept: Kept, now: Now) -> Self {
        let mut room = Self {
            epoch: kept.epoch,
            first: kept.first,
            head: kept.head,
            seats: HashMap::new(),
            conns: HashMap::new(),
            next_head: now.mono + HEAD_EVERY,
            outputs: VecDeque::new(),
            roster: kept.roster,
            door: kept.door,
            knocks: Vec::new(),
            challenged: HashMap::new(),
            wrong: 0,
            door_changed: false,
            flights: VecDeque::new(),
            acting: VecDeque::new(),
            held: VecDeque::new(),
            paces: Paces::default(),
            neighbours: Neighbours::default(),
            now,
            config,
        };
        if let (Some(host), None) = (room.config.host, room.roster.owner()) {
            let known = room.roster.get(&host).map(|known| known.name.clone());
            if let Some(name) = known.or_else(|| room.own_name()) {
                room.roster.found(host, name);
            }
        }
        room.shut_out_banned();
        for (member, name) in kept.present {
            // Sent out, and the relay ended before it could say that they left.
            let is_out = room.roster.get(&member).is_some_and(|known| {
                known.banned || (known.role != Role::Guest && !known.admitted)
            });
            if is_out {
                room.append(member, name, Body::Left { how: Leaving::Left });
                continue;
            }
            let seat = Seat {
                name,
                conn: None,
                away_until: now.mono + RETURN_GRACE,
                role: room.roster.role(&member),
                muted: room.is_muted(&member),
            };
            room.seats.insert(member, seat);
        }
        room
    }

    /// Lets each member submit faster or slower than the limits say: `burst` at once, and one more `every` time.
    pub fn pace_submits(&mut self, every: Duration, burst: u32) {
        self.paces.set_submits(every, burst);
    }

    /// What a relay tells everybody of the room.
    pub fn summary(&self) -> RoomSummary {
        let online = self
            .seats
            .values()
            .filter(|seat| seat.conn.is_some())
            .count();
        RoomSummary {
            room: self.config.key.id(),
            name: self.config.name.clone(),
            online: u32::try_from(online).unwrap_or(u32::MAX),
            full: online >= self.config.max_members,
            admission: self.config.settings.admission,
            locked: self.config.settings.locked,
            host: self.host_name(),
            hidden: self.config.settings.hidden,
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
        let knocks = self.knocks.iter().map(|knock| knock.until);
        away.chain(knocks)
            .chain([self.next_head])
            .min()
            .unwrap_or(self.next_head)
    }

    /// A frame of a connection that is in the room or knocks.
    pub fn frame(&mut self, conn: Conn, frame: ClientFrame, now: Now) {
        self.now = now;
        self.take(conn, frame);
        self.settle();
    }

    fn take(&mut self, conn: Conn, frame: ClientFrame) {
        if self.is_knocking(conn) {
            self.knocker_frame(conn, &frame);
            return;
        }
        let Some(member) = self.conns.get(&conn).copied() else {
            return;
        };
        let Some(name) = self.seats.get(&member).map(|seat| seat.name.clone()) else {
            return;
        };
        if self.must_wait(conn, member, &frame) {
            self.hold(conn, frame);
            return;
        }
        match frame {
            ClientFrame::Hello(_) => {
                self.complain(conn, Problem::OutOfTurn, "you are in the room already");
            }
            ClientFrame::PasscodeStart { .. } | ClientFrame::PasscodeFinish { .. } => {
                self.complain(conn, Problem::OutOfTurn, "nobody asked for a passcode");
            }
            ClientFrame::Submit(signed) => self.submit(conn, member, name, *signed),
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
                if self.paces.rename(member, self.now.mono).is_err() {
                    // Cut, and not only refused: what it signs from now on bears the new name.
                    self.conns.remove(&conn);
                    self.refuse_renames(conn);
                    self.away(member);
                    return;
                }
                if let Some(seat) = self.seats.get_mut(&member) {
                    seat.name = new.clone();
                }
                self.tell_seat(member);
                self.append(member, new, Body::Renamed { from: name });
            }
            ClientFrame::Leave => {
                self.conns.remove(&conn);
                self.outputs.push_back(Output::Close {
                    conn,
                    code: close::NORMAL,
                });
                self.remove(member, Leaving::Left);
            }
            ClientFrame::Door(order) => self.order(conn, member, order),
            ClientFrame::Compare { member: whom, step } => self.compare(conn, member, whom, step),
            ClientFrame::Introduce { rooms } => self.introduce(conn, member, rooms),
            // Whoever drives the room knows the address, and calls `dial_back`.
            ClientFrame::DialBack {
                member: whom, room, ..
            } => self.ask_back(conn, whom, room, None),
            ClientFrame::DialledBack {
                member: whom,
                room,
                outcome,
            } => self.dialled_back(member, whom, room, outcome),
        }
    }

    /// Whom the room knows as what.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// A connection ended without `leave`.
    pub fn broken(&mut self, conn: Conn, how: Broken, now: Now) {
        self.now = now;
        self.challenged.remove(&conn);
        self.forget_knocker(conn);
        if let Some(member) = self.conns.remove(&conn) {
            match how {
                Broken::Silent => self.remove(member, Leaving::Lost),
                Broken::Cut => self.away(member),
            }
        }
        self.settle();
    }

    /// The member's connection is gone, and they may be back in a moment.
    fn away(&mut self, member: MemberId) {
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.conn = None;
            seat.away_until = self.now.mono + AWAY_GRACE;
            self.tell_seat(member);
        }
    }

    /// Sets the room's rules without a member's asking: the room itself says so in the log.
    pub fn rule(&mut self, id: ClientId, settings: RoomSettings, now: Now) {
        self.now = now;
        self.act_itself(Body::Settings { id, settings });
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
        self.now = now;
        let mut late: Vec<_> = self
            .seats
            .iter()
            .filter(|(_, seat)| seat.conn.is_none() && seat.away_until <= now.mono)
            .map(|(m, s)| (s.away_until, *m))
            .collect();
        late.sort_unstable();
        for (_, member) in late {
            self.remove(member, Leaving::Lost);
        }
        self.tire_knockers();
        if self.next_head <= now.mono {
            self.next_head = now.mono + HEAD_EVERY;
            self.outputs.push_back(Output::All {
                frame: ServerFrame::Head {
                    epoch: self.epoch,
                    seq: self.head,
                },
            });
            self.prune_invites();
            self.paces.forget_idle(self.slow(), now.mono);
        }
        self.settle();
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
        conns.extend(self.knocks.drain(..).map(|knock| knock.conn));
        conns.extend(self.challenged.drain().map(|(conn, _)| conn));
        conns.sort_unstable();
        self.outputs
            .extend(conns.into_iter().map(|conn| Output::Close { conn, code }));
        self.seats.clear();
        self.held.clear();
    }

    fn is_muted(&self, member: &MemberId) -> bool {
        self.roster.get(member).is_some_and(|known| known.muted)
    }

    /// By which name its host is known, present or not.
    fn host_name(&self) -> Option<DisplayName> {
        let host = self.config.host?;
        let seated = self.seats.get(&host).map(|seat| &seat.name);
        let known = || {
            let known = self.roster.get(&host).map(|known| &known.name);
            // An owner who never came is known by the room's name, for want of another.
            known.filter(|name| name.as_str() != self.config.name.as_str())
        };
        seated.or_else(known).cloned()
    }

    /// The time between two messages of one member.
    fn slow(&self) -> Duration {
        Duration::from_secs(self.config.settings.slow.into())
    }

    /// The room's name as an author.
    fn own_name(&self) -> Option<DisplayName> {
        // Both names follow the same rules.
        let name = DisplayName::parse(self.config.name.as_str());
        name.inspect_err(|bad| debug_assert!(false, "{bad}")).ok()
    }
}

#[cfg(test)]
mod tests;
