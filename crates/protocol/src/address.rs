//! What people type or paste to join: an address in any of its spellings, or a line that contains one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::limits::{DEFAULT_PORT, RELAY_PORTS};

/// A relay's address: a name or number, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// A host name, an IPv4 address or an IPv6 address (without brackets, with its zone if it has one).
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Nothing in it looks like one.
    #[error("nothing in it looks like an address")]
    NotAnAddress,
    /// It has a scheme that cannot be dialled.
    #[error("{0}:// cannot be dialled")]
    WrongScheme(String),
}

/// Longest text that is searched for an address, in bytes: a long mail's worth.
const MAX_PASTE_BYTES: usize = 4096;
/// The port of `https` and `wss` where none is named (RFC 9110, section 4.2.2).
const HTTPS_PORT: u16 = 443;

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Address {
    /// The shortest text that people can type: without the port where it is the default one.
    pub fn short(&self) -> String {
        if self.port == DEFAULT_PORT && !self.host.contains(':') {
            self.host.clone()
        } else {
            self.to_string()
        }
    }

    /// Whether it is this computer whatever networks it is in, as far as the text tells.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether members tell each other of it: the number of a computer in a local network, with a port of
    /// [`RELAY_PORTS`]. A name would have a server asked, and a public number somebody in the internet dialled.
    pub fn may_be_introduced(&self) -> bool {
        let number = self.host.split('%').next().unwrap_or_default();
        let local = match number.parse() {
            Ok(IpAddr::V4(v4)) => {
                // 100.64.0.0/10 is what carriers and some VPNs use (RFC 6598).
                let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
                v4.is_private() || v4.is_link_local() || shared
            }
            Ok(IpAddr::V6(v6)) => v6.is_unicast_link_local() || v6.is_unique_local(),
            Err(_) => false,
        };
        local && RELAY_PORTS.contains(&self.port)
    }
}

/// How sure it is that a word is an address, best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Word,
    Dotted,
    WithPort,
    Number,
    WithScheme,
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let text = visible(text);
        let joined = close_up(&text);
        let mut refused = None;
        let mut found: Option<(Likeness, Address)> = None;
        for words in [
            joined.split_whitespace().collect::<Vec<_>>(),
            text.split_whitespace().collect(),
        ] {
            let alone = words.len() == 1;
            for word in words {
                match read_word(word) {
                    Ok((likeness, address)) => {
                        let enough = alone || likeness > Likeness::Word;
                        if enough && found.as_ref().is_none_or(|(best, _)| likeness > *best) {
                            found = Some((likeness, address));
                        }
                    }
                    Err(wrong @ BadAddress::WrongScheme(_)) => refused = Some(wrong),
                    Err(BadAddress::NotAnAddress) => {}
                }
            }
        }
        found
            .map(|(_, address)| address)
            .ok_or(refused.unwrap_or(BadAddress::NotAnAddress))
    }
}

/// Every address of a list like `10.0.0.7, lab.local:4471 or [fd00::5]`, in its order; words that are none without a
/// port, a dot or a scheme are passed over. Numbers come in their usual spelling.
pub fn all_in(text: &str) -> Vec<Address> {
    let text = close_up(&visible(text));
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    let found = words.filter_map(|word| {
        let (likeness, mut address) = read_word(word).ok()?;
        if let Ok(number) = address.host.parse::<Ipv6Addr>() {
            address.host = number.to_string();
        }
        (likeness > Likeness::Word).then_some(address)
    });
    found.collect()
}

/// Takes out what is not seen.
fn visible(text: &str) -> String {
    crate::text::cut(text, MAX_PASTE_BYTES)
        .chars()
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
        .collect()
}

/// Takes out the spaces around colons and slashes: `host : 4470` is one address.
fn close_up(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        let glue = |c: char| matches!(c, ':' | '/');
        if space && !glue(c) && !out.ends_with(glue) {
            out.push(' ');
        }
        space = false;
        out.push(c);
    }
    out
}

