//! The names that an `add` or a `remove` is about.

use crate::model::order_key::{Key, group_key, user_key};
use crate::model::write_json::{ObjectWriter, push_texts};
use serde_json::{Map, Value};
use smallvec::SmallVec;
use std::fmt;
use std::ops::Range;

/// What the names of a list are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    Group,
    User,
    ProductConfiguration,
    Product,
}

impl Noun {
    const ALL: [Noun; 4] = [
        Noun::Group,
        Noun::User,
        Noun::ProductConfiguration,
        Noun::Product,
    ];

    fn of(wire: &str) -> Option<Self> {
        Noun::ALL.into_iter().find(|noun| noun.wire() == wire)
    }

    fn wire(self) -> &'static str {
        match self {
            Noun::Group => "group",
            Noun::User => "user",
            Noun::ProductConfiguration => "productConfiguration",
            Noun::Product => "product",
        }
    }

    /// The key of a name, for what the order between actions must heed.
    fn key(self, name: &str) -> Option<Key> {
        match self {
            Noun::Group => Some(group_key(name)),
            Noun::User => Some(user_key(name)),
            Noun::ProductConfiguration | Noun::Product => None,
        }
    }
}

/// Names in lists, one list for a noun, in the caller's order. All names stand in one buffer; their positions count
/// through all lists.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Members {
    buffer: Box<str>,
    /// Where each name ends in the buffer. It begins where the one before it ends.
    ends: SmallVec<[usize; 4]>,
    lists: SmallVec<[List; 1]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct List {
    noun: Noun,
    /// The position behind its last name. It begins where the one before it ends.
    end: usize,
}

impl Members {
    pub(super) fn new<S: AsRef<str>>(noun: Noun, names: &[S]) -> Self {
        let names = names.iter().map(AsRef::as_ref);
        let length = names.clone().map(str::len).sum();
        let mut members = Members::with_capacity(names.len(), length);
        members.push_list(noun, names);
        members.finish()
    }

    /// The lists in `body`; `None` if there is anything else in it.
    pub(super) fn read(body: &Map<String, Value>) -> Option<Self> {
        let mut members = Members::with_capacity(0, 0);
        for (field, list) in body {
            let noun = Noun::of(field)?;
            let names: Option<Vec<&str>> = list.as_array()?.iter().map(Value::as_str).collect();
            members.push_list(noun, names?.into_iter());
        }
        Some(members.finish())
    }

    fn with_capacity(names: usize, length: usize) -> Building {
        Building {
            buffer: String::with_capacity(length),
            ends: SmallVec::with_capacity(names),
            lists: SmallVec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn name(&self, position: usize) -> &str {
        let start = match position {
            0 => 0,
            _ => self.ends[position - 1],
        };
        &self.buffer[start..self.ends[position]]
    }

    /// Each list with those of its names that stand within `range`.
    fn lists(&self, range: Range<usize>) -> impl Iterator<Item = (Noun, Range<usize>)> {
        let mut start = 0;
        self.lists.iter().map(move |list| {
            let own = start..list.end;
            start = list.end;
            let within = own.start.max(range.start)..own.end.min(range.end);
            (list.noun, within)
        })
    }

    /// Writes the names within `range`. A list without any is left out, unless all names are written.
    pub(super) fn write_lists(&self, range: Range<usize>, body: &mut ObjectWriter<'_>) {
        let is_whole = range == (0..self.len());
        for (noun, within) in self.lists(range) {
            if is_whole || !within.is_empty() {
                let names = within.map(|position| self.name(position));
                push_texts(body.field(noun.wire()), names);
            }
        }
    }

    /// The keys of the users and groups within `range`.
    pub(super) fn keys(&self, range: Range<usize>) -> impl Iterator<Item = Key> {
        self.lists(range).flat_map(move |(noun, within)| {
            within.filter_map(move |position| noun.key(self.name(position)))
        })
    }
}

struct Building {
    buffer: String,
    ends: SmallVec<[usize; 4]>,
    lists: SmallVec<[List; 1]>,
}

impl Building {
    fn push_list<'a>(&mut self, noun: Noun, names: impl Iterator<Item = &'a str>) {
        for name in names {
            self.buffer.push_str(name);
            self.ends.push(self.buffer.len());
        }
        let end = self.ends.len();
        self.lists.push(List { noun, end });
    }

    fn finish(self) -> Members {
        Members {
            buffer: self.buffer.into_boxed_str(),
            ends: self.ends,
            lists: self.lists,
        }
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = self.lists(0..self.len());
        let lists = lists.map(|(noun, within)| {
            let names: Vec<_> = within.map(|position| self.name(position)).collect();
            (noun, names)
        });
        f.debug_map().entries(lists).finish()
    }
}
