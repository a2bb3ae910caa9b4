//! PEM as people have it: after a byte order mark or other text, with either line end, with headers or without.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// What stands between one pair of BEGIN and END lines.
pub(super) struct Block<'a> {
    pub label: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    pub der: Zeroizing<Vec<u8>>,
}

impl Block<'_> {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| *value)
    }
}

/// What a PEM text can do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    NoEnd,
    NotBase64,
}

/// The labels of all blocks, in order.
pub(super) fn labels(text: &[u8]) -> impl Iterator<Item = &str> {
    lines(text).filter_map(|line| between(line, "-----BEGIN "))
}

/// The first block whose label is wanted.
pub(super) fn find<'a>(
    text: &'a [u8],
    wanted: impl Fn(&str) -> bool,
) -> Option<Result<Block<'a>, Damage>> {
    let mut lines = lines(text);
    let label = lines
        .by_ref()
        .filter_map(|line| between(line, "-----BEGIN "))
        .find(|label| wanted(label))?;
    Some(read(label, lines, text.len()))
}

fn read<'a>(
    label: &'a str,
    lines: impl Iterator<Item = &'a [u8]>,
    longest: usize,
) -> Result<Block<'a>, Damage> {
    let mut headers = Vec::new();
    // Never grows, for that would leave a copy behind.
    let mut base64 = Zeroizing::new(Vec::with_capacity(longest));
    for line in lines {
        if between(line, "-----END ") == Some(label) {
            let mut der = Zeroizing::new(vec![0; base64.len() / 4 * 3]);
            let length = Base64::decode(&*base64, &mut der)
                .map_err(|_| Damage::NotBase64)?
                .len();
            der.truncate(length);
            return Ok(Block {
                label,
                headers,
                der,
            });
        }
        match std::str::from_utf8(line).ok().and_then(header) {
            Some(header) => headers.push(header),
            None => base64.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace())),
        }
    }
    Err(Damage::NoEnd)
}

/// A byte order mark may begin any line, for files are put one behind the other.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| matches!(byte, b'\n' | b'\r'))
        .map(|line| line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line))
        .map(<[u8]>::trim_ascii)
}

fn between<'a>(line: &'a [u8], start: &str) -> Option<&'a str> {
    let label = line.strip_prefix(start.as_bytes())?;
    std::str::from_utf8(label.strip_suffix(b"-----")?).ok()
}

/// No base64 has a colon in it.
fn header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim(), value.trim()))
}

/// The same text in UTF-8: without its byte order mark, and out of the UTF-16 that Windows shells write.
pub(super) fn plain(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let narrow = |order: fn([u8; 2]) -> u16| {
        let units = text[2..]
            .chunks_exact(2)
            .map(move |pair| order([pair[0], pair[1]]));
        // What is beyond ASCII is in no armor.
        units.map(|unit| u8::try_from(unit).unwrap_or(b'?'))
    };
    Zeroizing::new(match text {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest.to_vec(),
        [0xFF, 0xFE, ..] => collect(text.len() / 2, narrow(u16::from_le_bytes)),
        [0xFE, 0xFF, ..] => collect(text.len() / 2, narrow(u16::from_be_bytes)),
        _ => text.to_vec(),
    })
}

fn collect(length: usize, bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut all = Vec::with_capacity(length);
    all.extend(bytes);
    all
}

/// A PEM block with line feeds.
pub(super) fn armored(label: &str, der: &[u8]) -> Zeroizing<String> {
    const WIDTH: usize = 64;
    let mut base64 = Zeroizing::new(vec![0; Base64::encoded_len(der)]);
    let base64 = Base64::encode(der, &mut base64).expect("its length was asked for");
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

    fn der_of(text: &[u8]) -> Result<Vec<u8>, Damage> {
        find(&plain(text), |label| label == "X")
            .expect("there is a block")
            .map(|block| block.der.to_vec())
    }

    #[test]
    fn every_dress_of_the_same_bytes() {
        let plain = armored("X", &[7; 100]).to_string();
        let unfinished = plain.trim_end().to_owned();
        let utf16: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [
            plain.replace('\n', "\r\n").into_bytes(),
            plain.replace('\n', "\r").into_bytes(),
            plain.replace('\n', " \n  ").into_bytes(),
            format!("\u{FEFF}{plain}").into_bytes(),
            format!("Bag Attributes\n    friendlyName: x\n{plain}").into_bytes(),
            [&b"caf\xE9\n"[..], plain.as_bytes()].concat(),
            format!(
                "\u{FEFF}Subject: x\r\n\u{FEFF}{}",
                plain.replace('\n', "\r\n")
            )
            .into_bytes(),
            [&[0xFF, 0xFE][..], &utf16].concat(),
            unfinished.into_bytes(),
            plain.into_bytes(),
        ] {
            assert_eq!(der_of(&text).expect("it can be read"), [7; 100]);
        }
    }

    #[test]
    fn damage_is_told() {
        assert_eq!(der_of(b"-----BEGIN X-----\nAAAA\n"), Err(Damage::NoEnd));
        let other_end = b"-----BEGIN X-----\nAAAA\n-----END Y-----\n";
        assert_eq!(der_of(other_end), Err(Damage::NoEnd));
        let no_base64 = b"-----BEGIN X-----\nA!AA\n-----END X-----\n";
        assert_eq!(der_of(no_base64), Err(Damage::NotBase64));
        assert!(find(b"", |_| true).is_none());
    }

    #[test]
    fn headers_do_not_get_into_the_bytes() {
        let text =
            b"-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: A,B\n\nAAAA\n-----END X-----";
        let block = find(text, |label| label == "X").unwrap().unwrap();
        assert_eq!(block.header("DEK-Info"), Some("A,B"));
        assert_eq!(block.header("Comment"), None);
        assert_eq!(*block.der, [0, 0, 0]);
    }
}
