//! The secrets of a request, blotted out of foreign words before these are quoted.
//!
//! A host, a proxy or a debugging tool may repeat what it was sent, and encode it as it likes: in percent signs, in JSON,
//! in HTML, in base64, or in several of these at once, and broken into lines. So the words are decoded in every way that
//! changes them, and what is found of a secret is blotted out where it came from.

use crate::secret::Secret;
use base64ct::{Base64, Encoding};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// The secrets that a request carries. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Option<Arc<[Secret]>>);

/// Stands where a secret stood.
const BLOT: &str = "[secret]";

/// So many characters of a secret in a row are a piece of it; fewer may be chance.
const PIECE: usize = 12;

/// A shorter secret may be a common word, and is blotted out only where it stands alone.
const COMMON_WORD: usize = 8;

/// The piece of a secret that a cut may leave at the end of a quotation.
const SHORTEST_STUB: usize = 4;

/// The most that is looked through; no quotation is as long.
const LONGEST: usize = 32 << 10;

/// How many encodings may lie over each other.
const DEPTH: usize = 3;

impl Secrets {
    pub(crate) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let secrets: Vec<_> = secrets
            .into_iter()
            .filter(|secret| !secret.reveal().is_empty())
            .collect();
        Secrets((!secrets.is_empty()).then(|| secrets.into()))
    }

    /// A login for a proxy: the password, and user and password as HTTP sends them, with and without base64.
    pub(crate) fn of_login(user: &str, password: &Secret) -> Self {
        let pair = Secret::new(format!("{user}:{}", password.reveal()));
        let encoded = Secret::new(Base64::encode_string(pair.reveal().as_bytes()));
        Secrets::new([password.clone(), pair, encoded])
    }

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

    /// Foreign words without the secrets. Call it before the words are cut to a length.
    pub(crate) fn blot<'t>(&self, foreign: &'t str) -> Cow<'t, str> {
        self.blot_out(foreign, true)
    }

    /// The same for a text that holds words of the library too, which a secret that is a common word must not mangle.
    pub(crate) fn blot_mixed<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.blot_out(text, false)
    }

    fn blot_out<'t>(&self, text: &'t str, common_words: bool) -> Cow<'t, str> {
        if self.list().is_empty() || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let wanted: Vec<_> = self
            .list()
            .iter()
            .map(|secret| Wanted::new(secret.reveal()))
            .filter(|wanted| common_words || wanted.folded.len() >= COMMON_WORD)
            .collect();
        let (looked_at, rest) = text.split_at(floor(text, LONGEST));
        let mut found = Vec::new();
        View::plain(looked_at).search(&wanted, DEPTH, true, &mut found);
        if found.is_empty() && rest.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut blotted = replaced(looked_at, found);
        if !rest.is_empty() {
            blotted.push('…');
        }
        Cow::Owned(blotted)
    }
}

fn replaced(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_by_key(|range| range.start);
    let mut blotted = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        // A piece of an encoded character is not a character.
        let (start, end) = (floor(text, range.start), ceil(text, range.end));
        if start > done || done == 0 {
            blotted.push_str(&text[done..start.max(done)]);
            blotted.push_str(BLOT);
        }
        done = done.max(end);
    }
    blotted.push_str(&text[done..]);
    blotted
}

/// The beginning of the character that a place is in.
fn floor(text: &str, place: usize) -> usize {
    let mut places = (0..=place.min(text.len())).rev();
    places.find(|n| text.is_char_boundary(*n)).unwrap_or(0)
}

/// The end of the character that a place is in.
fn ceil(text: &str, place: usize) -> usize {
    let mut places = place..=text.len();
    places
        .find(|n| text.is_char_boundary(*n))
        .unwrap_or(text.len())
}

/// A form writes a space as `+`; the two count as one.
fn fold(byte: u8) -> u8 {
    match byte {
        b'+' => b' ',
        byte => byte,
    }
}

/// A secret, ready to be looked for.
struct Wanted {
    folded: Vec<u8>,
    pieces: HashSet<[u8; PIECE]>,
}

impl Wanted {
    fn new(secret: &str) -> Self {
        let folded: Vec<_> = secret.bytes().map(fold).collect();
        let pieces = folded.windows(PIECE).map(piece).collect();
        Wanted { folded, pieces }
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.folded);
    }
}

