//! Who comes in, by which way, and as what.

use super::*;
use crate::identity::Identity;
use crate::ids::Exporter;
use crate::roster::Standing;

fn refused(hall: &mut Hall, number: u8, arrival: Arrival) -> Option<Refusal> {
    let outputs = hall.join(number, arrival);
    assert!(appends(&outputs).is_empty() || hall.is_in(number));
    Some((problem(&outputs, number)?, closed(&outputs, number)?))
}

fn not_admitted(problem: Problem) -> Refusal {
    (problem, close::NOT_ADMITTED)
}

/// A recorded hello is worth nothing on another connection.
#[test]
fn f11_a_hello_of_another_connection_is_refused() {
    let ada = Identity::from_secret(&[1; 32]);
    let (here, nonce) = (Channel::Tls(Exporter([7; 32])), Nonce([2; 32]));
    let mut hello = arrival(1).hello;
    hello.member = ada.member();
    hello.signature = ada.sign_hello(&here, &nonce, &hello.room);
    assert_eq!(check_hello(&hello, &here, &nonce), Ok(()));
    let refused = Err((Problem::Unauthenticated, close::UNAUTHENTICATED));
    let elsewhere = Channel::Tls(Exporter([8; 32]));
    for (channel, nonce) in [
        (elsewhere, nonce),
        (Channel::Nonce, nonce),
        (here, Nonce([3; 32])),
    ] {
        assert_eq!(check_hello(&hello, &channel, &nonce), refused);
    }
    hello.protocol = PROTOCOL_MAX + 1;
    let version = Err((Problem::Version, close::VERSION));
    assert_eq!(check_hello(&hello, &here, &nonce), version);
}

#[test]
fn the_host_owns_a_room_that_nobody_owns() {
    let mut hall = Hall::new(admission(Admission::Invite), Vec::new());
    let outputs = hall.join(OWNER, arrival(OWNER));
    assert!(hall.is_in(OWNER));
    assert_eq!(hall.joined(OWNER), Some((Via::Membership, Role::Owner)));
    assert_eq!(presences(&outputs, OWNER)[0].1, Role::Owner);
    let mut roster = Roster::default();
    roster.found(member(ADA), name("Ada"));
    let handed_on = Hall::over(
        config(Some(OWNER), RoomSettings::default(), 9),
        roster,
        Door::default(),
    );
    assert_eq!(handed_on.room.roster().owner(), Some(member(ADA)));
}

#[test]
fn an_open_room_takes_its_own_network_in() {
    let mut hall = Hall::new(RoomSettings::default(), Vec::new());
    let remote = Arrival {
        place: Place::Remote,
        ..arrival(ADA)
    };
    assert_eq!(
        refused(&mut hall, ADA, remote.clone()),
        Some(not_admitted(Problem::NotLocal))
    );
    hall.join(ADA, arrival(ADA));
    assert_eq!(hall.joined(ADA), Some((Via::Open, Role::Member)));
    hall.frame(ADA, ClientFrame::Leave);
    assert!(!hall.is_in(ADA));
    hall.join(ADA, remote);
    assert_eq!(hall.joined(ADA), Some((Via::Membership, Role::Member)));
}

/// A page's key is gone with it.
#[test]
fn a_page_is_a_guest_and_comes_in_anew_each_time() {
    let mut hall = Hall::new(RoomSettings::default(), vec![invite(1, Role::Member)]);
    hall.join(ADA, page(arrival(ADA)));
    assert_eq!(hall.joined(ADA), Some((Via::Open, Role::Guest)));
    hall.join(BOB, page(by_invite(BOB, 1)));
    let invite = Token([1; 16]).id();
    assert_eq!(
        hall.joined(BOB),
        Some((Via::Invite { invite }, Role::Guest))
    );
    hall.join(OWNER, arrival(OWNER));
    let (id, settings) = (id(1), admission(Admission::Invite));
    hall.submit(OWNER, Body::Settings { id, settings });
    hall.frame(ADA, ClientFrame::Leave);
    let refusal = refused(&mut hall, ADA, page(arrival(ADA)));
    assert_eq!(refusal, Some(not_admitted(Problem::InviteNeeded)));
}

