//! How fast one member may be.

use super::*;
use crate::limits::{
    MEMBER_RENAME_EVERY, MEMBER_RENAMES, MEMBER_SUBMITS_BURST, MEMBER_SUBMITS_PER_SECOND,
    ROOM_KNOWN, ROOM_KNOWN_GUESTS, ROOM_PACES,
};
use crate::roster::Standing;

fn slow(slow: u16) -> Hall {
    Hall::full(RoomSettings {
        slow,
        ..RoomSettings::default()
    })
}

fn reacted(number: u64) -> Body {
    Body::Reacted {
        id: id(number),
        target: Target {
            author: member(ADA),
            id: id(0),
        },
        reaction: Reaction::parse("+1").unwrap(),
        active: number.is_multiple_of(2),
    }
}

#[test]
fn f36_ten_thousand_reactions_are_limited() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.submit(BOB, said(0));
    hall.submit(ADA, said(0));
    let before = hall.log.head().0;
    for number in 1..=10_000 {
        if number % 1_000 == 0 {
            hall.later(Duration::from_secs(1));
        }
        // Over another connection each time.
        if number % 100 == 0 {
            hall.join(ADA, arrival(ADA));
        }
        let outputs = hall.submit(ADA, reacted(number));
        let (refused, taken) = (rejected(&outputs, ADA), appends(&outputs).len());
        assert_eq!(refused.is_some(), taken == 0);
        if let Some((code, wait)) = refused {
            assert_eq!(code, Reject::SlowDown);
            assert!((1..=101).contains(&wait.unwrap()), "{wait:?}");
        }
    }
    let most = MEMBER_SUBMITS_BURST + 10 * MEMBER_SUBMITS_PER_SECOND;
    let taken = hall.log.head().0 - before;
    assert!(taken <= u64::from(most) && taken > 100, "{taken}");
    assert_eq!(
        rejected(&hall.submit(BOB, said(1)), BOB),
        None,
        "nobody else"
    );
}

#[test]
fn who_waits_as_told_is_taken() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.submit(ADA, said(0));
    let refused = (2..1_000).find_map(|number| {
        let outputs = hall.submit(ADA, said(number));
        Some((number, rejected(&outputs, ADA)?.1?))
    });
    let (number, wait) = refused.unwrap();
    assert_eq!(number, u64::from(MEMBER_SUBMITS_BURST) + 1);
    hall.later(Duration::from_millis(u64::from(wait)));
    assert_eq!(rejected(&hall.submit(ADA, said(number)), ADA), None);
}

/// **S2**: an answer that was lost is asked for again, however fast.
#[test]
fn what_the_log_has_already_costs_nothing() {
    let mut hall = slow(30);
    hall.submit(ADA, said(0));
    hall.submit(ADA, reacted(1));
    for _ in 0..200 {
        hall.join(ADA, arrival(ADA));
        let outputs = hall.submit(ADA, said(0));
        assert!(matches!(sent(&outputs, ADA)[..], [ServerFrame::Event(_)]));
    }
    let full = |hall: &mut Hall| {
        let taken = (10..1_000).take_while(|number| {
            let outputs = hall.submit(ADA, reacted(*number));
            rejected(&outputs, ADA).is_none()
        });
        taken.count()
    };
    let left = usize::try_from(MEMBER_SUBMITS_BURST).unwrap() - 2;
    assert_eq!(full(&mut hall), left);
    let outputs = hall.submit(ADA, said(0));
    assert_eq!(rejected(&outputs, ADA), None, "with nothing left");
}

#[test]
fn what_the_log_refused_costs_nothing() {
    let mut hall = slow(30);
    for number in 0..200 {
        hall.ask(ADA, said(number));
        let outputs = hall.lose();
        assert_eq!(rejected(&outputs, ADA), Some((Reject::NotSaved, None)));
    }
    assert_eq!(appends(&hall.submit(ADA, said(200))).len(), 1);
}

#[test]
fn slow_mode_holds_for_messages_of_members_and_over_reconnects() {
    let mut hall = slow(30);
    hall.submit(ADA, said(0));
    hall.later(Duration::from_secs(10));
    hall.join(ADA, arrival(ADA));
    let (code, wait) = rejected(&hall.submit(ADA, said(1)), ADA).unwrap();
    assert_eq!((code, wait), (Reject::SlowDown, Some(20_001)));
    hall.frame(ADA, ClientFrame::Leave);
    hall.join(ADA, arrival(ADA));
    assert!(rejected(&hall.submit(ADA, said(1)), ADA).is_some());
    assert_eq!(rejected(&hall.submit(ADA, reacted(2)), ADA), None);
    assert_eq!(rejected(&hall.submit(ADA, said(0)), ADA), None, "again");
    hall.later(Duration::from_secs(20));
    assert_eq!(rejected(&hall.submit(ADA, said(1)), ADA), None);
    for staff in [OWNER, MODERATOR] {
        hall.submit(staff, said(0));
        assert_eq!(rejected(&hall.submit(staff, said(1)), staff), None);
    }
    hall.submit(GUEST, said(0));
    assert!(rejected(&hall.submit(GUEST, said(1)), GUEST).is_some());
}

/// What is on its way counts, and its repetition does not.
#[test]
fn slow_mode_counts_what_is_on_its_way() {
    let mut hall = slow(30);
    hall.ask(ADA, said(0));
    assert_eq!(appends(&hall.ask(ADA, said(0))).len(), 1);
    assert!(rejected(&hall.ask(ADA, said(1)), ADA).is_some());
    hall.settle();
    assert!(rejected(&hall.ask(ADA, said(1)), ADA).is_some());
    let mut hall = slow(30);
    hall.ask(ADA, said(0));
    hall.lose();
    assert_eq!(appends(&hall.ask(ADA, said(1))).len(), 1);
}

