//! The identifiers of the wire: fixed-size byte strings, written as unpadded base64url, and the sequence number.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: expected {bytes} bytes of unpadded base64url")]
pub struct BadId {
    /// Which identifier was expected.
    pub what: &'static str,
    /// How many bytes it has.
    pub bytes: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $bytes]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&BASE64URL_NOPAD.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let bad = || BadId { what: $what, bytes: $bytes };
                let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| bad())?;
                bytes.try_into().map(Self).map_err(|_| bad())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        #[cfg(feature = "ts")]
        impl ts_rs::TS for $name {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn name(_: &ts_rs::Config) -> String {
                stringify!($name).to_owned()
            }

            fn inline(_: &ts_rs::Config) -> String {
                "string".to_owned()
            }

            fn decl(_: &ts_rs::Config) -> String {
                concat!("type ", stringify!($name), " = string;").to_owned()
            }
        }
    };
}

id! {
    /// A room: the first 16 bytes of SHA-512 over its public room key (see [`crate::identity::RoomKey::id`]).
    RoomId, 16, "room id"
}
id! {
    /// A member: its Ed25519 public key.
    MemberId, 32, "member id"
}
id! {
    /// A message's identity before it has a [`Seq`]: 128 random bits chosen by the author's side.
    ClientId, 16, "client id"
}
id! {
    /// The name of one log: random, new whenever the log is new or restored.
    Epoch, 16, "epoch"
}
id! {
    /// A relay's random challenge to one connection.
    Nonce, 32, "nonce"
}
id! {
    /// An Ed25519 signature.
    Signature, 64, "signature"
}
id! {
    /// A room's public key. The [`RoomId`] is derived from it, so whoever knows the id knows the key when it comes.
    RoomPublicKey, 32, "room key"
}
id! {
    /// A relay's TLS key: SHA-256 over its `SubjectPublicKeyInfo` (RFC 7469, section 2.4).
    TlsKey, 32, "tls key"
}
id! {
    /// What both ends of one TLS connection, and nobody else, derive from it: `tls-exporter` of RFC 9266.
    Exporter, 32, "exporter"
}
id! {
    /// The secret of an invite: whoever knows it may come in.
    Token, 16, "token"
}
id! {
    /// The public name of an invite: the start of SHA-512 over its token.
    InviteId, 8, "invite id"
}
id! {
    /// One side's random number, or the commitment to it, in a comparison of short codes.
    Share, 32, "share"
}

impl Token {
    /// The invite's public name.
    pub fn id(&self) -> InviteId {
        use ed25519_dalek::Digest;
        let hash = ed25519_dalek::Sha512::new()
            .chain_update(b"chatspot invite v1\0")
            .chain_update(self.0)
            .finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        InviteId(id)
    }
}

impl RoomPublicKey {
    /// The room that this key belongs to.
    pub fn room(&self) -> RoomId {
        use ed25519_dalek::Digest;
        let hash = ed25519_dalek::Sha512::new()
            .chain_update(b"chatspot room v1\0")
            .chain_update(self.0)
            .finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        RoomId(id)
    }
}

impl RoomId {
    /// The room's fingerprint for people, in groups of four letters or digits. All 128 bits of the id, which no other
    /// key can be made to have.
    pub fn fingerprint(&self) -> String {
        groups(&BASE32_NOPAD.encode(&self.0))
    }
}

fn groups(text: &str) -> String {
    let chars: Vec<char> = text.to_lowercase().chars().collect();
    let groups: Vec<String> = chars
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

impl MemberId {
    /// The short key tag shown beside a name: four letters or digits. A hint for the eye, not a proof.
    pub fn tag(&self) -> String {
        let mut tag = BASE32_NOPAD.encode(&self.0[..3]).to_lowercase();
        tag.truncate(4);
        tag
    }

    /// The key for people to compare, in groups of four letters or digits.
    pub fn fingerprint(&self) -> String {
        groups(&BASE32_NOPAD.encode(&self.0))
    }
}

/// A position in a room's log, gapless from 1. At most 2^53 - 1, so that every JSON reader holds it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Default)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "number"))]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first event.
    pub const ZERO: Seq = Seq(0);
    /// The largest position.
    pub const MAX: Seq = Seq((1 << 53) - 1);

    /// The next position.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if number > Self::MAX.0 {
            return Err(de::Error::custom("a seq is at most 2^53 - 1"));
        }
        Ok(Seq(number))
    }
}

/// Milliseconds since 1970 by somebody's clock. Only a label: nothing is ordered by it.
pub type WallMillis = i64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = ClientId([7; 16]);
        assert_eq!(id.to_string().parse::<ClientId>().unwrap(), id);
        assert_eq!(serde_json::to_string(&id).unwrap().len(), 24);
    }

    #[test]
    fn an_id_of_another_length_is_refused() {
        let short = Epoch([1; 16]).to_string();
        assert!(short.parse::<MemberId>().is_err());
        assert!("".parse::<ClientId>().is_err());
        assert!("!!!!".parse::<ClientId>().is_err());
    }

    #[test]
    fn f32_numbers_at_the_edge_negative_or_fractional_are_refused() {
        for text in [
            "9223372036854775807",
            "18446744073709551615",
            "-1",
            "1.5",
            "1e3",
            "9007199254740992",
            "\"1\"",
        ] {
            assert!(
                serde_json::from_str::<Seq>(text).is_err(),
                "{text} was taken as a seq"
            );
        }
        assert_eq!(
            serde_json::from_str::<Seq>("9007199254740991").unwrap(),
            Seq::MAX
        );
    }

    #[test]
    fn a_tag_is_four_letters_or_digits() {
        let tag = MemberId([0xab; 32]).tag();
        assert_eq!(tag.len(), 4);
        assert!(
            tag.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        );
    }
}
