//! What is on the disk before the window hears of it, and what happens when the disk takes nothing.

use super::*;
use crate::event::{Days, Retention};
use crate::limits::{FILL_EVERY, FIRST_PAGE_EVENTS};

fn rules(retention: Retention) -> RoomSettings {
    RoomSettings {
        retention,
        ..RoomSettings::default()
    }
}

fn week() -> RoomSettings {
    rules(Retention::Days {
        days: Days::new(7).unwrap(),
    })
}

/// The host sets the rules.
fn ruled(seq: u64, settings: RoomSettings) -> Event {
    let id = ClientId([200; 16]);
    said(seq, &bob(), "Bob", Submission::settings(id, settings))
}

fn cursor(low: u64, next: u64) -> Cursor {
    Cursor {
        log: 1,
        epoch: EPOCH,
        next: Seq(next),
        low: Seq(low),
    }
}

/// After a restart, with history from `low` to before `next`.
fn resumed(low: u64, next: u64) -> Desk {
    let resume = Resume {
        cursor: Some(cursor(low, next)),
        last: Some(theirs(next - 1)),
        ..Resume::default()
    };
    Desk::resumed(1, resume)
}

fn settings_kept(desk: &Desk) -> Vec<RoomSettings> {
    let kept = desk.keeps().into_iter().filter_map(|keep| match keep {
        Keep::Settings { settings } => Some(settings),
        _ => None,
    });
    kept.collect()
}

fn settings_told(desk: &Desk) -> Vec<RoomSettings> {
    let told = desk
        .changes()
        .into_iter()
        .filter_map(|change| match change {
            RoomChange::Settings { settings } => Some(settings),
            _ => None,
        });
    told.collect()
}

fn filled(desk: &Desk) -> Vec<(bool, bool)> {
    let told = desk
        .changes()
        .into_iter()
        .filter_map(|change| match change {
            RoomChange::Filled { older, filling } => Some((older, filling)),
            _ => None,
        });
    told.collect()
}

#[test]
fn events_are_kept_with_the_cursor_behind_them() {
    let mut desk = Desk::online();
    assert_eq!(
        desk.keeps(),
        [
            Keep::Trust {
                trust: Trust {
                    term: 1,
                    verified: Verified::No
                }
            },
            Keep::Name {
                name: RoomName::parse("Lab").unwrap()
            },
            Keep::Settings {
                settings: RoomSettings::default()
            },
        ],
        "a log begins with its first event"
    );
    desk.frame(ServerFrame::Event(theirs(1)));
    assert_eq!(
        desk.outputs,
        [Output::Keep(Keep::Events {
            cursor: cursor(1, 2),
            events: told([theirs(1)]),
            tail: true,
        })],
        "the window is told by whoever wrote it down"
    );
}

/// **R5**
#[test]
fn a_resumed_room_goes_on_where_it_was() {
    let mut desk = resumed(1, 10);
    desk.enter_at(1, 12);
    assert!(desk.did(&fetch(9, 12)), "compared and gone on from there");
    assert_eq!(desk.shown(), [0; 0]);
    desk.frame(page(9, 12, (9..=12).map(theirs).collect()));
    assert_eq!(desk.shown(), [10, 11, 12]);
}

/// **R5**
#[test]
fn f63_a_restored_log_is_told_as_another_one() {
    let mut desk = resumed(1, 10);
    desk.enter_at(1, 12);
    let other = Event { at: 7, ..theirs(9) };
    desk.frame(page(9, 12, vec![other, theirs(10)]));
    assert_eq!(desk.keeps(), []);
    assert!(desk.did(&fetch(1, 12)));
}

/// **K1**
#[test]
fn the_rules_of_a_welcome_are_kept_once() {
    let mut desk = Desk::online();
    assert_eq!(settings_kept(&desk), [RoomSettings::default()]);
    assert_eq!(settings_told(&desk), [RoomSettings::default()]);
    desk.closed(None);
    desk.timeout();
    desk.enter();
    assert_eq!(settings_kept(&desk), [], "they are known");
    assert_eq!(settings_told(&desk), []);
    desk.closed(None);
    desk.timeout();
    let settings = week();
    desk.enter_as(Welcome {
        settings,
        ..welcome()
    });
    assert_eq!(settings_kept(&desk), [settings]);
    assert_eq!(settings_told(&desk), [settings]);
    // Known from before a restart.
    let resume = Resume {
        settings: Some(settings),
        ..Resume::default()
    };
    let mut desk = Desk::resumed(1, resume);
    desk.enter_as(Welcome {
        settings,
        ..welcome()
    });
    assert_eq!(settings_kept(&desk), []);
}

