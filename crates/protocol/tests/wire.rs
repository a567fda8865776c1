//! The wire, word for word: a snapshot of every frame, what is read leniently, and that PROTOCOL.md tells the truth.
#![allow(clippy::unwrap_used)]

#[path = "wire/bytes.rs"]
mod bytes_of;
#[path = "wire/page.rs"]
mod page_says;
#[path = "wire/rules.rs"]
mod rules;

use chatspot_protocol::beacon::Beacon;
use chatspot_protocol::compare::CompareStep;
use chatspot_protocol::door::{Banned, DoorOrder, DoorView, Invite, Knock};
use chatspot_protocol::event::{
    Admission, Body, Days, Event, Leaving, Moderation, Proof, Retention, Role, RoomSettings,
    Submission, Target, Via, said_bytes,
};
use chatspot_protocol::identity::{
    Channel, Identity, RelayName, RoomKey, Warrant, hello_is_genuine,
};
use chatspot_protocol::ids::{
    ClientId, Epoch, Exporter, MemberId, Nonce, RoomId, Seq, Share, Signature, TlsKey, Token,
};
use chatspot_protocol::passcode::{self, Binding, Blob, Passcode};
use chatspot_protocol::text::{DisplayName, MessageText, Reaction, RoomName};
use chatspot_protocol::wire::{
    Back, BadFrame, ClientFrame, Closing, Greeting, Hello, Hosted, Introduced, Member, Presence,
    Problem, Reject, RoomSummary, ServerFrame, Versions, Welcome,
};

/// Bytes that look like nothing in particular, the same ones each time.
fn bytes<const N: usize>(seed: u8) -> [u8; N] {
    std::array::from_fn(|place| {
        seed.wrapping_add(u8::try_from(place).unwrap())
            .wrapping_mul(167)
            .wrapping_add(seed)
    })
}

fn identity() -> Identity {
    Identity::from_secret(&[1; 32])
}

fn ada() -> MemberId {
    identity().member()
}

fn owner() -> Identity {
    Identity::from_secret(&[2; 32])
}

fn bob() -> MemberId {
    owner().member()
}

fn room_key() -> RoomKey {
    RoomKey::from_secret(&[3; 32])
}

fn room() -> RoomId {
    room_key().id()
}

fn tls() -> Channel {
    Channel::Tls(Exporter(bytes(12)))
}

fn token() -> Token {
    Token(bytes(13))
}

fn nonce() -> Nonce {
    Nonce(bytes(4))
}

fn message_id() -> ClientId {
    ClientId(bytes(5))
}

fn epoch() -> Epoch {
    Epoch(bytes(6))
}

fn name(text: &str) -> DisplayName {
    DisplayName::parse(text).unwrap()
}

/// Signed by its author, where there is something to sign.
fn event_of(author: &Identity, called: &str, seq: u64, body: Body) -> Event {
    let name = name(called);
    let signed = Submission::of(body.clone()).ok();
    Event {
        seq: Seq(seq),
        at: 1_790_000_000_000,
        author: author.member(),
        signature: signed.map(|said| said.sign(author, &room(), &name).signature),
        name,
        body,
    }
}

fn event(seq: u64, body: Body) -> Event {
    event_of(&identity(), "Ada", seq, body)
}

/// What only the owner may do, done by the owner.
fn hosts_event(seq: u64, body: Body) -> Event {
    event_of(&owner(), "Bob", seq, body)
}

fn text(text: &str) -> MessageText {
    MessageText::parse(text).unwrap()
}

fn said() -> Body {
    Body::Message {
        id: message_id(),
        text: text("Good morning!\nIs the projector free?"),
    }
}

fn target() -> Target {
    Target {
        author: ada(),
        id: message_id(),
    }
}

fn edited() -> Body {
    Body::Edited {
        id: ClientId(bytes(7)),
        target: target(),
        text: text("Good morning! Is the projector free at ten?"),
    }
}

fn deleted() -> Body {
    Body::Deleted {
        id: ClientId(bytes(8)),
        target: target(),
    }
}

fn reacted() -> Body {
    Body::Reacted {
        id: ClientId(bytes(9)),
        target: target(),
        reaction: Reaction::parse("\u{1f44d}").unwrap(),
        active: true,
    }
}

fn ruled(seed: u8, retention: Retention) -> Body {
    Body::Settings {
        id: ClientId(bytes(seed)),
        settings: rules(retention),
    }
}

fn rules(retention: Retention) -> RoomSettings {
    RoomSettings {
        retention,
        admission: Admission::Passcode,
        locked: false,
        slow: 10,
        hidden: false,
    }
}

