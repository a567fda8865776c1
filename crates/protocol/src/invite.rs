//! Invite links: all that somebody needs to find a room, to know it for the right one, and to come in.
//!
//! `chatspot://join/` and unpadded base64url of: a version byte, fields (a tag byte, a length of 16 bits big-endian,
//! the value), and four bytes of SHA-512 over all before, so that a link that was cut is noticed. Unknown tags are
//! skipped: the format has room to grow. A later version keeps the first byte and the last four.
//!
//! The same as a text for people is in `short`, and as everything that can be handed out in `handout`.

mod handout;
mod short;

pub use self::handout::handout;

use data_encoding::BASE64URL_NOPAD;

use crate::address::Address;
use crate::ids::{RoomPublicKey, Token};
use crate::limits::{INVITE_ADDRESSES, INVITE_LINK_BYTES};
use crate::text::RoomName;

/// What a link begins with.
pub const LINK_PREFIX: &str = "chatspot://join/";

/// The version of the format.
const VERSION: u8 = 1;
/// Bytes of the checksum: one cut link in four thousand million passes.
const CHECK_BYTES: usize = 4;
/// The room's key, 32 bytes; once.
const TAG_KEY: u8 = 1;
/// The token, 16 bytes; at most once.
const TAG_TOKEN: u8 = 2;
/// The room's name in UTF-8; at most once.
const TAG_NAME: u8 = 3;
/// An address as `host:port`, an IPv6 number in brackets; any number of times.
const TAG_ADDRESS: u8 = 4;

/// Longest text that is searched for a link, in bytes: a long mail's worth.
const PASTE_BYTES: usize = 64 * 1024;
/// Most pieces that a link may have been wrapped into: a longest one in a narrow chat window.
const WRAPPED_PIECES: usize = 64;

/// What an invite link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteLink {
    /// The room.
    pub key: RoomPublicKey,
    /// The invite's secret. None in a link that only names the room: its door asks as usual.
    pub token: Option<Token>,
    /// What the room is called. A label until the room itself says so.
    pub name: Option<RoomName>,
    /// Where it may be, best first; at most [`crate::limits::INVITE_ADDRESSES`].
    pub addresses: Vec<Address>,
}

/// Why a text is no invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    /// Over [`crate::limits::INVITE_LINK_BYTES`].
    #[error("it is too long for an invite")]
    TooLong,
    /// It does not begin with [`LINK_PREFIX`], or holds what no link holds.
    #[error("it is no invite link")]
    NotALink,
    /// Something is missing or was changed.
    #[error("the invite is damaged or not complete")]
    Damaged,
    /// A link of a later version.
    #[error("the invite is for a newer ChatSpot")]
    TooNew,
}

