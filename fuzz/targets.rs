//! What each fuzz target does with its bytes. Shared with a test that runs all of them over the seeds.
#![allow(dead_code)] // each target uses its own

use std::sync::OnceLock;

use chatspot_protocol::address::Address;
use chatspot_protocol::beacon::{Beacon, read_text_record, text_record};
use chatspot_protocol::door::Door;
use chatspot_protocol::event::Event;
use chatspot_protocol::identity::{Channel, Identity, RoomKey};
use chatspot_protocol::ids::{Exporter, Nonce, RoomId};
use chatspot_protocol::invite::{self, InviteLink};
use chatspot_protocol::limits::{
    BEACON_BYTES, INVITE_ADDRESSES, INVITE_LINK_BYTES, MARKS_PER_GRAPHEME, MAX_NAME_BYTES,
    MAX_NAME_GRAPHEMES, MAX_TEXT_BYTES, RICH_DEPTH, RICH_NODES,
};
use chatspot_protocol::markdown::{Block, Inline, Rich, rich, safe_link};
use chatspot_protocol::passcode::{Binding, Blob, Passcode, Setup, start};
use chatspot_protocol::room::check_hello;
use chatspot_protocol::roster::Standing;
use chatspot_protocol::text::{DisplayName, MessageText, Reaction, RoomName, cut, skeleton};
use chatspot_protocol::wire::{BadFrame, ClientFrame, ServerFrame};

const ROOM: RoomId = RoomId([3; 16]);

fn told_plainly(bad: &BadFrame) {
    if let BadFrame::UnknownType(name) = bad {
        assert!(name.len() <= 40);
    }
    let _ = bad.problem();
}

/// A frame for a relay: read, and the same when it is written and read again.
pub(crate) fn client_frame(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match ClientFrame::decode(text) {
        Ok(frame) => {
            assert_eq!(ClientFrame::decode(&frame.encode()).as_ref(), Ok(&frame));
            match frame {
                ClientFrame::Hello(hello) => {
                    let _ = check_hello(&hello, &Channel::Nonce, &Nonce([4; 32]));
                }
                ClientFrame::Submit(signed) => {
                    let member = Identity::from_secret(&[1; 32]).member();
                    let name = DisplayName::parse("Ada").expect("a name");
                    assert!(!signed.is_genuine(&ROOM, &member, &name));
                }
                _ => {}
            }
        }
        Err(bad) => told_plainly(&bad),
    }
}

/// A frame for a client.
pub(crate) fn server_frame(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match ServerFrame::decode(text) {
        Ok(frame) => {
            assert_eq!(ServerFrame::decode(&frame.encode()).as_ref(), Ok(&frame));
            match frame {
                ServerFrame::Greeting(greeting) => {
                    for hosted in greeting.rooms {
                        let _ = hosted
                            .warrants
                            .iter()
                            .any(|one| one.is_genuine(&hosted.key));
                    }
                }
                ServerFrame::Event(event) => {
                    let _ = (event.proof(&ROOM), event.ident());
                }
                _ => {}
            }
        }
        Err(bad) => told_plainly(&bad),
    }
}

/// A text that may hold an invite, as a link or as a text: what is found in it is the same when it is written and read again.
pub(crate) fn invite(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let alone = InviteLink::decode(&text);
    let found = invite::find(&text);
    if alone.is_ok() {
        assert_eq!(found, Some(alone));
    }
    if let Some(Ok(link)) = found {
        assert!(link.addresses.len() <= INVITE_ADDRESSES);
        let text = link.encode();
        assert!(text.len() <= INVITE_LINK_BYTES);
        let again = InviteLink::decode(&text).expect("it is a good link");
        assert_eq!(
            (again.key, again.token, again.name),
            (link.key, link.token, link.name.clone())
        );
        let text = link.to_text();
        let read = invite::find(&text)
            .expect("it is there")
            .expect("it is good");
        assert_eq!(
            (read.key, read.token, &read.name),
            (link.key, link.token, &link.name),
            "{text}"
        );
        assert_eq!(read.addresses.is_empty(), link.addresses.is_empty());
        // Twice the same address is told once, and in its usual spelling.
        assert_eq!(invite::find(&read.to_text()), Some(Ok(read)), "{text}");
        assert!(
            again
                .addresses
                .iter()
                .all(|address| link.addresses.contains(address))
        );
    }
}

