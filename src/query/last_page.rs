//! Where a listing ends. The service's own statement decides; nothing is guessed that would cut a listing short.

use crate::error::{Absent, Delivery, Error, ErrorKind, Result};
use crate::model::error_body::quote;
use crate::model::page::PageStats;

/// What a page and its headers say about the pages after it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PageFacts {
    /// Counted from 0.
    pub page: u64,
    /// `lastPage`.
    pub last: Option<bool>,
    /// `X-Page-Count`.
    pub page_count: Option<u64>,
    /// `X-Total-Count`. The service counts technical accounts in it, which no page lists.
    pub total_count: Option<u64>,
    pub items: u64,
    pub items_before: u64,
}

/// Whether there are pages after the newest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MorePages {
    /// The next page has to be asked for.
    Expected,
    /// The newest page is the last.
    None,
}

/// What the facts of a page say of the pages after it. Where the facts disagree, the next page is expected: the answer
/// to the request for it then decides.
pub(crate) fn after_page(facts: PageFacts) -> MorePages {
    // A count that does not include a page with items on it is wrong.
    let page_count = facts
        .page_count
        .filter(|count| *count > facts.page || facts.items == 0);
    let is_counted_last = page_count.map(|count| facts.page + 1 >= count);
    let is_end = match (facts.last, is_counted_last) {
        (Some(false), _) | (None, None) => false,
        (Some(true), counted) => counted != Some(false) && !is_empty_against_total(facts),
        (None, Some(counted)) => counted && !is_short_of_total(facts),
    };
    match is_end {
        true => MorePages::None,
        false => MorePages::Expected,
    }
}

/// The first page lists no item, although the service counts some.
fn is_empty_against_total(facts: PageFacts) -> bool {
    facts.page == 0 && facts.items == 0 && facts.total_count.is_some_and(|total| total > 0)
}

/// The page is the last by the count of pages, but fewer items came than the service counts: one of the two counts is
/// wrong, or the rest are technical accounts.
fn is_short_of_total(facts: PageFacts) -> bool {
    let items = facts.items_before + facts.items;
    facts.page_count == Some(facts.page + 1) && facts.total_count.is_some_and(|total| items < total)
}

/// Whether the counts that came with an empty first page agree that there is nothing to list.
pub(crate) fn is_nothing(stats: PageStats) -> bool {
    stats.total_count.unwrap_or(0) == 0 && stats.page_count.unwrap_or(0) <= 1
}

/// Checks that a listing may end before `page`, for which none came, or the page before it once more. It may not if the
/// service counts more pages or, where it counts none, said that the page before is not the last. `said_last` is what
/// the service said of that.
pub(crate) fn check_end_before(
    page: u64,
    page_count: Option<u64>,
    said_last: Option<bool>,
    how: &str,
) -> Result<()> {
    match (page_count, said_last) {
        (Some(count), None | Some(false)) if page < count => Err(cut_short(format_args!(
            "the service counts {count} pages, but page {page} (from 0) {how}"
        ))),
        (None, Some(false)) => Err(cut_short(format_args!(
            "the page before was not the last, but page {page} (from 0) {how}"
        ))),
        _ => Ok(()),
    }
}

/// The error for a listing that ends too early, which must never look complete.
pub(crate) fn cut_short(how: impl std::fmt::Display) -> Error {
    Error::protocol(format!("the listing is cut short: {how}"))
}

/// The error for 200 with `"result": "Not found"` for page 0, which every listing has.
pub(crate) fn no_first_page(message: Option<&str>) -> Error {
    let words = message.map_or(String::new(), |words| format!(", {}", quote(words)));
    Error::new(
        ErrorKind::NotFound,
        format!("the service does not know this, not even a first page (Not found{words})"),
    )
    .with_delivery(Delivery::Answered)
    .with_code(Some("Not found".into()))
    .with_absent(Absent::Page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more_pages(last: Option<bool>, page: u64, page_count: Option<u64>) -> MorePages {
        after_page(PageFacts {
            page,
            last,
            page_count,
            items: 20,
            ..PageFacts::default()
        })
    }

    #[test]
    fn facts_that_agree_decide() {
        assert_eq!(more_pages(Some(true), 2, Some(3)), MorePages::None);
        assert_eq!(more_pages(Some(true), 2, None), MorePages::None);
        assert_eq!(more_pages(Some(false), 1, Some(3)), MorePages::Expected);
        assert_eq!(more_pages(None, 2, Some(3)), MorePages::None);
        assert_eq!(more_pages(None, 1, Some(3)), MorePages::Expected);
        assert_eq!(more_pages(None, 1, None), MorePages::Expected);
    }

    #[test]
    fn where_facts_disagree_the_next_page_is_expected() {
        assert_eq!(more_pages(Some(true), 0, Some(3)), MorePages::Expected);
        assert_eq!(more_pages(Some(false), 9, Some(3)), MorePages::Expected);
        // The page itself disproves the count.
        assert_eq!(more_pages(None, 0, Some(0)), MorePages::Expected);
        assert_eq!(more_pages(None, 3, Some(3)), MorePages::Expected);
        assert_eq!(more_pages(Some(true), 3, Some(3)), MorePages::None);
    }

    #[test]
    fn the_total_decides_only_where_nothing_better_does() {
        let facts = |last, items, total| PageFacts {
            last,
            page_count: Some(1),
            total_count: Some(total),
            items,
            ..PageFacts::default()
        };
        // Technical accounts are counted and not listed.
        assert_eq!(after_page(facts(Some(true), 198, 200)), MorePages::None);
        assert_eq!(after_page(facts(Some(true), 0, 600)), MorePages::Expected);
        assert_eq!(after_page(facts(Some(true), 0, 0)), MorePages::None);
        assert_eq!(after_page(facts(None, 198, 600)), MorePages::Expected);
        assert_eq!(after_page(facts(None, 200, 200)), MorePages::None);
        let second = PageFacts {
            page: 1,
            items_before: 198,
            ..facts(None, 0, 600)
        };
        assert_eq!(after_page(second), MorePages::None);
    }

    #[test]
    fn a_missing_page_is_the_end_only_after_the_last() {
        let at = |page, count, said| check_end_before(page, count, said, "is missing");
        assert!(at(3, Some(3), Some(false)).is_ok());
        assert!(at(7, None, None).is_ok());
        assert!(at(2, Some(3), Some(true)).is_ok());
        assert!(at(2, Some(3), None).is_err());
        assert!(at(2, Some(3), Some(false)).is_err());
        assert!(at(7, None, Some(false)).is_err());
    }
}