#[test]
fn who_shows_the_passcode_comes_in() {
    let mut hall = Hall::new(admission(Admission::Passcode), Vec::new());
    let outputs = hall.join(ADA, arrival(ADA));
    let passcode = passcode("open sesame");
    let challenge = Output::Challenge {
        conn: conn(ADA),
        passcode,
    };
    assert_eq!(outputs, [challenge]);
    let shown = Arrival {
        shown: Shown::Passcode,
        ..arrival(ADA)
    };
    hall.join(ADA, shown.clone());
    assert_eq!(hall.joined(ADA), Some((Via::Passcode, Role::Member)));
    // Nobody challenged this one.
    let unasked = hall.join(
        BOB,
        Arrival {
            hello: arrival(BOB).hello,
            ..shown
        },
    );
    assert!(matches!(unasked[..], [Output::Challenge { .. }]));
}

#[test]
fn a_passcode_that_holds_no_more_opens_nothing() {
    let mut hall = Hall::new(admission(Admission::Passcode), Vec::new());
    hall.join(OWNER, arrival(OWNER));
    hall.join(ADA, arrival(ADA));
    let passcode = passcode("another one");
    hall.order(
        OWNER,
        DoorOrder::Passcode {
            passcode: passcode.clone(),
        },
    );
    let shown = Arrival {
        shown: Shown::Passcode,
        ..arrival(ADA)
    };
    let outputs = hall.join(ADA, shown.clone());
    let challenge = Output::Challenge {
        conn: conn(ADA),
        passcode,
    };
    assert_eq!(outputs, [challenge]);
    hall.join(ADA, shown);
    assert!(hall.is_in(ADA));
}

#[test]
fn f12_a_wrong_passcode_is_told_and_counted() {
    let mut hall = Hall::new(admission(Admission::Passcode), Vec::new());
    hall.join(OWNER, arrival(OWNER));
    hall.join(ADA, arrival(ADA));
    hall.room.tried(conn(ADA));
    let outputs = hall.settle();
    assert_eq!(problem(&outputs, ADA), Some(Problem::WrongPasscode));
    assert_eq!(closed(&outputs, ADA), Some(close::NOT_ADMITTED));
    assert_eq!(shown(&outputs), [OWNER]);
    assert_eq!(hall.door(OWNER).wrong, 1);
    hall.room.tried(conn(ADA));
    assert_eq!(hall.settle(), [], "it was over");
    assert_eq!(hall.door(OWNER).wrong, 1);
}

#[test]
fn a_room_without_a_passcode_lets_nobody_new_in() {
    let config = config(None, admission(Admission::Passcode), 9);
    let mut hall = Hall::over(config, Roster::default(), Door::default());
    let refusal = refused(&mut hall, ADA, arrival(ADA));
    assert_eq!(refusal, Some(not_admitted(Problem::InviteNeeded)));
}

#[test]
fn an_invite_opens_a_room_whatever_its_admission() {
    for (mode, without) in [
        (Admission::Open, None),
        (Admission::Passcode, None),
        (Admission::Invite, Some(not_admitted(Problem::InviteNeeded))),
        (
            Admission::Unknown,
            Some(not_admitted(Problem::InviteNeeded)),
        ),
        (Admission::Knock, None),
    ] {
        let mut hall = Hall::new(admission(mode), vec![invite(1, Role::Member)]);
        assert_eq!(refused(&mut hall, BOB, arrival(BOB)), without, "{mode:?}");
        let far = Arrival {
            place: Place::Remote,
            ..by_invite(ADA, 1)
        };
        let outputs = hall.join(ADA, far);
        assert!(hall.is_in(ADA), "{mode:?}");
        // Counted before anybody is told, with the event of it.
        let kept = outputs
            .iter()
            .position(|o| matches!(o, Output::KeepDoor(door) if door.invites[0].used == 1));
        let joined = outputs
            .iter()
            .position(|o| matches!(o, Output::Append { .. }));
        assert!(kept.is_some() && kept < joined, "{mode:?}");
        let invite = Token([1; 16]).id();
        let via = Via::Invite { invite };
        assert_eq!(hall.joined(ADA), Some((via, Role::Member)));
        let standing = hall.room.roster().get(&member(ADA)).unwrap();
        assert_eq!(standing.invite, Some(invite));
    }
}

