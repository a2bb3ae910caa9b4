//! RSA private keys, parsed from PEM in every usual format.
//!
//! Text that is not such a key is described by what it is instead, without quoting any of it.

use super::passphrase::{decrypt_legacy, decrypt_pkcs8};
use super::problem::KeyProblem;
use crate::error::{Error, Result};
use crate::input_file::{LONGEST_FILE, read_file};
use crate::pem::{self, Block};
use base64ct::{Base64, Encoding};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Decode;
use pkcs8::der::asn1::ObjectIdentifier;
use std::path::Path;
use zeroize::Zeroizing;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

pub(super) const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 8192;

/// An RSA private key in PKCS#1 DER, zeroed when dropped.
pub(crate) struct RsaPrivateKey(Zeroizing<Vec<u8>>);

/// The names of the two inputs in error messages: of an argument, an option or a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub key: &'a str,
    pub passphrase: &'a str,
}

impl RsaPrivateKey {
    /// Parses PEM in any format that OpenSSL writes, old or new. The passphrase of a key that is not encrypted is
    /// ignored. Every problem is an [`crate::ErrorKind::InvalidArgument`] under one of `names`.
    pub(crate) fn from_pem(names: Names, pem: &[u8], passphrase: Option<&str>) -> Result<Self> {
        parse(pem, passphrase).map_err(|refusal| match refusal {
            KeyProblem::Key(problem) => Error::invalid_argument(names.key, problem),
            KeyProblem::Passphrase(problem) => Error::invalid_argument(names.passphrase, problem),
        })
    }

    pub(crate) fn from_file(names: Names, path: &Path, passphrase: Option<&str>) -> Result<Self> {
        RsaPrivateKey::from_pem(names, &read_file(names.key, path)?, passphrase)
    }

    pub(crate) fn as_pkcs1(&self) -> &[u8] {
        &self.0
    }
}

fn parse(pem: &[u8], passphrase: Option<&str>) -> std::result::Result<RsaPrivateKey, KeyProblem> {
    if pem.len() > LONGEST_FILE {
        return Err(KeyProblem::Key("is longer than 1 MiB".into()));
    }
    let text = decode_wrapped_pem(pem);
    let is_key = |label: &str| label.ends_with("PRIVATE KEY");
    let block = match pem::blocks(&text, is_key).next() {
        Some(Ok(block)) => block,
        Some(Err(damage)) => return Err(KeyProblem::Key(damage.message().into())),
        None => return Err(KeyProblem::Key(describe_non_key(&text))),
    };
    let required_passphrase = || {
        passphrase.ok_or_else(|| {
            KeyProblem::Passphrase("is missing, and the private key is encrypted".into())
        })
    };
    let decrypted = match (block.label, block.header("DEK-Info")) {
        ("PRIVATE KEY" | "RSA PRIVATE KEY", None) => return check_rsa_key(&block.der),
        ("PRIVATE KEY" | "RSA PRIVATE KEY", Some(dek_info)) => {
            decrypt_legacy(dek_info, &block.der, required_passphrase()?)?
        }
        ("ENCRYPTED PRIVATE KEY", _) => decrypt_pkcs8(&block.der, required_passphrase()?)?,
        _ => return Err(KeyProblem::Key(describe_other_block(&block))),
    };
    match parse_structure(&decrypted) {
        // With one wrong passphrase in 256 the decrypted padding looks valid.
        None => Err(KeyProblem::Passphrase(
            "is wrong, or the key is damaged".into(),
        )),
        Some(_) => check_rsa_key(&decrypted),
    }
}

/// What the DER of a private key contains: an RSA key in PKCS#1, or the algorithm of another key.
enum Structure<'a> {
    Pkcs1(RsaPrivateKeyRef<'a>, &'a [u8]),
    Other(ObjectIdentifier),
}

fn parse_structure(der: &[u8]) -> Option<Structure<'_>> {
    let (info, pkcs1) = match PrivateKeyInfoRef::from_der(der) {
        Ok(info) => (Some(info.algorithm.oid), info.private_key.as_bytes()),
        Err(_) => (None, der),
    };
    match info {
        Some(kind) if kind != RSA => Some(Structure::Other(kind)),
        _ => Some(Structure::Pkcs1(
            RsaPrivateKeyRef::from_der(pkcs1).ok()?,
            pkcs1,
        )),
    }
}

fn check_rsa_key(der: &[u8]) -> std::result::Result<RsaPrivateKey, KeyProblem> {
    let problem = match parse_structure(der) {
        None => "is damaged: it contains no RSA private key".into(),
        Some(Structure::Other(kind)) => format!(
            "is {} key; Adobe accepts RSA keys only",
            algorithm_name(kind)
        ),
        Some(Structure::Pkcs1(key, pkcs1)) => match bits(key.modulus.as_bytes()) {
            MIN_BITS..=MAX_BITS => return Ok(RsaPrivateKey(Zeroizing::new(pkcs1.to_vec()))),
            bits if bits < MIN_BITS => {
                format!("is an RSA key of {bits} bits; at least {MIN_BITS} are needed")
            }
            bits => format!("is an RSA key of {bits} bits; at most {MAX_BITS} are supported"),
        },
    };
    Err(KeyProblem::Key(problem))
}

fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |byte| byte.leading_zeros());
    number.len() * 8 - zeros as usize
}

/// The algorithm's name with its article.
fn algorithm_name(kind: ObjectIdentifier) -> &'static str {
    match kind.to_string().as_str() {
        "1.2.840.10045.2.1" => "an EC",
        "1.3.101.112" => "an Ed25519",
        "1.3.101.113" => "an Ed448",
        "1.2.840.10040.4.1" => "a DSA",
        "1.2.840.113549.1.1.10" => "an RSA-PSS",
        _ => "not an RSA",
    }
}

