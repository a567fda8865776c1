//! The rules of PROTOCOL.md about who comes in and who may do what, one test each, against the machines themselves. Their
//! corners are in the machines' own tests.

use std::collections::VecDeque;
use std::time::Duration;

use chatspot_protocol::compare::Sides;
use chatspot_protocol::door::Door;
use chatspot_protocol::event::Draft;
use chatspot_protocol::limits::{KNOCK_FOR, MEMBER_COMPARES, MEMBER_SUBMITS_BURST};
use chatspot_protocol::log::MemoryLog;
use chatspot_protocol::room::{
    Arrival, Caller, Conn, Kept, Output, Place, Room, RoomConfig, Shown,
};
use chatspot_protocol::roster::Roster;
use chatspot_protocol::time::Now;
use chatspot_protocol::wire::close;

use super::*;

/// The connection of the owner, and of two others.
const BOB: Conn = Conn(1);
const ADA: Conn = Conn(2);
const EVE: Conn = Conn(3);

/// A room with its log, driven by hand.
struct Hall {
    room: Room,
    log: MemoryLog,
    now: Now,
    asked: VecDeque<(Option<Conn>, Draft)>,
    outputs: Vec<Output>,
}

fn word() -> Passcode {
    Passcode::parse("apple river stone cloud").unwrap()
}

fn invite(role: Role) -> Invite {
    Invite {
        id: token().id(),
        token: token(),
        role,
        made_by: None,
        made_at: 0,
        expires_at: None,
        uses_left: Some(1),
        used: 0,
        raised: Vec::new(),
    }
}

fn arrival(member: MemberId, called: &str) -> Arrival {
    Arrival {
        hello: Hello {
            protocol: 1,
            room: room(),
            member,
            name: name(called),
            signature: Signature([0; 64]),
            token: None,
            software: String::new(),
        },
        place: Place::Local,
        caller: Caller::App,
        shown: Shown::Nothing,
    }
}

fn with_token(member: MemberId, called: &str) -> Arrival {
    let mut arrival = arrival(member, called);
    arrival.hello.token = Some(token());
    arrival
}

impl Hall {
    /// Bob's room, with him in it.
    fn new(settings: RoomSettings) -> Self {
        let now = Now {
            mono: Duration::from_secs(1_000),
            wall: 1_790_000_000_000,
        };
        let config = RoomConfig {
            key: room_key(),
            name: RoomName::parse("Workshop").unwrap(),
            host: Some(bob()),
            settings,
            max_members: 10,
        };
        let kept = Kept {
            epoch: epoch(),
            first: Seq(1),
            head: Seq(0),
            present: Vec::new(),
            roster: Roster::default(),
            door: Door {
                passcode: Some(word()),
                invites: vec![invite(Role::Member)],
            },
        };
        let mut hall = Self {
            room: Room::new(config, kept, now),
            log: MemoryLog::new(epoch(), 1_000),
            now,
            asked: VecDeque::new(),
            outputs: Vec::new(),
        };
        hall.join(BOB, arrival(bob(), "Bob"));
        hall
    }

    fn by(admission: Admission) -> Self {
        Self::new(RoomSettings {
            admission,
            ..RoomSettings::default()
        })
    }

    /// A room with Ada in it, too.
    fn with_ada() -> Self {
        let mut hall = Self::by(Admission::Open);
        hall.join(ADA, arrival(ada(), "Ada"));
        hall
    }

    /// Takes what the room wants done, until it wants nothing in the log any more.
    fn settle(&mut self) {
        self.outputs.clear();
        loop {
            while let Some(output) = self.room.poll_output() {
                if let Output::Append { from, draft } = &output {
                    self.asked.push_back((*from, draft.clone()));
                }
                self.outputs.push(output);
            }
            if self.asked.is_empty() {
                return;
            }
            let asked = self.asked.drain(..);
            let answers: Vec<_> = asked
                .map(|(from, draft)| (from, self.log.append(draft)))
                .collect();
            self.room.committed(answers);
        }
    }