#[test]
fn an_invite_that_does_not_hold_opens_nothing() {
    let mut used_up = invite(1, Role::Member);
    used_up.uses_left = Some(1);
    let mut old = invite(2, Role::Member);
    old.expires_at = Some(1_000_500);
    let mut hall = Hall::new(RoomSettings::default(), vec![used_up, old]);
    hall.join(ADA, by_invite(ADA, 1));
    assert!(hall.is_in(ADA));
    let bad = Some(not_admitted(Problem::BadInvite));
    assert_eq!(refused(&mut hall, BOB, by_invite(BOB, 1)), bad, "used up");
    assert_eq!(refused(&mut hall, BOB, by_invite(BOB, 7)), bad, "unknown");
    hall.join(BOB, by_invite(BOB, 2));
    assert!(hall.is_in(BOB), "not yet too old");
    hall.now.wall += 500;
    assert_eq!(refused(&mut hall, EVE, by_invite(EVE, 2)), bad, "too old");
    // Who belongs here needs none.
    hall.frame(ADA, ClientFrame::Leave);
    hall.join(ADA, by_invite(ADA, 1));
    assert_eq!(hall.joined(ADA), Some((Via::Membership, Role::Member)));
}

#[test]
fn a_member_does_not_use_an_invite_up() {
    let mut once = invite(1, Role::Member);
    once.uses_left = Some(1);
    let mut hall = Hall::new(RoomSettings::default(), vec![once]);
    hall.join(ADA, arrival(ADA));
    hall.frame(ADA, ClientFrame::Leave);
    hall.join(ADA, by_invite(ADA, 1));
    hall.join(BOB, by_invite(BOB, 1));
    assert!(hall.is_in(ADA) && hall.is_in(BOB));
}

#[test]
fn the_relays_invite_hands_the_room_on() {
    let invites = vec![invite(1, Role::Owner)];
    let mut hall = Hall::new(RoomSettings::default(), invites);
    hall.join(OWNER, arrival(OWNER));
    hall.join(BOB, page(by_invite(BOB, 1)));
    assert!(!hall.is_in(BOB), "a page would lose the room with its key");
    // Somebody new.
    let outputs = hall.join(ADA, by_invite(ADA, 1));
    assert_eq!(
        (hall.role(ADA), hall.role(OWNER)),
        (Role::Owner, Role::Moderator)
    );
    assert_eq!(hall.door(ADA).invites[0].used, 1);
    let roles: Vec<Role> = presences(&outputs, ADA).iter().map(|told| told.1).collect();
    assert_eq!(roles, [Role::Member, Role::Owner], "the log says it first");
    let demoted = (Presence::Online, Role::Moderator, false);
    assert_eq!(presences(&outputs, OWNER), [demoted]);
    assert!(shown(&outputs).contains(&ADA) && shown(&outputs).contains(&OWNER));
    // Somebody who is known: the room says so.
    hall.join(BOB, arrival(BOB));
    let outputs = hall.join(20, by_invite(BOB, 1));
    assert_eq!(closed(&outputs, BOB), Some(close::REPLACED));
    assert_eq!(
        (hall.role(BOB), hall.role(ADA)),
        (Role::Owner, Role::Moderator)
    );
    let events = hall.events();
    let raised = events.last().unwrap();
    assert_eq!(raised.author, key().author().member());
    assert_eq!(raised.proof(&key().id()), crate::event::Proof::Author);
    // And back again, by the same invite.
    hall.frame(ADA, ClientFrame::Leave);
    hall.join(ADA, by_invite(ADA, 1));
    hall.frame(20, ClientFrame::Leave);
    hall.join(BOB, by_invite(BOB, 1));
    assert_eq!(hall.role(BOB), Role::Owner);
    let owners = hall.room.roster().iter();
    assert_eq!(owners.filter(|(_, k)| k.role == Role::Owner).count(), 1);
}

