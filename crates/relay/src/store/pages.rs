//! Reading pages, and how a row becomes an event.

use chatspot_protocol::event::{Body, Event};
use chatspot_protocol::ids::{MemberId, Seq, Signature, WallMillis};
use chatspot_protocol::limits::PAGE_BYTES;
use chatspot_protocol::log::Page;
use chatspot_protocol::text::DisplayName;
use rusqlite::Connection;

use super::state::{Shared, empty_page, keeps};

/// What SQLite answers.
pub(super) type Found<T> = rusqlite::Result<T>;

/// Reads the page that starts at `from`.
pub(super) fn read(connection: &Connection, room: &Shared, from: Seq, to: Seq) -> Found<Page> {
    let (mut page, first) = {
        let state = room.state();
        let mut page = empty_page(from, to, state.head);
        if !keeps(state.settings) {
            state.recent.fill(&mut page);
            return Ok(page);
        }
        (page, state.first)
    };
    let sql = "SELECT e.seq, e.at, a.member, e.name, e.body, e.signature FROM events e JOIN authors a ON a.id = e.author
        WHERE e.room = ?1 AND e.seq BETWEEN ?2 AND ?3 AND e.body IS NOT NULL ORDER BY e.seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((room.row, int(from.max(first)), int(page.to)))?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let seq = seq(row.get(0)?);
        let (name, body): (String, String) = (row.get(3)?, row.get(4)?);
        let author = MemberId(row.get(2)?);
        let Some(event) = event(seq, row.get(1)?, author, &name, &body, row.get(5)?) else {
            tracing::error!(%seq, "an event in the log cannot be read; it is shown as missing");
            continue;
        };
        bytes += event.text_bytes();
        page.events.push(event);
        if bytes >= PAGE_BYTES {
            page.to = seq;
            break;
        }
    }
    Ok(page)
}

/// The event of a row; none when another program wrote it.
pub(super) fn event(
    seq: Seq,
    at: WallMillis,
    author: MemberId,
    name: &str,
    body: &str,
    signature: Option<[u8; 64]>,
) -> Option<Event> {
    let body: Body = serde_json::from_str(body).ok()?;
    let name = DisplayName::parse(name).ok()?;
    Some(Event {
        seq,
        at,
        author,
        name,
        body,
        signature: signature.map(Signature),
    })
}

/// A position as SQLite's integer, which holds all of them.
pub(super) fn int(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// See [`int`].
pub(super) fn seq(number: i64) -> Seq {
    Seq(u64::try_from(number).unwrap_or_default())
}
