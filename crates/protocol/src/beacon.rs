//! What is called out in the network so that rooms are found: datagrams, and the text record of a DNS-SD service.
//!
//! All of it is a hint, said by anybody: what a room is, it proves by its key when it is dialled. Nothing here says more
//! than a relay's greeting tells every stranger.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use crate::event::Admission;
use crate::ids::{RoomId, WallMillis};
use crate::limits::{BEACON_BYTES, BEACON_VERSION};
use crate::text::{DisplayName, RoomName};
use crate::wire::RoomSummary;

/// The DNS-SD service type (RFC 6763).
pub const SERVICE: &str = "_chatspot._tcp";

/// One datagram: a JSON object of at most [`crate::limits::BEACON_BYTES`], with the version under `chatspot` and how it is
/// sent under `by`. Who receives it cannot tell that everywhere: not all systems say to where a datagram was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Beacon {
    /// A room is open at the sender's address and this TCP port.
    Here {
        /// The relay's port.
        port: u16,
        /// What everybody may know of the room.
        #[serde(flatten)]
        room: RoomSummary,
    },
    /// A room that the sender called out is not open any more.
    Gone {
        /// Which.
        room: RoomId,
    },
    /// Whoever has rooms open: please say so.
    Seek,
    /// Whoever runs ChatSpot: please answer, each way that you can.
    Ping {
        /// Random; the answers repeat it.
        nonce: u64,
    },
    /// The answer to `ping`.
    Pong {
        /// That of the `ping`.
        nonce: u64,
        /// How the `ping` came in.
        heard: Cast,
        /// The sender's clock.
        #[serde(deserialize_with = "crate::time::label")]
        at: WallMillis,
    },
}

/// How a datagram is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cast {
    /// To a group.
    Multicast,
    /// To all of a network.
    Broadcast,
    /// To one address.
    Unicast,
    /// A way of a later version.
    #[serde(other)]
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    chatspot: u32,
    by: Cast,
    #[serde(flatten)]
    beacon: T,
}

/// Why a datagram is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBeacon {
    /// Longer than [`crate::limits::BEACON_BYTES`].
    #[error("{0} bytes are too long")]
    TooLong(usize),
    /// Anything else, that of a later version included.
    #[error("{0}")]
    Malformed(String),
}

impl Beacon {
    /// Reads a datagram, and how it was sent.
    pub fn decode(bytes: &[u8]) -> Result<(Self, Cast), BadBeacon> {
        if bytes.len() > BEACON_BYTES {
            return Err(BadBeacon::TooLong(bytes.len()));
        }
        // serde would take an array for an object, field by field.
        if bytes.first() != Some(&b'{') {
            return Err(BadBeacon::Malformed("no JSON object".to_owned()));
        }
        let envelope: Envelope<Beacon> = serde_json::from_slice(bytes)
            .map_err(|error| BadBeacon::Malformed(error.to_string()))?;
        if envelope.chatspot != BEACON_VERSION {
            let message = format!("version {}", envelope.chatspot);
            return Err(BadBeacon::Malformed(message));
        }
        Ok((envelope.beacon, envelope.by))
    }

    /// The datagram, to be sent so. Never longer than [`crate::limits::BEACON_BYTES`].
    pub fn encode(&self, by: Cast) -> Vec<u8> {
        let envelope = Envelope {
            chatspot: BEACON_VERSION,
            by,
            beacon: self,
        };
        serde_json::to_vec(&envelope).expect("beacons have string keys only")
    }
}

/// The keys and values of a room's text record (RFC 6763, section 6), in this order. Values are UTF-8.
pub fn text_record(room: &RoomSummary) -> Vec<(&'static str, String)> {
    let mut record = vec![
        ("v", BEACON_VERSION.to_string()),
        ("room", BASE64URL_NOPAD.encode(&room.room.0)),
        ("name", room.name.as_str().to_owned()),
    ];
    if let Some(host) = &room.host {
        record.push(("host", host.as_str().to_owned()));
    }
    record.push(("online", room.online.to_string()));
    record.push(("admission", room.admission.name().to_owned()));
    if room.locked {
        record.push(("locked", "1".to_owned()));
    }
    if room.full {
        record.push(("full", "1".to_owned()));
    }
    record
}

