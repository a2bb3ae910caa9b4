//! The redaction of a request's secrets in foreign text that messages quote.
//!
//! A host, a proxy or a debugging tool may repeat what it received, percent-encoded, in JSON, HTML or base64, in several of
//! these at once, and broken into lines. The text is therefore decoded by every decoder that changes it, and each part of
//! it that decodes to a secret or to a piece of one is replaced.

use crate::secret::Secret;
use base64ct::{Base64, Encoding};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// The secrets that a request carries. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Option<Arc<[Secret]>>);

/// The text that replaces a secret.
const PLACEHOLDER: &str = "[secret]";

/// The length in bytes from which a part of a secret is recognised by itself; a shorter match may be chance.
const PIECE: usize = 12;

/// The length in bytes below which a secret may be a common word, and is replaced only where it is a word of its own.
const COMMON_WORD: usize = 8;

/// The length in bytes from which the beginning of a secret is replaced before an ellipsis, where a text was cut.
const SHORTEST_STUB: usize = 4;

/// The most bytes of a text that are searched; the rest is cut off. Every quotation is shorter.
const LONGEST: usize = 32 << 10;

/// The most encodings that are removed one after the other.
const DEPTH: usize = 3;

impl Secrets {
    /// The given secrets, without empty ones.
    pub(crate) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let secrets: Vec<_> = secrets
            .into_iter()
            .filter(|secret| !secret.reveal().is_empty())
            .collect();
        Secrets((!secrets.is_empty()).then(|| secrets.into()))
    }

    /// The secrets of a login: the password, and user and password as HTTP's Basic scheme sends them, with and without
    /// base64.
    pub(crate) fn for_login(user: &str, password: &Secret) -> Self {
        let pair = Secret::new(format!("{user}:{}", password.reveal()));
        let encoded = Secret::new(Base64::encode_string(pair.reveal().as_bytes()));
        Secrets::new([password.clone(), pair, encoded])
    }

    /// The secrets of both.
    pub(crate) fn and(&self, more: Secrets) -> Self {
        match (&self.0, more.0) {
            (_, None) => self.clone(),
            (None, more) => Secrets(more),
            (Some(ours), Some(more)) => Secrets::new(ours.iter().chain(&*more).cloned()),
        }
    }

    fn list(&self) -> &[Secret] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Foreign text without the secrets. It must be called before the text is cut, because the beginning of a cut secret
    /// is recognised only before an ellipsis.
    pub(crate) fn redact<'t>(&self, foreign: &'t str) -> Cow<'t, str> {
        self.redact_with_min_length(foreign, 0)
    }

    /// The same for a text that holds words of the library too. Secrets that may be common words are left, so that they
    /// do not make the library's words unreadable.
    pub(crate) fn redact_mixed<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redact_with_min_length(text, COMMON_WORD)
    }

    fn redact_with_min_length<'t>(&self, text: &'t str, min_length: usize) -> Cow<'t, str> {
        if self.list().is_empty() || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let patterns: Vec<_> = self
            .list()
            .iter()
            .map(|secret| Pattern::new(secret.reveal()))
            .filter(|pattern| pattern.folded.len() >= min_length)
            .collect();
        let (searched, rest) = text.split_at(char_start(text, LONGEST));
        let mut found = Vec::new();
        View::plain(searched).search(&patterns, DEPTH, true, &mut found);
        if found.is_empty() && rest.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut redacted = replace(searched, found);
        if !rest.is_empty() {
            redacted.push('…');
        }
        Cow::Owned(redacted)
    }
}

/// The text with the placeholder in each range; ranges that touch share one.
fn replace(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_by_key(|range| range.start);
    let mut redacted = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        // A range may begin or end inside a character of several bytes, and the whole character is replaced.
        let (start, end) = (char_start(text, range.start), char_end(text, range.end));
        if start > done || done == 0 {
            redacted.push_str(&text[done..start.max(done)]);
            redacted.push_str(PLACEHOLDER);
        }
        done = done.max(end);
    }
    redacted.push_str(&text[done..]);
    redacted
}

/// The beginning of the character that the byte position is in.
fn char_start(text: &str, position: usize) -> usize {
    let mut positions = (0..=position.min(text.len())).rev();
    positions.find(|n| text.is_char_boundary(*n)).unwrap_or(0)
}

/// The end of the character that the byte position is in.
fn char_end(text: &str, position: usize) -> usize {
    let mut positions = position..=text.len();
    positions
        .find(|n| text.is_char_boundary(*n))
        .unwrap_or(text.len())
}

/// Maps `+` to a space, as HTML forms encode one, so that the two compare equal.
fn fold(byte: u8) -> u8 {
    match byte {
        b'+' => b' ',
        byte => byte,
    }
}

