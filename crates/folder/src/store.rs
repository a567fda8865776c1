//! SQLite databases in a data folder: private, this process's alone, written through to the disk, brought up to date
//! in one transaction, checked after an unclean end, and replaced by their newest readable backup when damaged. What
//! the tables mean is their owners' business.

mod backup;
mod error;
mod files;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::Migrations;

pub use self::error::StoreError;
use self::error::{because, migrating};
use self::files::{Files, Mark, make_private};

/// How long a connection waits for another one of this process: a commit and a checkpoint take far less.
const BUSY: Duration = Duration::from_secs(10);
/// Bytes that the write-ahead log may keep on the disk after a checkpoint: some thousand messages; a burst's file is
/// cut back to it.
const WAL_BYTES: u32 = 16 * 1024 * 1024;
/// A schema that many versions ahead is no newer program's but a damaged header's.
const VERSIONS_AHEAD: i32 = 10_000;
/// How many backups are kept.
pub const BACKUPS: u32 = 3;

/// A database's name and its tables.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The file's name in the folder, with an extension: `rooms.db`.
    pub name: &'static str,
    /// The steps from an empty file to the newest schema.
    pub migrations: fn() -> Migrations<'static>,
}

/// What happened to a database that was damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// A backup took its place: what was written after it is missing.
    Backup {
        /// When the backup was made, as far as the file system knows.
        made: Option<SystemTime>,
        /// Where the damaged file is now. None when an earlier start, cut off, put it aside.
        aside: Option<PathBuf>,
    },
    /// There was no readable backup: it is a new, empty one.
    Anew {
        /// See [`Recovered::Backup::aside`].
        aside: Option<PathBuf>,
    },
}

/// An opened database.
#[derive(Debug)]
pub struct Opened {
    /// For more connections, backups, and the end.
    pub database: Database,
    /// The first connection, which may write. One connection at a time should: the others would wait for it.
    pub connection: Connection,
    /// Set when it was damaged. Said again at the next start unless [`Database::settled`] or [`Database::close`].
    pub recovered: Option<Recovered>,
}

/// A database that is this process's alone until it is dropped. Dropped without [`Database::close`], the next start
/// checks it first.
#[derive(Debug)]
pub struct Database {
    place: Place,
    /// Whether damage was met: then the next start checks.
    damaged: AtomicBool,
    /// Whether backups are given up.
    given_up: AtomicBool,
}

#[derive(Debug)]
enum Place {
    Disk(Files),
    /// The name among the process's databases in memory.
    Memory(String),
}

impl Database {
    /// Opens the database of that layout in `folder`; both are made if missing.
    ///
    /// # Errors
    /// [`StoreError::Newer`] and [`StoreError::InUse`] leave the file as it is. [`StoreError::Damaged`] comes only when
    /// nothing could be put in the place of a damaged one.
    pub fn open(folder: &Path, layout: &Layout) -> Result<Opened, StoreError> {
        let files = Files::lock(folder, layout.name)?;
        files.sweep();
        let mark = files.mark()?;
        let unclean = mark != Mark::None;
        let missing = !files.path().exists();
        files.set_mark(if mark == Mark::Restored {
            mark
        } else {
            Mark::Running
        })?;
        let opened = if missing && unclean && backup::any(&files) {
            Err(because(
                files.path(),
                "it was put aside by a start that was cut off",
            ))
        } else {
            up_to_date(&files, layout, unclean)
        };
        let (connection, recovered) = match opened {
            Ok(connection) if mark == Mark::Restored => {
                let (made, aside) = (None, None);
                (connection, Some(Recovered::Backup { made, aside }))
            }
            Ok(connection) => (connection, None),
            Err(StoreError::Damaged { path, message }) => {
                tracing::error!(path = %path.display(), message, "the database is damaged");
                let (connection, recovered) = backup::recover(&files, layout)?;
                (connection, Some(recovered))
            }
            Err(error) => {
                // Nothing was done to it that would have to be checked, unless it had to be before.
                if !unclean {
                    files.set_mark(Mark::None)?;
                }
                return Err(error);
            }
        };
        Ok(Opened {
            database: Self {
                place: Place::Disk(files),
                damaged: AtomicBool::new(false),
                given_up: AtomicBool::new(false),
            },
            connection,
            recovered,
        })
    }

