//! Reading: listings page by page, one user, the service's status.

mod end;
pub(crate) mod items;
pub(crate) mod listing;
pub(crate) mod pager;
mod place;
pub(crate) mod single;
