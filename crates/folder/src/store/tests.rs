//! Ends of every kind, damage at every place, and what the next start makes of it.

use std::fs;
use std::process::{Command, Stdio};

use rusqlite_migration::{HookResult, M};

use super::files::with;
use super::*;

const ONE: &str = "CREATE TABLE lines (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT";
/// Enough for SQLite to write pages of the open transaction to the disk.
const TWO: &str = "CREATE TABLE more (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
    INSERT INTO more (bytes) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    SELECT randomblob(900) FROM n;";
/// Makes [`DYING`] end its process.
const DIE: &str = "CHATSPOT_TEST_DIES_IN";

const FIRST: Layout = Layout {
    name: "lines.db",
    migrations: || Migrations::new(vec![M::up(ONE)]),
};
const SECOND: Layout = Layout {
    name: "lines.db",
    migrations: || Migrations::new(vec![M::up(ONE), M::up(TWO)]),
};
const DYING: Layout = Layout {
    name: "lines.db",
    migrations: || Migrations::new(vec![M::up(ONE), M::up_with_hook(TWO, die)]),
};

fn die(_: &rusqlite::Transaction<'_>) -> HookResult {
    std::process::abort();
}

fn write(connection: &Connection, text: &str) {
    connection
        .execute("INSERT INTO lines (text) VALUES (?1)", [text])
        .unwrap();
}

fn read(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT text FROM lines ORDER BY id")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn open(folder: &Path) -> Opened {
    Database::open(folder, &FIRST).unwrap()
}

/// As a crash leaves it: nothing is written any more, and SQLite does not tidy up.
fn crash(folder: &Path, opened: Opened) {
    let saved = tempfile::tempdir().unwrap();
    let files = || fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    for file in files() {
        fs::copy(file.path(), saved.path().join(file.file_name())).unwrap();
    }
    drop(opened);
    for file in files() {
        fs::remove_file(file.path()).unwrap();
    }
    for file in fs::read_dir(saved.path()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
}

#[test]
fn what_is_written_is_there_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path());
    write(&opened.connection, "one");
    crash(folder.path(), opened);
    let opened = open(folder.path());
    assert_eq!(opened.recovered, None);
    write(&opened.connection, "two");
    opened.database.close(opened.connection).unwrap();
    drop(opened.database);
    let opened = open(folder.path());
    assert_eq!(opened.recovered, None);
    assert_eq!(read(&opened.connection), ["one", "two"]);
}

#[test]
fn every_connection_writes_through_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path());
    let reader = opened.database.connect().unwrap();
    for connection in [&opened.connection, &reader] {
        let pragma = |name: &str| {
            let value = |row: &rusqlite::Row<'_>| {
                let value: rusqlite::types::Value = row.get(0)?;
                Ok(format!("{value:?}"))
            };
            connection
                .query_row(&format!("PRAGMA {name}"), [], value)
                .unwrap()
        };
        assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
        for (name, value) in [
            ("synchronous", 2),
            ("fullfsync", 1),
            ("checkpoint_fullfsync", 1),
            ("foreign_keys", 1),
            ("secure_delete", 1),
            ("trusted_schema", 0),
            ("temp_store", 2),
        ] {
            assert_eq!(pragma(name), format!("Integer({value})"), "{name}");
        }
    }
    write(&opened.connection, "one");
    assert_eq!(read(&reader), ["one"]);
    assert!(reader.execute("DELETE FROM lines", []).is_err());
}

#[test]
fn in_memory_it_is_the_same_and_every_one_its_own() {
    let (one, two) = (
        Database::in_memory(&SECOND).unwrap(),
        Database::in_memory(&SECOND).unwrap(),
    );
    write(&one.connection, "one");
    let reader = one.database.connect().unwrap();
    assert_eq!(read(&reader), ["one"]);
    assert_eq!(read(&two.connection), [""; 0]);
    one.database.backup().unwrap();
    assert!(!one.database.backup_is_due(Duration::ZERO));
    one.database.close(one.connection).unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_look_in() {
    use std::os::unix::fs::PermissionsExt;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    let opened = open(&folder);
    write(&opened.connection, "one");
    opened.database.backup().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut names: Vec<_> = Vec::new();
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        assert_eq!(mode(&file.path()), 0o600, "{:?}", file.file_name());
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    let expected = ["", "-shm", "-wal", ".backup-1"].map(|more| format!("lines.db{more}"));
    assert_eq!(names[..4], expected);
    assert_eq!(names[4..], ["lines.lock", "lines.running"]);
    drop(opened);
    fs::set_permissions(folder.join("lines.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let _opened = open(&folder);
    assert_eq!(mode(&folder.join("lines.db")), 0o600);
}

#[test]
fn f58_an_impossible_folder_is_said() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("file"), "").unwrap();
    let folder = outer.path().join("file").join("data");
    let error = Database::open(&folder, &FIRST).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("lines.db"), "{error}");
}

