//! Copies of a database: made while it is used, checked, numbered, and put in its place when it is damaged.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::error::because;
use super::files::{Files, Mark, make_private};
use super::{BACKUPS, Layout, Recovered, StoreError, connect, quick_check, up_to_date};

/// Pages that are copied at once: a megabyte, some milliseconds.
const PAGES: i32 = 256;
/// Between them: so that commits do not wait behind the copy.
const PAUSE: Duration = Duration::from_millis(2);

/// Whether there is one at all.
pub(super) fn any(files: &Files) -> bool {
    (1..=BACKUPS).any(|number| files.backup(number).exists())
}

/// Copies what `from` sees now, and makes it the newest backup, unless it is given up meanwhile.
pub(super) fn make(
    files: &Files,
    from: &Connection,
    given_up: &AtomicBool,
) -> Result<(), StoreError> {
    files.sweep();
    let made = copy(files, from, given_up);
    // Where it was kept there is nothing to sweep.
    files.sweep();
    made
}

/// Removes that one and all older ones.
pub(super) fn remove(files: &Files, newest: u32) -> Result<(), StoreError> {
    for number in newest..=BACKUPS {
        let path = files.backup(number);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::at(&path, source));
            }
            _ => {}
        }
    }
    files
        .sync_folder()
        .map_err(|source| StoreError::at(files.path(), source))
}

fn copy(files: &Files, from: &Connection, given_up: &AtomicBool) -> Result<(), StoreError> {
    let path = files.unfinished();
    let at_copy = |error| StoreError::of(&path, error);
    make_private(&path)?;
    // One transaction, so that commits in the meantime do not make it begin anew. Ended with the connection.
    from.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")
        .map_err(|error| StoreError::of(files.path(), error))?;
    let mut to = connect(&path, OpenFlags::empty()).map_err(at_copy)?;
    let copied = Backup::new(from, &mut to).and_then(|backup| {
        while !given_up.load(Ordering::Relaxed) {
            if backup.step(PAGES)? == StepResult::Done {
                return Ok(true);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(false)
    });
    if !copied.map_err(|error| StoreError::of(files.path(), error))? {
        return Ok(());
    }
    to.close().map_err(|(_, error)| at_copy(error))?;
    // A copy of damage must not push out a good one.
    let copied = connect(&path, OpenFlags::empty()).map_err(at_copy)?;
    quick_check(&path, &copied)?;
    // Then it is one file, whatever its name.
    let mode: String = copied
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
        .map_err(at_copy)?;
    copied.close().map_err(|(_, error)| at_copy(error))?;
    if mode != "delete" {
        return Err(because(&path, "the copy cannot be finished"));
    }
    let kept = (|| {
        File::open(&path)?.sync_all()?;
        for number in (1..BACKUPS).rev() {
            if files.backup(number).exists() {
                std::fs::rename(files.backup(number), files.backup(number + 1))?;
            }
        }
        std::fs::rename(&path, files.backup(1))?;
        files.sync_folder()
    })();
    kept.map_err(|source| StoreError::at(&path, source))
}

/// Puts the damaged database aside, and the newest readable backup, or else a new one, in its place.
pub(super) fn recover(
    files: &Files,
    layout: &Layout,
) -> Result<(Connection, Recovered), StoreError> {
    // Said before anything is done: a start that is cut off here is told so to the next one.
    files.set_mark(Mark::Restored)?;
    let aside = files.set_aside(&today(files)?)?;
    for number in 1..=BACKUPS {
        let backup = files.backup(number);
        if !backup.exists() {
            continue;
        }
        let made = std::fs::metadata(&backup).and_then(|file| file.modified());
        files.restore(&backup)?;
        match up_to_date(files, layout, true) {
            Ok(connection) => {
                let made = made.ok();
                return Ok((connection, Recovered::Backup { made, aside }));
            }
            Err(error @ (StoreError::Damaged { .. } | StoreError::Newer { .. })) => {
                tracing::error!(%error, number, "the backup cannot be used");
                files.remove()?;
            }
            Err(error) => return Err(error),
        }
    }
    let connection = up_to_date(files, layout, false)?;
    files.set_mark(Mark::Running)?;
    Ok((connection, Recovered::Anew { aside }))
}

/// The date and time as a part of a file's name.
fn today(files: &Files) -> Result<String, StoreError> {
    Connection::open_in_memory()
        .and_then(|memory| {
            let sql = "SELECT strftime('%Y-%m-%d-%H%M%S', 'now')";
            memory.query_row(sql, [], |row| row.get(0))
        })
        .map_err(|error| StoreError::of(files.path(), error))
}
