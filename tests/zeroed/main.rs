//! Tests that memory which held a key, a passphrase or a client secret is zeroed before it is freed. The global
//! allocator of this test searches each block that is freed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use umapi::{Client, ClientOptions, Credentials, KeyPair, KeyPairOptions};

struct SearchingAllocator;

/// The pieces of secrets to search for, leaked so that they are never freed themselves.
static WANTED: AtomicPtr<&'static [&'static [u8]]> = AtomicPtr::new(std::ptr::null_mut());
static FOUND: AtomicUsize = AtomicUsize::new(0);

// `realloc` is the default implementation, which frees the old block by `dealloc`.
unsafe impl GlobalAlloc for SearchingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The block is zeroed, so that bytes left in it by an earlier block are not found.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let wanted = WANTED.load(Ordering::Relaxed);
        if !wanted.is_null() {
            let holds = |piece: &&&[u8]| {
                let (start, length) = (piece.as_ptr().cast(), piece.len());
                !unsafe { libc::memmem(block.cast(), layout.size(), start, length) }.is_null()
            };
            let count = unsafe { *wanted }.iter().filter(holds).count();
            FOUND.fetch_add(count, Ordering::Relaxed);
        }
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: SearchingAllocator = SearchingAllocator;

/// Runs one test at a time, since blocks that another test frees would be searched too.
fn exclusive() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    RUNNING
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// How many times a piece was in memory that `work` freed.
fn found_in_freed_memory(pieces: &[&[u8]], work: impl FnOnce()) -> usize {
    let pieces: Vec<&'static [u8]> = pieces
        .iter()
        .map(|piece| &*Box::leak(piece.to_vec().into_boxed_slice()))
        .collect();
    let pieces: &'static [&'static [u8]] = Box::leak(pieces.into_boxed_slice());
    let pieces = Box::leak(Box::new(pieces));
    FOUND.store(0, Ordering::Relaxed);
    WANTED.store(pieces, Ordering::Relaxed);
    work();
    WANTED.store(std::ptr::null_mut(), Ordering::Relaxed);
    FOUND.load(Ordering::Relaxed)
}

/// The folder of the keys, which OpenSSL generates once for this run.
fn keys() -> PathBuf {
    static MADE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys");
        let _ = std::fs::remove_dir_all(&folder);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/keys.sh");
        let made = Command::new(script).arg(&folder).output();
        assert!(made.expect("the script exists").status.success());
        folder
    });
    made.clone()
}

const PASSPHRASE: &str = "correct horse";
const CLIENT_SECRET: &str = "p8e-a-secret-to-look-for";

/// Pieces of the private exponent, of the coefficient and of the PEM text, and the other secrets.
fn pieces(pem: &[u8]) -> Vec<Vec<u8>> {
    let der = std::fs::read(keys().join("pkcs8.der")).expect("the key was generated");
    let (middle, end) = (der.len() / 3, der.len() - 64);
    let text = String::from_utf8_lossy(pem);
    let line = text.lines().nth(9).expect("a key has more lines");
    vec![
        der[middle..middle + 16].to_vec(),
        der[end..end + 16].to_vec(),
        line.as_bytes()[..24].to_vec(),
        PASSPHRASE.into(),
        CLIENT_SECRET.into(),
    ]
}

#[test]
fn the_allocator_finds_what_is_not_zeroed() {
    let _exclusive = exclusive();
    let kept = found_in_freed_memory(&[b"left behind"], || {
        drop(b"... left behind ...".to_vec());
    });
    assert_eq!(kept, 1);
    let mut growing = b"left behind".to_vec();
    growing.shrink_to_fit();
    let moved = found_in_freed_memory(&[b"left behind"], || growing.reserve_exact(1 << 16));
    assert_eq!(moved, 1);
}

#[test]
fn keys_from_bytes_and_from_files_are_zeroed() {
    let _exclusive = exclusive();
    for file in [
        "pkcs1.pem",
        "pkcs8.pem",
        "utf16.pem",
        "pbes2-aes-256-cbc.pem",
        "pbes2-des3.pem",
        "pbes2-scrypt.pem",
        "pbes1-PBE-MD5-DES.pem",
        "pbes1-PBE-SHA1-3DES.pem",
        "legacy-aes-256-cbc.pem",
        "private-key-des-ede3-cbc.pem",
    ] {
        let path = keys().join(file);
        let pem = std::fs::read(&path).expect("the key was generated");
        let pieces = pieces(&pem);
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let passphrase = Some(PASSPHRASE);
        let left = found_in_freed_memory(&pieces, || {
            let credentials = Credentials::jwt("c", CLIENT_SECRET, "t", &pem, passphrase);
            drop(credentials.expect("it is a key").clone());
            let credentials =
                Credentials::jwt_from_file("c", CLIENT_SECRET, "t", &path, passphrase);
            assert!(credentials.is_ok());
            let wrong =
                Credentials::jwt("c", CLIENT_SECRET, "t", &pem[..pem.len() / 2], passphrase);
            assert!(wrong.is_err());
        });
        assert_eq!(left, 0, "{file}");
    }
}

#[test]
fn configurations_are_zeroed() {
    let _exclusive = exclusive();
    let path = keys().join("umapi.json");
    let pem = std::fs::read(keys().join("legacy-aes-256-cbc.pem")).expect("the key was generated");
    let json = format!(
        r#"{{"org_id":"o","client_id":"c","client_secret":"{CLIENT_SECRET}","tech_acct_id":"t",
            "private_key_path":"legacy-aes-256-cbc.pem","private_key_passphrase":"{PASSPHRASE}"}}"#
    );
    std::fs::write(&path, &json).expect("it can be written");
    let pieces = pieces(&pem);
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    let left = found_in_freed_memory(&pieces, || {
        let client =
            Client::from_file(&path, ClientOptions::default()).expect("the configuration is valid");
        client.set_credentials(
            Credentials::oauth("c", "another").expect("the credentials are valid"),
        );
    });
    assert_eq!(left, 0);
    let unknown = path.with_file_name("unknown.json");
    let json = json.replace("org_id", "orgid");
    std::fs::write(&unknown, &json).expect("it can be written");
    let left = found_in_freed_memory(&pieces, || {
        let refused = Client::from_file(&unknown, ClientOptions::default());
        let error = format!("{:?}", refused.expect_err("a key is unknown"));
        assert!(
            error.contains("orgid") && !error.contains(CLIENT_SECRET),
            "{error}"
        );
    });
    assert_eq!(left, 0);
}

#[test]
fn new_key_pairs_are_zeroed() {
    let _exclusive = exclusive();
    // The beginning of every RSA key in PKCS#8, in DER and in PEM.
    let der = b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x04\x82";
    let pem = b"IBADANBgkqhkiG9w0BAQEFAASC";
    let folder = keys();
    let (key, certificate) = (folder.join("new.key"), folder.join("new.crt"));
    let left = found_in_freed_memory(&[der, pem], || {
        let pair =
            KeyPair::generate("umapi", KeyPairOptions::default()).expect("the pair is generated");
        pair.save(&key, &certificate, true).expect("it is written");
        let shown = format!("{pair:?}");
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
        drop(pair.clone());
    });
    assert_eq!(left, 0);
    let written = std::fs::read(&key).expect("it was written");
    assert!(written.windows(pem.len()).any(|part| part == pem));
}
