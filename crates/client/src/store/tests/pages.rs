//! Pages over gaps and several logs, and how far a room was read.

use super::*;
use chatspot_protocol::limits::{UNREAD_COUNTED, VIEW_ITEMS, WINDOW_PAGE};
use chatspot_protocol::view::{Page, PageAt};

/// 500 events in the first log with a gap before every hundredth, then a log of 300.
async fn two_logs(bed: &Bed) {
    bed.enter().await;
    bed.learn(cursor(1, 1), Vec::new()).await;
    let first = (1..=500).filter(|seq| seq % 100 != 99);
    let first = first.map(|seq| message(seq, ADA, "first")).collect();
    bed.learn(cursor(1, 501), first).await;
    bed.learn(cursor(2, 1), Vec::new()).await;
    let second = (1..=300).map(|seq| Event {
        at: 1_000_000 + i64::try_from(seq).unwrap(),
        ..message(seq, ME, "second")
    });
    bed.learn(cursor(2, 301), second.collect()).await;
}

async fn page(bed: &Bed, at: PageAt) -> Page {
    bed.page(ROOM, at).await.unwrap()
}

fn events(page: &Page) -> Vec<Place> {
    page.items.iter().filter_map(Item::place).collect()
}

#[tokio::test]
async fn pages_in_both_directions_hold_everything_once_with_every_break() {
    for bed in Bed::both() {
        two_logs(&bed).await;
        let mut back = Vec::new();
        let mut at = PageAt::Latest;
        loop {
            let page = page(&bed, at).await;
            assert!(events(&page).len() <= WINDOW_PAGE);
            assert_eq!(page.newer, at != PageAt::Latest);
            back.splice(0..0, page.items.iter().cloned());
            at = PageAt::Before {
                place: events(&page)[0],
            };
            if !page.older {
                break;
            }
        }
        let whole = short(&back);
        assert_eq!(back.iter().filter_map(Item::place).count(), 495 + 300);
        assert!(whole.contains("1/98 -1/100 1/100"), "{whole}");
        assert!(whole.contains("1/500 =2 2/1 2/2"), "{whole}");
        assert_eq!(back.len(), 495 + 300 + 5 + 1);

        let mut forth = vec![back[0].clone()];
        let mut at = place(1, 1);
        loop {
            let page = page(&bed, PageAt::After { place: at }).await;
            assert!(page.older && events(&page).len() <= WINDOW_PAGE);
            forth.extend(page.items.iter().cloned());
            at = *events(&page).last().unwrap();
            if !page.newer {
                break;
            }
        }
        assert_eq!(short(&forth), whole);
    }
}

#[tokio::test]
async fn the_break_at_a_page_s_edge_belongs_to_it() {
    for bed in Bed::both() {
        two_logs(&bed).await;
        let items = async |at| page(&bed, at).await.items;
        for (left, right, item) in [
            (place(1, 98), place(1, 100), "-1/100"),
            (place(1, 500), place(2, 1), "=2"),
        ] {
            let after = items(PageAt::After { place: left }).await;
            assert_eq!(short(&after[..1]), item);
            let before = items(PageAt::Before { place: right }).await;
            assert_eq!(short(&before[before.len() - 1..]), item);
            assert_eq!(before[before.len() - 2].place(), Some(left));
        }
    }
}

#[tokio::test]
async fn a_page_around_a_place_has_it_in_the_middle() {
    for bed in Bed::both() {
        two_logs(&bed).await;
        for middle in [place(1, 300), place(1, 299), place(2, 1)] {
            let page = page(&bed, PageAt::Around { place: middle }).await;
            let events = events(&page);
            assert_eq!(events.len(), WINDOW_PAGE);
            let index = events.iter().position(|place| *place >= middle).unwrap();
            assert_eq!(index, WINDOW_PAGE / 2, "{middle:?}");
            assert!(page.older && page.newer);
        }
        let start = page(&bed, PageAt::Around { place: place(1, 1) }).await;
        assert_eq!(
            (events(&start).len(), start.older, start.newer),
            (100, false, true)
        );
        let end = page(&bed, PageAt::Around { place: place(9, 9) }).await;
        assert_eq!(
            (events(&end).len(), end.older, end.newer),
            (100, true, false)
        );
    }
}

#[tokio::test]
async fn there_is_nothing_before_the_first_nor_after_the_last() {
    for bed in Bed::both() {
        two_logs(&bed).await;
        let before = page(&bed, PageAt::Before { place: place(1, 1) }).await;
        assert_eq!(
            (before.items, before.older, before.newer),
            (vec![], false, true)
        );
        let after = page(
            &bed,
            PageAt::After {
                place: place(2, 300),
            },
        )
        .await;
        assert_eq!(
            (after.items, after.older, after.newer),
            (vec![], true, false)
        );
        let nowhere = bed.page(RoomId([9; 16]), PageAt::Latest).await.unwrap();
        assert_eq!(
            (nowhere.items, nowhere.older, nowhere.newer),
            (vec![], false, false)
        );
    }
}

#[tokio::test]
async fn a_room_opens_with_its_end() {
    for bed in Bed::both() {
        two_logs(&bed).await;
        let kept = bed.enter().await;
        let events = kept.items.iter().filter_map(Item::place);
        assert_eq!((events.count(), kept.older), (VIEW_ITEMS, true));
        assert_eq!(kept.items.last().and_then(Item::place), Some(place(2, 300)));
    }
}

#[tokio::test]
async fn reading_never_goes_back_nor_beyond_the_end() {
    for bed in Bed::both() {
        bed.enter().await;
        assert_eq!(bed.mark_read(ROOM, place(1, 5)).await.unwrap(), (None, 0));
        bed.fill(1, 1..=10).await;
        bed.learn(cursor(1, 12), vec![message(11, ME, "own")]).await;
        assert_eq!(bed.enter().await.unread, 10);
        let read = bed.mark_read(ROOM, place(1, 4)).await.unwrap();
        assert_eq!(read, (Some(place(1, 4)), 6));
        let read = bed.mark_read(ROOM, place(1, 2)).await.unwrap();
        assert_eq!(read, (Some(place(1, 4)), 6));
        let read = bed.mark_read(ROOM, place(7, 7)).await.unwrap();
        assert_eq!(read, (Some(place(1, 11)), 0));
        let unread = bed.mark_unread_from(ROOM, place(1, 9)).await.unwrap();
        assert_eq!(unread, (Some(place(1, 8)), 2));
        let bed = bed.crashed();
        let kept = bed.enter().await;
        assert_eq!((kept.read, kept.unread), (Some(place(1, 8)), 2));
        let unread = bed.mark_unread_from(ROOM, place(1, 1)).await.unwrap();
        assert_eq!(unread, (Some(place(1, 0)), 10));
    }
}

#[tokio::test]
async fn unread_messages_are_counted_so_far() {
    for bed in Bed::both() {
        bed.enter().await;
        bed.fill(1, 1..=u64::from(UNREAD_COUNTED) + 5).await;
        let (_, unread) = bed.mark_read(ROOM, place(1, 1)).await.unwrap();
        assert_eq!(unread, UNREAD_COUNTED);
        let (_, unread) = bed.mark_read(ROOM, place(1, 7)).await.unwrap();
        assert_eq!(unread, UNREAD_COUNTED - 2);
    }
}
