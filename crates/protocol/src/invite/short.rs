//! An invite as a text that people read, print and pass on by hand:
//!
//! ```text
//! ChatSpot room "Workshop" at 192.168.1.5, 10.0.0.7:4471 or [fd00::5]:4470
//! key: 5VEST-...
//! invite: ...
//! ```
//!
//! What must be right has check bytes: `key` is base32 (RFC 4648, section 6) of the room's key and three bytes that also
//! say what else there is, `invite` that of the token and four bytes that bind it to the key. Name and addresses are
//! what a reader makes of them: they are hints in a link, too.

use data_encoding::{BASE32_NOPAD, Encoding};

use super::{BadLink, InviteLink, without_zone};
use crate::address::{Address, all_in};
use crate::ids::{RoomPublicKey, Token};
use crate::limits::INVITE_ADDRESSES;
use crate::text::RoomName;

const HEADER: &str = "chatspot room";
const KEY: &str = "key";
const INVITE: &str = "invite";
/// Letters between two dashes: as many as people read out in one breath.
const GROUP: usize = 4;
/// The key and its check: 56 letters.
const KEY_BYTES: usize = 32 + KEY_CHECK;
/// One changed text in four million passes, since the four [`Parts`] have a check each.
const KEY_CHECK: usize = 3;
/// The token and its check: 32 letters.
const TOKEN_BYTES: usize = 16 + TOKEN_CHECK;
/// One in four thousand million.
const TOKEN_CHECK: usize = 4;
const CODE: Encoding = BASE32_NOPAD;

/// Around a name. Programs for writing put others in the place of the first.
const QUOTES: [char; 8] = [
    '"', '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{ab}', '\u{bb}', '\u{ff02}',
];
/// The same of those who like one stroke.
const SINGLE_QUOTES: [char; 6] = [
    '\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{2039}', '\u{203a}',
];

/// What a text has beside the key, so that a cut one is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    token: bool,
    addresses: bool,
}

impl Parts {
    const ALL: [Parts; 4] = [
        Parts::new(false, false),
        Parts::new(true, false),
        Parts::new(false, true),
        Parts::new(true, true),
    ];

    const fn new(token: bool, addresses: bool) -> Self {
        Self { token, addresses }
    }

    fn check(self, key: &RoomPublicKey) -> [u8; KEY_CHECK] {
        let parts = u8::from(self.token) | u8::from(self.addresses) << 1;
        check(&[b"chatspot text v1\0", &[parts], &key.0])
    }
}

fn token_check(key: &RoomPublicKey, token: &Token) -> [u8; TOKEN_CHECK] {
    check(&[b"chatspot text invite v1\0", &key.0, &token.0])
}

fn check<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    use ed25519_dalek::Digest;
    let mut hash = ed25519_dalek::Sha512::new();
    for part in parts {
        hash.update(part);
    }
    let hash = hash.finalize();
    std::array::from_fn(|place| hash[place])
}

pub(super) fn write(link: &InviteLink) -> String {
    let addresses: Vec<String> = link
        .addresses
        .iter()
        .take(INVITE_ADDRESSES)
        .map(|address| shown(&without_zone(address)))
        .collect();
    let mut text = "ChatSpot room".to_owned();
    if let Some(name) = &link.name {
        text.extend([" \"", name.as_str(), "\""]);
    }
    match addresses.split_last() {
        Some((only, [])) => text.extend([" at ", only]),
        Some((last, first)) => text.extend([" at ", &first.join(", "), " or ", last]),
        None => {}
    }
    let parts = Parts::new(link.token.is_some(), !addresses.is_empty());
    text += "\nkey: ";
    text += &code(&[&link.key.0[..], &parts.check(&link.key)].concat());
    if let Some(token) = &link.token {
        text += "\ninvite: ";
        text += &code(&[&token.0[..], &token_check(&link.key, token)].concat());
    }
    text
}

/// As short as it can be without being taken for a word.
fn shown(address: &Address) -> String {
    if address.host.contains('.') {
        address.short()
    } else {
        address.to_string()
    }
}

fn code(bytes: &[u8]) -> String {
    let letters = CODE.encode(bytes);
    let mut code = String::with_capacity(letters.len() * 5 / 4);
    for (place, letter) in letters.chars().enumerate() {
        if place > 0 && place % GROUP == 0 {
            code.push('-');
        }
        code.push(letter);
    }
    code
}

/// Reads the first such text in a longer one. None where nothing looks like one.
pub(super) fn find(text: &str) -> Option<Result<InviteLink, BadLink>> {
    let text = one_line(text);
    // Of the same length: what is found in it is found in the text.
    let small = text.to_ascii_lowercase();
    let mut looks_like_one = false;
    let mut damaged = None;
    for (start, end) in labels(&small, KEY) {
        match read_key(&text[end..]) {
            Some((key, parts, rest)) => match read(key, parts, &text[..start], rest) {
                Ok(link) => return Some(Ok(link)),
                Err(bad) => damaged = damaged.or(Some(bad)),
            },
            None => looks_like_one |= small[..start].contains(HEADER),
        }
    }
    let damaged = damaged.or(looks_like_one.then_some(BadLink::Damaged));
    damaged.map(Err)
}

