//! The files around a database: the lock, the mark of a running program, the names of backups and of what is put
//! aside. While a connection is open nothing here opens the database's own file: on Unix, closing it again would drop
//! SQLite's locks.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{BACKUPS, StoreError};
use crate::private;

/// What SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What the last program left behind to say how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It ended cleanly, or there was none.
    None,
    /// It ran until it was cut off, or met damage.
    Running,
    /// It put a backup in the place of a damaged file, and its owner has not dealt with that yet.
    Restored,
}

/// A database's files, held by a lock.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    /// Held as long as this lives.
    _lock: File,
}

impl Files {
    pub(super) fn lock(folder: &Path, name: &str) -> Result<Self, StoreError> {
        let path = folder.join(name);
        let at_path = |source| StoreError::at(&path, source);
        crate::make_private(folder).map_err(at_path)?;
        let lock = private(&path.with_extension("lock")).map_err(at_path)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(at_path(source)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The backup of that number, 1 being the newest.
    pub(super) fn backup(&self, number: u32) -> PathBuf {
        with(&self.path, &format!(".backup-{number}"))
    }

    /// A copy that is not finished.
    pub(super) fn unfinished(&self) -> PathBuf {
        with(&self.path, ".unfinished")
    }

    /// Removes copies that were never finished.
    pub(super) fn sweep(&self) {
        let copy = self.unfinished();
        for path in BESIDE
            .iter()
            .map(|more| with(&copy, more))
            .chain([copy.clone()])
        {
            // Mostly there is none; one that stays is overwritten by the next copy.
            let _ = std::fs::remove_file(path);
        }
    }

    fn mark_path(&self) -> PathBuf {
        self.path.with_extension("running")
    }

    pub(super) fn mark(&self) -> Result<Mark, StoreError> {
        match std::fs::read(self.mark_path()) {
            Ok(text) if text == b"restored" => Ok(Mark::Restored),
            Ok(_) => Ok(Mark::Running),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Mark::None),
            Err(source) => Err(StoreError::at(&self.mark_path(), source)),
        }
    }

    pub(super) fn set_mark(&self, mark: Mark) -> Result<(), StoreError> {
        let path = self.mark_path();
        let written = match mark {
            Mark::None => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            Mark::Running => crate::write_private(&path, b"running"),
            Mark::Restored => crate::write_private(&path, b"restored"),
        };
        written
            .and_then(|()| self.sync_folder())
            .map_err(|source| StoreError::at(&path, source))
    }

    /// Makes every file private, whoever made it.
    pub(super) fn protect(&self) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let beside = BESIDE.iter().map(|more| with(&self.path, more));
            let backups = (1..=BACKUPS).map(|number| self.backup(number));
            for path in beside.chain(backups).chain([self.path.clone()]) {
                // Most of them are not there.
                let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
            }
        }
    }

    /// Gives the damaged database another name, with all that belongs to it, and says which.
    pub(super) fn set_aside(&self, date: &str) -> Result<Option<PathBuf>, StoreError> {
        let name = with(&self.path, &format!(".damaged-{date}"));
        let others = (2..).map(|number| with(&name, &format!("-{number}")));
        let aside = std::iter::once(name.clone())
            .chain(others)
            .find(|path| !path.exists())
            .unwrap_or(name.clone());
        // Its log first: it must never lie beside another database of the same name.
        for more in BESIDE {
            let from = with(&self.path, more);
            if from.exists() {
                std::fs::rename(&from, with(&aside, more))
                    .map_err(|source| StoreError::at(&from, source))?;
            }
        }
        if !self.path.exists() {
            return Ok(None);
        }
        std::fs::rename(&self.path, &aside)
            .and_then(|()| self.sync_folder())
            .map_err(|source| StoreError::at(&self.path, source))?;
        Ok(Some(aside))
    }

    /// Removes the database, with all that belongs to it.
    pub(super) fn remove(&self) -> Result<(), StoreError> {
        let beside = BESIDE.iter().map(|more| with(&self.path, more));
        for path in beside.chain([self.path.clone()]) {
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::at(&path, source));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts a copy of `from` in the database's place, whole or not at all.
    pub(super) fn restore(&self, from: &Path) -> Result<(), StoreError> {
        let copy = self.unfinished();
        let copied = (|| {
            let mut to = private(&copy)?;
            io::copy(&mut File::open(from)?, &mut to)?;
            to.flush()?;
            to.sync_all()?;
            std::fs::rename(&copy, &self.path)?;
            self.sync_folder()
        })();
        copied.map_err(|source| StoreError::at(from, source))
    }

    /// After it, names that were changed stay changed.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        // Elsewhere a folder cannot be opened, and its names are written with the files.
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// Makes a file that only its owner may read, if there is none. SQLite gives its own files the same mode.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    private(path)
        .map(drop)
        .map_err(|source| StoreError::at(path, source))
}

/// The path with something at its end.
pub(super) fn with(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}
