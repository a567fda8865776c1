//! What vouches for an event: one that nobody vouches for is kept, shown as such, and has no effect.

use super::*;
use crate::event::{Proof, Retention};

fn forged(mut event: Event) -> Event {
    event.signature = Some(crate::ids::Signature([7; 64]));
    event
}

fn proofs(desk: &Desk) -> Vec<(u64, Proof)> {
    let events = desk.keeps().into_iter().filter_map(|keep| match keep {
        Keep::Events { events, .. } => Some(events),
        _ => None,
    });
    let told = events.flatten();
    told.map(|told| (told.event.seq.0, told.proof)).collect()
}

fn nothing() -> Submission {
    let settings = RoomSettings {
        retention: Retention::Nothing,
        ..RoomSettings::default()
    };
    Submission::settings(ClientId([200; 16]), settings)
}

fn rules(desk: &Desk) -> usize {
    let keeps = desk.keeps();
    let rules = keeps
        .iter()
        .filter(|keep| matches!(keep, Keep::Settings { .. }));
    rules.count()
}

#[test]
fn f33_a_bad_signature_is_kept_and_flagged() {
    let mut desk = Desk::online();
    desk.frame(ServerFrame::Event(said(1, &bob(), "Bob", message(1))));
    assert_eq!(proofs(&desk), [(1, Proof::Author)]);
    let bad = forged(said(2, &bob(), "Bob", message(2)));
    desk.frame(ServerFrame::Event(bad));
    assert_eq!(proofs(&desk), [(2, Proof::Missing)]);
    let mut unsigned = said(3, &bob(), "Bob", message(3));
    unsigned.signature = None;
    desk.frame(ServerFrame::Event(unsigned));
    assert_eq!(proofs(&desk), [(3, Proof::Missing)]);
    // What the relay writes down by itself needs nobody's.
    desk.frame(ServerFrame::Event(theirs(4)));
    assert_eq!(proofs(&desk), [(4, Proof::Relay)]);
    // Pages, too, old ones and new ones.
    desk.frame(ServerFrame::Event(theirs(7)));
    let bad = forged(said(6, &bob(), "Bob", message(6)));
    desk.frame(page(5, 6, vec![said(5, &bob(), "Bob", message(5)), bad]));
    assert_eq!(
        proofs(&desk),
        [(5, Proof::Author), (6, Proof::Missing), (7, Proof::Relay)]
    );
}

#[test]
fn f33_words_put_into_our_mouth_do_not_clear_the_outbox() {
    let mut desk = Desk::online();
    desk.write(1);
    desk.write(2);
    desk.frame(ServerFrame::Event(forged(mine(1, 1))));
    assert_eq!(proofs(&desk), [(1, Proof::Missing)]);
    assert_eq!(desk.sent(), [], "there was no answer yet");
    // Nor as a late answer.
    desk.frame(ServerFrame::Event(forged(mine(1, 1))));
    assert_eq!(desk.outputs, []);
    desk.timeout();
    assert!(desk.did(&submit(1)), "it is sent on");
    desk.frame(ServerFrame::Event(mine(2, 1)));
    assert!(desk.did(&submit(2)));
}

#[test]
fn f33_forged_rules_rule_nothing() {
    let mut desk = Desk::online();
    desk.frame(ServerFrame::Event(forged(said(
        1,
        &bob(),
        "Bob",
        nothing(),
    ))));
    assert_eq!((desk.shown(), rules(&desk)), (vec![1], 0));
    // Under another name it is another saying.
    let mut renamed = said(2, &bob(), "Bob", nothing());
    renamed.name = name("Eve");
    desk.frame(ServerFrame::Event(renamed));
    assert_eq!((desk.shown(), rules(&desk)), (vec![2], 0));
    // The room's own are genuine by its key.
    let room = room_key().author();
    desk.frame(ServerFrame::Event(said(3, &room, "Lab", nothing())));
    assert_eq!((desk.shown(), rules(&desk)), (vec![3], 1));
    assert_eq!(proofs(&desk), [(3, Proof::Author)]);
}

#[test]
fn f33_a_saying_of_another_room_is_none_of_this_one() {
    let elsewhere = RoomKey::from_secret(&[9; 32]).id();
    let signed = message(1).sign(&bob(), &elsewhere, &name("Bob"));
    let mut replayed = said(1, &bob(), "Bob", message(1));
    replayed.signature = Some(signed.signature);
    let mut desk = Desk::online();
    desk.frame(ServerFrame::Event(replayed));
    assert_eq!(proofs(&desk), [(1, Proof::Missing)]);
}
