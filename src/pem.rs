//! PEM as found in files, environment variables and JSON: after a byte order mark or other text, with any line ends,
//! with none, or with the escapes and quotes that a shell or a JSON file left in it.
//!
//! It is at the root because `http` reads certificates and `keys` reads keys, and neither imports the other.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// The content of one pair of BEGIN and END lines.
pub(crate) struct Block<'a> {
    /// The label of the BEGIN line, such as `PRIVATE KEY`.
    pub label: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    pub der: Zeroizing<Vec<u8>>,
}

impl Block<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| *value)
    }
}

/// Why a PEM block cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PemError {
    NoEnd,
    NotBase64,
}

impl PemError {
    pub(crate) fn message(self) -> &'static str {
        match self {
            PemError::NoEnd => "is truncated: its END line is missing",
            PemError::NotBase64 => "is damaged: it contains something that is not base64",
        }
    }
}

const BEGIN: &[u8] = b"-----BEGIN ";
const DASHES: &[u8] = b"-----";
const LONGEST_LABEL: usize = 64;

/// The labels of all blocks, in order.
pub(crate) fn labels(text: &[u8]) -> impl Iterator<Item = &str> {
    begin_marks(text).map(|(label, _)| label)
}

/// All blocks whose label is `wanted`, up to and including the first that is damaged.
pub(crate) fn blocks<'a>(
    text: &'a [u8],
    wanted: impl Fn(&str) -> bool,
) -> impl Iterator<Item = Result<Block<'a>, PemError>> {
    let mut is_damaged = false;
    begin_marks(text)
        .filter(move |(label, _)| wanted(label))
        .map(|(label, rest)| parse_block(label, rest))
        .take_while(move |block| !std::mem::replace(&mut is_damaged, block.is_err()))
}

/// Each label, with the text after its BEGIN line.
fn begin_marks(text: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[find_bytes(rest, BEGIN)? + BEGIN.len()..];
            let near = &rest[..rest.len().min(LONGEST_LABEL + DASHES.len())];
            let Some(length) = find_bytes(near, DASHES) else {
                continue;
            };
            // A line that lost its last dashes has no label; the BEGIN line of the next block does not end it.
            match std::str::from_utf8(&rest[..length]) {
                Ok(label) if label.bytes().all(|b| matches!(b, b' '..=b'~')) => {
                    rest = &rest[length + DASHES.len()..];
                    return Some((label, rest));
                }
                _ => continue,
            }
        }
    })
}

fn find_bytes(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn parse_block<'a>(label: &'a str, rest: &'a [u8]) -> Result<Block<'a>, PemError> {
    let end = [b"-----END ", label.as_bytes(), DASHES].concat();
    let body = &rest[..find_bytes(rest, &end).ok_or(PemError::NoEnd)?];
    if find_bytes(body, BEGIN).is_some() {
        return Err(PemError::NoEnd);
    }
    let (headers, body) = headers(body);
    // The buffer never grows, since growing would leave a copy of the secret behind.
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.iter().filter(|byte| !is_filler(**byte)));
    let mut der = Zeroizing::new(vec![0; base64.len() / 4 * 3]);
    let length = Base64::decode(&*base64, &mut der)
        .map_err(|_| PemError::NotBase64)?
        .len();
    der.truncate(length);
    Ok(Block {
        label,
        headers,
        der,
    })
}

/// Whether the byte may separate characters of base64: blanks, line ends, and what quoting leaves behind.
fn is_filler(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\')
}

/// The headers, and the text after them. Where line ends have become blanks or nothing, only the format of a header's
/// value tells where it ends.
fn headers(mut body: &[u8]) -> (Vec<(&str, &str)>, &[u8]) {
    let mut headers = Vec::new();
    loop {
        let start = body.iter().take_while(|byte| is_filler(**byte)).count();
        body = &body[start..];
        let Some((name, value)) = header(body) else {
            return (headers, body);
        };
        let from = name.len() + 1;
        let blanks = body[from..].iter().take_while(|b| **b == b' ').count();
        body = &body[from + blanks + value.len()..];
        headers.push((name, value.trim()));
    }
}