/// The same, hidden.
fn hidden(seed: u8) -> Body {
    Body::Settings {
        id: ClientId(bytes(seed)),
        settings: RoomSettings {
            hidden: true,
            ..rules(a_month())
        },
    }
}

/// A room that Ada knows of.
fn introduced() -> Vec<Introduced> {
    vec![Introduced {
        room: RoomId(bytes(18)),
        name: RoomName::parse("Lab").unwrap(),
        addresses: vec!["10.0.7.3:4470".to_owned(), "[fd00::7]:4470".to_owned()],
    }]
}

fn joined() -> Body {
    Body::Joined {
        via: Via::Passcode,
        role: Role::Member,
    }
}

fn raised(role: Role) -> Body {
    Body::Role {
        id: ClientId(bytes(14)),
        member: ada(),
        role,
    }
}

fn a_month() -> Retention {
    Retention::Days {
        days: Days::new(30).unwrap(),
    }
}

fn moderated(seed: u8, action: Moderation) -> Body {
    Body::Moderated {
        id: ClientId(bytes(seed)),
        member: ada(),
        action,
    }
}

fn submit(body: Body) -> ClientFrame {
    submit_by(&identity(), "Ada", body)
}

fn submit_by(author: &Identity, called: &str, body: Body) -> ClientFrame {
    let submission = Submission::try_from(body).unwrap();
    ClientFrame::Submit(Box::new(submission.sign(author, &room(), &name(called))))
}

fn order(body: Body) -> ClientFrame {
    submit_by(&owner(), "Bob", body)
}

/// What Ada and the relay say to each other about a passcode: all of it is made of the same numbers each time.
fn exchange() -> [Blob; 3] {
    let word = Passcode::parse("apple river stone cloud").unwrap();
    let binding = Binding {
        channel: tls(),
        nonce: nonce(),
        room: room_key().public(),
        member: ada(),
    };
    let setup = passcode::Setup::new(&word, [1; 32]);
    let (client, start) = passcode::start(&word, [2; 32]);
    let (server, reply) = setup.answer(&start, &binding, [3; 32]).unwrap();
    let finish = client.finish(&reply, &binding, [4; 32]).unwrap();
    server.finish(&finish).unwrap();
    [start, reply, finish]
}

fn warrants() -> Vec<Warrant> {
    let tls = RelayName::Tls {
        key: TlsKey(bytes(15)),
    };
    let domain = RelayName::Domain {
        domain: "chat.example".to_owned(),
    };
    vec![room_key().warrant(3, tls), room_key().warrant(3, domain)]
}

fn share() -> Share {
    Share(bytes(16))
}

/// The one who knocks, or was sent out.
fn eve() -> MemberId {
    Identity::from_secret(&[9; 32]).member()
}

fn door() -> DoorView {
    DoorView {
        passcode: Some(Passcode::parse("apple river stone cloud").unwrap()),
        invites: vec![Invite {
            id: token().id(),
            token: token(),
            role: Role::Member,
            made_by: Some(bob()),
            made_at: 1_790_000_000_000,
            expires_at: Some(1_790_000_600_000),
            uses_left: Some(29),
            used: 1,
            raised: Vec::new(),
        }],
        knocks: vec![Knock {
            member: eve(),
            name: name("Eve"),
        }],
        banned: vec![Banned {
            member: MemberId(bytes(17)),
            name: name("Mallory"),
        }],
        wrong: 2,
    }
}

fn welcome(retention: Retention) -> ServerFrame {
    let member = |member, called: &str, role, presence| Member {
        member,
        name: name(called),
        host: role == Role::Owner,
        role,
        muted: false,
        presence,
    };
    ServerFrame::Welcome(Box::new(Welcome {
        name: RoomName::parse("Workshop").unwrap(),
        epoch: epoch(),
        settings: rules(retention),
        first: Seq(1),
        head: Seq(40),
        members: vec![
            member(ada(), "Ada", Role::Member, Presence::Online),
            member(bob(), "Bob", Role::Owner, Presence::Away),
        ],
    }))
}

fn rejected(code: Reject, message: &str) -> ServerFrame {
    ServerFrame::Rejected {
        id: message_id(),
        code,
        message: message.to_owned(),
        wait: (code == Reject::SlowDown).then_some(2_500),
    }
}

fn refused(code: Problem, message: &str) -> ServerFrame {
    ServerFrame::Error {
        code,
        message: message.to_owned(),
    }
}

