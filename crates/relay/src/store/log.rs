//! The one connection that writes: drafts become events, old events become nothing. Everything of one call is one
//! transaction, and what others see of a room changes only after its commit.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Weak};

use chatspot_folder::store::{Database, StoreError, empty_log};
use chatspot_protocol::door::Door;
use chatspot_protocol::event::{Retention, RoomSettings};
use chatspot_protocol::ids::{Epoch, MemberId, RoomId, Seq, WallMillis};
use chatspot_protocol::limits::{RELAY_CONNECTIONS, SWEPT_AT_ONCE};
use chatspot_protocol::log::Page;
use chatspot_protocol::roster::Roster;
use chatspot_protocol::text::DisplayName;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::pages::{self, Found, int, seq};
use super::schema::LAYOUT;
use super::staged::{Staged, json, oldest_kept, set_first};
use super::state::{Shared, keeps};
use super::{Asked, Committed, Opening, not_saved};

/// Authors whose numbers are remembered: everybody who can be here at once.
const AUTHORS: usize = RELAY_CONNECTIONS;

/// A room's drafts.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) room: Arc<Shared>,
    pub(super) drafts: Vec<Asked>,
    /// To be written down with them.
    pub(super) door: Option<Door>,
}

/// A room as it was found.
pub(super) struct OpenRoom {
    pub(super) shared: Arc<Shared>,
    pub(super) door: Door,
    pub(super) term: u64,
}

#[derive(Debug)]
pub(super) struct Log {
    /// None after the end: what is asked for then is not saved.
    open: Option<(Connection, Arc<Database>)>,
    /// The open rooms, by their numbers.
    rooms: HashMap<i64, Weak<Shared>>,
    /// The authors' numbers in the tables.
    authors: HashMap<MemberId, i64>,
    /// Whether there may be something to sweep.
    unswept: bool,
    /// Whether backups may have to be made anew.
    renewal: bool,
}

impl Log {
    pub(super) fn new(connection: Connection, database: Arc<Database>) -> Self {
        // Each of the statements here is prepared once.
        connection.set_prepared_statement_cache_capacity(32);
        Self {
            open: Some((connection, database)),
            rooms: HashMap::new(),
            authors: HashMap::new(),
            unswept: true,
            renewal: true,
        }
    }

    /// Ends it.
    pub(super) fn close(&mut self) {
        if let Some((connection, database)) = self.open.take()
            && let Err(error) = database.close(connection)
        {
            tracing::error!(%error, "the history was not closed cleanly");
        }
    }

    pub(super) fn do_not_wait(&mut self) -> Result<(), StoreError> {
        self.with(|connection| connection.pragma_update(None, "synchronous", "NORMAL"))
    }