impl InviteLink {
    /// The link's text: at most [`crate::limits::INVITE_LINK_BYTES`]; addresses that do not fit are left out. Zones are,
    /// too: they mean something on one computer only.
    pub fn encode(&self) -> String {
        let mut bytes = vec![VERSION];
        put(&mut bytes, TAG_KEY, &self.key.0);
        if let Some(token) = &self.token {
            put(&mut bytes, TAG_TOKEN, &token.0);
        }
        if let Some(name) = &self.name {
            put(&mut bytes, TAG_NAME, name.as_str().as_bytes());
        }
        for address in self.addresses.iter().take(INVITE_ADDRESSES) {
            let before = bytes.len();
            let text = without_zone(address).to_string();
            put(&mut bytes, TAG_ADDRESS, text.as_bytes());
            let all = BASE64URL_NOPAD.encode_len(bytes.len() + CHECK_BYTES);
            if LINK_PREFIX.len() + all > INVITE_LINK_BYTES {
                bytes.truncate(before);
            }
        }
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        format!("{LINK_PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
    }

    /// The same as a text that people read, print and paste: [`find`] reads it. Zones are left out, and addresses beyond
    /// [`crate::limits::INVITE_ADDRESSES`].
    pub fn to_text(&self) -> String {
        short::write(self)
    }

    /// Reads a link that is alone in a text of any size. White space around it, and in it where it was wrapped, is
    /// passed over.
    pub fn decode(text: &str) -> Result<Self, BadLink> {
        let text = text.trim();
        let (payload, rest) = payload_of(text)?;
        if rest.is_empty() {
            read_whole(&payload.concat())
        } else if payload.concat().len() > INVITE_LINK_BYTES {
            Err(BadLink::TooLong)
        } else {
            Err(BadLink::NotALink)
        }
    }
}

/// The invite somewhere in a text of any size: `Join us: chatspot://join/... see you`, or as [`InviteLink::to_text`]
/// writes it. None where nothing looks like one. The first good link counts, where there is none the first good text,
/// and where none is good, what is wrong with the first.
pub fn find(text: &str) -> Option<Result<InviteLink, BadLink>> {
    let text = crate::text::cut(text, PASTE_BYTES);
    let mut wrong = None;
    for at in starts(text) {
        match read_first(&text[at..]) {
            Ok(link) => return Some(Ok(link)),
            Err(bad) => wrong = wrong.or(Some(bad)),
        }
    }
    match short::find(text) {
        Some(Err(bad)) => Some(Err(wrong.unwrap_or(bad))),
        None => wrong.map(Err),
        good => good,
    }
}

/// Where links begin. The scheme's case means nothing (RFC 3986, section 3.1).
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let prefix = LINK_PREFIX.as_bytes();
    let places = text.as_bytes().windows(prefix.len()).enumerate();
    places
        .filter(move |(_, window)| window.eq_ignore_ascii_case(prefix))
        .map(|(at, _)| at)
}

/// Reads the link that a text begins with. It may have been wrapped, and words may follow: its own check tells where it
/// ends.
fn read_first(text: &str) -> Result<InviteLink, BadLink> {
    let (pieces, _) = payload_of(text)?;
    let mut payload = String::new();
    let mut wrong = None;
    for piece in pieces {
        payload.push_str(piece);
        match read_whole(&payload) {
            Err(bad @ (BadLink::Damaged | BadLink::NotALink)) => wrong = wrong.or(Some(bad)),
            // More pieces make it only longer.
            Err(BadLink::TooLong) => return Err(wrong.unwrap_or(BadLink::TooLong)),
            read => return read,
        }
    }
    Err(wrong.unwrap_or(BadLink::Damaged))
}

/// The pieces of what follows the prefix, as far as it is base64url and white space, and the rest. No more pieces than
/// a link can have.
fn payload_of(text: &str) -> Result<(Vec<&str>, &str), BadLink> {
    let prefix = LINK_PREFIX.len();
    if !text
        .get(..prefix)
        .is_some_and(|start| start.eq_ignore_ascii_case(LINK_PREFIX))
    {
        return Err(BadLink::NotALink);
    }
    let text = &text[prefix..];
    let of_link = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let end = text.find(|c: char| !of_link(c) && !c.is_ascii_whitespace());
    let (payload, rest) = text.split_at(end.unwrap_or(text.len()));
    let mut pieces: Vec<&str> = payload.split_ascii_whitespace().collect();
    // Whatever is left out here, the check would miss.
    pieces.truncate(WRAPPED_PIECES);
    Ok((pieces, rest))
}

/// Reads what stands behind the prefix, without white space.
fn read_whole(payload: &str) -> Result<InviteLink, BadLink> {
    if LINK_PREFIX.len() + payload.len() > INVITE_LINK_BYTES {
        return Err(BadLink::TooLong);
    }
    let bytes = BASE64URL_NOPAD
        .decode(payload.as_bytes())
        .map_err(|_| BadLink::Damaged)?;
    let (said, sum) = bytes
        .split_last_chunk::<CHECK_BYTES>()
        .ok_or(BadLink::Damaged)?;
    if check(said) != *sum {
        return Err(BadLink::Damaged);
    }
    match said.split_first() {
        Some((&VERSION, fields)) => read_fields(fields),
        Some((&version, _)) if version > VERSION => Err(BadLink::TooNew),
        Some(_) | None => Err(BadLink::Damaged),
    }
}

