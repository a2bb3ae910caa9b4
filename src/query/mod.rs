//! Reading: listings by the page and by the item, one user, the service's status.

pub(crate) mod items;
mod last_page;
pub(crate) mod listing;
mod page_order;
pub(crate) mod pager;
pub(crate) mod single;
