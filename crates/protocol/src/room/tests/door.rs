//! The orders of the door's keepers, and who is shown what.

use super::*;
use crate::compare::CompareStep;
use crate::limits::{
    INVITE_SECONDS, INVITE_USES, MEMBER_COMPARE_EVERY, MEMBER_COMPARES, ROOM_INVITES,
};

fn make(token: u8) -> DoorOrder {
    DoorOrder::Invite {
        token: Token([token; 16]),
        role: Role::Member,
        uses: None,
        seconds: None,
    }
}

fn invites(hall: &Hall) -> Vec<InviteId> {
    let invites = hall.door(OWNER).invites.into_iter();
    invites.map(|invite| invite.id).collect()
}

fn one(token: u8) -> InviteId {
    Token([token; 16]).id()
}

#[test]
fn the_passcode_is_the_owners() {
    let mut hall = Hall::full(RoomSettings::default());
    let another = DoorOrder::Passcode {
        passcode: passcode("another one"),
    };
    for nobody in [MODERATOR, ADA, GUEST] {
        let outputs = hall.order(nobody, another.clone());
        assert_eq!(problem(&outputs, nobody), Some(Problem::NotAllowed));
        assert_eq!(kept_door(&outputs), None);
    }
    let outputs = hall.order(OWNER, another);
    let kept = kept_door(&outputs).unwrap();
    assert_eq!(kept.passcode, Some(passcode("another one")));
    assert_eq!(shown(&outputs), [MODERATOR, OWNER]);
    assert_eq!(hall.door(MODERATOR).passcode, kept.passcode);
}

#[test]
fn the_staff_makes_and_revokes_invites() {
    let mut hall = Hall::full(RoomSettings::default());
    let outputs = hall.order(ADA, make(1));
    assert_eq!(problem(&outputs, ADA), Some(Problem::NotAllowed));
    let outputs = hall.order(MODERATOR, make(1));
    let made = kept_door(&outputs).unwrap().invites.last().unwrap();
    assert_eq!(
        (made.id, made.made_by, made.used),
        (one(1), Some(member(MODERATOR)), 0)
    );
    assert_eq!(shown(&outputs), [MODERATOR, OWNER]);
    let outputs = hall.order(MODERATOR, make(1));
    assert_eq!((kept_door(&outputs), invites(&hall).len()), (None, 2));
    assert!(shown(&outputs).contains(&MODERATOR), "it is answered again");
    let revoke = |token| DoorOrder::Revoke { invite: one(token) };
    let outputs = hall.order(ADA, revoke(1));
    assert_eq!(problem(&outputs, ADA), Some(Problem::NotAllowed));
    hall.order(OWNER, revoke(1));
    assert_eq!(invites(&hall), [one(99)]);
    let outputs = hall.order(OWNER, revoke(1));
    assert_eq!(problem(&outputs, OWNER), Some(Problem::NoSuchThing));
    let outputs = hall.join(EVE, by_invite(EVE, 1));
    assert_eq!(problem(&outputs, EVE), Some(Problem::BadInvite));
}

#[test]
fn invites_are_bounded() {
    let mut hall = Hall::full(RoomSettings::default());
    let order = |role, uses, seconds| DoorOrder::Invite {
        token: Token([1; 16]),
        role,
        uses,
        seconds,
    };
    for bad in [
        order(Role::Owner, None, None),
        order(Role::Moderator, None, None),
        order(Role::Unknown, None, None),
        order(Role::Member, Some(0), None),
        order(Role::Member, Some(INVITE_USES + 1), None),
        order(Role::Member, None, Some(0)),
        order(Role::Member, None, Some(INVITE_SECONDS + 1)),
    ] {
        let outputs = hall.order(OWNER, bad.clone());
        assert_eq!(
            problem(&outputs, OWNER),
            Some(Problem::NotAllowed),
            "{bad:?}"
        );
        assert_eq!(invites(&hall), [one(99)]);
    }
    let widest = order(Role::Guest, Some(INVITE_USES), Some(INVITE_SECONDS));
    hall.order(OWNER, widest);
    assert_eq!(invites(&hall), [one(99), one(1)]);
    for token in 100..99 + u8::try_from(ROOM_INVITES).unwrap() {
        hall.later(Duration::from_secs(1));
        hall.order(OWNER, make(token));
    }
    assert_eq!(invites(&hall).len(), ROOM_INVITES);
    let outputs = hall.order(OWNER, make(2));
    assert_eq!(problem(&outputs, OWNER), Some(Problem::NotAllowed));
    assert_eq!(hall.door(OWNER).invites.len(), ROOM_INVITES);
}

