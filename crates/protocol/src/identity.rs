//! Keys: a member's and a room's, and the signature that opens a connection. Random bytes come in as arguments.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use crate::ids::{MemberId, Nonce, RoomId, Signature};

/// What a hello signature is about, so that it can never be taken for another one.
const HELLO_CONTEXT: &[u8] = b"chatspot hello v1\0";
/// What a room id is derived under.
const ROOM_CONTEXT: &[u8] = b"chatspot room v1\0";

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
    pub fn sign_hello(&self, nonce: &Nonce, room: &RoomId) -> Signature {
        Signature(self.0.sign(&hello_bytes(nonce, room)).to_bytes())
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.member())
    }
}

/// Whether `signature` is `member`'s over this connection's nonce and this room. Small-order keys never pass.
pub fn hello_is_genuine(
    member: &MemberId,
    nonce: &Nonce,
    room: &RoomId,
    signature: &Signature,
) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(&member.0) else {
        return false;
    };
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    key.verify_strict(&hello_bytes(nonce, room), &signature)
        .is_ok()
}

fn hello_bytes(nonce: &Nonce, room: &RoomId) -> Vec<u8> {
    [HELLO_CONTEXT, &nonce.0, &room.0].concat()
}

/// A room's key pair: whoever holds it hosts the room.
#[derive(Clone)]
pub struct RoomKey(SigningKey);

impl RoomKey {
    /// The key pair of 32 secret random bytes.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The room itself as an author: of what the log says without a member's doing.
    pub fn member(&self) -> MemberId {
        MemberId(self.0.verifying_key().to_bytes())
    }

    /// The room's id, derived from the public key: SHA-512 over context and key, cut to 16 bytes.
    pub fn id(&self) -> RoomId {
        use ed25519_dalek::Digest;
        let hash = ed25519_dalek::Sha512::new()
            .chain_update(ROOM_CONTEXT)
            .chain_update(self.0.verifying_key().as_bytes())
            .finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        RoomId(id)
    }
}

impl std::fmt::Debug for RoomKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RoomKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_counts_for_its_own_member_nonce_and_room_only() {
        let ada = Identity::from_secret(&[1; 32]);
        let (nonce, room) = (Nonce([2; 32]), RoomId([3; 16]));
        let signature = ada.sign_hello(&nonce, &room);
        assert!(hello_is_genuine(&ada.member(), &nonce, &room, &signature));
        assert!(!hello_is_genuine(
            &ada.member(),
            &Nonce([9; 32]),
            &room,
            &signature
        ));
        assert!(!hello_is_genuine(
            &ada.member(),
            &nonce,
            &RoomId([9; 16]),
            &signature
        ));
        assert!(!hello_is_genuine(
            &Identity::from_secret(&[4; 32]).member(),
            &nonce,
            &room,
            &signature
        ));
        assert!(!hello_is_genuine(
            &MemberId([0; 32]),
            &nonce,
            &room,
            &Signature([0; 64])
        ));
    }

    #[test]
    fn a_room_id_belongs_to_its_key() {
        assert_eq!(
            RoomKey::from_secret(&[5; 32]).id(),
            RoomKey::from_secret(&[5; 32]).id()
        );
        assert_ne!(
            RoomKey::from_secret(&[5; 32]).id(),
            RoomKey::from_secret(&[6; 32]).id()
        );
    }
}
