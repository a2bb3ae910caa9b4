//! Which entries share a request: as many as fit, and never two whose order matters, since the service keeps no order
//! within a request.

use super::split::Entry;
use crate::model::command::Key;
use crate::number_map::NumberMap;
use std::collections::VecDeque;

/// Requests under construction, oldest first.
#[derive(Debug)]
pub(crate) struct Batcher {
    entries_per_request: usize,
    requests: VecDeque<Vec<Entry>>,
    /// How many requests have been taken out: the number of the oldest one that is here.
    taken: usize,
    /// All requests before this one are full.
    first_with_room: usize,
    uses: NumberMap<Key, Uses>,
}

/// For so many entries at most a request has room from the start.
const MOST_ROOM: usize = 16;

/// The newest requests that change and that rely on a user or group.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    written: Option<usize>,
    read: Option<usize>,
}

impl Batcher {
    pub(crate) fn new(entries_per_request: usize) -> Self {
        Batcher {
            entries_per_request,
            requests: VecDeque::new(),
            taken: 0,
            first_with_room: 0,
            uses: NumberMap::default(),
        }
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        let number = self.place_for(&entry);
        self.note_uses(&entry, number);
        while self.taken + self.requests.len() <= number {
            let room = self.entries_per_request.min(MOST_ROOM);
            self.requests.push_back(Vec::with_capacity(room));
        }
        self.requests[number - self.taken].push(entry);
    }

    /// The first request with room behind everything that must come before the entry.
    fn place_for(&mut self, entry: &Entry) -> usize {
        let uses = |key| self.uses.get(key).copied().unwrap_or_default();
        let writes = entry.writes.iter().flat_map(|key| {
            let uses = uses(key);
            [uses.written, uses.read]
        });
        let reads = entry.reads.iter().map(|key| uses(key).written);
        let behind = writes.chain(reads).flatten().max();
        while self.is_full(self.first_with_room) {
            self.first_with_room += 1;
        }
        let earliest = behind.map_or(0, |number| number + 1);
        let mut number = earliest.max(self.first_with_room).max(self.taken);
        while !self.has_room(number, entry) {
            number += 1;
        }
        number
    }

    fn is_full(&self, number: usize) -> bool {
        match number.checked_sub(self.taken) {
            None => true,
            Some(position) => self
                .requests
                .get(position)
                .is_some_and(|request| request.len() >= self.entries_per_request),
        }
    }

    fn has_room(&self, number: usize, entry: &Entry) -> bool {
        let Some(request) = self.requests.get(number - self.taken) else {
            return true;
        };
        let deletes_clash = entry.deletes_group && request.iter().any(|e| e.deletes_group);
        request.len() < self.entries_per_request && !deletes_clash
    }

    fn note_uses(&mut self, entry: &Entry, number: usize) {
        for key in &entry.writes {
            self.uses.entry(*key).or_default().written = Some(number);
        }
        for key in &entry.reads {
            let uses = self.uses.entry(*key).or_default();
            uses.read = uses.read.max(Some(number));
        }
    }

    /// Whether a request is full.
    pub(crate) fn is_due(&self) -> bool {
        self.requests
            .iter()
            .any(|request| request.len() >= self.entries_per_request)
    }

    /// The oldest request, once it or one behind it is full.
    pub(crate) fn take_due(&mut self) -> Option<Vec<Entry>> {
        self.is_due().then(|| self.take_oldest()).flatten()
    }

    /// The oldest request, however few entries it has.
    pub(crate) fn take_oldest(&mut self) -> Option<Vec<Entry>> {
        let request = self.requests.pop_front()?;
        let number = self.taken;
        self.taken += 1;
        for key in request.iter().flat_map(|e| e.writes.iter().chain(&e.reads)) {
            let over = |used: Option<usize>| used.is_none_or(|used| used <= number);
            if let Some(uses) = self.uses.get(key)
                && over(uses.written)
                && over(uses.read)
            {
                self.uses.remove(key);
            }
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::{BatchLimits, split};
    use super::*;
    use crate::model::command::{Action, OnConflict};

    /// The requests that the actions go out in, as the actions' numbers.
    fn requests(actions: &[Action]) -> Vec<Vec<usize>> {
        let mut batcher = Batcher::new(10);
        for (number, action) in actions.iter().enumerate() {
            for entry in split(action, number, &BatchLimits::default()) {
                batcher.push(entry);
            }
        }
        std::iter::from_fn(|| batcher.take_oldest())
            .map(|request| request.iter().map(|e| e.action).collect())
            .collect()
    }

    fn user(name: &str, groups: &[&str]) -> Action {
        let mut action = Action::on_user(&format!("{name}@example.com"), None).unwrap();
        action.add_to_groups(groups).unwrap();
        action
    }

    fn group(name: &str, build: impl FnOnce(&mut Action)) -> Action {
        let mut action = Action::on_group(name).unwrap();
        build(&mut action);
        action
    }

    #[test]
    fn ten_fit() {
        let actions: Vec<_> = (0..25).map(|n| user(&n.to_string(), &["G"])).collect();
        let sizes: Vec<_> = requests(&actions).iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 5]);
    }

    #[test]
    fn one_target_never_twice_and_in_order() {
        let actions = [
            user("a", &["G"]),
            user("A", &["H"]),
            user("b", &["G"]),
            user("a", &["I"]),
        ];
        assert_eq!(requests(&actions), [vec![0, 2], vec![1], vec![3]]);
    }

    #[test]
    fn who_needs_a_new_group_comes_after_it() {
        let create = |a: &mut Action| {
            a.create_group(None, OnConflict::Ignore).unwrap();
        };
        let delete = |a: &mut Action| {
            a.delete_group().unwrap();
        };
        let actions = [
            group("New", create),
            user("a", &["new"]),
            user("b", &["Other"]),
            group("New", delete),
            group("Old", delete),
        ];
        assert_eq!(requests(&actions), [vec![0, 2, 4], vec![1], vec![3]]);
    }

    #[test]
    fn one_group_delete_a_request() {
        let delete = |name| {
            group(name, |a| {
                a.delete_group().unwrap();
            })
        };
        assert_eq!(requests(&[delete("A"), delete("B"), delete("C")]).len(), 3);
    }

    #[test]
    fn both_sides_of_a_membership_keep_their_order() {
        let add = |a: &mut Action| {
            a.add_users(&["a@example.com"]).unwrap();
        };
        let actions = [user("a", &["X"]), group("G", add), user("a", &["G"])];
        assert_eq!(requests(&actions), [vec![0], vec![1], vec![2]]);
    }
}
