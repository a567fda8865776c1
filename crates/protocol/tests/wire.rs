//! The wire, word for word: a snapshot of every frame, what is read leniently, and that PROTOCOL.md tells the truth.
#![allow(clippy::unwrap_used)]

use chatspot_protocol::event::{
    Body, Days, Event, Leaving, Moderation, Retention, RoomSettings, Submission, Target,
};
use chatspot_protocol::identity::{Identity, RoomKey, hello_is_genuine};
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, Nonce, RoomId, Seq};
use chatspot_protocol::text::{DisplayName, MessageText, Reaction, RoomName};
use chatspot_protocol::wire::{
    BadFrame, ClientFrame, Closing, Greeting, Hello, Member, Presence, Problem, Reject,
    RoomSummary, ServerFrame, Versions, Welcome,
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

fn bob() -> MemberId {
    Identity::from_secret(&[2; 32]).member()
}

fn room() -> RoomId {
    RoomKey::from_secret(&[3; 32]).id()
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

fn event(seq: u64, body: Body) -> Event {
    Event {
        seq: Seq(seq),
        at: 1_790_000_000_000,
        author: ada(),
        name: name("Ada"),
        body,
    }
}

/// What only the host may do, done by the host.
fn hosts_event(seq: u64, body: Body) -> Event {
    Event {
        author: bob(),
        name: name("Bob"),
        ..event(seq, body)
    }
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
        settings: RoomSettings { retention },
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
    ClientFrame::Submit(Submission::try_from(body).unwrap())
}

fn welcome(retention: Retention) -> ServerFrame {
    let member = |member, called: &str, host, presence| Member {
        member,
        name: name(called),
        host,
        presence,
    };
    ServerFrame::Welcome(Box::new(Welcome {
        name: RoomName::parse("Workshop").unwrap(),
        epoch: epoch(),
        settings: RoomSettings { retention },
        first: Seq(1),
        head: Seq(40),
        members: vec![
            member(ada(), "Ada", false, Presence::Online),
            member(bob(), "Bob", true, Presence::Away),
        ],
    }))
}

fn rejected(code: Reject, message: &str) -> ServerFrame {
    ServerFrame::Rejected {
        id: message_id(),
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
        Body::Joined => "joined",
        Body::Left { .. } => "left",
        Body::Renamed { .. } => "renamed",
        Body::Settings { .. } => "settings",
        Body::Moderated { .. } => "moderated",
        Body::Unknown => "unknown",
    }
}

/// Every kind that an event may be of, and whether a member may submit it.
const KINDS: [(&str, bool); 9] = [
    ("message", true),
    ("edited", true),
    ("deleted", true),
    ("reacted", true),
    ("joined", false),
    ("left", false),
    ("renamed", false),
    ("settings", true),
    ("moderated", true),
];

/// One of each, named by its type.
fn client_frames() -> Vec<(&'static str, ClientFrame)> {
    let frames = vec![
        ClientFrame::Hello(Box::new(Hello {
            protocol: 1,
            room: room(),
            member: ada(),
            name: name("Ada"),
            signature: identity().sign_hello(&nonce(), &room()),
            software: "my-bot/0.1".to_owned(),
        })),
        submit(said()),
        submit(edited()),
        submit(deleted()),
        submit(reacted()),
        submit(ruled(10, a_month())),
        submit(ruled(10, Retention::Forever)),
        submit(ruled(10, Retention::Nothing)),
        submit(moderated(11, Moderation::Mute)),
        submit(moderated(11, Moderation::Unmute)),
        submit(moderated(11, Moderation::Kick)),
        submit(moderated(11, Moderation::Ban)),
        submit(moderated(11, Moderation::Unban)),
        ClientFrame::Fetch {
            from: Seq(1),
            to: Seq(40),
        },
        ClientFrame::Typing { active: true },
        ClientFrame::Rename {
            name: name("Ada Lovelace"),
        },
        ClientFrame::Leave,
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
        };
        (name, frame)
    });
    named.collect()
}

