//! The view after its changes.

use super::*;
use crate::event::{Body, Event, Leaving, Proof, RoomSettings, Submission};
use crate::ids::{ClientId, Seq};
use crate::limits::VIEW_ITEMS;
use crate::text::MessageText;

fn room() -> RoomView {
    let name = RoomName::parse("Lab").unwrap();
    RoomView::opening(RoomId([1; 16]), name, "lab:4470".to_owned(), None)
}

fn event(seq: u64, body: Body) -> Event {
    Event {
        seq: Seq(seq),
        at: 0,
        author: MemberId([2; 32]),
        name: DisplayName::parse("Ada").unwrap(),
        body,
        signature: None,
    }
}

fn item(seq: u64) -> Item {
    Item::Event {
        log: 1,
        event: event(seq, Body::Left { how: Leaving::Left }),
        proof: Proof::Relay,
        rich: None,
    }
}

fn items(view: &RoomView) -> Vec<u64> {
    let places = view.items.iter().filter_map(Item::place);
    places.map(|place| place.seq.0).collect()
}

fn filled(older: bool, filling: bool) -> RoomChange {
    RoomChange::Filled { older, filling }
}

#[test]
fn the_view_holds_the_end_and_knows_that_there_is_more() {
    let mut view = room();
    let most = VIEW_ITEMS as u64;
    view.apply(RoomChange::Items {
        items: (1..=most).map(item).collect(),
    });
    assert_eq!((view.items.len(), view.older), (VIEW_ITEMS, false));
    view.apply(RoomChange::Items {
        items: vec![item(most + 1), item(most + 2)],
    });
    assert_eq!((view.items.len(), view.older), (VIEW_ITEMS, true));
    assert_eq!(items(&view), (3..=most + 2).collect::<Vec<_>>());
}

#[test]
fn older_history_that_came_is_there_to_be_read() {
    let mut view = room();
    view.apply(filled(false, true));
    assert_eq!((view.older, view.filling), (false, true));
    view.apply(filled(true, true));
    assert_eq!((view.older, view.filling), (true, true));
    view.apply(filled(false, false));
    assert_eq!((view.older, view.filling), (true, false), "it came before");
}

#[test]
fn what_was_deleted_is_not_in_the_view() {
    let mut view = room();
    view.apply(RoomChange::Items {
        items: (1..=9).map(item).collect(),
    });
    view.apply(filled(true, false));
    view.apply(RoomChange::Cut {
        items: vec![item(9)],
        older: false,
    });
    assert_eq!((items(&view), view.older), (vec![9], false));
}

#[test]
fn read_draft_and_rules_are_what_was_said_last() {
    let mut view = room();
    assert_eq!((view.read, view.unread, view.settings), (None, 0, None));
    let place = Place {
        log: 2,
        seq: Seq(7),
    };
    view.apply(RoomChange::Read {
        read: Some(place),
        unread: 3,
    });
    view.apply(RoomChange::Draft {
        text: " half a th".to_owned(),
    });
    let settings = RoomSettings::default();
    view.apply(RoomChange::Settings { settings });
    assert_eq!((view.read, view.unread), (Some(place), 3));
    assert_eq!(view.draft, " half a th");
    assert_eq!(view.settings, Some(settings));
}

/// Whatever it is, it leaves the outbox by its event.
#[test]
fn an_own_event_leaves_the_outbox() {
    let id = |id| ClientId([id; 16]);
    let text = MessageText::parse("x").unwrap();
    let message = Submission::message(id(1), text);
    let rules = Submission::settings(id(2), RoomSettings::default());
    let mut view = room();
    for submission in [message.clone(), rules.clone()] {
        let pending = Pending {
            id: submission.id(),
            submission,
            at: 0,
            state: PendingState::Queued,
            rich: None,
        };
        view.apply(RoomChange::Pending { pending });
    }
    let mut shown = |submission: &Submission, proof| {
        let item = Item::Event {
            log: 1,
            event: event(1, submission.clone().into()),
            proof,
            rich: None,
        };
        view.apply(RoomChange::Items { items: vec![item] });
        view.outbox.len()
    };
    assert_eq!(shown(&rules, Proof::Missing), 2, "it was not said by us");
    let text = MessageText::parse("y").unwrap();
    let other = Submission::message(id(1), text);
    assert_eq!(shown(&other, Proof::Author), 2, "that is not what we said");
    assert_eq!(shown(&rules, Proof::Author), 1);
    assert_eq!(shown(&message, Proof::Author), 0);
}

#[test]
fn places_are_ordered_by_log_first() {
    let place = |log, seq| Place { log, seq: Seq(seq) };
    assert!(place(1, 900) < place(2, 1));
    assert!(place(2, 1) < place(2, 2));
    assert_eq!(item(4).place(), Some(place(1, 4)));
    assert_eq!(Item::Reset { log: 2 }.place(), None);
    let gap = Item::Gap {
        log: 1,
        before: Seq(4),
    };
    assert_eq!(gap.place(), None);
}
