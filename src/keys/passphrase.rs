//! Decryption of private keys with a passphrase, in the three formats of OpenSSL's history: PKCS#8 with PBES2, PKCS#8
//! with the older PBES1 and the related schemes of PKCS#12, and PEM headers.

use super::problem::KeyProblem;
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

/// Ten times the count that careful tools use, and seconds of work; a key file that asks for more is an attack or a
/// mistake.
const MAX_ITERATIONS: u32 = if cfg!(fuzzing) { 2_048 } else { 10_000_000 };

/// The greatest product of scrypt's cost and block size. Each block takes 128 bytes of memory; OpenSSL's own choice
/// comes to 16 MiB.
const MAX_SCRYPT_BLOCKS: u64 = if cfg!(fuzzing) { 1 << 10 } else { 1 << 20 };
const MAX_SCRYPT_PARALLELISM: u16 = 16;

const UNSUPPORTED: &str = "is encrypted with an algorithm that is not supported; \
    `openssl pkcs8 -topk8` encrypts it with one that is";

fn wrong_passphrase() -> KeyProblem {
    KeyProblem::Passphrase("is wrong, or the key is damaged".into())
}

fn unsupported() -> KeyProblem {
    KeyProblem::Key(UNSUPPORTED.into())
}

/// Decrypts an `ENCRYPTED PRIVATE KEY`. The result is the DER of a PKCS#8 private key, if the passphrase is right.
pub(super) fn decrypt_pkcs8(
    der: &[u8],
    passphrase: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    let (algorithm, ciphertext) = parse_encrypted_key(der).map_err(|_| malformed())?;
    let mut decrypted = Zeroizing::new(ciphertext.to_vec());
    let length = match algorithm.oid {
        PBES2_OID => decrypt_pbes2(algorithm.parameters, &mut decrypted, passphrase)?,
        oid => decrypt_pbes1(oid, algorithm.parameters, &mut decrypted, passphrase)?,
    };
    decrypted.truncate(length);
    Ok(decrypted)
}

fn malformed() -> KeyProblem {
    KeyProblem::Key("is not a well-formed encrypted key".into())
}

fn parse_encrypted_key(der: &[u8]) -> der::Result<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(der)?;
    let parts = reader.sequence(|reader: &mut SliceReader<'_>| -> der::Result<_> {
        let algorithm = AlgorithmIdentifierRef::decode(reader)?;
        let ciphertext = <&OctetStringRef>::decode(reader)?;
        Ok((algorithm, ciphertext.as_bytes()))
    })?;
    reader.finish()?;
    Ok(parts)
}

/// Each decryption leaves the plaintext at the start of the buffer, and returns its length.
fn decrypt_pbes2(
    parameters: Option<AnyRef<'_>>,
    buffer: &mut [u8],
    passphrase: &str,
) -> Result<usize, KeyProblem> {
    let parameters = parameters.ok_or_else(malformed)?;
    let parameters = Parameters::try_from(parameters).map_err(|_| unsupported())?;
    limit_kdf_work(&parameters.kdf)?;
    let decrypted = parameters.decrypt_in_place(passphrase, buffer);
    decrypted.map(<[u8]>::len).map_err(|error| match error {
        Error::DecryptFailed => wrong_passphrase(),
        _ => unsupported(),
    })
}

fn limit_kdf_work(kdf: &Kdf) -> Result<(), KeyProblem> {
    match kdf {
        Kdf::Pbkdf2(parameters) => limit_iterations(parameters.iteration_count),
        Kdf::Scrypt(parameters) => {
            let blocks = parameters
                .cost_parameter
                .saturating_mul(u64::from(parameters.block_size));
            match blocks > MAX_SCRYPT_BLOCKS || parameters.parallelization > MAX_SCRYPT_PARALLELISM
            {
                true => Err(KeyProblem::Key(
                    "asks for more scrypt work than is allowed".into(),
                )),
                false => Ok(()),
            }
        }
        _ => Err(unsupported()),
    }
}

fn limit_iterations(count: u32) -> Result<(), KeyProblem> {
    match count {
        0 => Err(malformed()),
        1..=MAX_ITERATIONS => Ok(()),
        _ => Err(KeyProblem::Key(format!(
            "asks for {count} iterations of key derivation; at most {MAX_ITERATIONS} are allowed"
        ))),
    }
}

/// The derivation of key and initialisation vector from the passphrase, and the cipher that takes them.
struct Pbes1 {
    derivation: Derivation,
    cipher: Cipher,
}

