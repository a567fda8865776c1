//! What happens to secrets with keychains of every mood.

use std::sync::Mutex;

use super::*;
use crate::JsonFile;

/// How a keychain feels today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Open,
    Absent,
    Locked,
    /// It takes everything and keeps nothing.
    Forgetful,
    Failing,
}

/// A keychain in memory; clones share it.
#[derive(Clone)]
struct Fake(Arc<Mutex<(Mood, BTreeMap<String, Secret>)>>);

impl Fake {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((Mood::Open, BTreeMap::new()))))
    }

    fn is(&self, mood: Mood) {
        self.0.lock().unwrap().0 = mood;
    }

    fn loses_everything(&self) {
        self.0.lock().unwrap().1.clear();
    }

    fn keys(&self) -> usize {
        self.0.lock().unwrap().1.len()
    }
}

fn mood(mood: Mood) -> Result<(), KeychainError> {
    match mood {
        Mood::Open | Mood::Forgetful => Ok(()),
        Mood::Absent => Err(KeychainError::Absent),
        Mood::Locked => Err(KeychainError::Locked),
        Mood::Failing => Err(KeychainError::Failed("no".to_owned())),
    }
}

impl Keychain for Fake {
    fn get(&self, name: &str) -> Result<Option<Secret>, KeychainError> {
        let inner = self.0.lock().unwrap();
        mood(inner.0)?;
        Ok(inner.1.get(name).cloned())
    }

    fn set(&self, name: &str, key: &Secret) -> Result<(), KeychainError> {
        let mut inner = self.0.lock().unwrap();
        mood(inner.0)?;
        if inner.0 != Mood::Forgetful {
            inner.1.insert(name.to_owned(), key.clone());
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Profile {
    name: String,
    secret: Secret,
    previous: Vec<Old>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Old {
    secret: Secret,
}

fn profile() -> Profile {
    Profile {
        name: "Ada".to_owned(),
        secret: Secret([1; 32]),
        previous: vec![Old {
            secret: Secret([2; 32]),
        }],
    }
}

/// Starts anew, as after an end of the program.
fn open(folder: &Path, chain: &Fake) -> Result<JsonFile<Profile>, FolderError> {
    let vault = Vault::with(folder, chain.clone());
    JsonFile::open_in(&vault, folder, "profile.json", || Ok(profile()))
}

fn text(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("profile.json")).unwrap()
}

/// Every file of a folder with what it holds.
fn all(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect()
}

fn holds_secrets(text: &str) -> bool {
    [[1; 32], [2; 32]]
        .iter()
        .any(|secret| text.contains(&BASE64URL_NOPAD.encode(secret)))
}

#[test]
fn f64_a_new_installation_has_its_secrets_in_the_keychain() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Fake::new());
    let file = open(folder.path(), &chain).unwrap();
    assert_eq!(file.keeping(), Keeping::Keychain);
    drop(file);
    assert!(!holds_secrets(&text(folder.path())));
    let mut file = open(folder.path(), &chain).unwrap();
    assert_eq!(file.get(), &profile());
    file.change(|profile| profile.name = "Bob".to_owned())
        .unwrap();
    assert!(!holds_secrets(&text(folder.path())));
    assert_eq!(chain.keys(), 1);
}

#[test]
fn f64_a_keychain_that_does_not_give_the_key_makes_no_new_secret_and_nothing_is_written() {
    for (mood, why) in [
        (Mood::Locked, Closed::Locked),
        (Mood::Absent, Closed::Locked),
        (Mood::Failing, Closed::Locked),
        (Mood::Open, Closed::Empty),
    ] {
        let (folder, chain) = (tempfile::tempdir().unwrap(), Fake::new());
        drop(open(folder.path(), &chain).unwrap());
        let (before, keys) = (all(folder.path()), chain.0.lock().unwrap().1.clone());
        chain.is(mood);
        if mood == Mood::Open {
            chain.loses_everything();
        }
        let opened = open(folder.path(), &chain);
        assert!(
            matches!(&opened, Err(FolderError::Keychain { why: said, .. }) if *said == why),
            "{mood:?}: {opened:?}"
        );
        assert_eq!(all(folder.path()), before, "{mood:?}");
        assert!(chain.keys() <= 1, "{mood:?}");
        // Unlocked, or brought back, it goes on as if nothing had been.
        chain.is(Mood::Open);
        chain.0.lock().unwrap().1 = keys;
        assert_eq!(open(folder.path(), &chain).unwrap().get(), &profile());
    }
}

#[test]
fn f64_without_a_keychain_the_secret_stays_in_its_file_until_there_is_one() {
    for mood in [Mood::Absent, Mood::Locked, Mood::Failing, Mood::Forgetful] {
        let (folder, chain) = (tempfile::tempdir().unwrap(), Fake::new());
        chain.is(mood);
        let file = open(folder.path(), &chain).unwrap();
        assert_eq!(file.keeping(), Keeping::File, "{mood:?}");
        drop(file);
        assert!(holds_secrets(&text(folder.path())));
        assert!(!folder.path().join(FILE).exists(), "{mood:?}");
        chain.is(Mood::Open);
        let file = open(folder.path(), &chain).unwrap();
        assert_eq!(file.keeping(), Keeping::Keychain, "{mood:?}");
        assert_eq!(file.get(), &profile());
        drop(file);
        assert!(!holds_secrets(&text(folder.path())), "{mood:?}");
        // Once: the next start finds it there.
        let before = all(folder.path());
        assert_eq!(open(folder.path(), &chain).unwrap().get(), &profile());
        assert_eq!(all(folder.path()), before);
    }
}

#[test]
fn f64_a_file_from_before_keychains_is_moved_into_one() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Fake::new());
    let file: JsonFile<Profile> =
        JsonFile::open(folder.path(), "profile.json", || Ok(profile())).unwrap();
    assert_eq!(file.keeping(), Keeping::File);
    drop(file);
    assert!(holds_secrets(&text(folder.path())));
    assert_eq!(open(folder.path(), &chain).unwrap().get(), &profile());
    assert!(!holds_secrets(&text(folder.path())));
}