#[test]
fn a_locked_room_takes_members_in_and_nobody_new() {
    let mut hall = Hall::full(RoomSettings {
        locked: true,
        ..RoomSettings::default()
    });
    assert!(hall.room.summary().locked);
    let locked = Some(not_admitted(Problem::Locked));
    assert_eq!(refused(&mut hall, EVE, arrival(EVE)), locked);
    assert_eq!(refused(&mut hall, EVE, by_invite(EVE, 99)), locked);
    hall.frame(ADA, ClientFrame::Leave);
    hall.join(ADA, arrival(ADA));
    assert!(hall.is_in(ADA));
    hall.frame(GUEST, ClientFrame::Leave);
    let refusal = refused(&mut hall, GUEST, by_invite(GUEST, 99));
    assert_eq!(refusal, locked, "a guest is new each time");
}

#[test]
fn who_is_banned_stays_out_over_a_restart() {
    let banned = Standing {
        name: name("Eve"),
        role: Role::Member,
        admitted: false,
        muted: false,
        banned: true,
        invite: Some(Token([1; 16]).id()),
    };
    let roster = Roster::resume([(member(EVE), banned)]);
    let door = Door {
        passcode: None,
        invites: vec![invite(1, Role::Member), invite(2, Role::Member)],
    };
    let mut hall = Hall::over(config(None, RoomSettings::default(), 9), roster, door);
    let outputs = hall.drain();
    let kept = kept_door(&outputs).unwrap();
    assert_eq!(
        kept.invites,
        [invite(2, Role::Member)],
        "what was left undone"
    );
    let refusal = Some((Problem::Banned, close::BANNED));
    assert_eq!(refused(&mut hall, EVE, arrival(EVE)), refusal);
    assert_eq!(refused(&mut hall, EVE, by_invite(EVE, 2)), refusal);
}

#[test]
fn who_was_sent_out_before_a_restart_is_not_here_after_it() {
    let sent_out = |banned| Standing {
        name: name("Eve"),
        role: Role::Member,
        admitted: false,
        muted: false,
        banned,
        invite: None,
    };
    let guest = Standing {
        role: Role::Guest,
        ..sent_out(false)
    };
    let kept = Kept {
        epoch: Epoch([1; 16]),
        first: Seq(1),
        head: Seq(9),
        present: [1, 2, 3].map(|number| (member(number), name("Eve"))).into(),
        roster: Roster::resume([
            (member(1), sent_out(true)),
            (member(2), sent_out(false)),
            (member(3), guest),
        ]),
        door: Door::default(),
    };
    let now = Now {
        mono: Duration::ZERO,
        wall: 0,
    };
    let mut room = Room::new(config(None, RoomSettings::default(), 9), kept, now);
    let outputs: Vec<_> = std::iter::from_fn(|| room.poll_output()).collect();
    let left: Vec<_> = appends(&outputs).iter().map(|draft| draft.author).collect();
    assert_eq!(left, [member(1), member(2)]);
    assert_eq!(room.seats.keys().collect::<Vec<_>>(), [&member(3)]);
}

/// **f57**
#[test]
fn f57_nobody_is_in_of_whom_the_log_knows_nothing() {
    let mut once = invite(1, Role::Member);
    once.uses_left = Some(1);
    let mut hall = Hall::new(admission(Admission::Invite), vec![once.clone()]);
    hall.room.join(conn(ADA), by_invite(ADA, 1), hall.now);
    hall.drain();
    let outputs = hall.lose();
    assert_eq!(closed(&outputs, ADA), Some(close::INTERNAL));
    assert_eq!(presences(&outputs, ADA)[0].0, Presence::Gone);
    assert_eq!(kept_door(&outputs).unwrap().invites, [once]);
    hall.settle();
    hall.join(ADA, by_invite(ADA, 1));
    assert!(hall.is_in(ADA), "the invite is not lost");
    // Who is known may read.
    hall.frame(ADA, ClientFrame::Leave);
    hall.room.join(conn(ADA), arrival(ADA), hall.now);
    hall.drain();
    assert_eq!(hall.lose(), []);
    assert!(hall.is_in(ADA));
}
