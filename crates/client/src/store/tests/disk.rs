//! What only a disk can show: starts, crashes, a full disk, a damaged file.

use super::*;
use crate::store::{History, StoreError};
use chatspot_protocol::view::{PageAt, Recovery};

/// The disk takes this many pages more.
async fn room_for(store: &Store, pages: i64) {
    let limit = move |writer: &mut crate::store::write::Writer| {
        let connection = &writer.connection;
        let used: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let limit = used.saturating_add(pages);
        connection.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |_| Ok(()))
    };
    store.with_writer(limit).await.unwrap();
}

fn long(seq: u64, author: MemberId) -> Event {
    message(seq, author, &"long ".repeat(3_000))
}

#[tokio::test]
async fn f57_a_full_disk_takes_nothing_by_halves() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.fill(1, 1..=3).await;
        bed.put_pending(ROOM, waiting(4)).await.unwrap();
        bed.put_pending(ROOM, waiting(5)).await.unwrap();
        room_for(&bed, 0).await;
        let keeps = || {
            vec![
                Keep::Gone { id: id(5) },
                news(cursor(1, 30), (4..30).map(|seq| long(seq, ME)).collect()),
            ]
        };
        let kept = bed.keep(ROOM, keeps(), 0).await;
        assert!(matches!(kept, Err(StoreError::Full { .. })), "{kept:?}");
        let mut big = waiting(6);
        big.submission = Submission::message(id(6), text(&"long ".repeat(3_000)));
        let put = bed.put_pending(ROOM, big.clone()).await;
        assert!(matches!(put, Err(StoreError::Full { .. })), "{put:?}");
        // Reading works, and nothing moved.
        let page = bed.page(ROOM, PageAt::Latest).await.unwrap();
        assert_eq!(short(&page.items), "1/1 1/2 1/3");
        let hits = bed.search(None, "long".into(), None).await.unwrap();
        assert_eq!(hits.hits, []);
        let kept = bed.enter().await;
        assert_eq!(kept.resume.cursor, Some(cursor(1, 4)));
        assert_eq!(kept.resume.outbox, [waiting(4), waiting(5)]);
        // There is space again.
        room_for(&bed, 10_000).await;
        bed.put_pending(ROOM, big.clone()).await.unwrap();
        bed.keep(ROOM, keeps(), 0).await.unwrap();
        let kept = bed.crashed().enter().await;
        assert_eq!(kept.resume.cursor, Some(cursor(1, 30)));
        assert_eq!(kept.resume.outbox, []);
    }
}

