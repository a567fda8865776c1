//! Those who wait at the door.

use super::*;
use crate::limits::{KNOCK_FOR, ROOM_KNOCKS};

fn hall() -> Hall {
    Hall::full(admission(Admission::Knock))
}

fn waiting(hall: &Hall) -> Vec<MemberId> {
    let knocks = hall.door(OWNER).knocks.into_iter();
    knocks.map(|knock| knock.member).collect()
}

fn answer(number: u8, admit: bool) -> DoorOrder {
    let member = member(number);
    DoorOrder::Answer { member, admit }
}

#[test]
fn who_knocks_waits_and_the_staff_is_told() {
    let mut hall = hall();
    let outputs = hall.join(EVE, arrival(EVE));
    assert_eq!(sent(&outputs, EVE), [&ServerFrame::Knocking]);
    assert_eq!(shown(&outputs), [MODERATOR, OWNER]);
    assert_eq!(waiting(&hall), [member(EVE)]);
    assert!(appends(&outputs).is_empty() && !hall.is_in(EVE));
    for frame in [
        ClientFrame::Typing { active: true },
        ClientFrame::Fetch {
            from: Seq(1),
            to: Seq(1),
        },
        ClientFrame::Door(answer(EVE, true)),
    ] {
        let outputs = hall.frame(EVE, frame);
        assert_eq!(outputs.len(), 1);
        assert_eq!(problem(&outputs, EVE), Some(Problem::OutOfTurn));
    }
    let outputs = hall.submit(EVE, said(1));
    assert_eq!(problem(&outputs, EVE), Some(Problem::OutOfTurn));
    let outputs = hall.frame(EVE, ClientFrame::Leave);
    assert_eq!(closed(&outputs, EVE), Some(close::NORMAL));
    assert_eq!(shown(&outputs), [MODERATOR, OWNER]);
    assert!(waiting(&hall).is_empty());
    assert!(hall.frame(EVE, ClientFrame::Leave).is_empty());
}

#[test]
fn the_staff_answers() {
    let mut hall = hall();
    hall.join(EVE, arrival(EVE));
    for nobody in [ADA, GUEST] {
        let outputs = hall.order(nobody, answer(EVE, true));
        assert_eq!(problem(&outputs, nobody), Some(Problem::NotAllowed));
    }
    let outputs = hall.order(MODERATOR, answer(EVE, false));
    assert_eq!(problem(&outputs, EVE), Some(Problem::Denied));
    assert_eq!(closed(&outputs, EVE), Some(close::NOT_ADMITTED));
    assert_eq!(shown(&outputs), [MODERATOR, OWNER]);
    let outputs = hall.order(MODERATOR, answer(EVE, true));
    assert_eq!(problem(&outputs, MODERATOR), Some(Problem::NoSuchThing));
    hall.join(EVE, arrival(EVE));
    hall.order(MODERATOR, answer(EVE, true));
    let admitted_by = member(MODERATOR);
    let via = Via::Knock { admitted_by };
    assert_eq!(hall.joined(EVE), Some((via, Role::Member)));
    assert!(hall.is_in(EVE) && waiting(&hall).is_empty());
    let outputs = hall.order(OWNER, answer(EVE, false));
    assert_eq!(problem(&outputs, OWNER), Some(Problem::NoSuchThing));
    // A page stays a guest.
    hall.join(30, page(arrival(30)));
    hall.order(OWNER, answer(30, true));
    assert_eq!(hall.joined(30).unwrap().1, Role::Guest);
}

