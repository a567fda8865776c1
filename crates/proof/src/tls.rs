//! The TLS of whoever stands between, hosts falsely, or only reads along: both ends of it, with every certificate taken.
//!
//! ChatSpot's own is in the relay's and the client's `tls`; this one is written anew, so that it shares no mistake.

use std::io;
use std::sync::Arc;

use chatspot_protocol::identity::Channel;
use chatspot_protocol::ids::{Exporter, TlsKey};
use rcgen::PublicKeyData;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// The label of the `tls-exporter` (RFC 9266).
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";

/// A server with a key of its own.
#[derive(Clone)]
pub struct Server {
    acceptor: TlsAcceptor,
    key: TlsKey,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No key or certificate.
    #[error("no certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// rustls does not take them.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

impl Server {
    /// One with a new key.
    pub fn new() -> Result<Self, TlsError> {
        let pair = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new(Vec::new())?.self_signed(&pair)?;
        let key = key_of(&pair.subject_public_key_info());
        let secret = PrivatePkcs8KeyDer::from(pair.serialize_der());
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret.into())?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            key,
        })
    }

    /// What a warrant names.
    pub fn key(&self) -> TlsKey {
        self.key
    }

    /// The handshake.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<server::TlsStream<S>> {
        self.acceptor.accept(stream).await
    }
}

/// The handshake with a relay, whoever it is: its stream, its key, and what a hello is bound to.
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
) -> io::Result<(client::TlsStream<S>, TlsKey, Channel)> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(
            provider().signature_verification_algorithms,
        )))
        .with_no_client_auth();
    let mut config = config;
    config.enable_sni = false;
    let name = ServerName::try_from("relay.invalid").map_err(io::Error::other)?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let (_, connection) = stream.get_ref();
    let certificates = connection.peer_certificates().unwrap_or_default();
    let first = certificates
        .first()
        .ok_or_else(|| io::Error::other("no certificate"))?;
    let parsed = ParsedCertificate::try_from(first).map_err(io::Error::other)?;
    let key = key_of(&parsed.subject_public_key_info());
    let exporter = connection
        .export_keying_material([0; 32], EXPORTER, None)
        .map_err(io::Error::other)?;
    Ok((stream, key, Channel::Tls(Exporter(exporter))))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn key_of(info: &[u8]) -> TlsKey {
    use sha2::Digest;
    TlsKey(sha2::Sha256::digest(info).into())
}

/// Takes every certificate whose owner signs the handshake with it.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
