//! Writing down what a session learnt: everything of one input in one transaction, and what the room's rules want
//! deleted after it.
//!
//! An event's id is the second that it bears, with a number for what shares it: older history that comes later gets a
//! place among its time, and the search, which goes by the id, is newest first whatever came when. An id stays below
//! 2^53, so that the window can hold it.

use chatspot_protocol::event::{Body, Event, Proof, Retention};
use chatspot_protocol::ids::{ClientId, MemberId, RoomId, Seq, WallMillis};
use chatspot_protocol::session::{Cursor, Keep};
use chatspot_protocol::timeline::{Row, Told, items_of};
use chatspot_protocol::view::{Item, Pending, Place};
use rusqlite::{OptionalExtension, Transaction};

use super::schema::{END, Room, START, TOLD, ident, integer, json, place, proof_number, told};
use super::unsay::{deletes, is_unsaid, target_number, unsaid, unsay};
use super::words::{fold, room_token};
use super::write::{
    Durability, Pruned, Writer, compared, forget_events, rename_room, set_trust, token_used,
};
use super::{Cut, Saved, read};

/// Events that can share a second before they count for the next one.
const SAME_SECOND: u32 = 20;
/// The last second that an id can bear, in 2106: what a relay dates later stands there.
const LAST_SECOND: i64 = (1 << 32) - 1;

/// Writes an own message down, behind all others that wait.
pub(super) fn put_pending(
    tx: &Transaction<'_>,
    room: RoomId,
    message: &Pending,
) -> rusqlite::Result<()> {
    let room = Room::get(tx, room)?;
    pending(tx, room.number, message)
}

/// Writes down what a session wants kept.
pub(super) fn keep(
    writer: &mut Writer,
    room: RoomId,
    keeps: Vec<Keep>,
    now: WallMillis,
) -> rusqlite::Result<Saved> {
    // What no relay can tell again: own messages, and what is known of the room.
    let mine = |keep: &Keep| match keep {
        Keep::Pending { .. }
        | Keep::Gone { .. }
        | Keep::Trust { .. }
        | Keep::Verified { .. }
        | Keep::TokenUsed => true,
        Keep::Events { .. } | Keep::Settings { .. } | Keep::Name { .. } => false,
    };
    let durability = if keeps.iter().any(mine) {
        Durability::Now
    } else {
        Durability::Soon
    };
    let (saved, pruned) = writer.transaction(durability, |tx| keep_all(tx, room, keeps, now))?;
    writer.pruned(pruned);
    Ok(saved)
}

fn keep_all(
    tx: &Transaction<'_>,
    id: RoomId,
    keeps: Vec<Keep>,
    now: WallMillis,
) -> rusqlite::Result<(Saved, Pruned)> {
    let mut room = Room::get(tx, id)?;
    let mut saved = Saved::default();
    let mut pruned = Pruned::Nothing;
    for keep in keeps {
        match keep {
            Keep::Events {
                cursor,
                events,
                tail,
            } => learn(tx, &mut room, cursor, events, tail, &mut saved)?,
            Keep::Pending { pending: message } => pending(tx, room.number, &message)?,
            Keep::Gone { id } => gone(tx, room.number, id)?,
            Keep::Settings { settings } => {
                tx.prepare_cached("UPDATE rooms SET settings = ? WHERE number = ?")?
                    .execute((json(&settings)?, room.number))?;
                room.settings = Some(settings);
                pruned = pruned.max(prune(tx, &mut room, now)?);
            }
            Keep::Name { name } => rename_room(tx, id, &name)?,
            Keep::Trust { trust } => set_trust(tx, room.number, trust)?,
            Keep::Verified { member } => compared(tx, member)?,
            Keep::TokenUsed => token_used(tx, room.number)?,
        }
    }
    if pruned != Pruned::Nothing {
        let (mut items, older) = read::tail(tx, &room)?;
        if items.is_empty() {
            // The rules that are not written down any more are still shown.
            items.clone_from(&saved.items);
        }
        saved.cut = Some(Cut { items, older });
    }
    Ok((saved, pruned))
}

