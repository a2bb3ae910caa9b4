//! The order of the pages of a listing. A defective service may answer the request for one page with another.

/// The fingerprints and numbers of the pages read so far, a few bytes for each page.
#[derive(Debug, Default)]
pub(crate) struct PageOrder {
    /// In the order of the pages. `None` stands for an empty page, which cannot be distinguished from another empty
    /// page.
    fingerprints: Vec<Option<u64>>,
    /// The number that the service gave the first page: some services count from 0, others from 1.
    first: Option<u64>,
    /// Whether the service has given every page the same number, so that its numbers say nothing.
    has_constant_number: bool,
}

/// How a page relates to the pages read so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// It is the page that was asked for.
    Next,
    /// It is the page before the one that was asked for, which is how some services answer past the end.
    Previous,
    /// It is neither. The text says how that shows.
    OutOfOrder(String),
}

impl PageOrder {
    /// Classifies the page that came for page `asked`; `number` is the service's own number of it.
    pub(crate) fn classify(
        &self,
        asked: u64,
        fingerprint: Option<u64>,
        number: Option<u64>,
    ) -> Position {
        let read_before = fingerprint.and_then(|_| {
            let is_it = |seen: &Option<u64>| *seen == fingerprint;
            self.fingerprints.iter().position(is_it)
        });
        if let Some(page) = read_before {
            return match page as u64 + 1 == asked {
                true => Position::Previous,
                false => Position::OutOfOrder(format!("is page {page} again")),
            };
        }
        let Some(number) = number else {
            return Position::Next;
        };
        match self.first {
            None if asked == 0 && number > 1 => {
                Position::OutOfOrder(format!("came as page {number} by the service's count"))
            }
            Some(first) if number == first + asked => Position::Next,
            Some(first) if number == first && self.has_constant_number => Position::Next,
            Some(first) if number + 1 == first + asked => Position::Previous,
            Some(first) => Position::OutOfOrder(format!(
                "came as page {number} by the service's count, which began at {first}"
            )),
            None => Position::Next,
        }
    }

    /// Records a page that is delivered, or that is skipped because it is empty.
    pub(crate) fn record(&mut self, fingerprint: Option<u64>, number: Option<u64>) {
        if self.fingerprints.is_empty() {
            self.first = number;
            self.has_constant_number = true;
        }
        self.has_constant_number &= number.is_none() || number == self.first;
        self.fingerprints.push(fingerprint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(pages: &[(Option<u64>, Option<u64>)]) -> PageOrder {
        let mut order = PageOrder::default();
        for (fingerprint, number) in pages {
            order.record(*fingerprint, *number);
        }
        order
    }

    fn is_out_of_order(position: Position) -> bool {
        matches!(position, Position::OutOfOrder(_))
    }

    #[test]
    fn a_page_that_was_read_before_is_recognised_by_its_content() {
        let order = after(&[(Some(10), None), (None, None), (Some(12), None)]);
        assert_eq!(order.classify(3, Some(13), None), Position::Next);
        assert_eq!(order.classify(3, None, None), Position::Next);
        assert_eq!(order.classify(3, Some(12), None), Position::Previous);
        assert!(is_out_of_order(order.classify(3, Some(10), None)));
    }

    #[test]
    fn a_page_is_recognised_by_its_number_from_either_base() {
        for base in [0, 1] {
            let order = after(&[(Some(10), Some(base)), (None, Some(base + 1))]);
            assert_eq!(order.classify(2, Some(12), Some(base + 2)), Position::Next);
            assert_eq!(order.classify(2, None, Some(base + 1)), Position::Previous);
            assert!(is_out_of_order(order.classify(2, Some(13), Some(base + 3))));
            assert!(is_out_of_order(order.classify(2, None, Some(base))));
            assert_eq!(order.classify(2, Some(12), None), Position::Next);
        }
        assert!(is_out_of_order(after(&[]).classify(0, Some(1), Some(3))));
        assert_eq!(after(&[]).classify(0, Some(1), Some(1)), Position::Next);
    }

    #[test]
    fn numbers_that_never_change_are_ignored() {
        let order = after(&[(Some(10), Some(1)), (Some(11), Some(1))]);
        assert_eq!(order.classify(2, Some(12), Some(1)), Position::Next);
        assert!(is_out_of_order(order.classify(2, Some(12), Some(9))));
    }
}
