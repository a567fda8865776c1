//! One key per data folder, kept by the system's keychain, that seals the secrets in the folder's small files.
//!
//! A file made with [`crate::JsonFile::open_in`] has every text under a field called `secret` sealed as
//! `keychain:<key>:<sealed>`: the name of the key, and base64url of a nonce and what `XChaCha20Poly1305` makes of the
//! text. A sealed text names its key by itself, so that no loss of another file can make it look like no secret at all:
//! when its key is not to be had, opening fails and nothing is written.
//!
//! Where the system has no keychain, or it does not open when there is nothing sealed yet, secrets stay in their files,
//! which only their owner can read; the next start tries again. [`OFF`] turns keychains off.

mod chain;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::chain::{Keychain, KeychainError, NoKeychain};
use crate::{FolderError, Secret, write_private};

/// Set to `off` in the environment, no keychain is used: secrets stay in their files.
pub const OFF: &str = "CHATSPOT_KEYCHAIN";
/// The file that names the folder's key.
const FILE: &str = "vault.json";
/// What a sealed text begins with. No plain secret does: `:` is no letter of base64url.
const SEALED: &str = "keychain:";
/// The field whose texts are sealed, at any depth.
const FIELD: &str = "secret";
/// What is sealed is bound to this meaning.
const CONTEXT: &[u8] = b"chatspot vault v1";
const NONCE_BYTES: usize = 24;

/// Where a file's secrets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Sealed by a key that the system's keychain has.
    Keychain,
    /// In the file itself.
    File,
}

/// Why a sealed secret cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The keychain does not open, does not answer, or is not there now.
    Locked,
    /// It is open, and the key is not in it.
    Empty,
}

/// The folder's key; clones share it.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    keychain: Box<dyn Keychain>,
    /// A lock because files are opened from any thread; held while the keychain is asked, so that one key is made.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Keys that the keychain has given out, by their names.
    keys: BTreeMap<String, Secret>,
    /// Set when no key is to be had in this run: secrets that are in files stay there.
    without: bool,
}

/// What [`FILE`] says.
#[derive(Debug, Serialize, Deserialize)]
struct Named {
    key: String,
}

impl Vault {
    /// A vault without a keychain: secrets stay in their files, and sealed ones cannot be read.
    pub fn off() -> Self {
        Self::with(Path::new(""), NoKeychain)
    }

    /// The system's keychain for that folder, unless [`OFF`] says otherwise. Nothing is asked of it yet.
    #[cfg(feature = "keychain")]
    pub fn system(folder: &Path) -> Self {
        if std::env::var_os(OFF).is_some_and(|wish| wish == "off") {
            return Self::off();
        }
        Self::with(folder, chain::Bounded::new(chain::System))
    }

    /// A keychain of the caller's for that folder.
    pub fn with(folder: &Path, keychain: impl Keychain) -> Self {
        Self(Arc::new(Inner {
            folder: folder.to_owned(),
            keychain: Box::new(keychain),
            state: Mutex::default(),
        }))
    }

    /// Unseals what is sealed in a file's value. Says where its secrets were.
    pub(crate) fn unseal(&self, path: &Path, value: &mut Value) -> Result<Keeping, FolderError> {
        let (mut any, mut keeping) = (false, Keeping::Keychain);
        let mut state = self.lock();
        each_secret(value, &mut |text| {
            any = true;
            let Some(sealed) = text.strip_prefix(SEALED) else {
                keeping = Keeping::File;
                return Ok(());
            };
            let closed = |why| FolderError::Keychain {
                path: path.to_owned(),
                why,
            };
            let damaged = || FolderError::Damaged {
                path: path.to_owned(),
                message: "a sealed secret is cut off".to_owned(),
            };
            let (name, sealed) = sealed.split_once(':').ok_or_else(damaged)?;
            let key = self.0.key(&mut state, name).map_err(closed)?;
            let bytes = BASE64URL_NOPAD
                .decode(sealed.as_bytes())
                .map_err(|_| damaged())?;
            let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(damaged)?;
            let nonce = XNonce::try_from(nonce).map_err(|_| damaged())?;
            let payload = Payload {
                msg: sealed,
                aad: CONTEXT,
            };
            let plain = cipher(&key)
                .decrypt(&nonce, payload)
                // Something else stands in the keychain under that name.
                .map_err(|_| closed(Closed::Empty))?;
            *text = String::from_utf8(plain).map_err(|_| damaged())?;
            Ok(())
        })?;
        Ok(if any { keeping } else { Keeping::File })
    }