/// A secret in the form in which a text is searched for it.
struct Pattern {
    folded: Vec<u8>,
    /// All parts of the secret that are [`PIECE`] bytes long.
    pieces: HashSet<[u8; PIECE]>,
}

impl Pattern {
    fn new(secret: &str) -> Self {
        let folded: Vec<_> = secret.bytes().map(fold).collect();
        let pieces = folded.windows(PIECE).map(to_piece).collect();
        Pattern { folded, pieces }
    }
}

impl Drop for Pattern {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.folded);
    }
}

fn to_piece(window: &[u8]) -> [u8; PIECE] {
    window.try_into().expect("windows are as long as a piece")
}

/// A decoded text, with the range of the original text that each of its bytes comes from.
struct View {
    bytes: Vec<u8>,
    from: Vec<Range<u32>>,
}

/// Decodes one escape sequence at the beginning of a text: its character, and the length of the sequence in bytes.
type Decode = fn(&[u8]) -> Option<(Decoded, usize)>;

/// At most four bytes of UTF-8, and how many of them count.
type Decoded = ([u8; 4], usize);

const DECODERS: [Decode; 3] = [decode_percent, decode_backslash, decode_entity];

impl View {
    fn plain(text: &str) -> Self {
        View {
            bytes: text.bytes().collect(),
            from: (0..text.len() as u32).map(|n| n..n + 1).collect(),
        }
    }

    /// Adds to `found` the ranges of the original text in which a secret stands, after up to `depth` further decodings.
    fn search(
        &self,
        patterns: &[Pattern],
        depth: usize,
        with_base64: bool,
        found: &mut Vec<Range<usize>>,
    ) {
        let folded: Vec<_> = self.bytes.iter().copied().map(fold).collect();
        for pattern in patterns {
            for range in matches(&folded, pattern) {
                let start = self.from[range.start].start as usize;
                found.push(start..self.from[range.end - 1].end as usize);
            }
        }
        if depth == 0 {
            return;
        }
        for decode in DECODERS {
            if let Some(view) = self.decoded(decode) {
                view.search(patterns, depth - 1, with_base64, found);
            }
        }
        for skip in 0..if with_base64 { 4 } else { 0 } {
            if let Some(view) = self.decoded_base64(skip) {
                view.search(patterns, (depth - 1).min(1), false, found);
            }
        }
    }

    /// The text with every escape sequence of one kind decoded; `None` if there is none.
    fn decoded(&self, decode: Decode) -> Option<View> {
        let mut view = View::empty();
        let mut position = 0;
        while position < self.bytes.len() {
            match decode(&self.bytes[position..]) {
                Some(((character, length), used)) => {
                    let from = self.from[position].start..self.from[position + used - 1].end;
                    for byte in &character[..length] {
                        view.push(*byte, from.clone());
                    }
                    position += used;
                }
                None => {
                    view.push(self.bytes[position], self.from[position].clone());
                    position += 1;
                }
            }
        }
        (view.bytes.len() < self.bytes.len()).then_some(view)
    }

    /// The content of all runs of base64 characters. The first `skip` characters of each run are passed over, since they
    /// may belong to the text before the base64.
    fn decoded_base64(&self, skip: usize) -> Option<View> {
        const SHORTEST_RUN: usize = 8;
        let mut view = View::empty();
        let mut position = 0;
        while position < self.bytes.len() {
            let run = self.bytes[position..].iter();
            let run = run.take_while(|b| base64_digit(**b).is_some()).count();
            let (start, end) = (position + skip, position + run);
            if run >= SHORTEST_RUN {
                for group in start..end {
                    let in_group = (group - start) % 4;
                    if in_group == 0 || group >= end {
                        continue;
                    }
                    let high = base64_digit(self.bytes[group - 1]).unwrap_or_default();
                    let low = base64_digit(self.bytes[group]).unwrap_or_default();
                    let byte = high << (2 * in_group) | low >> (6 - 2 * in_group);
                    view.push(byte, self.from[group - 1].start..self.from[group].end);
                }
            }
            // A zero byte, which no secret holds, separates the runs.
            position += run;
            if position < self.bytes.len() {
                view.push(0, self.from[position].clone());
                position += 1;
            }
        }
        view.bytes.iter().any(|byte| *byte != 0).then_some(view)
    }

    fn empty() -> Self {
        View {
            bytes: Vec::new(),
            from: Vec::new(),
        }
    }

    fn push(&mut self, byte: u8, from: Range<u32>) {
        self.bytes.push(byte);
        self.from.push(from);
    }
}

