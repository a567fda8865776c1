//! The one connection that writes, what it writes about rooms and for the window, and what it deletes when nothing
//! else waits.

use std::sync::mpsc::SyncSender;

use chatspot_folder::store::empty_log;
use chatspot_protocol::ids::{MemberId, RoomId, Seq, Token, WallMillis};
use chatspot_protocol::limits::DRAFT_BYTES;
use chatspot_protocol::session::Trust;
use chatspot_protocol::text::{RoomName, cut};
use chatspot_protocol::view::{Place, Verified};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::profile::Profile;
use super::read;
use super::schema::{Room, integer, place, verified_number};
use super::{Kept, Learnt, Opening, addresses};

/// Rows deleted in one step: a few milliseconds for what waits behind it.
const STEP_ROWS: u32 = 500;
/// Pages of the search index written in one step.
const STEP_PAGES: i32 = 200;
/// Prepared statements that a connection keeps: all that there are.
pub(super) const STATEMENTS: usize = 64;

/// When a transaction is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// As soon as the system writes it. What a power cut takes can be fetched from the relay again.
    Soon,
    /// When it is committed. Nobody else has it.
    Now,
}

/// What is to be done when nothing else waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chore {
    Nothing,
    /// Rows of rooms that are gone, and those before the floor of others, are to be deleted.
    Rows,
    /// The search index is to be written anew without what was deleted: its words stay in it until then.
    BeginWords,
    Words,
    /// Backups are to be made anew without the rooms that are gone.
    Backups,
}

/// How much of a room's history nobody can read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pruned {
    Nothing,
    /// Its beginning.
    Some,
    All,
}

/// The state of the thread that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    durability: Durability,
    chore: Chore,
    /// Whether whole rooms went. What goes bit by bit leaves the index as FTS5 merges it, and never all of it is
    /// written anew for that.
    stale_words: bool,
    /// Asks for a backup that is the only one, of which [`Writer::renewed`] is told. None in memory.
    pub(super) backups: Option<SyncSender<()>>,
    /// Rooms that only backups still have, while that one is made. Their rows stay until then, to say that there is
    /// something to do.
    renewing: Vec<i64>,
    /// None in memory.
    pub(super) profile: Option<Profile>,
}

impl Writer {
    pub(super) fn new(connection: Connection, profile: Option<Profile>) -> rusqlite::Result<Self> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let gone = "SELECT EXISTS (SELECT 1 FROM rooms WHERE room IS NULL)";
        let stale_words = connection.query_row(gone, [], |row| row.get(0))?;
        Ok(Self {
            connection,
            durability: Durability::Now,
            // What an earlier run did not come to.
            chore: Chore::Rows,
            stale_words,
            backups: None,
            renewing: Vec::new(),
            profile,
        })
    }

    /// Whether nothing is left to be done while nothing else waits.
    #[cfg(test)]
    pub(super) fn has_no_chores(&self) -> bool {
        self.chore == Chore::Nothing
    }

    /// Everything that `work` writes, or nothing.
    pub(super) fn transaction<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if self.durability != durability {
            // Takes effect only between transactions.
            let level = match durability {
                Durability::Soon => "NORMAL",
                Durability::Now => "FULL",
            };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durability = durability;
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// One step of what is to be done when nothing else waits. False when there is nothing.
    pub(super) fn idle(&mut self) -> bool {
        let step = match self.chore {
            Chore::Nothing => return false,
            Chore::Rows => self.transaction(Durability::Soon, delete_some),
            Chore::BeginWords => self.transaction(Durability::Soon, |tx| merge(tx, -STEP_PAGES)),
            Chore::Words => self.transaction(Durability::Soon, |tx| merge(tx, STEP_PAGES)),
            Chore::Backups => self.renew().map(|()| false),
        };
        self.chore = match step {
            Ok(true) if self.chore == Chore::BeginWords => Chore::Words,
            Ok(true) => self.chore,
            Ok(false) => match self.chore {
                Chore::Rows if self.stale_words => Chore::BeginWords,
                Chore::BeginWords | Chore::Words => {
                    self.stale_words = false;
                    Chore::Backups
                }
                Chore::Rows | Chore::Backups | Chore::Nothing => Chore::Nothing,
            },
            Err(error) => {
                tracing::warn!(%error, "deleted history is not cleared away yet");
                Chore::Nothing
            }
        };
        self.chore != Chore::Nothing
    }

    /// Rows wait to be deleted.
    pub(super) fn pruned(&mut self, pruned: Pruned) {
        if pruned != Pruned::Nothing {
            self.chore = Chore::Rows;
        }
        self.stale_words |= pruned == Pruned::All;
    }

    /// Has backups made without the rooms that are gone, unless that is being done.
    fn renew(&mut self) -> rusqlite::Result<()> {
        if !self.renewing.is_empty() {
            return Ok(());
        }
        let gone = "SELECT number FROM rooms WHERE room IS NULL";
        let gone: Vec<i64> = self
            .connection
            .prepare_cached(gone)?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        match &self.backups {
            None => self.transaction(Durability::Soon, |tx| delete_rooms(tx, &gone)),
            Some(backups) => {
                if !gone.is_empty() && backups.try_send(()).is_ok() {
                    self.renewing = gone;
                }
                Ok(())
            }
        }
    }

    /// The backups were made anew, or could not be: then it is tried again at the next start, or when the next room
    /// goes.
    pub(super) fn renewed(&mut self, made: bool) -> rusqlite::Result<()> {
        let gone = std::mem::take(&mut self.renewing);
        if made && empty_log(&self.connection)? {
            self.transaction(Durability::Soon, |tx| delete_rooms(tx, &gone))?;
            let more = "SELECT EXISTS (SELECT 1 FROM rooms WHERE room IS NULL)";
            if self.connection.query_row(more, [], |row| row.get(0))? {
                self.pruned(Pruned::All);
            }
        }
        Ok(())
    }
}

