//! RSA private keys out of the files that people have, and new ones.

mod armor;
pub mod pair;
mod passphrase;
mod place;

use crate::error::{Error, Result};
use crate::secret::{LONGEST_FILE, read_file};
use armor::{Block, Damage};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Decode;
use pkcs8::der::asn1::ObjectIdentifier;
use std::path::Path;
use zeroize::Zeroizing;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

const LEAST_BITS: usize = 2048;
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
enum Refusal {
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
    let text = armor::plain(pem);
    let is_key = |label: &str| label.ends_with("PRIVATE KEY");
    let block = match armor::find(&text, is_key) {
        Some(Ok(block)) => block,
        Some(Err(Damage::NoEnd)) => {
            return Err(Refusal::Key("is cut short: its END line is missing".into()));
        }
        Some(Err(Damage::NotBase64)) => {
            return Err(Refusal::Key(
                "is damaged: it is not base64 throughout".into(),
            ));
        }
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
            passphrase::open_legacy(dek_info, &block.der, wanted()?)?
        }
        ("ENCRYPTED PRIVATE KEY", _) => passphrase::open_pkcs8(&block.der, wanted()?)?,
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

fn what_it_is_instead(text: &[u8]) -> String {
    let is_there = |ending: &str| armor::labels(text).any(|label| label.ends_with(ending));
    let words = if is_there("PUBLIC KEY") {
        "is a public key; give the private key that belongs to it"
    } else if is_there("CERTIFICATE") {
        "is a certificate; give the private key that belongs to it"
    } else if is_there("CERTIFICATE REQUEST") {
        "is a certificate request; give the private key that belongs to it"
    } else if text.is_empty() {
        "is empty"
    } else if text.starts_with(&[0x30, 0x82]) {
        "is binary (DER or PKCS#12); `openssl pkey -inform DER` or `openssl pkcs12 -nocerts` turn it into PEM"
    } else {
        "is no PEM (-----BEGIN PRIVATE KEY-----, or the like)"
    };
    words.into()
}
