//! What the service says in the body of a refusal, in whichever of its shapes.

use crate::redaction::Secrets;
use serde_json::Value;

/// The service's own code and words; either may be missing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    pub code: Option<String>,
    pub message: Option<String>,
    pub speaker: Speaker,
}

/// Who wrote it, as far as its shape tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The service, or nobody: an empty body is one of its shapes.
    #[default]
    Service,
    /// The gateway before the service.
    Gateway,
    /// A proxy or another server, for this is none of their shapes.
    Stranger,
}

/// An error page of a proxy can be long; a sentence is enough to recognise it.
const LONGEST_QUOTE: usize = 300;

/// Code and message of the gateway, of the service (three shapes) and of the token endpoint, in that order.
const SHAPES: [(&str, &str); 4] = [
    ("error_code", "message"),
    ("result", "message"),
    ("errorCode", "errorMessage"),
    ("error", "error_description"),
];

/// `secrets` are blotted out of the words before they are cut to a length.
pub(crate) fn parse(body: &[u8], secrets: &Secrets) -> ErrorBody {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(object)) => {
            let text = |key: &str| match object.get(key) {
                Some(Value::String(text)) if !text.is_empty() => Some(quote(&secrets.blot(text))),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };
            let speaker = match object.contains_key(SHAPES[0].0) {
                true => Speaker::Gateway,
                false => Speaker::Service,
            };
            ErrorBody {
                speaker,
                code: SHAPES.iter().find_map(|(code, _)| text(code)),
                message: SHAPES.iter().find_map(|(_, message)| text(message)),
            }
        }
        _ => ErrorBody {
            speaker: match body.trim_ascii().is_empty() {
                true => Speaker::Service,
                false => Speaker::Stranger,
            },
            code: None,
            message: plain_words(body, secrets),
        },
    }
}

/// The words of a body that is no JSON, without its markup.
fn plain_words(body: &[u8], secrets: &Secrets) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let head = secrets.blot(&head);
    let mut words = String::new();
    let mut in_tag = false;
    for c in head.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                words.push(' ');
            }
            _ if !in_tag => words.push(c),
            _ => {}
        }
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then(|| quote(&secrets.blot(&words)))
}

fn quote(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_QUOTE)
        .collect();
    if text.chars().nth(LONGEST_QUOTE).is_some() {
        clean + "…"
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> (Option<String>, Option<String>) {
        let ErrorBody { code, message, .. } = parse(body.as_bytes(), &Secrets::default());
        (code, message)
    }

    #[test]
    fn the_shape_tells_who_speaks() {
        let speaker = |body: &str| parse(body.as_bytes(), &Secrets::default()).speaker;
        for service in [
            "",
            "  ",
            r#"{"result":"Not found"}"#,
            r#"{"errorMessage":"m"}"#,
        ] {
            assert_eq!(speaker(service), Speaker::Service, "{service}");
        }
        assert_eq!(speaker(r#"{"error_code":"404000"}"#), Speaker::Gateway);
        for stranger in ["<html>", "[]", "404 page not found", "\"no\""] {
            assert_eq!(speaker(stranger), Speaker::Stranger, "{stranger}");
        }
    }

    #[test]
    fn every_shape_gives_code_and_words() {
        let both = |code: &str, words: &str| (Some(code.into()), Some(words.into()));
        assert_eq!(
            told(r#"{"error_code":"429050","message":"Too many requests"}"#),
            both("429050", "Too many requests")
        );
        assert_eq!(
            told(r#"{"result":"error.group.not_found","message":"no such group"}"#),
            both("error.group.not_found", "no such group")
        );
        assert_eq!(
            told(r#"{"errorMessage":"m","errorCode":"c"}"#),
            both("c", "m")
        );
        assert_eq!(told(r#"{"errorMessage":"m"}"#), (None, Some("m".into())));
        assert_eq!(
            told(r#"{"error":"invalid_client","error_description":"bad secret"}"#),
            both("invalid_client", "bad secret")
        );
        assert_eq!(told(""), (None, None));
        assert_eq!(
            told("<html><body><h1>Bad\nGateway</h1></body></html>"),
            (None, Some("Bad Gateway".into()))
        );
    }

    #[test]
    fn long_and_odd_bodies_are_cut() {
        let (_, message) = told(&"x".repeat(100_000));
        assert_eq!(message.unwrap().chars().count(), LONGEST_QUOTE + 1);
        assert_eq!(told("\u{0}\u{1}"), (None, Some("  ".into())));
    }
}