/// The last of rooms that are gone.
fn delete_rooms(tx: &Transaction<'_>, numbers: &[i64]) -> rusqlite::Result<()> {
    let mut delete = tx.prepare_cached("DELETE FROM rooms WHERE number = ?")?;
    for number in numbers {
        delete.execute([number])?;
    }
    Ok(())
}

/// Deletes some of the rows that nobody can read any more. False when none is left.
fn delete_some(tx: &Transaction<'_>) -> rusqlite::Result<bool> {
    let gone: Option<i64> = tx
        .prepare_cached(
            "SELECT number FROM rooms WHERE room IS NULL
                 AND (EXISTS (SELECT 1 FROM events WHERE events.room = rooms.number)
                     OR EXISTS (SELECT 1 FROM repeats WHERE repeats.room = rooms.number))
             LIMIT 1",
        )?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(number) = gone else {
        return sink(tx);
    };
    let events = tx
        .prepare_cached(
            "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE room = ? LIMIT ?)",
        )?
        .execute((number, STEP_ROWS))?;
    if events == 0 {
        tx.execute("DELETE FROM repeats WHERE room = ?", [number])?;
    }
    Ok(true)
}

/// Deletes some rows before a room's floor. False when no room has any.
fn sink(tx: &Transaction<'_>) -> rusqlite::Result<bool> {
    let found = tx
        .prepare_cached(
            "SELECT number, floor_log AS log, floor_seq AS seq FROM rooms WHERE floor_log > 0 LIMIT 1",
        )?
        .query_row([], |row| Ok((row.get::<_, i64>("number")?, place(row)?)))
        .optional()?;
    let Some((number, floor)) = found else {
        return Ok(false);
    };
    if delete_before(tx, number, floor, STEP_ROWS)? == 0 {
        tx.execute(
            "UPDATE rooms SET floor_log = 0, floor_seq = 0 WHERE number = ?",
            [number],
        )?;
    }
    Ok(true)
}

/// Deletes the first rows before a place, at most that many events. How many events it were.
pub(super) fn delete_before(
    tx: &Transaction<'_>,
    number: i64,
    before: Place,
    most: u32,
) -> rusqlite::Result<usize> {
    let (log, seq) = (before.log, integer(before.seq));
    let deleted = tx
        .prepare_cached(
            "DELETE FROM events WHERE id IN (SELECT id FROM events
                 WHERE room = ? AND (log, seq) < (?, ?) ORDER BY log, seq LIMIT ?)",
        )?
        .execute((number, log, seq, most))?;
    if deleted == 0 {
        tx.prepare_cached("DELETE FROM repeats WHERE room = ? AND (log, seq) < (?, ?)")?
            .execute((number, log, seq))?;
    }
    Ok(deleted)
}

