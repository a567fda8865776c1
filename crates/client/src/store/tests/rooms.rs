//! Which rooms are open, which were, and what the window keeps.

use super::*;
use crate::store::History;
use chatspot_protocol::limits::{DRAFT_BYTES, PREFS_BYTES, RECENT_ROOMS};

fn room(number: u8) -> RoomId {
    RoomId([number; 16])
}

async fn open_rooms(bed: &Bed) -> Vec<RoomId> {
    let open = bed.open_rooms().await.unwrap();
    open.into_iter().map(|open| open.room).collect()
}

async fn recents(bed: &Bed) -> Vec<RoomId> {
    let recents = bed.recents().await.unwrap();
    recents.into_iter().map(|recent| recent.room).collect()
}

#[tokio::test]
async fn open_rooms_are_known_in_their_order() {
    for bed in Bed::both() {
        for number in [3, 1, 2] {
            bed.open_room(room(number), opening("Lab"), ME)
                .await
                .unwrap();
        }
        bed.close_room(room(1), History::Keep, 0).await.unwrap();
        bed.open_room(room(3), opening("Lab"), ME).await.unwrap();
        let bed = bed.crashed();
        assert_eq!(open_rooms(&bed).await, [room(3), room(2)]);
        bed.open_room(room(1), opening("Lab"), ME).await.unwrap();
        assert_eq!(open_rooms(&bed).await, [room(3), room(2), room(1)]);
        let moved = vec![at("other:2")];
        bed.learn_addresses(room(2), moved, Learnt::Named)
            .await
            .unwrap();
        let name = RoomName::parse("Hall").unwrap();
        let renamed = Keep::Name { name: name.clone() };
        bed.keep(room(2), vec![renamed], 0).await.unwrap();
        let second = bed.open_rooms().await.unwrap().remove(1);
        assert_eq!(second.name, name);
        assert_eq!(second.addresses, [at("other:2"), at("h:1")]);
    }
}

#[tokio::test]
async fn what_was_not_sent_stays_behind_when_a_room_is_left() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.put_pending(ROOM, waiting(1)).await.unwrap();
        bed.open_room(room(2), opening("Hall"), ME).await.unwrap();
        bed.put_pending(room(2), waiting(2)).await.unwrap();
        bed.close_room(ROOM, History::Keep, 0).await.unwrap();
        let bed = bed.crashed();
        let kept = bed.open_room(ROOM, opening("Lab"), ME).await.unwrap();
        assert_eq!(kept.resume.outbox, []);
        let kept = bed.open_room(room(2), opening("Hall"), ME).await.unwrap();
        assert_eq!(kept.resume.outbox.len(), 1, "only its own");
    }
}

#[tokio::test]
async fn recents_are_the_joined_ones_latest_first() {
    for bed in Bed::both() {
        let at = |joined_at| Opening {
            joined_at,
            ..opening("Lab")
        };
        for number in 0..=u8::try_from(RECENT_ROOMS).unwrap() {
            let joined = Some(i64::from(number));
            bed.open_room(room(number), at(joined), ME).await.unwrap();
        }
        assert_eq!(recents(&bed).await.len(), RECENT_ROOMS);
        bed.open_room(room(7), at(Some(1_000)), ME).await.unwrap();
        // Opened again and hosted: neither is joined now.
        bed.open_room(room(9), at(None), ME).await.unwrap();
        bed.open_room(room(255), at(None), ME).await.unwrap();
        let recents = recents(&bed).await;
        assert_eq!(
            recents[..2],
            [room(7), room(u8::try_from(RECENT_ROOMS).unwrap())]
        );
        assert!(recents.contains(&room(9)) && !recents.contains(&room(255)));
    }
}

#[tokio::test]
async fn a_forgotten_room_leaves_nothing() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.fill(1, 1..=2_000).await;
        bed.put_pending(ROOM, waiting(9)).await.unwrap();
        bed.save_draft(ROOM, "draft".into()).await.unwrap();
        bed.mark_read(ROOM, place(1, 3)).await.unwrap();
        assert!(bed.recents().await.unwrap()[0].kept);
        bed.close_room(ROOM, History::Delete, 0).await.unwrap();
        assert_eq!(
            (recents(&bed).await, open_rooms(&bed).await),
            (vec![], vec![])
        );
        let hits = bed.search(None, "number".into(), None).await.unwrap();
        assert_eq!(hits.hits, []);
        assert!(bed.put_pending(ROOM, waiting(1)).await.is_err());
        let bed = bed.crashed();
        let kept = bed.enter().await;
        assert_eq!((kept.items.len(), kept.older, kept.read), (0, false, None));
        assert_eq!((kept.resume.outbox, kept.resume.cursor), (vec![], None));
        assert_eq!(kept.draft, "");
        bed.forget(room(77)).await.unwrap();
    }
}

#[tokio::test]
async fn deleted_words_are_cleared_out_of_the_index() {
    let bed = Bed::memory();
    bed.enter().await;
    bed.fill(1, 1..=1_000).await;
    bed.forget(ROOM).await.unwrap();
    let mut left = Vec::new();
    for table in ["rooms", "events", "words_docsize", "words_idx"] {
        let sql = format!("SELECT count(*) FROM {table}");
        let count = move |connection: &rusqlite::Connection| {
            connection.query_row(&sql, [], |row| row.get::<_, i64>(0))
        };
        left.push(bed.read(count).await.unwrap());
    }
    assert_eq!(left, [0, 0, 0, 0]);
}

#[tokio::test]
async fn drafts_and_preferences_are_kept_within_their_bounds() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.save_draft(ROOM, "half a sent".into()).await.unwrap();
        bed.set_prefs("{}".into()).await.unwrap();
        bed.set_prefs("{\"dark\":true}".into()).await.unwrap();
        let long = "x".repeat(PREFS_BYTES + 1);
        assert!(bed.set_prefs(long).await.is_err());
        let mut bed = bed;
        if let Some(folder) = bed.folder.take() {
            drop(bed);
            let (store, start) = Store::open(folder.path()).unwrap();
            assert_eq!(start.prefs, "{\"dark\":true}");
            bed = Bed {
                store,
                folder: Some(folder),
            };
        }
        assert_eq!(bed.enter().await.draft, "half a sent");
        bed.save_draft(ROOM, "é".repeat(DRAFT_BYTES)).await.unwrap();
        assert_eq!(bed.enter().await.draft.len(), DRAFT_BYTES);
        bed.save_draft(ROOM, String::new()).await.unwrap();
        assert_eq!(bed.enter().await.draft, "");
    }
}
