//! Where rooms were found.

use chatspot_protocol::limits::NEARBY_ADDRESSES;
use chatspot_protocol::view::Discovery;
use rusqlite::Connection;

use super::*;
use crate::store::schema;

async fn known(bed: &Bed) -> Vec<String> {
    let known = bed.addresses(ROOM).await.unwrap();
    known
        .iter()
        .map(|known| known.address.to_string())
        .collect()
}

async fn sighted(bed: &Bed, texts: &[&str]) {
    let addresses = texts.iter().map(|text| at(text)).collect();
    bed.learn_addresses(ROOM, addresses, Learnt::Sighted)
        .await
        .unwrap();
}

#[tokio::test]
async fn f70_where_a_room_was_last_is_first_and_outlives_a_crash() {
    for bed in Bed::both() {
        // Of a room that is not there nothing is kept.
        sighted(&bed, &["lost:1"]).await;
        bed.enter().await;
        sighted(&bed, &["a:1", "b:1"]).await;
        assert_eq!(known(&bed).await, ["a:1", "b:1", "h:1"]);
        bed.address_worked(ROOM, at("b:1"), 5).await.unwrap();
        bed.address_worked(ROOM, at("c:1"), 9).await.unwrap();
        // The clock was set back meanwhile.
        bed.address_worked(ROOM, at("h:1"), 7).await.unwrap();
        sighted(&bed, &["a:1"]).await;
        let bed = bed.crashed();
        assert_eq!(known(&bed).await, ["h:1", "c:1", "b:1", "a:1"]);
        assert_eq!(bed.recents().await.unwrap()[0].address, "h:1");
        assert_eq!(bed.open_rooms().await.unwrap()[0].addresses.len(), 4);
        let met = bed.acquaintances().await.unwrap();
        let met = &met[0].addresses;
        assert_eq!(*met, [at("h:1"), at("c:1"), at("b:1")], "where it was");
        // Its history goes, and it is still there.
        bed.fill(1, 1..=3).await;
        bed.keep(ROOM, vec![rules(Retention::Nothing)], 0)
            .await
            .unwrap();
        assert_eq!(known(&bed).await.len(), 4);
        bed.close_room(ROOM, History::Keep, 0).await.unwrap();
        let remembered = bed.remembered().await.unwrap();
        assert_eq!((remembered.len(), remembered[0].room), (1, ROOM));
        assert_eq!(remembered[0].addresses.len(), 4);
        assert_eq!(remembered[0].worked, [at("h:1"), at("c:1"), at("b:1")]);
        bed.forget(ROOM).await.unwrap();
        let none: [String; 0] = [];
        assert_eq!(known(&bed).await, none);
        assert_eq!(bed.remembered().await.unwrap(), []);
        let left = |connection: &Connection| {
            let count = "SELECT count(*) FROM addresses";
            connection.query_row(count, [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(bed.read(left).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn of_many_addresses_those_stay_where_the_room_was_or_that_somebody_named() {
    for bed in Bed::both() {
        bed.enter().await;
        for number in 0..2 * NEARBY_ADDRESSES {
            sighted(&bed, &[&format!("s{number}:1")]).await;
        }
        let all = known(&bed).await;
        assert_eq!(all.len(), NEARBY_ADDRESSES + 1);
        assert!(all.contains(&"h:1".to_owned()), "{all:?}");
        assert_eq!(all[0], format!("s{}:1", 2 * NEARBY_ADDRESSES - 1));
        for number in 0..i64::try_from(NEARBY_ADDRESSES).unwrap() {
            let worked = at(&format!("w{number}:1"));
            bed.address_worked(ROOM, worked, number).await.unwrap();
        }
        sighted(&bed, &["late:1"]).await;
        let all = known(&bed).await;
        assert_eq!(all.len(), NEARBY_ADDRESSES + 1);
        let worked = all.iter().take(NEARBY_ADDRESSES);
        assert!(
            worked.clone().all(|known| known.starts_with('w')),
            "{all:?}"
        );
        assert_eq!(all[NEARBY_ADDRESSES], "h:1", "what somebody named stays");
        let remembered = bed.remembered().await.unwrap();
        assert_eq!(remembered[0].addresses.len(), NEARBY_ADDRESSES);
        // And what is named does not take the place of where the room was.
        let named = (0..NEARBY_ADDRESSES).map(|number| at(&format!("n{number}:1")));
        bed.learn_addresses(ROOM, named.collect(), Learnt::Named)
            .await
            .unwrap();
        let all = known(&bed).await;
        assert_eq!(all.len(), 2 * NEARBY_ADDRESSES);
        assert!(
            all[0].starts_with('w') && all[NEARBY_ADDRESSES] == "n0:1",
            "{all:?}"
        );
    }
}

#[tokio::test]
async fn a_hosted_room_has_one_place_here_which_nobody_else_is_told() {
    for bed in Bed::both() {
        for port in ["127.0.0.1:1", "127.0.0.1:2"] {
            let hosted = Opening {
                addresses: vec![at(port)],
                learnt: Learnt::Hosted,
                joined_at: None,
                ..opening("Lab")
            };
            bed.open_room(ROOM, hosted, ME).await.unwrap();
            assert_eq!(known(&bed).await, [port]);
        }
        assert_eq!(bed.remembered().await.unwrap(), []);
        // Left, it is one of the recent ones.
        bed.close_room(ROOM, History::Keep, 5).await.unwrap();
        assert_eq!(bed.remembered().await.unwrap()[0].addresses, []);
        assert_eq!(bed.recents().await.unwrap()[0].address, "127.0.0.1:2");
    }
}

#[tokio::test]
async fn whether_rooms_are_looked_for_is_kept() {
    for bed in Bed::both() {
        assert_eq!(bed.discovery().await.unwrap(), Discovery::On);
        for wanted in [Discovery::Off, Discovery::On, Discovery::Off] {
            bed.set_discovery(wanted).await.unwrap();
            assert_eq!(bed.discovery().await.unwrap(), wanted);
        }
        let bed = bed.crashed();
        assert_eq!(bed.discovery().await.unwrap(), Discovery::Off);
    }
}

#[test]
fn a_database_of_the_second_schema_keeps_where_its_rooms_are() {
    let mut connection = Connection::open_in_memory().unwrap();
    let migrations = (schema::LAYOUT.migrations)();
    migrations.to_version(&mut connection, 2).unwrap();
    connection
        .execute_batch(
            "INSERT INTO rooms (room, name, address, joined_at) VALUES
                 (x'01010101010101010101010101010101', 'Lab', 'h:1', 5),
                 (x'02020202020202020202020202020202', 'Mine', '127.0.0.1:7', NULL),
                 (NULL, '', '', NULL);",
        )
        .unwrap();
    migrations.to_latest(&mut connection).unwrap();
    let of = |room| {
        let known = crate::store::addresses::of(&connection, room).unwrap();
        let known = known.into_iter();
        known
            .map(|known| (known.address.to_string(), known.worked, known.learnt))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(1), [("h:1".to_owned(), Some(5), Learnt::Named)]);
    assert_eq!(of(2), [("127.0.0.1:7".to_owned(), None, Learnt::Hosted)]);
    assert_eq!(of(3), []);
}
