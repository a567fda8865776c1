//! Who is present, who looks like them, and comparing codes with them.

use super::*;
use crate::compare::{CompareStep, Sides};
use crate::view::{CompareStage, MemberView};

/// The key pairs of the others.
fn id(number: u8) -> MemberId {
    Identity::from_secret(&[number; 32]).member()
}

fn presence(member: Member) -> ServerFrame {
    ServerFrame::Presence(member)
}

fn gone(member: Member) -> ServerFrame {
    presence(Member {
        presence: Presence::Gone,
        ..member
    })
}

/// In the room with these.
fn among(members: Vec<Member>) -> Desk {
    among_resumed(Resume::default(), members)
}

fn among_resumed(resume: Resume, members: Vec<Member>) -> Desk {
    let mut desk = Desk::resumed(1, resume);
    desk.enter_as(Welcome {
        members,
        ..welcome()
    });
    desk
}

/// Who is shown now, and as whom they could be taken.
fn marks(desk: &Desk) -> Vec<(MemberId, Option<MemberId>)> {
    let views = desk.changes().into_iter().flat_map(|change| match change {
        RoomChange::Members { members } => members,
        RoomChange::Member { member } => vec![member],
        _ => Vec::new(),
    });
    views.map(|view| (view.member, view.looks_like)).collect()
}

fn shown(desk: &Desk) -> Vec<MemberView> {
    let views = desk
        .changes()
        .into_iter()
        .filter_map(|change| match change {
            RoomChange::Member { member } => Some(member),
            _ => None,
        });
    views.collect()
}

#[test]
fn f38_a_look_alike_that_comes_later_is_marked() {
    let mut desk = among(vec![in_room(me(), "Ada"), in_room(id(20), "Pascal")]);
    assert_eq!(marks(&desk), [(me(), None), (id(20), None)]);
    // The first and the second letter are Cyrillic.
    desk.frame(presence(in_room(id(3), "\u{420}\u{430}scal")));
    assert_eq!(marks(&desk), [(id(3), Some(id(20)))]);
    desk.frame(presence(in_room(id(4), "pascal")));
    assert_eq!(marks(&desk), [(id(4), Some(id(20)))]);
    // The one who was first takes another name: the next one bears it.
    desk.frame(presence(in_room(id(20), "Blaise")));
    let mut anew = marks(&desk);
    assert_eq!(anew.remove(0), (id(20), None));
    anew.sort_unstable_by_key(|(_, mark)| *mark);
    assert_eq!(anew, [(id(3), None), (id(4), Some(id(3)))]);
    desk.frame(gone(in_room(id(3), "x")));
    assert_eq!(marks(&desk), [(id(4), None)]);
    // Nobody else is told anew.
    desk.frame(presence(in_room(id(5), "Eve")));
    assert_eq!(marks(&desk), [(id(5), None)]);
}

#[test]
fn f38_who_is_marked_goes_by_what_is_known_of_them() {
    let pascal = |number| in_room(id(number), "Pascal");
    let moderator = Member {
        role: Role::Moderator,
        ..pascal(21)
    };
    let host = Member {
        host: true,
        ..pascal(22)
    };
    let owner = Member {
        role: Role::Owner,
        ..pascal(23)
    };
    let verified = Resume {
        verified: vec![id(24)],
        ..Resume::default()
    };
    // Each one has a better right than all before it.
    let cases = [
        vec![pascal(25), pascal(20)],
        vec![pascal(25), moderator.clone()],
        vec![moderator.clone(), host.clone()],
        vec![moderator, owner],
        vec![host, pascal(24)],
    ];
    for (case, members) in cases.into_iter().enumerate() {
        let (first, second) = (members[0].member, members[1].member);
        let desk = among_resumed(verified.clone(), members);
        let mark = |member| {
            let marks = marks(&desk);
            marks
                .iter()
                .find(|(id, _)| *id == member)
                .and_then(|(_, mark)| *mark)
        };
        // Without any difference whoever came first.
        let (bearer, marked) = if case == 0 {
            (first, second)
        } else {
            (second, first)
        };
        assert_eq!((mark(bearer), mark(marked)), (None, Some(bearer)), "{case}");
    }
    // Nobody is taken for oneself.
    let desk = among(vec![in_room(id(20), "ada"), in_room(me(), "Ada")]);
    assert_eq!(marks(&desk), [(id(20), Some(me())), (me(), None)]);
}