    fn join(&mut self, conn: Conn, arrival: Arrival) -> &mut Self {
        self.room.join(conn, arrival, self.now);
        self.settle();
        self
    }

    fn frame(&mut self, conn: Conn, frame: ClientFrame) -> &mut Self {
        self.room.frame(conn, frame, self.now);
        self.settle();
        self
    }

    fn order(&mut self, conn: Conn, order: DoorOrder) -> &mut Self {
        self.frame(conn, ClientFrame::Door(order))
    }

    /// The frames that this connection alone was sent by the last step.
    fn told(&self, conn: Conn) -> Vec<&ServerFrame> {
        let sent = self.outputs.iter().filter_map(|output| match output {
            Output::Send { conn: to, frame } if *to == conn => Some(frame),
            _ => None,
        });
        sent.collect()
    }

    fn closed(&self, conn: Conn) -> Option<u16> {
        self.outputs.iter().find_map(|output| match output {
            Output::Close { conn: of, code } if *of == conn => Some(*code),
            _ => None,
        })
    }

    fn is_welcome(&self, conn: Conn) -> bool {
        let welcome = |frame: &&&ServerFrame| matches!(frame, ServerFrame::Welcome(_));
        self.told(conn).iter().any(|frame| welcome(&frame))
    }

    /// Why the last step ended a connection.
    fn refusal(&self, conn: Conn) -> Option<(Problem, u16)> {
        let code = self.problem(conn)?;
        Some((code, self.closed(conn)?))
    }

    fn problem(&self, conn: Conn) -> Option<Problem> {
        self.told(conn).into_iter().find_map(|frame| match frame {
            ServerFrame::Error { code, .. } => Some(*code),
            _ => None,
        })
    }

    fn reject(&self, conn: Conn) -> Option<(Reject, Option<u32>)> {
        self.told(conn).into_iter().find_map(|frame| match frame {
            ServerFrame::Rejected { code, wait, .. } => Some((*code, *wait)),
            _ => None,
        })
    }

    fn door(&self, conn: Conn) -> Option<&DoorView> {
        self.told(conn).into_iter().find_map(|frame| match frame {
            ServerFrame::Door(view) => Some(view),
            _ => None,
        })
    }
}

fn no(problem: Problem) -> (Problem, u16) {
    (problem, close::NOT_ADMITTED)
}

/// **A1**: in this order.
#[test]
fn a_room_decides_by_ban_membership_lock_invite_and_admission() {
    let mut hall = Hall::by(Admission::Invite);
    hall.join(ADA, with_token(ada(), "Ada"));
    assert!(hall.is_welcome(ADA), "an invite goes before the admission");
    hall.frame(ADA, ClientFrame::Leave);
    let locked = RoomSettings {
        locked: true,
        admission: Admission::Open,
        ..RoomSettings::default()
    };
    let id = ClientId(bytes(20));
    let settings = locked;
    hall.frame(BOB, order(Body::Settings { id, settings }));
    hall.join(ADA, arrival(ada(), "Ada"));
    assert!(hall.is_welcome(ADA), "membership goes before the lock");
    hall.join(EVE, with_token(eve(), "Eve"));
    assert_eq!(
        hall.refusal(EVE),
        Some(no(Problem::Locked)),
        "the lock before an invite"
    );
    hall.frame(BOB, order(moderated(21, Moderation::Ban)));
    hall.join(ADA, arrival(ada(), "Ada"));
    let banned = Some((Problem::Banned, close::BANNED));
    assert_eq!(hall.refusal(ADA), banned, "a ban before all");
}

/// **A2**
#[test]
fn an_open_room_is_open_to_its_network_and_an_invite_only_one_to_none() {
    let far = Arrival {
        place: Place::Remote,
        ..arrival(ada(), "Ada")
    };
    let mut hall = Hall::by(Admission::Open);
    assert_eq!(
        hall.join(ADA, far).refusal(ADA),
        Some(no(Problem::NotLocal))
    );
    assert!(hall.join(ADA, arrival(ada(), "Ada")).is_welcome(ADA));
    let mut hall = Hall::by(Admission::Invite);
    hall.join(ADA, arrival(ada(), "Ada"));
    assert_eq!(hall.refusal(ADA), Some(no(Problem::InviteNeeded)));
}

