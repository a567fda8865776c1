//! What can be wrong with a database, in words for the person whose disk it is.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::vault::Closed;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or a file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another program uses it now.
    #[error("another ChatSpot is using {path} now")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of the program wrote it. It is left as it is.
    #[error("{path} is of a newer version of ChatSpot: please update this one")]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// It may not be written.
    #[error(
        "{path} cannot be written: the folder or the disk is read-only, or belongs to somebody else"
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// There is no space left. What was there stays, and can be read.
    #[error("{path} cannot be written: the disk is full")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Its pages do not fit together.
    #[error("{path} is damaged: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The folder's secrets are sealed, and the keychain does not give out their key.
    #[error("the secrets in {path} are sealed, and their key is not to be had")]
    Keychain {
        /// The file with the secrets.
        path: PathBuf,
        /// What the keychain says.
        why: Closed,
    },
    /// Anything else that SQLite says: a defect of ours.
    #[error("{path}: {source}")]
    Sql {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// What an error of SQLite's means for the file at `path`.
    pub fn of(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                let message = error.to_string();
                StoreError::Damaged { path, message }
            }
            Some(ErrorCode::DiskFull) => StoreError::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                StoreError::ReadOnly { path }
            }
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
                let source = io::Error::other(error);
                StoreError::Io { path, source }
            }
            _ => StoreError::Sql {
                path,
                source: error,
            },
        }
    }

    /// What an error of the system means for the file at `path`.
    pub(super) fn at(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly { path }
            }
            io::ErrorKind::StorageFull => StoreError::Full { path },
            _ => StoreError::Io { path, source },
        }
    }
}

/// A damaged file.
pub(super) fn because(path: &Path, message: &str) -> StoreError {
    StoreError::Damaged {
        path: path.to_owned(),
        message: message.to_owned(),
    }
}

/// What an error while the schema was brought up to date means.
pub(super) fn migrating(path: &Path, error: rusqlite_migration::Error) -> StoreError {
    use rusqlite_migration::{Error, MigrationDefinitionError};
    match error {
        Error::RusqliteError { err, .. } => StoreError::of(path, err),
        Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::Newer {
                path: path.to_owned(),
            }
        }
        // The version in the file is none that a program writes.
        Error::InvalidUserVersion => because(path, "its version is not a number"),
        other => StoreError::Io {
            path: path.to_owned(),
            source: io::Error::other(other),
        },
    }
}
