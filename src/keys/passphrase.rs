//! Opens what a passphrase closes, in the three ways of OpenSSL's history: PKCS#8 with PBES2, PKCS#8 with the older
//! PBES1 and its kin from PKCS#12, and PEM headers.

use super::private_key::Refusal;
use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit};
use des::{Des, TdesEde2, TdesEde3};
use md5::Md5;
use pkcs5::der::asn1::{ObjectIdentifier, OctetStringRef};
use pkcs5::der::{self, AnyRef, Decode, Reader, SliceReader};
use pkcs5::pbes2::{Kdf, PBES2_OID, Parameters};
use pkcs5::{AlgorithmIdentifierRef, Error};
use rc2::Rc2;
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

/// Ten times what is asked for where care is taken, and seconds of work; a key file that asks for more is an attack or a
/// mistake.
const MOST_ITERATIONS: u32 = if cfg!(fuzzing) { 2_048 } else { 10_000_000 };

/// Of scrypt, which takes memory: 128 bytes for each. OpenSSL's own choice comes to 16 MiB.
const MOST_SCRYPT_BLOCKS: u64 = if cfg!(fuzzing) { 1 << 10 } else { 1 << 20 };
const MOST_SCRYPT_LANES: u16 = 16;

const NOT_UNDERSTOOD: &str = "is encrypted in a way that is not supported; \
    `openssl pkcs8 -topk8` writes one that is";

fn wrong() -> Refusal {
    Refusal::Passphrase("is wrong, or the key is damaged".into())
}

fn not_understood() -> Refusal {
    Refusal::Key(NOT_UNDERSTOOD.into())
}

/// What is in an `ENCRYPTED PRIVATE KEY`.
pub(super) fn open_pkcs8(der: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let (algorithm, sealed) = encrypted_parts(der).map_err(|_| not_well_formed())?;
    let mut opened = Zeroizing::new(sealed.to_vec());
    let length = match algorithm.oid {
        PBES2_OID => open_pbes2(algorithm.parameters, &mut opened, passphrase)?,
        oid => open_pbes1(oid, algorithm.parameters, &mut opened, passphrase)?,
    };
    opened.truncate(length);
    Ok(opened)
}

fn not_well_formed() -> Refusal {
    Refusal::Key("is no well-formed encrypted key".into())
}

fn encrypted_parts(der: &[u8]) -> der::Result<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(der)?;
    let parts = reader.sequence(|reader: &mut SliceReader<'_>| -> der::Result<_> {
        let algorithm = AlgorithmIdentifierRef::decode(reader)?;
        let sealed = <&OctetStringRef>::decode(reader)?;
        Ok((algorithm, sealed.as_bytes()))
    })?;
    reader.finish()?;
    Ok(parts)
}

/// Each way of opening leaves what it opens at the start of the buffer, and tells its length.
fn open_pbes2(
    parameters: Option<AnyRef<'_>>,
    buffer: &mut [u8],
    passphrase: &str,
) -> Result<usize, Refusal> {
    let parameters = parameters.ok_or_else(not_well_formed)?;
    let parameters = Parameters::try_from(parameters).map_err(|_| not_understood())?;
    bound_work(&parameters.kdf)?;
    let opened = parameters.decrypt_in_place(passphrase, buffer);
    opened.map(<[u8]>::len).map_err(|error| match error {
        Error::DecryptFailed => wrong(),
        _ => not_understood(),
    })
}

fn bound_work(kdf: &Kdf) -> Result<(), Refusal> {
    match kdf {
        Kdf::Pbkdf2(parameters) => bound_iterations(parameters.iteration_count),
        Kdf::Scrypt(parameters) => {
            let blocks = parameters
                .cost_parameter
                .saturating_mul(u64::from(parameters.block_size));
            match blocks > MOST_SCRYPT_BLOCKS || parameters.parallelization > MOST_SCRYPT_LANES {
                true => Err(Refusal::Key(
                    "asks for more scrypt work than a key file may".into(),
                )),
                false => Ok(()),
            }
        }
        _ => Err(not_understood()),
    }
}

fn bound_iterations(count: u32) -> Result<(), Refusal> {
    match count {
        0 => Err(not_well_formed()),
        1..=MOST_ITERATIONS => Ok(()),
        _ => Err(Refusal::Key(format!(
            "asks for {count} iterations to open it; at most {MOST_ITERATIONS} are done"
        ))),
    }
}

