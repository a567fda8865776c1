//! What the client keeps in its data folder: the identity's secret, the display name, the recent rooms.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::view::Recent;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// Recent rooms that are kept.
const RECENTS: usize = 20;

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what this version writes. It is left as it is, and no new identity is made.
    #[error("{path} is damaged or of a newer version: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Another ChatSpot uses the folder now.
    #[error("another ChatSpot is using {path} now")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Profile {
    /// The secret half of the identity key, as unpadded base64url.
    secret: String,
    name: Option<DisplayName>,
    #[serde(default)]
    recents: Vec<Recent>,
}

/// The data folder.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    profile: Profile,
    identity: Identity,
    /// Held while this client lives, so that no second one writes here.
    _lock: File,
}

impl Store {
    /// Reads the folder, or begins a new one with a new identity.
    pub(crate) fn load(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("profile.json");
        let at_path = |source| StoreError::Io {
            path: path.clone(),
            source,
        };
        make_private_folder(folder).map_err(at_path)?;
        let lock = File::create(folder.join("lock")).map_err(at_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse {
                    path: folder.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(at_path(source)),
        }
        let profile = match std::fs::read(&path) {
            Ok(bytes) => {
                Some(serde_json::from_slice::<Profile>(&bytes).map_err(|error| error.to_string()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(at_path(error)),
        };
        match profile {
            None => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret)?;
                let profile = Profile {
                    secret: BASE64URL_NOPAD.encode(&secret),
                    name: None,
                    recents: Vec::new(),
                };
                let store = Self {
                    path,
                    profile,
                    identity: Identity::from_secret(&secret),
                    _lock: lock,
                };
                store.save(&store.profile)?;
                Ok(store)
            }
            Some(profile) => {
                let read = profile.and_then(|profile| Ok((read_secret(&profile.secret)?, profile)));
                let (secret, profile) = read.map_err(|message| StoreError::Damaged {
                    path: path.clone(),
                    message,
                })?;
                Ok(Self {
                    path,
                    profile,
                    identity: Identity::from_secret(&secret),
                    _lock: lock,
                })
            }
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity.clone()
    }

    pub(crate) fn name(&self) -> Option<DisplayName> {
        self.profile.name.clone()
    }

    pub(crate) fn recents(&self) -> Vec<Recent> {
        self.profile.recents.clone()
    }

    pub(crate) fn set_name(&mut self, name: &DisplayName) -> Result<(), StoreError> {
        self.change(|profile| profile.name = Some(name.clone()))
    }

    pub(crate) fn remember(&mut self, recent: Recent) -> Result<Vec<Recent>, StoreError> {
        self.change(|profile| {
            profile.recents.retain(|known| known.room != recent.room);
            profile.recents.insert(0, recent);
            profile.recents.truncate(RECENTS);
        })?;
        Ok(self.recents())
    }

    pub(crate) fn forget(&mut self, room: RoomId) -> Result<Vec<Recent>, StoreError> {
        self.change(|profile| profile.recents.retain(|known| known.room != room))?;
        Ok(self.recents())
    }

    /// Changes the profile, on the disk first.
    fn change(&mut self, change: impl FnOnce(&mut Profile)) -> Result<(), StoreError> {
        let mut profile = self.profile.clone();
        change(&mut profile);
        self.save(&profile)?;
        self.profile = profile;
        Ok(())
    }

    fn save(&self, profile: &Profile) -> Result<(), StoreError> {
        let text = serde_json::to_vec_pretty(profile)
            .expect("a profile has string keys only, so it is always JSON");
        write_private(&self.path, &text).map_err(|source| StoreError::Io {
            path: self.path.clone(),
            source,
        })
    }
}

fn read_secret(text: &str) -> Result<[u8; 32], String> {
    let bytes = BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|error| error.to_string())?;
    bytes
        .try_into()
        .map_err(|_| "the secret is not 32 bytes".to_owned())
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
    // A temporary file is made with mode 0600 and keeps it through the rename.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
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
    fn f61_a_second_client_on_the_same_folder_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::load(folder.path()).unwrap();
        assert!(matches!(
            Store::load(folder.path()),
            Err(StoreError::InUse { .. })
        ));
        drop(first);
        assert!(Store::load(folder.path()).is_ok());
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
        for text in ["", "{", "{\"secret\":\"AAAA\",\"name\":null}"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(
                Store::load(folder.path()),
                Err(StoreError::Damaged { .. })
            ));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_look_in() {
        use std::os::unix::fs::PermissionsExt;
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        Store::load(&folder).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("profile.json")), 0o600);
    }
}
