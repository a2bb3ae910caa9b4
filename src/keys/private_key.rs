//! RSA private keys out of the files that people have, and new ones.

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

pub(super) const LEAST_BITS: usize = 2048;
const MOST_BITS: usize = 8192;

/// An RSA private key in PKCS#1 DER, zeroed when dropped.
pub(crate) struct RsaPrivateKey(Zeroizing<Vec<u8>>);

/// How the caller calls what is read, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub key: &'a str,
    pub passphrase: &'a str,
}

/// Why a key is of no use: because of what, and the words.
#[derive(Debug)]
pub(super) enum Refusal {
    Key(String),
    Passphrase(String),
}

impl RsaPrivateKey {
    /// From PEM in any form that OpenSSL writes, old or new. A passphrase that is not needed is not looked at.
    pub(crate) fn from_pem(names: Names, pem: &[u8], passphrase: Option<&str>) -> Result<Self> {
        read(pem, passphrase).map_err(|refusal| match refusal {
            Refusal::Key(problem) => Error::invalid_argument(names.key, problem),
            Refusal::Passphrase(problem) => Error::invalid_argument(names.passphrase, problem),
        })
    }

    pub(crate) fn from_file(names: Names, path: &Path, passphrase: Option<&str>) -> Result<Self> {
        RsaPrivateKey::from_pem(names, &read_file(names.key, path)?, passphrase)
    }

    pub(crate) fn as_pkcs1(&self) -> &[u8] {
        &self.0
    }
}

fn read(pem: &[u8], passphrase: Option<&str>) -> std::result::Result<RsaPrivateKey, Refusal> {
    if pem.len() > LONGEST_FILE {
        return Err(Refusal::Key("is longer than 1 MiB".into()));
    }
    let text = unpacked(pem);
    let is_key = |label: &str| label.ends_with("PRIVATE KEY");
    let block = match pem::blocks(&text, is_key).next() {
        Some(Ok(block)) => block,
        Some(Err(damage)) => return Err(Refusal::Key(damage.description().into())),
        None => return Err(Refusal::Key(what_it_is_instead(&text))),
    };
    let wanted = || {
        passphrase.ok_or_else(|| {
            Refusal::Passphrase("is missing, and the private key is encrypted".into())
        })
    };
    let opened = match (block.label, block.header("DEK-Info")) {
        ("PRIVATE KEY" | "RSA PRIVATE KEY", None) => return usable(&block.der),
        ("PRIVATE KEY" | "RSA PRIVATE KEY", Some(dek_info)) => {
            super::passphrase::open_legacy(dek_info, &block.der, wanted()?)?
        }
        ("ENCRYPTED PRIVATE KEY", _) => super::passphrase::open_pkcs8(&block.der, wanted()?)?,
        _ => return Err(Refusal::Key(another_kind(&block))),
    };
    match form(&opened) {
        // One wrong passphrase in 256 leaves what looks like padding.
        None => Err(Refusal::Passphrase(
            "is wrong, or the key is damaged".into(),
        )),
        Some(_) => usable(&opened),
    }
}

/// What the bytes of a private key are by their structure.
enum Form<'a> {
    Pkcs1(RsaPrivateKeyRef<'a>, &'a [u8]),
    Other(ObjectIdentifier),
}

fn form(der: &[u8]) -> Option<Form<'_>> {
    let (info, pkcs1) = match PrivateKeyInfoRef::from_der(der) {
        Ok(info) => (Some(info.algorithm.oid), info.private_key.as_bytes()),
        Err(_) => (None, der),
    };
    match info {
        Some(kind) if kind != RSA => Some(Form::Other(kind)),
        _ => Some(Form::Pkcs1(RsaPrivateKeyRef::from_der(pkcs1).ok()?, pkcs1)),
    }
}

fn usable(der: &[u8]) -> std::result::Result<RsaPrivateKey, Refusal> {
    let problem = match form(der) {
        None => "is damaged: there is no RSA private key in it".into(),
        Some(Form::Other(kind)) => format!("is {} key; Adobe takes RSA", name_of(kind)),
        Some(Form::Pkcs1(key, pkcs1)) => match bits(key.modulus.as_bytes()) {
            LEAST_BITS..=MOST_BITS => return Ok(RsaPrivateKey(Zeroizing::new(pkcs1.to_vec()))),
            bits if bits < LEAST_BITS => {
                format!("is an RSA key of {bits} bits; at least {LEAST_BITS} are needed")
            }
            bits => format!("is an RSA key of {bits} bits; at most {MOST_BITS} are supported"),
        },
    };
    Err(Refusal::Key(problem))
}

fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |byte| byte.leading_zeros());
    number.len() * 8 - zeros as usize
}

