//! TLS as the client speaks it, and what it learns by it. The one place that knows rustls.
//!
//! A relay on a local network has no name that any authority vouches for, so its certificate is looked at for one thing:
//! that the other end holds the key in it. Whether that key may speak for a room is the warrants' business (see
//! [`chatspot_protocol::identity::Warrant`]). Names and times in certificates mean nothing here, so that a clock that is
//! off by years keeps nobody out. Only for a name of the web are the web's authorities asked as well.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use chatspot_protocol::ids::{Exporter, TlsKey};
use chatspot_protocol::session::Line;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use rustls_platform_verifier::Verifier;
use sha2::{Digest, Sha256};
use tokio_rustls::TlsConnector;
pub(crate) use tokio_rustls::client::TlsStream;

use crate::net::TcpStream;

/// RFC 9266, section 2.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// Why there is no TLS with the other end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// It hung up, or the network broke.
    #[error("{0}")]
    Io(std::io::Error),
    /// What it said is no TLS 1.3, or its certificate's key is not its own.
    #[error("{0}")]
    NotTls(std::io::Error),
    /// The cryptography cannot be used: a defect.
    #[error("{0}")]
    Unusable(Error),
}

/// Speaks TLS over a connection to `host`, and says what is known of the other end.
pub(crate) async fn secure(
    host: &str,
    stream: TcpStream,
) -> Result<(TlsStream<TcpStream>, Line), TlsError> {
    let connector = TlsConnector::from(config().map_err(TlsError::Unusable)?);
    let domain = web_name(host);
    // The name goes over the wire in the clear: only a proxy needs it, to know whom to hand the connection to. For an
    // address none is sent, and which address is told here makes no difference.
    let name = domain
        .clone()
        .and_then(|domain| ServerName::try_from(domain).ok())
        .unwrap_or(ServerName::IpAddress(
            IpAddr::V4(Ipv4Addr::UNSPECIFIED).into(),
        ));
    let stream = connector
        .connect(name.clone(), stream)
        .await
        .map_err(|error| {
            if error
                .get_ref()
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Error>)
            {
                TlsError::NotTls(error)
            } else {
                TlsError::Io(error)
            }
        })?;
    let (_, connection) = stream.get_ref();
    let exporter = connection
        .export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]))
        .map_err(TlsError::Unusable)?;
    let chain: Vec<CertificateDer<'static>> = connection
        .peer_certificates()
        .into_iter()
        .flatten()
        .map(|certificate| certificate.clone().into_owned())
        .collect();
    let key = chain
        .first()
        .ok_or(Error::NoCertificatesPresented)
        .and_then(key_of)
        .map_err(TlsError::Unusable)?;
    let domain = match domain {
        Some(domain) if vouched(chain, name).await => Some(domain),
        Some(_) | None => None,
    };
    let line = Line {
        exporter: Exporter(exporter),
        key,
        domain,
    };
    Ok((stream, line))
}

/// A host that the web's authorities may vouch for, in lower case: a name with a dot that is not of the local network.
fn web_name(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let of_the_web = host.contains('.')
        && host.parse::<IpAddr>().is_err()
        && !host.contains(':')
        && !["local", "internal", "localhost", "home.arpa"]
            .iter()
            .any(|local| host.ends_with(&format!(".{local}")));
    of_the_web.then_some(host)
}

/// SHA-256 over a certificate's `SubjectPublicKeyInfo`.
fn key_of(certificate: &CertificateDer<'static>) -> Result<TlsKey, Error> {
    let info = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    Ok(TlsKey(Sha256::digest(&*info).into()))
}

/// Whether the web's authorities, as this system knows them, vouch for the name. Asked aside: systems read files for it.
async fn vouched(chain: Vec<CertificateDer<'static>>, name: ServerName<'static>) -> bool {
    let asked = tokio::task::spawn_blocking(move || {
        let (first, others) = chain.split_first()?;
        let provider = Arc::new(ring::default_provider());
        // The name first: a relay's own certificate is no reason to read all authorities of the system.
        verify_server_name(&ParsedCertificate::try_from(first).ok()?, &name).ok()?;
        let verifier = Verifier::new(provider).ok()?;
        verifier
            .verify_server_cert(first, others, &name, &[], UnixTime::now())
            .ok()
    });
    asked.await.is_ok_and(|vouched| vouched.is_some())
}

/// The same for all connections: nothing is remembered from one to the next, so each has its own certificate and
/// exporter.
fn config() -> Result<Arc<ClientConfig>, Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(HoldsItsKey(algorithms)))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

/// Takes every certificate whose key the other end holds.
#[derive(Debug)]
struct HoldsItsKey(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for HoldsItsKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        ParsedCertificate::try_from(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Only 1.3 is offered.
        Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_web_are_the_webs_to_vouch_for() {
        for host in [
            "127.0.0.1",
            "::1",
            "fe80::1%eth0",
            "laptop",
            "laptop.local",
            "laptop.local.",
            "a.home.arpa",
            "localhost",
        ] {
            assert_eq!(web_name(host), None, "{host}");
        }
        assert_eq!(
            web_name("Chat.Example.ORG.").as_deref(),
            Some("chat.example.org")
        );
    }
}