fn read_fields(mut fields: &[u8]) -> Result<InviteLink, BadLink> {
    let (mut key, mut token, mut name) = (None, None, None);
    let mut addresses = Vec::new();
    while !fields.is_empty() {
        let ([tag, high, low], rest) = fields.split_first_chunk().ok_or(BadLink::Damaged)?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, rest) = rest.split_at_checked(length).ok_or(BadLink::Damaged)?;
        fields = rest;
        // Two keys or tokens would be read as one by one program and as the other by the next.
        match *tag {
            TAG_KEY => once(&mut key, value.try_into().ok().map(RoomPublicKey))?,
            TAG_TOKEN => once(&mut token, value.try_into().ok().map(Token))?,
            TAG_NAME => once(&mut name, Some(value))?,
            // One that cannot be read, and one too many, are of no use; the others may be.
            TAG_ADDRESS if addresses.len() < INVITE_ADDRESSES => addresses.extend(address(value)),
            _ => {}
        }
    }
    let name = name.and_then(|name| std::str::from_utf8(name).ok());
    Ok(InviteLink {
        key: key.ok_or(BadLink::Damaged)?,
        token,
        // A label: the room says its name itself later.
        name: name.and_then(|name| RoomName::parse(name).ok()),
        addresses,
    })
}

/// Takes a field's value, which must be good, and the first one.
fn once<T>(field: &mut Option<T>, value: Option<T>) -> Result<(), BadLink> {
    let value = value.ok_or(BadLink::Damaged)?;
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(BadLink::Damaged),
    }
}

/// An address as [`InviteLink::encode`] writes it, not anything that a person might type.
fn address(value: &[u8]) -> Option<Address> {
    let text = std::str::from_utf8(value).ok()?;
    let address = text.parse::<Address>().ok()?;
    (address.to_string() == text).then(|| without_zone(&address))
}

fn without_zone(address: &Address) -> Address {
    let host = address.host.split('%').next().unwrap_or_default();
    Address {
        host: host.to_owned(),
        port: address.port,
    }
}

