//! The room machine over a log in memory: a hall with a few members, whose commits the test makes when it likes.

use std::collections::VecDeque;

use super::*;
use crate::door::{DoorOrder, DoorView, Invite};
use crate::event::{
    Admission, Event, Moderation, Retention, Role, RoomSettings, Submission, Target, Via,
};
use crate::ids::{InviteId, Signature, Token, WallMillis};
use crate::log::{Appended, MemoryLog};
use crate::text::{MessageText, Reaction};
use crate::wire::Presence;

mod acts;
mod door;
mod flight;
mod join;
mod knock;
mod neighbours;
mod pace;
mod random;
mod seats;

/// Whose room it is, and who hosts it.
const OWNER: u8 = 9;
const MODERATOR: u8 = 8;
const ADA: u8 = 1;
const BOB: u8 = 2;
const GUEST: u8 = 3;
const EVE: u8 = 4;

fn key() -> RoomKey {
    RoomKey::from_secret(&[5; 32])
}

fn member(number: u8) -> MemberId {
    MemberId([number; 32])
}

fn conn(number: u8) -> Conn {
    Conn(number.into())
}

fn name(text: &str) -> DisplayName {
    DisplayName::parse(text).unwrap()
}

fn admission(admission: Admission) -> RoomSettings {
    RoomSettings {
        admission,
        ..RoomSettings::default()
    }
}

fn config(host: Option<u8>, settings: RoomSettings, max_members: usize) -> RoomConfig {
    RoomConfig {
        key: key(),
        name: RoomName::parse("Lab").unwrap(),
        host: host.map(member),
        settings,
        max_members,
    }
}

fn passcode(text: &str) -> Passcode {
    Passcode::parse(text).unwrap()
}

fn invite(number: u8, role: Role) -> Invite {
    let token = Token([number; 16]);
    Invite {
        id: token.id(),
        token,
        role,
        made_by: None,
        made_at: 0,
        expires_at: None,
        uses_left: None,
        used: 0,
        raised: Vec::new(),
    }
}

fn arrival(number: u8) -> Arrival {
    Arrival {
        hello: Hello {
            protocol: 1,
            room: key().id(),
            member: member(number),
            name: name("Ada"),
            signature: Signature([0; 64]),
            token: None,
            software: String::new(),
        },
        place: Place::Local,
        caller: Caller::App,
        shown: Shown::Nothing,
    }
}

fn by_invite(number: u8, token: u8) -> Arrival {
    let mut arrival = arrival(number);
    arrival.hello.token = Some(Token([token; 16]));
    arrival
}

fn page(mut arrival: Arrival) -> Arrival {
    arrival.caller = Caller::Page;
    arrival
}

/// An id of an act.
fn id(number: u64) -> ClientId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    ClientId(id)
}

fn said(number: u64) -> Body {
    Body::Message {
        id: id(number),
        text: MessageText::parse("x").unwrap(),
    }
}

fn moderated(number: u64, whom: u8, action: Moderation) -> Body {
    Body::Moderated {
        id: id(number),
        member: member(whom),
        action,
    }
}

fn role(number: u64, whom: u8, role: Role) -> Body {
    Body::Role {
        id: id(number),
        member: member(whom),
        role,
    }
}

/// A room, its log, and what it asked of it.
struct Hall {
    room: Room,
    log: MemoryLog,
    now: Now,
    /// What the log was asked to take.
    asked: VecDeque<(Option<Conn>, Draft)>,
}

impl Hall {
    fn over(config: RoomConfig, roster: Roster, door: Door) -> Self {
        let now = Now {
            mono: Duration::from_secs(1_000),
            wall: 1_000_000,
        };
        let kept = Kept {
            epoch: Epoch([1; 16]),
            first: Seq(1),
            head: Seq(0),
            present: Vec::new(),
            roster,
            door,
        };
        Self {
            room: Room::new(config, kept, now),
            log: MemoryLog::new(Epoch([1; 16]), 100_000),
            now,
            asked: VecDeque::new(),
        }
    }

    /// An empty room of the owner's.
    fn new(settings: RoomSettings, invites: Vec<Invite>) -> Self {
        let door = Door {
            passcode: Some(passcode("open sesame")),
            invites,
        };
        Self::over(config(Some(OWNER), settings, 20), Roster::default(), door)
    }

    /// The owner, a moderator, two members and a guest are in, each over the connection of its number.
    fn full(settings: RoomSettings) -> Self {
        let mut hall = Self::new(RoomSettings::default(), vec![invite(99, Role::Guest)]);
        for number in [OWNER, MODERATOR, ADA, BOB] {
            hall.join(number, arrival(number));
        }
        hall.join(GUEST, by_invite(GUEST, 99));
        hall.submit(OWNER, role(1_000, MODERATOR, Role::Moderator));
        if settings != RoomSettings::default() {
            let id = id(1_001);
            hall.submit(OWNER, Body::Settings { id, settings });
        }
        hall
    }

    fn later(&mut self, time: Duration) {
        self.now.mono += time;
        self.now.wall += WallMillis::try_from(time.as_millis()).unwrap();
        self.room.timeout(self.now);
    }

    fn drain(&mut self) -> Vec<Output> {
        let outputs: Vec<Output> = std::iter::from_fn(|| self.room.poll_output()).collect();
        for output in &outputs {
            if let Output::Append { from, draft } = output {
                self.asked.push_back((*from, draft.clone()));
            }
        }
        outputs
    }

