//! Reading: listings by the page and by the item, one user, the service's status.

pub mod items;
mod last_page;
pub mod listing;
mod page_order;
pub mod pager;
pub(crate) mod single;
