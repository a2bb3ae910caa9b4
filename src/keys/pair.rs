//! A key pair for the Adobe Developer Console: an RSA private key, and the self-signed certificate to upload there.

use super::private_key::LEAST_BITS;
use super::save;
use crate::error::{Error, ErrorKind, Result};
use crate::pem;
use crate::secret::Secret;
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, IsCa, KeyPair as Generated,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use zeroize::Zeroize;

const EMAIL_ADDRESS: [u64; 7] = [1, 2, 840, 113549, 1, 9, 1];

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Where the calendar of certificates ends: 9999-12-31 23:59:59 UTC.
const END_OF_TIME: i64 = 253_402_300_799;

/// What a certificate says of its owner, how long it is good, and how long the key is.
#[derive(Clone, Debug)]
pub struct KeyPairOptions {
    subject: [Option<String>; PARTS.len()],
    bits: u32,
    not_after: Option<i64>,
}

/// A part of a certificate's subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectPart {
    /// ISO 3166-1, two letters.
    Country,
    State,
    Locality,
    Organization,
    CommonName,
    Email,
}

/// In the order in which they are written, with their names and the most characters that X.509 gives them.
const PARTS: [(SubjectPart, &str, usize); 6] = [
    (SubjectPart::Country, "country", 2),
    (SubjectPart::State, "state", 128),
    (SubjectPart::Locality, "locality", 128),
    (SubjectPart::Organization, "organization", 64),
    (SubjectPart::CommonName, "common_name", 64),
    (SubjectPart::Email, "email", 128),
];

impl Default for KeyPairOptions {
    fn default() -> Self {
        KeyPairOptions {
            subject: Default::default(),
            bits: LEAST_BITS as u32,
            not_after: None,
        }
    }
}

impl KeyPairOptions {
    pub fn set_subject(&mut self, part: SubjectPart, text: &str) -> Result<()> {
        let (_, name, longest) = PARTS[part as usize];
        let length = text.chars().count();
        let refuse = |problem: String| Err(Error::invalid_argument(name, problem));
        match part {
            SubjectPart::Country
                if length != 2 || !text.bytes().all(|b| b.is_ascii_uppercase()) =>
            {
                return refuse("must be two capital letters of ISO 3166-1, such as DE".into());
            }
            SubjectPart::Email if !text.is_ascii() => {
                return refuse("must be ASCII".into());
            }
            _ => {}
        }
        if text.trim().is_empty() {
            return refuse("must not be empty".into());
        }
        if length > longest {
            return refuse(format!("is longer than {longest} characters"));
        }
        if text.chars().any(char::is_control) {
            return refuse("holds a control character".into());
        }
        self.subject[part as usize] = Some(text.to_owned());
        Ok(())
    }

    /// 2048, 3072 or 4096.
    pub fn set_bits(&mut self, bits: u32) -> Result<()> {
        size_of(bits)?;
        self.bits = bits;
        Ok(())
    }

    /// When the certificate ends, in seconds since 1970, UTC. The default is ten years from now.
    pub fn set_not_after(&mut self, unix_seconds: i64) -> Result<()> {
        let now = seconds_since_1970(SystemTime::now());
        if unix_seconds <= now || unix_seconds > END_OF_TIME {
            return Err(Error::invalid_argument(
                "not_after",
                format_args!(
                    "is {unix_seconds}; give seconds since 1970 in the future, up to {END_OF_TIME} (the end of 9999)"
                ),
            ));
        }
        self.not_after = Some(unix_seconds);
        Ok(())
    }

    fn certificate(&self) -> Result<CertificateParams> {
        let now = SystemTime::now();
        let not_after = match self.not_after {
            Some(seconds) => instant(seconds),
            None => ten_years_after(instant(seconds_since_1970(now))),
        };
        let mut certificate = CertificateParams::default();
        // A clock that runs a little behind takes it too.
        certificate.not_before = instant(seconds_since_1970(now - DAY));
        certificate.not_after = not_after;
        certificate.distinguished_name = self.distinguished_name()?;
        certificate.is_ca = IsCa::ExplicitNoCa;
        certificate.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        Ok(certificate)
    }