/// At least one of each, named by its type.
fn server_frames() -> Vec<(&'static str, ServerFrame)> {
    let frames = vec![
        ServerFrame::Greeting(Greeting {
            protocol: Versions { min: 1, max: 1 },
            software: "ChatSpot relay/0.1.0".to_owned(),
            nonce: nonce(),
            rooms: vec![RoomSummary {
                room: room(),
                name: RoomName::parse("Workshop").unwrap(),
                online: 2,
                full: false,
            }],
        }),
        welcome(a_month()),
        welcome(Retention::Forever),
        welcome(Retention::Nothing),
        ServerFrame::Event(event(41, said())),
        ServerFrame::Event(event(42, Body::Joined)),
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
        ServerFrame::Events {
            from: Seq(40),
            to: Seq(41),
            events: vec![event(40, Body::Joined), event(41, said())],
        },
        ServerFrame::Presence {
            member: bob(),
            name: name("Bob"),
            host: true,
            presence: Presence::Online,
        },
        ServerFrame::Presence {
            member: bob(),
            name: name("Bob"),
            host: true,
            presence: Presence::Gone,
        },
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
        ServerFrame::Error {
            code: Problem::UnknownType,
            message: "unknown frame type \"dance\"".to_owned(),
        },
        ServerFrame::Closing {
            reason: Closing::HostClosed,
        },
    ];
    let named = frames.into_iter().map(|frame| {
        let name = match frame {
            ServerFrame::Greeting(_) => "greeting",
            ServerFrame::Welcome(_) => "welcome",
            ServerFrame::Event(_) => "event",
            ServerFrame::Events { .. } => "events",
            ServerFrame::Presence { .. } => "presence",
            ServerFrame::Typing { .. } => "typing",
            ServerFrame::Head { .. } => "head",
            ServerFrame::Rejected { .. } => "rejected",
            ServerFrame::Error { .. } => "error",
            ServerFrame::Closing { .. } => "closing",
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
        ClientFrame::Submit(submission) => Some(kind(submission.body())),
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
    ] {
        let text = format!(r#"{{"type":"submit",{rest}}}"#);
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
    let (id, member) = (message_id(), ada());
    let react = |reaction: &str| {
        ClientFrame::decode(&format!(
            r#"{{"type":"submit","kind":"reacted","id":"{id}","target":{{"author":"{member}","id":"{id}"}},"reaction":"{reaction}","active":true}}"#
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
    let id = message_id();
    let rule = |retention: &str| {
        ClientFrame::decode(&format!(
            r#"{{"type":"submit","kind":"settings","id":"{id}","settings":{{"retention":{retention}}}}}"#
        ))
    };
    let days = |days: &str| rule(&format!(r#"{{"keep":"days","days":{days}}}"#));
    for good in [1, 30, RETENTION_DAYS] {
        let wanted = Retention::Days {
            days: Days::new(good).unwrap(),
        };
        let settings = submit(Body::Settings {
            id,
            settings: RoomSettings { retention: wanted },
        });
        assert_eq!(days(&good.to_string()).unwrap(), settings);
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

/// **K1**: a relay that says nothing of rules keeps for ever.
#[test]
fn a_welcome_without_settings_is_one_of_a_room_that_keeps_for_ever() {
    let silent = welcome(Retention::Forever)
        .encode()
        .replace(r#""settings":{"retention":{"keep":"forever"}},"#, "");
    assert!(!silent.contains("settings"), "{silent}");
    assert_eq!(
        ServerFrame::decode(&silent).unwrap(),
        welcome(Retention::Forever)
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
        ServerFrame::Event(hosts_event(50, moderated(11, Moderation::Unknown)))
    );
}

/// **V5**: an event that cannot be read at all does not hide the others of its page.
#[test]
fn f31_an_unreadable_event_is_missing_from_its_page_and_nothing_else() {
    let good = serde_json::to_string(&event(41, said())).unwrap();
    let bad = serde_json::to_string(&event(42, ruled(10, a_month())))
        .unwrap()
        .replace("\"days\":30", "\"days\":0");
    let last = serde_json::to_string(&event(43, Body::Joined)).unwrap();
    let page = format!(r#"{{"type":"events","from":41,"to":43,"events":[{good},{bad},{last}]}}"#);
    assert_eq!(
        ServerFrame::decode(&page).unwrap(),
        ServerFrame::Events {
            from: Seq(41),
            to: Seq(43),
            events: vec![event(41, said()), event(43, Body::Joined)],
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

/// **H4**: the bytes under the signature, so that anybody can make one.
#[test]
fn the_signature_of_a_hello_is_over_context_nonce_and_room() {
    use ed25519_dalek::{Signer, SigningKey};
    let bytes = [b"chatspot hello v1\0".as_slice(), &nonce().0, &room().0].concat();
    assert_eq!(bytes.len(), 18 + 32 + 16);
    let by_hand = SigningKey::from_bytes(&[1; 32]).sign(&bytes).to_bytes();
    let signature = identity().sign_hello(&nonce(), &room());
    assert_eq!(signature.0, by_hand);
    assert!(hello_is_genuine(&ada(), &nonce(), &room(), &signature));
}

/// The examples of PROTOCOL.md: side and type from the fence, and the text.
fn examples(page: &str) -> Vec<(&str, &str, &str)> {
    let mut examples = Vec::new();
    for block in page.split("```json ").skip(1) {
        let (fence, rest) = block.split_once('\n').expect("a fence ends its line");
        let (text, _) = rest.split_once("```").expect("a block is closed");
        let (side, name) = fence
            .trim()
            .split_once(' ')
            .expect("a fence names side and type");
        examples.push((side, name, text));
    }
    examples
}

/// Each example is a frame of the type that it says, the very one of the snapshots; and no type is without.
#[test]
fn the_examples_of_protocol_md_are_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../PROTOCOL.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (clients, servers) = (client_frames(), server_frames());
    let mut shown = Vec::new();
    let (mut said, mut heard) = (Vec::new(), Vec::new());
    for (side, name, text) in examples(&page) {
        match side {
            "client" => {
                let frame = ClientFrame::decode(text).unwrap_or_else(|bad| panic!("{bad}: {text}"));
                let named = (frame_name(name, &clients), frame);
                assert!(clients.contains(&named), "{text}");
                said.push(named);
            }
            "server" => {
                let frame = ServerFrame::decode(text).unwrap_or_else(|bad| panic!("{bad}: {text}"));
                let named = (frame_name(name, &servers), frame);
                assert!(servers.contains(&named), "{text}");
                heard.push(named);
            }
            other => panic!("neither client nor server: {other}"),
        }
        shown.push((side, name));
    }
    let types = clients.iter().map(|(name, _)| ("client", *name));
    for wanted in types.chain(servers.iter().map(|(name, _)| ("server", *name))) {
        assert!(
            shown.contains(&wanted),
            "PROTOCOL.md has no example of {wanted:?}"
        );
    }
    let (submits, events) = kinds_of(&said, &heard);
    for (name, may_be_submitted) in KINDS {
        assert!(events.contains(&name), "no example of an event {name}");
        assert_eq!(
            submits.contains(&name),
            may_be_submitted,
            "an example of a submit {name}"
        );
    }
    assert!(
        !page.contains("```json\n"),
        "an example that nothing checks"
    );
}

fn frame_name<T>(name: &str, frames: &[(&'static str, T)]) -> &'static str {
    let known = frames.iter().find(|(known, _)| *known == name);
    known
        .unwrap_or_else(|| panic!("PROTOCOL.md names an unknown type {name}"))
        .0
}

/// The limits and close codes that PROTOCOL.md names are those of the code.
#[test]
fn the_numbers_of_protocol_md_are_true() {
    use chatspot_protocol::limits as l;
    use chatspot_protocol::wire::close;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../PROTOCOL.md");
    let page = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let has = |name: &str, value: String| {
        assert!(
            rows.iter()
                .any(|row| row.len() > 1 && row[0] == name && row[1] == value),
            "PROTOCOL.md has no row | {name} | {value} |"
        );
    };
    has("port", l::DEFAULT_PORT.to_string());
    has("message text", format!("{} bytes", l::MAX_TEXT_BYTES));
    has(
        "display or room name",
        format!(
            "{} graphemes, {} bytes",
            l::MAX_NAME_GRAPHEMES,
            l::MAX_NAME_BYTES
        ),
    );
    has("reaction", format!("{} bytes", l::MAX_REACTION_BYTES));
    has("`software`", format!("{} bytes", l::MAX_SOFTWARE_BYTES));
    has(
        "history is kept, if not for ever",
        format!("1 to {} days", l::RETENTION_DAYS),
    );
    has(
        "a page of older history every",
        format!("{} ms", l::FILL_EVERY.as_millis()),
    );
    has(
        "message to a relay",
        format!("{} bytes", l::MAX_FRAME_BYTES),
    );
    has(
        "the same, fragment headers included",
        format!("{} bytes", l::MAX_RAW_MESSAGE_BYTES),
    );
    has(
        "message to a client",
        format!("{} bytes", l::MAX_SERVER_FRAME_BYTES),
    );
    has("events in a page", l::PAGE_EVENTS.to_string());
    has("texts in a page", format!("about {} bytes", l::PAGE_BYTES));
    has("members present in a room", l::ROOM_MEMBERS.to_string());
    has(
        "connections from one address",
        l::ADDRESS_CONNECTIONS.to_string(),
    );
    has(
        "the same, without a `hello` yet",
        l::ADDRESS_UNAUTHENTICATED.to_string(),
    );
    has(
        "frames from one connection",
        format!(
            "{} at once, then {} a second",
            l::FRAMES_BURST,
            l::FRAMES_PER_SECOND
        ),
    );
    has(
        "waiting for a slow reader",
        format!("{} bytes", l::LINK_QUEUE_BYTES),
    );
    has(
        "request headers",
        format!("{} bytes, {} fields", l::MAX_HEADER_BYTES, l::MAX_HEADERS),
    );
    has(
        "connect to complete headers",
        format!("{} s", l::HEADER_TIMEOUT.as_secs()),
    );
    has(
        "upgrade to `hello`",
        format!("{} s", l::HELLO_TIMEOUT.as_secs()),
    );
    has(
        "ping after silence",
        format!("{} s", l::PING_AFTER.as_secs()),
    );
    has(
        "dead after silence",
        format!("{} s", l::DEAD_AFTER.as_secs()),
    );
    has("`head` every", format!("{} s", l::HEAD_EVERY.as_secs()));
    has("away before lost", format!("{} s", l::AWAY_GRACE.as_secs()));
    has(
        "the same after a restart of the relay",
        format!("{} s", l::RETURN_GRACE.as_secs()),
    );
    has(
        "typing is repeated every",
        format!("{} s", l::TYPING_EVERY.as_secs()),
    );
    has(
        "typing is forgotten after",
        format!("{} s", l::TYPING_FOR.as_secs()),
    );
    for (code, helps) in [
        (close::NORMAL, true),
        (close::PROTOCOL, true),
        (close::NOT_TEXT, true),
        (close::NOT_UTF8, true),
        (close::TOO_BIG, true),
        (close::TRY_LATER, true),
        (close::BAD_HELLO, false),
        (close::UNAUTHENTICATED, false),
        (close::NO_SUCH_ROOM, false),
        (close::REPLACED, false),
        (close::HOST_CLOSED, false),
        (close::VERSION, false),
        (close::INTERNAL, true),
        (close::RELAY_STOPPING, true),
        (close::HELLO_TIMEOUT, true),
        (close::SILENT, true),
        (close::ROOM_FULL, true),
    ] {
        assert_eq!(close::retry_helps(code), helps, "{code}");
        has(
            &code.to_string(),
            if helps { "retry" } else { "stop" }.to_owned(),
        );
    }
}

/// Every rule of PROTOCOL.md is borne by a test. V6 is a promise about versions to come.
#[test]
fn every_rule_of_protocol_md_has_a_test() {
    let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let page = std::fs::read_to_string(format!("{crates}/../PROTOCOL.md")).unwrap();
    let mut tests = String::new();
    for name in ["protocol", "relay", "client"] {
        for folder in ["src", "tests"] {
            read_all(format!("{crates}/{name}/{folder}").as_ref(), &mut tests);
        }
    }
    let rules: Vec<&str> = page
        .lines()
        .filter_map(|line| Some(line.strip_prefix("- **")?.split_once("**")?.0))
        .collect();
    assert!(rules.len() > 30, "{rules:?}");
    for rule in rules.iter().filter(|rule| **rule != "V6") {
        let borne = tests.lines().any(|line| {
            line.trim_start().starts_with("///") && line.contains(&format!("**{rule}**"))
        });
        assert!(borne, "no test bears {rule}");
    }
}

/// Every Rust file in a folder and those below it, one behind the other.
fn read_all(folder: &std::path::Path, texts: &mut String) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            read_all(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *texts += &std::fs::read_to_string(path).unwrap();
        }
    }
}