/// The ranges of a text in which a secret, or a piece of it, stands.
fn matches(text: &[u8], pattern: &Pattern) -> Vec<Range<usize>> {
    let secret = pattern.folded.as_slice();
    let mut found = Vec::new();
    if secret.len() >= PIECE {
        for (start, window) in text.windows(PIECE).enumerate() {
            if pattern.pieces.contains(&to_piece(window)) {
                push_merged(&mut found, start..start + PIECE);
            }
        }
    } else {
        for (start, window) in text.windows(secret.len()).enumerate() {
            let end = start + secret.len();
            if window == secret && (secret.len() >= COMMON_WORD || is_whole_word(text, start..end))
            {
                push_merged(&mut found, start..end);
            }
        }
    }
    let cuts = text.windows(ELLIPSIS.len()).enumerate();
    for (cut, _) in cuts.filter(|(_, window)| *window == ELLIPSIS) {
        let longest = secret.len().min(PIECE).min(cut);
        let stub = (SHORTEST_STUB..=longest).rev();
        if let Some(length) = stub
            .into_iter()
            .find(|n| text[..cut].ends_with(&secret[..*n]))
        {
            push_merged(&mut found, cut - length..cut);
        }
    }
    found
}

const ELLIPSIS: &[u8] = "…".as_bytes();

/// Adds a range, or extends the last one that it touches.
fn push_merged(found: &mut Vec<Range<usize>>, range: Range<usize>) {
    match found.last_mut() {
        Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
        _ => found.push(range),
    }
}

/// Whether the range is a word by itself, and no part of a longer one or of a code such as `error.user.unknown`.
fn is_whole_word(text: &[u8], range: Range<usize>) -> bool {
    let is_joined =
        |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"._-/".contains(byte);
    let before = range.start.checked_sub(1).and_then(|n| text.get(n));
    let after = text.get(range.end);
    !before.is_some_and(is_joined) && !after.is_some_and(is_joined)
}