/// One header, if the text starts with one: base64 contains no colon.
fn header(body: &[u8]) -> Option<(&str, &str)> {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-';
    let length = body.iter().take_while(is_name).count();
    let (name, rest) = (&body[..length], body[length..].strip_prefix(b":")?);
    let rest = rest.trim_ascii_start();
    let line = rest.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    let value = match name {
        b"Proc-Type" => line.strip_prefix(b"4,ENCRYPTED").map(|_| &line[..11]),
        b"DEK-Info" => dek_info(line),
        _ => None,
    };
    let text = |bytes| std::str::from_utf8(bytes).ok();
    Some((text(name)?, text(value.unwrap_or(line))?))
}

/// The value of a `DEK-Info` header: `AES-256-CBC,` and the hexadecimal digits of one block of the cipher.
fn dek_info(line: &[u8]) -> Option<&[u8]> {
    let comma = line.iter().position(|byte| *byte == b',')?;
    let digits = match line.starts_with(b"AES-") {
        true => 32,
        false => 16,
    };
    let value = line.get(..comma + 1 + digits)?;
    let are_digits = value[comma + 1..].iter().all(u8::is_ascii_hexdigit);
    are_digits.then_some(value)
}

/// Converts the text to UTF-8 without a byte order mark, also from the UTF-16 that Windows shells write, and replaces
/// the escapes that a JSON or shell string has for line ends.
pub(crate) fn normalize(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let narrow = |order: fn([u8; 2]) -> u16| {
        let units = text[2..]
            .chunks_exact(2)
            .map(move |pair| order([pair[0], pair[1]]));
        // PEM contains ASCII only; other characters become question marks.
        units.map(|unit| u8::try_from(unit).unwrap_or(b'?'))
    };
    let mut normalized = Zeroizing::new(match text {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest.to_vec(),
        [0xFF, 0xFE, ..] => collect(text.len() / 2, narrow(u16::from_le_bytes)),
        [0xFE, 0xFF, ..] => collect(text.len() / 2, narrow(u16::from_be_bytes)),
        _ => text.to_vec(),
    });
    unescape(&mut normalized);
    normalized
}

fn collect(length: usize, bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut all = Vec::with_capacity(length);
    all.extend(bytes);
    all
}

/// Replaces `\n`, `\r` and `\t`, even when escaped twice, by line ends and blanks; other backslashes stay.
fn unescape(text: &mut Vec<u8>) {
    let (mut from, mut to) = (0, 0);
    while from < text.len() {
        let slashes = text[from..].iter().take_while(|b| **b == b'\\').count();
        let escaped = text.get(from + slashes).filter(|_| slashes > 0);
        let meant = match escaped {
            Some(b'n' | b'r') => Some(b'\n'),
            Some(b't') => Some(b' '),
            // JSON allows an escaped slash.
            Some(b'/') => Some(b'/'),
            _ => None,
        };
        let length = slashes + usize::from(meant.is_some() || slashes == 0);
        match meant {
            Some(byte) => {
                text[to] = byte;
                to += 1;
            }
            None => {
                text.copy_within(from..from + length, to);
                to += length;
            }
        }
        from += length;
    }
    text[to..].fill(0);
    text.truncate(to);
}

