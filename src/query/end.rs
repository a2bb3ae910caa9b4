//! Where a listing ends: the service's word where it gives one, and never a guess that would cut it short.

use crate::error::{Absent, Delivery, Error, ErrorKind, Result};
use crate::model::error_body::quote;
use crate::model::page::PageStats;

/// What a page and its headers say about the pages behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PageFacts {
    /// Counted from 0.
    pub page: u64,
    /// `lastPage`.
    pub last: Option<bool>,
    /// `X-Page-Count`.
    pub page_count: Option<u64>,
    /// `X-Total-Count`. It counts technical accounts, which no page lists.
    pub total_count: Option<u64>,
    pub items: u64,
    pub items_before: u64,
}

/// What the newest page says about those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    More,
    End,
}

/// After a page that was there. Where its words disagree, there is a next page to ask for: that it is missing then
/// settles the question.
pub(crate) fn after_page(facts: PageFacts) -> Outlook {
    // A count that leaves out a page with items on it is wrong.
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
        true => Outlook::End,
        false => Outlook::More,
    }
}

/// Nothing is listed although something is counted, by the first page.
fn is_empty_against_total(facts: PageFacts) -> bool {
    facts.page == 0 && facts.items == 0 && facts.total_count.is_some_and(|total| total > 0)
}

/// The last page by count, and yet fewer items than are counted: of two counts one is wrong, or the rest are technical
/// accounts.
fn is_short_of_total(facts: PageFacts) -> bool {
    let items = facts.items_before + facts.items;
    facts.page_count == Some(facts.page + 1) && facts.total_count.is_some_and(|total| items < total)
}

/// Whether the counts beside an empty first page agree that there is nothing to list.
pub(crate) fn is_nothing(stats: PageStats) -> bool {
    stats.total_count.unwrap_or(0) == 0 && stats.page_count.unwrap_or(0) <= 1
}

/// A page that is missing, or the one before it again: the end, unless the service counted more pages than that or,
/// where it counted none, said that the page before is not the last. `said_last` is what it said of that.
pub(crate) fn at_missing_page(
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

/// A listing that ends before its end must never be passed off as complete.
pub(crate) fn cut_short(how: impl std::fmt::Display) -> Error {
    Error::protocol(format!("the listing is cut short: {how}"))
}

/// 200 with `"result": "Not found"` for page 0, which every listing has.
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

    fn outlook(last: Option<bool>, page: u64, page_count: Option<u64>) -> Outlook {
        after_page(PageFacts {
            page,
            last,
            page_count,
            items: 20,
            ..PageFacts::default()
        })
    }

    #[test]
    fn words_that_agree_are_believed() {
        assert_eq!(outlook(Some(true), 2, Some(3)), Outlook::End);
        assert_eq!(outlook(Some(true), 2, None), Outlook::End);
        assert_eq!(outlook(Some(false), 1, Some(3)), Outlook::More);
        assert_eq!(outlook(None, 2, Some(3)), Outlook::End);
        assert_eq!(outlook(None, 1, Some(3)), Outlook::More);
        assert_eq!(outlook(None, 1, None), Outlook::More);
    }

    #[test]
    fn where_words_disagree_the_next_page_is_asked_for() {
        assert_eq!(outlook(Some(true), 0, Some(3)), Outlook::More);
        assert_eq!(outlook(Some(false), 9, Some(3)), Outlook::More);
        // A count that the page itself disproves.
        assert_eq!(outlook(None, 0, Some(0)), Outlook::More);
        assert_eq!(outlook(None, 3, Some(3)), Outlook::More);
        assert_eq!(outlook(Some(true), 3, Some(3)), Outlook::End);
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
        assert_eq!(after_page(facts(Some(true), 198, 200)), Outlook::End);
        assert_eq!(after_page(facts(Some(true), 0, 600)), Outlook::More);
        assert_eq!(after_page(facts(Some(true), 0, 0)), Outlook::End);
        assert_eq!(after_page(facts(None, 198, 600)), Outlook::More);
        assert_eq!(after_page(facts(None, 200, 200)), Outlook::End);
        let behind = PageFacts {
            page: 1,
            items_before: 198,
            ..facts(None, 0, 600)
        };
        assert_eq!(after_page(behind), Outlook::End);
    }

    #[test]
    fn a_missing_page_is_the_end_only_behind_the_last() {
        let at = |page, count, said| at_missing_page(page, count, said, "is missing");
        assert!(at(3, Some(3), Some(false)).is_ok());
        assert!(at(7, None, None).is_ok());
        assert!(at(2, Some(3), Some(true)).is_ok());
        assert!(at(2, Some(3), None).is_err());
        assert!(at(2, Some(3), Some(false)).is_err());
        assert!(at(7, None, Some(false)).is_err());
    }
}
