//! Two machines and what is between them.

use std::collections::{BTreeSet, VecDeque};

use super::*;
use crate::identity::{Identity, RoomKey};

const START: Duration = Duration::from_secs(1);

fn room() -> RoomPublicKey {
    RoomKey::from_secret(&[7; 32]).public()
}

fn member(number: u8) -> MemberId {
    Identity::from_secret(&[number; 32]).member()
}

fn share(number: u8) -> Share {
    Share([number; 32])
}

/// One side: its machine and what its window shows.
struct Side {
    me: MemberId,
    room: RoomPublicKey,
    machine: Compare,
    share: Share,
    shown: Option<CompareStage>,
    verified: Vec<MemberId>,
    sent: VecDeque<(MemberId, CompareStep)>,
}

impl Side {
    fn new(number: u8) -> Self {
        let me = member(number);
        Self {
            me,
            room: room(),
            machine: Compare::new(me),
            share: share(number + 100),
            shown: None,
            verified: Vec::new(),
            sent: VecDeque::new(),
        }
    }

    fn take(&mut self) {
        for act in self.machine.take() {
            match act {
                Act::Send(to, step) => self.sent.push_back((to, step)),
                Act::Show(shown) => self.shown = shown.map(|(_, stage)| stage),
                Act::Verified(member) => self.verified.push(member),
            }
        }
    }

    fn wish(&mut self, wish: CompareWish) {
        self.machine.wish(self.room, wish, self.share, START);
        self.take();
    }

    fn ask(&mut self, other: &Side) {
        self.wish(CompareWish::Ask { member: other.me });
    }

    fn step(&mut self, from: MemberId, step: CompareStep) {
        self.machine.step(self.room, from, step, START);
        self.take();
    }

    fn code(&self) -> Option<(Vec<CodeEmoji>, String)> {
        match &self.shown {
            Some(CompareStage::Codes { emoji, digits }) => Some((emoji.clone(), digits.clone())),
            _ => None,
        }
    }
}

/// Carries steps until none is on its way.
fn carry(a: &mut Side, b: &mut Side) {
    loop {
        let (to_b, to_a) = (a.sent.pop_front(), b.sent.pop_front());
        if to_a.is_none() && to_b.is_none() {
            return;
        }
        if let Some((to, step)) = to_b {
            assert_eq!(to, b.me);
            b.step(a.me, step);
        }
        if let Some((to, step)) = to_a {
            assert_eq!(to, a.me);
            a.step(b.me, step);
        }
    }
}

fn codes() -> (Side, Side) {
    let (mut a, mut b) = (Side::new(1), Side::new(2));
    a.ask(&b);
    carry(&mut a, &mut b);
    assert_eq!(a.shown, Some(CompareStage::Waiting));
    assert_eq!(b.shown, Some(CompareStage::Asked));
    assert_eq!(b.sent, [], "nothing before somebody says yes");
    b.wish(CompareWish::Accept);
    carry(&mut a, &mut b);
    assert!(a.code().is_some());
    (a, b)
}

#[test]
fn both_screens_show_the_same() {
    let (mut a, mut b) = codes();
    let (emoji, digits) = a.code().unwrap();
    assert_eq!(b.code(), Some((emoji.clone(), digits.clone())));
    assert_eq!((emoji.len(), digits.len()), (6, 11));
    a.wish(CompareWish::Match);
    assert_eq!(a.verified, [b.me]);
    assert_eq!(
        (a.shown.clone(), a.sent.len()),
        (Some(CompareStage::Matched), 0)
    );
    assert_eq!(b.verified, [], "each person says it for themselves");
    b.wish(CompareWish::Match);
    assert_eq!(b.verified, [a.me]);
    a.wish(CompareWish::Match);
    assert_eq!(a.verified, [b.me], "said once");
}

