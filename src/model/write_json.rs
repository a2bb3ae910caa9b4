//! JSON that is written piece by piece to the end of a text.

use crate::json::reader::plain_length;
use serde_json::Value;

/// Appends a text as JSON.
pub(crate) fn push_text(json: &mut String, text: &str) {
    match is_plain(text) {
        true => push_plain(json, text),
        false => push_escaped(json, text),
    }
}

/// Whether JSON writes the text as it is.
fn is_plain(text: &str) -> bool {
    plain_length(text.as_bytes()) == text.len()
}

fn push_plain(json: &mut String, text: &str) {
    json.reserve(text.len() + 2);
    json.push('"');
    json.push_str(text);
    json.push('"');
}

#[cold]
fn push_escaped(json: &mut String, text: &str) {
    json.push_str(&Value::from(text).to_string());
}

/// Appends a list of texts.
pub(crate) fn push_texts<'a>(json: &mut String, texts: impl Iterator<Item = &'a str>) {
    json.push('[');
    for (position, text) in texts.enumerate() {
        if position > 0 {
            json.push(',');
        }
        push_text(json, text);
    }
    json.push(']');
}

/// An object at the end of a text.
#[derive(Debug)]
pub(crate) struct ObjectWriter<'a> {
    json: &'a mut String,
    has_fields: bool,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn begin(json: &'a mut String) -> Self {
        json.push('{');
        ObjectWriter {
            json,
            has_fields: false,
        }
    }

    /// Begins a field whose name the library knows: such names have nothing in them to escape. Its value is to be
    /// appended to what is returned.
    pub(crate) fn field(&mut self, name: &'static str) -> &mut String {
        if self.has_fields {
            self.json.push(',');
        }
        self.has_fields = true;
        self.json.push('"');
        self.json.push_str(name);
        self.json.push_str("\":");
        self.json
    }

    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        push_text(self.field(name), text);
    }

    pub(crate) fn flag(&mut self, name: &'static str, value: bool) {
        self.field(name).push_str(match value {
            true => "true",
            false => "false",
        });
    }

    pub(crate) fn end(self) {
        self.json.push('}');
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
        object.flag("yes", true);
        object.end();
        let wanted = serde_json::json!({"first": texts[2], "list": texts, "yes": true});
        assert_eq!(json, wanted.to_string());
        json.clear();
        ObjectWriter::begin(&mut json).end();
        assert_eq!(json, "{}");
    }
}
