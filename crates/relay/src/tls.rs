//! The relay's TLS: its key, which stays the same over restarts and by which warrants name the relay, and the
//! connections under it. The one place that knows the library.
//!
//! The certificate says nothing: no name, no time that means anything. It is made anew from the key at every start, and
//! whoever dials looks at the key alone.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use chatspot_folder::vault::Vault;
use chatspot_folder::{FolderError, JsonFile};
use chatspot_protocol::ids::{Exporter, TlsKey};
use data_encoding::BASE64URL_NOPAD;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::NoServerSessionStorage;
use rustls::{ServerConfig, ServerConnection, version};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

/// The first byte of a TLS connection: a record of the handshake (RFC 8446, section 5.1). No HTTP request begins so.
pub(crate) const FIRST_BYTE: u8 = 0x16;
/// Plaintext that is encrypted at once: one full record (RFC 8446, section 5.1). Only so much ciphertext waits for a
/// peer that does not read; the rest waits as the shared plaintext that it came as.
const RECORD: usize = 16 * 1024;
/// RFC 9266, section 2.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";
/// The key's file in the data folder.
const FILE: &str = "tls.json";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The key's file cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The key cannot be made or used.
    #[error("no key for encryption: {0}")]
    Key(#[from] rcgen::Error),
    /// The library does not take it.
    #[error("no encryption: {0}")]
    Library(#[from] rustls::Error),
}

/// A relay's key and certificate. Clones are the same.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    key: TlsKey,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.key)
    }
}

/// What the key's file holds: PKCS #8 as unpadded base64url. Never shown, not even by `Debug`.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    secret: String,
}

impl Tls {
    /// The key in `folder`, or a new one; the folder is made if missing. It stands in the file, as on a server.
    pub fn open(folder: &Path) -> Result<Self, TlsError> {
        Self::open_in(&Vault::off(), folder)
    }

    /// The same, with the key in a vault.
    pub fn open_in(vault: &Vault, folder: &Path) -> Result<Self, TlsError> {
        let new = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let file = JsonFile::open_in(vault, folder, FILE, || {
            let secret = BASE64URL_NOPAD.encode(new.serialized_der());
            Ok(Kept { secret })
        })?;
        let damaged = |message: String| FolderError::Damaged {
            path: folder.join(FILE),
            message,
        };
        let der = BASE64URL_NOPAD.decode(file.get().secret.as_bytes());
        let der = PrivatePkcs8KeyDer::from(der.map_err(|error| damaged(error.to_string()))?);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)
            .map_err(|error| damaged(error.to_string()))?;
        Self::of(&key)
    }

    /// A key that is gone with the process: for simulations and tests.
    pub fn in_memory() -> Result<Self, TlsError> {
        Self::of(&KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
    }

    fn of(key: &KeyPair) -> Result<Self, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let certificate = params.self_signed(key)?.der().clone();
        let private = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], private.into())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed connection would save the client a signature a day, and cost every idle one a ticket.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(Self {
            config: Arc::new(config),
            key: TlsKey(Sha256::digest(key.subject_public_key_info()).into()),
        })
    }

    /// SHA-256 over the key's `SubjectPublicKeyInfo`, as warrants name it.
    pub fn key(&self) -> TlsKey {
        self.key
    }

    /// Shakes hands. Ends with an error when the peer does not speak TLS 1.3.
    pub(crate) async fn accept<S>(&self, stream: S) -> Result<Encrypted<S>, (io::Error, S)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.config.clone());
        acceptor.accept(stream).into_fallible().await
    }
}

/// A connection while it is still asked by HTTP.
pub(crate) type Encrypted<S> = tokio_rustls::server::TlsStream<S>;

/// Takes the socket out again, and the encryption that goes on over it.
pub(crate) fn apart<S>(stream: Encrypted<S>) -> (S, Session) {
    let (stream, connection) = stream.into_inner();
    (stream, Session(Box::new(connection)))
}

/// The encryption of one connection, over a socket that takes and gives what it can at once.
pub(crate) struct Session(Box<ServerConnection>);

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// What both ends of this connection, and nobody else, know (RFC 9266).
    pub(crate) fn exporter(&self) -> io::Result<Exporter> {
        let exported = self
            .0
            .export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]));
        exported.map(Exporter).map_err(io::Error::other)
    }

    /// Encrypts the first bytes of `plain`. Says how many: of those that are not taken nothing is kept. To be called
    /// only while nothing waits.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> io::Result<usize> {
        let record = &plain[..plain.len().min(RECORD)];
        io::Write::write(&mut self.0.writer(), record)
    }

    /// Says that nothing more comes.
    pub(crate) fn end(&mut self) {
        self.0.send_close_notify();
    }

    /// Whether ciphertext waits for the socket.
    pub(crate) fn waits(&self) -> bool {
        self.0.wants_write()
    }

    /// Writes ciphertext until none waits, or the socket would block.
    pub(crate) fn send(&mut self, socket: &mut dyn io::Write) -> io::Result<()> {
        while self.0.wants_write() {
            if self.0.write_tls(socket)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Decrypted bytes that came already. `WouldBlock` when there are none; none at all at the end.
    pub(crate) fn open(&mut self, into: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut self.0.reader(), into)
    }

    /// Reads from the socket what it has, some thousand bytes at the most. Afterwards something may wait to be sent,
    /// after an error as well: it tells the peer why.
    pub(crate) fn receive(&mut self, socket: &mut dyn io::Read) -> io::Result<()> {
        self.0.read_tls(socket)?;
        self.0
            .process_new_packets()
            .map(drop)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_same_one_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let key = Tls::open(folder.path()).unwrap().key();
        assert_eq!(Tls::open(folder.path()).unwrap().key(), key);
        assert_ne!(Tls::in_memory().unwrap().key(), key);
        for text in ["", "{}", r#"{"secret":"!"}"#, r#"{"secret":"AAAA"}"#] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let error = Tls::open(folder.path()).unwrap_err();
            let damaged = matches!(error, TlsError::Folder(FolderError::Damaged { .. }));
            assert!(damaged, "{text}: {error}");
            let left = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
            assert_eq!(left, text, "another key is another relay");
        }
    }
}
