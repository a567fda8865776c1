//! Searching the messages of all rooms, or of one, newest first. See [`super::words`] for what is found.

use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::SEARCH_HITS;
use chatspot_protocol::timeline::Told;
use chatspot_protocol::view::{Hit, Hits};
use rusqlite::Connection;

use super::read::room_name;
use super::schema::{Room, TOLD, told};
use super::words::{expression, room_token};

/// Messages that hold the query's terms, of those before `before`.
pub(super) fn search(
    connection: &Connection,
    room: Option<RoomId>,
    query: &str,
    before: Option<i64>,
) -> rusqlite::Result<Hits> {
    let nothing = Hits {
        hits: Vec::new(),
        next: None,
    };
    let number = match room {
        Some(room) => match Room::find(connection, room)? {
            Some(room) => Some(room.number),
            None => return Ok(nothing),
        },
        None => None,
    };
    let Some(expression) = expression(query, number.map(room_token).as_deref()) else {
        return Ok(nothing);
    };
    // The index goes first, in its own order: so the search ends with the last hit that is wanted.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT events.id, rooms.room, rooms.name, events.log, {TOLD}
         FROM words CROSS JOIN events ON events.id = words.rowid
             CROSS JOIN rooms ON rooms.number = events.room
         WHERE words MATCH ? AND words.rowid < ? AND rooms.room IS NOT NULL
             AND (events.log, seq) >= (floor_log, floor_seq)
         ORDER BY words.rowid DESC"
    ))?;
    let mut rows = statement.query((expression, before.unwrap_or(i64::MAX)))?;
    let Hits { mut hits, .. } = nothing;
    let mut last = None;
    while let Some(row) = rows.next()? {
        if hits.len() == SEARCH_HITS {
            return Ok(Hits { hits, next: last });
        }
        let Told { event, proof } = match told(row) {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(%error, "an event cannot be read");
                continue;
            }
        };
        last = Some(row.get("id")?);
        hits.push(Hit {
            room: RoomId(row.get(1)?),
            room_name: room_name(&row.get::<_, String>(2)?)?,
            log: row.get("log")?,
            event,
            proof,
        });
    }
    Ok(Hits { hits, next: None })
}
