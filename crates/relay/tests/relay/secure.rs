//! TLS as a client speaks it that looks at nothing but whether the other end holds the key in its certificate.

use std::sync::Arc;

use chatspot_protocol::ids::{Exporter, TlsKey};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion, version,
};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) type Secured = tokio_rustls::client::TlsStream<TcpStream>;

#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// Shakes hands.
pub(crate) async fn connect(stream: TcpStream) -> std::io::Result<Secured> {
    connect_by(stream, &version::TLS13, &[]).await
}

/// Shakes hands by that version, offering these protocols.
pub(crate) async fn connect_by(
    stream: TcpStream,
    version: &'static SupportedProtocolVersion,
    protocols: &[&str],
) -> std::io::Result<Secured> {
    let provider = ring::default_provider();
    let verifier = AnyCertificate(provider.signature_verification_algorithms);
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| (*name).into()).collect();
    let nobody = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0; 4])));
    TlsConnector::from(Arc::new(config))
        .connect(nobody, stream)
        .await
}

/// What both ends know.
pub(crate) fn exporter(stream: &Secured) -> Exporter {
    let (_, connection) = stream.get_ref();
    let label = b"EXPORTER-Channel-Binding";
    let exported = connection.export_keying_material([0; 32], label, Some(&[]));
    Exporter(exported.unwrap())
}

/// The relay's key.
pub(crate) fn key(stream: &Secured) -> TlsKey {
    let (_, connection) = stream.get_ref();
    let certificate = &connection.peer_certificates().unwrap()[0];
    let parsed = ParsedCertificate::try_from(certificate).unwrap();
    TlsKey(Sha256::digest(&*parsed.subject_public_key_info()).into())
}