/// The name of a kind on the wire. A new variant has to be added here, and to the frames below.
fn kind(body: &Body) -> &'static str {
    match body {
        Body::Message { .. } => "message",
        Body::Edited { .. } => "edited",
        Body::Deleted { .. } => "deleted",
        Body::Reacted { .. } => "reacted",
        Body::Joined { .. } => "joined",
        Body::Left { .. } => "left",
        Body::Renamed { .. } => "renamed",
        Body::Settings { .. } => "settings",
        Body::Moderated { .. } => "moderated",
        Body::Role { .. } => "role",
        Body::Unknown => "unknown",
    }
}

/// Every kind that an event may be of, and whether a member may submit it.
const KINDS: [(&str, bool); 10] = [
    ("message", true),
    ("edited", true),
    ("deleted", true),
    ("reacted", true),
    ("joined", false),
    ("left", false),
    ("renamed", false),
    ("settings", true),
    ("moderated", true),
    ("role", true),
];

/// One of each, named by its type.
fn client_frames() -> Vec<(&'static str, ClientFrame)> {
    let [start, _, finish] = exchange();
    let compare = |step| ClientFrame::Compare {
        member: bob(),
        step,
    };
    let frames = vec![
        ClientFrame::Hello(Box::new(Hello {
            protocol: 1,
            room: room(),
            member: ada(),
            name: name("Ada"),
            signature: identity().sign_hello(&tls(), &nonce(), &room()),
            token: None,
            software: "my-bot/0.1".to_owned(),
        })),
        ClientFrame::Hello(Box::new(Hello {
            protocol: 1,
            room: room(),
            member: ada(),
            name: name("Ada"),
            signature: identity().sign_hello(&Channel::Nonce, &nonce(), &room()),
            token: Some(token()),
            software: String::new(),
        })),
        submit(said()),
        submit(edited()),
        submit(deleted()),
        submit(reacted()),
        order(ruled(10, a_month())),
        order(ruled(10, Retention::Forever)),
        order(ruled(10, Retention::Nothing)),
        order(moderated(11, Moderation::Mute)),
        order(moderated(11, Moderation::Unmute)),
        order(moderated(11, Moderation::Kick)),
        order(moderated(11, Moderation::Ban)),
        order(moderated(11, Moderation::Unban)),
        order(raised(Role::Owner)),
        order(raised(Role::Moderator)),
        order(raised(Role::Member)),
        order(raised(Role::Guest)),
        ClientFrame::Fetch {
            from: Seq(1),
            to: Seq(40),
        },
        ClientFrame::Typing { active: true },
        ClientFrame::Rename {
            name: name("Ada Lovelace"),
        },
        ClientFrame::Leave,
        ClientFrame::PasscodeStart { message: start },
        ClientFrame::PasscodeFinish { message: finish },
        ClientFrame::Door(DoorOrder::Passcode {
            passcode: Passcode::parse("apple river stone cloud").unwrap(),
        }),
        ClientFrame::Door(DoorOrder::Invite {
            token: token(),
            role: Role::Member,
            uses: Some(30),
            seconds: Some(600),
        }),
        ClientFrame::Door(DoorOrder::Revoke {
            invite: token().id(),
        }),
        ClientFrame::Door(DoorOrder::Answer {
            member: eve(),
            admit: true,
        }),
        compare(CompareStep::Ask {
            commitment: share(),
        }),
        compare(CompareStep::Accept { share: share() }),
        compare(CompareStep::Reveal { share: share() }),
        compare(CompareStep::Stop),
        order(hidden(10)),
        ClientFrame::Introduce {
            rooms: introduced(),
        },
        ClientFrame::DialBack {
            member: bob(),
            room: RoomId(bytes(18)),
            port: 4470,
        },
        ClientFrame::DialledBack {
            member: ada(),
            room: RoomId(bytes(18)),
            outcome: Back::Reached,
        },
        ClientFrame::DialledBack {
            member: ada(),
            room: RoomId(bytes(18)),
            outcome: Back::NotItself,
        },
    ];
    let named = frames.into_iter().map(|frame| {
        // A new variant has to be added to the list above.
        let name = match frame {
            ClientFrame::Hello(_) => "hello",
            ClientFrame::Submit(_) => "submit",
            ClientFrame::Fetch { .. } => "fetch",
            ClientFrame::Typing { .. } => "typing",
            ClientFrame::Rename { .. } => "rename",
            ClientFrame::Leave => "leave",
            ClientFrame::PasscodeStart { .. } => "passcode_start",
            ClientFrame::PasscodeFinish { .. } => "passcode_finish",
            ClientFrame::Door(_) => "door",
            ClientFrame::Compare { .. } => "compare",
            ClientFrame::Introduce { .. } => "introduce",
            ClientFrame::DialBack { .. } => "dial_back",
            ClientFrame::DialledBack { .. } => "dialled_back",
        };
        (name, frame)
    });
    named.collect()
}