    /// The same tables in memory. They are gone with the last connection.
    pub fn in_memory(layout: &Layout) -> Result<Opened, StoreError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // This file system of SQLite's lets several connections share one database in memory by its name.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("file:/{}-{number}?vfs=memdb", layout.name);
        let at = Path::new(layout.name);
        let mut connection = connect(&name, OpenFlags::SQLITE_OPEN_URI)
            .and_then(|connection| settle(&connection).map(|()| connection))
            .map_err(|error| StoreError::of(at, error))?;
        (layout.migrations)()
            .to_latest(&mut connection)
            .map_err(|error| migrating(at, error))?;
        Ok(Opened {
            database: Self {
                place: Place::Memory(name),
                damaged: AtomicBool::new(false),
                given_up: AtomicBool::new(false),
            },
            connection,
            recovered: None,
        })
    }

    /// The file, or the layout's name when it is in memory.
    pub fn path(&self) -> &Path {
        match &self.place {
            Place::Disk(files) => files.path(),
            Place::Memory(name) => Path::new(name),
        }
    }

    /// One more connection, which only reads. It sees what was committed before each of its statements or transactions.
    pub fn connect(&self) -> Result<Connection, StoreError> {
        let opened = match &self.place {
            Place::Disk(files) => connect(files.path(), OpenFlags::empty()),
            Place::Memory(name) => connect(name, OpenFlags::SQLITE_OPEN_URI),
        };
        opened
            .and_then(|connection| {
                settle(&connection)?;
                connection.pragma_update(None, "query_only", true)?;
                Ok(connection)
            })
            .map_err(|error| self.error(error))
    }

    /// What an error of one of its connections means. One that speaks of damage makes the next start check, and
    /// restore a backup if it must.
    pub fn error(&self, error: rusqlite::Error) -> StoreError {
        let error = StoreError::of(self.path(), error);
        if matches!(error, StoreError::Damaged { .. }) {
            self.damaged.store(true, Ordering::Relaxed);
        }
        error
    }

    /// Copies the database while it is used, checks the copy, and keeps it as the newest of [`BACKUPS`]. Takes as long
    /// as reading and writing it takes; in memory it does nothing.
    pub fn backup(&self) -> Result<(), StoreError> {
        let Place::Disk(files) = &self.place else {
            return Ok(());
        };
        let made = backup::make(files, &self.connect()?, &self.given_up);
        if matches!(made, Err(StoreError::Damaged { .. })) {
            self.damaged.store(true, Ordering::Relaxed);
        }
        made
    }

    /// Like [`Database::backup`], and removes the older ones, or all of them when it is given up: what was deleted
    /// before is in none of them any more.
    pub fn backup_alone(&self) -> Result<(), StoreError> {
        self.backup()?;
        let Place::Disk(files) = &self.place else {
            return Ok(());
        };
        let made = !self.given_up.load(Ordering::Relaxed);
        backup::remove(files, if made { 2 } else { 1 })
    }

    /// Gives up the backup that another thread is making, and every later one, so that the end need not wait for it.
    pub fn give_up_backups(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether the newest backup is older than that, or there is none.
    pub fn backup_is_due(&self, every: Duration) -> bool {
        let Place::Disk(files) = &self.place else {
            return false;
        };
        let made = std::fs::metadata(files.backup(1)).and_then(|file| file.modified());
        // A time in the future is no reason to wait for it.
        made.ok()
            .and_then(|made| made.elapsed().ok())
            .is_none_or(|age| age >= every)
    }

    /// What [`Opened::recovered`] said has been dealt with, and is not said again.
    pub fn settled(&self) -> Result<(), StoreError> {
        match &self.place {
            Place::Disk(files) => files.set_mark(Mark::Running),
            Place::Memory(_) => Ok(()),
        }
    }

    /// The clean end: what is in the write-ahead log goes into the file, and the next start need not check. The
    /// connections for reading should be closed before.
    pub fn close(&self, connection: Connection) -> Result<(), StoreError> {
        let Place::Disk(files) = &self.place else {
            return Ok(());
        };
        // What is committed is safe in the write-ahead log, too; a checkpoint that fails says what is wrong.
        let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = connection.close().map_err(|(_, error)| error);
        emptied
            .and(closed)
            .map_err(|error: rusqlite::Error| self.error(error))?;
        if !self.damaged.load(Ordering::Relaxed) {
            files.set_mark(Mark::None)?;
        }
        Ok(())
    }
}

/// Empties the write-ahead log, which still has pages as they were before something was deleted. False when somebody is
/// reading: nobody waits for that.
pub fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(Duration::ZERO)?;
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let emptied = connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    connection.busy_timeout(BUSY)?;
    match emptied {
        Ok(busy) => Ok(busy == 0),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A connection with what has to hold before anything is read.
fn connect(path: impl AsRef<Path>, more: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | more;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// How a connection works from now on.
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    // Answered with the mode that is: in memory there is no other.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS a plain fsync leaves the bytes in the drive's cache; elsewhere this changes nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten, and temporary tables never reach a folder that others can read.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES, |_| Ok(()))
}

/// Opens the database's file, checks it if asked to, and brings it to the newest schema.
fn up_to_date(files: &Files, layout: &Layout, check: bool) -> Result<Connection, StoreError> {
    let path = files.path();
    let at_path = |error| StoreError::of(path, error);
    make_private(path)?;
    let mut connection = connect(path, OpenFlags::empty()).map_err(at_path)?;
    // Until its version is known nothing may change the file, not even the end of this connection.
    let checkpoint = |off| {
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, off)
            .map_err(at_path)
    };
    checkpoint(true)?;
    let migrations = (layout.migrations)();
    let pending = migrations
        .pending_migrations(&connection)
        .map_err(|error| migrating(path, error))?;
    if pending < -VERSIONS_AHEAD {
        return Err(because(path, "its version is not a number"));
    }
    if pending < 0 {
        return Err(StoreError::Newer {
            path: path.to_owned(),
        });
    }
    if check {
        quick_check(path, &connection)?;
    }
    checkpoint(false)?;
    settle(&connection).map_err(at_path)?;
    migrations
        .to_latest(&mut connection)
        .map_err(|error| migrating(path, error))?;
    files.protect();
    Ok(connection)
}

/// Reads every page and its order, not every index entry.
fn quick_check(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| StoreError::of(path, error))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(because(path, &found))
    }
}

#[cfg(test)]
mod tests;