    /// Gives every room's log a new name.
    pub(super) fn rename_all(&mut self) -> Result<(), StoreError> {
        let rename = |tx: &Transaction<'_>| {
            let mut rooms = tx.prepare("SELECT id FROM rooms")?;
            let rows: Found<Vec<i64>> = rooms.query_map([], |row| row.get(0))?.collect();
            for row in rows? {
                let sql = "UPDATE rooms SET epoch = ?2 WHERE id = ?1";
                tx.execute(sql, (row, new_epoch()?.0))?;
            }
            Ok(())
        };
        self.transact(|tx, _| rename(tx))
    }

    /// The room's log, begun with the rules `new` if there is none, and without what grew too old until `now`.
    pub(super) fn open_room(&mut self, opening: &Opening) -> Result<OpenRoom, StoreError> {
        let Opening {
            room,
            settings: new,
            tls_key,
            now,
        } = *opening;
        let (row, epoch, first, head, settings, roster, door, term) = self.transact(|tx, _| {
            let sql =
                "INSERT INTO rooms (room, epoch, first, swept, settings) VALUES (?1, ?2, 1, 1, ?3)
                ON CONFLICT DO NOTHING";
            tx.execute(sql, (room.0, new_epoch()?.0, json(&new)))?;
            let sql = "UPDATE rooms SET term = term + 1, tls_key = ?2 WHERE room = ?1 AND tls_key IS NOT ?2";
            tx.execute(sql, (room.0, tls_key.0))?;
            let sql = "SELECT id, epoch, first, settings, door, term FROM rooms WHERE room = ?1";
            let (row, epoch, first, settings, door, term) = tx.query_row(sql, [room.0], |row| {
                let (settings, door): (String, Option<String>) = (row.get(3)?, row.get(4)?);
                let term = u64::try_from(row.get::<_, i64>(5)?).unwrap_or_default();
                let (epoch, first) = (Epoch(row.get(1)?), seq(row.get(2)?));
                Ok((row.get(0)?, epoch, first, settings, door, term))
            })?;
            let settings = settings_of(&settings);
            let head = head(tx, row)?;
            let first = if keeps(settings) {
                oldest_kept(tx, row, first, head, settings.retention, now)?
            } else {
                // What was said last was in memory only.
                head.next()
            };
            set_first(tx, row, first)?;
            let roster = roster(tx, row)?;
            Ok((row, epoch, first, head, settings, roster, door, term))
        })?;
        self.unswept = true;
        self.rooms.retain(|_, room| room.strong_count() > 0);
        let open = self.rooms.get(&row).and_then(Weak::upgrade);
        let shared = open
            .unwrap_or_else(|| Arc::new(Shared::new(row, epoch, first, head, settings, roster)));
        self.rooms.insert(row, Arc::downgrade(&shared));
        let door = door.map(|text| serde_json::from_str(&text)).transpose();
        let door = door.unwrap_or_else(|error| {
            tracing::error!(%error, "a door cannot be read; the room has a new one");
            None
        });
        Ok(OpenRoom {
            shared,
            door: door.unwrap_or_default(),
            term,
        })
    }

    /// Writes down who may come into a room.
    pub(super) fn keep_door(&mut self, room: &Shared, door: &Door) -> Result<(), StoreError> {
        self.transact(|tx, _| keep_door(tx, room.row, door))
    }

    /// Appends everything in one commit. After an error nothing of it is there. What comes too late for a room that is
    /// forgotten is not saved, and is in nobody's way.
    pub(super) fn commit(&mut self, requests: &[Request]) -> Vec<Committed> {
        let known = |room: &Shared| self.rooms.contains_key(&room.row);
        let known: Vec<bool> = requests.iter().map(|asked| known(&asked.room)).collect();
        let committed = self.transact(|tx, authors| {
            let mut rooms: HashMap<i64, Staged> = HashMap::new();
            let mut answers = Vec::with_capacity(requests.len());
            for (request, known) in requests.iter().zip(known) {
                if !known {
                    answers.push(not_saved(request));
                    continue;
                }
                let Request { room, drafts, door } = request;
                if let Some(door) = door {
                    keep_door(tx, room.row, door)?;
                }
                let staged = rooms
                    .entry(room.row)
                    .or_insert_with(|| Staged::new(room.clone()));
                let appended = drafts.iter().map(|(from, draft)| {
                    let appended = staged.append(tx, authors, draft)?;
                    Ok((*from, appended))
                });
                answers.push(Committed {
                    answers: appended.collect::<Found<_>>()?,
                    unkept: None,
                });
            }
            for staged in rooms.values_mut() {
                staged.finish(tx)?;
            }
            if rooms.values().any(Staged::forgets) {
                tx.execute("UPDATE store SET renewal = renewal + 1", [])?;
            }
            Ok((answers, rooms))
        });
        match committed {
            Ok((answers, rooms)) => {
                for staged in rooms.into_values() {
                    self.unswept |= staged.forgets();
                    self.renewal |= staged.forgets();
                    staged.show();
                }
                answers
            }
            Err(error) => {
                tracing::error!(%error, "nothing could be saved");
                requests.iter().map(not_saved).collect()
            }
        }
    }

    /// A page, read by the writer: for a store without readers.
    pub(super) fn page(&mut self, room: &Shared, from: Seq, to: Seq) -> Option<Page> {
        self.with(|connection| pages::read(connection, room, from, to))
            .inspect_err(|error| tracing::error!(%error, "a page cannot be read"))
            .ok()
    }

    /// Looks in every room, open or not, for what grew too old until `now`.
    pub(super) fn tidy(&mut self, now: WallMillis) {
        let aged = self.transact(|tx, _| {
            let mut statement = tx.prepare_cached("SELECT id, first, settings FROM rooms")?;
            let rooms = statement.query_map([], |row| {
                let settings: String = row.get(2)?;
                Ok((row.get(0)?, seq(row.get(1)?), settings_of(&settings)))
            })?;
            let mut aged = Vec::new();
            for room in rooms {
                let (row, first, settings) = room?;
                if let Retention::Days { .. } = settings.retention {
                    let head = head(tx, row)?;
                    let kept = oldest_kept(tx, row, first, head, settings.retention, now)?;
                    if kept > first {
                        set_first(tx, row, kept)?;
                        aged.push((row, kept));
                    }
                }
            }
            Ok(aged)
        });
        match aged {
            Ok(aged) => {
                self.unswept |= !aged.is_empty();
                for (row, first) in aged {
                    if let Some(room) = self.rooms.get(&row).and_then(Weak::upgrade) {
                        room.state().first = first;
                    }
                }
            }
            Err(error) => tracing::error!(%error, "old history could not be looked for"),
        }
    }

    /// Who is in a room by its log.
    pub(super) fn present(
        &mut self,
        room: &Shared,
    ) -> Result<Vec<(MemberId, DisplayName)>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT member, name FROM present JOIN authors ON authors.id = author
                WHERE room = ?1";
            let mut statement = connection.prepare(sql)?;
            let present = statement.query_map([room.row], |row| {
                let name: String = row.get(1)?;
                Ok((MemberId(row.get(0)?), DisplayName::parse(&name).ok()))
            })?;
            present
                .filter_map(|found| {
                    found
                        .map(|(member, name)| name.map(|name| (member, name)))
                        .transpose()
                })
                .collect()
        })
    }

    /// Forgets a room that is not open: nobody finds it any more, and its rows are deleted by [`Log::sweep`].
    pub(super) fn forget(&mut self, room: RoomId) -> Result<(), StoreError> {
        let row: Option<i64> = self.transact(|tx, _| {
            // Another id, so that a room of this one begins anew at once.
            let sql =
                "UPDATE rooms SET gone = 1, room = randomblob(16), door = NULL WHERE room = ?1 RETURNING id";
            let row = tx.query_row(sql, [room.0], |row| row.get(0)).optional()?;
            if row.is_some() {
                tx.execute("UPDATE store SET renewal = renewal + 1", [])?;
            }
            Ok(row)
        })?;
        // Its task may be about to write its last.
        row.and_then(|row| self.rooms.remove(&row));
        self.unswept = true;
        self.renewal = true;
        Ok(())
    }

    /// Overwrites some of what is no longer shown. True while there is more.
    pub(super) fn sweep(&mut self) -> bool {
        if !self.unswept {
            return false;
        }
        let swept = self.transact(|tx, _| {
            if clear_some(tx)? {
                return Ok(true);
            }
            let sql = "SELECT id, swept, first FROM rooms WHERE swept < first LIMIT 1";
            let room = tx
                .prepare_cached(sql)?
                .query_row([], |row| {
                    let (swept, first): (i64, i64) = (row.get(1)?, row.get(2)?);
                    Ok((row.get::<_, i64>(0)?, seq(swept), seq(first)))
                })
                .optional()?;
            let Some((row, from, first)) = room else {
                return Ok(false);
            };
            let to = first.min(Seq(from.0 + SWEPT_AT_ONCE));
            let range = (row, int(from), int(to));
            let sql = "UPDATE events SET body = NULL, name = NULL, signature = NULL
                WHERE room = ?1 AND seq >= ?2 AND seq < ?3 AND body IS NOT NULL";
            tx.prepare_cached(sql)?.execute(range)?;
            // The newest row stays: it says how far the log is.
            let sql = "DELETE FROM events WHERE room = ?1 AND seq >= ?2 AND seq < ?3 AND client_id IS NULL
                AND seq < (SELECT max(seq) FROM events WHERE room = ?1)";
            tx.prepare_cached(sql)?.execute(range)?;
            let sql = "UPDATE rooms SET swept = ?2 WHERE id = ?1";
            tx.prepare_cached(sql)?.execute((row, int(to)))?;
            Ok(true)
        });
        match swept {
            Ok(more) => {
                self.unswept = more;
                more
            }
            Err(error) => {
                tracing::error!(%error, "old history could not be deleted; it is tried again later");
                false
            }
        }
    }

    /// Sweeps until there is nothing more: for a store without a writer's thread.
    pub(super) fn sweep_all(&mut self) {
        while self.sweep() {}
    }

    /// The number of a deletion that backups may still have, once after it; asked when the sweeping is done.
    pub(super) fn take_renewal(&mut self) -> Option<i64> {
        if !std::mem::take(&mut self.renewal) {
            return None;
        }
        let asked = self.with(|connection| {
            let sql = "SELECT renewal FROM store";
            let renewal = connection.query_row(sql, [], |row| row.get(0))?;
            // The write-ahead log still has the pages as they were.
            let emptied = renewal == 0 || empty_log(connection)?;
            Ok((renewal, emptied))
        });
        match asked {
            Ok((renewal, true)) => Some(renewal).filter(|renewal| *renewal != 0),
            Ok((_, false)) => {
                // Somebody reads, maybe a whole backup: it is asked again when the next job is done.
                self.renewal = true;
                None
            }
            Err(error) => {
                tracing::error!(%error, "backups of what was deleted may be left until the next start");
                None
            }
        }
    }

    /// No backup has what was deleted up to that number.
    pub(super) fn renewed(&mut self, renewal: i64) {
        let sql = "UPDATE store SET renewal = 0 WHERE renewal = ?1";
        if let Err(error) = self.transact(|tx, _| tx.execute(sql, [renewal])) {
            tracing::warn!(%error, "backups are renewed once more at the next start");
        }
    }

    pub(super) fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Connection) -> Found<T>,
    ) -> Result<T, StoreError> {
        let Some((connection, database)) = &mut self.open else {
            return Err(StoreError::Io {
                path: LAYOUT.name.into(),
                source: io::Error::other("it is closed"),
            });
        };
        act(connection).map_err(|error| database.error(error))
    }

    /// One transaction: all of it or, after an error, nothing.
    fn transact<T>(
        &mut self,
        act: impl FnOnce(&Transaction<'_>, &mut HashMap<MemberId, i64>) -> Found<T>,
    ) -> Result<T, StoreError> {
        let mut authors = std::mem::take(&mut self.authors);
        let acted = self.with(|connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let acted = act(&tx, &mut authors)?;
            tx.commit()?;
            Ok(acted)
        });
        // After an error they are forgotten: the numbers that were given in it do not hold.
        if acted.is_ok() && authors.len() <= AUTHORS {
            self.authors = authors;
        }
        acted
    }
}

