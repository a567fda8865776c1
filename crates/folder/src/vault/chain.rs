//! The system's keychain, asked within a bound of time: it may want an answer of a person who is not there.

#[cfg(feature = "keychain")]
use std::sync::Arc;
#[cfg(feature = "keychain")]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "keychain")]
use std::sync::mpsc::sync_channel;
#[cfg(feature = "keychain")]
use std::time::Duration;

use crate::Secret;

/// How long a keychain may take: somebody reads the system's question and types a password. Behind it the app says that
/// the keychain is locked.
#[cfg(feature = "keychain")]
pub(super) const KEYCHAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Under which name the keychain shows our entries.
#[cfg(feature = "keychain")]
const SERVICE: &str = "ChatSpot";

/// Why a keychain does not do as it is told.
#[derive(Debug, thiserror::Error)]
pub enum KeychainError {
    /// The system has none.
    #[error("there is no keychain")]
    Absent,
    /// It does not open, or not in time.
    #[error("the keychain is locked")]
    Locked,
    /// Anything else.
    #[error("the keychain failed: {0}")]
    Failed(String),
}

/// What keeps keys by their names.
pub trait Keychain: Send + Sync + 'static {
    /// The key of that name. None when it is open and has none.
    fn get(&self, name: &str) -> Result<Option<Secret>, KeychainError>;

    /// Keeps a key.
    fn set(&self, name: &str, key: &Secret) -> Result<(), KeychainError>;
}

/// Where there is none.
#[derive(Debug, Clone, Copy)]
pub struct NoKeychain;

impl Keychain for NoKeychain {
    fn get(&self, _: &str) -> Result<Option<Secret>, KeychainError> {
        Err(KeychainError::Absent)
    }

    fn set(&self, _: &str, _: &Secret) -> Result<(), KeychainError> {
        Err(KeychainError::Absent)
    }
}

/// A keychain that is given up when it takes too long. What hangs is left hanging, and asked no more.
#[cfg(feature = "keychain")]
pub(super) struct Bounded<K> {
    keychain: Arc<K>,
    timeout: Duration,
    hangs: AtomicBool,
}

#[cfg(feature = "keychain")]
impl<K: Keychain> Bounded<K> {
    pub(super) fn new(keychain: K) -> Self {
        Self::within(keychain, KEYCHAIN_TIMEOUT)
    }

    pub(super) fn within(keychain: K, timeout: Duration) -> Self {
        Self {
            keychain: Arc::new(keychain),
            timeout,
            hangs: AtomicBool::new(false),
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&K) -> Result<T, KeychainError> + Send + 'static,
    ) -> Result<T, KeychainError> {
        if self.hangs.load(Ordering::Relaxed) {
            return Err(KeychainError::Locked);
        }
        // One answer; nobody waits for a late one.
        let (answer, answered) = sync_channel(1);
        let keychain = Arc::clone(&self.keychain);
        std::thread::Builder::new()
            .name("keychain".to_owned())
            .spawn(move || {
                let _ = answer.send(question(&keychain));
            })
            .map_err(|error| KeychainError::Failed(error.to_string()))?;
        answered.recv_timeout(self.timeout).unwrap_or_else(|_| {
            self.hangs.store(true, Ordering::Relaxed);
            Err(KeychainError::Locked)
        })
    }
}

#[cfg(feature = "keychain")]
impl<K: Keychain> Keychain for Bounded<K> {
    fn get(&self, name: &str) -> Result<Option<Secret>, KeychainError> {
        let name = name.to_owned();
        self.ask(move |keychain| keychain.get(&name))
    }

    fn set(&self, name: &str, key: &Secret) -> Result<(), KeychainError> {
        let (name, key) = (name.to_owned(), key.clone());
        self.ask(move |keychain| keychain.set(&name, &key))
    }
}

/// The system's own: the Keychain, the Credential Manager, or the Secret Service on the session's bus.
#[cfg(feature = "keychain")]
pub(super) struct System;

#[cfg(feature = "keychain")]
impl System {
    fn entry(name: &str) -> Result<keyring::Entry, KeychainError> {
        if !has_session() {
            return Err(KeychainError::Absent);
        }
        keyring::Entry::new(SERVICE, name).map_err(of)
    }
}

#[cfg(feature = "keychain")]
impl Keychain for System {
    fn get(&self, name: &str) -> Result<Option<Secret>, KeychainError> {
        match Self::entry(name)?.get_secret() {
            Ok(bytes) => match <[u8; 32]>::try_from(bytes) {
                Ok(bytes) => Ok(Some(Secret(bytes))),
                // Not what was put there.
                Err(_) => Ok(None),
            },
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(of(error)),
        }
    }

    fn set(&self, name: &str, key: &Secret) -> Result<(), KeychainError> {
        Self::entry(name)?.set_secret(key.bytes()).map_err(of)
    }
}

#[cfg(feature = "keychain")]
fn of(error: keyring::Error) -> KeychainError {
    match error {
        keyring::Error::NoDefaultStore => KeychainError::Absent,
        keyring::Error::NoStorageAccess(_) => KeychainError::Locked,
        error => KeychainError::Failed(error.to_string()),
    }
}

/// Whether there is a session that a keychain could belong to: looked at first, because waiting for a bus that is not
/// there takes time.
#[cfg(feature = "keychain")]
fn has_session() -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        return true;
    }
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("DBUS_SESSION_BUS_ADDRESS").is_some()
        || set("XDG_RUNTIME_DIR")
            .is_some_and(|folder| std::path::Path::new(&folder).join("bus").exists())
}