/// How a key and an initialisation vector come from the passphrase, and what they are for.
struct Pbes1 {
    derivation: Derivation,
    cipher: Cipher,
}

#[derive(Clone, Copy)]
enum Derivation {
    /// PKCS#5's first.
    Md5,
    Sha1,
    /// PKCS#12's, with SHA-1.
    Pkcs12,
}

#[derive(Clone, Copy)]
enum Cipher {
    Des,
    TwoKeyTripleDes,
    TripleDes,
    Rc2 { key_bits: usize },
    Aes128,
    Aes192,
    Aes256,
}

fn pbes1_of(oid: ObjectIdentifier) -> Option<Pbes1> {
    const PKCS5: &str = "1.2.840.113549.1.5.";
    const PKCS12: &str = "1.2.840.113549.1.12.1.";
    let oid = oid.to_string();
    let (derivation, cipher) = if let Some(number) = oid.strip_prefix(PKCS5) {
        match number {
            "3" => (Derivation::Md5, Cipher::Des),
            "6" => (Derivation::Md5, Cipher::Rc2 { key_bits: 64 }),
            "10" => (Derivation::Sha1, Cipher::Des),
            "11" => (Derivation::Sha1, Cipher::Rc2 { key_bits: 64 }),
            _ => return None,
        }
    } else {
        let cipher = match oid.strip_prefix(PKCS12)? {
            "3" => Cipher::TripleDes,
            "4" => Cipher::TwoKeyTripleDes,
            "5" => Cipher::Rc2 { key_bits: 128 },
            "6" => Cipher::Rc2 { key_bits: 40 },
            _ => return None,
        };
        (Derivation::Pkcs12, cipher)
    };
    Some(Pbes1 { derivation, cipher })
}

fn open_pbes1(
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    buffer: &mut [u8],
    passphrase: &str,
) -> Result<usize, Refusal> {
    let Pbes1 { derivation, cipher } = pbes1_of(oid).ok_or_else(not_understood)?;
    let parameters = parameters.ok_or_else(not_well_formed)?;
    let (salt, iterations) = salt_and_iterations(parameters).map_err(|_| not_well_formed())?;
    bound_iterations(iterations)?;
    let (key, iv) = match derivation {
        Derivation::Md5 => pbkdf1::<Md5>(passphrase, salt, iterations),
        Derivation::Sha1 => pbkdf1::<Sha1>(passphrase, salt, iterations),
        Derivation::Pkcs12 => (
            pkcs12(passphrase, salt, iterations, 1, cipher.key_length()),
            pkcs12(passphrase, salt, iterations, 2, 8),
        ),
    };
    cipher.open(&key, &iv, buffer).ok_or_else(wrong)
}

fn salt_and_iterations(parameters: AnyRef<'_>) -> der::Result<(&[u8], u32)> {
    parameters.sequence(|reader| {
        let salt = <&OctetStringRef>::decode(reader)?;
        Ok((salt.as_bytes(), u32::decode(reader)?))
    })
}

type Bytes = Zeroizing<Vec<u8>>;

/// The key and the initialisation vector, of eight bytes each.
fn pbkdf1<D: Digest>(passphrase: &str, salt: &[u8], iterations: u32) -> (Bytes, Bytes) {
    let first = D::new().chain_update(passphrase).chain_update(salt);
    let mut derived = Zeroizing::new(first.finalize().to_vec());
    for _ in 1..iterations {
        let next = D::digest(&*derived);
        derived.copy_from_slice(&next);
    }
    let eight_from = |start: usize| Zeroizing::new(derived[start..start + 8].to_vec());
    (eight_from(0), eight_from(8))
}