    /// Seals the secrets in a file's value, as far as there is a key for it. Says where they are now.
    pub(crate) fn seal(&self, value: &mut Value) -> Result<Keeping, FolderError> {
        let mut any = false;
        each_secret(value, &mut |_| {
            any = true;
            Ok(())
        })?;
        if !any {
            // Nobody is asked for a key that seals nothing.
            return Ok(Keeping::File);
        }
        let mut state = self.lock();
        let Some((name, key)) = self.0.current(&mut state)? else {
            return Ok(Keeping::File);
        };
        each_secret(value, &mut |text| {
            let mut nonce = [0; NONCE_BYTES];
            getrandom::fill(&mut nonce)?;
            let payload = Payload {
                msg: text.as_bytes(),
                aad: CONTEXT,
            };
            let sealed = cipher(&key)
                .encrypt(&XNonce::from(nonce), payload)
                .expect("a secret is shorter than what this cipher can take");
            let sealed = BASE64URL_NOPAD.encode(&[&nonce[..], &sealed].concat());
            *text = format!("{SEALED}{name}:{sealed}");
            Ok(())
        })?;
        Ok(Keeping::Keychain)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The key of that name, which something is sealed by.
    fn key(&self, state: &mut State, name: &str) -> Result<Secret, Closed> {
        if let Some(key) = state.keys.get(name) {
            return Ok(key.clone());
        }
        let key = match self.keychain.get(name) {
            Ok(Some(key)) => key,
            Ok(None) => return Err(Closed::Empty),
            Err(error) => {
                tracing::warn!(%error, "the keychain does not open");
                return Err(Closed::Locked);
            }
        };
        state.keys.insert(name.to_owned(), key.clone());
        Ok(key)
    }

    /// The key to seal by: the folder's, or a new one if it has none. None where no key is to be had.
    fn current(&self, state: &mut State) -> Result<Option<(String, Secret)>, FolderError> {
        if state.without {
            return Ok(None);
        }
        let path = self.folder.join(FILE);
        if let Some(name) = name_in(&path)? {
            match self.key(state, &name) {
                Ok(key) => return Ok(Some((name, key))),
                Err(Closed::Locked) => {
                    state.without = true;
                    return Ok(None);
                }
                // What was sealed by it cannot be read any more; what is in files can have a new one.
                Err(Closed::Empty) => {}
            }
        } else if let Some((name, key)) = state.keys.iter().next() {
            // The file that names it is lost, the key is not.
            return Ok(Some((name.clone(), key.clone())));
        }
        match self.make(&path) {
            Ok((name, key)) => {
                state.keys.insert(name.clone(), key.clone());
                Ok(Some((name, key)))
            }
            Err(MakeError::Keychain(error)) => {
                tracing::info!(%error, "secrets stay in their files");
                state.without = true;
                Ok(None)
            }
            Err(MakeError::Folder(error)) => Err(error),
        }
    }

    /// Makes a key. It is used only when the keychain has shown that it keeps it.
    fn make(&self, path: &Path) -> Result<(String, Secret), MakeError> {
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(FolderError::from)?;
        let name = BASE64URL_NOPAD.encode(&name);
        let key = Secret::random().map_err(FolderError::from)?;
        self.keychain.set(&name, &key)?;
        if self.keychain.get(&name)?.as_ref() != Some(&key) {
            return Err(
                KeychainError::Failed("it did not keep what it was given".to_owned()).into(),
            );
        }
        let named = Named { key: name.clone() };
        let text = serde_json::to_vec_pretty(&named).expect("a text can be written as JSON");
        write_private(path, &text).map_err(|source| FolderError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok((name, key))
    }
}

/// Why there is no new key.
enum MakeError {
    /// The keychain does not take one: then there is none.
    Keychain(KeychainError),
    /// The folder does not.
    Folder(FolderError),
}

impl From<KeychainError> for MakeError {
    fn from(error: KeychainError) -> Self {
        MakeError::Keychain(error)
    }
}

impl From<FolderError> for MakeError {
    fn from(error: FolderError) -> Self {
        MakeError::Folder(error)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("folder", &self.0.folder)
            .finish_non_exhaustive()
    }
}

fn cipher(key: &Secret) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(*key.bytes()).into())
}

/// The name of the folder's key, if it has one.
fn name_in(path: &Path) -> Result<Option<String>, FolderError> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let named: Named =
                serde_json::from_slice(&bytes).map_err(|error| FolderError::Damaged {
                    path: path.to_owned(),
                    message: error.to_string(),
                })?;
            Ok(Some(named.key))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FolderError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Every text under a field called [`FIELD`].
fn each_secret(
    value: &mut Value,
    change: &mut impl FnMut(&mut String) -> Result<(), FolderError>,
) -> Result<(), FolderError> {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == FIELD => change(text)?,
                    value => each_secret(value, change)?,
                }
            }
            Ok(())
        }
        Value::Array(values) => values
            .iter_mut()
            .try_for_each(|value| each_secret(value, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