fn piece(window: &[u8]) -> [u8; PIECE] {
    window.try_into().expect("windows are as long as a piece")
}

/// A text as it reads after some decoding, and where each of its bytes stands in the text as it came.
struct View {
    bytes: Vec<u8>,
    from: Vec<Range<u32>>,
}

type Decode = fn(&[u8]) -> Option<(Decoded, usize)>;

/// What stands for one character, at most four bytes of UTF-8.
type Decoded = ([u8; 4], usize);

const DECODERS: [Decode; 3] = [percent, backslash, entity];

impl View {
    fn plain(text: &str) -> Self {
        View {
            bytes: text.bytes().collect(),
            from: (0..text.len() as u32).map(|n| n..n + 1).collect(),
        }
    }

    fn search(
        &self,
        wanted: &[Wanted],
        depth: usize,
        with_base64: bool,
        found: &mut Vec<Range<usize>>,
    ) {
        let folded: Vec<_> = self.bytes.iter().copied().map(fold).collect();
        for secret in wanted {
            for range in matches(&folded, secret) {
                let start = self.from[range.start].start as usize;
                found.push(start..self.from[range.end - 1].end as usize);
            }
        }
        if depth == 0 {
            return;
        }
        for decode in DECODERS {
            if let Some(view) = self.decoded(decode) {
                view.search(wanted, depth - 1, with_base64, found);
            }
        }
        for skip in 0..if with_base64 { 4 } else { 0 } {
            if let Some(view) = self.without_base64(skip) {
                view.search(wanted, (depth - 1).min(1), false, found);
            }
        }
    }

    /// `None` if there was nothing to decode.
    fn decoded(&self, decode: Decode) -> Option<View> {
        let mut view = View::empty();
        let mut place = 0;
        while place < self.bytes.len() {
            match decode(&self.bytes[place..]) {
                Some(((character, length), used)) => {
                    let from = self.from[place].start..self.from[place + used - 1].end;
                    for byte in &character[..length] {
                        view.push(*byte, from.clone());
                    }
                    place += used;
                }
                None => {
                    view.push(self.bytes[place], self.from[place].clone());
                    place += 1;
                }
            }
        }
        (view.bytes.len() < self.bytes.len()).then_some(view)
    }