/// RFC 7292, appendix B.2, with SHA-1.
fn pkcs12(passphrase: &str, salt: &[u8], iterations: u32, purpose: u8, length: usize) -> Bytes {
    const BLOCK: usize = 64;
    let units = passphrase.encode_utf16().chain([0]);
    let mut wide = Zeroizing::new(Vec::with_capacity(2 * passphrase.len() + 2));
    wide.extend(units.flat_map(u16::to_be_bytes));
    let whole_blocks = |bytes: &[u8]| bytes.len().div_ceil(BLOCK) * BLOCK;
    let (salts, passphrases) = (whole_blocks(salt), whole_blocks(&wide));
    let mut input = Zeroizing::new(Vec::with_capacity(salts + passphrases));
    input.extend(salt.iter().cycle().take(salts));
    input.extend(wide.iter().cycle().take(passphrases));

    let mut derived = Zeroizing::new(Vec::with_capacity(length + BLOCK));
    while derived.len() < length {
        let first = Sha1::new()
            .chain_update([purpose; BLOCK])
            .chain_update(&*input);
        let mut hash = first.finalize();
        for _ in 1..iterations {
            hash = Sha1::digest(hash);
        }
        derived.extend_from_slice(&hash);
        for block in input.chunks_exact_mut(BLOCK) {
            add_plus_one(block, &hash);
        }
    }
    derived.truncate(length);
    derived
}

