//! How sure it is that a room is the right one, and what vouches for what is said in it.

use chatspot_protocol::ids::{Signature, Token};
use chatspot_protocol::session::Trust;
use chatspot_protocol::timeline::Told;

use super::*;

const TOKEN: Token = Token([7; 16]);

fn invited() -> Opening {
    Opening {
        token: Some(TOKEN),
        verified: Verified::Invite,
        ..opening("Lab")
    }
}

#[tokio::test]
async fn f83_what_is_known_of_a_room_outlives_a_crash_and_only_forgetting_ends_it() {
    for bed in Bed::both() {
        bed.open_room(ROOM, opening("Lab"), ME).await.unwrap();
        let trust = Trust {
            term: u64::MAX - 1,
            verified: Verified::Compared,
        };
        let keeps = vec![
            Keep::Trust { trust },
            Keep::Verified { member: ADA },
            Keep::Verified { member: ADA },
        ];
        bed.keep(ROOM, keeps, 0).await.unwrap();
        let bed = bed.crashed();
        // Neither opening it again nor the loss of its history makes it less known.
        bed.fill(1, 1..=3).await;
        bed.keep(ROOM, vec![rules(Retention::Nothing)], 0)
            .await
            .unwrap();
        let kept = bed.enter().await;
        assert_eq!(kept.resume.trust, trust);
        assert_eq!(bed.term(ROOM).await.unwrap(), u64::MAX - 1);
        assert_eq!(kept.resume.verified, [ADA]);
        assert_eq!(kept.resume.name, Some(RoomName::parse("Lab").unwrap()));
        bed.close_room(ROOM, History::Keep, 0).await.unwrap();
        let recent = bed.recents().await.unwrap().remove(0);
        assert_eq!(recent.verified, Verified::Compared);
        assert_eq!(recent.fingerprint, ROOM.fingerprint());
        bed.forget(ROOM).await.unwrap();
        assert_eq!(bed.term(ROOM).await.unwrap(), 0);
        assert_eq!(bed.enter().await.resume.trust, Trust::default());
        // A person is compared with, not a room.
        assert_eq!(bed.enter().await.resume.verified, [ADA]);
    }
}

#[tokio::test]
async fn an_invite_is_kept_until_it_is_used() {
    for bed in Bed::both() {
        let kept = bed.open_room(ROOM, invited(), ME).await.unwrap();
        assert_eq!(kept.token, Some(TOKEN));
        assert_eq!(kept.resume.trust.verified, Verified::Invite);
        let bed = bed.crashed();
        // Opened again without the link, it is still invited.
        assert_eq!(bed.enter().await.token, Some(TOKEN));
        bed.keep(ROOM, vec![Keep::TokenUsed], 0).await.unwrap();
        let kept = bed.enter().await;
        assert_eq!(
            (kept.token, kept.resume.trust.verified),
            (None, Verified::Invite)
        );
        bed.invited(ROOM, Some(TOKEN), Verified::No).await.unwrap();
        let kept = bed.enter().await;
        assert_eq!(
            (kept.token, kept.resume.trust.verified),
            (Some(TOKEN), Verified::Invite)
        );
        // Whoever leaves, leaves the invite.
        bed.close_room(ROOM, History::Keep, 0).await.unwrap();
        assert_eq!(bed.enter().await.token, None);
    }
}

#[tokio::test]
async fn f33_what_vouches_for_a_message_is_shown_wherever_the_message_is() {
    for bed in Bed::both() {
        bed.enter().await;
        let mut signed = message(1, ADA, "mine");
        signed.signature = Some(Signature([9; 64]));
        let told = [
            (signed.clone(), Proof::Author),
            (message(2, ADA, "mine, they say"), Proof::Missing),
            (joined(3), Proof::Relay),
        ];
        let events = told.clone().map(|(event, proof)| Told { event, proof });
        let keep = Keep::Events {
            cursor: cursor(1, 4),
            events: events.into(),
            tail: true,
        };
        let saved = bed.keep(ROOM, vec![keep], 0).await.unwrap();
        let bed = bed.crashed();
        let kept = bed.enter().await;
        assert_eq!(saved.items, kept.items);
        let shown: Vec<_> = kept
            .items
            .into_iter()
            .filter_map(|item| match item {
                Item::Event { event, proof, .. } => Some((event, proof)),
                Item::Reset { .. } | Item::Gap { .. } => None,
            })
            .collect();
        assert_eq!(shown, told);
        let hits = bed.search(None, "mine".into(), None).await.unwrap().hits;
        let proofs: Vec<_> = hits.iter().map(|hit| hit.proof).collect();
        assert_eq!(proofs, [Proof::Missing, Proof::Author]);
        assert_eq!(hits[1].event, signed);
    }
}

#[tokio::test]
async fn f33_somebody_elses_word_is_no_acknowledgement() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.put_pending(ROOM, waiting(1)).await.unwrap();
        let forged = Told {
            event: message(1, ME, "what I never wrote"),
            proof: Proof::Missing,
        };
        let keep = Keep::Events {
            cursor: cursor(1, 2),
            events: vec![forged],
            tail: true,
        };
        bed.keep(ROOM, vec![keep], 0).await.unwrap();
        assert_eq!(bed.enter().await.resume.outbox, [waiting(1)]);
        bed.learn(
            cursor(1, 3),
            vec![Event {
                seq: Seq(2),
                ..message(1, ME, "hello")
            }],
        )
        .await;
        assert!(bed.enter().await.resume.outbox.is_empty());
    }
}

#[tokio::test]
async fn what_an_older_version_wrote_down_is_unproven() {
    let bed = Bed::disk();
    bed.enter().await;
    bed.learn(cursor(1, 3), vec![message(1, ADA, "a"), joined(2)])
        .await;
    let folder = bed.folder.as_ref().unwrap().path().to_owned();
    let Bed {
        store,
        folder: kept,
    } = bed;
    drop(store);
    let file = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    file.execute("UPDATE events SET proof = NULL", []).unwrap();
    drop(file);
    let (store, _) = Store::open(&folder).unwrap();
    let bed = Bed {
        store,
        folder: kept,
    };
    let proofs: Vec<_> = bed
        .enter()
        .await
        .items
        .iter()
        .map(|item| match item {
            Item::Event { proof, .. } => Some(*proof),
            Item::Reset { .. } | Item::Gap { .. } => None,
        })
        .collect();
    assert_eq!(proofs, [Some(Proof::Missing), Some(Proof::Relay)]);
}
