//! CA certificates from files in PEM or DER, in the variations that files have in practice.

use crate::error::{Error, Result};
use crate::pem::{self, Block};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use x509_cert::der::{Reader, SliceReader};

/// The certificates in the content of a file: one or several, each of which can be trusted as a CA. `argument` names the
/// input in error messages.
pub(crate) fn parse_certificates(
    argument: &str,
    content: &[u8],
) -> Result<Vec<CertificateDer<'static>>> {
    let invalid = |problem: &str| Error::invalid_argument(argument, problem);
    let found = match content.first() {
        Some(&DER_SEQUENCE) => parse_der(content).map_err(invalid)?,
        _ => parse_pem(content).map_err(|problem| invalid(&problem))?,
    };
    let mut store = RootCertStore::empty();
    for (position, certificate) in found.iter().enumerate() {
        store.add(certificate.clone()).map_err(|e| {
            let number = position + 1;
            invalid(&format!("its certificate {number} cannot be used: {e}"))
        })?;
    }
    Ok(found)
}

type Certificates = Vec<CertificateDer<'static>>;

/// The first byte of a certificate in DER. It is the digit `0` in ASCII, with which no PEM file begins.
const DER_SEQUENCE: u8 = 0x30;

fn parse_pem(content: &[u8]) -> std::result::Result<Certificates, String> {
    let text = pem::normalize(content);
    let is_certificate = |label: &str| matches!(label, "CERTIFICATE" | "X509 CERTIFICATE");
    let mut found = Vec::new();
    for block in pem::blocks(&text, is_certificate) {
        let number = found.len() + 1;
        let Block { der, .. } =
            block.map_err(|damage| format!("its certificate {number} {}", damage.message()))?;
        found.push(CertificateDer::from(der.to_vec()));
    }
    match found.is_empty() {
        true => Err(describe_other_content(&text).to_owned()),
        false => Ok(found),
    }
}

/// One certificate in DER, or several that follow each other.
fn parse_der(content: &[u8]) -> std::result::Result<Certificates, &'static str> {
    /// The object identifier id-signedData (RFC 5652) in DER.
    const SIGNED_DATA: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02";
    /// The version number with which a PKCS#12 file (RFC 7292) begins.
    const PKCS12: &[u8] = b"\x02\x01\x03\x30";
    let start = &content[..content.len().min(24)];
    let has = |part: &[u8]| start.windows(part.len()).any(|window| window == part);
    if has(SIGNED_DATA) {
        return Err(
            "is a PKCS#7 bundle (.p7b); `openssl pkcs7 -inform DER -print_certs -in FILE -out ca.pem` \
             turns it into PEM",
        );
    }
    if has(PKCS12) {
        return Err(
            "is PKCS#12 (.p12 or .pfx); `openssl pkcs12 -nokeys -in FILE -out ca.pem` takes the certificates out of it",
        );
    }
    const DAMAGED: &str = "begins like DER, but is not a certificate or is damaged";
    let mut reader = SliceReader::new(content).map_err(|_| DAMAGED)?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        let certificate = reader.tlv_bytes().map_err(|_| DAMAGED)?;
        found.push(CertificateDer::from(certificate.to_vec()));
    }
    Ok(found)
}

/// The problem with a text without certificates: what it is, and how to get certificates from it.
fn describe_other_content(text: &[u8]) -> &'static str {
    let has_label = |ending: &str| pem::labels(text).any(|label| label.ends_with(ending));
    if has_label("PKCS7") || has_label("CMS") {
        "is a PKCS#7 bundle (.p7b); `openssl pkcs7 -print_certs -in FILE -out ca.pem` turns it into PEM"
    } else if has_label("TRUSTED CERTIFICATE") {
        "is in OpenSSL's form of trusted certificates; `openssl x509 -in FILE -out ca.pem` turns it into PEM"
    } else if has_label("CERTIFICATE REQUEST") {
        "is a certificate request; give the certificate that the CA issued for it"
    } else if has_label("PRIVATE KEY") {
        "holds a private key and no certificate (-----BEGIN CERTIFICATE-----)"
    } else if text.trim_ascii().is_empty() {
        "is empty"
    } else {
        "holds no certificate in PEM (-----BEGIN CERTIFICATE-----) or DER"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> String {
        let made = rcgen::generate_simple_self_signed(["ca.example".to_owned()]);
        let made = made.expect("a certificate can be made");
        pem::encode("CERTIFICATE", made.cert.der()).to_string()
    }

    fn refusal(content: &[u8]) -> String {
        let error = parse_certificates("ca_file", content).unwrap_err();
        error.message().to_owned()
    }

    #[test]
    fn pem_and_der_are_parsed_in_every_variation() {
        let pem = certificate();
        let der = pem::blocks(pem.as_bytes(), |_| true)
            .next()
            .unwrap()
            .unwrap()
            .der;
        let utf16: Vec<u8> = format!("\u{FEFF}{pem}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (content, count) in [
            (pem.clone().into_bytes(), 1),
            (pem.replace('\n', "\\n").into_bytes(), 1),
            (format!("\"{}\"", pem.replace('\n', " ")).into_bytes(), 1),
            (pem.replace(" CERT", " X509 CERT").into_bytes(), 1),
            (format!("\u{FEFF}{pem}\u{FEFF}{pem}").into_bytes(), 2),
            (utf16, 1),
            (der.to_vec(), 1),
            ([&**der, &**der].concat(), 2),
        ] {
            let found = parse_certificates("ca_file", &content).unwrap();
            assert_eq!(found.len(), count);
            assert!(found.iter().all(|found| **found == **der));
        }
        let cut = &der[..der.len() - 1];
        assert!(refusal(cut).starts_with("ca_file: begins like DER"));
        let damaged = format!("{pem}{}", pem.replace("\nM", "\n!"));
        let message = "ca_file: its certificate 2 is damaged";
        assert!(refusal(damaged.as_bytes()).starts_with(message));
        assert!(refusal(&pem.as_bytes()[..200]).contains("certificate 1 is truncated"));
    }

    #[test]
    fn other_content_is_named_with_a_remedy() {
        let label = |label: &str| pem::encode(label, b"x").to_string().into_bytes();
        for (content, problem) in [
            (label("PKCS7"), "is a PKCS#7 bundle"),
            (label("CMS"), "is a PKCS#7 bundle"),
            (
                b"\x30\x82\x01\x00\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0".to_vec(),
                "is a PKCS#7 bundle (.p7b); `openssl pkcs7 -inform DER",
            ),
            (
                b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0".to_vec(),
                "is a PKCS#7 bundle",
            ),
            (
                b"\x30\x82\x01\x00\x02\x01\x03\x30\x82".to_vec(),
                "is PKCS#12",
            ),
            (label("TRUSTED CERTIFICATE"), "is in OpenSSL's form"),
            (label("NEW CERTIFICATE REQUEST"), "is a certificate request"),
            (label("PRIVATE KEY"), "holds a private key"),
            (b"\xEF\xBB\xBF\n".to_vec(), "is empty"),
            (b"garbage".to_vec(), "holds no certificate"),
            (b"0".to_vec(), "begins like DER"),
            (b"0123".to_vec(), "begins like DER"),
        ] {
            let message = refusal(&content);
            assert!(
                message.starts_with(&format!("ca_file: {problem}")),
                "{message}"
            );
        }
    }
}