    fn distinguished_name(&self) -> Result<DistinguishedName> {
        let mut name = DistinguishedName::new();
        for ((part, argument, _), text) in PARTS.iter().zip(&self.subject) {
            let Some(text) = text else { continue };
            let refuse = |_| Error::invalid_argument(argument, "cannot be put into a certificate");
            let (kind, value) = match part {
                SubjectPart::Country => (
                    DnType::CountryName,
                    DnValue::PrintableString(
                        PrintableString::try_from(text.as_str()).map_err(refuse)?,
                    ),
                ),
                SubjectPart::Email => (
                    DnType::from_oid(&EMAIL_ADDRESS),
                    DnValue::Ia5String(Ia5String::try_from(text.as_str()).map_err(refuse)?),
                ),
                SubjectPart::State => (DnType::StateOrProvinceName, text.as_str().into()),
                SubjectPart::Locality => (DnType::LocalityName, text.as_str().into()),
                SubjectPart::Organization => (DnType::OrganizationName, text.as_str().into()),
                SubjectPart::CommonName => (DnType::CommonName, text.as_str().into()),
            };
            name.push(kind, value);
        }
        Ok(name)
    }
}

fn size_of(bits: u32) -> Result<RsaKeySize> {
    match bits {
        2048 => Ok(RsaKeySize::_2048),
        3072 => Ok(RsaKeySize::_3072),
        4096 => Ok(RsaKeySize::_4096),
        _ => Err(Error::invalid_argument(
            "bits",
            format_args!("is {bits}; give 2048, 3072 or 4096"),
        )),
    }
}

fn seconds_since_1970(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn instant(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds.min(END_OF_TIME))
        .expect("it is before the end of the calendar")
}

fn ten_years_after(start: OffsetDateTime) -> OffsetDateTime {
    let year = start.year() + 10;
    // The 29th of February ends on the 28th.
    let end = start
        .replace_year(year)
        .or_else(|_| start.replace_day(28).and_then(|day| day.replace_year(year)));
    end.unwrap_or_else(|_| instant(END_OF_TIME))
}

/// An RSA private key and its self-signed certificate, both in PEM.
#[derive(Clone, Debug)]
pub struct KeyPair {
    private_key: Secret,
    certificate: String,
}

impl KeyPair {
    /// Makes both. `common_name` is the name that the certificate is known by.
    pub fn generate(common_name: &str, mut options: KeyPairOptions) -> Result<Self> {
        options.set_subject(SubjectPart::CommonName, common_name)?;
        let certificate = options.certificate()?;
        let failed = |error: rcgen::Error| {
            Error::new(
                ErrorKind::Internal,
                format!("the key pair could not be made: {error}"),
            )
        };
        let mut key = Generated::generate_rsa_for(&PKCS_RSA_SHA256, size_of(options.bits)?)
            .map_err(failed)?;
        let certificate = certificate.self_signed(&key).map_err(failed);
        let mut private_key = pem::encode("PRIVATE KEY", key.serialized_der());
        key.zeroize();
        Ok(KeyPair {
            private_key: Secret::new(std::mem::take(&mut *private_key)),
            certificate: std::mem::take(&mut *pem::encode("CERTIFICATE", certificate?.der())),
        })
    }

    /// PKCS#8, not encrypted.
    pub fn private_key_pem(&self) -> &Secret {
        &self.private_key
    }

    /// X.509, version 3: what to upload to the Developer Console.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// Writes both files, or neither: the key readable by its owner alone. A file that is there already stays, and is
    /// an error, unless it is to be replaced.
    pub fn save(
        &self,
        private_key_path: &Path,
        certificate_path: &Path,
        replace: bool,
    ) -> Result<()> {
        save::write_both(
            [
                (
                    "private_key_path",
                    private_key_path,
                    self.private_key.reveal(),
                    save::OWNER_ALONE,
                ),
                (
                    "certificate_path",
                    certificate_path,
                    &self.certificate,
                    save::EVERYONE,
                ),
            ],
            replace,
        )
    }
}
