//! Keys: a member's and a room's, and everything that they sign. Random bytes come in as arguments.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::ids::{Exporter, MemberId, Nonce, RoomId, RoomPublicKey, Signature, TlsKey};

/// What a hello signature is about, so that it can never be taken for another one.
const HELLO_CONTEXT: &[u8] = b"chatspot hello v1\0";
/// What a warrant's signature is about.
const WARRANT_CONTEXT: &[u8] = b"chatspot warrant v1\0";

/// What a proof given on a connection is bound to, so that it is worth nothing on any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Both ends hold the same TLS connection.
    Tls(Exporter),
    /// A web page or a proxy stands between, which hides the TLS connection: the relay's nonce alone.
    Nonce,
}

impl Channel {
    /// As it is signed: a byte for which, and 32 bytes.
    pub fn bytes(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        // Without it the tests of whoever stands between have to fail: that is what they are for.
        if cfg!(feature = "unbound") {
            return bytes;
        }
        if let Channel::Tls(exporter) = self {
            bytes[0] = 1;
            bytes[1..].copy_from_slice(&exporter.0);
        }
        bytes
    }
}

/// An installation's key pair. Whoever holds it is the member.
#[derive(Clone)]
pub struct Identity(SigningKey);

impl Identity {
    /// The key pair of 32 secret random bytes.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The public half.
    pub fn member(&self) -> MemberId {
        MemberId(self.0.verifying_key().to_bytes())
    }

    /// Proves to one relay connection, for one room, that this side holds the key.
    pub fn sign_hello(&self, channel: &Channel, nonce: &Nonce, room: &RoomId) -> Signature {
        self.sign(&hello_bytes(channel, nonce, room))
    }

    /// Signs bytes that begin with a context of their own.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(bytes).to_bytes())
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.member())
    }
}

/// Whether `signature` is `member`'s over this connection and this room. Small-order keys never pass.
pub fn hello_is_genuine(
    member: &MemberId,
    channel: &Channel,
    nonce: &Nonce,
    room: &RoomId,
    signature: &Signature,
) -> bool {
    is_genuine(&member.0, &hello_bytes(channel, nonce, room), signature)
}

/// Whether `signature` is that of the Ed25519 key `key` over `bytes`.
pub(crate) fn is_genuine(key: &[u8; 32], bytes: &[u8], signature: &Signature) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(key) else {
        return false;
    };
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    key.verify_strict(bytes, &signature).is_ok()
}

fn hello_bytes(channel: &Channel, nonce: &Nonce, room: &RoomId) -> Vec<u8> {
    [HELLO_CONTEXT, &channel.bytes(), &nonce.0, &room.0].concat()
}

/// A room's key pair: whoever holds it hosts the room.
#[derive(Clone)]
pub struct RoomKey(SigningKey);

impl RoomKey {
    /// The key pair of 32 secret random bytes.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The public half.
    pub fn public(&self) -> RoomPublicKey {
        RoomPublicKey(self.0.verifying_key().to_bytes())
    }

    /// The room itself as an author: of what the log says without a member's doing.
    pub fn author(&self) -> Identity {
        Identity(self.0.clone())
    }

    /// The room's id, derived from the public key: SHA-512 over context and key, cut to 16 bytes.
    pub fn id(&self) -> RoomId {
        self.public().room()
    }

    /// Says that a relay hosts this room, for the `term`-th time: higher terms take the place of lower ones.
    pub fn warrant(&self, term: u64, relay: RelayName) -> Warrant {
        let bytes = warrant_bytes(&self.public(), term, &relay);
        Warrant {
            term,
            relay,
            signature: Signature(self.0.sign(&bytes).to_bytes()),
        }
    }
}

impl std::fmt::Debug for RoomKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RoomKey({})", self.id())
    }
}

/// What a relay is known by to whoever dials it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum RelayName {
    /// The key of its own TLS.
    Tls {
        /// It.
        key: TlsKey,
    },
    /// A domain whose certificate the web's authorities vouch for: a proxy there ends the TLS.
    Domain {
        /// In lower case, without a port.
        domain: String,
    },
    /// Something of a later version.
    #[serde(other)]
    Unknown,
}