fn describe_other_block(block: &Block) -> String {
    match block.label {
        "EC PRIVATE KEY" => "is an EC key; Adobe accepts RSA keys only".into(),
        "DSA PRIVATE KEY" => "is a DSA key; Adobe accepts RSA keys only".into(),
        "OPENSSH PRIVATE KEY" => {
            "is in OpenSSH format; `ssh-keygen -p -m PEM -f FILE` converts it to PEM".into()
        }
        _ => "is a PEM block of an unknown kind; give an RSA private key in PEM".into(),
    }
}

/// The PEM text; text that is PEM encoded in base64 once more, to fit on one line, is decoded first.
fn decode_wrapped_pem(pem: &[u8]) -> Zeroizing<Vec<u8>> {
    const BEGIN_IN_BASE64: &[u8] = b"LS0tLS1CRUdJTi";
    let text = pem::normalize(pem);
    let is_filler = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    let start = text.iter().take_while(|byte| is_filler(byte)).count();
    if !text[start..].starts_with(BEGIN_IN_BASE64) {
        return text;
    }
    let mut base64 = Zeroizing::new(Vec::with_capacity(text.len()));
    base64.extend(text.iter().filter(|byte| !is_filler(byte)));
    let mut inner = Zeroizing::new(vec![0; base64.len() / 4 * 3]);
    match Base64::decode(&*base64, &mut inner).map(<[u8]>::len) {
        Ok(length) => {
            inner.truncate(length);
            pem::normalize(&inner)
        }
        Err(_) => text,
    }
}

fn describe_non_key(text: &[u8]) -> String {
    let is_there = |ending: &str| pem::labels(text).any(|label| label.ends_with(ending));
    let has = |part: &str| {
        text.windows(part.len())
            .any(|window| window == part.as_bytes())
    };
    let bare = text.trim_ascii();
    let words = if is_there("PUBLIC KEY") {
        "is a public key; give the private key that belongs to it"
    } else if is_there("CERTIFICATE") {
        "is a certificate; give the private key that belongs to it"
    } else if is_there("CERTIFICATE REQUEST") {
        "is a certificate request; give the private key that belongs to it"
    } else if bare.is_empty() {
        "is empty"
    } else if text.starts_with(&[0x30, 0x82]) {
        "is binary (DER or PKCS#12); `openssl pkey -inform DER` or `openssl pkcs12 -nocerts` converts it to PEM"
    } else if bare.starts_with(b"LS0tLS1CRUdJTi") {
        "is base64 of PEM, and damaged or truncated"
    } else if has("BEGIN%20") || has("%0A-----END") || has("BEGIN+") {
        "is percent-encoded, as for a URL; decode it first"
    } else if has("PuTTY-User-Key-File") {
        "is in PuTTY format; `puttygen FILE -O private-openssh -o NEW` and `ssh-keygen -p -m PEM -f NEW` convert it \
         to PEM"
    } else if has("\"kty\"") {
        "is a JSON Web Key; give the key in PEM"
    } else if has("<RSAKeyValue>") {
        "is a key in XML; give the key in PEM"
    } else if bare.starts_with(b"MII") {
        "is base64 without its first and last line; put -----BEGIN PRIVATE KEY----- before it and -----END PRIVATE \
         KEY----- after it, or the lines of the original file"
    } else if has("PRIVATE KEY") || has("PRIVATEKEY") {
        "has no complete BEGIN line, such as -----BEGIN PRIVATE KEY-----, with its spaces and five dashes on each side"
    } else if looks_like_path(bare) {
        "looks like the path of a key file; give the content of the file, or the path as private_key_path"
    } else {
        "is not PEM (-----BEGIN PRIVATE KEY-----, or similar)"
    };
    words.into()
}

fn looks_like_path(text: &[u8]) -> bool {
    let is_short = text.len() < 256 && !text.contains(&b'\n');
    let endings: [&[u8]; 4] = [b".pem", b".key", b".p8", b".crt"];
    let starts: [&[u8]; 3] = [b"/", b"./", b"~/"];
    is_short
        && (endings.iter().any(|ending| text.ends_with(ending))
            || starts.iter().any(|start| text.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_a_key_is_described() {
        for (text, words) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "is base64 without"),
            (
                "-----BEGIN%20PRIVATE%20KEY-----%0AMIIE",
                "is percent-encoded",
            ),
            ("-----BEGIN+PRIVATE+KEY-----", "is percent-encoded"),
            (
                "----BEGIN PRIVATE KEY----\nMIIE",
                "has no complete BEGIN line",
            ),
            (
                "-----BEGINPRIVATEKEY-----MIIE",
                "has no complete BEGIN line",
            ),
            ("PRIVATE KEY-----\nMIIE", "has no complete BEGIN line"),
            ("PuTTY-User-Key-File-2: ssh-rsa", "is in PuTTY format"),
            (r#"{"kty":"RSA","n":"AQAB"}"#, "is a JSON Web Key"),
            ("/etc/acme/private.key", "looks like the path"),
            ("keys\\private.pem", "looks like the path"),
            (
                "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1",
                "is base64 of PEM, and damaged",
            ),
            ("-----BEGIN PRIVATE KEY-----", "is truncated"),
            (
                "-----BEGIN PRIVATE KEY-----\\n***\\n-----END PRIVATE KEY-----",
                "is damaged: it contains something",
            ),
            ("hello", "is not PEM"),
        ] {
            let Err(KeyProblem::Key(said)) = parse(text.as_bytes(), None) else {
                panic!("{text}");
            };
            assert!(said.starts_with(words), "{text}: {said}");
        }
    }
}
