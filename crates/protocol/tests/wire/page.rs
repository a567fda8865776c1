//! That PROTOCOL.md tells the truth: its examples, its numbers, and that each of its rules has a test.

use super::*;

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
    let page = std::fs::read_to_string(PAGE).unwrap();
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
            "datagram" => {
                let (beacon, by) = Beacon::decode(text.trim().as_bytes()).unwrap();
                assert_eq!(beacon.encode(by), text.trim().as_bytes(), "{text}");
                assert_eq!(name, datagram_name(&beacon));
            }
            other => panic!("neither client, server nor datagram: {other}"),
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
    for wanted in ["here", "gone", "seek", "ping", "pong"] {
        let wanted = ("datagram", wanted);
        assert!(shown.contains(&wanted), "no example of {wanted:?}");
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

/// A new one has to be added to the list above.
fn datagram_name(beacon: &Beacon) -> &'static str {
    match beacon {
        Beacon::Here { .. } => "here",
        Beacon::Gone { .. } => "gone",
        Beacon::Seek => "seek",
        Beacon::Ping { .. } => "ping",
        Beacon::Pong { .. } => "pong",
    }
}

/// **G3**, **G4**: the example of `here`, the text record and the greeting tell the same of one room.
#[test]
fn what_is_called_out_is_what_the_greeting_tells() {
    use chatspot_protocol::beacon::{SERVICE, read_text_record, text_record};
    use chatspot_protocol::limits::{BEACON_GROUP_V4, BEACON_GROUP_V6, BEACON_PORT};
    let page = std::fs::read_to_string(PAGE).unwrap();
    let ServerFrame::Greeting(greeting) = server_frames().remove(0).1 else {
        panic!("the greeting is the first frame");
    };
    let told = greeting.rooms[0].summary.clone();
    let here = examples(&page)
        .into_iter()
        .find(|(side, name, _)| (*side, *name) == ("datagram", "here"));
    let (beacon, _) = Beacon::decode(here.unwrap().2.trim().as_bytes()).unwrap();
    let room = told.clone();
    let port = BEACON_PORT;
    assert_eq!(beacon, Beacon::Here { port, room });
    let record = text_record(&told);
    let lines: Vec<String> = record
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let shown = format!("```text\n{}\n```", lines.join("\n"));
    assert!(page.contains(&shown), "PROTOCOL.md has not:\n{shown}");
    let get = |key: &str| {
        let pair = record.iter().find(|(other, _)| *other == key);
        pair.map(|(_, value)| value.as_str())
    };
    assert_eq!(read_text_record(get), Some(told));
    for said in [
        format!("port {BEACON_PORT}, to the groups {BEACON_GROUP_V4} and {BEACON_GROUP_V6}"),
        format!("`{SERVICE}`"),
    ] {
        assert!(page.contains(&said), "PROTOCOL.md does not say: {said}");
    }
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
    let page = std::fs::read_to_string(PAGE).unwrap();
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
    has(
        "combining marks on a letter",
        l::MARKS_PER_GRAPHEME.to_string(),
    );
    has(
        "passcode",
        format!(
            "{} characters to {} bytes",
            l::PASSCODE_CHARS,
            l::PASSCODE_BYTES
        ),
    );
    has(
        "message of a passcode exchange",
        format!("{} bytes", l::PASSCODE_MESSAGE_BYTES),
    );
    has(
        "challenge to the end of the exchange",
        format!("{} s", l::PASSCODE_TIMEOUT.as_secs()),
    );
    let paced = |burst: u32, every: std::time::Duration| {
        format!("{burst} at once, then one every {} s", every.as_secs())
    };
    has(
        "passcode attempts from one address",
        paced(l::ADDRESS_ATTEMPTS, l::ADDRESS_ATTEMPT_EVERY),
    );
    has(
        "passcode attempts from all addresses",
        paced(l::ROOM_ATTEMPTS, l::ROOM_ATTEMPT_EVERY),
    );
    has(
        "comparison steps of one member",
        paced(l::MEMBER_COMPARES, l::MEMBER_COMPARE_EVERY),
    );
    has(
        "invite link",
        format!(
            "{} bytes, {} addresses",
            l::INVITE_LINK_BYTES,
            l::INVITE_ADDRESSES
        ),
    );
    has(
        "rooms that a member tells of",
        format!(
            "{}, with {} addresses each",
            l::INTRODUCED_ROOMS,
            l::NEARBY_ADDRESSES
        ),
    );
    has(
        "introductions of one member",
        paced(l::MEMBER_INTRODUCTIONS, l::MEMBER_INTRODUCE_EVERY),
    );
    has(
        "introduced rooms that a room remembers",
        l::ROOM_INTRODUCED.to_string(),
    );
    has(
        "dialling back for one member",
        paced(l::MEMBER_DIAL_BACKS, l::MEMBER_DIAL_BACK_EVERY),
    );
    has(
        "dialling back is answered within",
        format!("{} s", l::DIAL_BACK_FOR.as_secs()),
    );
    has(
        "members of a room who wait for such an answer",
        l::ROOM_DIAL_BACKS.to_string(),
    );
    has(
        "ports that are dialled back and told of",
        format!("{} to {}", l::RELAY_PORTS.start(), l::RELAY_PORTS.end()),
    );
    has("datagram", format!("{} bytes", l::BEACON_BYTES));
    let seconds = |time: std::time::Duration| format!("{} s", time.as_secs());
    let again = |times: [std::time::Duration; 2]| times.map(seconds).join(" and ");
    has(
        "`here` of an open room",
        format!(
            "every {}, and {} after it opened",
            seconds(l::CALL_EVERY),
            again(l::CALL_AGAIN)
        ),
    );
    has(
        "`here` of a room that changes",
        format!("every {}", seconds(l::CALL_CHANGED_EVERY)),
    );
    has(
        "`seek` while somebody looks",
        format!(
            "at first, after {}, then every {}",
            again(l::SEEK_AGAIN),
            seconds(l::SEEK_EVERY)
        ),
    );
    has(
        "answer to `seek`",
        format!("within {} ms", l::ANSWER_JITTER.as_millis()),
    );
    has(
        "answers to one address",
        paced(l::ANSWERS_OF_SOURCE, l::ANSWER_SOURCE_EVERY),
    );
    let of_which = |all: u32, one: u32, how: &str| format!("{all} a second, {one} of them {how}");
    has(
        "answers to `ping`",
        of_which(
            l::PONGS_A_SECOND,
            l::PONGS_OF_SOURCE_A_SECOND,
            "to one address",
        ),
    );
    has(
        "answer to `ping` to all",
        format!(
            "within {} ms, one question a second",
            l::PONG_JITTER.as_millis()
        ),
    );
    assert_eq!(seconds(l::PONG_ALL_EVERY), "1 s");
    has(
        "datagrams that are read",
        of_which(
            l::HEARD_A_SECOND,
            l::HEARD_OF_SOURCE_A_SECOND,
            "of one address",
        ),
    );
    has("invites of a room", l::ROOM_INVITES.to_string());
    has(
        "uses of an invite, if it counts them",
        format!("1 to {}", l::INVITE_USES),
    );
    has(
        "life of an invite, if it ends",
        format!("1 to {} s", l::INVITE_SECONDS),
    );
    has("people who knock at a room", l::ROOM_KNOCKS.to_string());
    has(
        "people of one address who knock",
        l::ADDRESS_KNOCKS.to_string(),
    );
    has("a knock waits", format!("{} s", l::KNOCK_FOR.as_secs()));
    has("banned members that are shown", l::BANNED_SHOWN.to_string());
    has(
        "submissions of one member",
        format!(
            "{} at once, then {} a second",
            l::MEMBER_SUBMITS_BURST,
            l::MEMBER_SUBMITS_PER_SECOND
        ),
    );
    has(
        "submissions with a bad signature",
        l::BAD_SIGNATURES.to_string(),
    );
    has("slow mode", format!("up to {} s", l::SLOW_SECONDS));
    has(
        "a comparison waits",
        format!("{} s", l::COMPARE_FOR.as_secs()),
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
        (close::NOT_ADMITTED, false),
        (close::BANNED, false),
        (close::KICKED, false),
        (close::SLOW_DOWN, true),
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
    for name in ["protocol", "nearby", "relay", "client"] {
        for folder in ["src", "tests"] {
            let folder = std::path::PathBuf::from(format!("{crates}/{name}/{folder}"));
            // Not every crate has tests beside its source.
            if folder.exists() {
                read_all(&folder, &mut tests);
            }
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