/// What a text record says. None where it is not one of a room, or of a later version.
pub fn read_text_record<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<RoomSummary> {
    if get("v")?.parse() != Ok(BEACON_VERSION) {
        return None;
    }
    let admission = match get("admission").unwrap_or("open") {
        "open" => Admission::Open,
        "passcode" => Admission::Passcode,
        "invite" => Admission::Invite,
        "knock" => Admission::Knock,
        _ => Admission::Unknown,
    };
    Some(RoomSummary {
        room: get("room")?.parse().ok()?,
        name: RoomName::parse(get("name")?).ok()?,
        host: get("host").and_then(|host| DisplayName::parse(host).ok()),
        online: get("online")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
        full: get("full") == Some("1"),
        admission,
        locked: get("locked") == Some("1"),
        hidden: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_NAME_BYTES;

    fn summary() -> RoomSummary {
        RoomSummary {
            room: RoomId([7; 16]),
            name: RoomName::parse("Workshop").unwrap(),
            host: Some(DisplayName::parse("Anna").unwrap()),
            online: 3,
            full: false,
            admission: Admission::Open,
            locked: false,
            hidden: false,
        }
    }

    /// A room with everything that takes place.
    fn longest() -> RoomSummary {
        // Forty letters that JSON escapes, each with marks on it.
        let name = "\"\u{301}\u{301}".repeat(40);
        let longest = "\u{1f600}\u{301}".repeat(40);
        assert_eq!(longest.len(), MAX_NAME_BYTES);
        RoomSummary {
            name: RoomName::parse(&name).unwrap(),
            host: Some(DisplayName::parse(&longest).unwrap()),
            online: u32::MAX,
            full: true,
            admission: Admission::Passcode,
            locked: true,
            ..summary()
        }
    }

    #[track_caller]
    fn check(beacon: &Beacon, by: Cast, written: &str) {
        let bytes = beacon.encode(by);
        assert_eq!(std::str::from_utf8(&bytes), Ok(written));
        assert_eq!(Beacon::decode(&bytes), Ok((beacon.clone(), by)));
    }

    #[test]
    fn each_datagram_is_written_so() {
        let room = summary();
        check(
            &Beacon::Here { port: 4470, room },
            Cast::Multicast,
            r#"{"chatspot":1,"by":"multicast","type":"here","port":4470,"room":"BwcHBwcHBwcHBwcHBwcHBw","name":"Workshop","host":"Anna","online":3,"full":false,"admission":"open","locked":false}"#,
        );
        let room = RoomId([7; 16]);
        check(
            &Beacon::Gone { room },
            Cast::Broadcast,
            r#"{"chatspot":1,"by":"broadcast","type":"gone","room":"BwcHBwcHBwcHBwcHBwcHBw"}"#,
        );
        check(
            &Beacon::Seek,
            Cast::Multicast,
            r#"{"chatspot":1,"by":"multicast","type":"seek"}"#,
        );
        check(
            &Beacon::Ping { nonce: u64::MAX },
            Cast::Broadcast,
            r#"{"chatspot":1,"by":"broadcast","type":"ping","nonce":18446744073709551615}"#,
        );
        let pong = Beacon::Pong {
            nonce: 5,
            heard: Cast::Broadcast,
            at: 1_700_000_000_000,
        };
        check(
            &pong,
            Cast::Unicast,
            r#"{"chatspot":1,"by":"unicast","type":"pong","nonce":5,"heard":"broadcast","at":1700000000000}"#,
        );
    }

    #[test]
    fn the_longest_names_fit() {
        let beacon = Beacon::Here {
            port: u16::MAX,
            room: longest(),
        };
        let bytes = beacon.encode(Cast::Multicast);
        assert!(bytes.len() <= BEACON_BYTES, "{}", bytes.len());
        assert_eq!(Beacon::decode(&bytes), Ok((beacon, Cast::Multicast)));
        for (key, value) in text_record(&longest()) {
            // RFC 6763, section 6.1: one byte tells the length of a string.
            assert!(key.len() + 1 + value.len() <= 255, "{key}");
        }
    }

    #[test]
    fn what_is_none_of_ours_is_refused() {
        let deep = format!(r#"{{"chatspot":1,"x":{}"#, "[".repeat(1_100));
        let versions = [
            r#"{"chatspot":2,"by":"multicast","type":"seek"}"#,
            r#"{"by":"multicast","type":"seek"}"#,
            r#"{"chatspot":"1","by":"multicast","type":"seek"}"#,
            r#"{"chatspot":1,"type":"seek"}"#,
            r#"{"chatspot":1,"by":"multicast","type":"dance"}"#,
            r#"{"chatspot":1,"by":"multicast","type":"here","port":70000}"#,
            r#"[1,"multicast","seek"]"#,
            " {}",
            "",
            &deep,
        ];
        for text in versions {
            let read = Beacon::decode(text.as_bytes());
            assert!(matches!(read, Err(BadBeacon::Malformed(_))), "{text}");
        }
        let mut long = Beacon::Seek.encode(Cast::Multicast);
        long.resize(BEACON_BYTES, b' ');
        assert_eq!(Beacon::decode(&long), Ok((Beacon::Seek, Cast::Multicast)));
        long.push(b' ');
        let refused = Err(BadBeacon::TooLong(BEACON_BYTES + 1));
        assert_eq!(Beacon::decode(&long), refused);
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over() {
        let text = r#"{"chatspot":1,"by":"pigeon","type":"seek","for":{"rooms":[1]}}"#;
        let read = Beacon::decode(text.as_bytes());
        assert_eq!(read, Ok((Beacon::Seek, Cast::Unknown)));
    }

    #[test]
    fn a_text_record_says_the_same() {
        for room in [summary(), longest()] {
            let record = text_record(&room);
            let get = |key: &str| {
                let pair = record.iter().find(|(other, _)| *other == key);
                pair.map(|(_, value)| value.as_str())
            };
            assert_eq!(read_text_record(get), Some(room));
            let later = |key: &str| if key == "v" { Some("2") } else { get(key) };
            assert_eq!(read_text_record(later), None);
            let nameless = |key: &str| get(key).filter(|_| key != "name");
            assert_eq!(read_text_record(nameless), None);
        }
        assert_eq!(
            text_record(&summary())
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>(),
            [
                "v=1",
                "room=BwcHBwcHBwcHBwcHBwcHBw",
                "name=Workshop",
                "host=Anna",
                "online=3",
                "admission=open"
            ]
        );
    }
}