/// Needs the right to mount; elsewhere it says that it did nothing.
#[cfg(target_os = "linux")]
#[test]
fn f58_a_read_only_disk_is_said() {
    struct Mount<'a>(&'a Path);
    impl Drop for Mount<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0).status();
        }
    }
    let outer = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "ro,size=1m", "none"])
        .arg(outer.path())
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("skipped: this user may not mount");
        return;
    }
    let _mount = Mount(outer.path());
    for folder in [outer.path().to_owned(), outer.path().join("data")] {
        let error = Database::open(&folder, &FIRST).unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
        assert!(error.to_string().contains("read-only"), "{error}");
    }
}

/// A page of garbage in the middle, at the end, in the header, or no SQLite file at all.
fn damage(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 8, "{pages} pages are too few");
    let (from, to) = match place {
        0 => (0, 100),
        1 => (50, 4096),
        2 => (pages / 2 * 4096, (pages / 2 + 3) * 4096),
        3 => ((pages - 1) * 4096, pages * 4096),
        4 => {
            bytes.truncate(pages / 3 * 4096 + 77);
            (0, 0)
        }
        _ => (0, bytes.len()),
    };
    for (index, byte) in bytes[from..to].iter_mut().enumerate() {
        *byte = u8::try_from(index * 31 % 251).unwrap() ^ 0xa5;
    }
    fs::write(path, bytes).unwrap();
}

/// A database with `count` lines, cut off, and everything in its one file.
fn cut_off(folder: &Path, count: usize) {
    let opened = open(folder);
    for number in 0..count {
        write(&opened.connection, &format!("{number} {}", "x".repeat(300)));
    }
    let (database, connection) = (opened.database, opened.connection);
    database.close(connection).unwrap();
    drop(database);
    fs::write(folder.join("lines.running"), "running").unwrap();
}

const PLACES: usize = 6;

#[test]
fn f59_damage_is_put_aside_and_the_newest_backup_takes_its_place() {
    for place in 0..PLACES {
        let folder = tempfile::tempdir().unwrap();
        let opened = open(folder.path());
        write(&opened.connection, "kept");
        opened.database.backup().unwrap();
        drop(opened);
        cut_off(folder.path(), 300);
        let path = folder.path().join("lines.db");
        damage(&path, place);
        let damaged = fs::read(&path).unwrap();
        let opened = open(folder.path());
        let Some(Recovered::Backup {
            made: Some(_),
            aside: Some(aside),
        }) = opened.recovered
        else {
            panic!("place {place}: {:?}", opened.recovered);
        };
        assert_eq!(fs::read(&aside).unwrap(), damaged, "place {place}");
        let name = aside.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("lines.db.damaged-20"), "{name}");
        assert_eq!(read(&opened.connection), ["kept"], "place {place}");
        // Said until it is dealt with.
        drop((opened.connection, opened.database));
        let again =
            |recovered: &_| matches!(recovered, Some(Recovered::Backup { aside: None, .. }));
        assert!(again(&open(folder.path()).recovered));
        let opened = open(folder.path());
        assert!(again(&opened.recovered));
        opened.database.settled().unwrap();
        drop(opened);
        assert_eq!(open(folder.path()).recovered, None);
    }
}

#[test]
fn f59_a_damaged_backup_is_passed_over_and_without_one_it_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let opened = open(folder.path());
    write(&opened.connection, "one");
    opened.database.backup().unwrap();
    drop(opened);
    cut_off(folder.path(), 100);
    let opened = open(folder.path());
    opened.database.backup().unwrap();
    drop(opened);
    damage(&at("lines.db"), 5);
    damage(&at("lines.db.backup-1"), 1);
    let opened = open(folder.path());
    assert!(matches!(opened.recovered, Some(Recovered::Backup { .. })));
    assert_eq!(read(&opened.connection), ["one"]);
    drop(opened);
    fs::write(at("lines.db.backup-2"), "no database").unwrap();
    fs::write(at("lines.db"), "no database either").unwrap();
    let opened = open(folder.path());
    assert!(matches!(
        opened.recovered,
        Some(Recovered::Anew { aside: Some(_) })
    ));
    assert_eq!(read(&opened.connection), [""; 0]);
    write(&opened.connection, "new");
    drop(opened);
    assert_eq!(read(&open(folder.path()).connection), ["new"]);
}

