//! A key pair for the Adobe Developer Console: an RSA private key, and the self-signed certificate to upload there.

use super::private_key::MIN_BITS;
use super::save::{NewFile, OWNER_ONLY, WORLD_READABLE, write_both};
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

/// The last second that a certificate can name (RFC 5280): 9999-12-31 23:59:59 UTC.
const LAST_SECOND: i64 = 253_402_300_799;

/// The subject and the validity of the certificate of a [`KeyPair`], and the length of its key.
///
/// By default the subject has no part but the common name given to [`KeyPair::generate`], the key has 2048 bits, and
/// the certificate is valid for ten years.
#[derive(Clone, Debug)]
pub struct KeyPairOptions {
    subject: [Option<String>; PARTS.len()],
    bits: u32,
    not_after: Option<i64>,
}

/// An attribute of a certificate's subject. The lengths are the upper bounds of RFC 5280, appendix A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectPart {
    /// `C`: two capital letters of ISO 3166-1.
    Country,
    /// `ST`: at most 128 characters.
    State,
    /// `L`: at most 128 characters.
    Locality,
    /// `O`: at most 64 characters.
    Organization,
    /// `CN`: at most 64 characters.
    CommonName,
    /// `emailAddress`: at most 128 ASCII characters.
    Email,
}

/// The parts in the order of the written subject, each with its argument name and its greatest length in characters.
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
            bits: MIN_BITS as u32,
            not_after: None,
        }
    }
}

impl KeyPairOptions {
    /// Sets one part of the subject; a part set again is replaced. An empty text, a text that is too long, one with a
    /// control character, a country that is not two capital letters or an email beyond ASCII is an
    /// [`ErrorKind::InvalidArgument`].
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
            return refuse("contains a control character".into());
        }
        self.subject[part as usize] = Some(text.to_owned());
        Ok(())
    }

    /// Sets the length of the RSA key: 2048 (the default), 3072 or 4096 bits. Any other number is an
    /// [`ErrorKind::InvalidArgument`].
    pub fn set_bits(&mut self, bits: u32) -> Result<()> {
        rsa_key_size(bits)?;
        self.bits = bits;
        Ok(())
    }

    /// Sets the end of the certificate's validity, in seconds since 1970-01-01 00:00 UTC; by default ten years from
    /// now. A time that is not in the future, or beyond the year 9999, is an [`ErrorKind::InvalidArgument`].
    pub fn set_not_after(&mut self, unix_seconds: i64) -> Result<()> {
        let now = unix_seconds_of(SystemTime::now());
        if unix_seconds <= now || unix_seconds > LAST_SECOND {
            return Err(Error::invalid_argument(
                "not_after",
                format_args!(
                    "is {unix_seconds}; give seconds since 1970 in the future, up to {LAST_SECOND} (the end of 9999)"
                ),
            ));
        }
        self.not_after = Some(unix_seconds);
        Ok(())
    }

    fn certificate_params(&self) -> Result<CertificateParams> {
        let now = SystemTime::now();
        let not_after = match self.not_after {
            Some(seconds) => utc_time(seconds),
            None => ten_years_after(utc_time(unix_seconds_of(now))),
        };
        let mut certificate = CertificateParams::default();
        // A verifier whose clock runs a little behind accepts the certificate too.
        certificate.not_before = utc_time(unix_seconds_of(now - DAY));
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
            let refuse =
                |_| Error::invalid_argument(argument, "cannot be encoded in a certificate");
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

fn rsa_key_size(bits: u32) -> Result<RsaKeySize> {
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

fn unix_seconds_of(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn utc_time(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds.min(LAST_SECOND))
        .expect("the time is in the calendar of certificates")
}

fn ten_years_after(start: OffsetDateTime) -> OffsetDateTime {
    let year = start.year() + 10;
    // From 29 February the certificate is valid until 28 February.
    let end = start
        .replace_year(year)
        .or_else(|_| start.replace_day(28).and_then(|day| day.replace_year(year)));
    end.unwrap_or_else(|_| utc_time(LAST_SECOND))
}

/// An RSA private key and its self-signed certificate, both in PEM.
#[derive(Clone, Debug)]
pub struct KeyPair {
    private_key: Secret,
    certificate: String,
}

impl KeyPair {
    /// Generates a new RSA key and a certificate signed with it. `common_name` is the certificate's common name; it
    /// replaces one set in `options`.
    ///
    /// A common name that [`KeyPairOptions::set_subject`] refuses is an [`ErrorKind::InvalidArgument`]; a failure of
    /// the key generator is an [`ErrorKind::Internal`]. Generating takes up to seconds of processor time.
    pub fn generate(common_name: &str, mut options: KeyPairOptions) -> Result<Self> {
        options.set_subject(SubjectPart::CommonName, common_name)?;
        let certificate = options.certificate_params()?;
        let failed = |error: rcgen::Error| {
            Error::new(
                ErrorKind::Internal,
                format!("the key pair could not be generated: {error}"),
            )
        };
        let mut key = Generated::generate_rsa_for(&PKCS_RSA_SHA256, rsa_key_size(options.bits)?)
            .map_err(failed)?;
        let certificate = certificate.self_signed(&key).map_err(failed);
        let mut private_key = pem::encode("PRIVATE KEY", key.serialized_der());
        key.zeroize();
        Ok(KeyPair {
            private_key: Secret::new(std::mem::take(&mut *private_key)),
            certificate: std::mem::take(&mut *pem::encode("CERTIFICATE", certificate?.der())),
        })
    }

    /// The private key as PEM: PKCS#8, not encrypted.
    pub fn private_key_pem(&self) -> &Secret {
        &self.private_key
    }

    /// The certificate as PEM: X.509 version 3, to be uploaded to the Adobe Developer Console.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// Writes both files, or neither. Only its owner can read the key file (mode 0600); the certificate has mode 0644
    /// less the umask.
    ///
    /// An existing file is an [`ErrorKind::InvalidArgument`] and stays as it is, unless `replace` is true. A file that
    /// cannot be written, or two paths of one file, are an [`ErrorKind::InvalidArgument`] as well, and both paths are
    /// as they were before. A shortage of the operating system is an [`ErrorKind::Internal`].
    pub fn save(
        &self,
        private_key_path: &Path,
        certificate_path: &Path,
        replace: bool,
    ) -> Result<()> {
        write_both(
            [
                NewFile {
                    argument: "private_key_path",
                    path: private_key_path,
                    content: self.private_key.reveal(),
                    mode: OWNER_ONLY,
                },
                NewFile {
                    argument: "certificate_path",
                    path: certificate_path,
                    content: &self.certificate,
                    mode: WORLD_READABLE,
                },
            ],
            replace,
        )
    }
}