/// Deletes some rows of a room that is forgotten. False when there is none.
fn clear_some(tx: &Transaction<'_>) -> Found<bool> {
    let sql = "SELECT id, (SELECT min(seq) FROM events WHERE events.room = rooms.id) FROM rooms
        WHERE gone = 1 LIMIT 1";
    let gone: Option<(i64, Option<i64>)> = tx
        .prepare_cached(sql)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((row, oldest)) = gone else {
        return Ok(false);
    };
    if let Some(oldest) = oldest {
        let end = int(Seq(seq(oldest).0 + SWEPT_AT_ONCE));
        let sql = "DELETE FROM events WHERE room = ?1 AND seq < ?2";
        tx.prepare_cached(sql)?.execute((row, end))?;
    } else {
        tx.execute("DELETE FROM present WHERE room = ?1", [row])?;
        tx.execute("DELETE FROM roster WHERE room = ?1", [row])?;
        tx.execute("DELETE FROM rooms WHERE id = ?1", [row])?;
    }
    Ok(true)
}

fn keep_door(tx: &Transaction<'_>, row: i64, door: &Door) -> Found<()> {
    let sql = "UPDATE rooms SET door = ?2 WHERE id = ?1";
    tx.prepare_cached(sql)?.execute((row, json(door)))?;
    Ok(())
}

