//! Whom a client takes for the host that it calls: the certificates that it trusts, and what it says of a stranger.

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

/// Whose certificates are good.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    /// Those that the platform trusts.
    pub platform: bool,
    /// These as well, or alone.
    pub extra: Vec<CertificateDer<'static>>,
    /// Anybody's at all: whoever sits on the line can read and change everything.
    pub anyone: bool,
}

impl Default for Trust {
    fn default() -> Self {
        Trust {
            platform: true,
            extra: Vec::new(),
            anyone: false,
        }
    }
}

impl Trust {
    /// Nobody at all can be no one's wish.
    pub(crate) fn check(&self) -> Result<()> {
        if self.platform || self.anyone || !self.extra.is_empty() {
            return Ok(());
        }
        Err(Error::invalid_argument(
            "options",
            "trust neither the platform's certificates nor any other; add your CA's",
        ))
    }

    /// TLS of 1.2 at least. Reads the platform's store, which takes a while.
    pub(crate) fn tls(&self) -> Result<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.anyone {
            true => Arc::new(AcceptAnyCertificate(provider.clone())),
            false => Arc::new(ExplainingVerifier(
                self.verifier(provider.clone()).map_err(no_trust)?,
            )),
        };
        // Files that cannot be opened are passed over as if they were not there.
        if let Some(shortage) = no_descriptors().filter(|_| self.platform && !self.anyone) {
            return Err(shortage);
        }
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(no_trust)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// For a client that speaks plain http only; in TLS it would trust nothing. Reads nothing.
    pub(crate) fn no_tls() -> Result<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(no_trust)?
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

fn no_descriptors() -> Option<Error> {
    let shortage = shortage::explained(&shortage::of_descriptors()?)?;
    Some(shortage.context("the certificates to trust could not be loaded"))
}

fn no_trust(error: TlsError) -> Error {
    if let Some(shortage) = no_descriptors() {
        return shortage;
    }
    Error::new(
        ErrorKind::Tls,
        format!("the certificates to trust could not be loaded: {error}"),
    )
    .with_remedy(
        "install the platform's certificates (on Debian the package ca-certificates), or add your own and turn the option \
         platform_certificates off",
    )
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.anyone, self.platform, self.extra.len()) {
            (true, _, _) => f.write_str("NOT VERIFIED"),
            (_, true, 0) => f.write_str("the platform's"),
            (_, true, added) => write!(f, "the platform's and {added} added"),
            (_, false, added) => write!(f, "only {added} added"),
        }
    }
}

/// Says of a certificate that is not trusted whose it is.
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
                    stranger(end_entity, None)
                }
                TlsError::InvalidCertificate(CertificateError::Other(problem)) => {
                    stranger(end_entity, Some(problem.to_string()))
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

/// Why a certificate is not trusted, with the names in it.
#[derive(Debug)]
pub(crate) struct UntrustedCertificate {
    /// As in RFC 4514; `None` if the certificate cannot be read.
    issuer: Option<String>,
    pub is_self_signed: bool,
    /// What else is wrong than that nobody vouches for the issuer.
    problem: Option<String>,
}

impl fmt::Display for UntrustedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match &self.issuer {
            Some(issuer) if self.is_self_signed => format!("is self-signed, by \"{issuer}\""),
            Some(issuer) => format!("was issued by \"{issuer}\", which is not trusted here"),
            None => "is not trusted".to_owned(),
        };
        match &self.problem {
            Some(problem) => write!(f, "{whose}: {problem}"),
            None => f.write_str(&whose),
        }
    }
}

impl std::error::Error for UntrustedCertificate {}

fn stranger(certificate: &CertificateDer<'_>, problem: Option<String>) -> TlsError {
    let names = Certificate::from_der(certificate).ok().map(|read| {
        let read = read.tbs_certificate();
        (read.issuer().to_string(), read.issuer() == read.subject())
    });
    let is_self_signed = names.as_ref().is_some_and(|(_, own)| *own);
    let stranger = UntrustedCertificate {
        issuer: names.map(|(issuer, _)| issuer),
        is_self_signed,
        problem,
    };
    TlsError::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(stranger))))
}

/// Takes every certificate. The handshake's own signatures are still checked.
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