/// Writes some pages of the search index anew. False when it is done.
fn merge(tx: &Transaction<'_>, pages: i32) -> rusqlite::Result<bool> {
    let before = tx.total_changes();
    tx.prepare_cached("INSERT INTO words (words, rank) VALUES ('merge', ?)")?
        .execute([pages])?;
    // As FTS5 says it: one change is the command itself.
    Ok(tx.total_changes() - before >= 2)
}

/// Marks a room as open, and reads what it goes on with.
pub(super) fn open_room(
    tx: &Transaction<'_>,
    room: RoomId,
    opening: &Opening,
    me: MemberId,
) -> rusqlite::Result<Kept> {
    let Opening {
        name,
        addresses: found,
        learnt,
        joined_at,
        token,
        verified,
    } = opening;
    tx.prepare_cached(
        "INSERT INTO rooms (room, name, joined_at, me, token, verified, open)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(open), 0) + 1 FROM rooms))
         ON CONFLICT (room) DO UPDATE SET
             name = excluded.name,
             joined_at = coalesce(excluded.joined_at, joined_at),
             me = excluded.me,
             token = coalesce(excluded.token, token),
             verified = max(excluded.verified, verified),
             open = coalesce(open, excluded.open)",
    )?
    .execute((
        room.0,
        name.as_str(),
        joined_at,
        me.0,
        token.map(|token| token.0),
        verified_number(*verified),
    ))?;
    let room = Room::get(tx, room)?;
    addresses::learn(tx, room.number, found, *learnt)?;
    read::kept(tx, &room)
}

/// The room is not open any more; one that was hosted is a recent one from now on. What was not sent is thrown away: it
/// must not go out by itself when somebody comes back much later.
pub(super) fn close_room(
    tx: &Transaction<'_>,
    room: RoomId,
    now: WallMillis,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE rooms SET open = NULL, token = NULL, joined_at = coalesce(joined_at, ?) WHERE room = ?",
    )?
    .execute((now, room.0))?;
    tx.prepare_cached(
        "DELETE FROM outbox WHERE room = (SELECT number FROM rooms WHERE rooms.room = ?)",
    )?
    .execute([room.0])?;
    Ok(())
}

/// How sure it is that this is the right room.
pub(super) fn set_trust(tx: &Transaction<'_>, number: i64, trust: Trust) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE rooms SET term = ?, verified = ? WHERE number = ?")?
        .execute((
            trust.term.cast_signed(),
            verified_number(trust.verified),
            number,
        ))?;
    Ok(())
}

/// Codes were compared with this member.
pub(super) fn compared(tx: &Transaction<'_>, member: MemberId) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO compared (member) VALUES (?) ON CONFLICT DO NOTHING")?
        .execute([member.0])?;
    Ok(())
}

/// The invite that a room was entered by is of no more use.
pub(super) fn token_used(tx: &Transaction<'_>, number: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE rooms SET token = NULL WHERE number = ?")?
        .execute([number])?;
    Ok(())
}

/// An invite, and by what the room is known for the right one.
pub(super) fn invited(
    tx: &Transaction<'_>,
    room: RoomId,
    token: Option<Token>,
    verified: Verified,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE rooms SET token = coalesce(?, token), verified = max(?, verified) WHERE room = ?",
    )?
    .execute((
        token.map(|token| token.0),
        verified_number(verified),
        room.0,
    ))?;
    Ok(())
}

/// The room is called that from now on.
pub(super) fn rename_room(
    tx: &Transaction<'_>,
    room: RoomId,
    name: &RoomName,
) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE rooms SET name = ? WHERE room = ?")?
        .execute((name.as_str(), room.0))?;
    Ok(())
}

/// Everything of the room is gone, for every reader at once; its rows are deleted later. False if it was not there.
pub(super) fn forget(tx: &Transaction<'_>, room: RoomId) -> rusqlite::Result<bool> {
    let Some(Room { number, .. }) = Room::find(tx, room)? else {
        return Ok(false);
    };
    tx.execute("DELETE FROM outbox WHERE room = ?", [number])?;
    tx.execute("DELETE FROM addresses WHERE room = ?", [number])?;
    tx.execute(
        "UPDATE rooms SET room = NULL, me = NULL, name = '', joined_at = NULL,
             open = NULL, log = NULL, epoch = NULL, next = NULL, low = NULL, settings = NULL,
             read_log = NULL, read_seq = NULL, draft = '', term = 0, verified = 0, token = NULL
         WHERE number = ?",
        [number],
    )?;
    Ok(true)
}

