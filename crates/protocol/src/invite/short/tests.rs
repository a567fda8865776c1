//! What people and their programs do to a text before it is pasted.

use super::*;
use crate::invite::find as find_any;

fn at(text: &str) -> Address {
    text.parse().unwrap()
}

fn link() -> InviteLink {
    let count = |times: u8| move |place: usize| u8::try_from(place).unwrap() * times;
    InviteLink {
        key: RoomPublicKey(std::array::from_fn(count(7))),
        token: Some(Token(std::array::from_fn(count(13)))),
        name: Some(RoomName::parse("Workshop").unwrap()),
        addresses: vec![
            at("192.168.1.5"),
            at("10.0.0.7:4471"),
            at("[fd00::5]:4470"),
            at("lab-pc"),
            at("m\u{fc}ller.local:443"),
        ],
    }
}

fn named(name: &str) -> InviteLink {
    InviteLink {
        name: Some(RoomName::parse(name).unwrap()),
        ..link()
    }
}

#[track_caller]
fn reads(text: &str, link: &InviteLink) {
    assert_eq!(find_any(text).as_ref(), Some(&Ok(link.clone())), "{text}");
}

/// **I2**
#[test]
fn a_text_says_all_and_can_be_read() {
    let text = link().to_text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(
        lines[0],
        "ChatSpot room \"Workshop\" at 192.168.1.5, 10.0.0.7:4471, [fd00::5]:4470, lab-pc:4470 or \
         m\u{fc}ller.local:443"
    );
    assert!(lines[1].starts_with("key: AADQ-4FI4-EMVD-"), "{text}");
    assert!(lines[2].starts_with("invite: AAGR-UJZU-"), "{text}");
    assert!(lines[1..].iter().all(|line| line.len() < 78), "{text}");
    reads(&text, &link());
    let bare = InviteLink {
        token: None,
        name: None,
        addresses: Vec::new(),
        ..link()
    };
    assert!(bare.to_text().starts_with("ChatSpot room\nkey: "));
    for link in [
        bare.clone(),
        InviteLink {
            addresses: vec![at("10.0.0.7")],
            ..bare.clone()
        },
        InviteLink {
            token: link().token,
            ..bare.clone()
        },
        InviteLink {
            name: link().name,
            ..bare
        },
    ] {
        reads(&link.to_text(), &link);
    }
}

/// **I2**
#[test]
fn every_name_survives() {
    for name in [
        "\"",
        "The \"Lab\"",
        "Ada's \u{201c}lab\u{201d}",
        "My ChatSpot room",
        "ChatSpot room",
        "Tea at 10.0.0.9, or 10.0.0.8",
        "key: West",
        "invite: all",
        "> quoted",
        "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        "at",
    ] {
        reads(&named(name).to_text(), &named(name));
    }
}

/// **I2**
#[test]
fn what_programs_do_to_a_text_does_not_matter() {
    let text = link().to_text();
    let quoted: Vec<String> = text.lines().map(|line| format!("> > {line}")).collect();
    let hard = |width: usize| {
        let mut wrapped = String::new();
        let codes = text.chars().count() - text.rsplit("key: ").next().unwrap().len();
        for (place, c) in text.chars().enumerate() {
            if place > codes && place % width == 0 && c == '-' {
                wrapped.push('\n');
            }
            wrapped.push(c);
        }
        wrapped
    };
    let at_spaces = |width: usize, before: &str| {
        let (mut wrapped, mut column) = (String::from(before), 0);
        for word in text.split_whitespace() {
            if column + word.len() > width {
                wrapped.extend(["\r\n", before]);
                column = 0;
            }
            column += word.len() + 1;
            wrapped += word;
            wrapped.push(' ');
        }
        wrapped
    };
    let curly = text
        .replacen('"', "\u{201c}", 1)
        .replacen('"', "\u{201d}", 1);
    for changed in [
        text.clone(),
        text.replace('\n', ""),
        text.replace('\n', " "),
        text.replace('\n', "\r\n\r\n"),
        quoted.join("\n"),
        hard(5),
        hard(7),
        at_spaces(20, ""),
        at_spaces(40, "> "),
        at_spaces(76, "  | "),
        curly.clone(),
        curly.replace('\u{201c}', "\u{201e}"),
        text.replace('"', "\u{ab}"),
        text.replace('"', "'"),
        text.replace("key:", "**Key:**")
            .replace("invite:", "*INVITE* :"),
        text.replace("key:", "key\u{ff1a}"),
        text.replace('-', "\u{2011}")
            .replace("lab\u{2011}pc", "lab-pc"),
        text.replacen("key: AADQ", "key: aadq", 1)
            .replace('O', "0")
            .replace('I', "1"),
        text.replace("ChatSpot room", "CHATSPOT ROOM")
            .replace(" at ", " AT "),
        text.replace("192.168.1.5", "http://192.168.1.5/")
            .replace("lab-pc", "LAB-PC"),
        text.replace("fd00::5", "FD00:0:0::5"),
        text.replace(" or ", "; ")
            .replace("10.0.0.7:4471", "10.0.0.7 : 4471"),
        text.replace(" or ", ",").replace(", ", ","),
        format!("Hi Bob,\n\ncome and join us:\n\n{text}\n\nSee you there, in room 5!\n-- \nAnna"),
        format!("The \"ChatSpot room\" of today: {text}, and that is all"),
        format!("(key: under the mat) {text}"),
        format!("{text} {text}"),
        format!("{text}\nchatspot://join/broken"),
    ] {
        reads(&changed, &link());
    }
    for changed in [text.to_uppercase(), text.to_lowercase()] {
        let read = find_any(&changed).unwrap().unwrap();
        assert_eq!((read.key, read.token), (link().key, link().token));
        assert_eq!(read.addresses, link().addresses);
    }
}

