//! The tables, and how the domain's values stand in their columns.
//!
//! Every row of a room's history bears the room's number, not its id: a room whose history goes gets a new number in
//! one step, and the rows of the old one are deleted a few at a time, when nothing else waits.

use chatspot_folder::store::Layout;
use chatspot_protocol::event::{Event, Proof, RoomSettings};
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, RoomId, Seq, Signature, Token};
use chatspot_protocol::session::{Cursor, Trust};
use chatspot_protocol::text::{DisplayName, RoomName};
use chatspot_protocol::timeline::Told;
use chatspot_protocol::view::{Place, Verified};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use rusqlite_migration::{M, Migrations};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The client's database.
pub(super) const LAYOUT: Layout = Layout {
    name: "history.db",
    migrations,
};

/// The place before every other.
pub(super) const START: Place = Place {
    log: 0,
    seq: Seq::ZERO,
};

/// The place after every other.
pub(super) const END: Place = Place {
    log: u32::MAX,
    seq: Seq::MAX,
};

fn migrations() -> Migrations<'static> {
    Migrations::new(vec![M::up(FIRST), M::up(SECOND), M::up(THIRD)])
}

/// - `addresses.worked` is when the room proved itself there last, null where it never did.
/// - `addresses.learnt` is 0 for what somebody named, 1 for what was heard of, 2 for the room's own place when it is
///   hosted here.
/// - `discovery` has one row at most.
const THIRD: &str = "
CREATE TABLE addresses (
    room INTEGER NOT NULL REFERENCES rooms (number),
    address TEXT NOT NULL,
    learnt INTEGER NOT NULL,
    heard INTEGER NOT NULL,
    worked INTEGER,
    PRIMARY KEY (room, address)
) STRICT, WITHOUT ROWID;
INSERT INTO addresses (room, address, learnt, heard, worked)
    SELECT number, address, CASE WHEN joined_at IS NULL THEN 2 ELSE 0 END, 1, joined_at FROM rooms
    WHERE room IS NOT NULL AND address <> '';
ALTER TABLE rooms DROP COLUMN address;
CREATE TABLE discovery (wanted INTEGER NOT NULL) STRICT;
";

/// - `events.proof` is null in rows that are older than signatures.
/// - `events.target` is the start of the id of the message that an edit or a deletion is about.
/// - `events.body` of a message or an edit that was deleted is `deleted`, under its own id: the text is gone, and the
///   place says why.
/// - `rooms.term` is the warrants' number, all 64 bits of it.
const SECOND: &str = "
ALTER TABLE events ADD COLUMN signature BLOB;
ALTER TABLE events ADD COLUMN proof INTEGER;
ALTER TABLE events ADD COLUMN target INTEGER;
CREATE INDEX events_target ON events (room, target) WHERE target IS NOT NULL;
ALTER TABLE rooms ADD COLUMN term INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN token BLOB;
CREATE TABLE compared (member BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
";

/// - `rooms.room` is null when the room's rows are being deleted, and until no backup has them; numbers are never used
///   again.
/// - What stands before a room's floor is being deleted as well.
/// - `events.id` grows with the time of the event, see [`super::keep`]; the search goes by it.
/// - `events.ident` is the start of [`Event::ident`]: enough to find it, not to be sure.
/// - `events.said` is 0 for what is no message, 1 for an own and 2 for another's message.
/// - `repeats` are the places of a restored log whose event stands in an older log already.
/// - `words` holds no text, only the index; a message leaves it with its row.
const FIRST: &str = "
CREATE TABLE rooms (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    room BLOB UNIQUE,
    me BLOB,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    joined_at INTEGER,
    open INTEGER,
    log INTEGER, epoch BLOB, next INTEGER, low INTEGER,
    settings TEXT,
    read_log INTEGER, read_seq INTEGER,
    floor_log INTEGER NOT NULL DEFAULT 0, floor_seq INTEGER NOT NULL DEFAULT 0,
    draft TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    room INTEGER NOT NULL REFERENCES rooms (number),
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author BLOB NOT NULL,
    name TEXT NOT NULL,
    ident INTEGER NOT NULL,
    said INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_place ON events (room, log, seq);
CREATE INDEX events_unread ON events (room, log, seq) WHERE said = 2;
CREATE INDEX events_ident ON events (room, ident);

CREATE TABLE repeats (
    room INTEGER NOT NULL REFERENCES rooms (number),
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    original INTEGER NOT NULL,
    PRIMARY KEY (room, log, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    room INTEGER NOT NULL REFERENCES rooms (number),
    id BLOB NOT NULL,
    pending TEXT NOT NULL,
    UNIQUE (room, id)
) STRICT;

CREATE TABLE window (prefs TEXT NOT NULL) STRICT;

CREATE VIRTUAL TABLE words USING fts5(
    room, text, content='', contentless_delete=1, tokenize='ascii', prefix='1 2 3'
);
CREATE TRIGGER events_unsaid AFTER DELETE ON events WHEN old.said > 0 BEGIN
    DELETE FROM words WHERE rowid = old.id;
END;
";

/// What a room's row says.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) number: i64,
    pub(super) name: Option<RoomName>,
    pub(super) me: Option<MemberId>,
    pub(super) cursor: Option<Cursor>,
    pub(super) settings: Option<RoomSettings>,
    pub(super) read: Option<Place>,
    /// Nothing before it is there for a reader any more.
    pub(super) floor: Place,
    pub(super) draft: String,
    pub(super) trust: Trust,
    pub(super) token: Option<Token>,
}

impl Room {
    /// The room's row. A room that was never opened, or is forgotten, has none.
    pub(super) fn find(connection: &Connection, room: RoomId) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(
                "SELECT number, name, me, log, epoch, next, low, settings, read_log, read_seq,
                     floor_log, floor_seq, draft, term, verified, token
                 FROM rooms WHERE room = ?",
            )?
            .query_row([room.0], |row| {
                let cursor = match row.get::<_, Option<u32>>("log")? {
                    Some(log) => Some(Cursor {
                        log,
                        epoch: Epoch(row.get("epoch")?),
                        next: seq(row, "next")?,
                        low: seq(row, "low")?,
                    }),
                    None => None,
                };
                let read = match row.get::<_, Option<u32>>("read_log")? {
                    Some(log) => Some(Place {
                        log,
                        seq: seq(row, "read_seq")?,
                    }),
                    None => None,
                };
                let settings = row.get::<_, Option<String>>("settings")?;
                Ok(Self {
                    number: row.get("number")?,
                    name: RoomName::parse(&row.get::<_, String>("name")?).ok(),
                    me: row.get::<_, Option<[u8; 32]>>("me")?.map(MemberId),
                    cursor,
                    settings: settings.map(|text| from_json(&text)).transpose()?,
                    read,
                    floor: Place {
                        log: row.get("floor_log")?,
                        seq: seq(row, "floor_seq")?,
                    },
                    draft: row.get("draft")?,
                    trust: Trust {
                        term: row.get::<_, i64>("term")?.cast_unsigned(),
                        verified: verified(row.get("verified")?),
                    },
                    token: row.get::<_, Option<[u8; 16]>>("token")?.map(Token),
                })
            })
            .optional()
    }

    /// The same, where a room that is not there is a mistake of the caller's.
    pub(super) fn get(connection: &Connection, room: RoomId) -> rusqlite::Result<Self> {
        Self::find(connection, room)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }
}

/// A place as SQLite takes it.
pub(super) fn integer(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// A place as it stands in a row.
pub(super) fn seq(row: &Row<'_>, column: &str) -> rusqlite::Result<Seq> {
    row.get::<_, i64>(column).map(|seq| Seq(seq.unsigned_abs()))
}

/// The place of a row with the columns `log` and `seq`.
pub(super) fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        log: row.get("log")?,
        seq: seq(row, "seq")?,
    })
}

