//! A data folder: its small JSON files, readable by their owner alone, used by one program at a time, and written
//! whole or not at all; the secrets in them; and its databases. What they mean is their owners' business.

#![forbid(unsafe_code)]

pub mod store;
pub mod vault;

use std::fmt;
use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::vault::{Closed, Keeping, Vault};

/// Why a file of the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what this version writes. It is left as it is, and nothing new takes its place.
    #[error("{path} is damaged or of a newer version: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Another program uses it now.
    #[error("another ChatSpot is using {path} now")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Its secrets are sealed, and the system's keychain does not give out the key. It is left as it is.
    #[error("the secrets in {path} are sealed, and the keychain {}", match why {
        Closed::Locked => "does not open",
        Closed::Empty => "has lost their key",
    })]
    Keychain {
        /// The file.
        path: PathBuf,
        /// What the keychain says.
        why: Closed,
    },
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// Thirty-two secret bytes, in a file as unpadded base64url. Never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A new one from the system's random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// That of somebody who brings it.
    pub fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(de::Error::custom)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| de::Error::custom("a secret has 32 bytes"))
    }
}

/// A JSON file that is this program's alone while it is open.
#[derive(Debug)]
pub struct JsonFile<T> {
    path: PathBuf,
    value: T,
    vault: Vault,
    keeping: Keeping,
    /// Held as long as the file is open.
    _lock: File,
}

impl<T: Clone + Serialize + DeserializeOwned> JsonFile<T> {
    /// Opens the file of that name, or makes it with `new`; the folder is made if missing. Its secrets are in it.
    pub fn open(
        folder: &Path,
        name: &str,
        new: impl FnOnce() -> Result<T, FolderError>,
    ) -> Result<Self, FolderError> {
        Self::open_in(&Vault::off(), folder, name, new)
    }

    /// The same, with its secrets in a vault: what stands in fields called `secret` is sealed. Secrets that are in the
    /// file yet are moved into the vault as it is opened, if the vault has a key.
    ///
    /// # Errors
    /// [`FolderError::Keychain`] when there are sealed secrets and the keychain does not give out their key. Nothing is
    /// written then.
    pub fn open_in(
        vault: &Vault,
        folder: &Path,
        name: &str,
        new: impl FnOnce() -> Result<T, FolderError>,
    ) -> Result<Self, FolderError> {
        let path = folder.join(name);
        let at_path = |source| FolderError::Io {
            path: path.clone(),
            source,
        };
        make_private(folder).map_err(at_path)?;
        // A file of its own: the JSON file is replaced with every change, and a lock on it would go with it.
        let lock = private(&path.with_extension("lock")).map_err(at_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(at_path(source)),
        }
        let (value, keeping) = match std::fs::read(&path) {
            Ok(bytes) => {
                let damaged = |error: serde_json::Error| FolderError::Damaged {
                    path: path.clone(),
                    message: error.to_string(),
                };
                let mut json = serde_json::from_slice(&bytes).map_err(damaged)?;
                let keeping = vault.unseal(&path, &mut json)?;
                let value = serde_json::from_value(json).map_err(damaged)?;
                (value, Some(keeping))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (new()?, None),
            Err(error) => return Err(at_path(error)),
        };
        let mut file = Self {
            path,
            value,
            vault: vault.clone(),
            keeping: keeping.unwrap_or(Keeping::File),
            _lock: lock,
        };
        match keeping {
            Some(Keeping::Keychain) => {}
            Some(Keeping::File) => file.move_in()?,
            None => file.keeping = file.write(&file.value)?,
        }
        Ok(file)
    }

    /// What the file holds.
    pub fn get(&self) -> &T {
        &self.value
    }

    /// Where its secrets are.
    pub fn keeping(&self) -> Keeping {
        self.keeping
    }

    /// Changes it, on the disk first: after an error both are as they were.
    pub fn change(&mut self, change: impl FnOnce(&mut T)) -> Result<(), FolderError> {
        let mut value = self.value.clone();
        change(&mut value);
        self.keeping = self.write(&value)?;
        self.value = value;
        Ok(())
    }

    /// Moves secrets that are in the file into the vault, if it has a key by now. The file is not touched otherwise.
    fn move_in(&mut self) -> Result<(), FolderError> {
        let mut json = self.json(&self.value)?;
        if self.vault.seal(&mut json)? == Keeping::Keychain {
            self.put(&json)?;
            self.keeping = Keeping::Keychain;
        }
        Ok(())
    }

    fn write(&self, value: &T) -> Result<Keeping, FolderError> {
        let mut json = self.json(value)?;
        let keeping = self.vault.seal(&mut json)?;
        self.put(&json)?;
        Ok(keeping)
    }

    fn json(&self, value: &T) -> Result<serde_json::Value, FolderError> {
        serde_json::to_value(value).map_err(|error| self.at_path(error.into()))
    }

    fn put(&self, json: &serde_json::Value) -> Result<(), FolderError> {
        let text = serde_json::to_vec_pretty(json).map_err(io::Error::from);
        let written = text.and_then(|text| write_private(&self.path, &text));
        written.map_err(|source| self.at_path(source))
    }

    fn at_path(&self, source: io::Error) -> FolderError {
        FolderError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// Makes a folder that only its owner may enter.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens an own file, or makes it; only its owner may read it.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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

    type Numbers = JsonFile<Vec<u32>>;

    fn open(folder: &Path) -> Result<Numbers, FolderError> {
        JsonFile::open(folder, "numbers.json", || Ok(vec![1]))
    }

    #[test]
    fn what_is_changed_is_there_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = open(folder.path()).unwrap();
        file.change(|numbers| numbers.push(2)).unwrap();
        drop(file);
        assert_eq!(open(folder.path()).unwrap().get(), &[1, 2]);
    }

    #[test]
    fn f61_a_second_program_on_the_same_folder_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).unwrap();
        assert!(matches!(
            open(folder.path()),
            Err(FolderError::InUse { .. })
        ));
        drop(first);
        assert!(open(folder.path()).is_ok());
    }

    #[test]
    fn a_damaged_file_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.json");
        for text in ["", "[", "[-1]", "{}"] {
            std::fs::write(&path, text).unwrap();
            assert!(
                matches!(open(folder.path()), Err(FolderError::Damaged { .. })),
                "{text:?}"
            );
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_change_that_cannot_be_written_has_not_happened() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        let mut file = open(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(matches!(
            file.change(|numbers| numbers.push(2)),
            Err(FolderError::Io { .. })
        ));
        assert_eq!(file.get(), &[1]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_look_in() {
        use std::os::unix::fs::PermissionsExt;
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        let mut file = open(&folder).unwrap();
        file.change(|numbers| numbers.push(2)).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("numbers.json")), 0o600);
    }

    #[test]
    fn a_secret_survives_its_text_and_is_never_shown() {
        let secret = Secret::random().unwrap();
        let text = serde_json::to_string(&secret).unwrap();
        assert_eq!(serde_json::from_str::<Secret>(&text).unwrap(), secret);
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert!(serde_json::from_str::<Secret>("\"AAAA\"").is_err());
        assert_ne!(Secret::random().unwrap(), secret);
    }
}