/// Deletes in every room what its rules want deleted. Returns the rooms that are open and lost something.
pub(super) fn prune_all(writer: &mut Writer, now: WallMillis) -> rusqlite::Result<Vec<RoomId>> {
    let rooms = writer
        .connection
        .prepare_cached("SELECT room, open FROM rooms WHERE room IS NOT NULL")?
        .query_map([], |row| {
            let open: Option<i64> = row.get(1)?;
            Ok((RoomId(row.get(0)?), open.is_some()))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut shorter = Vec::new();
    for (id, is_open) in rooms {
        let pruned = writer.transaction(Durability::Soon, |tx| {
            prune(tx, &mut Room::get(tx, id)?, now)
        })?;
        writer.pruned(pruned);
        if is_open && pruned != Pruned::Nothing {
            shorter.push(id);
        }
    }
    Ok(shorter)
}

/// Puts everything before the first event, in order, that is young enough out of reach. It is deleted afterwards, when
/// nothing else waits.
fn prune(tx: &Transaction<'_>, room: &mut Room, now: WallMillis) -> rusqlite::Result<Pruned> {
    let retention = room.settings.unwrap_or_default().retention;
    let Some(cutoff) = retention.cutoff(now) else {
        return Ok(Pruned::Nothing);
    };
    let any = "SELECT EXISTS (SELECT 1 FROM events WHERE room = ?)";
    if !tx
        .prepare_cached(any)?
        .query_row([room.number], |row| row.get(0))?
    {
        return Ok(Pruned::Nothing);
    }
    let young = tx
        .prepare_cached(
            "SELECT log, seq FROM events WHERE room = ? AND at >= ? ORDER BY log, seq LIMIT 1",
        )?
        .query_row((room.number, cutoff), place)
        .optional()?;
    let Some(young) = young.filter(|_| retention != Retention::Nothing) else {
        room.number = forget_events(tx, room.number)?;
        room.floor = START;
        return Ok(Pruned::All);
    };
    let old = "SELECT EXISTS (SELECT 1 FROM events WHERE room = ? AND (log, seq) < (?, ?)
                   AND (log, seq) >= (?, ?))";
    let (log, seq) = (young.log, integer(young.seq));
    let floor = (room.floor.log, integer(room.floor.seq));
    let any_old: bool = tx
        .prepare_cached(old)?
        .query_row((room.number, log, seq, floor.0, floor.1), |row| row.get(0))?;
    if !any_old {
        return Ok(Pruned::Nothing);
    }
    tx.prepare_cached("UPDATE rooms SET floor_log = ?, floor_seq = ? WHERE number = ?")?
        .execute((log, seq, room.number))?;
    room.floor = young;
    Ok(Pruned::Some)
}

/// Events with the cursor behind them.
fn learn(
    tx: &Transaction<'_>,
    room: &mut Room,
    cursor: Cursor,
    events: Vec<Told>,
    tail: bool,
    saved: &mut Saved,
) -> rusqlite::Result<()> {
    let written = room.settings.unwrap_or_default().retention != Retention::Nothing;
    let first = events.first().map(|told| Place {
        log: cursor.log,
        seq: told.event.seq,
    });
    let before = match first.filter(|_| tail) {
        Some(first) => place_before(tx, room, first)?,
        None => None,
    };
    let known = room.cursor;
    set_cursor(tx, room, cursor)?;
    let mut rows = Vec::with_capacity(if tail { events.len() } else { 0 });
    for mut told in events {
        let own = told.proof == Proof::Author && room.me == Some(told.event.author);
        if let Some(id) = told.event.body.id().filter(|_| own) {
            gone(tx, room.number, id)?;
        }
        let place = Place {
            log: cursor.log,
            seq: told.event.seq,
        };
        let written = if written {
            insert(tx, room, place, &mut told)?
        } else {
            Written::New
        };
        let told = match written {
            Written::New => Some(told),
            Written::Repeat => None,
            Written::Known => continue,
        };
        if tail {
            let said = told.as_ref().map(|told| said(room.me, &told.event));
            saved.others += u32::from(said == Some(SAID_BY_OTHERS));
            rows.push(Row { place, told });
        }
    }
    if !written && tail && known.is_some_and(|known| known.log != cursor.log) {
        // Nothing is on the disk that a later event could be seen to be of another log than.
        saved.items.push(Item::Reset { log: cursor.log });
    }
    saved.items.extend(items_of(before, rows));
    Ok(())
}

/// What stands before a new event at the end, as the window shows it.
fn place_before(
    tx: &Transaction<'_>,
    room: &Room,
    first: Place,
) -> rusqlite::Result<Option<Place>> {
    let last = read::last_before(tx, room.number, END)?;
    let shown = room.cursor.map(|cursor| Place {
        log: cursor.log,
        seq: Seq(cursor.next.0.saturating_sub(1)),
    });
    Ok(match (last, shown) {
        // A newcomer's first page begins anywhere.
        (None, Some(shown)) if shown.log == 1 && shown.seq == Seq::ZERO => None,
        // A log of which nothing is here yet is another one than the last.
        (Some(last), Some(_)) if last.log < first.log => Some(last),
        (_, Some(shown)) if shown.log == first.log => Some(shown),
        (last, _) => last,
    })
}

fn set_cursor(tx: &Transaction<'_>, room: &mut Room, cursor: Cursor) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE rooms SET log = ?, epoch = ?, next = ?, low = ? WHERE number = ?")?
        .execute((
            cursor.log,
            cursor.epoch.0,
            integer(cursor.next),
            integer(cursor.low),
            room.number,
        ))?;
    room.cursor = Some(cursor);
    Ok(())
}

/// What became of an event.
enum Written {
    New,
    /// It stands elsewhere in the timeline.
    Repeat,
    /// Its place is taken: it was written before.
    Known,
}

/// Writes an event down. What it says is taken out of it if that was deleted before.
fn insert(
    tx: &Transaction<'_>,
    room: &Room,
    place: Place,
    new: &mut Told,
) -> rusqlite::Result<Written> {
    let key = new.event.ident();
    let at = (room.number, place.log, integer(place.seq));
    for table in ["repeats", "events"] {
        let known = format!("SELECT 1 FROM {table} WHERE room = ? AND log = ? AND seq = ?");
        if tx.prepare_cached(&known)?.exists(at)? {
            return Ok(Written::Known);
        }
    }
    if let Some(original) = original(tx, room.number, place.log, new, key)? {
        let taken = "INSERT INTO repeats (room, log, seq, original) VALUES (?, ?, ?, ?)";
        tx.prepare_cached(taken)?
            .execute((at.0, at.1, at.2, original))?;
        return Ok(Written::Repeat);
    }
    if is_unsaid(tx, room.number, &new.event)?
        && let Some(body) = unsaid(&new.event)
    {
        new.event.body = body;
        new.event.signature = None;
    }
    let Told { event, proof } = &*new;
    let id = next_id(tx, event.at)?;
    tx.prepare_cached(
        "INSERT INTO events
             (id, room, log, seq, at, author, name, ident, said, body, signature, proof, target)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute((
        id,
        room.number,
        place.log,
        integer(place.seq),
        event.at,
        event.author.0,
        event.name.as_str(),
        ident(key),
        said(room.me, event),
        json(&event.body)?,
        event.signature.map(|signature| signature.0),
        proof_number(*proof),
        target_number(&event.body),
    ))?;
    if let Body::Message { text, .. } = &event.body {
        tx.prepare_cached("INSERT INTO words (rowid, room, text) VALUES (?, ?, ?)")?
            .execute((id, room_token(room.number), fold(text.as_str())))?;
    }
    if let Some(target) = deletes(new) {
        unsay(tx, room.number, target)?;
    }
    Ok(Written::New)
}

/// The same event at another place: in an older log, because the relay restored one, or in the same, because somebody
/// says again what its author said once. What nobody signed takes the place of nothing that its author did.
fn original(
    tx: &Transaction<'_>,
    number: i64,
    log: u32,
    new: &Told,
    key: ClientId,
) -> rusqlite::Result<Option<i64>> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT id, log, {TOLD} FROM events
         WHERE room = ? AND ident = ? AND log <= ? AND author = ?"
    ))?;
    let mut rows = statement.query((number, ident(key), log, new.event.author.0))?;
    while let Some(row) = rows.next()? {
        let Ok(old) = told(row) else { continue };
        let as_good = old.proof == Proof::Author || new.proof != Proof::Author;
        if as_good && old.event.ident() == key {
            return row.get("id").map(Some);
        }
    }
    Ok(None)
}