/// What a room knows of everybody.
fn roster(tx: &Transaction<'_>, row: i64) -> Found<Roster> {
    let sql =
        "SELECT member, standing FROM roster JOIN authors ON authors.id = author WHERE room = ?1";
    let mut statement = tx.prepare(sql)?;
    let mut rows = statement.query([row])?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        let (member, standing): ([u8; 32], String) = (row.get(0)?, row.get(1)?);
        match serde_json::from_str(&standing) {
            Ok(standing) => kept.push((MemberId(member), standing)),
            Err(error) => tracing::error!(%error, "what a room knew of somebody cannot be read"),
        }
    }
    Ok(Roster::resume(kept))
}

/// The newest position.
fn head(tx: &Transaction<'_>, row: i64) -> Found<Seq> {
    let sql = "SELECT max(seq) FROM events WHERE room = ?1";
    let head: Option<i64> = tx.prepare_cached(sql)?.query_row([row], |row| row.get(0))?;
    Ok(seq(head.unwrap_or_default()))
}

fn new_epoch() -> Found<Epoch> {
    let mut epoch = [0; 16];
    getrandom::fill(&mut epoch)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    Ok(Epoch(epoch))
}

/// Rules that a newer version wrote are taken for the usual ones: nothing is deleted by a misunderstanding.
fn settings_of(text: &str) -> RoomSettings {
    serde_json::from_str(text).unwrap_or_default()
}