/// A log that lies beside a damaged file belongs to it, and must not be played into the backup.
#[test]
fn f59_the_log_of_a_damaged_file_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    cut_off(folder.path(), 100);
    let opened = open(folder.path());
    opened.database.backup().unwrap();
    let change = "UPDATE lines SET text = 'changed' WHERE id = 1";
    opened.connection.execute(change, []).unwrap();
    crash(folder.path(), opened);
    let path = folder.path().join("lines.db");
    fs::write(&path, "damaged").unwrap();
    let opened = open(folder.path());
    let Some(Recovered::Backup {
        aside: Some(aside), ..
    }) = &opened.recovered
    else {
        panic!("{:?}", opened.recovered);
    };
    assert!(with(aside, "-wal").exists());
    let lines = read(&opened.connection);
    assert_eq!((lines.len(), lines[0].starts_with("0 x")), (100, true));
}

#[test]
fn f59_a_recovery_that_was_cut_off_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path());
    write(&opened.connection, "kept");
    opened.database.backup().unwrap();
    drop(opened);
    for name in ["lines.db", "lines.db-wal", "lines.db-shm"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    fs::write(folder.path().join("lines.running"), "restored").unwrap();
    let opened = open(folder.path());
    assert!(matches!(opened.recovered, Some(Recovered::Backup { .. })));
    assert_eq!(read(&opened.connection), ["kept"]);
}

/// After a clean end nothing looks for damage; once reading or a backup met it, the next start does.
#[test]
fn f59_damage_that_is_met_later_is_looked_for_at_the_next_start() {
    for by_reading in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        cut_off(folder.path(), 300);
        let opened = open(folder.path());
        opened.database.backup().unwrap();
        opened.database.close(opened.connection).unwrap();
        drop(opened.database);
        damage(&folder.path().join("lines.db"), 2);
        let opened = open(folder.path());
        assert_eq!(opened.recovered, None, "the check was not skipped");
        let error = if by_reading {
            let mut statement = opened.connection.prepare("SELECT text FROM lines").unwrap();
            let met = statement
                .query_map([], |row| row.get::<_, String>(0))
                .unwrap()
                .find_map(Result::err);
            opened.database.error(met.expect("nothing was damaged"))
        } else {
            opened.database.backup().unwrap_err()
        };
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        // Ended as cleanly as it can be.
        let _ = opened.database.close(opened.connection);
        drop(opened.database);
        let opened = open(folder.path());
        assert!(matches!(opened.recovered, Some(Recovered::Backup { .. })));
        assert_eq!(read(&opened.connection).len(), 300);
    }
}

#[test]
fn f60_a_log_that_is_cut_short_or_gone_leaves_a_consistent_file() {
    for keep in [None, Some(0), Some(1), Some(31), Some(1_000), Some(10_000)] {
        let folder = tempfile::tempdir().unwrap();
        cut_off(folder.path(), 50);
        let opened = open(folder.path());
        for number in 0..20 {
            write(&opened.connection, &format!("later {number}"));
        }
        crash(folder.path(), opened);
        let log = folder.path().join("lines.db-wal");
        let bytes = fs::read(&log).unwrap();
        assert!(bytes.len() > 10_000);
        match keep {
            Some(keep) => fs::write(&log, &bytes[..keep]).unwrap(),
            None => fs::remove_file(&log).unwrap(),
        }
        let opened = open(folder.path());
        assert_eq!(opened.recovered, None);
        let lines = read(&opened.connection);
        assert!((50..70).contains(&lines.len()), "{}", lines.len());
        for (number, line) in lines[50..].iter().enumerate() {
            assert_eq!(*line, format!("later {number}"));
        }
        write(&opened.connection, "goes on");
    }
}

#[test]
fn f61_a_second_program_on_the_same_folder_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let error = Database::open(folder.path(), &FIRST).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert!(error.to_string().starts_with("another ChatSpot is using"));
    drop(first);
    open(folder.path());
}

