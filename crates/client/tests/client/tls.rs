//! TLS for servers that are no relays, and for those who stand between a client and one.

use std::net::SocketAddr;
use std::sync::Arc;

use chatspot_protocol::ids::TlsKey;
use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

/// A key of somebody's own, with a certificate that is from the last century.
#[derive(Clone)]
pub(crate) struct Key {
    config: Arc<ServerConfig>,
    pub(crate) key: TlsKey,
}

impl Key {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["somewhere.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(1990, 1, 1);
        params.not_after = rcgen::date_time_ymd(1991, 1, 1);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let private = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], private.into())
            .unwrap();
        Self {
            config: Arc::new(config),
            key: TlsKey(Sha256::digest(key.subject_public_key_info()).into()),
        }
    }

    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> std::io::Result<server::TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&self.config))
            .accept(stream)
            .await
    }
}

/// A WebSocket with our subprotocol, as a relay would have it.
pub(crate) async fn websocket(
    key: &Key,
    stream: TcpStream,
) -> Option<WebSocketStream<server::TlsStream<TcpStream>>> {
    #[allow(clippy::result_large_err)] // the shape of tungstenite's callback
    let agree = |_: &Request, mut response: Response| {
        let fields = response.headers_mut();
        fields.insert("Sec-WebSocket-Protocol", "chatspot.v1".parse().unwrap());
        Ok(response)
    };
    let stream = key.accept(stream).await.ok()?;
    tokio_tungstenite::accept_hdr_async(stream, agree)
        .await
        .ok()
}

/// A connection to a relay, whoever it is.
pub(crate) async fn connect(relay: SocketAddr) -> std::io::Result<client::TlsStream<TcpStream>> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(algorithms)))
        .with_no_client_auth();
    let stream = TcpStream::connect(relay).await?;
    let name = ServerName::IpAddress(relay.ip().into());
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

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
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