/// At least one of each, named by its type.
fn server_frames() -> Vec<(&'static str, ServerFrame)> {
    let [_, reply, _] = exchange();
    let host = |presence| Member {
        member: bob(),
        name: name("Bob"),
        host: true,
        role: Role::Owner,
        muted: false,
        presence,
    };
    let frames = vec![
        ServerFrame::Greeting(Greeting {
            protocol: Versions { min: 1, max: 1 },
            software: "ChatSpot relay/0.1.0".to_owned(),
            nonce: nonce(),
            rooms: vec![Hosted {
                summary: RoomSummary {
                    host: Some(name("Bob")),
                    hidden: false,
                    room: room(),
                    name: RoomName::parse("Workshop").unwrap(),
                    online: 2,
                    full: false,
                    admission: Admission::Passcode,
                    locked: false,
                },
                key: room_key().public(),
                warrants: warrants(),
            }],
        }),
        welcome(a_month()),
        welcome(Retention::Forever),
        welcome(Retention::Nothing),
        ServerFrame::Event(event(41, said())),
        ServerFrame::Event(event(42, joined())),
        ServerFrame::Event(event(
            43,
            Body::Renamed {
                from: name("Augusta"),
            },
        )),
        ServerFrame::Event(event(44, Body::Left { how: Leaving::Left })),
        ServerFrame::Event(event(45, Body::Left { how: Leaving::Lost })),
        ServerFrame::Event(event(46, edited())),
        ServerFrame::Event(event(47, reacted())),
        ServerFrame::Event(event(48, deleted())),
        ServerFrame::Event(hosts_event(49, ruled(10, a_month()))),
        ServerFrame::Event(hosts_event(50, moderated(11, Moderation::Mute))),
        ServerFrame::Event(hosts_event(51, raised(Role::Moderator))),
        ServerFrame::Event(event(
            52,
            Body::Joined {
                via: Via::Invite {
                    invite: token().id(),
                },
                role: Role::Guest,
            },
        )),
        ServerFrame::Event(event(
            53,
            Body::Joined {
                via: Via::Knock { admitted_by: bob() },
                role: Role::Member,
            },
        )),
        ServerFrame::Events {
            from: Seq(40),
            to: Seq(41),
            events: vec![event(40, joined()), event(41, said())],
        },
        ServerFrame::Presence(host(Presence::Online)),
        ServerFrame::Presence(host(Presence::Gone)),
        ServerFrame::Presence(Member {
            member: ada(),
            name: name("Ada"),
            host: false,
            role: Role::Moderator,
            muted: true,
            presence: Presence::Online,
        }),
        ServerFrame::Typing {
            member: bob(),
            active: true,
        },
        ServerFrame::Head {
            epoch: epoch(),
            seq: Seq(41),
        },
        rejected(Reject::IdConflict, "this id was used before"),
        rejected(Reject::NotAllowed, "this is not yours to change"),
        rejected(
            Reject::NoSuchMessage,
            "the message that it is about is not here",
        ),
        rejected(Reject::NotSaved, "the relay could not store it"),
        rejected(Reject::BadSignature, "the signature does not fit"),
        rejected(Reject::Muted, "you may only read at the moment"),
        rejected(Reject::SlowDown, "this is too fast"),
        refused(Problem::UnknownType, "unknown frame type \"dance\""),
        refused(Problem::WrongPasscode, "the passcode is another one"),
        ServerFrame::Challenge,
        ServerFrame::PasscodeReply { message: reply },
        ServerFrame::Knocking,
        ServerFrame::Door(door()),
        ServerFrame::Door(DoorView::default()),
        ServerFrame::Compare {
            member: ada(),
            step: CompareStep::Ask {
                commitment: share(),
            },
        },
        ServerFrame::Closing {
            reason: Closing::HostClosed,
        },
        ServerFrame::Event(hosts_event(54, hidden(10))),
        ServerFrame::Introduced {
            member: ada(),
            rooms: introduced(),
        },
        ServerFrame::DialBack {
            member: ada(),
            room: RoomId(bytes(18)),
            address: "192.168.1.5:4470".to_owned(),
        },
        ServerFrame::DialledBack {
            member: bob(),
            room: RoomId(bytes(18)),
            address: Some("192.168.1.5:4470".to_owned()),
            outcome: Back::Reached,
        },
        ServerFrame::DialledBack {
            member: bob(),
            room: RoomId(bytes(18)),
            address: None,
            outcome: Back::Declined,
        },
    ];
    let named = frames.into_iter().map(|frame| {
        let name = match frame {
            ServerFrame::Greeting(_) => "greeting",
            ServerFrame::Welcome(_) => "welcome",
            ServerFrame::Event(_) => "event",
            ServerFrame::Events { .. } => "events",
            ServerFrame::Presence(_) => "presence",
            ServerFrame::Typing { .. } => "typing",
            ServerFrame::Head { .. } => "head",
            ServerFrame::Rejected { .. } => "rejected",
            ServerFrame::Error { .. } => "error",
            ServerFrame::Closing { .. } => "closing",
            ServerFrame::Challenge => "challenge",
            ServerFrame::PasscodeReply { .. } => "passcode_reply",
            ServerFrame::Knocking => "knocking",
            ServerFrame::Door(_) => "door",
            ServerFrame::Compare { .. } => "compare",
            ServerFrame::Introduced { .. } => "introduced",
            ServerFrame::DialBack { .. } => "dial_back",
            ServerFrame::DialledBack { .. } => "dialled_back",
        };
        (name, frame)
    });
    named.collect()
}

