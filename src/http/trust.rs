//! The certificates that a client trusts, and the TLS configuration that verifies a host's certificate against them.

use crate::error::{Error, ErrorKind, Result};
use crate::shortage;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_platform_verifier::Verifier;
use std::fmt;
use std::sync::Arc;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// The certificates that are trusted.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    /// The CA certificates that the platform trusts.
    pub platform: bool,
    /// Further CA certificates.
    pub extra: Vec<CertificateDer<'static>>,
    /// Every certificate, without verification: an attacker on the network can read and change everything.
    pub any_certificate: bool,
}

impl Default for Trust {
    fn default() -> Self {
        Trust {
            platform: true,
            extra: Vec::new(),
            any_certificate: false,
        }
    }
}

impl Trust {
    /// Refuses options that trust no certificate at all.
    pub(crate) fn check_not_empty(&self) -> Result<()> {
        if self.platform || self.any_certificate || !self.extra.is_empty() {
            return Ok(());
        }
        Err(Error::invalid_argument(
            "options",
            "trust neither the platform's certificates nor any other; add your CA's",
        ))
    }

    /// The configuration for TLS 1.2 and 1.3. It reads the platform's certificate store, which may take a second.
    pub(crate) fn tls_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.any_certificate {
            true => Arc::new(AcceptAnyCertificate(provider.clone())),
            false => Arc::new(ExplainingVerifier(
                self.verifier(provider.clone()).map_err(trust_store_error)?,
            )),
        };
        // The platform verifier ignores certificate files that it cannot open.
        if self.platform
            && !self.any_certificate
            && let Some(shortage) = shortage_of_descriptors()
        {
            return Err(shortage);
        }
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(trust_store_error)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// The configuration of a client that speaks plain http only. It trusts no certificate and reads no files.
    pub(crate) fn plain_http_config() -> Result<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(trust_store_error)?
            .with_root_certificates(RootCertStore::empty());
        Ok(config.with_no_client_auth())
    }

    fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> std::result::Result<Arc<dyn ServerCertVerifier>, TlsError> {
        if self.platform {
            let extra = self.extra.iter().cloned();
            let verifier = Verifier::new_with_extra_roots(extra, provider)?;
            return Ok(Arc::new(verifier));
        }
        let mut roots = RootCertStore::empty();
        for certificate in &self.extra {
            roots.add(certificate.clone())?;
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        match builder.build() {
            Ok(verifier) => Ok(verifier),
            Err(e) => Err(TlsError::General(e.to_string())),
        }
    }
}

fn shortage_of_descriptors() -> Option<Error> {
    let shortage = shortage::to_error(&shortage::missing_descriptors()?)?;
    Some(shortage.context("the certificates to trust could not be loaded"))
}

fn trust_store_error(error: TlsError) -> Error {
    if let Some(shortage) = shortage_of_descriptors() {
        return shortage;
    }
    Error::new(
        ErrorKind::Tls,
        format!("the certificates to trust could not be loaded: {error}"),
    )
    .with_remedy(
        "install the platform's certificates (on Debian the package ca-certificates), or add your own CA's and turn the \
         option platform_certificates off",
    )
}

/// Says which certificates are trusted, for the report of the self-check.
impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.any_certificate, self.platform, self.extra.len()) {
            (true, _, _) => f.write_str("NOT VERIFIED"),
            (_, true, 0) => f.write_str("the platform's"),
            (_, true, added) => write!(f, "the platform's and {added} added"),
            (_, false, added) => write!(f, "only {added} added"),
        }
    }
}

/// A verifier that adds the issuer's name to the error about a certificate that is not trusted.
#[derive(Debug)]
struct ExplainingVerifier(Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for ExplainingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, TlsError> {
        self.0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| match error {
                TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => {
                    untrusted(end_entity, None)
                }
                TlsError::InvalidCertificate(CertificateError::Other(problem)) => {
                    untrusted(end_entity, Some(problem.to_string()))
                }
                error => error,
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// A certificate that is not trusted, and why.
#[derive(Debug)]
pub(crate) struct UntrustedCertificate {
    /// The issuer's name in the form of RFC 4514; `None` if the certificate cannot be parsed.
    issuer: Option<String>,
    pub is_self_signed: bool,
    /// The verifier's own reason, if it is another than an unknown issuer.
    problem: Option<String>,
}

impl fmt::Display for UntrustedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issued_by = match &self.issuer {
            Some(issuer) if self.is_self_signed => format!("is self-signed, by \"{issuer}\""),
            Some(issuer) => format!("was issued by \"{issuer}\", which is not trusted here"),
            None => "is not trusted".to_owned(),
        };
        match &self.problem {
            Some(problem) => write!(f, "{issued_by}: {problem}"),
            None => f.write_str(&issued_by),
        }
    }
}

impl std::error::Error for UntrustedCertificate {}

fn untrusted(certificate: &CertificateDer<'_>, problem: Option<String>) -> TlsError {
    let names = Certificate::from_der(certificate).ok().map(|parsed| {
        let parsed = parsed.tbs_certificate();
        let is_self_signed = parsed.issuer() == parsed.subject();
        (parsed.issuer().to_string(), is_self_signed)
    });
    let untrusted = UntrustedCertificate {
        is_self_signed: names
            .as_ref()
            .is_some_and(|(_, is_self_signed)| *is_self_signed),
        issuer: names.map(|(issuer, _)| issuer),
        problem,
    };
    TlsError::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(untrusted))))
}

/// A verifier that accepts every certificate. It still verifies the signatures of the handshake.
#[derive(Debug)]
struct AcceptAnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
