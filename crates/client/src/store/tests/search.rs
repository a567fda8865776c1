//! What a search finds, and in which order.

use super::*;
use chatspot_protocol::limits::SEARCH_HITS;

async fn with(bed: &Bed, texts: &[&str]) {
    bed.enter().await;
    let events = texts.iter().zip(1..);
    let events = events.map(|(text, seq)| message(seq, ADA, text)).collect();
    bed.learn(cursor(1, 1_000_000), events).await;
}

/// The numbers of the messages that are found.
async fn found(bed: &Bed, query: &str) -> Vec<u64> {
    let hits = bed.search(None, query.to_owned(), None).await.unwrap();
    hits.hits.iter().map(|hit| hit.event.seq.0).collect()
}

#[tokio::test]
async fn f45_operators_are_words() {
    let texts = [
        "a plain one or near it",
        "look: \"* OR NEAR( AND NOT {x} ^ a:b -- ; ' %",
        "NEAR(a b)",
        "text : x",
    ];
    for bed in Bed::both() {
        with(&bed, &texts).await;
        for (query, numbers) in [
            ("\"* OR NEAR(", vec![2]),
            ("OR", vec![2, 1]),
            ("NEAR(", vec![3, 2]),
            ("NOT {x}", vec![2]),
            ("text:x", vec![4]),
            ("room:r1", vec![]),
            ("*", vec![2]),
            ("\"", vec![2]),
            ("' %", vec![2]),
            ("^", vec![2]),
            ("", vec![]),
            (" \n\t ", vec![]),
            ("\0", vec![]),
            ("\u{200b}", vec![]),
            ("\"\"\"\"\"\"", vec![]),
            ("(((((", vec![]),
            ("-- ;", vec![2]),
        ] {
            assert_eq!(found(&bed, query).await, numbers, "{query:?}");
        }
        found(&bed, &"(a ".repeat(10_000)).await;
        found(&bed, &"\u{1f468}\u{200d}".repeat(10_000)).await;
    }
}

#[tokio::test]
async fn people_find_what_they_mean() {
    let texts = [
        "Der Überblick über die Straße",
        "Café at 10:30, see https://chat.example/a_b?c=d",
        "今天下午在图书馆开会",
        "東京タワーでラーメンを食べた",
        "학교에서 만나요",
        "ข้อความภาษาไทย",
        "हिन्दी में संदेश",
        "I \u{2764}\u{fe0f} it \u{1f44d}\u{1f3fd}",
        "Привет, ёлка",
        "don\u{2019}t panic \u{2014} \u{201c}really\u{201d}",
        "use std::io::Write in C++",
        "ΟΔΟΣ και οδός",
        "مَرْحَبًا",
    ];
    for bed in Bed::both() {
        with(&bed, &texts).await;
        for (query, number) in [
            ("uberblick", 1),
            ("ÜBER", 1),
            ("strasse", 1),
            ("STRASSE der", 1),
            ("straße überb", 1),
            ("cafe", 2),
            ("10:30", 2),
            ("chat.exam", 2),
            ("a_b?c", 2),
            ("图书馆", 3),
            ("下午", 3),
            ("会", 3),
            ("タワー", 4),
            ("ラーメン 東京", 4),
            ("학교", 5),
            ("ภาษา", 6),
            ("हिन्दी", 7),
            ("हिन्", 7),
            ("\u{2764}", 8),
            ("\u{1f44d}", 8),
            ("елка", 9),
            ("ПРИВЕТ", 9),
            ("don't", 10),
            ("\"really\"", 10),
            ("-", 10),
            ("std::io", 11),
            ("c++", 11),
            ("οδοσ", 12),
            ("ΟΔΌΣ", 12),
            ("مرحبا", 13),
        ] {
            assert_eq!(found(&bed, query).await, [number], "{query:?}");
        }
        for query in ["verblick", "caf at", "图馆", "c+++", "std:io", "हन", "c=de"] {
            assert_eq!(found(&bed, query).await, [] as [u64; 0], "{query:?}");
        }
    }
}