fn read_word(word: &str) -> Result<(Likeness, Address), BadAddress> {
    let word =
        word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '[' | ']' | ':' | '/'));
    let word = if word.ends_with("::") {
        word
    } else {
        word.trim_end_matches(':')
    };
    let (scheme, rest) = match word.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, word),
    };
    if let Some(scheme) = &scheme
        && !matches!(scheme.as_str(), "ws" | "http" | "wss" | "https")
    {
        let word_like = !scheme.is_empty()
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        return Err(if word_like {
            BadAddress::WrongScheme(scheme.clone())
        } else {
            BadAddress::NotAnAddress
        });
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // Such an address is mostly that of a proxy, which people know without its port.
    let default_port = match scheme.as_deref() {
        Some("wss" | "https") => HTTPS_PORT,
        _ => DEFAULT_PORT,
    };
    let (mut likeness, address) =
        read_host_and_port(&rest[..end], default_port).ok_or(BadAddress::NotAnAddress)?;
    if scheme.is_some() {
        likeness = Likeness::WithScheme;
    }
    Ok((likeness, address))
}

fn read_host_and_port(text: &str, default_port: u16) -> Option<(Likeness, Address)> {
    let (host, port) = if let Some(inner) = text.strip_prefix('[') {
        let (host, rest) = inner.split_once(']')?;
        (
            host,
            if rest.is_empty() {
                None
            } else {
                Some(rest.strip_prefix(':')?)
            },
        )
    } else if text.matches(':').count() >= 2 {
        (text, None)
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let bracketed = text.starts_with('[');
    // Small letters first: some capitals become more than one character, not all of which a name may hold.
    let host = if host.contains(':') {
        host.to_owned()
    } else {
        host.to_lowercase()
    };
    let likeness = likeness_of_host(&host, bracketed)?;
    let likeness = if port.is_some() {
        likeness.max(Likeness::WithPort)
    } else {
        likeness
    };
    let port = match port {
        Some(digits) if digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0)?
        }
        Some(_) => return None,
        None => default_port,
    };
    let host = host.trim_end_matches('.').to_owned();
    Some((likeness, Address { host, port }))
}

