//! The file in which a relay remembers its rooms' keys, so that a room is the same one after a restart.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::text::RoomName;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// A room that this relay hosts or hosted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRecord {
    /// Its name.
    pub name: RoomName,
    /// The secret half of its key, as unpadded base64url.
    secret: String,
    /// Whether it should be open when the relay starts.
    pub open: bool,
}

/// All rooms of one data folder.
#[derive(Debug)]
pub struct RoomRecords {
    path: PathBuf,
    rooms: Vec<RoomRecord>,
    /// Held while these records live: two relays with one room's key would be two rooms in one.
    _lock: File,
}

/// Why the records cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what this version writes. It is left as it is.
    #[error("{path} is damaged or of a newer version: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Another relay uses the folder now.
    #[error("another relay is using {path} now")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

impl RoomRecord {
    /// A new room with a key of its own.
    fn new(name: RoomName) -> Result<Self, RecordsError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self {
            name,
            secret: BASE64URL_NOPAD.encode(&secret),
            open: true,
        })
    }

    /// The room's key. None when the record's secret is not one.
    pub fn key(&self) -> Option<RoomKey> {
        let secret: [u8; 32] = BASE64URL_NOPAD
            .decode(self.secret.as_bytes())
            .ok()?
            .try_into()
            .ok()?;
        Some(RoomKey::from_secret(&secret))
    }
}

impl RoomRecords {
    /// Reads the records in `folder`, which is made if missing.
    pub fn load(folder: &Path) -> Result<Self, RecordsError> {
        let path = folder.join("rooms.json");
        let io_error = |source| RecordsError::Io {
            path: path.clone(),
            source,
        };
        make_private_folder(folder).map_err(io_error)?;
        let lock = File::create(folder.join("rooms.lock")).map_err(io_error)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(RecordsError::InUse {
                    path: folder.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io_error(source)),
        }
        let rooms = match std::fs::read(&path) {
            Ok(bytes) => {
                let damaged = |message: String| RecordsError::Damaged {
                    path: path.clone(),
                    message,
                };
                let rooms: Vec<RoomRecord> =
                    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
                if rooms.iter().any(|room| room.key().is_none()) {
                    return Err(damaged("a room key is not readable".to_owned()));
                }
                rooms
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io_error(error)),
        };
        Ok(Self {
            path,
            rooms,
            _lock: lock,
        })
    }

    /// The rooms, oldest first.
    pub fn rooms(&self) -> &[RoomRecord] {
        &self.rooms
    }

    /// A new room, written down before it is returned.
    pub fn add(&mut self, name: RoomName) -> Result<RoomRecord, RecordsError> {
        let record = RoomRecord::new(name)?;
        self.change(|rooms| rooms.push(record.clone()))?;
        Ok(record)
    }

    /// The room of that name, or a new one.
    pub fn named(&mut self, name: &RoomName) -> Result<RoomRecord, RecordsError> {
        match self.rooms.iter().find(|room| room.name == *name) {
            Some(room) => Ok(room.clone()),
            None => self.add(name.clone()),
        }
    }

    /// Writes down whether a room should be open.
    pub fn set_open(&mut self, room: RoomId, open: bool) -> Result<(), RecordsError> {
        self.change(|rooms| {
            for record in rooms {
                if record.key().is_some_and(|key| key.id() == room) {
                    record.open = open;
                }
            }
        })
    }

    /// Forgets a room, with its key: it can never be hosted again.
    pub fn remove(&mut self, room: RoomId) -> Result<(), RecordsError> {
        self.change(|rooms| rooms.retain(|record| record.key().is_none_or(|key| key.id() != room)))
    }

    /// Changes the records, on the disk first.
    fn change(&mut self, change: impl FnOnce(&mut Vec<RoomRecord>)) -> Result<(), RecordsError> {
        let mut rooms = self.rooms.clone();
        change(&mut rooms);
        let text = serde_json::to_vec_pretty(&rooms)
            .expect("records have string keys only, so they are always JSON");
        write_private(&self.path, &text).map_err(|source| RecordsError::Io {
            path: self.path.clone(),
            source,
        })?;
        self.rooms = rooms;
        Ok(())
    }
}

/// Makes a folder that only its owner may enter.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // A temporary file is made with mode 0600 and keeps it through the rename.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_the_same_one_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let name = RoomName::parse("Workshop").unwrap();
        let room = RoomRecords::load(folder.path())
            .unwrap()
            .named(&name)
            .unwrap();
        let mut again = RoomRecords::load(folder.path()).unwrap();
        assert!(
            matches!(
                RoomRecords::load(folder.path()),
                Err(RecordsError::InUse { .. })
            ),
            "f61: a second relay refuses"
        );
        assert_eq!(again.named(&name).unwrap(), room);
        let id = room.key().unwrap().id();
        again.set_open(id, false).unwrap();
        drop(again);
        let mut again = RoomRecords::load(folder.path()).unwrap();
        assert!(!again.rooms()[0].open);
        again.remove(id).unwrap();
        drop(again);
        assert!(RoomRecords::load(folder.path()).unwrap().rooms().is_empty());
    }

    #[test]
    fn a_damaged_file_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rooms.json");
        std::fs::write(
            &path,
            "[{\"name\":\"x\",\"secret\":\"short\",\"open\":true}]",
        )
        .unwrap();
        assert!(matches!(
            RoomRecords::load(folder.path()),
            Err(RecordsError::Damaged { .. })
        ));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(
            RoomRecords::load(folder.path()),
            Err(RecordsError::Damaged { .. })
        ));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_keys() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        RoomRecords::load(folder.path())
            .unwrap()
            .add(RoomName::parse("x").unwrap())
            .unwrap();
        let mode = std::fs::metadata(folder.path().join("rooms.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