/// **I2**
#[test]
fn the_link_wins_over_the_text() {
    let other = named("Other");
    let (text, url) = (link().to_text(), other.encode());
    reads(&format!("{text}\n{url}"), &other);
    reads(&format!("{url}\n{text}"), &other);
    let broken = url.replacen("join/A", "join/B", 1);
    reads(&format!("{broken}\n{text}"), &link());
}

/// **I2**
#[test]
fn zones_and_what_is_too_much_stay_at_home() {
    let mut many = link();
    many.addresses = vec![at("[fe80::1%eth0]:4470")];
    many.addresses.extend((1..=20).map(|port| Address {
        host: "10.0.0.1".to_owned(),
        port,
    }));
    let text = many.to_text();
    assert!(!text.contains('%'), "{text}");
    let read = find_any(&text).unwrap().unwrap();
    assert_eq!(read.addresses.len(), INVITE_ADDRESSES);
    assert_eq!(read.addresses[0], at("[fe80::1]:4470"));
    let more = text.replace(" at ", " at 10.9.9.9 10.9.9.8, fe80::7%3 ");
    let read = find_any(&more).unwrap().unwrap();
    assert_eq!(read.addresses.len(), INVITE_ADDRESSES);
    assert_eq!(read.addresses[2], at("[fe80::7]:4470"));
}

/// **I2**
#[test]
fn f81_a_damaged_text_is_noticed() {
    let text = link().to_text();
    let (start, key) = text.split_once("key: ").unwrap();
    let (key, token) = key.split_once("\ninvite: ").unwrap();
    let damaged = Some(Err(BadLink::Damaged));
    for bad in [
        format!("{start}key: {key}"),
        format!("{start}key: {key}\ninvite: "),
        format!("{start}key: {key}\ninvite: {}", &token[1..]),
        format!("{start}key: {}\ninvite: {token}", &key[1..]),
        format!("{start}key: "),
        format!("{start}key: {token}\ninvite: {key}"),
        format!("{start}key: {key}9\ninvite: 9{token}"),
        format!("{start}key: \u{e4}{key}\ninvite: {token}"),
        format!("ChatSpot room \"Workshop\"\nkey: {key}\ninvite: {token}"),
        format!("key: {key}\ninvite: {token}"),
        "ChatSpot room: ask me for the key: it is long".to_owned(),
    ] {
        assert_eq!(find_any(&bad), damaged, "{bad}");
    }
    let other = InviteLink {
        key: RoomPublicKey([1; 32]),
        ..link()
    };
    let others = other.to_text();
    let (_, foreign) = others.split_once("invite: ").unwrap();
    let mixed = format!("{start}key: {key}\ninvite: {foreign}");
    assert_eq!(find_any(&mixed), damaged, "an invite of another room");
    let codes = text.find("key: ").unwrap() + 5;
    for (place, letter) in text.char_indices().skip(codes) {
        if !letter.is_ascii_uppercase() {
            continue;
        }
        let mut changed = text.clone();
        let another = if letter == 'Q' { "R" } else { "Q" };
        changed.replace_range(place..=place, another);
        assert_eq!(find_any(&changed), damaged, "{place}");
        let mut cut = text.clone();
        cut.remove(place);
        assert_eq!(find_any(&cut), damaged, "{place}");
    }
    for end in start.len() + 5..text.len() {
        assert_eq!(find_any(&text[..end]), damaged, "cut at {end}");
    }
    for nothing in [
        "",
        "key:",
        "the key: under the mat",
        "a ChatSpot room at 192.168.1.5",
        start,
    ] {
        assert_eq!(find_any(nothing), None, "{nothing}");
    }
}

/// What is thrown at it costs no more than its length.
#[test]
fn f81_a_long_text_of_labels_is_read_to_its_end() {
    for text in [
        "key:".repeat(20_000),
        format!("chatspot room {}", "key: - ".repeat(10_000)),
        format!(
            "chatspot room {}{}",
            "key:".repeat(8_000),
            "-".repeat(30_000)
        ),
        format!(
            "{}key: {}",
            "chatspot room \"".repeat(4_000),
            "A".repeat(60)
        ),
    ] {
        assert!(find_any(&text).is_none_or(|read| read.is_err()));
    }
}