#[tokio::test]
async fn only_messages_are_searched() {
    for bed in Bed::both() {
        bed.enter().await;
        let target = chatspot_protocol::event::Target {
            author: ADA,
            id: id(1),
        };
        let edited = Event {
            body: Body::Edited {
                id: id(2),
                target,
                text: text("word"),
            },
            ..message(2, ADA, "x")
        };
        bed.learn(cursor(1, 3), vec![message(1, ADA, "word"), edited])
            .await;
        assert_eq!(found(&bed, "word").await, [1]);
        assert_eq!(found(&bed, "ada").await, [] as [u64; 0]);
    }
}

#[tokio::test]
async fn hits_are_newest_first_and_come_in_parts() {
    for bed in Bed::both() {
        bed.enter().await;
        // The later half first, as when older history comes; several share a second.
        let half = |seqs: std::ops::Range<u64>| {
            let at = |seq| i64::try_from(seq / 3).unwrap() * 1_000;
            seqs.map(|seq| Event {
                at: at(seq),
                ..message(seq, ADA, "same")
            })
            .collect::<Vec<Event>>()
        };
        bed.learn(cursor(1, 121), half(61..121)).await;
        let keep = Keep::Events {
            cursor: cursor(1, 121),
            events: half(1..61).into_iter().map(proven).collect(),
            tail: false,
        };
        bed.keep(ROOM, vec![keep], 0).await.unwrap();
        let mut seconds = Vec::new();
        let mut seqs = std::collections::BTreeSet::new();
        let mut before = None;
        loop {
            let hits = bed.search(Some(ROOM), "same".into(), before).await.unwrap();
            assert!(hits.hits.len() <= SEARCH_HITS);
            for hit in hits.hits {
                seconds.push(hit.event.at / 1_000);
                assert!(seqs.insert(hit.event.seq), "found twice");
                assert_eq!(
                    (hit.room, hit.room_name.as_str(), hit.log),
                    (ROOM, "Lab", 1)
                );
            }
            before = hits.next;
            match before {
                Some(next) => assert!(next < 1 << 53, "the window cannot hold it"),
                None => break,
            }
        }
        assert!(seconds.is_sorted_by(|a, b| a >= b));
        assert_eq!(seqs.len(), 120);
    }
}

#[tokio::test]
async fn a_search_may_be_of_one_room() {
    for bed in Bed::both() {
        with(&bed, &["here r2"]).await;
        let there = RoomId([2; 16]);
        bed.open_room(there, opening("There"), ME).await.unwrap();
        let events = vec![message(1, ADA, "here too r1")];
        let keep = news(cursor(1, 2), events);
        bed.keep(there, vec![keep], 0).await.unwrap();
        let rooms = async |room| {
            let hits = bed.search(room, "here".into(), None).await.unwrap();
            hits.hits
                .into_iter()
                .map(|hit| hit.room)
                .collect::<Vec<_>>()
        };
        assert_eq!(rooms(None).await.len(), 2);
        assert_eq!(rooms(Some(there)).await, [there]);
        assert_eq!(rooms(Some(ROOM)).await, [ROOM]);
        assert_eq!(rooms(Some(RoomId([9; 16]))).await, []);
    }
}

#[tokio::test]
async fn any_time_that_a_relay_claims_can_be_searched() {
    for bed in Bed::both() {
        bed.enter().await;
        let times = [i64::MIN, -1, 0, 1_790_000_000_000, i64::MAX];
        let events = times.iter().zip(1..).map(|(at, seq)| Event {
            at: *at,
            ..message(seq, ADA, "x")
        });
        bed.learn(cursor(1, 6), events.collect()).await;
        assert_eq!(found(&bed, "x").await, [5, 4, 3, 2, 1]);
        for (at, word, from) in [(i64::MIN, "least", 100), (i64::MAX, "most", 300)] {
            let events = (from..from + 60).map(|seq| Event {
                at,
                ..message(seq, ADA, word)
            });
            bed.learn(cursor(1, from + 60), events.collect()).await;
            let hits = bed.search(None, word.into(), None).await.unwrap();
            let next = hits.next.unwrap();
            assert!((0..1 << 53).contains(&next), "{next} for {at}");
        }
    }
}