/// An id for an event of that time.
fn next_id(tx: &Transaction<'_>, at: WallMillis) -> rusqlite::Result<i64> {
    let mut second = (at / 1_000).clamp(0, LAST_SECOND);
    loop {
        let (first, last) = (second << SAME_SECOND, ((second + 1) << SAME_SECOND) - 1);
        let taken: Option<i64> = tx
            .prepare_cached("SELECT max(id) FROM events WHERE id BETWEEN ? AND ?")?
            .query_row((first, last), |row| row.get(0))?;
        match taken {
            None => return Ok(first),
            Some(taken) if taken < last => return Ok(taken + 1),
            Some(_) => second += 1,
        }
    }
}

const SAID_BY_OTHERS: u8 = 2;

/// See the column `said`.
fn said(me: Option<MemberId>, event: &Event) -> u8 {
    match event.body {
        Body::Message { .. } if me == Some(event.author) => 1,
        Body::Message { .. } => SAID_BY_OTHERS,
        Body::Edited { .. }
        | Body::Deleted { .. }
        | Body::Reacted { .. }
        | Body::Joined { .. }
        | Body::Left { .. }
        | Body::Renamed { .. }
        | Body::Settings { .. }
        | Body::Moderated { .. }
        | Body::Role { .. }
        | Body::Unknown => 0,
    }
}

fn pending(tx: &Transaction<'_>, number: i64, message: &Pending) -> rusqlite::Result<()> {
    // A new row: it goes behind all others.
    gone(tx, number, message.id)?;
    tx.prepare_cached("INSERT INTO outbox (room, id, pending) VALUES (?, ?, ?)")?
        .execute((number, message.id.0, json(message)?))?;
    Ok(())
}

fn gone(tx: &Transaction<'_>, number: i64, id: ClientId) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM outbox WHERE room = ? AND id = ?")?
        .execute((number, id.0))?;
    Ok(())
}
