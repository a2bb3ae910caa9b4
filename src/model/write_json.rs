//! JSON that is written piece by piece to the end of a text.

use crate::json::reader::plain_length;
use serde_json::Value;

/// Appends a text as JSON.
pub(crate) fn push_text(json: &mut String, text: &str) {
    json.push('"');
    push_between_quotes(json, text);
    json.push('"');
}

fn push_between_quotes(json: &mut String, text: &str) {
    match plain_length(text.as_bytes()) == text.len() {
        true => json.push_str(text),
        false => push_escaped(json, text),
    }
}

#[cold]
fn push_escaped(json: &mut String, text: &str) {
    let quoted = Value::from(text).to_string();
    json.push_str(&quoted[1..quoted.len() - 1]);
}

/// Appends a list of texts.
pub(crate) fn push_texts<'a>(json: &mut String, mut texts: impl Iterator<Item = &'a str>) {
    let Some(first) = texts.next() else {
        return json.push_str("[]");
    };
    json.push_str("[\"");
    push_between_quotes(json, first);
    for text in texts {
        json.push_str("\",\"");
        push_between_quotes(json, text);
    }
    json.push_str("\"]");
}

/// An object at the end of a text. Its names are those that the library knows: they have nothing in them to escape.
#[derive(Debug)]
pub(crate) struct ObjectWriter<'a> {
    json: &'a mut String,
    has_fields: bool,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn begin(json: &'a mut String) -> Self {
        ObjectWriter {
            json,
            has_fields: false,
        }
    }

    fn push_name(&mut self, name: &'static str) {
        self.json.push_str(match self.has_fields {
            true => ",\"",
            false => "{\"",
        });
        self.has_fields = true;
        self.json.push_str(name);
    }

    /// Begins a field. Its value is to be appended to what is returned.
    pub(crate) fn field(&mut self, name: &'static str) -> &mut String {
        self.push_name(name);
        self.json.push_str("\":");
        self.json
    }

    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        self.push_name(name);
        self.json.push_str("\":\"");
        push_between_quotes(self.json, text);
        self.json.push('"');
    }

    pub(crate) fn flag(&mut self, name: &'static str, value: bool) {
        self.field(name).push_str(match value {
            true => "true",
            false => "false",
        });
    }

    pub(crate) fn end(self) {
        self.json.push_str(match self.has_fields {
            true => "}",
            false => "{}",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_serde_json_writes() {
        let texts = [
            "",
            "a",
            "\"",
            "\\",
            "\n\u{1}",
            "Zoë \u{7f}李",
            "12345678\"9",
        ];
        let mut json = String::new();
        let mut object = ObjectWriter::begin(&mut json);
        object.text("first", texts[2]);
        push_texts(object.field("list"), texts.into_iter());
        push_texts(object.field("none"), [].into_iter());
        object.flag("yes", true);
        object.end();
        let wanted = serde_json::json!({"first": texts[2], "list": texts, "none": [], "yes": true});
        assert_eq!(json, wanted.to_string());
        json.clear();
        ObjectWriter::begin(&mut json).end();
        assert_eq!(json, "{}");
    }
}
