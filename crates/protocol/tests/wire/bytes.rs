//! What is signed and hashed, byte by byte, and that it is checked: so that anybody can make it.

use super::*;

/// **H4**: the bytes under the signature, so that anybody can make one.
#[test]
fn the_signature_of_a_hello_is_over_context_channel_nonce_and_room() {
    use ed25519_dalek::{Signer, SigningKey};
    let exporter = Exporter(bytes(12));
    let of_tls = [&[1][..], &exporter.0].concat();
    for (channel, bound) in [(tls(), of_tls), (Channel::Nonce, vec![0; 33])] {
        let bytes = [
            b"chatspot hello v1\0".as_slice(),
            &bound,
            &nonce().0,
            &room().0,
        ]
        .concat();
        assert_eq!(bytes.len(), 18 + 33 + 32 + 16);
        let by_hand = SigningKey::from_bytes(&[1; 32]).sign(&bytes).to_bytes();
        let signature = identity().sign_hello(&channel, &nonce(), &room());
        assert_eq!(signature.0, by_hand);
        assert!(hello_is_genuine(
            &ada(),
            &channel,
            &nonce(),
            &room(),
            &signature
        ));
    }
}

/// **T2**: a room's id follows from its key, and the bytes under a warrant are these.
#[test]
fn a_warrant_is_signed_over_context_key_term_and_relay() {
    use ed25519_dalek::{Digest, Sha512, Signer, SigningKey};
    let key = SigningKey::from_bytes(&[3; 32]);
    let public = key.verifying_key().to_bytes();
    let hash = Sha512::digest([b"chatspot room v1\0".as_slice(), &public].concat());
    assert_eq!(room().0, hash[..16]);
    let tls: [u8; 32] = bytes(15);
    let names: [(u8, &[u8]); 2] = [(1, &tls), (2, b"chat.example")];
    for (warrant, (kind, relay)) in warrants().into_iter().zip(names) {
        let bytes = [
            b"chatspot warrant v1\0".as_slice(),
            &public,
            &3_u64.to_be_bytes(),
            &[kind],
            relay,
        ]
        .concat();
        assert_eq!(warrant.signature.0, key.sign(&bytes).to_bytes());
        assert!(warrant.is_genuine(&room_key().public()));
    }
}

/// **S7**: the bytes under what a member says, in the very example of the page.
#[test]
fn what_is_said_is_signed_over_its_parts_and_their_lengths() {
    use ed25519_dalek::{Signer, SigningKey};
    let parts = |parts: &[&[u8]]| -> Vec<u8> {
        let with_length = |part: &&[u8]| {
            let length = u32::try_from(part.len()).unwrap().to_be_bytes();
            [&length[..], part].concat()
        };
        parts.iter().flat_map(with_length).collect()
    };
    let (id, of) = (message_id().0, target());
    let head: [&[u8]; 4] = [b"chatspot said v1", &room().0, &ada().0, b"Ada"];
    let (edit, member): ([u8; 16], _) = (bytes(7), ada());
    let (taken, liked, ruling): ([u8; 16], [u8; 16], [u8; 16]) = (bytes(8), bytes(9), bytes(10));
    let (act, raise): ([u8; 16], [u8; 16]) = (bytes(11), bytes(14));
    let cases: [(Body, Vec<&[u8]>); 10] = [
        (
            said(),
            vec![b"message", &id, b"Good morning!\nIs the projector free?"],
        ),
        (
            edited(),
            vec![
                b"edited",
                &edit,
                &of.author.0,
                &of.id.0,
                b"Good morning! Is the projector free at ten?",
            ],
        ),
        (deleted(), vec![b"deleted", &taken, &of.author.0, &of.id.0]),
        (
            reacted(),
            vec![
                b"reacted",
                &liked,
                &of.author.0,
                &of.id.0,
                "\u{1f44d}".as_bytes(),
                b"1",
            ],
        ),
        (
            ruled(10, a_month()),
            vec![b"settings", &ruling, b"days:30", b"passcode", b"0", b"10"],
        ),
        (
            ruled(10, Retention::Forever),
            vec![b"settings", &ruling, b"forever", b"passcode", b"0", b"10"],
        ),
        (
            ruled(10, Retention::Nothing),
            vec![b"settings", &ruling, b"nothing", b"passcode", b"0", b"10"],
        ),
        // Rules without the part are those of a room that is not, signed before there were hidden ones or after.
        (
            hidden(10),
            vec![
                b"settings",
                &ruling,
                b"days:30",
                b"passcode",
                b"0",
                b"10",
                b"hidden",
            ],
        ),
        (
            moderated(11, Moderation::Mute),
            vec![b"moderated", &act, &member.0, b"mute"],
        ),
        (
            raised(Role::Moderator),
            vec![b"role", &raise, &member.0, b"moderator"],
        ),
    ];
    for (body, rest) in &cases {
        let bytes = parts(&[&head[..], rest].concat());
        assert_eq!(
            said_bytes(&room(), &ada(), &name("Ada"), body).as_ref(),
            Some(&bytes)
        );
        let signature = SigningKey::from_bytes(&[1; 32]).sign(&bytes).to_bytes();
        let event = event(41, body.clone());
        assert_eq!(
            event.signature.map(|signature| signature.0),
            Some(signature)
        );
        assert_eq!(event.proof(&room()), Proof::Author);
        assert_eq!(event.proof(&RoomId([0; 16])), Proof::Missing);
    }
    let page = std::fs::read_to_string(PAGE).unwrap();
    let hex = data_encoding::HEXLOWER.encode(&parts(&[&head[..], &cases[0].1].concat()));
    let shown: String = page.split("```hex\n").nth(1).unwrap_or_default().into();
    let shown = shown.split("```").next().unwrap_or_default();
    assert_eq!(shown.split_whitespace().collect::<String>(), hex);
    for body in [joined(), Body::Left { how: Leaving::Lost }] {
        assert_eq!(said_bytes(&room(), &ada(), &name("Ada"), &body), None);
        assert_eq!(event(42, body).proof(&room()), Proof::Relay);
    }
}

