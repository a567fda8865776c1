//! A room under random frames, orders, commits and losses. Whatever happens, these hold: there is one owner; nobody
//! who is banned has a seat; nothing that a muted or banned member says comes after the event that says so; nobody
//! acts on whom they may not; an invite's use is kept before the event of it; who is no member comes in by an entry.

use std::collections::HashSet;

use super::*;
use crate::event::RoomSettings;

struct Rng(u64);

impl Rng {
    /// xorshift64*, as in Vigna, "An experimental exploration of Marsaglia's xorshift generators".
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let index = self.below(all.len() as u64);
        all[usize::try_from(index).unwrap()]
    }
}

const MEMBERS: [u8; 6] = [OWNER, MODERATOR, ADA, BOB, GUEST, EVE];
const ROLES: [Role; 4] = [Role::Owner, Role::Moderator, Role::Member, Role::Guest];
const ACTIONS: [Moderation; 5] = [
    Moderation::Mute,
    Moderation::Unmute,
    Moderation::Kick,
    Moderation::Ban,
    Moderation::Unban,
];
const ADMISSIONS: [Admission; 4] = [
    Admission::Open,
    Admission::Passcode,
    Admission::Invite,
    Admission::Knock,
];

struct World {
    hall: Hall,
    rng: Rng,
    seed: u64,
    next: u64,
    /// The roster as a reader of the log has it.
    replayed: Roster,
    rules: RoomSettings,
    read: u64,
    owner_invites: HashSet<InviteId>,
}

impl World {
    fn new(seed: u64) -> Self {
        let invites = vec![invite(1, Role::Member), invite(2, Role::Guest)];
        let mut owners = invite(3, Role::Owner);
        owners.uses_left = Some(2);
        let hall = Hall::new(RoomSettings::default(), [invites, vec![owners]].concat());
        Self {
            replayed: hall.room.roster.clone(),
            hall,
            rng: Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            seed,
            next: 1,
            rules: RoomSettings::default(),
            read: 0,
            owner_invites: HashSet::from([Token([3; 16]).id()]),
        }
    }

    fn step(&mut self) {
        let number = self.rng.of(&MEMBERS);
        let whom = self.rng.of(&MEMBERS);
        self.next += 1;
        let next = self.next;
        match self.rng.below(20) {
            0..5 => self.arrive(number),
            5..9 => drop(self.hall.ask(number, said(next))),
            9..11 => {
                let action = self.rng.of(&ACTIONS);
                self.hall.ask(number, moderated(next, whom, action));
            }
            11 => {
                let new = self.rng.of(&ROLES);
                self.hall.ask(number, role(next, whom, new));
            }
            12 => {
                let settings = RoomSettings {
                    admission: self.rng.of(&ADMISSIONS),
                    locked: self.rng.below(4) == 0,
                    slow: 0,
                    ..RoomSettings::default()
                };
                let id = id(next);
                self.hall.ask(number, Body::Settings { id, settings });
            }
            13 => {
                let order = self.order(whom);
                let frame = ClientFrame::Door(order);
                self.hall.room.frame(conn(number), frame, self.hall.now);
            }
            14 => {
                let now = self.hall.now;
                let frame = ClientFrame::Leave;
                self.hall.room.frame(conn(number), frame, now);
            }
            15 => {
                let how = self.rng.of(&[Broken::Cut, Broken::Silent]);
                self.hall.room.broken(conn(number), how, self.hall.now);
            }
            16 => self.hall.later(Duration::from_secs(7)),
            17 => {
                self.drain();
                drop(self.hall.lose());
            }
            _ => {
                self.drain();
                drop(self.hall.commit());
            }
        }
        self.drain();
        self.check();
    }

    fn arrive(&mut self, number: u8) {
        let mut arrival = arrival(number);
        let token = Token([self.rng.of(&[1, 2, 3]); 16]);
        arrival.hello.token = (self.rng.below(2) == 0).then_some(token);
        arrival.place = self.rng.of(&[Place::Local, Place::Remote]);
        arrival.shown = self.rng.of(&[Shown::Nothing, Shown::Passcode]);
        if number == GUEST {
            arrival.caller = Caller::Page;
        }
        // As a driver does it: a connection is never used twice, unless its exchange is over.
        let conn = conn(number);
        if !self.hall.room.challenged.contains_key(&conn) {
            self.hall.room.broken(conn, Broken::Cut, self.hall.now);
        }
        self.hall.room.join(conn, arrival, self.hall.now);
    }

