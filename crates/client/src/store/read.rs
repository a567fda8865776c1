//! Reading the timeline: pages, the end of it, and how much of it is unread. Each question walks an index from where
//! it begins, so that a long history costs no more than a short one.

use chatspot_protocol::ids::{MemberId, RoomId, Seq};
use chatspot_protocol::limits::{RECENT_ROOMS, UNREAD_COUNTED, VIEW_ITEMS, WINDOW_PAGE};
use chatspot_protocol::session::Resume;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::timeline::{Row, items_of};
use chatspot_protocol::view::{Item, Page, PageAt, Pending, Place, Recent};
use rusqlite::{Connection, OptionalExtension, named_params};

use super::addresses::BEST;
use super::schema::{
    END, Room, START, TOLD, from_json, integer, place, told, unreadable, verified,
};
use super::{Acquaintance, Kept, OpenRoom, addresses};

/// What a room goes on with.
pub(super) fn kept(connection: &Connection, room: &Room) -> rusqlite::Result<Kept> {
    let number = room.number;
    let last = match room.cursor {
        Some(cursor) if cursor.next > Seq::ZERO => {
            let place = Place {
                log: cursor.log,
                seq: Seq(cursor.next.0 - 1),
            };
            standing_at(connection, number, place)?
        }
        Some(_) | None => None,
    };
    let outbox = connection
        .prepare_cached("SELECT pending FROM outbox WHERE room = ? ORDER BY place")?
        .query_map([number], |row| from_json(&row.get::<_, String>(0)?))?
        .collect::<rusqlite::Result<Vec<Pending>>>()?;
    let (items, older) = tail(connection, room)?;
    Ok(Kept {
        resume: Resume {
            name: room.name.clone(),
            cursor: room.cursor,
            last,
            outbox,
            settings: room.settings,
            trust: room.trust,
            verified: compared(connection)?,
        },
        items,
        older,
        read: room.read,
        unread: unread(connection, room, room.read)?,
        draft: room.draft.clone(),
        token: room.token,
    })
}

/// With whom codes were compared, in whatever room.
fn compared(connection: &Connection) -> rusqlite::Result<Vec<MemberId>> {
    connection
        .prepare_cached("SELECT member FROM compared")?
        .query_map([], |row| row.get(0).map(MemberId))?
        .collect()
}