/// Others implement this, too: the numbers stay what they are.
#[test]
fn a_code_is_made_of_all_that_it_binds() {
    let sides = Sides {
        room: room(),
        a: member(1),
        b: member(2),
    };
    let (a, b) = (share(3), share(4));
    let code = sides.code(&a, &b);
    let names: Vec<String> = code.emoji().into_iter().map(|one| one.name).collect();
    assert_eq!(
        (names.join(" "), code.digits()),
        (
            "Flag Gift Book Flower Rocket Unicorn".to_owned(),
            "207 817 388".to_owned()
        )
    );
    assert_eq!(
        sides.commitment(&a).to_string(),
        "OYr7LvnfhcvofUPhbTfmqTtjDU2wDOtiqWrSQtYAZig"
    );
    let other_room = Sides {
        room: RoomKey::from_secret(&[8; 32]).public(),
        ..sides
    };
    let other_a = Sides {
        a: member(9),
        ..sides
    };
    let other_b = Sides {
        b: member(9),
        ..sides
    };
    let turned = Sides {
        a: sides.b,
        b: sides.a,
        ..sides
    };
    for other in [other_room, other_a, other_b, turned] {
        assert_ne!(other.code(&a, &b), code);
        assert_ne!(other.commitment(&a), sides.commitment(&a));
    }
    assert_ne!(sides.code(&b, &a), code);
    assert_ne!(sides.code(&a, &share(9)), code);
    assert_ne!(sides.commitment(&b), sides.commitment(&a));
}

#[test]
fn emoji_and_digits_are_as_many_as_they_say() {
    let (pictures, names): (BTreeSet<_>, BTreeSet<_>) = EMOJI.iter().copied().unzip();
    assert_eq!((pictures.len(), names.len()), (64, 64));
    let code = Code {
        emoji: [0, 1, 62, 63, 5, 6],
        digits: 1_002_003,
    };
    assert_eq!(code.digits(), "001 002 003");
    assert_eq!(code.emoji()[3].name, "Pin");
    // All places come up, in all positions.
    let sides = Sides {
        room: room(),
        a: member(1),
        b: member(2),
    };
    let mut seen = [const { BTreeSet::new() }; 6];
    for number in 0..=255 {
        for other in 0..4 {
            let code = sides.code(&share(number), &share(other));
            for (seen, place) in seen.iter_mut().zip(code.emoji) {
                seen.insert(place);
            }
        }
    }
    assert!(seen.iter().all(|seen| seen.len() == 64));
}

#[test]
fn a_reveal_that_does_not_fit_what_was_bound_is_broken() {
    let (mut a, mut b) = (Side::new(1), Side::new(2));
    a.ask(&b);
    carry(&mut a, &mut b);
    b.wish(CompareWish::Accept);
    b.sent.clear();
    b.step(a.me, CompareStep::Reveal { share: share(66) });
    assert_eq!(b.shown, Some(CompareStage::Broken));
    assert_eq!(b.sent, [(a.me, CompareStep::Stop)]);
    b.step(a.me, CompareStep::Reveal { share: a.share });
    assert_eq!(b.shown, Some(CompareStage::Broken), "there is one guess");
    b.wish(CompareWish::Match);
    assert_eq!(b.verified, []);
}

/// Whoever stands between talks to each with a key of their own, or of another room.
#[test]
fn who_stands_between_makes_the_codes_differ() {
    let (mut a, mut b) = (Side::new(1), Side::new(2));
    let (mut to_a, mut to_b) = (Side::new(3), Side::new(4));
    a.ask(&to_a);
    carry(&mut a, &mut to_a);
    to_b.ask(&b);
    carry(&mut to_b, &mut b);
    b.wish(CompareWish::Accept);
    carry(&mut to_b, &mut b);
    to_a.wish(CompareWish::Accept);
    carry(&mut a, &mut to_a);
    assert!(a.code().is_some() && b.code().is_some());
    assert_ne!(a.code(), b.code());

    let (mut a, mut b) = (Side::new(1), Side::new(2));
    b.room = RoomKey::from_secret(&[8; 32]).public();
    a.ask(&b);
    carry(&mut a, &mut b);
    b.wish(CompareWish::Accept);
    carry(&mut a, &mut b);
    assert_eq!(b.shown, Some(CompareStage::Broken), "another room's key");
    assert_eq!(a.shown, Some(CompareStage::Stopped));
}

#[test]
fn one_comparison_at_a_time() {
    let mut a = Side::new(1);
    let (b, c) = (member(2), member(3));
    let commitment = share(50);
    a.step(b, CompareStep::Ask { commitment });
    a.step(c, CompareStep::Ask { commitment });
    assert_eq!(a.sent, [(c, CompareStep::Stop)]);
    a.sent.clear();
    // A stranger's steps are not those of the one who asks.
    for step in [
        CompareStep::Stop,
        CompareStep::Accept { share: share(1) },
        CompareStep::Reveal { share: share(1) },
    ] {
        a.step(c, step);
        a.step(a.me, step);
    }
    assert_eq!(a.shown, Some(CompareStage::Asked));
    // Asked for somebody else, the person lets go of the first.
    a.wish(CompareWish::Ask { member: c });
    let steps: Vec<_> = a.sent.iter().map(|(to, _)| *to).collect();
    assert_eq!(steps, [b, c]);
    assert_eq!(a.sent[0].1, CompareStep::Stop);
    // With oneself there is nothing to compare.
    a.sent.clear();
    a.wish(CompareWish::Ask { member: a.me });
    assert_eq!(a.sent, []);
    // With codes on the screen, too.
    let (mut a, b) = codes();
    a.step(b.me, CompareStep::Ask { commitment });
    assert_eq!(a.sent, [(b.me, CompareStep::Stop)]);
    assert!(a.code().is_some());
}

