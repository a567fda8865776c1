//! The file in which a relay remembers its rooms' keys, so that a room is the same one after a restart.

use std::path::Path;

pub use chatspot_folder::FolderError;
use chatspot_folder::vault::Vault;
use chatspot_folder::{JsonFile, Secret};
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::text::RoomName;
use serde::{Deserialize, Serialize};

/// A room that this relay hosts or hosted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRecord {
    /// Its name.
    pub name: RoomName,
    /// The secret half of its key.
    secret: Secret,
    /// Whether it should be open when the relay starts.
    pub open: bool,
    /// The port that it was last reached by: its members come back there.
    #[serde(default)]
    pub port: Option<u16>,
}

impl RoomRecord {
    /// The room's key.
    pub fn key(&self) -> RoomKey {
        RoomKey::from_secret(self.secret.bytes())
    }
}

/// All rooms of one data folder. Only one relay at a time has them: two with one room's key would be two rooms in one.
#[derive(Debug)]
pub struct RoomRecords(JsonFile<Vec<RoomRecord>>);

impl RoomRecords {
    /// Reads the records in `folder`, which is made if missing. The keys stand in the file, as on a server.
    pub fn load(folder: &Path) -> Result<Self, FolderError> {
        Self::load_in(&Vault::off(), folder)
    }

    /// The same, with the keys in a vault.
    pub fn load_in(vault: &Vault, folder: &Path) -> Result<Self, FolderError> {
        JsonFile::open_in(vault, folder, "rooms.json", || Ok(Vec::new())).map(Self)
    }

    /// The rooms, oldest first.
    pub fn rooms(&self) -> &[RoomRecord] {
        self.0.get()
    }

    /// The room with that id.
    pub fn find(&self, room: RoomId) -> Option<&RoomRecord> {
        self.rooms().iter().find(|record| record.key().id() == room)
    }

    /// A new room with a key of its own, written down before it is returned.
    pub fn add(&mut self, name: RoomName) -> Result<RoomRecord, FolderError> {
        let record = RoomRecord {
            name,
            secret: Secret::random()?,
            open: true,
            port: None,
        };
        self.0.change(|rooms| rooms.push(record.clone()))?;
        Ok(record)
    }

    /// The room of that name, or a new one.
    pub fn named(&mut self, name: &RoomName) -> Result<RoomRecord, FolderError> {
        match self.rooms().iter().find(|room| room.name == *name) {
            Some(room) => Ok(room.clone()),
            None => self.add(name.clone()),
        }
    }

    /// Writes down whether a room should be open.
    pub fn set_open(&mut self, room: RoomId, open: bool) -> Result<(), FolderError> {
        self.0.change(|rooms| {
            for record in rooms.iter_mut().filter(|record| record.key().id() == room) {
                record.open = open;
            }
        })
    }

    /// Writes down by which port a room is reached.
    pub fn set_port(&mut self, room: RoomId, port: u16) -> Result<(), FolderError> {
        let is_it = |record: &&RoomRecord| record.key().id() == room;
        if self.rooms().iter().find(is_it).and_then(|known| known.port) == Some(port) {
            return Ok(());
        }
        self.0.change(|rooms| {
            for record in rooms.iter_mut().filter(|record| record.key().id() == room) {
                record.port = Some(port);
            }
        })
    }

    /// Forgets a room, with its key: it can never be hosted again.
    pub fn remove(&mut self, room: RoomId) -> Result<(), FolderError> {
        self.0
            .change(|rooms| rooms.retain(|record| record.key().id() != room))
    }
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
        let mut records = RoomRecords::load(folder.path()).unwrap();
        assert_eq!(records.named(&name).unwrap(), room);
        let id = room.key().id();
        records.set_open(id, false).unwrap();
        records.set_port(id, 4471).unwrap();
        assert!(!records.find(id).unwrap().open);
        drop(records);
        let mut records = RoomRecords::load(folder.path()).unwrap();
        assert_eq!(records.find(id).unwrap().port, Some(4471));
        records.remove(id).unwrap();
        drop(records);
        assert!(RoomRecords::load(folder.path()).unwrap().rooms().is_empty());
    }
}