#[test]
fn who_knocks_twice_waits_once_in_the_same_place() {
    let mut hall = hall();
    hall.join(30, arrival(30));
    hall.join(31, arrival(31));
    let outputs = hall.join(40, arrival(30));
    assert_eq!(closed(&outputs, 30), Some(close::REPLACED));
    assert_eq!(waiting(&hall), [member(30), member(31)]);
    // The connection that was replaced ends nothing.
    hall.room.broken(conn(30), Broken::Cut, hall.now);
    assert_eq!(waiting(&hall).len(), 2);
    // By an invite they are in, and nobody knocks.
    let outputs = hall.join(41, by_invite(30, 99));
    assert_eq!(closed(&outputs, 40), Some(close::REPLACED));
    assert_eq!(waiting(&hall), [member(31)]);
    hall.room.broken(conn(31), Broken::Cut, hall.now);
    assert_eq!(shown(&hall.settle()), [MODERATOR, OWNER]);
    assert!(waiting(&hall).is_empty());
}

#[test]
fn only_so_many_wait_for_so_long() {
    let mut hall = hall();
    let most = u8::try_from(ROOM_KNOCKS).unwrap();
    for number in 30..30 + most {
        hall.join(number, arrival(number));
    }
    assert_eq!(waiting(&hall).len(), ROOM_KNOCKS);
    let outputs = hall.join(200, arrival(200));
    assert_eq!(closed(&outputs, 200), Some(close::SLOW_DOWN));
    let outputs = hall.join(201, arrival(30));
    assert_eq!(closed(&outputs, 30), Some(close::REPLACED));
    hall.later(KNOCK_FOR.saturating_sub(Duration::from_secs(1)));
    hall.settle();
    assert_eq!(waiting(&hall).len(), ROOM_KNOCKS);
    assert!(hall.room.next_timeout() <= hall.now.mono + Duration::from_secs(1));
    hall.later(Duration::from_secs(1));
    let outputs = hall.settle();
    assert_eq!(problem(&outputs, 31), Some(Problem::Denied));
    assert_eq!(closed(&outputs, 31), Some(close::NOT_ADMITTED));
    assert!(waiting(&hall).is_empty());
}

#[test]
fn other_rules_let_nobody_in_by_themselves_and_a_lock_sends_away() {
    let mut hall = hall();
    hall.join(EVE, arrival(EVE));
    let ruled = |number, settings| Body::Settings {
        id: id(number),
        settings,
    };
    for (number, mode) in [(1, Admission::Open), (2, Admission::Passcode)] {
        hall.submit(OWNER, ruled(number, admission(mode)));
        assert_eq!(waiting(&hall), [member(EVE)]);
        assert!(!hall.is_in(EVE));
    }
    let locked = RoomSettings {
        locked: true,
        ..admission(Admission::Passcode)
    };
    let outputs = hall.submit(MODERATOR, ruled(3, locked));
    assert_eq!(problem(&outputs, EVE), Some(Problem::Locked));
    assert_eq!(closed(&outputs, EVE), Some(close::NOT_ADMITTED));
    assert!(waiting(&hall).is_empty());
}

#[test]
fn who_is_banned_knocks_no_more() {
    let mut hall = hall();
    hall.submit(OWNER, moderated(1, ADA, Moderation::Kick));
    hall.join(ADA, arrival(ADA));
    assert_eq!(waiting(&hall), [member(ADA)]);
    let outputs = hall.submit(MODERATOR, moderated(2, ADA, Moderation::Ban));
    assert_eq!(problem(&outputs, ADA), Some(Problem::Banned));
    assert_eq!(closed(&outputs, ADA), Some(close::BANNED));
    assert!(waiting(&hall).is_empty());
}

#[test]
fn a_full_room_lets_no_knocker_in() {
    let config = config(Some(OWNER), admission(Admission::Knock), 2);
    let mut hall = Hall::over(config, Roster::default(), Door::default());
    hall.join(OWNER, arrival(OWNER));
    hall.join(30, arrival(30));
    hall.join(31, arrival(31));
    hall.order(OWNER, answer(30, true));
    let outputs = hall.order(OWNER, answer(31, true));
    assert_eq!(problem(&outputs, OWNER), Some(Problem::RoomFull));
    assert_eq!(waiting(&hall), [member(31)], "and waits on");
}