#[test]
fn speeds_are_forgotten_when_they_hold_nobody_up() {
    let mut hall = slow(30);
    hall.submit(ADA, said(0));
    hall.later(Duration::from_secs(29));
    let knows = |hall: &Hall| hall.room.paces.knows(&member(ADA));
    assert!(knows(&hall));
    hall.later(Duration::from_secs(30));
    assert!(!knows(&hall));
}

#[test]
fn only_so_many_speeds_are_remembered() {
    let mut paces = Paces::default();
    for number in 0..ROOM_PACES + 10 {
        let mut who = [0; 32];
        who[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let now = Duration::from_millis(number as u64);
        paces.order(MemberId(who), now).unwrap();
    }
    assert_eq!(paces.len(), ROOM_PACES);
    assert!(!paces.knows(&MemberId([0; 32])), "the oldest made room");
}

fn standing(role: Role) -> Standing {
    Standing {
        name: name("Ada"),
        role,
        admitted: role != Role::Guest,
        muted: false,
        banned: false,
        invite: None,
    }
}

fn crowd(count: usize) -> impl Iterator<Item = (MemberId, Standing)> {
    (0..count).map(|number| {
        let mut who = [255; 32];
        who[..8].copy_from_slice(&(number as u64).to_le_bytes());
        (MemberId(who), standing(Role::Member))
    })
}

/// Strangers come and go: the room does not remember all of them.
#[test]
fn a_room_remembers_only_so_many() {
    let others = [
        (member(ADA), standing(Role::Moderator)),
        (
            member(BOB),
            Standing {
                muted: true,
                ..standing(Role::Guest)
            },
        ),
        (
            member(EVE),
            Standing {
                banned: true,
                admitted: false,
                ..standing(Role::Member)
            },
        ),
    ];
    let full = Roster::resume(crowd(ROOM_KNOWN).chain(others));
    let config = config(Some(OWNER), RoomSettings::default(), 20);
    let mut hall = Hall::over(config, full, Door::default());
    let known = |hall: &Hall| hall.room.roster().iter().count();
    let before = known(&hall);
    for number in 30..60 {
        let outputs = hall.join(number, arrival(number));
        let told = presences(&outputs, number);
        assert_eq!(told.last().unwrap().1, Role::Guest, "not remembered");
        assert!(hall.room.roster().get(&member(number)).is_some());
        hall.frame(number, ClientFrame::Leave);
    }
    assert_eq!(known(&hall), before);
    // What must not be forgotten is not.
    for number in [ADA, BOB] {
        hall.join(number, page(arrival(number)));
        hall.frame(number, ClientFrame::Leave);
    }
    let outputs = hall.join(EVE, arrival(EVE));
    assert_eq!(closed(&outputs, EVE), Some(close::BANNED));
    assert_eq!(known(&hall), before);
    hall.join(OWNER, arrival(OWNER));
    hall.join(GUEST, page(arrival(GUEST)));
    hall.submit(OWNER, moderated(1, GUEST, Moderation::Ban));
    let outputs = hall.join(GUEST, page(arrival(GUEST)));
    assert_eq!(closed(&outputs, GUEST), Some(close::BANNED));
    assert_eq!(hall.role(ADA), Role::Moderator);
    assert!(hall.room.is_muted(&member(BOB)));
}

#[test]
fn a_room_that_knows_few_remembers_its_guests() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.frame(GUEST, ClientFrame::Leave);
    let outputs = hall.submit(OWNER, moderated(1, GUEST, Moderation::Ban));
    assert_eq!(rejected(&outputs, OWNER), None, "to ban them behind");
    let many = Roster::resume(crowd(ROOM_KNOWN_GUESTS));
    let config = config(Some(OWNER), RoomSettings::default(), 20);
    let mut hall = Hall::over(config, many, Door::default());
    hall.join(ADA, page(arrival(ADA)));
    hall.join(BOB, arrival(BOB));
    for number in [ADA, BOB] {
        hall.frame(number, ClientFrame::Leave);
    }
    assert!(hall.room.roster().get(&member(ADA)).is_none());
    assert!(hall.room.roster().get(&member(BOB)).is_some());
}

/// Whoever may not speak does not speak by names, and whoever takes them all comes back later.
#[test]
fn names_are_taken_now_and_then_over_however_many_connections() {
    let named = |number: u32| DisplayName::parse(&format!("name {number}")).unwrap();
    let mut hall = Hall::full(RoomSettings::default());
    let renamed = |hall: &Hall| {
        let is = |event: &&Event| matches!(event.body, Body::Renamed { .. });
        hall.events().iter().filter(is).count()
    };
    for number in 0..MEMBER_RENAMES {
        let name = named(number);
        let outputs = hall.frame(ADA, ClientFrame::Rename { name });
        assert_eq!(closed(&outputs, ADA), None, "{number}");
    }
    let outputs = hall.frame(ADA, ClientFrame::Rename { name: named(100) });
    assert_eq!(closed(&outputs, ADA), Some(close::SLOW_DOWN));
    let mut back = arrival(ADA);
    back.hello.name = named(101);
    let outputs = hall.join(ADA, back.clone());
    assert_eq!(closed(&outputs, ADA), Some(close::SLOW_DOWN));
    assert_eq!(renamed(&hall), MEMBER_RENAMES as usize);
    hall.later(MEMBER_RENAME_EVERY);
    let outputs = hall.join(ADA, back);
    assert_eq!(closed(&outputs, ADA), None);
    assert_eq!(hall.events().last().unwrap().name, named(101));
}