/// The room's events are gone for every reader at once, and deleted later; everything else of it stays, under the
/// number that is returned.
pub(super) fn forget_events(tx: &Transaction<'_>, number: i64) -> rusqlite::Result<i64> {
    let room: [u8; 16] =
        tx.query_row("SELECT room FROM rooms WHERE number = ?", [number], |row| {
            row.get(0)
        })?;
    tx.execute("UPDATE rooms SET room = NULL WHERE number = ?", [number])?;
    tx.execute(
        "INSERT INTO rooms (room, me, name, joined_at, open, log, epoch, next, low,
             settings, read_log, read_seq, draft, term, verified, token)
         SELECT ?, me, name, joined_at, open, log, epoch, next, low,
             settings, read_log, read_seq, draft, term, verified, token FROM rooms WHERE number = ?",
        (room, number),
    )?;
    let new = tx.last_insert_rowid();
    for table in ["outbox", "addresses"] {
        let update = format!("UPDATE {table} SET room = ? WHERE room = ?");
        tx.execute(&update, (new, number))?;
    }
    tx.execute(
        "UPDATE rooms SET me = NULL, name = '', joined_at = NULL, open = NULL, draft = '',
             term = 0, verified = 0, token = NULL
         WHERE number = ?",
        [number],
    )?;
    Ok(new)
}

/// Everything up to that place was read. What is read stays read, and what is not here yet cannot be.
pub(super) fn mark_read(
    tx: &Transaction<'_>,
    room: RoomId,
    place: Place,
) -> rusqlite::Result<(Option<Place>, u32)> {
    let room = Room::get(tx, room)?;
    let newest = room.cursor.map(|cursor| Place {
        log: cursor.log,
        seq: Seq(cursor.next.0.saturating_sub(1)),
    });
    let read = newest.map(|newest| place.min(newest)).max(room.read);
    if read != room.read {
        set_read(tx, room.number, read)?;
    }
    Ok((read, read::unread(tx, &room, read)?))
}

/// What stands at that place and behind it was not read.
pub(super) fn mark_unread_from(
    tx: &Transaction<'_>,
    room: RoomId,
    place: Place,
) -> rusqlite::Result<(Option<Place>, u32)> {
    let room = Room::get(tx, room)?;
    let read = Some(Place {
        seq: Seq(place.seq.0.saturating_sub(1)),
        ..place
    });
    set_read(tx, room.number, read)?;
    Ok((read, read::unread(tx, &room, read)?))
}

fn set_read(tx: &Transaction<'_>, number: i64, read: Option<Place>) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE rooms SET read_log = ?, read_seq = ? WHERE number = ?")?
        .execute((
            read.map(|read| read.log),
            read.map(|read| integer(read.seq)),
            number,
        ))?;
    Ok(())
}

/// What is typed and not sent.
pub(super) fn save_draft(tx: &Transaction<'_>, room: RoomId, text: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE rooms SET draft = ? WHERE room = ?")?
        .execute((cut(text, DRAFT_BYTES), room.0))?;
    Ok(())
}

/// What the window wants kept.
pub(super) fn set_prefs(tx: &Transaction<'_>, prefs: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM window", [])?;
    tx.execute("INSERT INTO window (prefs) VALUES (?)", [prefs])?;
    Ok(())
}

/// What the window wanted kept.
pub(super) fn prefs(connection: &Connection) -> rusqlite::Result<String> {
    let prefs = connection
        .query_row("SELECT prefs FROM window", [], |row| row.get(0))
        .optional()?;
    Ok(prefs.unwrap_or_default())
}

/// Rooms that an older version remembered elsewhere.
pub(super) fn import(
    tx: &Transaction<'_>,
    recents: impl IntoIterator<Item = (RoomId, RoomName, String, WallMillis)>,
) -> rusqlite::Result<()> {
    for (room, name, address, joined_at) in recents {
        tx.execute(
            "INSERT INTO rooms (room, name, joined_at) VALUES (?, ?, ?)
             ON CONFLICT (room) DO NOTHING",
            (room.0, name.as_str(), joined_at),
        )?;
        if let Ok(address) = address.parse() {
            let number = Room::get(tx, room)?.number;
            addresses::learn(tx, number, &[address], Learnt::Named)?;
        }
    }
    Ok(())
}
