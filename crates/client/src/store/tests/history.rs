//! Events, cursors, the outbox and the room's rules.

use super::*;
use chatspot_protocol::view::PageAt;
use chatspot_protocol::wire::Reject;

#[tokio::test]
async fn a_new_room_has_nothing() {
    for bed in Bed::both() {
        let kept = bed.enter().await;
        assert_eq!(kept.resume.cursor, None);
        assert_eq!(kept.resume.last, None);
        assert_eq!(kept.resume.settings, None);
        assert_eq!((kept.items.len(), kept.older, kept.unread), (0, false, 0));
        assert_eq!((kept.read, kept.draft.as_str()), (None, ""));
    }
}

#[tokio::test]
async fn events_and_cursor_are_there_after_a_crash() {
    for bed in Bed::both() {
        bed.enter().await;
        let begun = bed.learn(cursor(1, 5), Vec::new()).await;
        assert_eq!(begun, Saved::default());
        let saved = bed
            .learn(
                cursor(1, 8),
                vec![joined(5), message(6, ADA, "hi"), message(7, ME, "ho")],
            )
            .await;
        assert_eq!(
            (short(&saved.items).as_str(), saved.others),
            ("1/5 1/6 1/7", 1)
        );
        let bed = bed.crashed();
        let kept = bed.enter().await;
        assert_eq!(kept.resume.cursor, Some(cursor(1, 8)));
        assert_eq!(kept.resume.last, Some(message(7, ME, "ho")));
        assert_eq!((kept.items, kept.older), (saved.items, false));
    }
}

#[tokio::test]
async fn the_same_place_again_is_ignored() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.fill(1, 1..=3).await;
        let again = bed.fill(1, 2..=4).await;
        assert_eq!((short(&again.items).as_str(), again.others), ("1/4", 1));
        assert_eq!(short(&bed.enter().await.items), "1/1 1/2 1/3 1/4");
    }
}

#[tokio::test]
async fn older_history_stands_before_and_is_not_told() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.fill(1, 10..=11).await;
        let keep = Keep::Events {
            cursor: cursor(1, 12),
            events: [message(8, ADA, "a"), message(9, ADA, "b")]
                .map(proven)
                .into(),
            tail: false,
        };
        let saved = bed.keep(ROOM, vec![keep], 0).await.unwrap();
        assert_eq!(saved, Saved::default());
        assert_eq!(short(&bed.enter().await.items), "1/8 1/9 1/10 1/11");
    }
}

#[tokio::test]
async fn what_the_window_is_told_is_what_a_page_holds() {
    for bed in Bed::both() {
        bed.enter().await;
        let mut told = Vec::new();
        // A newcomer's page, a gap, a new log, and a gap in that.
        told.extend(bed.learn(cursor(1, 1), Vec::new()).await.items);
        told.extend(bed.fill(1, 3..=4).await.items);
        told.extend(bed.fill(1, 7..=8).await.items);
        told.extend(bed.learn(cursor(2, 1), Vec::new()).await.items);
        let mut fresh = message(1, ADA, "new");
        fresh.at = 99_000;
        told.extend(bed.learn(cursor(2, 2), vec![joined(1)]).await.items);
        told.extend(bed.learn(cursor(2, 5), vec![joined(4)]).await.items);
        assert_eq!(short(&told), "1/3 1/4 -1/7 1/7 1/8 =2 2/1 -2/4 2/4");
        assert_eq!(short(&bed.enter().await.items), short(&told));
    }
}

#[tokio::test]
async fn f63_what_a_restored_log_repeats_is_not_shown_again() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.learn(cursor(1, 1), Vec::new()).await;
        bed.learn(
            cursor(1, 4),
            vec![joined(1), message(2, ADA, "b"), message(3, ME, "c")],
        )
        .await;
        bed.put_pending(ROOM, waiting(3)).await.unwrap();
        bed.learn(cursor(2, 1), Vec::new()).await;
        // The same id by somebody else is another message.
        let other = message(2, ME, "b");
        let repeated = vec![joined(1), message(2, ADA, "b"), message(3, ME, "c")];
        let saved = bed.learn(cursor(2, 4), repeated.clone()).await;
        assert_eq!((short(&saved.items).as_str(), saved.others), ("=2", 0));
        let new = Event {
            seq: Seq(4),
            ..other
        };
        let saved = bed
            .learn(cursor(2, 6), vec![new, message(5, ADA, "d")])
            .await;
        assert_eq!((short(&saved.items).as_str(), saved.others), ("2/4 2/5", 1));
        let saved = bed.learn(cursor(2, 6), repeated).await;
        assert_eq!(saved, Saved::default(), "the same again");
        let bed = bed.crashed();
        let kept = bed.enter().await;
        assert_eq!(short(&kept.items), "1/1 1/2 1/3 =2 2/4 2/5");
        assert_eq!(kept.resume.outbox, []);
        // A third log repeats the second, and what it repeats is compared at its place there.
        bed.learn(cursor(3, 1), Vec::new()).await;
        let last = Event {
            seq: Seq(1),
            ..message(5, ADA, "d")
        };
        bed.learn(cursor(3, 2), vec![last.clone()]).await;
        let kept = bed.enter().await;
        assert_eq!(short(&kept.items), "1/1 1/2 1/3 =2 2/4 2/5 =3");
        assert_eq!(kept.resume.last, Some(last));
        assert_eq!(kept.unread, 2);
    }
}

