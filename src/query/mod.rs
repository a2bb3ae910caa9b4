//! Reading: listings page by page, one user, the service's status.

mod end;
pub mod items;
pub mod listing;
pub mod pager;
mod place;
pub(crate) mod single;