/// **A3**, **A4**: the exchange itself is in `passcode.rs`.
#[test]
fn a_passcode_is_asked_for_and_a_wrong_one_is_counted() {
    let mut hall = Hall::by(Admission::Passcode);
    hall.join(ADA, arrival(ada(), "Ada"));
    let challenge = Output::Challenge {
        conn: ADA,
        passcode: word(),
    };
    assert!(hall.outputs.contains(&challenge) && !hall.is_welcome(ADA));
    hall.room.tried(ADA);
    hall.settle();
    assert_eq!(hall.refusal(ADA), Some(no(Problem::WrongPasscode)));
    assert_eq!(hall.door(BOB).map(|door| door.wrong), Some(1));
    hall.join(ADA, arrival(ada(), "Ada"));
    let shown = Shown::Passcode;
    hall.join(
        ADA,
        Arrival {
            shown,
            ..arrival(ada(), "Ada")
        },
    );
    assert!(hall.is_welcome(ADA));
}

/// **A5**
#[test]
fn an_invite_lets_in_whatever_the_admission_while_it_holds() {
    for admission in [
        Admission::Open,
        Admission::Passcode,
        Admission::Invite,
        Admission::Knock,
    ] {
        let mut hall = Hall::by(admission);
        assert!(hall.join(ADA, with_token(ada(), "Ada")).is_welcome(ADA));
        hall.join(EVE, with_token(eve(), "Eve"));
        assert_eq!(
            hall.refusal(EVE),
            Some(no(Problem::BadInvite)),
            "it was for one"
        );
    }
}

/// **A6**
#[test]
fn who_knocks_waits_for_an_answer() {
    let mut hall = Hall::by(Admission::Knock);
    let answer = |admit| DoorOrder::Answer {
        member: eve(),
        admit,
    };
    hall.join(EVE, arrival(eve(), "Eve"));
    assert_eq!(hall.told(EVE), [&ServerFrame::Knocking]);
    hall.frame(EVE, submit(said()));
    assert_eq!(hall.problem(EVE), Some(Problem::OutOfTurn));
    assert!(hall.order(BOB, answer(true)).is_welcome(EVE));
    let mut hall = Hall::by(Admission::Knock);
    hall.join(EVE, arrival(eve(), "Eve"));
    assert_eq!(
        hall.order(BOB, answer(false)).refusal(EVE),
        Some(no(Problem::Denied))
    );
    hall.join(EVE, arrival(eve(), "Eve"));
    hall.now.mono += KNOCK_FOR;
    hall.room.timeout(hall.now);
    hall.settle();
    assert_eq!(
        hall.refusal(EVE),
        Some(no(Problem::Denied)),
        "nobody answered"
    );
    hall.join(EVE, arrival(eve(), "Eve"));
    hall.frame(EVE, ClientFrame::Leave);
    assert_eq!(hall.closed(EVE), Some(close::NORMAL));
}

/// **A7**
#[test]
fn the_door_is_shown_to_its_keepers_alone() {
    let mut hall = Hall::with_ada();
    assert_eq!(hall.door(ADA), None);
    hall.frame(BOB, order(raised(Role::Moderator)));
    let shown = hall.door(ADA).expect("a moderator keeps the door");
    assert_eq!(shown.passcode, Some(word()));
    assert_eq!(shown.invites, [invite(Role::Member)]);
    hall.frame(BOB, order(moderated(22, Moderation::Ban)));
    let banned = hall.door(BOB).expect("it changed").banned.clone();
    assert_eq!(
        banned.iter().map(|one| one.member).collect::<Vec<_>>(),
        [ada()]
    );
}