#[tokio::test]
async fn f63_many_repeats_do_not_push_the_timeline_out_of_sight() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.fill(1, 1..=1_200).await;
        bed.fill(2, 1..=1_200).await;
        let kept = bed.enter().await;
        assert_eq!(kept.items.len(), chatspot_protocol::limits::VIEW_ITEMS + 1);
        assert_eq!(kept.items.last(), Some(&Item::Reset { log: 2 }));
        let at = PageAt::After {
            place: place(1, 1_199),
        };
        let page = bed.page(ROOM, at).await.unwrap();
        assert_eq!(short(&page.items), "1/1200 =2");
    }
}

#[tokio::test]
async fn f78_an_own_message_waits_until_its_event_is_there() {
    for mut bed in Bed::both() {
        bed.enter().await;
        for number in 1..=3 {
            bed.put_pending(ROOM, waiting(number)).await.unwrap();
            bed = bed.crashed();
        }
        let numbers = |kept: Kept| {
            let outbox = kept.resume.outbox.iter();
            outbox.map(|pending| pending.id.0[0]).collect::<Vec<_>>()
        };
        assert_eq!(numbers(bed.enter().await), [1, 2, 3]);
        let failed = Pending {
            state: PendingState::Failed {
                code: Reject::NotSaved,
                retry: true,
            },
            ..waiting(1)
        };
        let keep = vec![Keep::Pending {
            pending: failed.clone(),
        }];
        bed.keep(ROOM, keep, 0).await.unwrap();
        let kept = bed.enter().await;
        assert_eq!(kept.resume.outbox.last(), Some(&failed));
        assert_eq!(numbers(kept), [2, 3, 1], "behind all others");
        bed.keep(ROOM, vec![Keep::Gone { id: id(3) }], 0)
            .await
            .unwrap();
        // Somebody else's event with the same id is none of ours.
        bed.learn(
            cursor(1, 2),
            vec![Event {
                seq: Seq(1),
                ..message(2, ADA, "x")
            }],
        )
        .await;
        bed = bed.crashed();
        assert_eq!(numbers(bed.enter().await), [2, 1]);
        bed.learn(cursor(1, 3), vec![message(2, ME, "hello")]).await;
        assert_eq!(numbers(bed.enter().await), [1]);
    }
}

#[tokio::test]
async fn names_and_rules_are_kept() {
    for bed in Bed::both() {
        bed.enter().await;
        let name = RoomName::parse("Workshop").unwrap();
        let keeps = vec![Keep::Name { name: name.clone() }, rules(days(7))];
        bed.keep(ROOM, keeps, 0).await.unwrap();
        let bed = bed.crashed();
        assert_eq!(bed.open_rooms().await.unwrap()[0].name, name);
        let settings = bed.enter().await.resume.settings;
        assert_eq!(settings.unwrap().retention, days(7));
    }
}

#[tokio::test]
async fn rules_delete_what_is_older_than_the_first_young_event() {
    for bed in Bed::both() {
        bed.enter().await;
        // Of the third day, of the first, and of the third again: only a beginning is deleted.
        let at = |seq: u64, day: i64| Event {
            at: day * DAY,
            ..message(seq, ADA, "found")
        };
        bed.learn(cursor(1, 5), vec![at(1, 1), at(2, 3), at(3, 1), at(4, 3)])
            .await;
        let saved = bed
            .keep(ROOM, vec![rules(days(1))], 3 * DAY + 1)
            .await
            .unwrap();
        let cut = saved.cut.unwrap();
        assert_eq!(
            (short(&cut.items).as_str(), cut.older),
            ("1/2 1/3 1/4", false)
        );
        let hits = bed.search(None, "found".into(), None).await.unwrap();
        assert_eq!(hits.hits.len(), 3);
        assert_eq!(bed.prune(3 * DAY + 1).await.unwrap(), []);
        assert_eq!(bed.prune(9 * DAY).await.unwrap(), [ROOM]);
        let left = bed.store.kept(ROOM).await.unwrap();
        assert_eq!((left.items, left.older), (Vec::new(), false));
        let kept = bed.crashed().enter().await;
        assert_eq!(
            kept.resume.cursor,
            Some(cursor(1, 5)),
            "it goes on where it was"
        );
        assert_eq!(kept.items, []);
    }
}