    /// One commit of all that was asked by now, and what came of it.
    fn commit(&mut self) -> Vec<Output> {
        let log = &mut self.log;
        let asked = std::mem::take(&mut self.asked).into_iter();
        let answers: Vec<_> = asked
            .map(|(from, draft)| (from, log.append(draft)))
            .collect();
        self.room.committed(answers);
        self.drain()
    }

    /// The disk takes nothing of what was asked.
    fn lose(&mut self) -> Vec<Output> {
        let asked = std::mem::take(&mut self.asked).into_iter();
        let lost = |(from, draft): (_, Draft)| (from, Appended::NotSaved(draft.body.id()));
        let answers: Vec<_> = asked.map(lost).collect();
        self.room.committed(answers);
        self.drain()
    }

    /// Commits until nothing more is asked.
    fn settle(&mut self) -> Vec<Output> {
        let mut outputs = self.drain();
        while !self.asked.is_empty() {
            outputs.extend(self.commit());
        }
        outputs
    }

    fn join(&mut self, number: u8, arrival: Arrival) -> Vec<Output> {
        self.room.join(conn(number), arrival, self.now);
        self.settle()
    }

    fn frame(&mut self, number: u8, frame: ClientFrame) -> Vec<Output> {
        self.room.frame(conn(number), frame, self.now);
        self.settle()
    }

    /// Submits without a commit.
    fn ask(&mut self, number: u8, body: Body) -> Vec<Output> {
        let submission = Submission::try_from(body).unwrap();
        let signature = Signature([number; 64]);
        let signed = Signed {
            submission,
            signature,
        };
        let frame = ClientFrame::Submit(Box::new(signed));
        self.room.frame(conn(number), frame, self.now);
        self.drain()
    }

    fn submit(&mut self, number: u8, body: Body) -> Vec<Output> {
        let mut outputs = self.ask(number, body);
        outputs.extend(self.settle());
        outputs
    }

    fn order(&mut self, number: u8, order: DoorOrder) -> Vec<Output> {
        self.frame(number, ClientFrame::Door(order))
    }

    fn is_in(&self, number: u8) -> bool {
        self.room.conns.contains_key(&conn(number))
    }

    fn role(&self, number: u8) -> Role {
        self.room.roster.role(&member(number))
    }

    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < usize::try_from(self.log.head().0).unwrap() {
            let from = Seq(events.len() as u64 + 1);
            events.extend(self.log.read(from, self.log.head()).events);
        }
        events
    }

    /// What the log says last of somebody's coming.
    fn joined(&self, number: u8) -> Option<(Via, Role)> {
        let events = self.events().into_iter().rev();
        let mut joined = events.filter(|event| event.author == member(number));
        joined.find_map(|event| match event.body {
            Body::Joined { via, role } => Some((via, role)),
            _ => None,
        })
    }

    /// As somebody's window shows the door now.
    fn door(&self, number: u8) -> DoorView {
        self.room.door_view(self.role(number))
    }
}

fn appends(outputs: &[Output]) -> Vec<&Draft> {
    let mut drafts = Vec::new();
    for output in outputs {
        if let Output::Append { draft, .. } = output {
            drafts.push(draft);
        }
    }
    drafts
}

fn closed(outputs: &[Output], number: u8) -> Option<u16> {
    outputs.iter().find_map(|output| match output {
        Output::Close { conn: to, code } if *to == conn(number) => Some(*code),
        _ => None,
    })
}

/// What one connection is sent.
fn sent(outputs: &[Output], number: u8) -> Vec<&ServerFrame> {
    let frame = |output| match output {
        &Output::Send {
            conn: to,
            ref frame,
        } if to == conn(number) => Some(frame),
        _ => None,
    };
    outputs.iter().filter_map(frame).collect()
}

/// Of which problem one connection is told.
fn problem(outputs: &[Output], number: u8) -> Option<Problem> {
    let mut sent = sent(outputs, number).into_iter();
    sent.find_map(|frame| match frame {
        ServerFrame::Error { code, .. } => Some(*code),
        _ => None,
    })
}

/// Why one connection's submission was not taken, and for how many milliseconds.
fn rejected(outputs: &[Output], number: u8) -> Option<(Reject, Option<u32>)> {
    let mut sent = sent(outputs, number).into_iter();
    sent.find_map(|frame| match frame {
        ServerFrame::Rejected { code, wait, .. } => Some((*code, *wait)),
        _ => None,
    })
}

/// Who was sent how the door is.
fn shown(outputs: &[Output]) -> Vec<u8> {
    let told = |output: &Output| match output {
        Output::Send {
            conn,
            frame: ServerFrame::Door(_),
        } => u8::try_from(conn.0).ok(),
        _ => None,
    };
    let mut told: Vec<u8> = outputs.iter().filter_map(told).collect();
    told.sort_unstable();
    told
}

/// The presences that everybody is told of somebody.
fn presences(outputs: &[Output], number: u8) -> Vec<(Presence, Role, bool)> {
    let told = |output: &Output| match output {
        Output::All {
            frame: ServerFrame::Presence(told),
        } if told.member == member(number) => Some((told.presence, told.role, told.muted)),
        _ => None,
    };
    outputs.iter().filter_map(told).collect()
}

fn kept_door(outputs: &[Output]) -> Option<&Door> {
    outputs.iter().rev().find_map(|output| match output {
        Output::KeepDoor(door) => Some(door),
        _ => None,
    })
}