/// **A8**
#[test]
fn the_keepers_order_at_the_door() {
    let mut hall = Hall::with_ada();
    let another = || DoorOrder::Passcode {
        passcode: Passcode::parse("another one").unwrap(),
    };
    assert_eq!(
        hall.order(ADA, another()).problem(ADA),
        Some(Problem::NotAllowed)
    );
    hall.frame(BOB, order(raised(Role::Moderator)));
    assert_eq!(
        hall.order(ADA, another()).problem(ADA),
        Some(Problem::NotAllowed)
    );
    hall.order(BOB, another());
    let shown = hall.door(ADA).and_then(|door| door.passcode.clone());
    assert_eq!(shown, Passcode::parse("another one").ok());
    let made = |role| DoorOrder::Invite {
        token: Token(bytes(23)),
        role,
        uses: Some(30),
        seconds: Some(600),
    };
    assert_eq!(
        hall.order(ADA, made(Role::Owner)).problem(ADA),
        Some(Problem::NotAllowed)
    );
    for _ in 0..2 {
        hall.order(ADA, made(Role::Member));
        assert_eq!(hall.door(ADA).map(|door| door.invites.len()), Some(2));
    }
    let invite = Token(bytes(23)).id();
    hall.order(ADA, DoorOrder::Revoke { invite });
    assert_eq!(hall.door(ADA).map(|door| door.invites.len()), Some(1));
    let gone = hall.order(ADA, DoorOrder::Revoke { invite }).problem(ADA);
    assert_eq!(gone, Some(Problem::NoSuchThing));
}

/// **M1**
#[test]
fn a_room_is_handed_on_and_a_guest_comes_in_anew() {
    let mut hall = Hall::with_ada();
    let role = |hall: &Hall, member| hall.room.roster().role(&member);
    assert_eq!(
        (role(&hall, bob()), role(&hall, ada())),
        (Role::Owner, Role::Member)
    );
    hall.frame(BOB, order(raised(Role::Owner)));
    assert_eq!(
        (role(&hall, bob()), role(&hall, ada())),
        (Role::Moderator, Role::Owner)
    );
    let page = Arrival {
        caller: Caller::Page,
        ..arrival(eve(), "Eve")
    };
    hall.join(EVE, page);
    assert_eq!(role(&hall, eve()), Role::Guest);
    hall.frame(EVE, ClientFrame::Leave);
    let far = Arrival {
        place: Place::Remote,
        ..arrival(eve(), "Eve")
    };
    assert_eq!(
        hall.join(EVE, far).refusal(EVE),
        Some(no(Problem::NotLocal))
    );
}

/// **M2**
#[test]
fn who_is_muted_reads_and_who_is_sent_out_is_gone() {
    let mut hall = Hall::with_ada();
    hall.frame(ADA, submit(said()));
    hall.frame(BOB, order(moderated(24, Moderation::Mute)));
    for body in [edited(), reacted()] {
        assert_eq!(
            hall.frame(ADA, submit(body)).reject(ADA),
            Some((Reject::Muted, None))
        );
    }
    assert_eq!(hall.frame(ADA, submit(deleted())).reject(ADA), None);
    hall.frame(BOB, order(moderated(25, Moderation::Unmute)));
    assert_eq!(hall.frame(ADA, submit(edited())).reject(ADA), None);
    hall.frame(BOB, order(moderated(26, Moderation::Kick)));
    assert_eq!(hall.closed(ADA), Some(close::KICKED));
    let far = Arrival {
        place: Place::Remote,
        ..arrival(ada(), "Ada")
    };
    assert_eq!(
        hall.join(ADA, far).refusal(ADA),
        Some(no(Problem::NotLocal))
    );
    // By an invite, which is revoked with the ban.
    let mut hall = Hall::by(Admission::Invite);
    hall.join(ADA, with_token(ada(), "Ada"));
    let another = Token(bytes(27));
    hall.order(
        BOB,
        DoorOrder::Invite {
            token: another,
            role: Role::Member,
            uses: None,
            seconds: None,
        },
    );
    let mut by_another = arrival(eve(), "Eve");
    by_another.hello.token = Some(another);
    hall.join(EVE, by_another);
    let ban = Body::Moderated {
        id: ClientId(bytes(28)),
        member: eve(),
        action: Moderation::Ban,
    };
    hall.frame(BOB, order(ban));
    assert_eq!(hall.closed(EVE), Some(close::BANNED));
    assert_eq!(hall.door(BOB).map(|door| door.invites.len()), Some(0));
}

