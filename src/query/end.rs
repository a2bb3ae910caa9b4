//! Where a listing ends: the service's word where it gives one, and never a guess that would cut it short.

use crate::error::{Error, Result};

/// What the newest page says about those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    More,
    End,
}

/// After a page that was there. `page` counts from 0.
pub(crate) fn after_page(last: Option<bool>, page: u64, page_count: Option<u64>) -> Outlook {
    let is_last = match (last, page_count) {
        (Some(last), _) => last,
        (None, Some(count)) => page + 1 >= count,
        (None, None) => false,
    };
    match is_last {
        true => Outlook::End,
        false => Outlook::More,
    }
}

/// A page that is missing, or the one before it again: the end, unless the service counted more pages than that or,
/// where it counted none, `promised` with the page before that there are more.
pub(crate) fn at_missing_page(
    page: u64,
    page_count: Option<u64>,
    promised: bool,
    how: &str,
) -> Result<()> {
    match page_count {
        Some(count) if page < count => Err(cut_short(format_args!(
            "the service counts {count} pages, but page {page} (from 0) {how}"
        ))),
        None if promised => Err(cut_short(format_args!(
            "the page before was not the last, but page {page} (from 0) {how}"
        ))),
        _ => Ok(()),
    }
}

/// A listing that ends before its end must never be passed off as complete.
pub(crate) fn cut_short(how: impl std::fmt::Display) -> Error {
    Error::protocol(format!("the listing is cut short: {how}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_word_comes_first() {
        assert_eq!(after_page(Some(true), 0, Some(9)), Outlook::End);
        assert_eq!(after_page(Some(false), 9, Some(3)), Outlook::More);
        assert_eq!(after_page(None, 2, Some(3)), Outlook::End);
        assert_eq!(after_page(None, 1, Some(3)), Outlook::More);
        assert_eq!(after_page(None, 1, None), Outlook::More);
    }

    #[test]
    fn a_missing_page_is_the_end_only_behind_the_last() {
        assert!(at_missing_page(3, Some(3), true, "is missing").is_ok());
        assert!(at_missing_page(7, None, false, "is missing").is_ok());
        assert!(at_missing_page(2, Some(3), false, "is missing").is_err());
        assert!(at_missing_page(7, None, true, "is missing").is_err());
    }
}
