//! Who may do what in a room, what its rules are, and who is told.

use super::*;
use crate::event::{Days, Event, Moderation, Retention, Submission, Target};
use crate::ids::Signature;
use crate::text::{MessageText, Reaction};

const AT: Now = Now {
    mono: Duration::ZERO,
    wall: 0,
};

/// Who hosts the room of [`hosted`].
const HOST: u8 = 9;

fn room(max_members: usize) -> Room {
    hosted_by(None, max_members)
}

fn hosted() -> Room {
    hosted_by(Some(MemberId([HOST; 32])), 9)
}

fn hosted_by(host: Option<MemberId>, max_members: usize) -> Room {
    let config = RoomConfig {
        room: RoomId([1; 16]),
        name: RoomName::parse("Lab").unwrap(),
        host,
        settings: RoomSettings::default(),
        max_members,
    };
    Room::new(config, Epoch([1; 16]), Seq(1), Seq(0), Vec::new(), AT)
}

fn join(room: &mut Room, conn: u64, member: u8) -> Vec<Output> {
    let hello = Hello {
        protocol: 1,
        room: RoomId([1; 16]),
        member: MemberId([member; 32]),
        name: DisplayName::parse("Ada").unwrap(),
        signature: Signature([0; 64]),
        software: String::new(),
    };
    room.join(Conn(conn), hello, AT);
    std::iter::from_fn(|| room.poll_output()).collect()
}

const ID: ClientId = ClientId([7; 16]);