#[test]
fn an_invite_ends_by_time_and_by_use() {
    let mut hall = Hall::full(RoomSettings::default());
    let order = |token, uses, seconds| DoorOrder::Invite {
        token: Token([token; 16]),
        role: Role::Member,
        uses,
        seconds,
    };
    hall.order(OWNER, order(1, Some(2), None));
    hall.order(OWNER, order(2, None, Some(60)));
    hall.join(30, by_invite(30, 1));
    assert_eq!(hall.door(OWNER).invites[1].uses_left, Some(1));
    let outputs = hall.join(31, by_invite(31, 1));
    assert_eq!(invites(&hall), [one(99), one(2)], "used up, and gone");
    assert_eq!(shown(&outputs), [MODERATOR, OWNER]);
    hall.later(Duration::from_millis(59_999));
    hall.settle();
    assert_eq!(invites(&hall).len(), 2);
    hall.later(HEAD_EVERY);
    let outputs = hall.settle();
    assert_eq!(kept_door(&outputs).unwrap().invites.len(), 1);
    assert_eq!(shown(&outputs), [MODERATOR, OWNER]);
}

#[test]
fn a_moderator_neither_sees_nor_revokes_what_makes_owners() {
    let invites = vec![invite(1, Role::Owner), invite(2, Role::Guest)];
    let mut hall = Hall::new(RoomSettings::default(), invites);
    for number in [OWNER, MODERATOR] {
        hall.join(number, arrival(number));
    }
    hall.submit(OWNER, role(1, MODERATOR, Role::Moderator));
    assert_eq!(hall.door(OWNER).invites.len(), 2);
    assert_eq!(hall.door(MODERATOR).invites, [invite(2, Role::Guest)]);
    let revoke = DoorOrder::Revoke { invite: one(1) };
    let outputs = hall.order(MODERATOR, revoke.clone());
    assert_eq!(problem(&outputs, MODERATOR), Some(Problem::NoSuchThing));
    hall.order(OWNER, revoke);
    assert_eq!(hall.door(OWNER).invites.len(), 1);
}

#[test]
fn a_ban_revokes_the_invite_used_and_those_made_and_nothing_else() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.order(MODERATOR, make(1));
    hall.order(OWNER, make(2));
    hall.join(EVE, by_invite(EVE, 2));
    let outputs = hall.ask(OWNER, moderated(1, EVE, Moderation::Ban));
    let [Output::KeepDoor(kept), Output::Append { .. }, ..] = &outputs[..] else {
        panic!("the door is kept before the ban: {outputs:?}")
    };
    assert_eq!(kept.invites.len(), 2);
    let outputs = hall.settle();
    assert_eq!(shown(&outputs), [MODERATOR, OWNER]);
    assert_eq!(hall.door(OWNER).banned[0].member, member(EVE));
    assert_eq!(invites(&hall), [one(99), one(1)]);
    hall.submit(OWNER, moderated(2, MODERATOR, Moderation::Kick));
    assert_eq!(invites(&hall).len(), 2, "a kick revokes nothing");
    hall.submit(OWNER, moderated(3, MODERATOR, Moderation::Ban));
    assert_eq!(invites(&hall), [one(99)]);
    let outputs = hall.submit(OWNER, moderated(4, EVE, Moderation::Unban));
    assert_eq!(shown(&outputs), [OWNER]);
    assert_eq!(hall.door(OWNER).banned.len(), 1);
}