fn page(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_client_frame_reads_as_it_did() {
    let frames = client_frames();
    insta::assert_snapshot!(page(frames.iter().map(|(_, frame)| frame.encode())));
    for (name, frame) in frames {
        let text = frame.encode();
        assert!(
            text.starts_with(&format!("{{\"type\":\"{name}\"")),
            "{text}"
        );
        assert_eq!(ClientFrame::decode(&text).unwrap(), frame);
    }
}

#[test]
fn every_server_frame_reads_as_it_did() {
    let frames = server_frames();
    insta::assert_snapshot!(page(frames.iter().map(|(_, frame)| frame.encode())));
    for (name, frame) in frames {
        let text = frame.encode();
        assert!(
            text.starts_with(&format!("{{\"type\":\"{name}\"")),
            "{text}"
        );
        assert_eq!(ServerFrame::decode(&text).unwrap(), frame);
    }
}

/// **S5**: each kind is in the snapshots, as an event and, where a member may say it, as a submit.
#[test]
fn every_kind_is_in_the_snapshots() {
    let (submits, events) = kinds_of(&client_frames(), &server_frames());
    for (name, may_be_submitted) in KINDS {
        assert!(events.contains(&name), "no event of the kind {name}");
        assert_eq!(submits.contains(&name), may_be_submitted, "{name}");
    }
}

/// The kinds of the submits and of the events in these frames.
fn kinds_of(
    clients: &[(&str, ClientFrame)],
    servers: &[(&str, ServerFrame)],
) -> (Vec<&'static str>, Vec<&'static str>) {
    let submits = clients.iter().filter_map(|(_, frame)| match frame {
        ClientFrame::Submit(signed) => Some(kind(signed.submission.body())),
        _ => None,
    });
    let events = servers.iter().filter_map(|(_, frame)| match frame {
        ServerFrame::Event(event) => Some(kind(&event.body)),
        _ => None,
    });
    (submits.collect(), events.collect())
}

/// **S1**, **S5**: what a member may not say is malformed, not something else.
#[test]
fn what_no_member_may_submit_is_malformed() {
    let (id, member) = (message_id(), ada());
    let target = format!(r#""target":{{"author":"{member}","id":"{id}"}}"#);
    for rest in [
        r#""kind":"joined""#.to_owned(),
        format!(r#""kind":"joined","id":"{id}""#),
        format!(r#""kind":"left","how":"left","id":"{id}""#),
        format!(r#""kind":"renamed","from":"Ada","id":"{id}""#),
        format!(r#""kind":"poll","id":"{id}","text":"x""#),
        format!(r#""kind":"unknown","id":"{id}""#),
        format!(r#""kind":7,"id":"{id}","text":"x""#),
        // Before there were kinds.
        format!(r#""id":"{id}","text":"x""#),
        r#""kind":"message","text":"x""#.to_owned(),
        format!(r#""kind":"message","id":"{id}""#),
        r#""kind":"message","id":"short","text":"x""#.to_owned(),
        format!(r#""kind":"message","id":"{id}","text":" \n\u200b""#),
        format!(r#""kind":"edited","id":"{id}","text":"x""#),
        format!(r#""kind":"edited","id":"{id}",{target}"#),
        format!(r#""kind":"deleted","id":"{id}","target":"{id}""#),
        format!(r#""kind":"reacted","id":"{id}",{target},"active":true"#),
        format!(r#""kind":"reacted","id":"{id}",{target},"reaction":"+1""#),
        format!(r#""kind":"reacted","id":"{id}",{target},"reaction":"+1","active":1"#),
        format!(r#""kind":"moderated","id":"{id}","action":"mute""#),
        format!(r#""kind":"moderated","id":"{id}","member":"{member}""#),
        format!(r#""kind":"moderated","id":"{id}","member":"{member}","action":"tickle""#),
        format!(r#""kind":"moderated","id":"{id}","member":"{member}","action":"unknown""#),
        format!(r#""kind":"role","id":"{id}","member":"{member}""#),
        format!(r#""kind":"role","id":"{id}","member":"{member}","role":"king""#),
        format!(r#""kind":"role","id":"{id}","member":"{member}","role":"unknown""#),
        format!(r#""kind":"settings","id":"{id}","settings":{{}}"#),
        format!(
            r#""kind":"settings","id":"{id}","settings":{{"retention":{{"keep":"forever"}},"admission":"lottery"}}"#
        ),
        format!(
            r#""kind":"settings","id":"{id}","settings":{{"retention":{{"keep":"forever"}},"slow":3601}}"#
        ),
        format!(
            r#""kind":"settings","id":"{id}","settings":{{"retention":{{"keep":"forever"}},"locked":1}}"#
        ),
    ] {
        let signature = Signature([0; 64]);
        let text = format!(r#"{{"type":"submit",{rest},"signature":"{signature}"}}"#);
        assert!(
            matches!(ClientFrame::decode(&text), Err(BadFrame::Malformed(_))),
            "{text}"
        );
    }
}

/// **S5**: a reaction is short and is one line.
#[test]
fn f36_a_reaction_is_bounded() {
    use chatspot_protocol::limits::MAX_REACTION_BYTES;
    let (id, member, signature) = (message_id(), ada(), Signature([0; 64]));
    let react = |reaction: &str| {
        ClientFrame::decode(&format!(
            r#"{{"type":"submit","kind":"reacted","id":"{id}","target":{{"author":"{member}","id":"{id}"}},"reaction":"{reaction}","active":true,"signature":"{signature}"}}"#
        ))
    };
    // Few graphemes with many bytes each: the bytes are what ends it.
    let accented = "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}";
    let bytes = |times: usize| Reaction::parse(&accented.repeat(times)).map(|r| r.as_str().len());
    assert_eq!(bytes(4), Ok(56));
    for good in ["\u{1f44d}", "+1", &accented.repeat(4), &"x".repeat(40)] {
        assert!(react(good).is_ok(), "{good}");
    }
    assert!(accented.repeat(5).len() > MAX_REACTION_BYTES);
    for bad in [
        &*accented.repeat(5),
        &"x".repeat(41),
        "",
        " ",
        "\u{200d}",
        "a\\nb",
        "a\\u0000",
    ] {
        assert!(
            matches!(react(bad), Err(BadFrame::Malformed(_))),
            "{bad:?} is no reaction"
        );
    }
}

/// **K1**
#[test]
fn f32_days_are_a_whole_number_from_one_to_ten_years() {
    use chatspot_protocol::limits::RETENTION_DAYS;
    let (id, signature) = (message_id(), Signature([0; 64]));
    let rule = |retention: &str| {
        ClientFrame::decode(&format!(
            r#"{{"type":"submit","kind":"settings","id":"{id}","settings":{{"retention":{retention}}},"signature":"{signature}"}}"#
        ))
    };
    let days = |days: &str| rule(&format!(r#"{{"keep":"days","days":{days}}}"#));
    for good in [1, 30, RETENTION_DAYS] {
        let wanted = Retention::Days {
            days: Days::new(good).unwrap(),
        };
        let settings = RoomSettings {
            retention: wanted,
            ..RoomSettings::default()
        };
        let read = days(&good.to_string()).unwrap();
        let ClientFrame::Submit(signed) = read else {
            panic!("{read:?}");
        };
        assert_eq!(*signed.submission.body(), Body::Settings { id, settings });
    }
    for bad in [
        "0", "3651", "-1", "1.5", "1.0", "1e1", "65536", "1e400", "\"1\"", "null", "true", "[1]",
    ] {
        assert!(matches!(days(bad), Err(BadFrame::Malformed(_))), "{bad}");
    }
    for bad in [
        r#"{"keep":"days"}"#,
        r#"{"keep":"weeks","weeks":2}"#,
        r#"{"days":30}"#,
        r#""forever""#,
        "null",
        "{}",
    ] {
        assert!(matches!(rule(bad), Err(BadFrame::Malformed(_))), "{bad}");
    }
    for good in [r#"{"keep":"forever"}"#, r#"{"keep":"nothing"}"#] {
        assert!(rule(good).is_ok(), "{good}");
    }
}

/// **K1**: a relay that says nothing of rules keeps for ever, and is open.
#[test]
fn a_welcome_without_settings_is_one_of_a_room_that_keeps_for_ever() {
    let full = welcome(Retention::Nothing).encode();
    let (start, rest) = full.split_once(r#""settings":"#).unwrap();
    let (_, end) = rest.split_once(r#""first":"#).unwrap();
    let silent = ServerFrame::decode(&format!(r#"{start}"first":{end}"#)).unwrap();
    let ServerFrame::Welcome(welcome) = silent else {
        panic!("{silent:?}");
    };
    assert_eq!(
        welcome.settings,
        RoomSettings {
            retention: Retention::Forever,
            admission: Admission::Open,
            locked: false,
            slow: 0,
            hidden: false,
        }
    );
}

/// **V5**: words of a later version are read as unknown where the list is open.
#[test]
fn f31_unknown_words_in_open_lists_are_read_as_unknown() {
    let id = message_id();
    let rejected = format!(r#"{{"type":"rejected","id":"{id}","code":"too_loud","message":""}}"#);
    assert!(matches!(
        ServerFrame::decode(&rejected).unwrap(),
        ServerFrame::Rejected {
            code: Reject::Unknown,
            ..
        }
    ));
    assert!(!Reject::Unknown.retry_helps());
    assert_eq!(
        ServerFrame::decode(r#"{"type":"error","code":"too_early","message":"x"}"#).unwrap(),
        ServerFrame::Error {
            code: Problem::Unknown,
            message: "x".to_owned()
        }
    );
    assert_eq!(
        ServerFrame::decode(r#"{"type":"closing","reason":"lunch"}"#).unwrap(),
        ServerFrame::Closing {
            reason: Closing::Unknown
        }
    );
    let later = ServerFrame::Event(hosts_event(50, moderated(11, Moderation::Kick)))
        .encode()
        .replace("kick", "promote");
    assert_eq!(
        ServerFrame::decode(&later).unwrap(),
        ServerFrame::Event(Event {
            signature: signature_of(&later),
            ..hosts_event(50, moderated(11, Moderation::Unknown))
        })
    );
    let later = welcome(Retention::Forever)
        .encode()
        .replace(r#""admission":"passcode""#, r#""admission":"lottery""#)
        .replace(r#""role":"member""#, r#""role":"jester""#);
    let read = ServerFrame::decode(&later).unwrap();
    let ServerFrame::Welcome(read) = read else {
        panic!("{read:?}");
    };
    assert_eq!(read.settings.admission, Admission::Unknown);
    assert_eq!(read.members[0].role, Role::Unknown);
    assert!(!read.members[0].role.is_staff());
    let later = server_frames()[0]
        .1
        .encode()
        .replace(r#""by":"tls""#, r#""by":"onion""#);
    let ServerFrame::Greeting(read) = ServerFrame::decode(&later).unwrap() else {
        panic!("{later}");
    };
    assert_eq!(read.rooms[0].warrants[0].relay, RelayName::Unknown);
    let later = ServerFrame::Event(event(42, joined()))
        .encode()
        .replace(r#""by":"passcode""#, r#""by":"lottery""#);
    let ServerFrame::Event(read) = ServerFrame::decode(&later).unwrap() else {
        panic!("{later}");
    };
    let via = Via::Unknown;
    assert_eq!(
        read.body,
        Body::Joined {
            via,
            role: Role::Member
        }
    );
    let (member, step) = (ada(), CompareStep::Unknown);
    let later = format!(r#"{{"type":"compare","member":"{member}","step":{{"step":"dance"}}}}"#);
    assert_eq!(
        ServerFrame::decode(&later).unwrap(),
        ServerFrame::Compare { member, step }
    );
    assert_eq!(
        ClientFrame::decode(r#"{"type":"door","order":"paint"}"#).unwrap(),
        ClientFrame::Door(DoorOrder::Unknown)
    );
    let room = RoomId(bytes(18));
    let later = format!(
        r#"{{"type":"dialled_back","member":"{member}","room":"{room}","address":null,"outcome":"asleep"}}"#
    );
    assert_eq!(
        ServerFrame::decode(&later).unwrap(),
        ServerFrame::DialledBack {
            member,
            room,
            address: None,
            outcome: Back::Unknown
        }
    );
}

/// The signature that stands in a frame.
fn signature_of(frame: &str) -> Option<Signature> {
    let (_, rest) = frame.split_once(r#""signature":""#)?;
    rest.split_once('"')?.0.parse().ok()
}

/// **V5**: an event that cannot be read at all does not hide the others of its page.
#[test]
fn f31_an_unreadable_event_is_missing_from_its_page_and_nothing_else() {
    let good = serde_json::to_string(&event(41, said())).unwrap();
    let bad = serde_json::to_string(&event(42, ruled(10, a_month())))
        .unwrap()
        .replace("\"days\":30", "\"days\":0");
    let last = serde_json::to_string(&event(43, joined())).unwrap();
    let page = format!(r#"{{"type":"events","from":41,"to":43,"events":[{good},{bad},{last}]}}"#);
    assert_eq!(
        ServerFrame::decode(&page).unwrap(),
        ServerFrame::Events {
            from: Seq(41),
            to: Seq(43),
            events: vec![event(41, said()), event(43, joined())],
        }
    );
}

/// **V5**: an event of a later version keeps its place in the order.
#[test]
fn f31_an_event_of_an_unknown_kind_keeps_its_place() {
    let (author, poll) = (
        ada(),
        r#""kind":"poll","question":"?","answers":["a",{"b":1}]"#,
    );
    let event = format!(r#"{{"seq":7,"at":1,"author":"{author}","name":"Ada",{poll}}}"#);
    for text in [
        format!(r#"{{"type":"event",{}"#, &event[1..]),
        format!(r#"{{"type":"events","from":7,"to":7,"events":[{event}]}}"#),
    ] {
        let seen = match ServerFrame::decode(&text).unwrap() {
            ServerFrame::Event(event) => event,
            ServerFrame::Events { mut events, .. } => events.remove(0),
            other => panic!("{other:?}"),
        };
        assert_eq!((seen.seq, seen.body), (Seq(7), Body::Unknown));
    }
}

/// **V4**
#[test]
fn f31_unknown_fields_are_ignored_in_every_frame() {
    let more = r#","later":{"a":[1,2,{"b":null}]}}"#;
    for (_, frame) in client_frames() {
        let text = frame.encode().strip_suffix('}').unwrap().to_owned() + more;
        assert_eq!(ClientFrame::decode(&text).unwrap(), frame, "{text}");
    }
    for (_, frame) in server_frames() {
        let text = frame.encode().strip_suffix('}').unwrap().to_owned() + more;
        assert_eq!(ServerFrame::decode(&text).unwrap(), frame, "{text}");
    }
}

/// **V3**
#[test]
fn f31_an_unknown_type_is_told_from_a_broken_frame() {
    let unknown = |text| match ClientFrame::decode(text) {
        Err(BadFrame::UnknownType(name)) => Some(name),
        Err(BadFrame::Malformed(_)) => None,
        Ok(frame) => panic!("{frame:?}"),
    };
    assert_eq!(unknown(r#"{"type":"dance"}"#).as_deref(), Some("dance"));
    assert_eq!(
        unknown(r#"{"type":"welcome"}"#).as_deref(),
        Some("welcome"),
        "a relay's frame is none of a client's"
    );
    assert_eq!(unknown(r#"{"type":"submit"}"#), None);
    assert_eq!(unknown(r#"{"typ":"submit"}"#), None);
    assert_eq!(unknown(r#"["type"]"#), None);
    assert_eq!(unknown(r#"["leave"]"#), None, "an array is no frame");
    assert_eq!(unknown(""), None);
    let long = format!(r#"{{"type":"{}"}}"#, "x".repeat(10_000));
    assert!(unknown(&long).unwrap().len() <= 40, "it is sent back whole");
}

/// **F3**
#[test]
fn f30_json_nested_ten_thousand_deep_is_malformed() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = open.repeat(10_000) + "1" + &close.repeat(10_000);
        for text in [
            deep.clone(),
            format!(r#"{{"type":"leave","more":{deep}}}"#),
            format!(r#"{{"more":{deep},"type":"leave"}}"#),
            open.repeat(10_000),
        ] {
            let malformed = matches!(ClientFrame::decode(&text), Err(BadFrame::Malformed(_)));
            assert!(malformed, "{text:.40}");
            assert!(ServerFrame::decode(&text).is_err());
        }
    }
}

/// **F3**
#[test]
fn f32_a_seq_is_a_whole_number_up_to_2_to_the_53() {
    let fetch = |number: &str| {
        ClientFrame::decode(&format!(r#"{{"type":"fetch","from":{number},"to":1}}"#))
    };
    for number in [
        "9223372036854775807",
        "18446744073709551616",
        "9007199254740992",
        "-1",
        "1.5",
        "1.0",
        "1e1",
        "1e400",
        "NaN",
        "\"1\"",
        "null",
        "true",
        "[1]",
    ] {
        assert!(
            matches!(fetch(number), Err(BadFrame::Malformed(_))),
            "{number}"
        );
    }
    assert!(fetch("9007199254740991").is_ok());
    assert!(
        ClientFrame::decode(r#"{"type":"hello","protocol":4294967296}"#).is_err(),
        "a version is 32 bits"
    );
}

/// The page that this file is about.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../PROTOCOL.md");
