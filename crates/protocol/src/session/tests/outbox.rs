//! Own messages: written down first, sent one at a time in their order, and never twice in the log.

use super::*;
use crate::event::{Days, Retention};
use crate::limits::OUTBOX_MESSAGES;

fn pending(id: u8, state: PendingState) -> Pending {
    Pending {
        id: ClientId([id; 16]),
        submission: message(id),
        at: 0,
        state,
        rich: None,
    }
}

fn failed(id: u8, code: Reject) -> Pending {
    let retry = code.retry_helps();
    pending(id, PendingState::Failed { code, retry })
}

fn gone(id: u8) -> (Output, Output) {
    let id = ClientId([id; 16]);
    (
        Output::Keep(Keep::Gone { id }),
        Output::Change(RoomChange::PendingGone { id }),
    )
}

fn rejected(id: u8, code: Reject) -> ServerFrame {
    ServerFrame::Rejected {
        id: ClientId([id; 16]),
        code,
        message: String::new(),
        wait: None,
    }
}

/// What is submitted now.
fn submitted(desk: &Desk) -> Vec<ClientId> {
    let submits = desk.sent().into_iter().filter_map(|frame| match frame {
        ClientFrame::Submit(signed) => Some(signed.submission.id()),
        _ => None,
    });
    submits.collect()
}

/// **S2**, **S3**
#[test]
fn messages_go_one_at_a_time_and_a_refused_one_holds_nobody_up() {
    let mut desk = Desk::online();
    desk.write(1);
    assert!(desk.did(&submit(1)));
    desk.write(2);
    desk.write(3);
    assert_eq!(desk.sent(), [], "one at a time");
    // No answer: the same one again.
    let start = desk.mono;
    desk.timeout();
    assert_eq!(desk.mono.checked_sub(start).unwrap(), RESUBMIT_AFTER);
    assert!(desk.did(&submit(1)) && !desk.did(&submit(2)));
    desk.frame(rejected(1, Reject::IdConflict));
    assert!(desk.did(&submit(2)) && !desk.did(&submit(1)));
    let refused = Pending {
        at: 1000,
        ..failed(1, Reject::IdConflict)
    };
    assert_eq!(
        desk.keeps(),
        [Keep::Pending {
            pending: refused.clone()
        }]
    );
    let told = desk.changes();
    let told = told.iter().find_map(|change| match change {
        RoomChange::Pending { pending } if pending.id == refused.id => Some(pending),
        _ => None,
    });
    assert_eq!(told.map(|pending| pending.state), Some(refused.state));
    // A broken connection: the one on its way goes first on the next.
    desk.closed(None);
    desk.timeout();
    desk.enter();
    assert!(desk.did(&submit(2)) && !desk.did(&submit(3)));
    desk.frame(ServerFrame::Event(mine(1, 2)));
    assert!(desk.did(&submit(3)));
}

/// **S3**: only what a relay could not write down is worth another try.
#[test]
fn f35_a_refusal_says_whether_trying_again_can_help() {
    for (code, helps) in [
        (Reject::IdConflict, false),
        (Reject::NotAllowed, false),
        (Reject::NoSuchMessage, false),
        (Reject::Unknown, false),
        (Reject::BadSignature, false),
        (Reject::NotSaved, true),
        (Reject::Muted, true),
    ] {
        let mut desk = Desk::online();
        desk.write(1);
        desk.frame(rejected(1, code));
        let state = PendingState::Failed { code, retry: helps };
        let kept = desk.keeps();
        let [Keep::Pending { pending }] = &kept[..] else {
            panic!("{kept:?}");
        };
        assert_eq!(pending.state, state);
    }
}

#[test]
fn a_draft_is_nothing_until_it_is_submitted() {
    let mut desk = Desk::online();
    let now = desk.now();
    let draft = desk.session.draft(message(1), now).unwrap();
    desk.take();
    assert_eq!(desk.outputs, [], "first it is written down");
    let written = Pending {
        at: now.wall,
        ..pending(1, PendingState::Queued)
    };
    assert_eq!(draft, written);
    desk.session.submit(draft.clone(), now);
    desk.take();
    let sending = Pending {
        state: PendingState::Sending,
        ..draft.clone()
    };
    assert_eq!(
        desk.outputs,
        [
            Output::Change(RoomChange::Pending { pending: draft }),
            Output::Change(RoomChange::Pending { pending: sending }),
            submit(1),
        ]
    );
}

/// **S5**: whatever can be submitted goes the same way.
#[test]
fn rules_go_through_the_outbox_like_messages() {
    let retention = Retention::Days {
        days: Days::new(7).unwrap(),
    };
    let rules = Submission::settings(
        ClientId([9; 16]),
        RoomSettings {
            retention,
            ..RoomSettings::default()
        },
    );
    let mut desk = Desk::online();
    let now = desk.now();
    let draft = desk.session.draft(rules.clone(), now).unwrap();
    assert_eq!(draft.id, ClientId([9; 16]));
    desk.session.submit(draft, now);
    desk.take();
    let signed = rules.sign(&ada(), &room(), &name("Ada"));
    assert_eq!(desk.sent(), [ClientFrame::Submit(Box::new(signed))]);
}