/// The real messages of an exchange, in their order, and both ends of it.
struct Exchange {
    setup: Setup,
    passcode: Passcode,
    binding: Binding,
    start: Blob,
    reply: Blob,
    finish: Blob,
}

fn exchange() -> &'static Exchange {
    static EXCHANGE: OnceLock<Exchange> = OnceLock::new();
    EXCHANGE.get_or_init(|| {
        let passcode = Passcode::parse("apple river stone cloud").expect("a passcode");
        let setup = Setup::new(&passcode, [1; 32]);
        let binding = Binding {
            channel: Channel::Tls(Exporter([5; 32])),
            nonce: Nonce([6; 32]),
            room: RoomKey::from_secret(&[7; 32]).public(),
            member: Identity::from_secret(&[8; 32]).member(),
        };
        let (client, start) = start(&passcode, [2; 32]);
        let (_, reply) = setup
            .answer(&start, &binding, [3; 32])
            .expect("the right passcode");
        let finish = client
            .finish(&reply, &binding, [4; 32])
            .expect("the right passcode");
        Exchange {
            setup,
            passcode,
            binding,
            start,
            reply,
            finish,
        }
    })
}

/// A letter for which message of a passcode exchange, and the message as it stands in a frame. Nobody gets through with
/// anything but the real one.
pub(crate) fn passcode(data: &[u8]) {
    let Some((which, message)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(message) else {
        return;
    };
    let Ok(message) = serde_json::from_value::<Blob>(text.trim_end().into()) else {
        return;
    };
    let real = exchange();
    match which {
        b's' => {
            let answered = real.setup.answer(&message, &real.binding, [3; 32]);
            assert!(answered.is_ok() || message != real.start);
        }
        b'r' => {
            let (client, _) = start(&real.passcode, [2; 32]);
            let told = client.finish(&message, &real.binding, [4; 32]);
            assert_eq!(told.is_ok(), message == real.reply);
        }
        _ => {
            let answered = real.setup.answer(&real.start, &real.binding, [3; 32]);
            let (server, _) = answered.expect("the real start");
            assert_eq!(server.finish(&message).is_ok(), message == real.finish);
        }
    }
}

/// What a store finds in a row, which may have been written by another version, or broken.
pub(crate) fn stored_row(data: &[u8]) {
    if let Ok(event) = serde_json::from_slice::<Event>(data) {
        let written = serde_json::to_vec(&event).expect("an event is JSON");
        let again: Event = serde_json::from_slice(&written).expect("it was just written");
        assert_eq!(again, event);
        let _ = (event.proof(&ROOM), event.text_bytes());
        assert_eq!(event.ident(), again.ident());
    }
    if let Ok(door) = serde_json::from_slice::<Door>(data) {
        let written = serde_json::to_vec(&door).expect("a door is JSON");
        assert_eq!(serde_json::from_slice::<Door>(&written).ok(), Some(door));
    }
    if let Ok(standing) = serde_json::from_slice::<Standing>(data) {
        let written = serde_json::to_vec(&standing).expect("a standing is JSON");
        assert_eq!(
            serde_json::from_slice::<Standing>(&written).ok(),
            Some(standing)
        );
    }
}

/// A message as a tree: bounded, and no link in it that may not be opened.
pub(crate) fn markdown(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Some(Rich(blocks)) = rich(&text) else {
        return;
    };
    let mut parts = 0;
    let depth = look_at_blocks(&blocks, &mut parts);
    assert!(depth <= RICH_DEPTH, "{depth} deep");
    assert!(parts <= RICH_NODES, "{parts} parts");
}

fn look_at_blocks(blocks: &[Block], parts: &mut usize) -> usize {
    let mut deepest = 0;
    for block in blocks {
        *parts += 1;
        let below = match block {
            Block::Paragraph { inlines } | Block::Heading { inlines } => {
                assert!(!inlines.is_empty(), "a block of nothing");
                look_at_inlines(inlines, parts, false)
            }
            Block::Quote { blocks } => look_at_blocks(blocks, parts),
            Block::List { items, .. } => {
                *parts += items.len();
                let depths = items.iter().map(|item| look_at_blocks(item, parts));
                depths.max().unwrap_or(0)
            }
            Block::Code { .. } | Block::Rule => 0,
        };
        deepest = deepest.max(1 + below);
    }
    deepest
}

fn look_at_inlines(inlines: &[Inline], parts: &mut usize, in_link: bool) -> usize {
    let mut deepest = 0;
    for inline in inlines {
        *parts += 1;
        let below = match inline {
            Inline::Strong { inlines }
            | Inline::Emphasis { inlines }
            | Inline::Strike { inlines } => look_at_inlines(inlines, parts, in_link),
            Inline::Link {
                href,
                host,
                plain,
                inlines,
            } => {
                assert!(!in_link, "a link in a link");
                let link = safe_link(href).expect("only what is safe is a link");
                assert_eq!((&link.href, &link.host), (href, host));
                let schemes = ["http://", "https://", "mailto:"];
                assert!(
                    schemes.iter().any(|scheme| href.starts_with(scheme)),
                    "{href}"
                );
                assert!(host.is_ascii() && !host.is_empty());
                if *plain {
                    let mut text = String::new();
                    read(inlines, &mut text);
                    assert!(
                        text.to_lowercase().contains(&host.to_lowercase()),
                        "{text} {host}"
                    );
                }
                look_at_inlines(inlines, parts, true)
            }
            Inline::Text { text } => {
                assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
                0
            }
            Inline::Break | Inline::Code { .. } => 0,
        };
        deepest = deepest.max(1 + below);
    }
    deepest
}

fn read(inlines: &[Inline], text: &mut String) {
    for inline in inlines {
        match inline {
            Inline::Text { text: more } | Inline::Code { text: more } => text.push_str(more),
            Inline::Break => text.push('\n'),
            Inline::Strong { inlines }
            | Inline::Emphasis { inlines }
            | Inline::Strike { inlines }
            | Inline::Link { inlines, .. } => read(inlines, text),
        }
    }
}

/// A name, a text, an address and a passcode: what is clean stays as it is.
pub(crate) fn text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(name) = DisplayName::parse(&text) {
        assert!(name.as_str().len() <= MAX_NAME_BYTES);
        assert!(!name.as_str().chars().any(char::is_control));
        assert!(!name.as_str().contains(['\u{202e}', '\u{2066}']));
        assert_eq!(DisplayName::parse(name.as_str()).as_ref(), Ok(&name));
        assert_eq!(
            RoomName::parse(&text).map(|name| name.to_string()),
            Ok(name.to_string())
        );
        let _ = skeleton(&name);
        assert!(cut(name.as_str(), MAX_NAME_GRAPHEMES).len() <= MAX_NAME_GRAPHEMES);
    }
    if let Ok(message) = MessageText::parse(&text) {
        assert!(message.as_str().len() <= MAX_TEXT_BYTES);
        assert_eq!(MessageText::parse(message.as_str()).as_ref(), Ok(&message));
        let mut marks = 0;
        for c in message.as_str().chars() {
            marks = if ('\u{300}'..='\u{36f}').contains(&c) {
                marks + 1
            } else {
                0
            };
            assert!(marks <= MARKS_PER_GRAPHEME);
        }
    }
    if let Ok(reaction) = Reaction::parse(&text) {
        assert_eq!(Reaction::parse(reaction.as_str()).as_ref(), Ok(&reaction));
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string().parse().as_ref(), Ok(&address));
    }
    if let Ok(passcode) = Passcode::parse(&text) {
        assert_eq!(Passcode::parse(passcode.as_str()).as_ref(), Ok(&passcode));
    }
    for bytes in [0, 1, 7, 40] {
        let start = cut(&text, bytes);
        assert!(start.len() <= bytes && text.starts_with(start));
    }
}

/// A datagram, and the text record of a service in lines: what is understood is written again as it was meant, and fits.
pub(crate) fn beacon(data: &[u8]) {
    if let Ok((beacon, by)) = Beacon::decode(data) {
        let written = beacon.encode(by);
        assert!(written.len() <= BEACON_BYTES, "{} bytes", written.len());
        assert_eq!(Beacon::decode(&written), Ok((beacon, by)));
    }
    let text = String::from_utf8_lossy(data);
    let get = |key: &str| {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let mut values = pairs.filter(|(other, _)| *other == key);
        values.next().map(|(_, value)| value)
    };
    if let Some(room) = read_text_record(get) {
        let record = text_record(&room);
        assert!(
            record
                .iter()
                .all(|(key, value)| key.len() + 1 + value.len() <= 255)
        );
        let again = read_text_record(|key| {
            let pair = record.iter().find(|(other, _)| *other == key);
            pair.map(|(_, value)| value.as_str())
        });
        assert_eq!(again, Some(room));
    }
}