/// Encodes a PEM block with line feeds.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    const WIDTH: usize = 64;
    let mut base64 = Zeroizing::new(vec![0; Base64::encoded_len(der)]);
    let base64 = Base64::encode(der, &mut base64).expect("the buffer has the encoded length");
    let marks = "-----BEGIN -----\n-----END -----\n".len() + 2 * label.len();
    let lines = base64.len().div_ceil(WIDTH);
    let mut text = Zeroizing::new(String::with_capacity(base64.len() + lines + marks));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for start in (0..base64.len()).step_by(WIDTH) {
        text.push_str(&base64[start..base64.len().min(start + WIDTH)]);
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    debug_assert_eq!(text.len(), text.capacity());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der_of(text: &[u8]) -> Result<Vec<u8>, PemError> {
        blocks(&normalize(text), |label| label == "X")
            .next()
            .expect("there is a block")
            .map(|block| block.der.to_vec())
    }

    #[test]
    fn every_file_format_gives_the_same_bytes() {
        let pem = encode("X", &[7; 100]).to_string();
        let unfinished = pem.trim_end().to_owned();
        let utf16: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [
            pem.replace('\n', "\r\n").into_bytes(),
            pem.replace('\n', "\r").into_bytes(),
            pem.replace('\n', " \n  ").into_bytes(),
            format!("\u{FEFF}{pem}").into_bytes(),
            format!("Bag Attributes\n    friendlyName: x\n{pem}").into_bytes(),
            [&b"caf\xE9\n"[..], pem.as_bytes()].concat(),
            format!(
                "\u{FEFF}Subject: x\r\n\u{FEFF}{}",
                pem.replace('\n', "\r\n")
            )
            .into_bytes(),
            [&[0xFF, 0xFE][..], &utf16].concat(),
            unfinished.into_bytes(),
            pem.into_bytes(),
        ] {
            assert_eq!(der_of(&text).expect("it can be read"), [7; 100]);
        }
    }

    /// Each line end that an environment variable may contain, in each pair of quotes.
    #[test]
    fn every_quoting_of_an_environment_variable_is_read() {
        let der: Vec<u8> = (0..=255).collect();
        let headers =
            "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n";
        let bare = encode("X", &der).to_string();
        let encrypted = bare.replacen("-----\n", &format!("-----\n{headers}"), 1);
        for (pem, is_encrypted) in [(bare, false), (encrypted, true)] {
            for end in [
                "\n", "\r\n", "\r", " ", "", "\\n", "\\r\\n", "\\\\n", "\\n\n", "\\\n", "\t",
                "\\t", " \\n ", "\"\n\"",
            ] {
                for quote in ["", "\"", "'", "\\\"", "'\""] {
                    for slash in ["/", "\\/"] {
                        let text = pem.replace('/', slash).replace('\n', end);
                        let text = normalize(format!("{quote}{text}{quote}").as_bytes());
                        let block = blocks(&text, |label| label == "X").next();
                        let block = block.expect("there is a block").expect("it is complete");
                        assert_eq!(*block.der, der, "{end:?} {quote:?}");
                        let iv = "AES-256-CBC,00112233445566778899AABBCCDDEEFF";
                        assert_eq!(block.header("DEK-Info"), is_encrypted.then_some(iv));
                        assert_eq!(
                            block.header("Proc-Type"),
                            is_encrypted.then_some("4,ENCRYPTED")
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn consecutive_blocks_are_separate() {
        let text = format!(
            "{}{}{}",
            *encode("A", &[1]),
            *encode("B", &[2]),
            *encode("A", &[3])
        );
        for text in [
            text.clone(),
            text.replace('\n', ""),
            text.replace('\n', "\\n"),
        ] {
            let text = normalize(text.as_bytes());
            assert_eq!(labels(&text).collect::<Vec<_>>(), ["A", "B", "A"]);
            let found = blocks(&text, |label| label == "A").map(|block| block.unwrap().der[0]);
            assert_eq!(found.collect::<Vec<_>>(), [1, 3]);
        }
        let cut = format!("{}-----BEGIN A-----\nAAAA", *encode("A", &[1]));
        let found: Vec<_> = blocks(cut.as_bytes(), |_| true).collect();
        assert!(matches!(found[..], [Ok(_), Err(PemError::NoEnd)]));
    }

    #[test]
    fn damaged_blocks_are_errors() {
        assert_eq!(der_of(b"-----BEGIN X-----\nAAAA\n"), Err(PemError::NoEnd));
        let other_end = b"-----BEGIN X-----\nAAAA\n-----END Y-----\n";
        assert_eq!(der_of(other_end), Err(PemError::NoEnd));
        let no_base64 = b"-----BEGIN X-----\nA!AA\n-----END X-----\n";
        assert_eq!(der_of(no_base64), Err(PemError::NotBase64));
        let another_inside = b"-----BEGIN X-----\nAAAA\n-----BEGIN X-----\nAAAA\n-----END X-----\n";
        assert_eq!(der_of(another_inside), Err(PemError::NoEnd));
        assert!(blocks(b"", |_| true).next().is_none());
        assert!(
            blocks(b"-----BEGIN X----\nAAAA\n-----END X-----", |l| l == "X")
                .next()
                .is_none()
        );
    }

    #[test]
    fn headers_are_not_decoded_as_base64() {
        let text =
            b"-----BEGIN X-----\nComment: a b\nProc-Type: 4,ENCRYPTED\nDEK-Info: A,B\n\nAAAA\n-----END X-----";
        let block = blocks(text, |_| true).next().unwrap().unwrap();
        assert_eq!(block.header("DEK-Info"), Some("A,B"));
        assert_eq!(block.header("Comment"), Some("a b"));
        assert_eq!(block.header("Other"), None);
        assert_eq!(*block.der, [0, 0, 0]);
    }
}