/// Columns of `events` that [`told`] reads.
pub(super) const TOLD: &str = "seq, at, author, events.name AS event_name, body, signature, proof";

/// The event of a row with the columns of [`TOLD`].
pub(super) fn told(row: &Row<'_>) -> rusqlite::Result<Told> {
    let name: String = row.get("event_name")?;
    let body: String = row.get("body")?;
    let event = Event {
        seq: seq(row, "seq")?,
        at: row.get("at")?,
        author: MemberId(row.get("author")?),
        name: DisplayName::parse(&name).map_err(unreadable)?,
        body: from_json(&body)?,
        signature: row.get::<_, Option<[u8; 64]>>("signature")?.map(Signature),
    };
    let proof = match row.get::<_, Option<u8>>("proof")? {
        Some(PROOF_AUTHOR) => Proof::Author,
        Some(PROOF_RELAY) => Proof::Relay,
        Some(_) => Proof::Missing,
        // Without a signature the room makes no difference.
        None => event.proof(&RoomId([0; 16])),
    };
    Ok(Told { event, proof })
}

const PROOF_AUTHOR: u8 = 1;
const PROOF_RELAY: u8 = 2;
const PROOF_MISSING: u8 = 0;

/// A proof as it stands in its column.
pub(super) fn proof_number(proof: Proof) -> u8 {
    match proof {
        Proof::Author => PROOF_AUTHOR,
        Proof::Relay => PROOF_RELAY,
        Proof::Missing => PROOF_MISSING,
    }
}

/// What a room is known by, as it stands in its column: better ones are larger.
pub(super) fn verified_number(verified: Verified) -> u8 {
    match verified {
        Verified::No => 0,
        Verified::Passcode => 1,
        Verified::Invite => 2,
        Verified::Compared => 3,
        Verified::Hosted => 4,
    }
}

pub(super) fn verified(number: u8) -> Verified {
    match number {
        1 => Verified::Passcode,
        2 => Verified::Invite,
        3 => Verified::Compared,
        4 => Verified::Hosted,
        _ => Verified::No,
    }
}

/// The start of an event's identity.
pub(super) fn ident(id: ClientId) -> i64 {
    let mut start = [0; 8];
    start.copy_from_slice(&id.0[..8]);
    i64::from_be_bytes(start)
}

/// A value as text.
pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A value from its text.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(unreadable)
}

/// A text in the database that is not what was written there.
pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