/// **K2**
#[test]
fn rules_that_change_are_kept_behind_the_event_that_says_so() {
    let mut desk = Desk::online();
    desk.frame(ServerFrame::Event(ruled(1, week())));
    let settings = week();
    assert_eq!(
        desk.outputs,
        [
            Output::Keep(Keep::Events {
                cursor: cursor(1, 2),
                events: told([ruled(1, settings)]),
                tail: true
            }),
            Output::Keep(Keep::Settings { settings }),
            Output::Change(RoomChange::Settings { settings }),
        ]
    );
    // Of several the last one holds, and the same rules again are no news.
    desk.frame(ServerFrame::Event(ruled(4, rules(Retention::Nothing))));
    desk.frame(page(
        2,
        3,
        vec![ruled(2, week()), ruled(3, rules(Retention::Forever))],
    ));
    assert_eq!(settings_kept(&desk), [rules(Retention::Nothing)]);
    desk.frame(ServerFrame::Event(ruled(5, rules(Retention::Nothing))));
    assert_eq!(settings_kept(&desk), []);
}

/// **K2**: a room that kept nothing keeps what is said from the new rules on, although it all comes at once.
#[test]
fn what_comes_together_with_new_rules_is_kept_by_them() {
    let mut desk = Desk::online();
    desk.frame(ServerFrame::Event(ruled(1, rules(Retention::Nothing))));
    let settings = week();
    desk.frame(ServerFrame::Event(theirs(5)));
    desk.frame(page(2, 4, vec![theirs(2), ruled(3, settings), theirs(4)]));
    let events = |next, events| Keep::Events {
        cursor: cursor(1, next),
        events,
        tail: true,
    };
    assert_eq!(
        desk.keeps(),
        [
            events(4, told([theirs(2), ruled(3, settings)])),
            Keep::Settings { settings },
            events(6, told([theirs(4), theirs(5)])),
        ]
    );
    assert_eq!(desk.shown(), [2, 3, 4, 5]);
}

/// **K2**: who was away must not delete by rules that are not in force any more.
#[test]
fn rules_from_before_the_welcome_rule_nothing_any_more() {
    let mut desk = resumed(1, 10);
    desk.enter_at(1, 400);
    desk.frame(page(9, 12, {
        let nothing = rules(Retention::Nothing);
        vec![theirs(9), theirs(10), ruled(11, nothing), theirs(12)]
    }));
    assert_eq!(desk.shown(), [10, 11, 12]);
    assert_eq!(settings_kept(&desk), [], "everything kept would go");
    assert_eq!(settings_told(&desk), []);
}

/// **K2**, **R6**
#[test]
fn rules_in_older_history_rule_nothing() {
    let mut desk = resumed(101, 201);
    desk.enter_at(1, 200);
    desk.frame(page(200, 200, vec![theirs(200)]));
    assert!(desk.did(&fetch(1, 100)));
    desk.frame(page(1, 100, vec![ruled(50, rules(Retention::Nothing))]));
    assert_eq!(settings_kept(&desk), []);
    assert_eq!(
        desk.keeps(),
        [Keep::Events {
            cursor: cursor(1, 201),
            events: told([ruled(50, rules(Retention::Nothing))]),
            tail: false
        }]
    );
    // A page of which nothing is there any more is written down all the same: it is not asked for again.
    let mut desk = resumed(101, 201);
    desk.enter_at(1, 200);
    desk.frame(page(200, 200, vec![theirs(200)]));
    desk.frame(page(1, 100, vec![]));
    assert_eq!(
        desk.keeps(),
        [Keep::Events {
            cursor: cursor(1, 201),
            events: vec![],
            tail: false
        }]
    );
}

/// **R6**
#[test]
fn the_window_is_told_how_older_history_goes() {
    let start = 501 - FIRST_PAGE_EVENTS;
    let mut desk = Desk::new(1);
    desk.enter_at(1, 500);
    assert_eq!(filled(&desk), [(false, true)], "there is some to come");
    desk.frame(page(start, 500, (start..=500).map(theirs).collect()));
    assert_eq!(filled(&desk), []);
    assert!(desk.did(&fetch(201, 400)));
    desk.frame(page(201, 300, (201..=300).map(theirs).collect()));
    assert_eq!(filled(&desk), [], "not yet whole");
    assert!(desk.did(&fetch(301, 400)));
    desk.frame(page(301, 400, Vec::new()));
    assert_eq!(filled(&desk), [(true, true)]);
    assert_eq!(desk.sent(), [], "not at once");
    assert_eq!(desk.wait(), FILL_EVERY);
    desk.timeout();
    assert!(desk.did(&fetch(1, 200)));
    desk.frame(page(1, 200, (1..=200).map(theirs).collect()));
    assert_eq!(filled(&desk), [(true, false)]);
    // Known over a restart: what is whole is not filled again.
    let mut desk = resumed(1, 501);
    desk.enter_at(1, 500);
    assert_eq!(filled(&desk), []);
}