#[derive(Clone, Copy)]
enum Derivation {
    /// PBKDF1 of PKCS#5, with MD5.
    Md5,
    /// PBKDF1 of PKCS#5, with SHA-1.
    Sha1,
    /// The derivation of PKCS#12, with SHA-1.
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

fn pbes1_scheme(oid: ObjectIdentifier) -> Option<Pbes1> {
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

fn decrypt_pbes1(
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    buffer: &mut [u8],
    passphrase: &str,
) -> Result<usize, KeyProblem> {
    let Pbes1 { derivation, cipher } = pbes1_scheme(oid).ok_or_else(unsupported)?;
    let parameters = parameters.ok_or_else(malformed)?;
    let (salt, iterations) = salt_and_iterations(parameters).map_err(|_| malformed())?;
    limit_iterations(iterations)?;
    let (key, iv) = match derivation {
        Derivation::Md5 => pbkdf1::<Md5>(passphrase, salt, iterations),
        Derivation::Sha1 => pbkdf1::<Sha1>(passphrase, salt, iterations),
        Derivation::Pkcs12 => (
            pkcs12_kdf(passphrase, salt, iterations, 1, cipher.key_length()),
            pkcs12_kdf(passphrase, salt, iterations, 2, 8),
        ),
    };
    cipher
        .decrypt(&key, &iv, buffer)
        .ok_or_else(wrong_passphrase)
}

fn salt_and_iterations(parameters: AnyRef<'_>) -> der::Result<(&[u8], u32)> {
    parameters.sequence(|reader| {
        let salt = <&OctetStringRef>::decode(reader)?;
        Ok((salt.as_bytes(), u32::decode(reader)?))
    })
}

type KeyBytes = Zeroizing<Vec<u8>>;

/// PBKDF1 (RFC 8018, section 5.1): the key and the initialisation vector, of eight bytes each.
fn pbkdf1<D: Digest>(passphrase: &str, salt: &[u8], iterations: u32) -> (KeyBytes, KeyBytes) {
    let first = D::new().chain_update(passphrase).chain_update(salt);
    let mut derived = Zeroizing::new(first.finalize().to_vec());
    for _ in 1..iterations {
        let next = D::digest(&*derived);
        derived.copy_from_slice(&next);
    }
    let eight_from = |start: usize| Zeroizing::new(derived[start..start + 8].to_vec());
    (eight_from(0), eight_from(8))
}

/// The derivation of RFC 7292, appendix B.2, with SHA-1.
fn pkcs12_kdf(
    passphrase: &str,
    salt: &[u8],
    iterations: u32,
    purpose: u8,
    length: usize,
) -> KeyBytes {
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
            add_and_increment(block, &hash);
        }
    }
    derived.truncate(length);
    derived
}