#[test]
fn the_door_is_shown_to_whoever_becomes_its_keeper() {
    let mut hall = Hall::full(RoomSettings::default());
    let outputs = hall.submit(OWNER, role(1, ADA, Role::Moderator));
    assert_eq!(shown(&outputs), [ADA, MODERATOR, OWNER]);
    let told = (Presence::Online, Role::Moderator, false);
    assert_eq!(presences(&outputs, ADA), [told]);
    let outputs = hall.submit(OWNER, role(2, ADA, Role::Member));
    assert_eq!(shown(&outputs), [MODERATOR, OWNER]);
    let outputs = hall.join(30, arrival(MODERATOR));
    assert_eq!(shown(&outputs), [30], "after the welcome");
    let welcomed = sent(&outputs, 30);
    assert!(matches!(
        welcomed[..],
        [ServerFrame::Welcome(_), ServerFrame::Door(_)]
    ));
    assert!(shown(&hall.join(31, arrival(BOB))).is_empty());
}

#[test]
fn orders_are_limited() {
    let mut hall = Hall::full(RoomSettings::default());
    let revoke = DoorOrder::Revoke { invite: one(7) };
    let mut refused = 0;
    for _ in 0..100 {
        let outputs = hall.order(OWNER, revoke.clone());
        refused += u32::from(problem(&outputs, OWNER) == Some(Problem::SlowDown));
    }
    assert!(refused > 30, "{refused}");
}

#[test]
fn a_step_of_a_comparison_goes_to_its_member_alone() {
    let mut hall = Hall::full(RoomSettings::default());
    let compare = |whom, step| ClientFrame::Compare {
        member: member(whom),
        step,
    };
    let step = CompareStep::Accept {
        share: crate::ids::Share([1; 32]),
    };
    let outputs = hall.frame(ADA, compare(GUEST, step));
    let frame = ServerFrame::Compare {
        member: member(ADA),
        step,
    };
    let to = conn(GUEST);
    assert_eq!(outputs, [Output::Send { conn: to, frame }]);
    for bad in [compare(ADA, step), compare(BOB, CompareStep::Unknown)] {
        let outputs = hall.frame(ADA, bad);
        assert_eq!(outputs.len(), 1);
        assert_eq!(problem(&outputs, ADA), Some(Problem::NotAllowed));
    }
    hall.room.broken(conn(BOB), Broken::Cut, hall.now);
    hall.settle();
    let outputs = hall.frame(ADA, compare(BOB, step));
    assert_eq!(problem(&outputs, ADA), Some(Problem::NoSuchThing));
    let stop = ServerFrame::Compare {
        member: member(BOB),
        step: CompareStep::Stop,
    };
    assert_eq!(sent(&outputs, ADA)[1], &stop);
    assert_eq!(hall.frame(ADA, compare(BOB, CompareStep::Stop)), []);
}

#[test]
fn comparisons_are_limited_over_reconnects() {
    let mut hall = Hall::full(RoomSettings::default());
    let stop = || ClientFrame::Compare {
        member: member(BOB),
        step: CompareStep::Stop,
    };
    for _ in 0..MEMBER_COMPARES {
        assert_eq!(problem(&hall.frame(ADA, stop()), ADA), None);
    }
    assert_eq!(
        problem(&hall.frame(ADA, stop()), ADA),
        Some(Problem::SlowDown)
    );
    hall.join(30, arrival(ADA));
    assert_eq!(
        problem(&hall.frame(30, stop()), 30),
        Some(Problem::SlowDown)
    );
    hall.later(MEMBER_COMPARE_EVERY);
    assert_eq!(problem(&hall.frame(30, stop()), 30), None);
}

/// A guest who becomes a member by an invite has used it as much as somebody who came in by it.
#[test]
fn a_ban_revokes_the_invite_that_made_more_of_somebody() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.order(OWNER, make(1));
    hall.order(OWNER, make(2));
    hall.join(GUEST, by_invite(GUEST, 2));
    hall.settle();
    assert_eq!(hall.role(GUEST), Role::Member);
    hall.submit(OWNER, moderated(1, GUEST, Moderation::Ban));
    // With it the one that it came in by as a guest.
    assert_eq!(invites(&hall), [one(1)]);
}
