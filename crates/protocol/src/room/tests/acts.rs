//! What members may put into the log, what follows from it, and who is told otherwise.

use super::*;
use crate::event::{Days, Proof};

/// One of each kind that can be submitted; the message that it is about is one of `author`.
fn submissions(author: u8) -> [(&'static str, Body); 7] {
    let id = id(7);
    let target = Target {
        author: member(author),
        id: ClientId([8; 16]),
    };
    let text = MessageText::parse("x").unwrap();
    let reaction = Reaction::parse("+1").unwrap();
    let edited = Body::Edited { id, target, text };
    let deleted = Body::Deleted { id, target };
    let reacted = Body::Reacted {
        id,
        target,
        reaction,
        active: true,
    };
    let settings = week();
    let ruled = Body::Settings { id, settings };
    [
        ("message", said(7)),
        ("edited", edited),
        ("deleted", deleted),
        ("reacted", reacted),
        ("settings", ruled),
        ("moderated", moderated(7, author, Moderation::Ban)),
        ("role", role(7, author, Role::Moderator)),
    ]
}

fn week() -> RoomSettings {
    let days = Days::new(7).unwrap();
    RoomSettings {
        retention: Retention::Days { days },
        ..RoomSettings::default()
    }
}

/// **S5**: who may what, and who is told otherwise.
#[test]
fn f35_only_the_author_edits_and_only_the_staff_orders() {
    let all_but = |allowed: &[&'static str]| {
        let kinds = submissions(ADA).map(|(kind, _)| kind);
        let not = |kind: &&'static str| !allowed.contains(kind);
        kinds.into_iter().filter(not).collect::<Vec<_>>()
    };
    let own = ["message", "edited", "deleted", "reacted"];
    let others = ["message", "reacted"];
    for (author, of, not_allowed) in [
        (ADA, ADA, all_but(&own)),
        (ADA, BOB, all_but(&others)),
        (GUEST, GUEST, all_but(&own)),
        (GUEST, ADA, all_but(&others)),
        (OWNER, OWNER, vec!["moderated", "role"]),
        (OWNER, ADA, vec!["edited"]),
        (OWNER, MODERATOR, vec!["edited"]),
        (MODERATOR, ADA, vec!["edited", "settings", "role"]),
        (MODERATOR, GUEST, vec!["edited", "settings", "role"]),
        (
            MODERATOR,
            OWNER,
            vec!["edited", "settings", "moderated", "role"],
        ),
        // Of somebody whom the room does not know.
        (OWNER, EVE, vec!["edited", "moderated", "role"]),
    ] {
        for (kind, body) in submissions(of) {
            let mut hall = Hall::full(RoomSettings::default());
            let outputs = hall.ask(author, body.clone());
            let case = format!("{kind} of {of}'s by {author}");
            if not_allowed.contains(&kind) {
                let refused = Some((Reject::NotAllowed, None));
                assert_eq!(rejected(&outputs, author), refused, "{case}");
                assert_eq!(outputs.len(), 1, "{case}");
            } else {
                let draft = Draft {
                    at: hall.now.wall,
                    author: member(author),
                    name: name("Ada"),
                    body,
                    signature: Some(Signature([author; 64])),
                };
                let from = Some(conn(author));
                let append = Output::Append { from, draft };
                assert!(outputs.contains(&append), "{case}: {outputs:?}");
            }
        }
    }
}

/// **S5**: the order is the moderators', too.
#[test]
fn a_moderator_locks_and_slows_and_rules_nothing_else() {
    let lock = RoomSettings {
        locked: true,
        slow: 5,
        ..week()
    };
    for (settings, refused) in [
        (lock, false),
        (admission(Admission::Invite), true),
        (RoomSettings::default(), true),
    ] {
        let mut hall = Hall::full(week());
        let (id, number) = (id(7), MODERATOR);
        let outputs = hall.submit(number, Body::Settings { id, settings });
        assert_eq!(rejected(&outputs, number).is_some(), refused);
        assert_eq!(hall.room.settings() == settings, !refused);
    }
}

/// **S5**
#[test]
fn a_room_without_a_host_has_nobody_who_rules() {
    for (kind, body) in submissions(BOB) {
        let config = config(None, RoomSettings::default(), 9);
        let mut hall = Hall::over(config, Roster::default(), Door::default());
        hall.join(OWNER, arrival(OWNER));
        hall.join(BOB, arrival(BOB));
        let refused = rejected(&hall.ask(OWNER, body), OWNER).is_some();
        let harmless = ["message", "reacted"].contains(&kind);
        assert_eq!(refused, !harmless, "{kind}");
    }
}

#[test]
fn who_is_muted_reads_and_takes_back() {
    let mut hall = Hall::full(RoomSettings::default());
    hall.submit(ADA, said(1));
    let outputs = hall.submit(MODERATOR, moderated(2, ADA, Moderation::Mute));
    let told = (Presence::Online, Role::Member, true);
    assert_eq!(presences(&outputs, ADA), [told]);
    let target = Target {
        author: member(ADA),
        id: id(1),
    };
    let text = MessageText::parse("y").unwrap();
    let reaction = Reaction::parse("+1").unwrap();
    let reacted = Body::Reacted {
        id: id(4),
        target,
        reaction,
        active: true,
    };
    let edited = Body::Edited {
        id: id(5),
        target,
        text,
    };
    for body in [said(3), reacted, edited] {
        let outputs = hall.submit(ADA, body);
        assert_eq!(rejected(&outputs, ADA), Some((Reject::Muted, None)));
        assert!(appends(&outputs).is_empty());
    }
    let deleted = Body::Deleted { id: id(6), target };
    assert_eq!(appends(&hall.submit(ADA, deleted)).len(), 1);
    // Nobody speaks again by coming back.
    hall.frame(ADA, ClientFrame::Leave);
    let outputs = hall.join(ADA, arrival(ADA));
    assert!(presences(&outputs, ADA)[0].2);
    assert!(rejected(&hall.submit(ADA, said(3)), ADA).is_some());
    hall.submit(MODERATOR, moderated(8, ADA, Moderation::Unmute));
    assert_eq!(rejected(&hall.submit(ADA, said(3)), ADA), None);
}

/// Everybody learns why, then the connection ends, then they are gone.
#[test]
fn f34_who_is_sent_out_is_gone_once_the_log_says_so() {
    for (action, code) in [
        (Moderation::Kick, close::KICKED),
        (Moderation::Ban, close::BANNED),
    ] {
        let mut hall = Hall::full(RoomSettings::default());
        let outputs = hall.ask(OWNER, moderated(1, MODERATOR, action));
        assert_eq!(closed(&outputs, MODERATOR), None, "not yet written");
        let outputs = hall.settle();
        let steps: Vec<&Output> = outputs
            .iter()
            .filter(|output| !matches!(output, Output::Send { .. }))
            .collect();
        let [
            Output::All {
                frame: ServerFrame::Event(_),
            },
            Output::Close {
                conn: out,
                code: with,
            },
            Output::All {
                frame: ServerFrame::Presence(gone),
            },
            Output::Append { draft, .. },
            Output::All {
                frame: ServerFrame::Event(left),
            },
        ] = steps[..]
        else {
            panic!("{steps:?}")
        };
        assert_eq!((*out, *with), (conn(MODERATOR), code));
        assert_eq!(gone.presence, Presence::Gone);
        assert_eq!(draft.author, member(MODERATOR));
        assert!(matches!(left.body, Body::Left { .. }));
        assert_eq!(hall.submit(MODERATOR, said(2)), []);
        assert_eq!(hall.frame(MODERATOR, ClientFrame::Leave), []);
        assert_eq!(hall.role(MODERATOR), Role::Member, "no role outlives it");
        let outputs = hall.join(30, arrival(MODERATOR));
        assert_eq!(hall.is_in(30), action == Moderation::Kick);
        assert_eq!(
            problem(&outputs, 30).is_some(),
            action == Moderation::Ban,
            "{action:?}"
        );
    }
}

#[test]
fn who_was_kicked_is_let_in_like_anybody_new() {
    let mut hall = Hall::full(admission(Admission::Invite));
    hall.submit(OWNER, moderated(1, ADA, Moderation::Kick));
    let outputs = hall.join(ADA, arrival(ADA));
    assert_eq!(problem(&outputs, ADA), Some(Problem::InviteNeeded));
    hall.join(ADA, by_invite(ADA, 99));
    assert_eq!(hall.role(ADA), Role::Guest, "as what the invite says");
}

/// What the log makes of it is told to whoever asked, and to nobody else.
#[test]
fn f57_a_refusal_goes_to_whoever_asked() {
    let mut hall = Hall::full(RoomSettings::default());
    for (appended, code) in [
        (Appended::Conflict(id(7)), Reject::IdConflict),
        (Appended::NoTarget(id(7)), Reject::NoSuchMessage),
        (Appended::NotSaved(Some(id(7))), Reject::NotSaved),
    ] {
        hall.room.committed([(Some(conn(ADA)), appended.clone())]);
        let told = hall.drain();
        assert_eq!(rejected(&told, ADA), Some((code, None)));
        assert_eq!(told.len(), 1);
        hall.room.committed([(Some(conn(77)), appended)]);
        assert_eq!(hall.drain(), [], "its connection is gone by now");
    }
}

/// **K1**, **K2**: the rules are those of the log, told to whoever comes.
#[test]
fn rules_hold_from_their_event_on() {
    let mut hall = Hall::full(RoomSettings::default());
    let settings = week();
    let ruled = Body::Settings {
        id: id(7),
        settings,
    };
    hall.ask(OWNER, ruled.clone());
    assert_ne!(hall.room.settings(), week(), "not yet written");
    hall.lose();
    assert_ne!(hall.room.settings(), week());
    hall.submit(OWNER, ruled);
    assert_eq!(hall.room.settings(), week());
    let outputs = hall.join(EVE, arrival(EVE));
    let [ServerFrame::Welcome(welcome)] = sent(&outputs, EVE)[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(welcome.settings, week());
    assert_eq!(welcome.head.next(), hall.log.head(), "before they came");
}

#[test]
fn rules_may_be_set_without_a_member() {
    let mut hall = Hall::new(RoomSettings::default(), Vec::new());
    hall.room.rule(id(7), week(), hall.now);
    let outputs = hall.settle();
    let [draft] = appends(&outputs)[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(draft.author, key().author().member());
    let event = draft.clone().at_seq(Seq(1));
    assert_eq!(event.proof(&key().id()), Proof::Author);
    assert_eq!(hall.room.settings(), week());
    hall.room.rule(id(8), week(), hall.now);
    hall.drain();
    assert_eq!(hall.lose(), [], "nobody asked, so nobody is told");
}

#[test]
fn the_summary_says_how_somebody_comes_in() {
    let hall = Hall::full(RoomSettings {
        locked: true,
        ..admission(Admission::Knock)
    });
    let summary = hall.room.summary();
    assert_eq!(
        (summary.admission, summary.locked, summary.online),
        (Admission::Knock, true, 5)
    );
}

#[test]
fn a_submission_is_checked_under_the_name_of_its_author() {
    let ada = crate::identity::Identity::from_secret(&[1; 32]);
    let (room, submission) = (key().id(), Submission::try_from(said(1)).unwrap());
    let signed = submission.sign(&ada, &room, &name("Ada"));
    let author = ada.member();
    assert_eq!(check_submit(&signed, &room, &author, &name("Ada")), Ok(()));
    let bad = Err(Reject::BadSignature);
    for (room, author, called) in [
        (RoomId([9; 16]), author, "Ada"),
        (room, member(2), "Ada"),
        (room, author, "Eve"),
    ] {
        assert_eq!(check_submit(&signed, &room, &author, &name(called)), bad);
    }
}
