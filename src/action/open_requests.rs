//! The search for a request that is open for more entries, which skips any number of closed ones in few steps.

use std::collections::VecDeque;

/// Requests by their numbers, in ascending order; each is open until it is closed. A closed request is linked to the next
/// one, and each search shortens the links that it follows (a union-find forest), so that many searches take few steps
/// each.
#[derive(Debug, Default)]
pub(crate) struct OpenRequests {
    /// The number of the first request in `next`; requests before it are gone.
    first: usize,
    /// For each request the one at which the search goes on: itself while it is open. Requests beyond the end are open.
    next: VecDeque<usize>,
    #[cfg(test)]
    steps: usize,
}

impl OpenRequests {
    /// The first open request that is not before `number`.
    pub(crate) fn first_from(&mut self, number: usize) -> usize {
        let mut number = number.max(self.first);
        loop {
            #[cfg(test)]
            {
                self.steps += 1;
            }
            let next = self.next_of(number);
            if next == number {
                return number;
            }
            let shortcut = self.next_of(next);
            self.next[number - self.first] = shortcut;
            number = shortcut;
        }
    }

    fn next_of(&self, number: usize) -> usize {
        let next = self.next.get(number - self.first);
        next.copied().unwrap_or(number)
    }

    /// Closes a request that is not gone; closing it again changes nothing.
    pub(crate) fn close(&mut self, number: usize) {
        while self.first + self.next.len() <= number {
            self.next.push_back(self.first + self.next.len());
        }
        let next = &mut self.next[number - self.first];
        if *next == number {
            *next = number + 1;
        }
    }

    /// Drops the requests before `number`.
    pub(crate) fn drop_until(&mut self, number: usize) {
        let gone = number.saturating_sub(self.first).min(self.next.len());
        self.next.drain(..gone);
        self.first = self.first.max(number);
    }

    /// Puts the newest request that is gone back, as a closed one.
    pub(crate) fn put_back_closed(&mut self, number: usize) {
        debug_assert_eq!(number + 1, self.first);
        self.first = number;
        self.next.push_front(number + 1);
    }

    #[cfg(test)]
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_what_a_plain_search_finds() {
        let mut dice = fastrand::Rng::with_seed(3);
        let (mut open, mut closed, mut gone) = (OpenRequests::default(), Vec::new(), 0);
        for _ in 0..50_000 {
            match dice.u8(0..10) {
                0..5 => {
                    let number = gone + dice.usize(0..50);
                    let plain = (number..).find(|n| !closed.contains(n)).unwrap();
                    assert_eq!(open.first_from(number), plain);
                }
                5..8 => {
                    let number = gone + dice.usize(0..40);
                    open.close(number);
                    closed.push(number);
                }
                8 => {
                    gone += 1;
                    open.drop_until(gone);
                    closed.retain(|n| *n >= gone);
                }
                _ if gone > 0 => {
                    gone -= 1;
                    open.put_back_closed(gone);
                    closed.push(gone);
                }
                _ => {}
            }
        }
    }
}