#[test]
fn f64_the_loss_of_the_file_that_names_the_key_loses_nothing() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Fake::new());
    drop(open(folder.path(), &chain).unwrap());
    std::fs::remove_file(folder.path().join(FILE)).unwrap();
    let mut file = open(folder.path(), &chain).unwrap();
    assert_eq!(file.get(), &profile());
    file.change(|profile| profile.name = "Bob".to_owned())
        .unwrap();
    assert_eq!(file.keeping(), Keeping::Keychain);
    assert_eq!(chain.keys(), 1);
}

#[test]
fn f64_two_files_share_one_key() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Fake::new());
    let vault = Vault::with(folder.path(), chain.clone());
    for name in ["one.json", "two.json"] {
        let file = JsonFile::open_in(&vault, folder.path(), name, || Ok(profile())).unwrap();
        assert_eq!(file.keeping(), Keeping::Keychain);
    }
    assert_eq!(chain.keys(), 1);
}

#[test]
fn f64_nothing_new_is_sealed_by_a_key_that_is_lost() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Fake::new());
    drop(open(folder.path(), &chain).unwrap());
    chain.loses_everything();
    std::fs::remove_file(folder.path().join("profile.json")).unwrap();
    drop(open(folder.path(), &chain).unwrap());
    assert_eq!(open(folder.path(), &chain).unwrap().get(), &profile());
}

#[test]
fn a_sealed_secret_that_was_changed_is_not_taken_for_one() {
    let (folder, chain) = (tempfile::tempdir().unwrap(), Fake::new());
    drop(open(folder.path(), &chain).unwrap());
    let whole = text(folder.path());
    let at = whole.find(SEALED).unwrap() + SEALED.len();
    let end = at + whole[at..].find('"').unwrap();
    let mut changed = whole.clone().into_bytes();
    changed[end - 8] = if changed[end - 8] == b'A' { b'B' } else { b'A' };
    for text in [
        String::from_utf8(changed).unwrap(),
        [&whole[..end - 40], &whole[end..]].concat(),
        [&whole[..at], &whole[end..]].concat(),
    ] {
        std::fs::write(folder.path().join("profile.json"), &text).unwrap();
        assert!(matches!(
            open(folder.path(), &chain),
            Err(FolderError::Keychain { .. } | FolderError::Damaged { .. })
        ));
    }
}

#[cfg(feature = "keychain")]
#[test]
fn f64_a_keychain_that_hangs_counts_as_locked() {
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    /// It waits for somebody who is not there.
    struct Hanging(Mutex<()>, Condvar, Arc<AtomicU32>);

    impl Keychain for Hanging {
        fn get(&self, _: &str) -> Result<Option<Secret>, KeychainError> {
            self.2.fetch_add(1, Ordering::Relaxed);
            drop(self.1.wait_while(self.0.lock().unwrap(), |()| true));
            Err(KeychainError::Absent)
        }

        fn set(&self, name: &str, _: &Secret) -> Result<(), KeychainError> {
            self.get(name).map(drop)
        }
    }

    let asked = Arc::new(AtomicU32::new(0));
    let hanging = Hanging(Mutex::new(()), Condvar::new(), Arc::clone(&asked));
    let chain = chain::Bounded::within(hanging, Duration::from_millis(50));
    assert!(matches!(chain.get("a"), Err(KeychainError::Locked)));
    // And is not asked again.
    assert!(matches!(
        chain.set("a", &Secret([1; 32])),
        Err(KeychainError::Locked)
    ));
    assert!(asked.load(Ordering::Relaxed) <= 1);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_any_file() {
    use std::os::unix::fs::PermissionsExt;
    let (outer, chain) = (tempfile::tempdir().unwrap(), Fake::new());
    let folder = outer.path().join("data");
    let _file = open(&folder, &chain).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files = all(&folder);
    assert_eq!(files.len(), 3);
    for path in files.keys() {
        assert_eq!(mode(path), 0o600, "{path:?}");
    }
}