#[test]
fn f38_who_was_here_before_a_break_goes_before_newcomers() {
    let mut desk = among(vec![in_room(id(20), "Pascal")]);
    desk.closed(None);
    desk.timeout();
    desk.enter_as(Welcome {
        members: vec![in_room(id(3), "pascal"), in_room(id(20), "Pascal")],
        ..welcome()
    });
    assert_eq!(marks(&desk), [(id(3), Some(id(20))), (id(20), None)]);
}

#[test]
fn a_comparison_in_another_room_counts_here_too() {
    let mut desk = among(vec![in_room(id(20), "Pascal"), in_room(id(3), "pascal")]);
    desk.session.verified(id(3));
    desk.take();
    assert_eq!(desk.keeps(), [], "it is written down there");
    let shown: Vec<_> = shown(&desk)
        .into_iter()
        .map(|view| (view.member, view.verified, view.looks_like))
        .collect();
    assert_eq!(shown, [(id(3), true, None), (id(20), false, Some(id(3)))]);
    desk.session.verified(id(3));
    desk.take();
    assert_eq!(desk.outputs, []);
    // Known by the next that is heard of them.
    desk.session.verified(id(30));
    desk.take();
    desk.frame(presence(in_room(id(30), "Zoe")));
    assert!(self::shown(&desk)[0].verified);
}

const OURS: [u8; 32] = [41; 32];
const THEIRS: Share = Share([42; 32]);

fn sides() -> Sides {
    Sides {
        room: room_key().public(),
        a: me(),
        b: bob().member(),
    }
}

fn wish(desk: &mut Desk, wish: CompareWish) -> Result<(), NotConnected> {
    let now = desk.now();
    let done = desk.session.compare(wish, OURS, now);
    desk.take();
    done
}

fn step(desk: &mut Desk, step: CompareStep) {
    let member = bob().member();
    desk.frame(ServerFrame::Compare { member, step });
}

fn stage(desk: &Desk) -> Option<CompareStage> {
    let changes = desk.changes();
    let mut shown = changes.iter().filter_map(|change| match change {
        RoomChange::Compare { compare } => Some(compare.clone().map(|compare| {
            assert_eq!(compare.name, name("Bob"));
            compare.stage
        })),
        _ => None,
    });
    shown.next_back().expect("the window is told")
}

/// Codes are on both screens.
fn with_codes(bob: Member) -> Desk {
    let mut desk = among(vec![in_room(me(), "Ada"), bob]);
    let member = super::bob().member();
    wish(&mut desk, CompareWish::Ask { member }).unwrap();
    let commitment = sides().commitment(&Share(OURS));
    let ask = ClientFrame::Compare {
        member,
        step: CompareStep::Ask { commitment },
    };
    assert_eq!(desk.sent(), [ask]);
    step(&mut desk, CompareStep::Accept { share: THEIRS });
    let reveal = ClientFrame::Compare {
        member,
        step: CompareStep::Reveal { share: Share(OURS) },
    };
    assert_eq!(desk.sent(), [reveal]);
    let code = sides().code(&Share(OURS), &THEIRS);
    let codes = CompareStage::Codes {
        emoji: code.emoji(),
        digits: code.digits(),
    };
    assert_eq!(stage(&desk), Some(codes));
    desk
}

