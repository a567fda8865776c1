//! What the client keeps in its data folder: the identity's secret, the display name, the recent rooms.

use std::path::Path;

use chatspot_folder::{FolderError, JsonFile, Secret};
use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::view::Recent;
use serde::{Deserialize, Serialize};

/// Recent rooms that are kept.
const RECENTS: usize = 20;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Profile {
    /// The secret half of the identity key.
    secret: Secret,
    name: Option<DisplayName>,
    #[serde(default)]
    recents: Vec<Recent>,
}

/// The data folder.
#[derive(Debug)]
pub(crate) struct Store(JsonFile<Profile>);

impl Store {
    /// Reads the folder, or begins a new one with a new identity. A damaged one never becomes a new identity.
    pub(crate) fn load(folder: &Path) -> Result<Self, FolderError> {
        let new = || {
            Ok(Profile {
                secret: Secret::random()?,
                name: None,
                recents: Vec::new(),
            })
        };
        JsonFile::open(folder, "profile.json", new).map(Self)
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::from_secret(self.0.get().secret.bytes())
    }

    pub(crate) fn name(&self) -> Option<DisplayName> {
        self.0.get().name.clone()
    }

    pub(crate) fn recents(&self) -> Vec<Recent> {
        self.0.get().recents.clone()
    }

    pub(crate) fn set_name(&mut self, name: &DisplayName) -> Result<(), FolderError> {
        self.0.change(|profile| profile.name = Some(name.clone()))
    }

    pub(crate) fn remember(&mut self, recent: Recent) -> Result<Vec<Recent>, FolderError> {
        self.0.change(|profile| {
            profile.recents.retain(|known| known.room != recent.room);
            profile.recents.insert(0, recent);
            profile.recents.truncate(RECENTS);
        })?;
        Ok(self.recents())
    }

    pub(crate) fn forget(&mut self, room: RoomId) -> Result<Vec<Recent>, FolderError> {
        self.0
            .change(|profile| profile.recents.retain(|known| known.room != room))?;
        Ok(self.recents())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chatspot_protocol::text::RoomName;

    fn recent(number: u8) -> Recent {
        Recent {
            room: RoomId([number; 16]),
            name: RoomName::parse("Lab").unwrap(),
            address: "h:1".into(),
            joined_at: 0,
        }
    }

    #[test]
    fn the_same_folder_is_the_same_member() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::load(folder.path()).unwrap();
        store.set_name(&DisplayName::parse("Ada").unwrap()).unwrap();
        store.remember(recent(1)).unwrap();
        let (member, name) = (store.identity().member(), store.name());
        drop(store);
        let again = Store::load(folder.path()).unwrap();
        assert_eq!(again.identity().member(), member);
        assert_eq!(again.name(), name);
        assert_eq!(again.recents(), vec![recent(1)]);
    }

    #[test]
    fn recents_are_bounded_and_latest_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::load(folder.path()).unwrap();
        for number in 0..30 {
            store.remember(recent(number)).unwrap();
        }
        store.remember(recent(20)).unwrap();
        assert_eq!(store.recents().len(), RECENTS);
        assert_eq!(store.recents()[0], recent(20));
        assert!(
            !store
                .forget(RoomId([20; 16]))
                .unwrap()
                .contains(&recent(20))
        );
    }

    #[test]
    fn a_damaged_profile_never_becomes_a_new_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.json");
        let text = "{\"secret\":\"AAAA\",\"name\":null}";
        std::fs::write(&path, text).unwrap();
        assert!(matches!(
            Store::load(folder.path()),
            Err(FolderError::Damaged { .. })
        ));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}
