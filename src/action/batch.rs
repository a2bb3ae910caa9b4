//! Which entries share a request: as many as fit, and never two whose order matters, since the service keeps no order
//! within a request.

use super::open_requests::OpenRequests;
use super::split::Entry;
use crate::model::order_key::Key;
use crate::number_map::NumberMap;
use std::collections::VecDeque;

/// Requests under construction, oldest first.
#[derive(Debug)]
pub(crate) struct Batcher {
    entries_per_request: usize,
    requests: VecDeque<Vec<Entry>>,
    /// How many requests have been taken out: the number of the oldest one that is here.
    taken: usize,
    /// How many of those that are here are full.
    full: usize,
    /// Those with room for another entry.
    with_room: OpenRequests,
    /// Of these, the ones that delete no group.
    with_room_for_delete: OpenRequests,
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
            full: 0,
            with_room: OpenRequests::default(),
            with_room_for_delete: OpenRequests::default(),
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
        let request = &mut self.requests[number - self.taken];
        if entry.deletes_group {
            self.with_room_for_delete.close(number);
        }
        request.push(entry);
        if request.len() == self.entries_per_request {
            self.full += 1;
            self.with_room.close(number);
            self.with_room_for_delete.close(number);
        }
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
        let earliest = behind.map_or(0, |number| number + 1);
        match entry.deletes_group {
            true => self.with_room_for_delete.first_from(earliest),
            false => self.with_room.first_from(earliest),
        }
    }

    fn note_uses(&mut self, entry: &Entry, number: usize) {
        let number = Some(number);
        for key in &entry.writes {
            let uses = self.uses.entry(*key).or_default();
            uses.written = uses.written.max(number);
        }
        for key in &entry.reads {
            let uses = self.uses.entry(*key).or_default();
            uses.read = uses.read.max(number);
        }
    }

    /// Whether a request is full.
    pub(crate) fn is_due(&self) -> bool {
        self.full > 0
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
        self.full -= usize::from(request.len() >= self.entries_per_request);
        self.with_room.drop_until(self.taken);
        self.with_room_for_delete.drop_until(self.taken);
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

    /// Puts entries of the request that was taken last, and that was not sent, back as the oldest request. Nothing may
    /// have been pushed meanwhile.
    pub(crate) fn put_back(&mut self, request: Vec<Entry>) {
        self.taken -= 1;
        for entry in &request {
            self.note_uses(entry, self.taken);
        }
        self.full += usize::from(request.len() >= self.entries_per_request);
        self.with_room.put_back_closed(self.taken);
        self.with_room_for_delete.put_back_closed(self.taken);
        self.requests.push_front(request);
    }

    /// How many steps the search for places has taken so far.
    #[cfg(test)]
    fn steps(&self) -> usize {
        self.with_room.steps() + self.with_room_for_delete.steps()
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::{BatchLimits, split};
    use super::*;
    use crate::model::action::Action;
    use crate::model::command::OnConflict;

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

    #[test]
    fn the_admins_of_a_new_group_come_after_it() {
        let actions = [
            group("New", |a| {
                a.create_group(None, OnConflict::Ignore).unwrap();
            }),
            user("a", &["_admin_New"]),
            user("b", &["_PRODUCT_ADMIN_new"]),
            user("c", &["_developer_Other"]),
            group("_admin_New", |a| {
                a.add_users(&["d@example.com"]).unwrap();
            }),
        ];
        assert_eq!(requests(&actions), [vec![0, 3], vec![1, 2], vec![4]]);
    }

    #[test]
    fn what_is_put_back_is_the_oldest_again_and_keeps_its_order() {
        let mut batcher = Batcher::new(2);
        let push = |batcher: &mut Batcher, number, action: &Action| {
            for entry in split(action, number, &BatchLimits::default()) {
                batcher.push(entry);
            }
        };
        for (number, action) in [user("a", &["G"]), user("b", &["G"])].iter().enumerate() {
            push(&mut batcher, number, action);
        }
        let request = batcher.take_due().unwrap();
        assert!(!batcher.is_due());
        batcher.put_back(request);
        assert!(batcher.is_due());
        push(&mut batcher, 2, &user("a", &["H"]));
        push(&mut batcher, 3, &user("c", &["H"]));
        let mut request = batcher.take_due().unwrap();
        request.truncate(1);
        batcher.put_back(request);
        push(&mut batcher, 4, &user("a", &["I"]));
        let rest: Vec<Vec<_>> = std::iter::from_fn(|| batcher.take_oldest())
            .map(|request| request.iter().map(|e| e.action).collect())
            .collect();
        assert_eq!(rest, [vec![0], vec![2, 3], vec![4]]);
    }

    /// How many steps it takes to find places for all of the actions.
    fn steps_for(actions: impl Iterator<Item = Action>) -> usize {
        let mut batcher = Batcher::new(10);
        let limits = BatchLimits::default();
        for (number, action) in actions.enumerate() {
            split(&action, number, &limits)
                .into_iter()
                .for_each(|entry| batcher.push(entry));
        }
        batcher.steps()
    }

    #[test]
    fn the_work_grows_with_the_actions_and_no_faster() {
        let create = |name: &str| {
            group(name, |a| {
                a.create_group(None, OnConflict::Ignore).unwrap();
            })
        };
        let join = |group: &'static str| move |n: usize| user(&n.to_string(), &[group]);
        let delete = |n: usize| {
            group(&n.to_string(), |a| {
                a.delete_group().unwrap();
            })
        };
        let touch = |n: usize| user(&format!("x{n}"), &["Old"]);
        const COUNT: usize = 20_000;
        let shapes: [(&str, Box<dyn Iterator<Item = Action>>); 6] = [
            ("people", Box::new((0..COUNT).map(join("Old")))),
            (
                "people of a new group",
                Box::new(std::iter::once(create("New")).chain((0..COUNT).map(join("New")))),
            ),
            ("group deletes", Box::new((0..COUNT).map(delete))),
            (
                "people, then group deletes, then people",
                Box::new(
                    (0..COUNT / 4)
                        .map(touch)
                        .chain((0..COUNT / 4).map(delete))
                        .chain((0..COUNT / 2).map(join("Old"))),
                ),
            ),
            (
                "group deletes among people of new groups",
                Box::new((0..COUNT).map(|n| match n % 100 {
                    0 => create("New"),
                    1..20 => delete(n),
                    _ => join("New")(n),
                })),
            ),
            (
                "one person again and again",
                Box::new((0..COUNT).map(|n| match n % 2 {
                    0 => user("a", &["Old"]),
                    _ => touch(n),
                })),
            ),
        ];
        for (name, actions) in shapes {
            let steps = steps_for(actions);
            assert!(
                steps < 8 * COUNT,
                "{name}: {steps} steps for {COUNT} actions"
            );
        }
    }
}