/// The rooms that were joined before, for whoever finds a room at an address.
pub(super) fn acquaintances(connection: &Connection) -> rusqlite::Result<Vec<Acquaintance>> {
    let rooms = connection
        .prepare_cached(
            "SELECT number, room, name FROM rooms
             WHERE room IS NOT NULL AND joined_at IS NOT NULL",
        )?
        .query_map([], |row| {
            let name = room_name(&row.get::<_, String>(2)?)?;
            Ok((row.get::<_, i64>(0)?, RoomId(row.get(1)?), name))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let acquaintance = |(number, room, name)| {
        let known = addresses::of(connection, number)?;
        let known = known.into_iter().filter(|known| known.worked.is_some());
        Ok(Acquaintance {
            room,
            name,
            addresses: known.map(|known| known.address).collect(),
        })
    };
    rooms.into_iter().map(acquaintance).collect()
}

/// The end of the timeline, and whether there is more before it.
pub(super) fn tail(connection: &Connection, room: &Room) -> rusqlite::Result<(Vec<Item>, bool)> {
    let page = latest(connection, room, VIEW_ITEMS)?;
    Ok((page.items, page.older))
}

/// A page of a room; an empty one of a room that is not there.
pub(super) fn page(connection: &Connection, room: RoomId, at: PageAt) -> rusqlite::Result<Page> {
    let Some(room) = &Room::find(connection, room)? else {
        return Ok(Page {
            items: Vec::new(),
            older: false,
            newer: false,
        });
    };
    match at {
        PageAt::Latest => latest(connection, room, WINDOW_PAGE),
        PageAt::Before { place } => before(connection, room, place),
        PageAt::After { place } => after(connection, room, place),
        PageAt::Around { place } => around(connection, room, place),
    }
}

fn latest(connection: &Connection, room: &Room, most: usize) -> rusqlite::Result<Page> {
    let (from, older) = back(connection, room, END, most)?;
    let span = Span { from, to: END };
    Ok(Page {
        items: items(connection, room.number, span, None, None)?,
        older,
        newer: false,
    })
}

fn before(connection: &Connection, room: &Room, place: Place) -> rusqlite::Result<Page> {
    let (from, older) = back(connection, room, place, WINDOW_PAGE)?;
    let to = previous(place);
    Ok(Page {
        items: items(
            connection,
            room.number,
            Span { from, to },
            None,
            Some(place),
        )?,
        older,
        newer: !forth(connection, room, place, 1)?.is_empty(),
    })
}

fn after(connection: &Connection, room: &Room, place: Place) -> rusqlite::Result<Page> {
    let from = next(place).max(room.floor);
    let known = (from == next(place)).then_some(place);
    let places = forth(connection, room, from, WINDOW_PAGE + 1)?;
    let newer = places.len() > WINDOW_PAGE;
    let to = if newer { places[WINDOW_PAGE - 1] } else { END };
    let (_, older) = back(connection, room, from, 0)?;
    Ok(Page {
        items: items(connection, room.number, Span { from, to }, known, None)?,
        older,
        newer,
    })
}

fn around(connection: &Connection, room: &Room, place: Place) -> rusqlite::Result<Page> {
    let half = WINDOW_PAGE / 2;
    let (from, older) = back(connection, room, place, half)?;
    let places = forth(connection, room, place, WINDOW_PAGE - half + 1)?;
    let newer = places.len() > WINDOW_PAGE - half;
    let to = if newer {
        places[WINDOW_PAGE - half - 1]
    } else {
        END
    };
    Ok(Page {
        items: items(connection, room.number, Span { from, to }, None, None)?,
        older,
        newer,
    })
}

/// Places from `from` to `to`, both included.
#[derive(Clone, Copy)]
struct Span {
    from: Place,
    to: Place,
}

/// What stands in a span. `after` is what is known to stand before it, `until` behind it: the breaks there are part
/// of it.
fn items(
    connection: &Connection,
    number: i64,
    span: Span,
    after: Option<Place>,
    until: Option<Place>,
) -> rusqlite::Result<Vec<Item>> {
    let mut statement = connection.prepare_cached(SPAN)?;
    let rows = statement.query_map(
        named_params! {
            ":room": number,
            ":from_log": span.from.log,
            ":from_seq": integer(span.from.seq),
            ":to_log": span.to.log,
            ":to_seq": integer(span.to.seq),
        },
        row,
    )?;
    // Streamed: a restored log may hold any number of places whose events stand elsewhere.
    let mut failed = None;
    let rows = rows.map_while(|row| row.map_err(|error| failed = Some(error)).ok());
    let until = until.map(|place| Row { place, told: None });
    let items = items_of(after, rows.chain(until));
    failed.map_or(Ok(items), Err)
}

/// The rows of a span. Each half comes in the order of its index, and the two are merged.
pub(super) const SPAN: &str = "
    SELECT log, seq, at, author, name AS event_name, body, signature, proof FROM events
    WHERE room = :room AND (log, seq) >= (:from_log, :from_seq) AND (log, seq) <= (:to_log, :to_seq)
    UNION ALL
    SELECT log, seq, NULL, NULL, NULL, NULL, NULL, NULL FROM repeats
    WHERE room = :room AND (log, seq) >= (:from_log, :from_seq) AND (log, seq) <= (:to_log, :to_seq)
    ORDER BY log, seq";

/// A row of [`SPAN`]. An event that cannot be read keeps its place, as one that is not understood does on the wire.
pub(super) fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let place = place(row)?;
    let told = match row.get_ref("body")? {
        rusqlite::types::ValueRef::Null => None,
        _ => told(row)
            .inspect_err(|error| tracing::error!(?place, %error, "an event cannot be read"))
            .ok(),
    };
    Ok(Row { place, told })
}

/// Where the last `most` events before a place begin (the place itself if there are none), and whether there are more
/// before them.
fn back(
    connection: &Connection,
    room: &Room,
    before: Place,
    most: usize,
) -> rusqlite::Result<(Place, bool)> {
    let mut statement = connection.prepare_cached(
        "SELECT log, seq FROM events WHERE room = ? AND (log, seq) < (?, ?) AND (log, seq) >= (?, ?)
         ORDER BY log DESC, seq DESC LIMIT ?",
    )?;
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = statement.query((
        room.number,
        before.log,
        integer(before.seq),
        room.floor.log,
        integer(room.floor.seq),
        limit,
    ))?;
    let (mut from, mut found) = (before.max(room.floor), 0);
    while let Some(row) = rows.next()? {
        if found == most {
            return Ok((from, true));
        }
        from = place(row)?;
        found += 1;
    }
    Ok((from, false))
}

/// The places of the first events from a place on.
fn forth(
    connection: &Connection,
    room: &Room,
    from: Place,
    most: usize,
) -> rusqlite::Result<Vec<Place>> {
    let from = from.max(room.floor);
    connection
        .prepare_cached(
            "SELECT log, seq FROM events WHERE room = ? AND (log, seq) >= (?, ?)
             ORDER BY log, seq LIMIT ?",
        )?
        .query_map(
            (
                room.number,
                from.log,
                integer(from.seq),
                i64::try_from(most).unwrap_or(i64::MAX),
            ),
            place,
        )?
        .collect()
}

/// The last place that anything stands at, before the given one.
pub(super) fn last_before(
    connection: &Connection,
    number: i64,
    before: Place,
) -> rusqlite::Result<Option<Place>> {
    let mut last = None;
    for table in ["events", "repeats"] {
        let found = connection
            .prepare_cached(&format!(
                "SELECT log, seq FROM {table} WHERE room = ? AND (log, seq) < (?, ?)
                 ORDER BY log DESC, seq DESC LIMIT 1"
            ))?
            .query_row((number, before.log, integer(before.seq)), place)
            .optional()?;
        last = last.max(found);
    }
    Ok(last)
}

/// The event of a place; if it repeats an older one, that one at this place.
fn standing_at(
    connection: &Connection,
    number: i64,
    place: Place,
) -> rusqlite::Result<Option<chatspot_protocol::event::Event>> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {TOLD} FROM events
             WHERE (room = ?1 AND log = ?2 AND seq = ?3)
                OR id = (SELECT original FROM repeats WHERE room = ?1 AND log = ?2 AND seq = ?3)"
        ))?
        .query_row((number, place.log, integer(place.seq)), told)
        .optional()?;
    Ok(found.map(|mut told| {
        told.event.seq = place.seq;
        told.event
    }))
}