#[test]
fn a_full_outbox_takes_no_draft() {
    let waiting = |count: usize| {
        let outbox = vec![pending(1, PendingState::Queued); count];
        Desk::resumed(
            1,
            Resume {
                outbox,
                ..Resume::default()
            },
        )
    };
    let desk = waiting(OUTBOX_MESSAGES);
    assert_eq!(desk.session.draft(message(2), desk.now()), Err(OutboxFull));
    let desk = waiting(OUTBOX_MESSAGES - 1);
    assert!(desk.session.draft(message(2), desk.now()).is_ok());
}

/// **S4**
#[test]
fn f78_what_was_written_before_a_restart_goes_out_in_its_order() {
    let resume = Resume {
        outbox: vec![
            failed(4, Reject::NotAllowed),
            pending(3, PendingState::Sending),
            pending(1, PendingState::Queued),
            pending(2, PendingState::Queued),
        ],
        ..Resume::default()
    };
    let mut desk = Desk::resumed(1, resume);
    desk.write(5);
    desk.enter();
    for (seq, id) in [(1, 3), (2, 1), (3, 2), (4, 5)] {
        assert_eq!(submitted(&desk), [ClientId([id; 16])]);
        desk.frame(ServerFrame::Event(mine(seq, id)));
        assert_eq!(desk.shown(), [seq]);
    }
    assert_eq!(desk.sent(), [], "a failed one waits for somebody to ask");
}

/// **S2**: it was sent before the restart, and its event is here already.
#[test]
fn f67_the_event_of_a_message_that_was_sent_before_a_restart_takes_it_out() {
    let resume = Resume {
        cursor: Some(Cursor {
            log: 1,
            epoch: EPOCH,
            next: Seq(10),
            low: Seq(1),
        }),
        outbox: vec![
            pending(1, PendingState::Sending),
            pending(2, PendingState::Queued),
        ],
        ..Resume::default()
    };
    let mut desk = Desk::resumed(1, resume);
    desk.enter_at(1, 9);
    assert!(desk.did(&submit(1)));
    desk.frame(ServerFrame::Event(mine(4, 1)));
    let (kept, told) = gone(1);
    assert!(desk.did(&kept) && desk.did(&told));
    assert_eq!(desk.shown(), [0; 0], "it is shown already");
    assert!(desk.did(&submit(2)), "the next one goes");
    // Somebody else's event with that id is not its answer.
    let foreign = Event {
        author: MemberId([5; 32]),
        ..mine(5, 2)
    };
    desk.frame(ServerFrame::Event(foreign));
    assert_eq!(desk.outputs, []);
}

/// **S2**: it was sent before the connection broke, and its event is among what was missed.
#[test]
fn f67_the_event_of_a_message_among_what_was_missed_takes_it_out() {
    let mut desk = Desk::online();
    desk.write(1);
    desk.write(2);
    desk.closed(None);
    desk.timeout();
    desk.enter_at(1, 2);
    assert!(desk.did(&submit(1)), "it cannot know");
    // The relay knows the id and sends the event; what is before it comes by the page.
    desk.frame(ServerFrame::Event(mine(2, 1)));
    assert_eq!(desk.keeps(), []);
    desk.frame(page(1, 2, vec![theirs(1), mine(2, 1)]));
    assert_eq!(desk.shown(), [1, 2], "with them it leaves the outbox");
    assert!(desk.did(&submit(2)));
    // The late answer to the second submit of it is nothing new.
    desk.frame(ServerFrame::Event(mine(2, 1)));
    assert_eq!(desk.outputs, []);
}

#[test]
fn a_failed_message_is_tried_again_behind_those_that_wait() {
    let mut desk = Desk::online();
    for id in 1..=3 {
        desk.write(id);
    }
    desk.frame(rejected(1, Reject::NotSaved));
    assert!(desk.did(&submit(2)));
    let now = desk.now();
    desk.session.retry(ClientId([1; 16]), now);
    desk.take();
    let waiting = Pending {
        at: 1000,
        ..pending(1, PendingState::Queued)
    };
    let id = waiting.id;
    let told = RoomChange::Pending {
        pending: waiting.clone(),
    };
    assert_eq!(
        desk.outputs,
        [
            Output::Keep(Keep::Pending { pending: waiting }),
            Output::Change(RoomChange::PendingGone { id }),
            Output::Change(told),
        ]
    );
    desk.frame(ServerFrame::Event(mine(1, 2)));
    assert!(desk.did(&submit(3)));
    desk.frame(ServerFrame::Event(mine(2, 3)));
    assert!(desk.did(&submit(1)));
    // What did not fail is not tried again.
    desk.session.retry(ClientId([1; 16]), now);
    desk.take();
    assert_eq!(desk.outputs, []);
}

#[test]
fn what_is_not_on_its_way_can_be_taken_back() {
    let mut desk = Desk::online();
    desk.write(1);
    desk.write(2);
    let (flying, waiting) = (ClientId([1; 16]), ClientId([2; 16]));
    assert!(!desk.session.can_discard(flying));
    assert!(!desk.session.discard(flying));
    desk.take();
    assert_eq!(desk.outputs, []);
    assert!(desk.session.can_discard(waiting));
    assert!(desk.session.discard(waiting));
    desk.take();
    let (kept, told) = gone(2);
    assert_eq!(desk.outputs, [kept, told]);
    assert!(!desk.session.can_discard(waiting), "it is gone");
    desk.frame(ServerFrame::Event(mine(1, 1)));
    assert_eq!(desk.sent(), []);
    // Not connected, nothing is on its way.
    desk.write(3);
    desk.closed(None);
    assert!(desk.session.can_discard(ClientId([3; 16])));
}