/// **M3**
#[test]
fn who_is_too_fast_is_told_for_how_long_to_wait() {
    let mut hall = Hall::with_ada();
    let say = |number: u8| {
        submit(Body::Message {
            id: ClientId([number; 16]),
            text: text("x"),
        })
    };
    let burst = u8::try_from(MEMBER_SUBMITS_BURST).unwrap();
    for number in 0..burst {
        assert_eq!(hall.frame(ADA, say(number)).reject(ADA), None, "{number}");
    }
    let rejected = hall.frame(ADA, say(burst)).reject(ADA);
    let Some((Reject::SlowDown, Some(wait))) = rejected else {
        panic!("{rejected:?}");
    };
    hall.now.mono += Duration::from_millis(wait.into());
    assert_eq!(hall.frame(ADA, say(burst)).reject(ADA), None);
    // And by the room's own pace, which does not hold for the owner.
    let mut hall = Hall::new(RoomSettings {
        slow: 10,
        ..RoomSettings::default()
    });
    hall.join(ADA, arrival(ada(), "Ada"));
    hall.frame(ADA, say(1));
    let rejected = hall.frame(ADA, say(2)).reject(ADA);
    let Some((Reject::SlowDown, Some(10_000..=10_001))) = rejected else {
        panic!("{rejected:?}");
    };
    for number in 3..5 {
        let body = Body::Message {
            id: ClientId([number; 16]),
            text: text("x"),
        };
        assert_eq!(hall.frame(BOB, order(body)).reject(BOB), None);
    }
}

/// **Q1**: what is hashed, so that anybody can compare.
#[test]
fn a_code_is_a_hash_of_both_sides() {
    use ed25519_dalek::{Digest, Sha512};
    let key = room_key().public();
    let sides = Sides {
        room: key,
        a: ada(),
        b: bob(),
    };
    let (mine, theirs) = (Share(bytes(18)), Share(bytes(19)));
    let over = |context: &[u8], shares: &[&[u8]]| {
        let head = [context, &key.0, &ada().0, &bob().0].concat();
        Sha512::digest([head, shares.concat()].concat())
    };
    let bound = over(b"chatspot compare commitment v1\0", &[&mine.0]);
    assert_eq!(sides.commitment(&mine).0, bound[..32]);
    let code = over(b"chatspot compare code v1\0", &[&mine.0, &theirs.0]);
    let number = u64::from_be_bytes(code[8..16].try_into().unwrap()) % 1_000_000_000;
    let shown = sides.code(&mine, &theirs);
    let digits = format!("{number:09}");
    assert_eq!(shown.digits().replace(' ', ""), digits);
    let six: Vec<usize> = (0..6)
        .map(|place| {
            let bits = u64::from_be_bytes(code[..8].try_into().unwrap());
            usize::try_from(bits >> (58 - 6 * place) & 63).unwrap()
        })
        .collect();
    let emoji = shown.emoji().into_iter().map(|one| one.emoji);
    let table = chatspot_protocol::compare::EMOJI;
    assert!(emoji.eq(six.into_iter().map(|place| table[place].0.to_owned())));
}

/// **Q2**
#[test]
fn a_step_of_a_comparison_goes_to_its_member_with_the_senders_name() {
    let mut hall = Hall::with_ada();
    let step = CompareStep::Accept { share: share() };
    let to = |member| ClientFrame::Compare { member, step };
    hall.frame(ADA, to(bob()));
    let member = ada();
    assert_eq!(hall.told(BOB), [&ServerFrame::Compare { member, step }]);
    let nobody = hall.frame(ADA, to(eve())).problem(ADA);
    assert_eq!(nobody, Some(Problem::NoSuchThing));
    let mut problems = (0..=MEMBER_COMPARES).map(|_| hall.frame(ADA, to(bob())).problem(ADA));
    assert!(problems.any(|problem| problem == Some(Problem::SlowDown)));
}