fn likeness_of_host(host: &str, bracketed: bool) -> Option<Likeness> {
    if bracketed || host.contains(':') {
        let (number, zone) = host.split_once('%').unwrap_or((host, "0"));
        // A dot at the end of a host is taken off later, and an empty zone is none.
        let zone_fits = !zone.is_empty()
            && !zone.ends_with('.')
            && zone.len() <= 32
            && zone
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@'));
        return number
            .parse::<Ipv6Addr>()
            .ok()
            .filter(|_| zone_fits)
            .map(|_| Likeness::Number);
    }
    if host.parse::<Ipv4Addr>().is_ok() {
        return Some(Likeness::Number);
    }
    // Digits and dots that are no IPv4 address are a slip, not a name.
    if host.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let name = host.trim_end_matches('.');
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
            && !label.starts_with(['-', '_'])
            && !label.ends_with(['-', '_'])
    };
    if name.len() > 253 || !name.split('.').all(label_fits) {
        return None;
    }
    Some(if name.contains('.') {
        Likeness::Dotted
    } else {
        Likeness::Word
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, host: &str, port: u16) {
        assert_eq!(
            text.parse(),
            Ok(Address {
                host: host.to_owned(),
                port
            }),
            "{text:?}"
        );
    }

    #[test]
    fn every_spelling_is_understood() {
        check("192.168.1.5", "192.168.1.5", DEFAULT_PORT);
        check("  192.168.1.5  ", "192.168.1.5", DEFAULT_PORT);
        check("192.168.1.5:5000", "192.168.1.5", 5000);
        check("192.168.1.5 : 5000", "192.168.1.5", 5000);
        check("192.168.1.5: 5000", "192.168.1.5", 5000);
        check("lab-pc", "lab-pc", DEFAULT_PORT);
        check("Lab-PC.local", "lab-pc.local", DEFAULT_PORT);
        check("lab_pc:4471", "lab_pc", 4471);
        check("m\u{fc}ller.local", "m\u{fc}ller.local", DEFAULT_PORT);
        check("::1", "::1", DEFAULT_PORT);
        check("fd00::", "fd00::", DEFAULT_PORT);
        check("host:", "host", DEFAULT_PORT);
        check("[::1]", "::1", DEFAULT_PORT);
        check("[fe80::1%eth0]:4471", "fe80::1%eth0", 4471);
        check("fe80::1%2", "fe80::1%2", DEFAULT_PORT);
        check("2001:db8::7", "2001:db8::7", DEFAULT_PORT);
        check("ws://192.168.1.5:4470/ws", "192.168.1.5", 4470);
        check("ws:// 192.168.1.5 : 4470 ", "192.168.1.5", 4470);
        check("http://[::1]:4471/?x#y", "::1", 4471);
        check("WS://Host", "host", DEFAULT_PORT);
        check("https://chat.example/", "chat.example", 443);
        check("wss://chat.example/ws", "chat.example", 443);
        check("wss://192.168.1.5:4470/ws", "192.168.1.5", 4470);
        check("see https://chat.example/x, or ask", "chat.example", 443);
        check("\u{feff}192.168.1.5\u{200b}", "192.168.1.5", DEFAULT_PORT);
    }

    #[test]
    fn an_address_is_found_in_a_pasted_line() {
        check("Join me at 192.168.1.5:4471!", "192.168.1.5", 4471);
        check("Join me at: 192.168.1.5", "192.168.1.5", DEFAULT_PORT);
        check(
            "Workshop (\"lab-pc.local\"), see you there.",
            "lab-pc.local",
            DEFAULT_PORT,
        );
        check("e.g. the room on <ws://10.0.0.7:4480>", "10.0.0.7", 4480);
        check(
            "see chat.example.org, address: 192.168.1.5",
            "192.168.1.5",
            DEFAULT_PORT,
        );
        check(
            "Anna: my address is\n10.1.2.3\nthanks",
            "10.1.2.3",
            DEFAULT_PORT,
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "   ",
            ":",
            "://",
            "[",
            "[]",
            "[::1",
            "[::1]x",
            "hello there",
            "192.168.1",
            "192.168.1.500",
            "1234",
            "host:0",
            "host:70000",
            "host:http",
            "a..b",
            "user@host",
            "[fe80::1%]",
            "[fe80::1%.]",
            "\u{130}",
            "ws://_x",
            "ws://x_/y",
            "ws://-x",
            "[fe80::1%eth0.]",
            "\u{1f600}",
            "ho st",
        ] {
            assert_eq!(
                text.parse::<Address>(),
                Err(BadAddress::NotAnAddress),
                "{text:?}"
            );
        }
        assert_eq!(
            "ftp://host".parse::<Address>(),
            Err(BadAddress::WrongScheme("ftp".into()))
        );
        assert_eq!(
            "see file://host/x".parse::<Address>(),
            Err(BadAddress::WrongScheme("file".into()))
        );
        assert!("x".repeat(100_000).parse::<Address>().is_err());
    }

    #[test]
    fn an_address_survives_its_text() {
        for address in [
            Address {
                host: "fe80::1%eth0".into(),
                port: 4470,
            },
            Address {
                host: "host".into(),
                port: 1,
            },
        ] {
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        assert_eq!(
            Address {
                host: "10.0.0.1".into(),
                port: DEFAULT_PORT
            }
            .short(),
            "10.0.0.1"
        );
        assert_eq!(
            Address {
                host: "::1".into(),
                port: DEFAULT_PORT
            }
            .short(),
            "[::1]:4470"
        );
    }
}