fn verified_room(desk: &Desk) -> Option<Verified> {
    let mut kept = desk.keeps().into_iter().filter_map(|keep| match keep {
        Keep::Trust { trust } => Some(trust.verified),
        _ => None,
    });
    kept.next()
}

#[test]
fn a_match_is_kept_and_shown_beside_the_name() {
    let member = bob().member();
    let mut desk = with_codes(in_room(member, "Bob"));
    wish(&mut desk, CompareWish::Match).unwrap();
    assert_eq!(desk.keeps(), [Keep::Verified { member }]);
    assert!(shown(&desk)[0].verified);
    assert_eq!(stage(&desk), Some(CompareStage::Matched));
    assert_eq!(desk.sent(), [], "the other person says it by themselves");
    wish(&mut desk, CompareWish::Stop).unwrap();
    assert_eq!((stage(&desk), desk.sent()), (None, Vec::new()));
}

#[test]
fn a_match_with_who_keeps_the_room_verifies_the_room() {
    let bob = in_room(bob().member(), "Bob");
    let host = Member {
        host: true,
        ..bob.clone()
    };
    let owner = Member {
        role: Role::Owner,
        ..bob
    };
    for keeper in [host, owner] {
        let mut desk = with_codes(keeper);
        wish(&mut desk, CompareWish::Match).unwrap();
        assert_eq!(verified_room(&desk), Some(Verified::Compared));
    }
    // In another room it was another room's key that was compared.
    let owner = Member {
        role: Role::Owner,
        ..in_room(super::bob().member(), "Bob")
    };
    let mut desk = among(vec![owner]);
    desk.session.verified(super::bob().member());
    desk.take();
    assert_eq!(desk.keeps(), []);
}

#[test]
fn codes_that_differ_verify_nothing() {
    let member = bob().member();
    let mut desk = with_codes(in_room(member, "Bob"));
    wish(&mut desk, CompareWish::Differ).unwrap();
    assert_eq!(desk.keeps(), []);
    assert_eq!(stage(&desk), Some(CompareStage::Broken));
    let step = CompareStep::Stop;
    assert_eq!(desk.sent(), [ClientFrame::Compare { member, step }]);
    wish(&mut desk, CompareWish::Match).unwrap();
    assert_eq!(desk.outputs, [], "it is over");
}

#[test]
fn what_is_on_both_screens_outlives_the_connection_and_what_is_not_does_not() {
    let member = bob().member();
    let mut desk = with_codes(in_room(member, "Bob"));
    desk.closed(None);
    wish(&mut desk, CompareWish::Match).unwrap();
    assert_eq!(desk.keeps(), [Keep::Verified { member }]);

    let mut desk = among(vec![in_room(member, "Bob")]);
    wish(&mut desk, CompareWish::Ask { member }).unwrap();
    desk.closed(None);
    assert_eq!(stage(&desk), Some(CompareStage::Stopped));
    assert_eq!(
        wish(&mut desk, CompareWish::Ask { member }),
        Err(NotConnected)
    );
    assert_eq!(wish(&mut desk, CompareWish::Accept), Err(NotConnected));
}

#[test]
fn codes_are_compared_with_who_is_here() {
    let member = bob().member();
    let mut desk = among(vec![in_room(me(), "Ada")]);
    assert_eq!(
        wish(&mut desk, CompareWish::Ask { member }),
        Err(NotConnected)
    );
    let commitment = THEIRS;
    step(&mut desk, CompareStep::Ask { commitment });
    assert_eq!(desk.outputs, [], "the relay made it up");
    // Who goes in the middle of it ends it, under the name that was shown.
    desk.frame(presence(in_room(member, "Bob")));
    step(&mut desk, CompareStep::Ask { commitment });
    assert_eq!(stage(&desk), Some(CompareStage::Asked));
    assert_eq!(desk.sent(), [], "nothing before somebody says yes");
    desk.frame(gone(in_room(member, "Bob")));
    assert_eq!(stage(&desk), Some(CompareStage::Stopped));
}