    fn order(&mut self, whom: u8) -> DoorOrder {
        match self.rng.below(4) {
            0 => DoorOrder::Passcode {
                passcode: passcode("another one"),
            },
            1 => DoorOrder::Invite {
                token: Token([self.rng.of(&[1, 2, 4]); 16]),
                role: self.rng.of(&ROLES),
                uses: self.rng.of(&[None, Some(1), Some(3)]),
                seconds: None,
            },
            2 => DoorOrder::Revoke {
                invite: Token([self.rng.of(&[1, 2, 4]); 16]).id(),
            },
            _ => DoorOrder::Answer {
                member: member(whom),
                admit: self.rng.below(2) == 0,
            },
        }
    }

    /// What goes to the log follows what is kept of the door.
    fn drain(&mut self) {
        let mut is_kept = false;
        for output in self.hall.drain() {
            match output {
                Output::KeepDoor(_) => is_kept = true,
                Output::Append { draft, .. } => {
                    let by_invite = matches!(
                        draft.body,
                        Body::Joined {
                            via: Via::Invite { .. },
                            ..
                        }
                    );
                    assert!(is_kept || !by_invite, "seed {}: {draft:?}", self.seed);
                }
                _ => {}
            }
        }
    }

    fn check(&mut self) {
        let seed = self.seed;
        for event in self
            .hall
            .events()
            .into_iter()
            .skip(usize::try_from(self.read).unwrap())
        {
            self.read += 1;
            self.read(&event);
        }
        assert_eq!(self.replayed, self.hall.room.roster, "seed {seed}");
        let roster = self.replayed.iter();
        let owners = roster.filter(|(_, known)| known.role == Role::Owner);
        assert_eq!(owners.count(), 1, "seed {seed}");
        for member in self.hall.room.seats.keys() {
            let banned = self.replayed.get(member).is_some_and(|known| known.banned);
            assert!(!banned, "seed {seed}: {member} is banned and here");
        }
    }

    /// The log itself shows that every event was allowed where it stands.
    fn read(&mut self, event: &Event) {
        let (seed, author) = (self.seed, event.author);
        let known = self.replayed.get(&author).cloned();
        let is_room = author == key().author().member();
        match &event.body {
            Body::Joined { via, role } => {
                let was_admitted = known.as_ref().is_some_and(|known| known.admitted);
                let by_membership = *via == Via::Membership;
                assert!(was_admitted || !by_membership, "seed {seed}: {event:?}");
                let banned = known.is_some_and(|known| known.banned);
                assert!(!banned, "seed {seed}: {event:?}");
                if let Via::Invite { invite } = via {
                    let makes_owners = self.owner_invites.contains(invite);
                    assert_eq!(*role == Role::Owner, makes_owners, "seed {seed}");
                }
                assert!(
                    author != member(GUEST) || *role >= Role::Guest || by_membership,
                    "seed {seed}: a page is a guest"
                );
            }
            Body::Left { .. } | Body::Renamed { .. } => {}
            body if !is_room => {
                let may = self.replayed.may(author, body, self.rules);
                assert!(may, "seed {seed}: {event:?}");
                let known = known.unwrap();
                assert!(!known.banned, "seed {seed}: {event:?}");
                let speaks = matches!(body, Body::Message { .. });
                assert!(!(speaks && known.muted), "seed {seed}: {event:?}");
            }
            _ => {}
        }
        self.replayed.apply(event);
        if let Body::Settings { settings, .. } = event.body {
            self.rules = settings;
        }
    }
}

#[test]
fn whatever_they_do_nobody_does_what_they_may_not() {
    for seed in 0..150 {
        let mut world = World::new(seed);
        for number in MEMBERS {
            world.arrive(number);
            world.drain();
        }
        for _ in 0..400 {
            world.step();
        }
    }
}