#[test]
fn an_end_of_filling_without_anything_is_told_too() {
    let mut desk = resumed(101, 201);
    desk.enter_at(1, 200);
    assert_eq!(filled(&desk), [(false, true)]);
    desk.frame(page(200, 200, vec![theirs(200)]));
    desk.frame(page(1, 100, Vec::new()));
    assert_eq!(filled(&desk), [(false, false)]);
    // Another log under the same name has nothing older.
    let mut desk = resumed(101, 201);
    desk.enter_at(1, 200);
    desk.frame(page(
        200,
        200,
        vec![Event {
            at: 7,
            ..theirs(200)
        }],
    ));
    assert_eq!(filled(&desk), [(false, false)]);
}

#[test]
fn own_messages_in_older_history_leave_the_outbox_alone() {
    let mut desk = resumed(101, 201);
    desk.enter_at(1, 200);
    desk.frame(page(200, 200, vec![theirs(200)]));
    desk.write(1);
    desk.frame(page(1, 100, vec![mine(50, 1)]));
    assert_eq!(desk.keeps().len(), 1);
    // Its answer comes by itself, wherever its event stands.
    desk.frame(ServerFrame::Event(mine(50, 1)));
    let id = ClientId([1; 16]);
    assert_eq!(desk.keeps(), [Keep::Gone { id }]);
}

#[test]
fn f57_what_cannot_be_kept_comes_again_over_a_new_connection() {
    let mut desk = Desk::online();
    desk.session.kept();
    desk.frame(ServerFrame::Event(theirs(1)));
    desk.session.kept();
    desk.frame(ServerFrame::Event(theirs(2)));
    let now = desk.now();
    desk.session.not_kept(now);
    desk.take();
    assert!(desk.did(&Output::Hangup(close::NORMAL)));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::NotSaved, false)
    );
    desk.timeout();
    assert!(desk.did(&Output::Dial));
    desk.enter_at(1, 3);
    assert!(desk.did(&fetch(1, 3)));
    desk.frame(page(1, 3, (1..=3).map(theirs).collect()));
    assert_eq!(desk.shown(), [2, 3], "there is space again");
    desk.session.kept();
    desk.frame(ServerFrame::Event(theirs(4)));
    assert_eq!(desk.shown(), [4]);
}

/// **S2**: its acknowledgement could not be kept, so after a crash it would be sent again: the event comes again, too.
#[test]
fn f57_an_own_message_whose_event_was_not_kept_is_not_lost() {
    let mut desk = Desk::online();
    desk.session.kept();
    desk.write(1);
    desk.frame(ServerFrame::Event(mine(1, 1)));
    let now = desk.now();
    desk.session.not_kept(now);
    desk.take();
    desk.timeout();
    desk.enter_at(1, 1);
    assert_eq!(desk.shown(), [0; 0]);
    desk.frame(page(1, 1, vec![mine(1, 1)]));
    assert_eq!(
        desk.shown(),
        [1],
        "and with it the message leaves the outbox"
    );
}

/// **K1**
#[test]
fn f57_rules_that_could_not_be_kept_are_kept_by_the_next_welcome() {
    let mut desk = Desk::online();
    desk.session.kept();
    desk.frame(ServerFrame::Event(ruled(1, week())));
    assert_eq!(settings_kept(&desk), [week()]);
    let now = desk.now();
    desk.session.not_kept(now);
    desk.take();
    desk.timeout();
    desk.enter_as(Welcome {
        settings: week(),
        head: Seq(1),
        ..welcome()
    });
    assert_eq!(settings_kept(&desk), [week()]);
}

#[test]
fn f57_without_a_connection_nothing_is_hung_up() {
    let mut desk = Desk::new(1);
    let now = desk.now();
    desk.session.dial_failed(Trouble::NobodyAnswers, now);
    desk.take();
    let wait = desk.wait();
    desk.session.not_kept(now);
    desk.take();
    assert_eq!(desk.outputs, []);
    assert_eq!(desk.wait(), wait);
}

#[test]
fn f57_a_full_disk_is_met_with_longer_and_longer_waits() {
    let mut desk = Desk::online();
    let mut waits = Vec::new();
    for _ in 0..12 {
        let now = desk.now();
        desk.session.not_kept(now);
        desk.take();
        waits.push(desk.wait());
        desk.timeout();
        desk.enter();
    }
    assert!(
        waits.iter().any(|wait| *wait > 4 * REDIAL_FIRST),
        "{waits:?}"
    );
}
