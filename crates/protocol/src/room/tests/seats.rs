//! Who has a place in the room, and who makes room for others.

use super::*;
use crate::limits::RETURN_GRACE;

fn room(max_members: usize) -> Hall {
    let config = config(None, RoomSettings::default(), max_members);
    Hall::over(config, Roster::default(), Door::default())
}

/// **H6**: what was forgotten cannot be fetched.
#[test]
fn a_welcome_says_where_the_log_begins_by_now() {
    let mut hall = room(9);
    hall.room.forgotten(Seq(40));
    let outputs = hall.join(ADA, arrival(ADA));
    let [ServerFrame::Welcome(welcome)] = sent(&outputs, ADA)[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(welcome.first, Seq(40));
}

#[test]
fn a_full_room_takes_nobody_more() {
    let mut hall = room(2);
    hall.join(1, arrival(1));
    hall.join(2, arrival(2));
    assert!(hall.room.summary().full);
    let outputs = hall.join(3, arrival(3));
    assert!(!hall.is_in(3));
    assert_eq!(closed(&outputs, 3), Some(close::ROOM_FULL));
    hall.join(4, arrival(2));
    assert!(hall.is_in(4), "who has a seat may come back to it");
}

/// And no invite is used up at a full room's door.
#[test]
fn a_full_room_uses_no_invite_up() {
    let mut once = invite(1, Role::Member);
    once.uses_left = Some(1);
    let door = Door {
        passcode: None,
        invites: vec![once],
    };
    let config = config(None, RoomSettings::default(), 1);
    let mut hall = Hall::over(config, Roster::default(), door);
    hall.join(1, arrival(1));
    assert_eq!(kept_door(&hall.join(2, by_invite(2, 1))), None);
    hall.frame(1, ClientFrame::Leave);
    hall.join(2, by_invite(2, 1));
    assert!(hall.is_in(2));
}

#[test]
fn who_is_away_makes_room_for_who_is_here() {
    let mut hall = room(2);
    hall.join(1, arrival(1));
    hall.join(2, arrival(2));
    hall.room.broken(conn(1), Broken::Cut, hall.now);
    let outputs = hall.join(3, arrival(3));
    assert!(hall.is_in(3));
    let lost = Body::Left { how: Leaving::Lost };
    let left = |draft: &&Draft| draft.author == member(1) && draft.body == lost;
    assert!(appends(&outputs).iter().any(left), "and is told as gone");
}

/// **P5**: the relay was away, not they.
#[test]
fn who_was_here_before_a_restart_comes_back_unnoticed_or_is_lost() {
    let mut hall = room(10);
    let kept = Kept {
        epoch: Epoch([1; 16]),
        first: Seq(1),
        head: Seq(9),
        present: [1, 2].map(|number| (member(number), name("Ada"))).into(),
        roster: Roster::default(),
        door: Door::default(),
    };
    hall.room = Room::new(hall.room.config.clone(), kept, hall.now);
    assert_eq!(hall.room.summary().online, 0);
    assert!(!hall.room.summary().full);
    let outputs = hall.join(1, arrival(1));
    assert!(hall.is_in(1));
    assert!(appends(&outputs).is_empty(), "nobody came");
    hall.later(RETURN_GRACE);
    let outputs = hall.settle();
    let [draft] = appends(&outputs)[..] else {
        panic!("{outputs:?}")
    };
    let lost = Body::Left { how: Leaving::Lost };
    assert_eq!((draft.author, &draft.body), (member(2), &lost));
}

#[test]
fn a_room_that_closes_closes_its_door() {
    let mut hall = Hall::full(admission(Admission::Knock));
    hall.join(EVE, arrival(EVE));
    hall.room.close(Closing::HostClosed);
    let outputs = hall.settle();
    for number in [OWNER, GUEST, EVE] {
        assert_eq!(closed(&outputs, number), Some(close::HOST_CLOSED));
    }
}