/// `block += repeated + 1`, as numbers with the highest byte first, without what overflows.
fn add_plus_one(block: &mut [u8], repeated: &[u8]) {
    let mut carry = 1;
    for (place, byte) in block.iter_mut().enumerate().rev() {
        let sum = u16::from(*byte) + u16::from(repeated[place % repeated.len()]) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

/// What is under a `DEK-Info` header, as OpenSSL wrote keys up to version 1.0 and other tools do still.
pub(super) fn open_legacy(
    dek_info: &str,
    sealed: &[u8],
    passphrase: &str,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let unclear = || Refusal::Key("has a DEK-Info header that is not understood".into());
    let (name, iv) = dek_info.split_once(',').ok_or_else(unclear)?;
    let cipher = match name.trim() {
        "AES-128-CBC" => Cipher::Aes128,
        "AES-192-CBC" => Cipher::Aes192,
        "AES-256-CBC" => Cipher::Aes256,
        "DES-EDE3-CBC" => Cipher::TripleDes,
        "DES-CBC" => Cipher::Des,
        _ => return Err(not_understood()),
    };
    let iv = hex(iv.trim()).ok_or_else(unclear)?;
    if iv.len() != cipher.block_length() {
        return Err(unclear());
    }
    let key = md5_chain(passphrase, &iv[..8], cipher.key_length());
    let mut opened = Zeroizing::new(sealed.to_vec());
    let length = cipher.open(&key, &iv, &mut opened).ok_or_else(wrong)?;
    opened.truncate(length);
    Ok(opened)
}

/// OpenSSL's own derivation, `EVP_BytesToKey` with MD5 and one round.
fn md5_chain(passphrase: &str, salt: &[u8], length: usize) -> Bytes {
    let mut key = Zeroizing::new(Vec::with_capacity(length + 16));
    let mut last = Zeroizing::new(Vec::new());
    while key.len() < length {
        let next = Md5::new()
            .chain_update(&*last)
            .chain_update(passphrase)
            .chain_update(salt);
        last = Zeroizing::new(next.finalize().to_vec());
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    let pairs = digits.chunks_exact(2);
    Some(pairs.map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

impl Cipher {
    fn key_length(self) -> usize {
        match self {
            Cipher::Des => 8,
            Cipher::TwoKeyTripleDes | Cipher::Aes128 => 16,
            Cipher::TripleDes | Cipher::Aes192 => 24,
            Cipher::Aes256 => 32,
            Cipher::Rc2 { key_bits } => key_bits / 8,
        }
    }

    fn block_length(self) -> usize {
        match self {
            Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => 16,
            _ => 8,
        }
    }

    /// Decrypts in place. `None`: the padding is wrong, and so is the key.
    fn open(self, key: &[u8], iv: &[u8], buffer: &mut [u8]) -> Option<usize> {
        match self {
            Cipher::Des => cbc(Des::new_from_slice(key).ok()?, iv, buffer),
            Cipher::TwoKeyTripleDes => cbc(TdesEde2::new_from_slice(key).ok()?, iv, buffer),
            Cipher::TripleDes => cbc(TdesEde3::new_from_slice(key).ok()?, iv, buffer),
            Cipher::Rc2 { key_bits } => cbc(Rc2::new_with_eff_key_len(key, key_bits), iv, buffer),
            Cipher::Aes128 => cbc(Aes128::new_from_slice(key).ok()?, iv, buffer),
            Cipher::Aes192 => cbc(Aes192::new_from_slice(key).ok()?, iv, buffer),
            Cipher::Aes256 => cbc(Aes256::new_from_slice(key).ok()?, iv, buffer),
        }
    }
}

fn cbc<C: BlockCipherDecrypt>(cipher: C, iv: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let mode = Decryptor::inner_iv_slice_init(cipher, iv).ok()?;
    let opened = mode.decrypt_padded::<Pkcs7>(buffer).ok()?;
    Some(opened.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkcs5::EncryptionScheme;
    use pkcs5::der::Encode;
    use pkcs5::der::asn1::OctetString;
    use pkcs5::scrypt;
    use std::time::Instant;

    fn tagged(tag: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        let length = u8::try_from(content.len()).expect("it is short");
        match length {
            ..0x80 => [&[tag, length], &*content].concat(),
            _ => [&[tag, 0x81, length], &*content].concat(),
        }
    }

    fn sealed(algorithm: &[u8]) -> Vec<u8> {
        let sealed = OctetString::new([7; 16]).unwrap().to_der().unwrap();
        tagged(0x30, &[algorithm, &sealed])
    }

    fn of_pbes2(parameters: pkcs5::Result<Parameters>) -> Vec<u8> {
        let scheme = EncryptionScheme::from(parameters.expect("they are well formed"));
        sealed(&scheme.to_der().unwrap())
    }

    fn of_pkcs12(iterations: &[u8]) -> Vec<u8> {
        let oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
        let salt = OctetString::new([1; 8]).unwrap().to_der().unwrap();
        let count = [&[0x02, iterations.len() as u8], iterations].concat();
        let parameters = [&[0x30, (salt.len() + count.len()) as u8], &*salt, &count].concat();
        let content = [oid.to_der().unwrap(), parameters].concat();
        sealed(&[&[0x30, content.len() as u8], &*content].concat())
    }

    #[test]
    fn a_key_cannot_keep_the_program_busy() {
        let (salt, iv) = ([1; 8], [2; 16]);
        let begun = Instant::now();
        let scrypt = |log_n, r, p| {
            let parameters = scrypt::Params::new(log_n, r, p).expect("scrypt knows them");
            of_pbes2(Parameters::generate_scrypt_aes256cbc(parameters, &salt, iv))
        };
        for der in [
            of_pbes2(Parameters::generate_pbkdf2_sha256_aes256cbc(
                MOST_ITERATIONS + 1,
                &salt,
                iv,
            )),
            scrypt(21, 8, 1),
            scrypt(14, 256, 1),
            scrypt(14, 8, 17),
            of_pkcs12(&[0x7F, 0xFF, 0xFF, 0xFF]),
            of_pkcs12(&[0x00, 0xFF, 0xFF, 0xFF, 0xFF]),
        ] {
            match open_pkcs8(&der, "correct horse") {
                Err(Refusal::Key(words)) => assert!(words.starts_with("asks for "), "{words}"),
                other => panic!("{:?}", other.map(|_| "opened")),
            }
        }
        for der in [of_pkcs12(&[0]), of_pkcs12(&[0xFF])] {
            assert!(matches!(open_pkcs8(&der, ""), Err(Refusal::Key(_))));
        }
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }

    #[test]
    fn what_is_asked_for_in_measure_is_done() {
        assert!(matches!(
            open_pkcs8(&of_pkcs12(&[9]), "correct horse"),
            Err(Refusal::Passphrase(_))
        ));
    }

    /// The example of RFC 7292's derivation that other implementations test with.
    #[test]
    fn the_derivation_of_pkcs12() {
        let salt = hex("0A58CF64530D823F").unwrap();
        let key = pkcs12("smeg", &salt, 1, 1, 24);
        let expected = "8AAAE6297B6CB04642AB5B077851284EB7128F1A2A7FBCA3";
        assert_eq!(Some(key.to_vec()), hex(expected));
        let iv = pkcs12("smeg", &salt, 1, 2, 8);
        assert_eq!(Some(iv.to_vec()), hex("79993DFE048D3B76"));
    }

    #[test]
    fn headers_that_make_no_sense() {
        for bad in [
            "",
            "AES-256-CBC",
            "AES-256-CBC,",
            "AES-256-CBC,00",
            "AES-256-CBC,zz",
            "DES-EDE3-CBC,00112233445566778",
            "ROT13,0011223344556677",
        ] {
            let refused = open_legacy(bad, &[0; 16], "x");
            assert!(matches!(refused, Err(Refusal::Key(_))), "{bad}");
        }
    }
}
