//! What is on its way into the log binds already: nothing overtakes a change of rights.

use super::*;
use crate::limits::ROOM_HELD;

/// The bodies in the log, of those that were submitted.
fn log(hall: &Hall) -> Vec<Body> {
    let bodies = hall.events().into_iter().map(|event| event.body);
    let submitted = bodies.filter(|body| body.id().is_some_and(|id| id.0[1] == 0));
    submitted.collect()
}

/// **f34**: said while the ban was on its way to the disk.
#[test]
fn f34_nothing_is_said_behind_a_ban() {
    for action in [Moderation::Kick, Moderation::Ban] {
        let mut hall = Hall::full(RoomSettings::default());
        hall.ask(ADA, said(1));
        hall.ask(OWNER, moderated(2, ADA, action));
        assert_eq!(hall.ask(ADA, said(3)), []);
        hall.room.frame(
            conn(ADA),
            ClientFrame::Rename { name: name("Eve") },
            hall.now,
        );
        hall.settle();
        assert_eq!(log(&hall), [said(1), moderated(2, ADA, action)]);
        assert!(!hall.is_in(ADA));
        let events = hall.events();
        let renamed = |event: &Event| matches!(event.body, Body::Renamed { .. });
        assert!(!events.iter().any(renamed));
    }
}

/// And nobody slips in by another connection meanwhile.
#[test]
fn f34_nobody_comes_in_before_a_ban_is_written() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.frame(ADA, ClientFrame::Leave);
    hall.ask(OWNER, moderated(2, ADA, Moderation::Ban));
    hall.room.join(conn(ADA), arrival(ADA), hall.now);
    let outputs = hall.drain();
    let again = close::SLOW_DOWN;
    assert_eq!(closed(&outputs, ADA), Some(again), "not yet for good");
    assert!(close::retry_helps(again));
    hall.settle();
    let outputs = hall.join(ADA, arrival(ADA));
    assert_eq!(closed(&outputs, ADA), Some(close::BANNED));
}

#[test]
fn what_waited_is_taken_when_the_change_came_to_nothing() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.ask(OWNER, moderated(1, ADA, Moderation::Ban));
    hall.ask(ADA, said(2));
    hall.ask(ADA, said(3));
    let outputs = hall.lose();
    assert_eq!(rejected(&outputs, OWNER), Some((Reject::NotSaved, None)));
    hall.settle();
    assert_eq!(log(&hall), [said(2), said(3)], "in the order of writing");
}

/// **S4**
#[test]
fn what_waits_is_not_overtaken_by_its_own_author() {
    let mut hall = Hall::full(RoomSettings::default());
    let (first, then) = (
        moderated(1, BOB, Moderation::Mute),
        moderated(2, ADA, Moderation::Mute),
    );
    hall.ask(OWNER, first.clone());
    hall.ask(MODERATOR, then.clone());
    assert_eq!(hall.ask(MODERATOR, said(3)), []);
    hall.settle();
    assert_eq!(log(&hall), [first, then, said(3)]);
}

#[test]
fn nobody_mute_is_heard() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.ask(OWNER, moderated(1, ADA, Moderation::Mute));
    hall.ask(ADA, said(2));
    hall.ask(BOB, said(3));
    let outputs = hall.settle();
    assert_eq!(rejected(&outputs, ADA), Some((Reject::Muted, None)));
    assert_eq!(log(&hall), [moderated(1, ADA, Moderation::Mute), said(3)]);
}

/// One change at a time: the next is checked against what the log then says.
#[test]
fn a_right_that_is_being_taken_is_not_used() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.ask(OWNER, role(1, MODERATOR, Role::Member));
    hall.ask(MODERATOR, moderated(2, ADA, Moderation::Ban));
    let outputs = hall.settle();
    let refused = Some((Reject::NotAllowed, None));
    assert_eq!(rejected(&outputs, MODERATOR), refused);
    // The room is handed on, and the old owner's next act is a moderator's.
    hall.ask(OWNER, role(3, ADA, Role::Owner));
    hall.ask(OWNER, role(4, BOB, Role::Owner));
    let outputs = hall.settle();
    assert_eq!(rejected(&outputs, OWNER), refused);
    assert_eq!(hall.room.roster().owner(), Some(member(ADA)));
    assert_eq!(hall.role(OWNER), Role::Moderator);
}

#[test]
fn a_moderators_rules_do_not_undo_the_owners() {
    let mut hall = Hall::full(RoomSettings::default());
    let ruled = |number, settings| Body::Settings {
        id: id(number),
        settings,
    };
    hall.ask(OWNER, ruled(1, admission(Admission::Invite)));
    let stale = RoomSettings {
        locked: true,
        ..RoomSettings::default()
    };
    hall.ask(MODERATOR, ruled(2, stale));
    let outputs = hall.settle();
    assert!(rejected(&outputs, MODERATOR).is_some());
    assert_eq!(hall.room.settings(), admission(Admission::Invite));
}

#[test]
fn an_order_waits_for_a_role_on_its_way() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.ask(OWNER, role(1, MODERATOR, Role::Member));
    let order = DoorOrder::Revoke {
        invite: Token([99; 16]).id(),
    };
    hall.room
        .frame(conn(MODERATOR), ClientFrame::Door(order), hall.now);
    assert_eq!(hall.drain(), []);
    let outputs = hall.settle();
    assert_eq!(problem(&outputs, MODERATOR), Some(Problem::NotAllowed));
    assert_eq!(hall.door(OWNER).invites.len(), 1);
}

#[test]
fn somebody_can_be_sent_out_the_moment_they_come() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.room.join(conn(EVE), arrival(EVE), hall.now);
    hall.drain();
    assert_eq!(hall.ask(OWNER, moderated(1, EVE, Moderation::Ban)), []);
    let outputs = hall.settle();
    assert_eq!(rejected(&outputs, OWNER), None);
    assert_eq!(closed(&outputs, EVE), Some(close::BANNED));
}

/// Their events would stand behind the handover that makes them an owner's.
#[test]
fn an_owner_by_invite_acts_once_it_is_written() {
    let mut hall = Hall::new(RoomSettings::default(), vec![invite(1, Role::Owner)]);
    hall.join(OWNER, arrival(OWNER));
    hall.room.join(conn(ADA), by_invite(ADA, 1), hall.now);
    hall.drain();
    hall.ask(OWNER, role(2, ADA, Role::Member));
    hall.ask(ADA, moderated(3, OWNER, Moderation::Mute));
    let outputs = hall.settle();
    assert!(rejected(&outputs, OWNER).is_some());
    assert_eq!(rejected(&outputs, ADA), None);
    assert!(hall.room.roster().get(&member(OWNER)).unwrap().muted);
}

#[test]
fn who_fills_what_waits_is_cut() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.ask(OWNER, moderated(1, ADA, Moderation::Mute));
    for number in 0..ROOM_HELD as u64 {
        assert_eq!(hall.ask(ADA, said(100 + number)), []);
    }
    let outputs = hall.ask(ADA, said(99));
    assert_eq!(closed(&outputs, ADA), Some(close::TRY_LATER));
    assert_eq!(presences(&outputs, ADA)[0].0, Presence::Away);
    assert_eq!(hall.room.held.len(), ROOM_HELD);
    hall.settle();
    assert!(hall.room.held.is_empty());
    assert_eq!(log(&hall).len(), 1);
}
