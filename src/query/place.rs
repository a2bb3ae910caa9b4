//! Whether the page that came is the page that was asked for: a service that has lost its place sends another.

/// What is known of the pages read so far, a few bytes for each.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// By the number of the page; `None` for an empty one, which looks like any other.
    fingerprints: Vec<Option<u64>>,
    /// The number that the service gave the first page: it counts from 0 or from 1.
    first: Option<u64>,
    /// The service has numbered every page alike, so its numbers say nothing.
    numbers_stand_still: bool,
}

/// Where a page stands in the listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the pages read so far.
    Next,
    /// It is the page before the one asked for: what the service sends for a page past the end.
    Before,
    /// It is neither; and how that shows.
    Elsewhere(String),
}

impl Places {
    /// Where the page that came for page `asked` stands; `number` is what the service calls it.
    pub(crate) fn find(&self, asked: u64, fingerprint: Option<u64>, number: Option<u64>) -> Place {
        let read_before = fingerprint.and_then(|_| {
            let is_it = |seen: &Option<u64>| *seen == fingerprint;
            self.fingerprints.iter().position(is_it)
        });
        if let Some(page) = read_before {
            return match page as u64 + 1 == asked {
                true => Place::Before,
                false => Place::Elsewhere(format!("is page {page} again")),
            };
        }
        let Some(number) = number else {
            return Place::Next;
        };
        match self.first {
            None if asked == 0 && number > 1 => {
                Place::Elsewhere(format!("came as page {number} by the service's count"))
            }
            Some(first) if number == first + asked => Place::Next,
            Some(first) if number == first && self.numbers_stand_still => Place::Next,
            Some(first) if number + 1 == first + asked => Place::Before,
            Some(first) => Place::Elsewhere(format!(
                "came as page {number} by the service's count, which began at {first}"
            )),
            None => Place::Next,
        }
    }

    /// Notes a page that is handed out, or passed over because it is empty.
    pub(crate) fn note(&mut self, fingerprint: Option<u64>, number: Option<u64>) {
        if self.fingerprints.is_empty() {
            self.first = number;
            self.numbers_stand_still = true;
        }
        self.numbers_stand_still &= number.is_none() || number == self.first;
        self.fingerprints.push(fingerprint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(pages: &[(Option<u64>, Option<u64>)]) -> Places {
        let mut places = Places::default();
        for (fingerprint, number) in pages {
            places.note(*fingerprint, *number);
        }
        places
    }

    fn is_elsewhere(place: Place) -> bool {
        matches!(place, Place::Elsewhere(_))
    }

    #[test]
    fn a_page_is_known_again_by_what_is_on_it() {
        let places = after(&[(Some(10), None), (None, None), (Some(12), None)]);
        assert_eq!(places.find(3, Some(13), None), Place::Next);
        assert_eq!(places.find(3, None, None), Place::Next);
        assert_eq!(places.find(3, Some(12), None), Place::Before);
        assert!(is_elsewhere(places.find(3, Some(10), None)));
    }

    #[test]
    fn a_page_is_known_by_its_number_from_either_base() {
        for base in [0, 1] {
            let places = after(&[(Some(10), Some(base)), (None, Some(base + 1))]);
            assert_eq!(places.find(2, Some(12), Some(base + 2)), Place::Next);
            assert_eq!(places.find(2, None, Some(base + 1)), Place::Before);
            assert!(is_elsewhere(places.find(2, Some(13), Some(base + 3))));
            assert!(is_elsewhere(places.find(2, None, Some(base))));
            assert_eq!(places.find(2, Some(12), None), Place::Next);
        }
        assert!(is_elsewhere(after(&[]).find(0, Some(1), Some(3))));
        assert_eq!(after(&[]).find(0, Some(1), Some(1)), Place::Next);
    }

    #[test]
    fn numbers_that_never_change_say_nothing() {
        let places = after(&[(Some(10), Some(1)), (Some(11), Some(1))]);
        assert_eq!(places.find(2, Some(12), Some(1)), Place::Next);
        assert!(is_elsewhere(places.find(2, Some(12), Some(9))));
    }
}
