//! What a command says behind its name, whether it was given field by field or as JSON.

use crate::json::reader::plain_length;
use crate::json::text::SharedText;
use serde_json::{Map, Value};

/// What the library must know of a command, besides passing it on.
pub(crate) trait Body {
    fn has(&self, field: &str) -> bool;
    fn text(&self, field: &str) -> Option<&str>;
    /// Whether it is this word and no object.
    fn is_word(&self, word: &str) -> bool;
    /// Whether every field of it is one of these, and holds what may stand there.
    fn fits(&self, known: &[(&str, Shape)]) -> bool;
    fn each_name(&self, list: &str, what: &mut dyn FnMut(&str));
    /// How many names its lists hold together.
    fn names(&self) -> usize;
}

/// What may stand in a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Text,
    OneOf(&'static [&'static str]),
    /// A list of texts.
    Names,
    /// `true` or `false`.
    Flag,
}

impl Shape {
    fn of(known: &[(&str, Shape)], field: &str) -> Option<Self> {
        let known = known.iter().find(|(name, _)| *name == field)?;
        Some(known.1)
    }

    fn takes_text(self, text: &str) -> bool {
        match self {
            Shape::Text => true,
            Shape::OneOf(words) => words.contains(&text),
            Shape::Names | Shape::Flag => false,
        }
    }

    fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::String(text)) => self.takes_text(text),
            (Shape::Names, Value::Array(names)) => names.iter().all(Value::is_string),
            (Shape::Flag, value) => value.is_boolean(),
            _ => false,
        }
    }
}

impl Body for Value {
    fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.get(field)?.as_str()
    }

    fn is_word(&self, word: &str) -> bool {
        self.as_str() == Some(word)
    }

    fn fits(&self, known: &[(&str, Shape)]) -> bool {
        let takes = |(field, value): (&String, &Value)| {
            Shape::of(known, field).is_some_and(|shape| shape.takes(value))
        };
        self.as_object()
            .is_some_and(|fields| fields.iter().all(takes))
    }

    fn each_name(&self, list: &str, what: &mut dyn FnMut(&str)) {
        let names = match self.get(list) {
            Some(Value::Array(names)) => names.as_slice(),
            Some(name) => std::slice::from_ref(name),
            None => &[],
        };
        names.iter().filter_map(Value::as_str).for_each(what);
    }

    fn names(&self) -> usize {
        let lists = self.as_object().into_iter().flat_map(Map::values);
        lists.filter_map(Value::as_array).map(Vec::len).sum()
    }
}

/// The texts and lists of a command, in the order in which they are sent.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(Vec<(&'static str, Field<'a>)>);

#[derive(Debug)]
enum Field<'a> {
    Text(&'a str),
    Names(Vec<&'a str>),
}

impl<'a> Fields<'a> {
    /// Those of the texts that were given.
    pub(crate) fn given<const N: usize>(texts: [(&'static str, Option<&'a str>); N]) -> Self {
        let given = texts.into_iter();
        let given = given.filter_map(|(name, text)| Some((name, Field::Text(text?))));
        let mut fields = Vec::with_capacity(N);
        fields.extend(given);
        Fields(fields)
    }

    pub(crate) fn list<S: AsRef<str>>(name: &'static str, names: &'a [S]) -> Self {
        let names = names.iter().map(AsRef::as_ref).collect();
        Fields(vec![(name, Field::Names(names))])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, field: &str) -> Option<&Field<'a>> {
        let found = self.0.iter().find(|(name, _)| *name == field)?;
        Some(&found.1)
    }

    /// The JSON of a command of this name.
    pub(crate) fn json(&self, command: &'static str) -> SharedText {
        let mut json = String::with_capacity(256);
        json.push('{');
        push_name(&mut json, command);
        json.push('{');
        for (position, (name, field)) in self.0.iter().enumerate() {
            push_comma(&mut json, position);
            push_name(&mut json, name);
            match field {
                Field::Text(text) => push_text(&mut json, text),
                Field::Names(names) => {
                    json.push('[');
                    for (position, name) in names.iter().enumerate() {
                        push_comma(&mut json, position);
                        push_text(&mut json, name);
                    }
                    json.push(']');
                }
            }
        }
        json.push_str("}}");
        SharedText::new(json)
    }
}

impl Body for Fields<'_> {
    fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    fn text(&self, field: &str) -> Option<&str> {
        match self.get(field)? {
            Field::Text(text) => Some(text),
            Field::Names(_) => None,
        }
    }

    fn is_word(&self, _: &str) -> bool {
        false
    }

    fn fits(&self, known: &[(&str, Shape)]) -> bool {
        self.0.iter().all(|(name, field)| {
            Shape::of(known, name).is_some_and(|shape| match field {
                Field::Text(text) => shape.takes_text(text),
                Field::Names(_) => matches!(shape, Shape::Names),
            })
        })
    }

    fn each_name(&self, list: &str, what: &mut dyn FnMut(&str)) {
        if let Some(Field::Names(names)) = self.get(list) {
            names.iter().copied().for_each(what);
        }
    }

    fn names(&self) -> usize {
        let lists = self.0.iter().map(|(_, field)| match field {
            Field::Text(_) => 0,
            Field::Names(names) => names.len(),
        });
        lists.sum()
    }
}

fn push_comma(json: &mut String, position: usize) {
    if position > 0 {
        json.push(',');
    }
}

/// The library's own names have nothing in them to escape.
fn push_name(json: &mut String, name: &'static str) {
    json.push('"');
    json.push_str(name);
    json.push_str("\":");
}

/// Appends a text as JSON.
pub(crate) fn push_text(json: &mut String, text: &str) {
    json.push('"');
    match plain_length(text.as_bytes()) == text.len() {
        true => json.push_str(text),
        false => {
            let quoted = Value::from(text).to_string();
            json.push_str(&quoted[1..quoted.len() - 1]);
        }
    }
    json.push('"');
}