/// A statement by the room key: "this relay hosts this room".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warrant {
    /// Counts the relays of the room. One below the highest that a client saw is refused: that relay is not it any more.
    pub term: u64,
    /// Which relay.
    pub relay: RelayName,
    /// The room key's.
    pub signature: Signature,
}

impl Warrant {
    /// Whether the owner of `key` said this.
    pub fn is_genuine(&self, key: &RoomPublicKey) -> bool {
        is_genuine(
            &key.0,
            &warrant_bytes(key, self.term, &self.relay),
            &self.signature,
        )
    }
}

fn warrant_bytes(key: &RoomPublicKey, term: u64, relay: &RelayName) -> Vec<u8> {
    let (kind, name): (u8, &[u8]) = match relay {
        RelayName::Tls { key } => (1, &key.0),
        RelayName::Domain { domain } => (2, domain.as_bytes()),
        RelayName::Unknown => (0, &[]),
    };
    [WARRANT_CONTEXT, &key.0, &term.to_be_bytes(), &[kind], name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: Nonce = Nonce([2; 32]);
    const ROOM: RoomId = RoomId([3; 16]);

    #[test]
    fn a_hello_counts_for_its_own_member_channel_nonce_and_room_only() {
        let ada = Identity::from_secret(&[1; 32]);
        let tls = Channel::Tls(Exporter([7; 32]));
        let signature = ada.sign_hello(&tls, &NONCE, &ROOM);
        let other = Identity::from_secret(&[4; 32]);
        let cases = [
            (ada.member(), tls, NONCE, ROOM, true),
            (
                ada.member(),
                Channel::Tls(Exporter([8; 32])),
                NONCE,
                ROOM,
                false,
            ),
            (ada.member(), Channel::Nonce, NONCE, ROOM, false),
            (ada.member(), tls, Nonce([9; 32]), ROOM, false),
            (ada.member(), tls, NONCE, RoomId([9; 16]), false),
            (other.member(), tls, NONCE, ROOM, false),
        ];
        for (member, channel, nonce, room, genuine) in cases {
            assert_eq!(
                hello_is_genuine(&member, &channel, &nonce, &room, &signature),
                genuine,
                "{channel:?} {nonce:?} {room:?}"
            );
        }
        // A key of small order fits every signature in careless checks.
        let (nobody, nothing) = (MemberId([0; 32]), Signature([0; 64]));
        assert!(!hello_is_genuine(&nobody, &tls, &NONCE, &ROOM, &nothing));
    }

    #[test]
    fn a_room_id_belongs_to_its_key() {
        let (one, other) = (
            RoomKey::from_secret(&[5; 32]),
            RoomKey::from_secret(&[6; 32]),
        );
        assert_eq!(one.id(), RoomKey::from_secret(&[5; 32]).id());
        assert_ne!(one.id(), other.id());
    }

    #[test]
    fn a_warrant_is_for_one_room_one_relay_and_one_term() {
        let room = RoomKey::from_secret(&[5; 32]);
        let relay = RelayName::Tls {
            key: TlsKey([1; 32]),
        };
        let warrant = room.warrant(3, relay.clone());
        assert!(warrant.is_genuine(&room.public()));
        assert!(!warrant.is_genuine(&RoomKey::from_secret(&[6; 32]).public()));
        let later = Warrant {
            term: 4,
            ..warrant.clone()
        };
        assert!(!later.is_genuine(&room.public()));
        for relay in [
            RelayName::Tls {
                key: TlsKey([2; 32]),
            },
            RelayName::Domain {
                domain: "chat.example".to_owned(),
            },
            RelayName::Unknown,
        ] {
            let moved = Warrant {
                relay,
                ..warrant.clone()
            };
            assert!(!moved.is_genuine(&room.public()));
        }
    }
}