#[tokio::test]
async fn the_same_folder_is_the_same_member() {
    let folder = tempfile::tempdir().unwrap();
    let (store, first) = Store::open(folder.path()).unwrap();
    assert_eq!((first.name, first.recents.len()), (None, 0));
    let name = DisplayName::parse("Ada").unwrap();
    store.set_name(name.clone()).await.unwrap();
    store.open_room(ROOM, opening("Lab"), ME).await.unwrap();
    store.close().await.unwrap();
    assert!(store.open_rooms().await.is_err(), "it is closed");
    assert!(store.put_pending(ROOM, waiting(1)).await.is_err());
    assert!(store.close().await.is_ok(), "again");
    drop(store);
    let (store, second) = Store::open(folder.path()).unwrap();
    assert_eq!(second.identity.member(), first.identity.member());
    assert_eq!((second.name, second.recovered), (Some(name), None));
    assert_eq!(
        (
            store.open_rooms().await.unwrap().len(),
            second.recents.len()
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn f61_one_folder_is_one_store_s() {
    let bed = Bed::disk();
    let folder = bed.folder.as_ref().unwrap().path();
    assert!(matches!(Store::open(folder), Err(StoreError::InUse { .. })));
}

#[test]
fn f64_a_damaged_profile_never_becomes_a_new_identity() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.json");
    let text = "{\"secret\":\"AAAA\",\"name\":null}";
    std::fs::write(&path, text).unwrap();
    let opened = Store::open(folder.path()).map(|_| ());
    assert!(matches!(opened, Err(StoreError::Damaged { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn f59_a_damaged_history_is_replaced_by_the_backup_and_said() {
    let bed = Bed::disk();
    bed.enter().await;
    bed.fill(1, 1..=3).await;
    bed.store.0.database.backup().unwrap();
    bed.fill(1, 4..=5).await;
    let Bed { store, folder } = bed;
    let folder = folder.unwrap();
    drop(store);
    let path = folder.path().join("history.db");
    std::fs::remove_file(folder.path().join("history.db-wal")).ok();
    std::fs::write(&path, [7; 8_192]).unwrap();
    let (store, start) = Store::open(folder.path()).unwrap();
    assert_eq!(start.recovered, Some(Recovery::Backup));
    let kept = store.open_room(ROOM, opening("Lab"), ME).await.unwrap();
    assert_eq!(
        kept.resume.cursor,
        Some(cursor(1, 4)),
        "the rest is fetched again"
    );
    assert_eq!(short(&kept.items), "1/1 1/2 1/3");
}

/// Closed cleanly, it is not checked before it is used: what is found damaged then is mended all the same.
#[tokio::test]
async fn f59_damage_behind_a_clean_end_is_mended_at_the_first_start() {
    let bed = Bed::disk();
    bed.enter().await;
    bed.learn(
        cursor(1, 301),
        (1..=300).map(|seq| message(seq, ADA, "x")).collect(),
    )
    .await;
    bed.store.0.database.backup().unwrap();
    bed.close().await.unwrap();
    let Bed { store, folder } = bed;
    drop(store);
    let folder = folder.unwrap();
    let path = folder.path().join("history.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len().min(12 * 4096);
    for (place, byte) in bytes[4096..end].iter_mut().enumerate() {
        *byte = u8::try_from(place % 251).unwrap();
    }
    std::fs::write(&path, bytes).unwrap();
    let (store, start) = Store::open(folder.path()).unwrap();
    assert_eq!(
        start.recovered,
        Some(chatspot_protocol::view::Recovery::Backup)
    );
    let kept = store.open_room(ROOM, opening("Lab"), ME).await.unwrap();
    assert_eq!(kept.resume.cursor, Some(cursor(1, 301)));
}

#[tokio::test]
async fn recent_rooms_of_an_older_version_are_taken_over_once() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let path = folder.path().join("profile.json");
    let mut profile: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    profile["recents"] = serde_json::json!([
        {"room": RoomId([1; 16]), "name": "Lab", "address": "h:1", "joined_at": 5},
        {"room": RoomId([2; 16]), "name": "Hall", "address": "h:2", "joined_at": 7},
    ]);
    std::fs::write(&path, profile.to_string()).unwrap();
    let (store, start) = Store::open(folder.path()).unwrap();
    let rooms: Vec<_> = start.recents.iter().map(|recent| recent.room).collect();
    assert_eq!(rooms, [RoomId([2; 16]), RoomId([1; 16])]);
    assert!(!start.recents[0].kept);
    store.open_room(ROOM, opening("Lab"), ME).await.unwrap();
    store.close_room(ROOM, History::Delete, 0).await.unwrap();
    drop(store);
    let (_store, start) = Store::open(folder.path()).unwrap();
    assert_eq!(start.recents.len(), 1, "forgotten is forgotten");
}

#[tokio::test]
async fn what_was_forgotten_is_cleared_away_after_a_crash() {
    let bed = Bed::disk();
    bed.enter().await;
    bed.fill(1, 1..=3).await;
    // As a crash leaves it that came right behind the forgetting.
    let forget = |tx: &rusqlite::Transaction<'_>| crate::store::write::forget(tx, ROOM);
    bed.write(crate::store::Durability::Now, forget)
        .await
        .unwrap();
    let bed = bed.crashed();
    let count = |connection: &rusqlite::Connection| {
        connection.query_row("SELECT count(*) FROM events", [], |row| {
            row.get::<_, i64>(0)
        })
    };
    // The writer has nothing else to do; each look gives it time.
    while bed.read(count).await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn own_messages_are_written_through_and_others_need_not_be() {
    let bed = Bed::disk();
    bed.enter().await;
    let level = async || {
        let level = |writer: &mut crate::store::write::Writer| {
            let level = "PRAGMA synchronous";
            writer
                .connection
                .query_row(level, [], |row| row.get::<_, i64>(0))
        };
        bed.with_writer(level).await.unwrap()
    };
    let (normal, full) = (1, 2);
    // What the writer does by itself would come between.
    while !bed
        .with_writer(|writer| Ok(writer.has_no_chores()))
        .await
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
    bed.put_pending(ROOM, waiting(1)).await.unwrap();
    assert_eq!(level().await, full);
    bed.fill(1, 1..=3).await;
    assert_eq!(level().await, normal);
    bed.keep(
        ROOM,
        vec![Keep::Pending {
            pending: waiting(2),
        }],
        0,
    )
    .await
    .unwrap();
    assert_eq!(level().await, full);
    bed.fill(1, 4..=5).await;
    bed.keep(ROOM, vec![Keep::Gone { id: id(2) }], 0)
        .await
        .unwrap();
    assert_eq!(level().await, full);
}

#[tokio::test]
async fn questions_about_places_walk_an_index() {
    use crate::store::read::{SPAN, UNREAD};
    let bed = Bed::memory();
    let plan = move |connection: &rusqlite::Connection| {
        let mut steps = String::new();
        for sql in [SPAN, UNREAD] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                steps.push_str(&row.get::<_, String>(3)?);
                steps.push('\n');
            }
        }
        Ok(steps)
    };
    let steps = bed.read(plan).await.unwrap();
    assert!(steps.contains("MERGE (UNION ALL)"), "{steps}");
    assert!(
        steps.contains("events USING INDEX events_place (room=? AND (log,seq)>"),
        "{steps}"
    );
    assert!(
        steps.contains("repeats USING PRIMARY KEY (room=? AND (log,seq)>"),
        "{steps}"
    );
    assert!(
        steps.contains("USING COVERING INDEX events_unread (room=? AND (log,seq)>"),
        "{steps}"
    );
    assert!(
        !steps.contains("TEMP B-TREE") && !steps.contains("SCAN events"),
        "{steps}"
    );
}

/// Everything that the folder's files say.
fn says(folder: &std::path::Path, word: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap();
    // Backups come and go meanwhile.
    let mut files = files.filter_map(|file| std::fs::read(file.unwrap().path()).ok());
    files.any(|file| {
        let mut parts = file.windows(word.len());
        parts.any(|part| part == word.as_bytes())
    })
}

/// Whether it is deleted by the person at the window or by the room's rules, and also when that was cut off.
#[tokio::test]
async fn what_is_deleted_is_in_no_backup_either() {
    for cut_off in [false, true] {
        for by_rule in [false, true] {
            let bed = Bed::disk();
            bed.enter().await;
            let flamingo = (1..=600).map(|seq| message(seq, ADA, "flamingo")).collect();
            bed.learn(cursor(1, 601), flamingo).await;
            let folder = bed.folder.as_ref().unwrap().path().to_owned();
            let backup = |number: u32| folder.join(format!("history.db.backup-{number}"));
            bed.store.0.database.backup().unwrap();
            for number in 2..=3 {
                std::fs::copy(backup(1), backup(number)).unwrap();
            }
            if by_rule {
                let settings = RoomSettings {
                    retention: Retention::Nothing,
                    ..RoomSettings::default()
                };
                let keeps = vec![Keep::Settings { settings }];
                bed.keep(ROOM, keeps, 0).await.unwrap();
            } else {
                bed.close_room(ROOM, History::Delete, 0).await.unwrap();
            }
            let bed = if cut_off { bed.crashed() } else { bed };
            let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
            while backup(2).exists() || !backup(1).exists() || says(&folder, "flamingo") {
                let left = patience.saturating_duration_since(std::time::Instant::now());
                assert!(!left.is_zero(), "{cut_off} {by_rule}: it is still there");
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            drop(bed);
        }
    }
}
