//! A listing read item by item: users or groups.

use super::pager::{GroupPages, Pager, UserPages};
use crate::call::{Call, options::CallOptions};
use crate::error::Result;
use crate::model::group::{Group, GroupRow};
use crate::model::page::{Page, PageStats};
use crate::model::user::{User, UserRow};

/// An item of a listing: a [`User`] or a [`Group`].
pub trait Item: Clone + Sized + Send + Sync + 'static + sealed::Sealed {
    /// How a page keeps the item.
    #[doc(hidden)]
    type Row: Send + Sync + 'static;

    /// The item at an index of a page, from 0; `None` beyond the page's end.
    fn get(page: &Page<Self::Row>, index: usize) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::User {}
    impl Sealed for super::Group {}
}

impl Item for User {
    type Row = UserRow;

    fn get(page: &Page<UserRow>, index: usize) -> Option<Self> {
        page.get(index)
    }
}

impl Item for Group {
    type Row = GroupRow;

    fn get(page: &Page<GroupRow>, index: usize) -> Option<Self> {
        page.get(index)
    }
}

/// Reads a listing item by item. The next pages are fetched ahead, as [`Pager`] does it.
///
/// An item copies no text: it shares the memory of its page, and keeps all of it for as long as the item lives. A
/// program that drops its items as it goes needs the memory of a few pages, however long the listing is.
///
/// ```no_run
/// # async fn print(client: umapi::Client) -> umapi::Result<()> {
/// use umapi::{CallOptions, UsersQuery};
///
/// let call = CallOptions::new();
/// let mut users = client.users(UsersQuery::new()).into_items();
/// while let Some(user) = users.next(&call).await? {
///     println!("{:?} {:?}", user.id(), user.email());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Items<T: Item> {
    pages: Pager<T::Row>,
    /// The page that was read last, until its items are used up.
    page: Option<Page<T::Row>>,
    /// The index in the page of the next item.
    position: usize,
}

/// The users of a listing, one by one.
pub type Users = Items<User>;

/// The groups of a listing, one by one.
pub type Groups = Items<Group>;

impl UserPages {
    /// Reads user by user what is left of the listing.
    pub fn into_items(self) -> Users {
        Items::new(self)
    }
}

impl GroupPages {
    /// Reads group by group what is left of the listing.
    pub fn into_items(self) -> Groups {
        Items::new(self)
    }
}

impl<T: Item> Items<T> {
    fn new(pages: Pager<T::Row>) -> Self {
        Items {
            pages,
            page: None,
            position: 0,
        }
    }

    /// The next item, or `None` at the end of the listing. It waits only where a page is used up. After an error the
    /// same page is asked for again; the items before it stand. A cancelled call fails with [`ErrorKind::Cancelled`],
    /// also while items of a page that was read are left.
    ///
    /// [`ErrorKind::Cancelled`]: crate::ErrorKind::Cancelled
    pub async fn next(&mut self, options: &CallOptions) -> Result<Option<T>> {
        if options.is_cancelled() {
            Call::begin(options).ensure_active()?;
        }
        if let Some(item) = self.next_buffered() {
            return Ok(Some(item));
        }
        self.page = self.next_page(options).await?;
        Ok(self.next_buffered())
    }

    /// Whether items of the page that was read last are left, so that [`Items::next`] does not wait.
    pub fn is_buffered(&self) -> bool {
        let length = self.page.as_ref().map_or(0, Page::len);
        self.position < length
    }

    /// The next item if it is on the page that was read last. It never waits; `None` says nothing of the end of the
    /// listing.
    pub fn next_buffered(&mut self) -> Option<T> {
        let item = T::get(self.page.as_ref()?, self.position)?;
        self.position += 1;
        Some(item)
    }

    /// The next page, or `None` at the end of the listing. What is left of the page that was read last is passed over.
    pub async fn next_page(&mut self, options: &CallOptions) -> Result<Option<Page<T::Row>>> {
        // Given up before the next page is read, so that its memory can be used again.
        self.page = None;
        self.position = 0;
        self.pages.next_page(options).await
    }

    /// Starts over: the next item will be the first, as the service then has it.
    pub fn reload(&mut self) {
        self.page = None;
        self.position = 0;
        self.pages.reload();
    }

    /// What the service said of the whole listing with the newest page.
    pub fn stats(&self) -> PageStats {
        self.pages.stats()
    }
}
