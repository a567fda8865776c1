//! `profile.json`: who this installation is, and its name. Damaged, it never becomes a new identity.

use std::path::Path;

use chatspot_folder::store::StoreError;
use chatspot_folder::vault::{self, Vault};
use chatspot_folder::{FolderError, JsonFile, Secret};
use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::{RoomId, WallMillis};
use chatspot_protocol::text::{DisplayName, RoomName};
use chatspot_protocol::view::Keeping;
use serde::{Deserialize, Serialize};

const FILE: &str = "profile.json";

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    /// The secret half of the identity key.
    secret: Secret,
    name: Option<DisplayName>,
    /// Who this installation was before others took its place, oldest first: no identity is thrown away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    previous: Vec<Previous>,
    /// Where recent rooms stood before there was a history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recents: Vec<OldRecent>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Previous {
    /// The secret half of the identity key.
    secret: Secret,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct OldRecent {
    room: RoomId,
    name: RoomName,
    address: String,
    joined_at: WallMillis,
}

/// The file, locked as long as it is open.
#[derive(Debug)]
pub(super) struct Profile(JsonFile<Stored>);

impl Profile {
    /// Reads the file, or begins a new one with a new identity.
    pub(super) fn load(vault: &Vault, folder: &Path) -> Result<Self, StoreError> {
        let new = || {
            Ok(Stored {
                secret: Secret::random()?,
                name: None,
                previous: Vec::new(),
                recents: Vec::new(),
            })
        };
        let file = JsonFile::open_in(vault, folder, FILE, new);
        file.map(Self).map_err(|error| of(folder, error))
    }

    pub(super) fn identity(&self) -> Identity {
        Identity::from_secret(self.0.get().secret.bytes())
    }

    pub(super) fn secret(&self) -> Secret {
        self.0.get().secret.clone()
    }

    /// Another identity takes the place of this one, which is kept.
    pub(super) fn set_secret(&mut self, folder: &Path, secret: Secret) -> Result<(), StoreError> {
        if self.0.get().secret == secret {
            return Ok(());
        }
        let change = self.0.change(|profile| {
            let before = std::mem::replace(&mut profile.secret, secret);
            profile
                .previous
                .retain(|previous| previous.secret != before);
            profile.previous.push(Previous { secret: before });
        });
        change.map_err(|error| of(folder, error))
    }

    pub(super) fn keeping(&self) -> Keeping {
        match self.0.keeping() {
            vault::Keeping::Keychain => Keeping::Keychain,
            vault::Keeping::File => Keeping::File,
        }
    }

    pub(super) fn name(&self) -> Option<DisplayName> {
        self.0.get().name.clone()
    }

    pub(super) fn set_name(&mut self, folder: &Path, name: &DisplayName) -> Result<(), StoreError> {
        let change = self.0.change(|profile| profile.name = Some(name.clone()));
        change.map_err(|error| of(folder, error))
    }

    /// The rooms that an older version remembered here.
    pub(super) fn recents(&self) -> Vec<(RoomId, RoomName, String, WallMillis)> {
        let recents = self.0.get().recents.iter().cloned();
        recents
            .map(|recent| (recent.room, recent.name, recent.address, recent.joined_at))
            .collect()
    }

    /// They stand elsewhere now.
    pub(super) fn clear_recents(&mut self, folder: &Path) -> Result<(), StoreError> {
        let change = self.0.change(|profile| profile.recents.clear());
        change.map_err(|error| of(folder, error))
    }
}

fn of(folder: &Path, error: FolderError) -> StoreError {
    match error {
        FolderError::Io { path, source } => match source.kind() {
            std::io::ErrorKind::StorageFull => StoreError::Full { path },
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly { path }
            }
            _ => StoreError::Io { path, source },
        },
        FolderError::Damaged { path, message } => StoreError::Damaged { path, message },
        FolderError::InUse { path } => StoreError::InUse { path },
        FolderError::Keychain { path, why } => StoreError::Keychain { path, why },
        FolderError::Random(error) => StoreError::Io {
            path: folder.join(FILE),
            source: std::io::Error::other(error),
        },
    }
}