/// One of each kind that can be submitted; the message that it is about is one of `author`.
fn submissions(author: u8) -> [(&'static str, Body); 6] {
    let target = Target {
        author: MemberId([author; 32]),
        id: ClientId([8; 16]),
    };
    let text = MessageText::parse("x").unwrap();
    let reaction = Reaction::parse("+1").unwrap();
    let said = Body::Message {
        id: ID,
        text: text.clone(),
    };
    let edited = Body::Edited {
        id: ID,
        target,
        text,
    };
    let deleted = Body::Deleted { id: ID, target };
    let reacted = Body::Reacted {
        id: ID,
        target,
        reaction,
        active: true,
    };
    let ruled = Body::Settings {
        id: ID,
        settings: week(),
    };
    let moderated = Body::Moderated {
        id: ID,
        member: target.author,
        action: Moderation::Ban,
    };
    [
        ("message", said),
        ("edited", edited),
        ("deleted", deleted),
        ("reacted", reacted),
        ("settings", ruled),
        ("moderated", moderated),
    ]
}

fn week() -> RoomSettings {
    let days = Days::new(7).unwrap();
    RoomSettings {
        retention: Retention::Days { days },
    }
}

fn submit(room: &mut Room, conn: u64, body: Body) -> Vec<Output> {
    let submission = Submission::try_from(body).unwrap();
    room.frame(Conn(conn), ClientFrame::Submit(submission), AT);
    outputs(room)
}

fn outputs(room: &mut Room) -> Vec<Output> {
    std::iter::from_fn(|| room.poll_output()).collect()
}

fn rejection(outputs: &[Output]) -> Option<(Conn, Reject)> {
    match outputs {
        [
            Output::Send {
                conn,
                frame: ServerFrame::Rejected { id: ID, code, .. },
            },
        ] => Some((*conn, *code)),
        _ => None,
    }
}

/// **S5**: who may what, and who is told otherwise.
#[test]
fn f35_only_the_author_edits_and_only_the_host_rules() {
    for (member, author, not_allowed) in [
        (1, 1, &["settings", "moderated"][..]),
        (1, 2, &["edited", "deleted", "settings", "moderated"]),
        (HOST, HOST, &[]),
        (HOST, 1, &["edited"]),
    ] {
        for (kind, body) in submissions(author) {
            let mut room = hosted();
            join(&mut room, 1, member);
            join(&mut room, 2, 3);
            let outputs = submit(&mut room, 1, body.clone());
            let case = format!("{kind} of {author}'s message by {member}");
            if not_allowed.contains(&kind) {
                let refused = Some((Conn(1), Reject::NotAllowed));
                assert_eq!(rejection(&outputs), refused, "{case}");
            } else {
                let append = Output::Append {
                    from: Some(Conn(1)),
                    draft: Draft {
                        at: 0,
                        author: MemberId([member; 32]),
                        name: DisplayName::parse("Ada").unwrap(),
                        body,
                    },
                };
                assert_eq!(outputs, [append], "{case}");
            }
        }
    }
}

/// **S5**
#[test]
fn a_room_without_a_host_has_nobody_who_rules() {
    for (kind, body) in submissions(1) {
        let mut room = room(9);
        join(&mut room, 1, HOST);
        let refused = rejection(&submit(&mut room, 1, body)).is_some();
        let harmless = ["message", "reacted"].contains(&kind);
        assert_eq!(refused, !harmless, "{kind}");
    }
}

/// What the log makes of the next draft.
fn commit(room: &mut Room, from: u64, appended: Appended) -> Vec<Output> {
    room.committed([(Some(Conn(from)), appended)]);
    outputs(room)
}

fn ruled(seq: u64, settings: RoomSettings) -> Event {
    Event {
        seq: Seq(seq),
        at: 0,
        author: MemberId([HOST; 32]),
        name: DisplayName::parse("Ada").unwrap(),
        body: Body::Settings { id: ID, settings },
    }
}

fn welcome(outputs: &[Output]) -> Option<&Welcome> {
    outputs.iter().find_map(|output| match output {
        Output::Send {
            frame: ServerFrame::Welcome(welcome),
            ..
        } => Some(&**welcome),
        _ => None,
    })
}

/// **K1**, **K2**: the rules are those of the log, told to whoever comes.
#[test]
fn rules_hold_from_their_event_on() {
    let mut room = hosted();
    join(&mut room, 1, HOST);
    submit(&mut room, 1, submissions(1)[4].1.clone());
    assert_eq!(room.settings(), RoomSettings::default(), "not yet written");
    for appended in [
        Appended::NotSaved(Some(ID)),
        Appended::Conflict(ID),
        Appended::Again(ruled(2, week())),
    ] {
        commit(&mut room, 1, appended);
        assert_eq!(room.settings(), RoomSettings::default());
    }
    let told = commit(&mut room, 1, Appended::New(ruled(2, week())));
    let frame = ServerFrame::Event(ruled(2, week()));
    assert_eq!(told, [Output::All { frame }]);
    assert_eq!(room.settings(), week());
    let outputs = join(&mut room, 2, 2);
    let welcome = welcome(&outputs).unwrap();
    assert_eq!((welcome.settings, welcome.head), (week(), Seq(2)));
}

#[test]
fn rules_may_be_set_without_a_member() {
    let mut room = room(9);
    let author = MemberId([5; 32]);
    room.rule(author, ID, week(), AT);
    let draft = Draft {
        at: 0,
        author,
        name: DisplayName::parse("Lab").unwrap(),
        body: Body::Settings {
            id: ID,
            settings: week(),
        },
    };
    assert_eq!(outputs(&mut room), [Output::Append { from: None, draft }]);
    // Nobody asked, so nobody is told that it failed.
    room.committed([
        (None, Appended::NotSaved(Some(ID))),
        (None, Appended::NotSaved(None)),
    ]);
    assert_eq!(outputs(&mut room), []);
}

/// **S3**, **S6**: whoever asked is told why, and nobody else.
#[test]
fn f57_a_refusal_goes_to_whoever_asked() {
    let mut room = hosted();
    join(&mut room, 1, 1);
    join(&mut room, 2, 2);
    for (appended, code) in [
        (Appended::Conflict(ID), Reject::IdConflict),
        (Appended::NoTarget(ID), Reject::NoSuchMessage),
        (Appended::NotSaved(Some(ID)), Reject::NotSaved),
    ] {
        let told = commit(&mut room, 1, appended.clone());
        assert_eq!(rejection(&told), Some((Conn(1), code)));
        assert_eq!(
            commit(&mut room, 3, appended),
            [],
            "its connection is gone by now"
        );
    }
}

/// **H6**: what was forgotten cannot be fetched.
#[test]
fn a_welcome_says_where_the_log_begins_by_now() {
    let mut room = hosted();
    room.forgotten(Seq(40));
    let outputs = join(&mut room, 1, 1);
    assert_eq!(welcome(&outputs).unwrap().first, Seq(40));
}

fn is_in(outputs: &[Output], conn: u64) -> bool {
    outputs.contains(&Output::Admit { conn: Conn(conn) })
}

#[test]
fn a_full_room_takes_nobody_more() {
    let mut room = room(2);
    join(&mut room, 1, 1);
    join(&mut room, 2, 2);
    assert!(room.summary().full);
    let outputs = join(&mut room, 3, 3);
    assert!(!is_in(&outputs, 3));
    assert!(outputs.contains(&Output::Close {
        conn: Conn(3),
        code: close::ROOM_FULL
    }));
    assert!(
        is_in(&join(&mut room, 4, 2), 4),
        "who has a seat may come back to it"
    );
}

#[test]
fn who_is_away_makes_room_for_who_is_here() {
    let mut room = room(2);
    join(&mut room, 1, 1);
    join(&mut room, 2, 2);
    room.broken(Conn(1), Broken::Cut, AT);
    let outputs = join(&mut room, 3, 3);
    assert!(is_in(&outputs, 3));
    let left = |output: &Output| matches!(output, Output::Append { draft, .. } if draft.author == MemberId([1; 32]) && draft.body == Body::Left { how: Leaving::Lost });
    assert!(outputs.iter().any(left), "and is told as gone");
}

fn present(log: Vec<(MemberId, DisplayName)>) -> Room {
    let config = room(10).config;
    Room::new(config, Epoch([1; 16]), Seq(1), Seq(9), log, AT)
}

/// **P5**: the relay was away, not they.
#[test]
fn who_was_here_before_a_restart_comes_back_unnoticed_or_is_lost() {
    let name = DisplayName::parse("Ada").unwrap();
    let mut room = present(vec![
        (MemberId([1; 32]), name.clone()),
        (MemberId([2; 32]), name),
    ]);
    assert_eq!(room.summary().online, 0);
    assert!(!room.summary().full);
    let outputs = join(&mut room, 1, 1);
    assert!(is_in(&outputs, 1));
    let appends = |outputs: &[Output]| {
        let append = |output: &&Output| matches!(output, Output::Append { .. });
        outputs.iter().filter(append).count()
    };
    assert_eq!(appends(&outputs), 0, "nobody came");
    let late = Now {
        mono: RETURN_GRACE,
        wall: 0,
    };
    room.timeout(late);
    let outputs: Vec<Output> = std::iter::from_fn(|| room.poll_output()).collect();
    assert_eq!(appends(&outputs), 1);
    let lost = |output: &Output| {
        matches!(output, Output::Append { draft, .. }
            if draft.author == MemberId([2; 32]) && draft.body == Body::Left { how: Leaving::Lost })
    };
    assert!(outputs.iter().any(lost));
}