/// The text without line breaks and the marks of quoted lines.
fn one_line(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '|')));
    let words = lines.flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

/// Where `label` stands with a colon behind it: where it begins, and where what it names does.
fn labels(small: &str, label: &'static str) -> impl Iterator<Item = (usize, usize)> {
    small.match_indices(label).filter_map(move |(start, _)| {
        let rest = &small[start + label.len()..];
        let colon = rest.find(|c: char| !c.is_whitespace() && !matches!(c, '*' | '_'))?;
        let is_colon = rest[colon..].starts_with([':', '\u{ff1a}']);
        is_colon.then_some((start, start + label.len() + colon))
    })
}

/// Reads a code of `N` bytes, whatever stands between its letters, and gives what follows.
fn read_code<const N: usize>(text: &str) -> Option<([u8; N], &str)> {
    let wanted = CODE.encode_len(N);
    let mut letters = String::with_capacity(wanted);
    for (at, c) in text.char_indices() {
        let letter = match c.to_ascii_uppercase() {
            // These are no letters of the code, and look like some.
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            letter @ ('A'..='Z' | '2'..='7') => letter,
            other if other.is_alphanumeric() => return None,
            _ => continue,
        };
        letters.push(letter);
        if letters.len() == wanted {
            let bytes = CODE.decode(letters.as_bytes()).ok()?;
            return Some((bytes.try_into().ok()?, &text[at + c.len_utf8()..]));
        }
    }
    None
}

fn read_key(text: &str) -> Option<(RoomPublicKey, Parts, &str)> {
    let (bytes, rest) = read_code::<KEY_BYTES>(text)?;
    let (key, sum) = bytes.split_first_chunk::<32>()?;
    let key = RoomPublicKey(*key);
    let mut parts = Parts::ALL.into_iter();
    let parts = parts.find(|parts| parts.check(&key) == sum)?;
    Some((key, parts, rest))
}

fn read(key: RoomPublicKey, parts: Parts, head: &str, tail: &str) -> Result<InviteLink, BadLink> {
    let (name, places) = read_head(head);
    let mut addresses: Vec<Address> = Vec::new();
    for address in all_in(places).iter().map(without_zone) {
        if addresses.len() < INVITE_ADDRESSES && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if parts.addresses && addresses.is_empty() {
        return Err(BadLink::Damaged);
    }
    let token = if parts.token {
        let small = tail.to_ascii_lowercase();
        let mut codes = labels(&small, INVITE);
        let token = codes.find_map(|(_, end)| read_token(&key, &tail[end..]));
        Some(token.ok_or(BadLink::Damaged)?)
    } else {
        None
    };
    Ok(InviteLink {
        key,
        token,
        name,
        addresses,
    })
}

fn read_token(key: &RoomPublicKey, text: &str) -> Option<Token> {
    let (bytes, _) = read_code::<TOKEN_BYTES>(text)?;
    let (token, sum) = bytes.split_first_chunk::<16>()?;
    let token = Token(*token);
    (token_check(key, &token) == sum).then_some(token)
}

/// The name, and where the addresses are.
fn read_head(head: &str) -> (Option<RoomName>, &str) {
    let head = &head[header_end(head)..];
    let quoted = |quotes: &[char]| {
        let (first, opening) = head.char_indices().find(|(_, c)| quotes.contains(c))?;
        // No address has any, but a name may.
        let (last, closing) = head.char_indices().rfind(|(_, c)| quotes.contains(c))?;
        let from = first + opening.len_utf8();
        (from <= last).then(|| (&head[from..last], &head[last + closing.len_utf8()..]))
    };
    match quoted(&QUOTES).or_else(|| quoted(&SINGLE_QUOTES)) {
        Some((name, places)) => (RoomName::parse(name).ok(), places),
        None => (None, head),
    }
}

/// Behind the words that it begins with: those before a name or an address, not those within a name.
fn header_end(head: &str) -> usize {
    let small = head.to_ascii_lowercase();
    let ends = || small.match_indices(HEADER).map(|(at, _)| at + HEADER.len());
    let is_before_more = |end: &usize| {
        let more = small[*end..].strip_prefix(' ');
        more.is_some_and(|more| {
            more.starts_with("at ") || more.starts_with(QUOTES) || more.starts_with(SINGLE_QUOTES)
        })
    };
    ends()
        .find(is_before_more)
        .or_else(|| ends().next())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