/// **S8**: what was changed on the way, or never signed, is told from what its author said.
#[test]
fn f33_an_event_that_its_author_did_not_sign_is_told_from_one_that_they_did() {
    let good = event(41, said());
    assert_eq!(good.proof(&room()), Proof::Author);
    let ServerFrame::Event(read) =
        ServerFrame::decode(&ServerFrame::Event(good.clone()).encode()).unwrap()
    else {
        panic!("it is an event");
    };
    assert_eq!(read.proof(&room()), Proof::Author);
    // The relay's own labels are not the author's words.
    let moved = Event {
        seq: Seq(7),
        at: 0,
        ..good.clone()
    };
    assert_eq!(moved.proof(&room()), Proof::Author);
    for forged in [
        Event {
            author: bob(),
            ..good.clone()
        },
        Event {
            name: name("Bob"),
            ..good.clone()
        },
        Event {
            body: Body::Message {
                id: message_id(),
                text: text("Good evening!"),
            },
            ..good.clone()
        },
        Event {
            signature: None,
            ..good.clone()
        },
        Event {
            signature: event(41, edited()).signature,
            ..good
        },
    ] {
        assert_eq!(forged.proof(&room()), Proof::Missing, "{forged:?}");
    }
}

/// **T1**: to what cannot prove to be the room, nothing is said.
#[test]
fn f74_a_hello_goes_only_to_what_the_room_vouches_for() {
    use chatspot_protocol::session::{Entry, Line, Output, Resume, Session};
    use chatspot_protocol::time::Now;
    let now = Now {
        mono: std::time::Duration::from_secs(1),
        wall: 1,
    };
    let says_hello = |hosted: Hosted, line: Line| {
        let entry = Entry {
            room: room(),
            identity: identity(),
            name: name("Ada"),
            token: Some(token()),
            passcode: None,
            software: String::new(),
        };
        let mut session = Session::new(entry, Resume::default(), 1);
        session.opened(line, [1; 32], now);
        let greeting = Greeting {
            protocol: Versions { min: 1, max: 1 },
            software: String::new(),
            nonce: nonce(),
            rooms: vec![hosted],
        };
        session.frame(ServerFrame::Greeting(greeting), now);
        let outputs = std::iter::from_fn(|| session.poll_output());
        let sent: Vec<_> = outputs
            .filter(|output| matches!(output, Output::Transmit(_)))
            .collect();
        !sent.is_empty()
    };
    let ServerFrame::Greeting(greeting) = server_frames().swap_remove(0).1 else {
        panic!("a greeting comes first");
    };
    let good = greeting.rooms[0].clone();
    let direct = || Line {
        exporter: Exporter(bytes(12)),
        key: TlsKey(bytes(15)),
        domain: None,
    };
    let proxied = |domain: &str| Line {
        key: TlsKey([9; 32]),
        domain: Some(domain.to_owned()),
        ..direct()
    };
    assert!(says_hello(good.clone(), direct()));
    assert!(says_hello(good.clone(), proxied("chat.example")));
    assert!(!says_hello(good.clone(), proxied("evil.example")));
    let stranger = Line {
        key: TlsKey([9; 32]),
        ..direct()
    };
    assert!(!says_hello(good.clone(), stranger));
    let other = RoomKey::from_secret(&[9; 32]);
    for bad in [
        Hosted {
            key: other.public(),
            ..good.clone()
        },
        // Another room that calls itself by this one's id, and vouches for the relay.
        Hosted {
            key: other.public(),
            warrants: vec![other.warrant(3, good.warrants[0].relay.clone())],
            ..good.clone()
        },
        Hosted {
            warrants: Vec::new(),
            ..good.clone()
        },
        Hosted {
            warrants: vec![other.warrant(3, good.warrants[0].relay.clone())],
            ..good.clone()
        },
        Hosted {
            warrants: vec![Warrant {
                term: 4,
                ..good.warrants[0].clone()
            }],
            ..good
        },
    ] {
        assert!(!says_hello(bad.clone(), direct()), "{bad:?}");
    }
}

/// **I1**, **I2**: the link of the page, and its text.
#[test]
fn the_link_of_the_page_says_what_the_page_says() {
    use chatspot_protocol::invite::{InviteLink, find};
    let link = InviteLink {
        key: room_key().public(),
        token: Some(token()),
        name: RoomName::parse("Workshop").ok(),
        addresses: vec!["192.168.1.5:4470".parse().unwrap()],
    };
    let page = std::fs::read_to_string(PAGE).unwrap();
    assert!(
        page.contains(&format!("\n{}\n", link.encode())),
        "{}",
        link.encode()
    );
    let text = link.to_text();
    assert!(page.contains(&format!("\n{text}\n")), "{text}");
    assert_eq!(InviteLink::decode(&link.encode()), Ok(link.clone()));
    assert_eq!(find(&text), Some(Ok(link)));
}
