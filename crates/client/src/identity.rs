//! This installation's identity on its way to another computer, and back.

use std::io::Write;
use std::path::{Path, PathBuf};

use chatspot_folder::Secret;
use chatspot_protocol::limits::PASSPHRASE_CHARS;
use chatspot_protocol::view::{Failure, FailureCode};

use crate::failure::{failure, storage};
use crate::passphrase::{self, Salt, Unopened};
use crate::{Client, random};

impl Client {
    /// Writes the identity to a new file in `folder` that only the passphrase opens. Returns where.
    pub async fn export_identity(
        &self,
        passphrase: &str,
        folder: PathBuf,
    ) -> Result<PathBuf, Failure> {
        if passphrase.chars().count() < PASSPHRASE_CHARS {
            let message = format!("a passphrase has at least {PASSPHRASE_CHARS} characters");
            return Err(failure(FailureCode::TooShort, message));
        }
        let secret = self.0.store.secret().await;
        let secret = secret.map_err(|error| storage(&error))?;
        let nothing = || failure(FailureCode::Internal, "nothing is kept here");
        let secret = secret.ok_or_else(nothing)?;
        let salt = Salt {
            salt: random()?,
            nonce: random()?,
        };
        let (passphrase, stem) = (passphrase.to_owned(), passphrase::file_stem(self.member()));
        aside(move || {
            let text = passphrase::close(&secret, &passphrase, &salt);
            write_new(&folder, &stem, &text)
                .map_err(|error| failure(FailureCode::Storage, error.to_string()))
        })
        .await?
    }

    /// Becomes who was exported, from the next start on. Who it was until then is kept beside, in the same file.
    pub async fn import_identity(&self, text: &str, passphrase: &str) -> Result<(), Failure> {
        let (text, passphrase) = (text.to_owned(), passphrase.to_owned());
        let opened = aside(move || passphrase::open(&text, &passphrase)).await?;
        let secret: Secret = opened.map_err(|unopened| {
            let code = match unopened {
                Unopened::NotAnIdentity => FailureCode::NotAnIdentity,
                Unopened::WrongPassphrase => FailureCode::WrongPassphrase,
            };
            failure(code, unopened.to_string())
        })?;
        let kept = self.0.store.set_secret(secret).await;
        kept.map_err(|error| storage(&error))
    }
}

/// Does what takes long and is no waiting.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| failure(FailureCode::Internal, error.to_string()))
}

/// A new file that only its owner can read, whole or not at all, under a name that was free.
fn write_new(folder: &Path, stem: &str, text: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    let mut number = 1;
    loop {
        let path = folder.join(if number == 1 {
            format!("{stem}.txt")
        } else {
            format!("{stem} ({number}).txt")
        });
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                file = error.file;
                number += 1;
            }
            Err(error) => return Err(error.error),
        }
    }
}