/// The six bits that a character of base64 stands for, in the standard or in the URL-safe alphabet.
fn base64_digit(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn decode_percent(text: &[u8]) -> Option<(Decoded, usize)> {
    let digits = text.strip_prefix(b"%")?.get(..2)?;
    Some((([number(digits, 16)? as u8, 0, 0, 0], 1), 3))
}

/// Decodes the escapes of JSON, and those of JavaScript and of logs.
fn decode_backslash(text: &[u8]) -> Option<(Decoded, usize)> {
    let rest = text.strip_prefix(b"\\")?;
    match rest.first()? {
        b'u' => {
            let first = number(rest.get(1..5)?, 16)?;
            if !(0xd800..0xdc00).contains(&first) {
                return Some((utf8(first)?, 6));
            }
            let second = rest.get(5..)?.strip_prefix(b"\\u")?.get(..4)?;
            let second = number(second, 16)?.checked_sub(0xdc00)?;
            Some((utf8(0x10000 + ((first - 0xd800) << 10) + second)?, 12))
        }
        b'x' => Some((([number(rest.get(1..3)?, 16)? as u8, 0, 0, 0], 1), 4)),
        byte if byte.is_ascii_punctuation() => Some((([*byte, 0, 0, 0], 1), 2)),
        _ => None,
    }
}

/// Decodes the entities of HTML: numbers, and the names of characters that a secret is likely to hold.
fn decode_entity(text: &[u8]) -> Option<(Decoded, usize)> {
    const LONGEST_ENTITY: usize = 12;
    let rest = text.strip_prefix(b"&")?;
    let end = rest.iter().take(LONGEST_ENTITY).position(|b| *b == b';')?;
    let name = &rest[..end];
    let code = match name {
        b"amp" => u32::from(b'&'),
        b"lt" => u32::from(b'<'),
        b"gt" => u32::from(b'>'),
        b"quot" => u32::from(b'"'),
        b"apos" => u32::from(b'\''),
        b"plus" => u32::from(b'+'),
        b"sol" => u32::from(b'/'),
        b"equals" => u32::from(b'='),
        b"percnt" => u32::from(b'%'),
        b"colon" => u32::from(b':'),
        b"nbsp" => u32::from(b' '),
        _ => match name.strip_prefix(b"#")? {
            [b'x' | b'X', digits @ ..] => number(digits, 16)?,
            digits => number(digits, 10)?,
        },
    };
    Some((utf8(code)?, end + 2))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    let are_digits = digits.chars().all(|c| c.is_digit(radix));
    are_digits.then(|| u32::from_str_radix(digits, radix).ok())?
}

fn utf8(code: u32) -> Option<Decoded> {
    let mut bytes = [0; 4];
    let length = char::from_u32(code)?.encode_utf8(&mut bytes).len();
    Some((bytes, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "p8e-Zü+secret/&=%\"x";

    fn redact(text: &str) -> String {
        Secrets::new([Secret::new(SECRET)])
            .redact(text)
            .into_owned()
    }

    fn percent_encoded(text: &str, lower: bool) -> String {
        let encode = |b: u8| match b {
            b if b.is_ascii_alphanumeric() => (b as char).to_string(),
            b if lower => format!("%{b:02x}"),
            b => format!("%{b:02X}"),
        };
        text.bytes().map(encode).collect()
    }

    fn html(text: &str) -> String {
        text.replace('&', "&amp;")
            .replace('"', "&#34;")
            .replace('ü', "&#xFC;")
    }

    fn json(text: &str) -> String {
        let json = serde_json::to_string(text).unwrap();
        json.trim_matches('"')
            .replace('/', "\\/")
            .replace('ü', "\\u00fc")
    }

    fn base64(text: &str) -> String {
        Base64::encode_string(text.as_bytes())
    }

    #[test]
    fn a_secret_is_found_in_every_encoding() {
        let mut forms = vec![SECRET.to_owned(), percent_encoded(SECRET, false)];
        forms.push(percent_encoded(SECRET, true));
        forms.extend([html(SECRET), json(SECRET), base64(SECRET)]);
        // Two encodings, as when a page shows what a log recorded of a form.
        for outer in [html, json, base64, |t: &str| percent_encoded(t, false)] {
            forms.extend(
                [html, json, |t: &str| percent_encoded(t, true)].map(|inner| outer(&inner(SECRET))),
            );
        }
        forms.push(html(&json(&percent_encoded(SECRET, false))));
        for form in forms {
            let text = format!("it said client_secret={form} and more");
            let redacted = redact(&text);
            assert!(redacted.contains(PLACEHOLDER), "{form}: {redacted}");
            assert!(redacted.starts_with("it said "), "{form}: {redacted}");
            assert!(redacted.ends_with(" and more"), "{form}: {redacted}");
            assert!(
                redacted.len() < "it said client_secret= and more".len() + PLACEHOLDER.len() + 4,
                "{form}: {redacted}"
            );
        }
    }

    #[test]
    fn a_space_may_be_a_plus() {
        let login = Secrets::new([Secret::new("pass word and more")]);
        for form in [
            "pass word and more",
            "pass+word+and+more",
            "pass%20word%20and%20more",
        ] {
            assert_eq!(login.redact(form), PLACEHOLDER, "{form}");
        }
    }

    #[test]
    fn pieces_are_found_too() {
        let token = Secrets::new([Secret::new(
            "eyJhbGciOi.eyJpc3MiOiJub2JvZHkifQ.c2lnbmF0dXJl",
        )]);
        let text = "head eyJhbGciOi.eyJpc3MiOiJub2\nJvZHkifQ.c2lnbmF0dXJl tail";
        assert_eq!(token.redact(text), "head [secret]\n[secret] tail");
        assert_eq!(
            token.redact("the payload eyJpc3MiOiJub2JvZHkifQ alone"),
            "the payload [secret] alone"
        );
        assert_eq!(
            token.redact("cut: Bearer eyJhbG…, and on"),
            "cut: Bearer [secret]…, and on"
        );
        assert_eq!(
            token.redact("eyJ stands for every token"),
            "eyJ stands for every token"
        );
    }

    #[test]
    fn a_login_is_found_in_each_form() {
        let login = Secrets::for_login("user", &Secret::new("p4ss"));
        let text = "Proxy-Authorization: Basic dXNlcjpwNHNz, that is user:p4ss";
        assert_eq!(
            login.redact(text),
            "Proxy-Authorization: Basic [secret], that is [secret]"
        );
        assert_eq!(login.redact("password=\"p4ss\""), "password=\"[secret]\"");
        // A common word is left inside a code, and among words of the library.
        let login = Secrets::for_login("u", &Secret::new("user"));
        assert_eq!(login.redact("error.user.unknown"), "error.user.unknown");
        assert_eq!(login.redact_mixed("it wants a user"), "it wants a user");
        assert_eq!(login.redact("no user, no way"), "no [secret], no way");
    }

    #[test]
    fn a_text_without_a_secret_is_not_changed() {
        for text in [
            "",
            "…",
            "%",
            "%zz",
            "&",
            "&#;",
            "&#xffffffff;",
            "\\",
            "\\u12",
            "\\ud800\\u0000",
            "ü%C3",
        ] {
            assert_eq!(redact(text), text);
            assert_eq!(Secrets::default().redact(text), text);
        }
        let long = format!("{}{SECRET}", "ü".repeat(LONGEST));
        assert!(redact(&long).len() <= LONGEST + 3);
    }

    #[test]
    fn no_random_text_shows_the_secret() {
        let alphabet = [
            "%", "2", "5", "&", "#", "x", ";", "\\", "u", "d", "8", "ü", "…", "p8e-", SECRET, "A",
            "=",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let length = random.usize(..60);
            let text: String = (0..length)
                .map(|_| alphabet[random.usize(..alphabet.len())])
                .collect();
            assert!(!redact(&text).contains(SECRET), "{text}");
        }
    }
}
