//! Who this installation is: kept, taken along, and never made anew behind anybody's back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chatspot_client::{Client, ClientConfig, StoreError, Vault, storage};
use chatspot_folder::Secret;
use chatspot_folder::vault::{Keychain, KeychainError};
use chatspot_protocol::view::{FailureCode, Keeping};

use crate::window::Window;

const PASSPHRASE: &str = "correct horse battery";

#[tokio::test]
async fn an_identity_goes_to_another_computer() {
    let (ada, other) = (Window::new("Ada").await, Window::new("Other").await);
    let (first, second) = (ada.member(), other.member());
    let folder = tempfile::tempdir().unwrap();
    let export = |passphrase| {
        ada.client
            .export_identity(passphrase, folder.path().to_owned())
    };
    let short = export("elevenchars").await.unwrap_err();
    assert_eq!(short.code, FailureCode::TooShort);
    let path = export(PASSPHRASE).await.unwrap();
    let again = export(PASSPHRASE).await.unwrap();
    assert_ne!(path, again, "nothing is replaced");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_ne!(text, std::fs::read_to_string(&again).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }
    for (text, passphrase, code) in [
        ("hello", PASSPHRASE, FailureCode::NotAnIdentity),
        (&text, "another passphrase", FailureCode::WrongPassphrase),
    ] {
        let refused = other.client.import_identity(text, passphrase).await;
        assert_eq!(refused.unwrap_err().code, code);
    }
    other
        .client
        .import_identity(&text, PASSPHRASE)
        .await
        .unwrap();
    // Until it starts again it is who it was, for all its rooms.
    assert_eq!(other.member(), second);
    let mut other = other.restarted().await;
    assert_eq!(other.member(), first);
    assert_eq!(other.view.me.kept, Keeping::File);
    assert_eq!(other.view.me.fingerprint, first.fingerprint());
    // Who it was is not lost, and the name stays.
    other
        .until("the name", |view| {
            view.me
                .name
                .as_ref()
                .is_some_and(|name| name.as_str() == "Other")
        })
        .await;
    let profile = std::fs::read_to_string(other.folder().join("profile.json")).unwrap();
    let profile: serde_json::Value = serde_json::from_str(&profile).unwrap();
    assert_eq!(profile["previous"].as_array().unwrap().len(), 1);
    // The same once more changes nothing.
    other
        .client
        .import_identity(&text, PASSPHRASE)
        .await
        .unwrap();
    let same = std::fs::read_to_string(other.folder().join("profile.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&same).unwrap(),
        profile
    );
}

/// A keychain that can be locked and lose what it has.
#[derive(Clone, Default)]
struct Chain(Arc<Mutex<(bool, BTreeMap<String, Secret>)>>);

impl Keychain for Chain {
    fn get(&self, name: &str) -> Result<Option<Secret>, KeychainError> {
        let (locked, keys) = &*self.0.lock().unwrap();
        if *locked {
            return Err(KeychainError::Locked);
        }
        Ok(keys.get(name).cloned())
    }

    fn set(&self, name: &str, key: &Secret) -> Result<(), KeychainError> {
        let (locked, keys) = &mut *self.0.lock().unwrap();
        if *locked {
            return Err(KeychainError::Locked);
        }
        keys.insert(name.to_owned(), key.clone());
        Ok(())
    }
}

fn start(folder: &Path, chain: &Chain) -> Result<Client, StoreError> {
    let config = ClientConfig {
        data_dir: folder.to_owned(),
        suggested_name: String::new(),
        version: String::new(),
    };
    Client::start_in(&Vault::with(folder, chain.clone()), config)
}

#[tokio::test]
async fn f64_a_locked_or_empty_keychain_is_said_and_makes_nobody_new() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Chain::default());
    let client = start(folder.path(), &chain).unwrap();
    let member = client.member();
    assert_eq!(client.view().await.me.kept, Keeping::Keychain);
    client.goodbye().await;
    drop(client);
    crate::window::within("the folder to be free", async {
        while !crate::window::is_free(&folder.path().join("profile.lock")) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    })
    .await;
    let profile = || std::fs::read(folder.path().join("profile.json")).unwrap();
    let before = profile();
    chain.0.lock().unwrap().0 = true;
    let locked = storage(&start(folder.path(), &chain).unwrap_err());
    assert_eq!(locked.code, FailureCode::KeychainLocked);
    let keys = {
        let mut chain = chain.0.lock().unwrap();
        chain.0 = false;
        std::mem::take(&mut chain.1)
    };
    let empty = storage(&start(folder.path(), &chain).unwrap_err());
    assert_eq!(empty.code, FailureCode::KeychainEmpty);
    assert_eq!(profile(), before);
    assert!(chain.0.lock().unwrap().1.is_empty());
    chain.0.lock().unwrap().1 = keys;
    assert_eq!(start(folder.path(), &chain).unwrap().member(), member);
}