/// With its article.
fn name_of(kind: ObjectIdentifier) -> &'static str {
    match kind.to_string().as_str() {
        "1.2.840.10045.2.1" => "an EC",
        "1.3.101.112" => "an Ed25519",
        "1.3.101.113" => "an Ed448",
        "1.2.840.10040.4.1" => "a DSA",
        "1.2.840.113549.1.1.10" => "an RSA-PSS",
        _ => "no RSA",
    }
}

fn another_kind(block: &Block) -> String {
    match block.label {
        "EC PRIVATE KEY" => "is an EC key; Adobe takes RSA".into(),
        "DSA PRIVATE KEY" => "is a DSA key; Adobe takes RSA".into(),
        "OPENSSH PRIVATE KEY" => {
            "is in the form of OpenSSH; `ssh-keygen -p -m PEM -f FILE` turns it into PEM".into()
        }
        _ => "is of a kind that is not known here; give an RSA private key in PEM".into(),
    }
}

/// The PEM text, out of the base64 that it is put into to fit on one line.
fn unpacked(pem: &[u8]) -> Zeroizing<Vec<u8>> {
    const BEGIN_IN_BASE64: &[u8] = b"LS0tLS1CRUdJTi";
    let text = pem::normalized(pem);
    let is_dress = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    let start = text.iter().take_while(|byte| is_dress(byte)).count();
    if !text[start..].starts_with(BEGIN_IN_BASE64) {
        return text;
    }
    let mut base64 = Zeroizing::new(Vec::with_capacity(text.len()));
    base64.extend(text.iter().filter(|byte| !is_dress(byte)));
    let mut inner = Zeroizing::new(vec![0; base64.len() / 4 * 3]);
    match Base64::decode(&*base64, &mut inner).map(<[u8]>::len) {
        Ok(length) => {
            inner.truncate(length);
            pem::normalized(&inner)
        }
        Err(_) => text,
    }
}

fn what_it_is_instead(text: &[u8]) -> String {
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
        "is binary (DER or PKCS#12); `openssl pkey -inform DER` or `openssl pkcs12 -nocerts` turn it into PEM"
    } else if bare.starts_with(b"LS0tLS1CRUdJTi") {
        "is base64 of PEM, and damaged or cut short"
    } else if has("BEGIN%20") || has("%0A-----END") || has("BEGIN+") {
        "is percent-encoded, as for an address; give it decoded"
    } else if has("PuTTY-User-Key-File") {
        "is in the form of PuTTY; `puttygen FILE -O private-openssh -o NEW` and `ssh-keygen -p -m PEM -f NEW` turn it \
         into PEM"
    } else if has("\"kty\"") {
        "is a JSON Web Key; give the key in PEM"
    } else if has("<RSAKeyValue>") {
        "is a key in XML; give the key in PEM"
    } else if bare.starts_with(b"MII") {
        "is base64 without its first and last line; put -----BEGIN PRIVATE KEY----- before it and -----END PRIVATE \
         KEY----- behind it, or the lines that the file had"
    } else if has("PRIVATE KEY") || has("PRIVATEKEY") {
        "has no whole BEGIN line, such as -----BEGIN PRIVATE KEY-----, with its blanks and five dashes on each side"
    } else if is_like_a_path(bare) {
        "looks like the path of a key; give what is in the file, or the path as private_key_path"
    } else {
        "is no PEM (-----BEGIN PRIVATE KEY-----, or the like)"
    };
    words.into()
}

fn is_like_a_path(text: &[u8]) -> bool {
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
    fn what_is_no_pem_is_told_truly() {
        for (text, words) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "is base64 without"),
            (
                "-----BEGIN%20PRIVATE%20KEY-----%0AMIIE",
                "is percent-encoded",
            ),
            ("-----BEGIN+PRIVATE+KEY-----", "is percent-encoded"),
            ("----BEGIN PRIVATE KEY----\nMIIE", "has no whole BEGIN line"),
            ("-----BEGINPRIVATEKEY-----MIIE", "has no whole BEGIN line"),
            ("PRIVATE KEY-----\nMIIE", "has no whole BEGIN line"),
            ("PuTTY-User-Key-File-2: ssh-rsa", "is in the form of PuTTY"),
            (r#"{"kty":"RSA","n":"AQAB"}"#, "is a JSON Web Key"),
            ("/etc/acme/private.key", "looks like the path"),
            ("keys\\private.pem", "looks like the path"),
            (
                "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1",
                "is base64 of PEM, and damaged",
            ),
            ("-----BEGIN PRIVATE KEY-----", "is cut short"),
            (
                "-----BEGIN PRIVATE KEY-----\\n***\\n-----END PRIVATE KEY-----",
                "is damaged: it is not base64",
            ),
            ("hello", "is no PEM"),
        ] {
            let Err(Refusal::Key(said)) = read(text.as_bytes(), None) else {
                panic!("{text}");
            };
            assert!(said.starts_with(words), "{text}: {said}");
        }
    }
}