#[test]
fn who_asks_at_the_same_time_meets() {
    for (first, second) in [(1, 2), (2, 1)] {
        let (mut a, mut b) = (Side::new(first), Side::new(second));
        a.ask(&b);
        b.ask(&a);
        carry(&mut a, &mut b);
        assert!(a.code().is_some());
        assert_eq!(a.code(), b.code());
    }
    // And who asks the one who asks says yes.
    let (mut a, mut b) = (Side::new(1), Side::new(2));
    a.ask(&b);
    carry(&mut a, &mut b);
    b.ask(&a);
    carry(&mut a, &mut b);
    assert!(a.code().is_some());
    assert_eq!(a.code(), b.code());
}

#[test]
fn either_side_may_stop() {
    let (mut a, mut b) = (Side::new(1), Side::new(2));
    a.ask(&b);
    carry(&mut a, &mut b);
    b.wish(CompareWish::Stop);
    assert_eq!(b.shown, None);
    carry(&mut a, &mut b);
    assert_eq!(a.shown, Some(CompareStage::Stopped));
    a.wish(CompareWish::Stop);
    assert_eq!((a.shown.clone(), a.sent.len()), (None, 0), "only closed");
    let (mut a, mut b) = codes();
    a.wish(CompareWish::Differ);
    assert_eq!(a.shown, Some(CompareStage::Broken));
    carry(&mut a, &mut b);
    assert_eq!(b.shown, Some(CompareStage::Stopped));
    b.wish(CompareWish::Match);
    assert_eq!(b.verified, []);
}

#[test]
fn nobody_is_waited_for_for_ever() {
    let (mut a, mut b) = (Side::new(1), Side::new(2));
    a.ask(&b);
    carry(&mut a, &mut b);
    for side in [&mut a, &mut b] {
        assert_eq!(side.machine.until(), Some(START + COMPARE_FOR));
        side.machine.timeout(START);
        side.take();
        assert_ne!(side.shown, Some(CompareStage::Stopped));
        side.machine.timeout(START + COMPARE_FOR);
        side.take();
        assert_eq!(side.shown, Some(CompareStage::Stopped));
        assert_eq!(side.machine.until(), None);
    }
    // Who leaves, and whose connection breaks.
    for end in [Compare::gone, |machine: &mut Compare, _| {
        machine.disconnected();
    }] {
        let (mut a, mut b) = (Side::new(1), Side::new(2));
        a.ask(&b);
        carry(&mut a, &mut b);
        a.machine.gone(member(9));
        a.take();
        assert_eq!(a.shown, Some(CompareStage::Waiting));
        for side in [&mut a, &mut b] {
            let other = if side.me == member(1) { 2 } else { 1 };
            end(&mut side.machine, member(other));
            side.take();
            assert_eq!(
                (side.shown.clone(), side.sent.len()),
                (Some(CompareStage::Stopped), 0)
            );
        }
        let (mut a, _) = codes();
        end(&mut a.machine, member(2));
        a.take();
        assert!(a.code().is_some(), "nothing more has to be sent");
    }
}

#[test]
fn steps_of_a_later_version_and_late_ones_change_nothing() {
    let (mut a, b) = codes();
    for step in [
        CompareStep::Unknown,
        CompareStep::Accept { share: share(9) },
        CompareStep::Reveal { share: share(9) },
    ] {
        a.step(b.me, step);
    }
    assert_eq!(a.code(), b.code());
    // Who asks again before the answer has another share.
    let (mut a, mut b) = (Side::new(1), Side::new(2));
    a.ask(&b);
    a.wish(CompareWish::Stop);
    a.sent.clear();
    let commitment = share(50);
    b.step(a.me, CompareStep::Ask { commitment });
    a.share = share(77);
    a.ask(&b);
    carry(&mut a, &mut b);
    b.wish(CompareWish::Accept);
    carry(&mut a, &mut b);
    assert!(a.code().is_some());
    assert_eq!(a.code(), b.code());
}