    /// What stands in base64, but for the first `skip` characters of each run, which may belong to what is before it.
    fn without_base64(&self, skip: usize) -> Option<View> {
        const SHORTEST_RUN: usize = 8;
        let mut view = View::empty();
        let mut place = 0;
        while place < self.bytes.len() {
            let run = self.bytes[place..].iter();
            let run = run.take_while(|b| sextet(**b).is_some()).count();
            let (start, end) = (place + skip, place + run);
            if run >= SHORTEST_RUN {
                for group in start..end {
                    let in_group = (group - start) % 4;
                    if in_group == 0 || group >= end {
                        continue;
                    }
                    let high = sextet(self.bytes[group - 1]).unwrap_or_default();
                    let low = sextet(self.bytes[group]).unwrap_or_default();
                    let byte = high << (2 * in_group) | low >> (6 - 2 * in_group);
                    view.push(byte, self.from[group - 1].start..self.from[group].end);
                }
            }
            // Something that is in no secret, so that what stands apart stays apart.
            place += run;
            if place < self.bytes.len() {
                view.push(0, self.from[place].clone());
                place += 1;
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

/// Where a secret, or a piece of it, stands in a text.
fn matches(text: &[u8], wanted: &Wanted) -> Vec<Range<usize>> {
    let secret = wanted.folded.as_slice();
    let mut found = Vec::new();
    if secret.len() >= PIECE {
        for (start, window) in text.windows(PIECE).enumerate() {
            if wanted.pieces.contains(&piece(window)) {
                extend(&mut found, start..start + PIECE);
            }
        }
    } else {
        for (start, window) in text.windows(secret.len()).enumerate() {
            let end = start + secret.len();
            if window == secret && (secret.len() >= COMMON_WORD || stands_alone(text, start..end)) {
                extend(&mut found, start..end);
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
            extend(&mut found, cut - length..cut);
        }
    }
    found
}

const ELLIPSIS: &[u8] = "…".as_bytes();

fn extend(found: &mut Vec<Range<usize>>, range: Range<usize>) {
    match found.last_mut() {
        Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
        _ => found.push(range),
    }
}

/// Whether it is a word by itself, and no part of a longer one or of a code such as `error.user.unknown`.
fn stands_alone(text: &[u8], range: Range<usize>) -> bool {
    let is_joined =
        |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"._-/".contains(byte);
    let before = range.start.checked_sub(1).and_then(|n| text.get(n));
    let after = text.get(range.end);
    !before.is_some_and(is_joined) && !after.is_some_and(is_joined)
}

/// Of either alphabet.
fn sextet(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn percent(text: &[u8]) -> Option<(Decoded, usize)> {
    let digits = text.strip_prefix(b"%")?.get(..2)?;
    Some((([number(digits, 16)? as u8, 0, 0, 0], 1), 3))
}

/// JSON's escapes, and those of JavaScript and of logs.
fn backslash(text: &[u8]) -> Option<(Decoded, usize)> {
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

fn entity(text: &[u8]) -> Option<(Decoded, usize)> {
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

    fn blot(text: &str) -> String {
        Secrets::new([Secret::new(SECRET)]).blot(text).into_owned()
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
        // One over another, as when a page shows what a log recorded of a form.
        for outer in [html, json, base64, |t: &str| percent_encoded(t, false)] {
            forms.extend(
                [html, json, |t: &str| percent_encoded(t, true)].map(|inner| outer(&inner(SECRET))),
            );
        }
        forms.push(html(&json(&percent_encoded(SECRET, false))));
        for form in forms {
            let text = format!("it said client_secret={form} and more");
            let blotted = blot(&text);
            assert!(blotted.contains(BLOT), "{form}: {blotted}");
            assert!(blotted.starts_with("it said "), "{form}: {blotted}");
            assert!(blotted.ends_with(" and more"), "{form}: {blotted}");
            assert!(
                blotted.len() < "it said client_secret= and more".len() + BLOT.len() + 4,
                "{form}: {blotted}"
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
            assert_eq!(login.blot(form), BLOT, "{form}");
        }
    }

    #[test]
    fn pieces_are_found_too() {
        let token = Secrets::new([Secret::new(
            "eyJhbGciOi.eyJpc3MiOiJub2JvZHkifQ.c2lnbmF0dXJl",
        )]);
        let text = "head eyJhbGciOi.eyJpc3MiOiJub2\nJvZHkifQ.c2lnbmF0dXJl tail";
        assert_eq!(token.blot(text), "head [secret]\n[secret] tail");
        assert_eq!(
            token.blot("the payload eyJpc3MiOiJub2JvZHkifQ alone"),
            "the payload [secret] alone"
        );
        assert_eq!(
            token.blot("cut: Bearer eyJhbG…, and on"),
            "cut: Bearer [secret]…, and on"
        );
        assert_eq!(
            token.blot("eyJ stands for every token"),
            "eyJ stands for every token"
        );
    }

    #[test]
    fn a_login_in_each_form() {
        let login = Secrets::of_login("user", &Secret::new("p4ss"));
        let text = "Proxy-Authorization: Basic dXNlcjpwNHNz, that is user:p4ss";
        assert_eq!(
            login.blot(text),
            "Proxy-Authorization: Basic [secret], that is [secret]"
        );
        assert_eq!(login.blot("password=\"p4ss\""), "password=\"[secret]\"");
        // A common word is no secret inside a code, nor among words of the library.
        let login = Secrets::of_login("u", &Secret::new("user"));
        assert_eq!(login.blot("error.user.unknown"), "error.user.unknown");
        assert_eq!(login.blot_mixed("it wants a user"), "it wants a user");
        assert_eq!(login.blot("no user, no way"), "no [secret], no way");
    }

    #[test]
    fn what_holds_none_stays_as_it_is() {
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
            assert_eq!(blot(text), text);
            assert_eq!(Secrets::default().blot(text), text);
        }
        let long = format!("{}{SECRET}", "ü".repeat(LONGEST));
        assert!(blot(&long).len() <= LONGEST + 3);
    }

    #[test]
    fn any_bytes_can_be_looked_through() {
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
            assert!(!blot(&text).contains(SECRET), "{text}");
        }
    }
}