#[tokio::test]
async fn much_that_is_old_is_out_of_reach_at_once() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.fill(1, 1..=2_000).await;
        let young = |seq| Event {
            at: 9 * DAY,
            ..message(seq, ADA, "young")
        };
        bed.learn(cursor(1, 2_003), (2_001..=2_002).map(young).collect())
            .await;
        let saved = bed.keep(ROOM, vec![rules(days(1))], 9 * DAY).await.unwrap();
        let cut = saved.cut.unwrap();
        assert_eq!(
            (short(&cut.items).as_str(), cut.older),
            ("1/2001 1/2002", false)
        );
        let ats = [
            PageAt::Latest,
            PageAt::Around { place: place(1, 5) },
            PageAt::Before {
                place: place(1, 2_003),
            },
        ];
        for at in ats {
            let page = bed.page(ROOM, at).await.unwrap();
            assert_eq!(
                (short(&page.items).as_str(), page.older),
                ("1/2001 1/2002", false),
                "{at:?}"
            );
        }
        let page = bed
            .page(
                ROOM,
                PageAt::Before {
                    place: place(1, 2_001),
                },
            )
            .await
            .unwrap();
        assert_eq!(
            (short(&page.items).as_str(), page.older, page.newer),
            ("", false, true)
        );
        assert_eq!(bed.enter().await.unread, 2);
        let bed = bed.crashed();
        let kept = bed.enter().await;
        assert_eq!(
            (short(&kept.items).as_str(), kept.older),
            ("1/2001 1/2002", false)
        );
        let count = |connection: &rusqlite::Connection| {
            connection.query_row("SELECT count(*) FROM events", [], |row| {
                row.get::<_, i64>(0)
            })
        };
        // The writer has nothing else to do; each look gives it time.
        while bed.read(count).await.unwrap() > 2 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_room_that_is_not_open_is_pruned_as_well() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.fill(1, 1..=3).await;
        bed.keep(ROOM, vec![rules(days(1))], 0).await.unwrap();
        bed.close_room(ROOM, crate::store::History::Keep, 0)
            .await
            .unwrap();
        assert_eq!(bed.prune(9 * DAY).await.unwrap(), []);
        assert_eq!(bed.enter().await.items, []);
    }
}

#[tokio::test]
async fn in_a_room_that_keeps_nothing_only_the_place_and_own_messages_are_written() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.fill(1, 1..=3).await;
        bed.put_pending(ROOM, waiting(50)).await.unwrap();
        let keeps = vec![
            Keep::Events {
                cursor: cursor(1, 5),
                events: vec![proven(joined(4))],
                tail: true,
            },
            rules(Retention::Nothing),
        ];
        let saved = bed.keep(ROOM, keeps, 0).await.unwrap();
        let cut = saved.cut.unwrap();
        assert_eq!((short(&cut.items).as_str(), cut.older), ("1/4", false));
        let told = bed
            .learn(
                cursor(1, 8),
                vec![message(5, ADA, "x"), message(7, ME, "y")],
            )
            .await;
        assert_eq!(
            (short(&told.items).as_str(), told.others),
            ("1/5 -1/7 1/7", 1)
        );
        let told = bed.learn(cursor(2, 1), Vec::new()).await;
        assert_eq!(short(&told.items), "=2");
        let bed = bed.crashed();
        let kept = bed.enter().await;
        assert_eq!((short(&kept.items).as_str(), kept.unread), ("", 0));
        assert_eq!(kept.resume.cursor, Some(cursor(2, 1)));
        assert_eq!(kept.resume.outbox, [waiting(50)]);
        let hits = bed.search(None, "number".into(), None).await.unwrap();
        assert_eq!(hits.hits, []);
        assert!(!bed.recents().await.unwrap()[0].kept);
        // And the other way round.
        bed.keep(ROOM, vec![rules(Retention::Forever)], 0)
            .await
            .unwrap();
        let told = bed.learn(cursor(2, 2), vec![joined(1)]).await;
        assert_eq!(short(&told.items), "2/1");
        assert_eq!(short(&bed.enter().await.items), "2/1");
    }
}