fn put(bytes: &mut Vec<u8>, tag: u8, value: &[u8]) {
    // Nothing of what is put is anywhere near this long: a host name has 253 letters at most.
    if let Ok(length) = u16::try_from(value.len()) {
        bytes.push(tag);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(value);
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    use ed25519_dalek::Digest;
    let hash = ed25519_dalek::Sha512::digest(bytes);
    std::array::from_fn(|place| hash[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, port: u16) -> Address {
        Address {
            host: host.to_owned(),
            port,
        }
    }

    fn link() -> InviteLink {
        InviteLink {
            key: RoomPublicKey([7; 32]),
            token: Some(Token([8; 16])),
            name: Some(RoomName::parse("Workshop \u{e9}").unwrap()),
            addresses: vec![
                at("192.168.1.5", 4470),
                at("fd00::5", 4471),
                at("m\u{fc}ller.local", 1),
                at("chat.example", 443),
            ],
        }
    }

    /// A link of these fields, with a good check.
    fn made(version: u8, fields: &[(u8, &[u8])]) -> String {
        let mut bytes = vec![version];
        for (tag, value) in fields {
            put(&mut bytes, *tag, value);
        }
        sealed(bytes)
    }

    fn sealed(mut bytes: Vec<u8>) -> String {
        let sum = check(&bytes);
        bytes.extend_from_slice(&sum);
        format!("{LINK_PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
    }

    #[test]
    fn a_link_survives_its_text() {
        let bare = InviteLink {
            token: None,
            name: None,
            addresses: Vec::new(),
            ..link()
        };
        for link in [link(), bare] {
            let text = link.encode();
            assert!(text.starts_with(LINK_PREFIX) && text.is_ascii(), "{text}");
            assert_eq!(InviteLink::decode(&text), Ok(link));
        }
    }

    #[test]
    fn zones_stay_at_home() {
        let mut local = link();
        local.addresses = vec![at("fe80::1%eth0", 4470)];
        let there = InviteLink::decode(&local.encode()).unwrap();
        assert_eq!(there.addresses, [at("fe80::1", 4470)]);
        let text = made(1, &[(1, &[7; 32]), (4, b"[fe80::1%eth0]:4470")]);
        assert_eq!(
            InviteLink::decode(&text).unwrap().addresses,
            [at("fe80::1", 4470)]
        );
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_the_best_is_kept() {
        let mut many = link();
        many.addresses = (1..=20).map(|port| at("10.0.0.1", port)).collect();
        let there = InviteLink::decode(&many.encode()).unwrap();
        assert_eq!(there.addresses, many.addresses[..INVITE_ADDRESSES]);
        let label = "x".repeat(60);
        let long = [&label[..], &label, &label, &label].join(".");
        many.addresses = (1..=8).map(|port| at(&long, port)).collect();
        many.addresses.push(at("10.0.0.1", 1));
        let text = many.encode();
        assert!(text.len() <= INVITE_LINK_BYTES, "{}", text.len());
        let there = InviteLink::decode(&text).unwrap();
        assert!(there.addresses.len() >= 4, "{}", there.addresses.len());
        assert_eq!(there.addresses, many.addresses[..there.addresses.len()]);
    }

    #[test]
    fn a_wrapped_link_is_one() {
        let text = link().encode();
        let wrapped: Vec<String> = text.as_bytes()[16..]
            .chunks(40)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        let wrapped = format!("\n {}{} \r\n", LINK_PREFIX, wrapped.join("\r\n  "));
        assert_eq!(InviteLink::decode(&wrapped), Ok(link()));
        assert_eq!(find(&wrapped), Some(Ok(link())));
        let mail = format!(
            "Come and join us tomorrow:\n{} see you there\n-- \nAnna",
            wrapped.trim()
        );
        assert_eq!(find(&mail), Some(Ok(link())));
    }

    #[test]
    fn a_link_is_found_in_a_longer_text() {
        let text = link().encode();
        let shouted = text.replacen(LINK_PREFIX, "ChatSpot://JOIN/", 1);
        for around in [
            text.clone(),
            shouted,
            format!("Join us: {text} see you"),
            format!("<{text}>"),
            format!("({text})."),
            format!("\u{201e}{text}\u{201c}"),
            format!("caf\u{e9} {text}\u{1f600}"),
            format!("chatspot://join/broken and {text}"),
            format!("{text}/?from=mail"),
        ] {
            assert_eq!(find(&around), Some(Ok(link())), "{around}");
        }
        for nothing in [
            "",
            "hello",
            "chatspot:join",
            "http://192.168.1.5:4470",
            "chatspot://join",
        ] {
            assert_eq!(find(nothing), None, "{nothing}");
        }
        assert_eq!(
            find("so: chatspot://join/ and that"),
            Some(Err(BadLink::Damaged))
        );
        assert_eq!(
            find(&format!("x {}", &text[..80])),
            Some(Err(BadLink::Damaged))
        );
        assert_eq!(
            find(&text.repeat(10_000)),
            Some(Err(BadLink::Damaged)),
            "one behind the other"
        );
        assert_eq!(find(&format!("{}{text}", " ".repeat(1 << 20))), None);
    }

    /// **I1**
    #[test]
    fn f81_what_is_no_good_link_is_refused() {
        let good = link().encode();
        let key: (u8, &[u8]) = (1, &[7; 32]);
        for (text, bad) in [
            (String::new(), BadLink::NotALink),
            ("chatspot://".to_owned(), BadLink::NotALink),
            (LINK_PREFIX.to_owned(), BadLink::Damaged),
            (good.replacen("join", "host", 1), BadLink::NotALink),
            (good.replacen("chatspot", "http", 1), BadLink::NotALink),
            (format!("x{good}"), BadLink::NotALink),
            (format!("{good}\0"), BadLink::NotALink),
            (
                format!("{LINK_PREFIX}\u{1b}{}", &good[16..]),
                BadLink::NotALink,
            ),
            (
                format!("{}%20{}", &good[..40], &good[40..]),
                BadLink::NotALink,
            ),
            (format!("{good}="), BadLink::NotALink),
            (format!("{good}?token=x"), BadLink::NotALink),
            (format!("{good}A"), BadLink::Damaged),
            (good[..good.len() - 1].to_owned(), BadLink::Damaged),
            (
                format!("{LINK_PREFIX}{}", "A".repeat(1 << 20)),
                BadLink::TooLong,
            ),
            (
                format!("{LINK_PREFIX}{}\0", "A".repeat(1 << 20)),
                BadLink::TooLong,
            ),
            ("x".repeat(1 << 20), BadLink::NotALink),
            // Well sealed, and yet not right.
            (made(1, &[]), BadLink::Damaged),
            (made(1, &[(2, &[8; 16])]), BadLink::Damaged),
            (made(1, &[(1, &[7; 31])]), BadLink::Damaged),
            (made(1, &[(1, &[7; 33])]), BadLink::Damaged),
            (made(1, &[key, (2, &[8; 15])]), BadLink::Damaged),
            (made(1, &[key, key]), BadLink::Damaged),
            (
                made(1, &[key, (2, &[8; 16]), (2, &[8; 16])]),
                BadLink::Damaged,
            ),
            (made(1, &[key, (3, b"a"), (3, b"b")]), BadLink::Damaged),
            (made(0, &[key]), BadLink::Damaged),
            (made(2, &[key]), BadLink::TooNew),
            (made(255, &[]), BadLink::TooNew),
            (sealed(Vec::new()), BadLink::Damaged),
            (sealed(vec![1, 1]), BadLink::Damaged),
            (sealed(vec![1, 1, 0]), BadLink::Damaged),
            (sealed(vec![1, 1, 0xff, 0xff, 7]), BadLink::Damaged),
        ] {
            assert_eq!(InviteLink::decode(&text), Err(bad), "{text:.100}");
        }
        for at in 0..good.len() {
            let cut = InviteLink::decode(&good[..at]);
            assert!(cut.is_err(), "cut at {at}");
            let mut changed = good.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let read = InviteLink::decode(&changed);
            // The prefix may be in capitals.
            assert!(
                read.is_err() || (at < 16 && good[at..].starts_with('a')),
                "changed at {at}"
            );
        }
    }

    #[test]
    fn a_link_has_room_to_grow() {
        let key: (u8, &[u8]) = (1, &[7; 32]);
        let bare = InviteLink {
            key: RoomPublicKey([7; 32]),
            token: None,
            name: None,
            addresses: Vec::new(),
        };
        for fields in [
            vec![key, (200, b"later".as_slice())],
            vec![(0, b"".as_slice()), key, (5, &[1; 300])],
            vec![key, (3, b"\xff".as_slice())],
            vec![key, (3, b"two\nlines".as_slice())],
            vec![
                key,
                (4, b"quic://10.0.0.1:1".as_slice()),
                (4, b"\xff".as_slice()),
            ],
            vec![key, (4, b"come to 10.0.0.1 at once".as_slice())],
            vec![key, (4, b"10.0.0.1".as_slice())],
        ] {
            assert_eq!(InviteLink::decode(&made(1, &fields)), Ok(bare.clone()));
        }
        let address: (u8, &[u8]) = (4, b"10.0.0.1:1");
        let many = [vec![key], vec![address; 100]].concat();
        let read = InviteLink::decode(&made(1, &many)).unwrap();
        assert_eq!(read.addresses.len(), INVITE_ADDRESSES);
    }
}