#[test]
fn f62_a_newer_schema_is_refused_and_left_alone() {
    for clean in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let Opened {
            database,
            connection,
            ..
        } = Database::open(folder.path(), &SECOND).unwrap();
        write(&connection, "from the future");
        if clean {
            database.close(connection).unwrap();
            drop(database);
        } else {
            let recovered = None;
            crash(
                folder.path(),
                Opened {
                    database,
                    connection,
                    recovered,
                },
            );
        }
        let files =
            ["lines.db", "lines.db-wal", "lines.running"].map(|name| folder.path().join(name));
        let bytes = || {
            files
                .each_ref()
                .map(|path| fs::read(path).unwrap_or_default())
        };
        let before = bytes();
        for _ in 0..2 {
            let error = Database::open(folder.path(), &FIRST).unwrap_err();
            assert!(matches!(error, StoreError::Newer { .. }), "{error:?}");
            assert!(error.to_string().contains("newer version"));
            assert!(before == bytes(), "it was touched");
        }
        let opened = Database::open(folder.path(), &SECOND).unwrap();
        assert_eq!(read(&opened.connection), ["from the future"]);
    }
}

/// Run by the test below in a process of its own, which ends in the middle of a migration.
#[test]
fn dies_in_a_migration() {
    if let Some(folder) = std::env::var_os(DIE) {
        let _ = Database::open(Path::new(&folder), &DYING);
        unreachable!("the migration did not end the process");
    }
}

#[test]
fn f79_a_kill_in_a_migration_leaves_the_old_schema_and_the_next_start_makes_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path());
    write(&opened.connection, "old");
    opened.database.close(opened.connection).unwrap();
    drop(opened.database);
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::dies_in_a_migration"])
        .env(DIE, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!ended.success());
    let log = fs::metadata(folder.path().join("lines.db-wal")).unwrap();
    assert!(
        log.len() > 1_000_000,
        "nothing of the migration was written"
    );
    let count = |connection: &Connection, sql| -> i64 {
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
    let opened = open(folder.path());
    assert_eq!(count(&opened.connection, tables), 1);
    drop(opened);
    let opened = Database::open(folder.path(), &SECOND).unwrap();
    assert_eq!(opened.recovered, None);
    assert_eq!(read(&opened.connection), ["old"]);
    assert_eq!(
        count(&opened.connection, "SELECT count(*) FROM more"),
        10_000
    );
}

#[test]
fn a_backup_is_made_while_it_is_used_and_three_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let Opened {
        database,
        connection,
        ..
    } = open(folder.path());
    assert!(database.backup_is_due(Duration::from_hours(1)));
    for number in 1..=5 {
        write(&connection, &format!("{number}"));
        // A transaction that goes on meanwhile is no part of it.
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        write(&connection, "open");
        database.backup().unwrap();
        connection.execute_batch("ROLLBACK").unwrap();
    }
    assert!(!database.backup_is_due(Duration::from_hours(1)));
    assert!(database.backup_is_due(Duration::ZERO));
    for (number, lines) in [(1, 5), (2, 4), (3, 3)] {
        let path = folder.path().join(format!("lines.db.backup-{number}"));
        let copy = Connection::open(path).unwrap();
        assert_eq!(read(&copy).len(), lines, "backup {number}");
    }
    let names = || -> Vec<_> {
        let files = fs::read_dir(folder.path()).unwrap();
        files.map(|file| file.unwrap().file_name()).collect()
    };
    assert_eq!(names().len(), 8, "{:?}", names());
    database.backup_alone().unwrap();
    assert_eq!(names().len(), 6, "{:?}", names());
    let newest = fs::read(folder.path().join("lines.db.backup-1")).unwrap();
    write(&connection, "too late");
    database.give_up_backups();
    database.backup().unwrap();
    assert_eq!(names().len(), 6, "{:?}", names());
    assert!(newest == fs::read(folder.path().join("lines.db.backup-1")).unwrap());
    database.backup_alone().unwrap();
    assert_eq!(names().len(), 5, "{:?}", names());
}

#[test]
fn f57_a_full_database_says_so_and_works_again_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path());
    write(&opened.connection, "kept");
    let limit = |pages: u32| {
        opened
            .connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .unwrap();
    };
    limit(4);
    let long = "x".repeat(100_000);
    let error = opened
        .connection
        .execute("INSERT INTO lines (text) VALUES (?1)", [&long])
        .unwrap_err();
    let error = opened.database.error(error);
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert_eq!(read(&opened.connection), ["kept"]);
    limit(1_000_000);
    write(&opened.connection, &long);
    opened.database.close(opened.connection).unwrap();
    drop(opened.database);
    assert_eq!(
        read(&open(folder.path()).connection),
        ["kept".to_owned(), long]
    );
}
