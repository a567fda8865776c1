//! The tables. A step that was released is never changed; the next one is added behind it.

use chatspot_folder::store::Layout;
use rusqlite_migration::{M, Migrations};

pub(super) const LAYOUT: Layout = Layout {
    name: "relay.db",
    migrations: || Migrations::new(vec![M::up(FIRST), M::up(SECOND)]),
};

/// `events.body` and `events.name` are null where nothing is kept, or no longer; such a row is there so that its
/// author's id for it stays used. Below `rooms.first` nothing is shown; below `rooms.swept` nothing is there.
/// `rooms.gone` is 1 for a room that is forgotten: it has another id, and its rows are deleted bit by bit. `present` is
/// who is in a room by its log, unless it keeps nothing.
/// `store.renewal` counts what was deleted on request while backups may still have it; 0 when none has.
const FIRST: &str = "
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    room BLOB NOT NULL UNIQUE,
    epoch BLOB NOT NULL,
    first INTEGER NOT NULL,
    swept INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0,
    settings TEXT NOT NULL
) STRICT;
CREATE TABLE authors (
    id INTEGER PRIMARY KEY,
    member BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE events (
    room INTEGER NOT NULL REFERENCES rooms,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author INTEGER NOT NULL REFERENCES authors,
    name TEXT,
    client_id BLOB,
    body TEXT,
    PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE present (
    room INTEGER NOT NULL REFERENCES rooms,
    author INTEGER NOT NULL REFERENCES authors,
    name TEXT NOT NULL,
    PRIMARY KEY (room, author)
) STRICT, WITHOUT ROWID;
CREATE TABLE store (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    renewal INTEGER NOT NULL
) STRICT;
INSERT INTO store VALUES (1, 0);
CREATE UNIQUE INDEX events_by_id ON events (room, author, client_id) WHERE client_id IS NOT NULL;
";

/// `events.signature` is null where the body is, and for what the relay wrote down by itself. `roster` is what the room
/// knows of everybody, folded from its log with each event; it outlives the events. `rooms.door` is who may come in.
/// `rooms.term` counts the keys in `rooms.tls_key` under which the room was hosted, for its warrants.
const SECOND: &str = "
ALTER TABLE events ADD COLUMN signature BLOB;
ALTER TABLE rooms ADD COLUMN door TEXT;
ALTER TABLE rooms ADD COLUMN term INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN tls_key BLOB;
CREATE TABLE roster (
    room INTEGER NOT NULL REFERENCES rooms,
    author INTEGER NOT NULL REFERENCES authors,
    standing TEXT NOT NULL,
    PRIMARY KEY (room, author)
) STRICT, WITHOUT ROWID;
";