/// `block += repeated + 1`, as big-endian numbers; the overflow is dropped.
fn add_and_increment(block: &mut [u8], repeated: &[u8]) {
    let mut carry = 1;
    for (place, byte) in block.iter_mut().enumerate().rev() {
        let sum = u16::from(*byte) + u16::from(repeated[place % repeated.len()]) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

/// Decrypts a key with a `DEK-Info` header, as OpenSSL wrote it up to version 1.0 and other tools still do.
pub(super) fn decrypt_legacy(
    dek_info: &str,
    ciphertext: &[u8],
    passphrase: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    let bad_header = || KeyProblem::Key("has a malformed DEK-Info header".into());
    let (name, iv) = dek_info.split_once(',').ok_or_else(bad_header)?;
    let cipher = match name.trim() {
        "AES-128-CBC" => Cipher::Aes128,
        "AES-192-CBC" => Cipher::Aes192,
        "AES-256-CBC" => Cipher::Aes256,
        "DES-EDE3-CBC" => Cipher::TripleDes,
        "DES-CBC" => Cipher::Des,
        _ => return Err(unsupported()),
    };
    let iv = decode_hex(iv.trim()).ok_or_else(bad_header)?;
    if iv.len() != cipher.block_length() {
        return Err(bad_header());
    }
    let key = evp_bytes_to_key(passphrase, &iv[..8], cipher.key_length());
    let mut decrypted = Zeroizing::new(ciphertext.to_vec());
    let length = cipher
        .decrypt(&key, &iv, &mut decrypted)
        .ok_or_else(wrong_passphrase)?;
    decrypted.truncate(length);
    Ok(decrypted)
}

/// OpenSSL's own derivation, `EVP_BytesToKey` with MD5 and one round.
fn evp_bytes_to_key(passphrase: &str, salt: &[u8], length: usize) -> KeyBytes {
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

fn decode_hex(text: &str) -> Option<Vec<u8>> {
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

    /// Decrypts in place and returns the length of the plaintext. `None`: the padding is invalid, so the key is wrong.
    fn decrypt(self, key: &[u8], iv: &[u8], buffer: &mut [u8]) -> Option<usize> {
        match self {
            Cipher::Des => decrypt_cbc(Des::new_from_slice(key).ok()?, iv, buffer),
            Cipher::TwoKeyTripleDes => decrypt_cbc(TdesEde2::new_from_slice(key).ok()?, iv, buffer),
            Cipher::TripleDes => decrypt_cbc(TdesEde3::new_from_slice(key).ok()?, iv, buffer),
            Cipher::Rc2 { key_bits } => {
                decrypt_cbc(Rc2::new_with_eff_key_len(key, key_bits), iv, buffer)
            }
            Cipher::Aes128 => decrypt_cbc(Aes128::new_from_slice(key).ok()?, iv, buffer),
            Cipher::Aes192 => decrypt_cbc(Aes192::new_from_slice(key).ok()?, iv, buffer),
            Cipher::Aes256 => decrypt_cbc(Aes256::new_from_slice(key).ok()?, iv, buffer),
        }
    }
}

fn decrypt_cbc<C: BlockCipherDecrypt>(cipher: C, iv: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let mode = Decryptor::inner_iv_slice_init(cipher, iv).ok()?;
    let decrypted = mode.decrypt_padded::<Pkcs7>(buffer).ok()?;
    Some(decrypted.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkcs5::EncryptionScheme;
    use pkcs5::der::Encode;
    use pkcs5::der::asn1::OctetString;
    use pkcs5::scrypt;
    use std::time::Instant;

    fn der_value(tag: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        let length = u8::try_from(content.len()).expect("it is short");
        match length {
            ..0x80 => [&[tag, length], &*content].concat(),
            _ => [&[tag, 0x81, length], &*content].concat(),
        }
    }

    fn encrypted_key(algorithm: &[u8]) -> Vec<u8> {
        let octets = OctetString::new([7; 16]).unwrap().to_der().unwrap();
        der_value(0x30, &[algorithm, &octets])
    }

    fn encrypted_with_pbes2(parameters: pkcs5::Result<Parameters>) -> Vec<u8> {
        let scheme = EncryptionScheme::from(parameters.expect("they are well formed"));
        encrypted_key(&scheme.to_der().unwrap())
    }

    fn encrypted_with_pkcs12(iterations: &[u8]) -> Vec<u8> {
        let oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
        let salt = OctetString::new([1; 8]).unwrap().to_der().unwrap();
        let count = [&[0x02, iterations.len() as u8], iterations].concat();
        let parameters = [&[0x30, (salt.len() + count.len()) as u8], &*salt, &count].concat();
        let content = [oid.to_der().unwrap(), parameters].concat();
        encrypted_key(&[&[0x30, content.len() as u8], &*content].concat())
    }

    #[test]
    fn excessive_derivation_work_is_refused() {
        let (salt, iv) = ([1; 8], [2; 16]);
        let begun = Instant::now();
        let scrypt = |log_n, r, p| {
            let parameters = scrypt::Params::new(log_n, r, p).expect("scrypt knows them");
            encrypted_with_pbes2(Parameters::generate_scrypt_aes256cbc(parameters, &salt, iv))
        };
        for der in [
            encrypted_with_pbes2(Parameters::generate_pbkdf2_sha256_aes256cbc(
                MAX_ITERATIONS + 1,
                &salt,
                iv,
            )),
            scrypt(21, 8, 1),
            scrypt(14, 256, 1),
            scrypt(14, 8, 17),
            encrypted_with_pkcs12(&[0x7F, 0xFF, 0xFF, 0xFF]),
            encrypted_with_pkcs12(&[0x00, 0xFF, 0xFF, 0xFF, 0xFF]),
        ] {
            match decrypt_pkcs8(&der, "correct horse") {
                Err(KeyProblem::Key(words)) => assert!(words.starts_with("asks for "), "{words}"),
                other => panic!("{:?}", other.map(|_| "decrypted")),
            }
        }
        for der in [encrypted_with_pkcs12(&[0]), encrypted_with_pkcs12(&[0xFF])] {
            assert!(matches!(decrypt_pkcs8(&der, ""), Err(KeyProblem::Key(_))));
        }
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }

    #[test]
    fn moderate_derivation_work_is_done() {
        assert!(matches!(
            decrypt_pkcs8(&encrypted_with_pkcs12(&[9]), "correct horse"),
            Err(KeyProblem::Passphrase(_))
        ));
    }

    /// The example of RFC 7292's derivation that other implementations test with.
    #[test]
    fn pkcs12_derivation_matches_the_known_example() {
        let salt = decode_hex("0A58CF64530D823F").unwrap();
        let key = pkcs12_kdf("smeg", &salt, 1, 1, 24);
        let expected = "8AAAE6297B6CB04642AB5B077851284EB7128F1A2A7FBCA3";
        assert_eq!(Some(key.to_vec()), decode_hex(expected));
        let iv = pkcs12_kdf("smeg", &salt, 1, 2, 8);
        assert_eq!(Some(iv.to_vec()), decode_hex("79993DFE048D3B76"));
    }

    #[test]
    fn malformed_dek_info_is_refused() {
        for bad in [
            "",
            "AES-256-CBC",
            "AES-256-CBC,",
            "AES-256-CBC,00",
            "AES-256-CBC,zz",
            "DES-EDE3-CBC,00112233445566778",
            "ROT13,0011223344556677",
        ] {
            let refused = decrypt_legacy(bad, &[0; 16], "x");
            assert!(matches!(refused, Err(KeyProblem::Key(_))), "{bad}");
        }
    }
}
