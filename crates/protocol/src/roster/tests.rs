//! What a roster makes of a log, whatever the log says.

use super::*;
use crate::event::Admission;
use crate::ids::{ClientId, Seq};

const OWNER: u8 = 9;
const ADA: u8 = 1;
const ID: ClientId = ClientId([1; 16]);

fn member(number: u8) -> MemberId {
    MemberId([number; 32])
}

fn event(author: u8, body: Body) -> Event {
    Event {
        seq: Seq(1),
        at: 0,
        author: member(author),
        name: DisplayName::parse("Ada").unwrap(),
        body,
        signature: None,
    }
}

fn joined(author: u8, role: Role) -> Event {
    let via = Via::Open;
    event(author, Body::Joined { via, role })
}

fn moderated(whom: u8, action: Moderation) -> Event {
    let (id, member) = (ID, member(whom));
    event(OWNER, Body::Moderated { id, member, action })
}

fn role(whom: u8, role: Role) -> Event {
    let (id, member) = (ID, member(whom));
    event(OWNER, Body::Role { id, member, role })
}

/// What is known of Ada after these events: role, admitted, muted, banned.
fn after(events: &[Event]) -> (Role, bool, bool, bool) {
    let mut roster = Roster::default();
    roster.found(member(OWNER), DisplayName::parse("Owner").unwrap());
    for event in events {
        roster.apply(event);
        let owners = roster.iter().filter(|(_, known)| known.role == Role::Owner);
        assert_eq!(owners.count(), 1, "{events:?}");
    }
    let known = roster.get(&member(ADA)).unwrap();
    (known.role, known.admitted, known.muted, known.banned)
}

#[test]
fn a_standing_follows_from_the_log() {
    use Moderation::{Ban, Kick, Mute, Unban, Unmute};
    use Role::{Guest, Member, Moderator, Owner, Unknown};
    let came = |role| joined(ADA, role);
    let done = |action| moderated(ADA, action);
    let made = |new| role(ADA, new);
    for (events, known) in [
        (vec![came(Member)], (Member, true, false, false)),
        (vec![came(Guest)], (Guest, false, false, false)),
        (vec![came(Unknown)], (Guest, false, false, false)),
        // Who comes in only rises by it.
        (
            vec![came(Guest), came(Member)],
            (Member, true, false, false),
        ),
        (
            vec![came(Member), came(Guest)],
            (Member, true, false, false),
        ),
        (
            vec![came(Member), made(Moderator), came(Member)],
            (Moderator, true, false, false),
        ),
        (vec![came(Member), came(Owner)], (Owner, true, false, false)),
        // Who was sent out begins anew.
        (
            vec![came(Member), made(Moderator), done(Kick)],
            (Member, false, false, false),
        ),
        (
            vec![came(Member), made(Moderator), done(Kick), came(Guest)],
            (Guest, false, false, false),
        ),
        (
            vec![came(Guest), done(Kick), came(Member)],
            (Member, true, false, false),
        ),
        (
            vec![came(Member), made(Moderator), done(Ban), done(Unban)],
            (Member, false, false, false),
        ),
        // A ban holds whatever else the log says.
        (
            vec![came(Member), done(Ban), came(Owner), made(Moderator)],
            (Member, false, false, true),
        ),
        (
            vec![came(Member), done(Mute), done(Kick), came(Member)],
            (Member, true, true, false),
        ),
        (
            vec![came(Member), done(Mute), done(Unmute)],
            (Member, true, false, false),
        ),
        // Who owns the room speaks, and is not sent out.
        (
            vec![came(Member), done(Mute), made(Owner)],
            (Owner, true, false, false),
        ),
        (
            vec![
                made(Owner),
                came(Member),
                made(Owner),
                done(Ban),
                done(Mute),
            ],
            (Owner, true, false, false),
        ),
        // It is handed on, and not given up.
        (
            vec![came(Member), made(Owner), made(Member)],
            (Owner, true, false, false),
        ),
        (
            vec![came(Member), made(Owner), role(OWNER, Owner)],
            (Moderator, true, false, false),
        ),
        (
            vec![came(Member), made(Guest)],
            (Guest, false, false, false),
        ),
        (
            vec![came(Member), made(Unknown)],
            (Guest, false, false, false),
        ),
    ] {
        assert_eq!(after(&events), known, "{events:?}");
    }
}

#[test]
fn whoever_changed_is_named() {
    let mut roster = Roster::default();
    roster.found(member(OWNER), DisplayName::parse("Owner").unwrap());
    assert_eq!(roster.apply(&joined(ADA, Role::Member)), [member(ADA)]);
    let both = roster.apply(&role(ADA, Role::Owner));
    assert_eq!(both, [member(ADA), member(OWNER)]);
    let nobody = [
        moderated(ADA, Moderation::Ban),
        moderated(7, Moderation::Ban),
        role(7, Role::Moderator),
        event(
            7,
            Body::Left {
                how: crate::event::Leaving::Left,
            },
        ),
    ];
    for event in nobody {
        assert_eq!(roster.apply(&event), [], "{event:?}");
    }
    let from = DisplayName::parse("Bob").unwrap();
    assert_eq!(
        roster.apply(&event(ADA, Body::Renamed { from })),
        [member(ADA)]
    );
}

#[test]
fn moderators_set_what_is_order_and_nothing_else() {
    let mut roster = Roster::default();
    roster.found(member(OWNER), DisplayName::parse("Owner").unwrap());
    roster.apply(&joined(ADA, Role::Member));
    roster.apply(&role(ADA, Role::Moderator));
    let rules = RoomSettings::default();
    let order = RoomSettings {
        locked: true,
        slow: 9,
        ..rules
    };
    let more = RoomSettings {
        admission: Admission::Invite,
        ..order
    };
    for (settings, may) in [(order, true), (more, false)] {
        let body = Body::Settings { id: ID, settings };
        assert_eq!(roster.may(member(ADA), &body, rules), may);
        assert!(roster.may(member(OWNER), &body, rules));
    }
}

#[test]
fn nobody_moderates_whom_is_not_below_them() {
    let mut roster = Roster::default();
    roster.found(member(OWNER), DisplayName::parse("Owner").unwrap());
    for (number, is) in [
        (1, Role::Moderator),
        (2, Role::Moderator),
        (3, Role::Member),
        (4, Role::Guest),
    ] {
        roster.apply(&joined(number, Role::Member));
        roster.apply(&role(number, is));
    }
    let whom = |by| -> Vec<u8> {
        let may = |whom: &u8| {
            let body = moderated(*whom, Moderation::Ban).body;
            roster.may(member(by), &body, RoomSettings::default())
        };
        [1, 2, 3, 4, 5, OWNER].into_iter().filter(may).collect()
    };
    assert_eq!(whom(OWNER), [1, 2, 3, 4]);
    assert_eq!(whom(1), [3, 4]);
    assert!(whom(3).is_empty() && whom(4).is_empty() && whom(5).is_empty());
}
