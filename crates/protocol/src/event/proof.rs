//! Whether many events at once were said by whom they name: a page is checked for less than its events one by one.

use std::collections::HashMap;

use ed25519_dalek::{Signature, VerifyingKey, verify_batch};

use super::{Event, Proof, said_bytes};
use crate::ids::{MemberId, RoomId};
use crate::limits::SIGNATURES_AT_ONCE;

/// One signature that is to be checked.
struct Claim {
    /// Whose proof it becomes.
    at: usize,
    said: Vec<u8>,
    key: VerifyingKey,
    signature: Signature,
}

/// What [`Event::proof`] says of each of these events, for half the time.
///
/// Signatures are checked [`SIGNATURES_AT_ONCE`] together, by one equation over random multiples of all of them; where
/// it does not hold, one by one. The equation lets nothing through that somebody without the author's key made, once
/// keys of small order are kept out: those fit any signature, and no batch looks for them, so that is done here. What
/// else `verify_strict` refuses and a batch may take are twists that only the owner of the key can make: a part of
/// small order in the signature or the key, of which up to one in eight passes, or another spelling of the same point.
/// Then one computer calls it the author's, and another one misses the proof, of words that the author signed either
/// way. A relay refuses such signatures, because it checks each strictly ([`crate::room::check_submit`]).
/// See "Taming the many `EdDSAs`" (Chalkias, Garillot, Nikolaenko 2020).
pub fn proofs(room: &RoomId, events: &[&Event]) -> Vec<Proof> {
    let mut proofs = Vec::with_capacity(events.len());
    let mut keys: HashMap<MemberId, Option<VerifyingKey>> = HashMap::new();
    let mut claims = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let Some(said) = said_bytes(room, &event.author, &event.name, &event.body) else {
            proofs.push(Proof::Relay);
            continue;
        };
        proofs.push(Proof::Missing);
        let key = *keys
            .entry(event.author)
            .or_insert_with(|| strong(&event.author));
        if let (Some(key), Some(signature)) = (key, &event.signature) {
            claims.push(Claim {
                at,
                said,
                key,
                signature: Signature::from_bytes(&signature.0),
            });
        }
    }
    for claims in claims.chunks(SIGNATURES_AT_ONCE) {
        let all = claims.len() > 1 && holds(claims);
        for Claim {
            at,
            said,
            key,
            signature,
        } in claims
        {
            if all || key.verify_strict(said, signature).is_ok() {
                proofs[*at] = Proof::Author;
            }
        }
    }
    proofs
}

/// A member's key, unless it is one that fits every signature, or none.
fn strong(member: &MemberId) -> Option<VerifyingKey> {
    VerifyingKey::from_bytes(&member.0)
        .ok()
        .filter(|key| !key.is_weak())
}

fn holds(claims: &[Claim]) -> bool {
    let said: Vec<&[u8]> = claims.iter().map(|claim| &claim.said[..]).collect();
    let signatures: Vec<Signature> = claims.iter().map(|claim| claim.signature).collect();
    let keys: Vec<VerifyingKey> = claims.iter().map(|claim| claim.key).collect();
    verify_batch(&said, &signatures, &keys).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, Leaving, Submission};
    use crate::identity::{Identity, RoomKey};
    use crate::ids::{ClientId, Seq, Signature};
    use crate::text::{DisplayName, MessageText};

    fn room() -> RoomId {
        RoomKey::from_secret(&[7; 32]).id()
    }

    /// A message of one of five members.
    fn said(number: u8) -> Event {
        let author = Identity::from_secret(&[number % 5 + 1; 32]);
        let name = DisplayName::parse("Ada").unwrap();
        let text = MessageText::parse("x").unwrap();
        let submission = Submission::message(ClientId([number; 16]), text);
        let signed = submission.sign(&author, &room(), &name);
        Event {
            seq: Seq(1),
            at: 0,
            author: author.member(),
            name,
            body: signed.submission.into(),
            signature: Some(signed.signature),
        }
    }

    fn check(events: &[Event]) {
        let one_by_one: Vec<Proof> = events.iter().map(|event| event.proof(&room())).collect();
        let together = proofs(&room(), &events.iter().collect::<Vec<_>>());
        assert_eq!(together, one_by_one);
    }

    fn page(count: u8) -> Vec<Event> {
        (0..count).map(said).collect()
    }

    #[test]
    fn many_are_vouched_for_as_each_is_alone() {
        assert_eq!(proofs(&room(), &[]), []);
        for count in [1, 2, 63, 64, 65, 200] {
            let events = page(count);
            check(&events);
            assert!(
                events
                    .iter()
                    .all(|event| event.proof(&room()) == Proof::Author)
            );
        }
    }

    #[test]
    fn f33_one_bad_signature_does_not_hide_among_good_ones_nor_spoil_them() {
        type Spoil = fn(&mut Event);
        let spoils: [Spoil; 6] = [
            |event| event.signature = None,
            |event| event.signature = Some(Signature([0; 64])),
            |event| event.signature = said(201).signature,
            |event| event.name = DisplayName::parse("Eve").unwrap(),
            |event| event.author = MemberId([0; 32]),
            |event| event.author = Identity::from_secret(&[99; 32]).member(),
        ];
        for spoil in spoils {
            for at in [0, 63, 64, 69] {
                let mut events = page(70);
                spoil(&mut events[at]);
                check(&events);
                let proofs = proofs(&room(), &events.iter().collect::<Vec<_>>());
                for (place, proof) in proofs.into_iter().enumerate() {
                    let wanted = if place == at {
                        Proof::Missing
                    } else {
                        Proof::Author
                    };
                    assert_eq!(proof, wanted, "{place}, spoilt at {at}");
                }
            }
        }
    }

    /// A key of small order fits a signature that nobody made: without being kept out, batches of them would pass.
    #[test]
    fn f33_a_key_that_fits_every_signature_is_nobody() {
        // The neutral point, whose every multiple is itself: 0·B = R + k·A with R = A = 0.
        let neutral = {
            let mut bytes = [0; 32];
            bytes[0] = 1;
            bytes
        };
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&neutral);
        let forged = |number| Event {
            author: MemberId(neutral),
            signature: Some(Signature(signature)),
            ..said(number)
        };
        let mut events = page(10);
        events.extend([forged(20), forged(21)]);
        check(&events);
        let proofs = proofs(&room(), &events.iter().collect::<Vec<_>>());
        assert_eq!(proofs[10..], [Proof::Missing; 2]);
    }

    #[test]
    fn what_nobody_signs_is_the_relays() {
        let left = Event {
            body: Body::Left { how: Leaving::Left },
            signature: None,
            ..said(1)
        };
        let unknown = Event {
            body: Body::Unknown,
            ..said(1)
        };
        let events = [said(1), left, unknown, said(2)];
        check(&events);
        let proofs = proofs(&room(), &events.iter().collect::<Vec<_>>());
        assert_eq!(
            proofs,
            [Proof::Author, Proof::Relay, Proof::Relay, Proof::Author]
        );
    }
}