/// How many messages of others come after that place, counted up to [`UNREAD_COUNTED`].
pub(super) fn unread(
    connection: &Connection,
    room: &Room,
    read: Option<Place>,
) -> rusqlite::Result<u32> {
    let read = read.unwrap_or(START).max(previous(room.floor));
    connection.prepare_cached(UNREAD)?.query_row(
        (room.number, read.log, integer(read.seq), UNREAD_COUNTED),
        |row| row.get(0),
    )
}

pub(super) const UNREAD: &str = "
    SELECT count(*) FROM
        (SELECT 1 FROM events WHERE room = ? AND said = 2 AND (log, seq) > (?, ?) LIMIT ?)";

/// The joined rooms that are marked as open, in the order of opening. A hosted one is its host's to open.
pub(super) fn open_rooms(connection: &Connection) -> rusqlite::Result<Vec<OpenRoom>> {
    let mut rooms = connection
        .prepare_cached(
            "SELECT number, room, name FROM rooms
             WHERE room IS NOT NULL AND open IS NOT NULL AND joined_at IS NOT NULL ORDER BY open",
        )?
        .query_map([], |row| {
            let room = OpenRoom {
                room: RoomId(row.get(1)?),
                name: room_name(&row.get::<_, String>(2)?)?,
                addresses: Vec::new(),
            };
            Ok((row.get::<_, i64>(0)?, room))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for (number, room) in &mut rooms {
        let known = addresses::of(connection, *number)?;
        room.addresses = known.into_iter().map(|known| known.address).collect();
    }
    Ok(rooms.into_iter().map(|(_, room)| room).collect())
}

/// The rooms that were joined before, latest first.
pub(super) fn recents(connection: &Connection) -> rusqlite::Result<Vec<Recent>> {
    connection
        .prepare_cached(&format!(
            "SELECT room, name, {BEST}, joined_at,
                 EXISTS (SELECT 1 FROM events WHERE events.room = rooms.number), verified
             FROM rooms WHERE room IS NOT NULL AND joined_at IS NOT NULL
             ORDER BY joined_at DESC, number DESC LIMIT ?"
        ))?
        .query_map([i64::try_from(RECENT_ROOMS).unwrap_or(i64::MAX)], |row| {
            let room = RoomId(row.get(0)?);
            Ok(Recent {
                room,
                fingerprint: room.fingerprint(),
                verified: verified(row.get(5)?),
                name: room_name(&row.get::<_, String>(1)?)?,
                address: row.get(2)?,
                joined_at: row.get(3)?,
                kept: row.get(4)?,
            })
        })?
        .collect()
}

pub(super) fn room_name(text: &str) -> rusqlite::Result<RoomName> {
    RoomName::parse(text).map_err(unreadable)
}

fn next(place: Place) -> Place {
    Place {
        seq: place.seq.next(),
        ..place
    }
}

fn previous(place: Place) -> Place {
    match place.seq {
        Seq::ZERO => Place {
            log: place.log.saturating_sub(1),
            seq: Seq::MAX,
        },
        Seq(seq) => Place {
            seq: Seq(seq - 1),
            ..place
        },
    }
}
