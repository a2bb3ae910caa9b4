//! A listing read page by page, in order, while the next pages are fetched ahead.

use super::last_page::{self, MorePages, PageFacts};
use super::listing::{Listing, UsersQuery};
use super::page_order::{PageOrder, Position};
use crate::call::Call;
use crate::call::options::CallOptions;
use crate::call::progress::Progress;
use crate::error::{Absent, Error, ErrorKind, Result};
use crate::http::transport::Answer;
use crate::json::buffer_pool::BufferPool;
use crate::model::group::GroupRow;
use crate::model::page::{Page, PageAnswer, PageStats};
use crate::model::user::UserRow;
use crate::service::Service;
use std::collections::VecDeque;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// A page that is being fetched.
struct Fetch<R> {
    /// A call of its own, without limits until a caller waits for this page.
    call: Arc<Call>,
    /// Whether the fetch was begun for the call that waits now, and so under its limits.
    is_of_this_call: bool,
    /// Spawned, so that it makes progress and releases its permit even when no caller waits for its page.
    task: AbortOnDropHandle<Result<Fetched<R>>>,
}

/// Removes the limits of a call from the fetch when the call ends, even by a dropped future.
struct Adopted<'f>(&'f Call);

impl Drop for Adopted<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// The answer to the request for one page.
struct Fetched<R> {
    answer: PageAnswer<R>,
    stats: PageStats,
}

type Parse<R> = fn(&Listing, Answer) -> Result<PageAnswer<R>>;

/// How many empty pages in a row are skipped. A service that sends more of them is defective.
const MOST_EMPTY_PAGES: u32 = 100;

/// Reads a listing from its first page to its last. A page that failed can be asked for again.
pub struct Pager<R> {
    service: Arc<Service>,
    listing: Arc<Listing>,
    parse: Parse<R>,
    read_ahead: u64,
    /// The memory of pages that the caller has dropped, for pages to come.
    buffer_pool: BufferPool,
    /// The number of the page to deliver next, from 0.
    next: u64,
    /// The number of the page to request next.
    unsent: u64,
    /// The pages that are being fetched, in order; the first is `next`.
    under_way: VecDeque<Fetch<R>>,
    /// Whether page `next` failed and has to be requested again, before the pages that are being fetched.
    resend: bool,
    order: PageOrder,
    /// Whether the newest page said that it is the last.
    said_last: Option<bool>,
    stats: PageStats,
    items: u64,
    finished: bool,
}

/// The pages of a listing of users.
pub type UserPages = Pager<UserRow>;

/// The pages of a listing of groups.
pub type GroupPages = Pager<GroupRow>;

impl UserPages {
    pub(crate) fn users(service: Arc<Service>, query: UsersQuery, read_ahead: u32) -> Self {
        Pager::new(
            service,
            Listing::Users(query),
            Listing::parse_users,
            read_ahead,
        )
    }
}

impl GroupPages {
    pub(crate) fn groups(service: Arc<Service>, read_ahead: u32) -> Self {
        Pager::new(service, Listing::Groups, Listing::parse_groups, read_ahead)
    }

    pub(crate) fn user_groups(service: Arc<Service>, read_ahead: u32) -> Self {
        Pager::new(
            service,
            Listing::UserGroups,
            Listing::parse_groups,
            read_ahead,
        )
    }
}

impl<R> fmt::Debug for Pager<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager")
            .field("next", &self.next)
            .field("stats", &self.stats)
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}

impl<R: Send + Sync + 'static> Pager<R> {
    fn new(service: Arc<Service>, listing: Listing, parse: Parse<R>, read_ahead: u32) -> Self {
        let read_ahead = read_ahead.max(1);
        Pager {
            service,
            listing: Arc::new(listing),
            parse,
            read_ahead: read_ahead.into(),
            buffer_pool: BufferPool::new(read_ahead as usize),
            next: 0,
            unsent: 0,
            under_way: VecDeque::new(),
            resend: false,
            order: PageOrder::default(),
            said_last: None,
            stats: PageStats::default(),
            items: 0,
            finished: false,
        }
    }

    /// The next page that is not empty, or `None` at the end of the listing. After an error the next call asks for the
    /// same page again, and the pages before it remain valid.
    pub async fn next_page(&mut self, options: &CallOptions) -> Result<Option<Page<R>>> {
        let call = Call::begin(options);
        call.ensure_active()?;
        for fetch in &mut self.under_way {
            fetch.is_of_this_call = false;
        }
        let result =
            Box::pin(call.until_cancelled_or_due(call.reporting_here(self.advance(&call)))).await;
        if let Err(error) = &result
            && error.kind() == ErrorKind::Cancelled
        {
            self.abandon_fetches();
        }
        result
    }

    /// Starts over: the next call reads the first page again, as the service then has it.
    pub fn reload(&mut self) {
        self.abandon_fetches();
        self.next = 0;
        self.unsent = 0;
        self.order = PageOrder::default();
        self.said_last = None;
        self.stats = PageStats::default();
        self.items = 0;
        self.finished = false;
    }

    /// The figures of the whole listing, as the service sent them with the newest page.
    pub fn stats(&self) -> PageStats {
        self.stats
    }

    fn abandon_fetches(&mut self) {
        self.under_way = VecDeque::new();
        self.unsent = self.next;
        self.resend = false;
        self.buffer_pool = BufferPool::new(self.read_ahead as usize);
    }

    async fn advance(&mut self, call: &Call) -> Result<Option<Page<R>>> {
        let mut empty_pages = 0;
        while !self.finished {
            self.send_ahead(call);
            let fetched = self.fetched(call).await;
            self.resend = true;
            let page = self.take(fetched)?;
            self.resend = false;
            self.next += 1;
            self.finished |= page.is_none();
            if self.finished {
                self.abandon_fetches();
            }
            match page {
                Some(page) if !page.is_empty() => return Ok(Some(self.deliver(call, page))),
                _ if self.finished => return Ok(None),
                _ => empty_pages += 1,
            }
            if empty_pages > MOST_EMPTY_PAGES {
                return Err(Error::protocol(format!(
                    "{MOST_EMPTY_PAGES} empty pages in a row, and none the last"
                )));
            }
        }
        Ok(None)
    }

    /// The answer for page `next`, under the limits of `call`. A page that was fetched ahead and failed is fetched
    /// again: the cause may have passed, or may be a limit of an earlier call.
    async fn fetched(&mut self, call: &Call) -> Result<Fetched<R>> {
        loop {
            let fetch = self.under_way.front_mut().expect("a page is under way");
            let result = {
                fetch.call.adopt(call);
                let _adopted = Adopted(&fetch.call);
                (&mut fetch.task).await
            };
            let is_of_this_call = fetch.is_of_this_call;
            self.under_way.pop_front();
            match result {
                Ok(Err(error)) if !is_of_this_call && error.kind() != ErrorKind::NotFound => {}
                Ok(result) => return result,
                // The runtime that the task was spawned on has shut down.
                Err(lost) if lost.is_cancelled() => {}
                Err(lost) => resume_unwind(lost.into_panic()),
            }
            let again = self.fetch(call, self.next);
            self.under_way.push_front(again);
        }
    }

    fn deliver(&mut self, call: &Call, page: Page<R>) -> Page<R> {
        self.items += page.len() as u64;
        call.report(Progress::Page {
            page: self.next - 1,
            items: self.items,
            total: self.stats.total_count,
        });
        page
    }

    /// Fetches as many pages at a time as allowed: one until the service has said how many there are.
    fn send_ahead(&mut self, call: &Call) {
        if std::mem::take(&mut self.resend) {
            let fetch = self.fetch(call, self.next);
            self.under_way.push_front(fetch);
        }
        let known = self.stats.page_count.filter(|_| self.next > 0);
        let until = match known {
            Some(count) => count.min(self.next + self.read_ahead).max(self.next + 1),
            None => self.next + 1,
        };
        self.unsent = self.unsent.max(self.next);
        while self.unsent < until {
            let fetch = self.fetch(call, self.unsent);
            self.under_way.push_back(fetch);
            self.unsent += 1;
        }
    }

    /// Begins to fetch a page for `call`, which adopts the fetch as soon as the page is the next to deliver.
    fn fetch(&self, call: &Call, page: u64) -> Fetch<R> {
        let call = Arc::new(call.for_prefetch());
        let (service, listing, own, buffer_pool) = (
            self.service.clone(),
            self.listing.clone(),
            call.clone(),
            self.buffer_pool.clone(),
        );
        let parse = self.parse;
        let task = tokio::spawn(async move {
            let read = |answer: Answer| {
                let stats = read_stats(&answer);
                let answer = parse(&listing, answer)?;
                listing.check(page, &answer)?;
                Ok(Fetched { answer, stats })
            };
            listing
                .fetch(&service, &own, page, &buffer_pool, read)
                .await
        });
        Fetch {
            call,
            is_of_this_call: true,
            task: AbortOnDropHandle::new(task),
        }
    }

    /// Reads the answer for page `next`; `None` means that the listing has ended.
    fn take(&mut self, fetched: Result<Fetched<R>>) -> Result<Option<Page<R>>> {
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) if self.next > 0 && is_about_the_page(&error) => {
                return self.missing(self.said_last, "is missing");
            }
            Err(error) => return Err(self.listing.not_found(error)),
        };
        let page = match fetched.answer {
            PageAnswer::Page(page) => page,
            PageAnswer::NotFound { last, .. } => {
                self.stats.page_count = fetched.stats.page_count.or(self.stats.page_count);
                let said_last = last.filter(|last| !last).or(self.said_last);
                return self.missing(said_last, "is missing");
            }
            PageAnswer::PastTheEnd if self.next == 0 && last_page::is_nothing(fetched.stats) => {
                self.stats = fetched.stats;
                return Ok(None);
            }
            PageAnswer::PastTheEnd => {
                self.stats.page_count = fetched.stats.page_count.or(self.stats.page_count);
                return self.missing(self.said_last, "is empty");
            }
        };
        let counted = self.stats.page_count;
        let (fingerprint, number) = (page.fingerprint(), fetched.stats.current_page);
        match self.order.classify(self.next, fingerprint, number) {
            Position::Next => self.order.record(fingerprint, number),
            Position::Previous => {
                let said_last = page.is_last().filter(|last| *last).or(self.said_last);
                return self.missing(said_last, "is the one before it again");
            }
            Position::OutOfOrder(how) => {
                return Err(last_page::cut_short(format_args!(
                    "page {} (from 0) {how}",
                    self.next
                )));
            }
        }
        self.said_last = page.is_last();
        self.stats = fetched.stats;
        self.stats.page_count = self.stats.page_count.or(counted);
        let more_pages = last_page::after_page(PageFacts {
            page: self.next,
            last: page.is_last(),
            page_count: self.stats.page_count,
            total_count: self.stats.total_count,
            items: page.len() as u64,
            items_before: self.items,
        });
        self.finished = more_pages == MorePages::None;
        Ok(Some(page))
    }

    /// Ends the listing, since no page came for `next`; `said_last` is what the service said of whether one would.
    fn missing(&self, said_last: Option<bool>, how: &str) -> Result<Option<Page<R>>> {
        last_page::check_end_before(self.next, self.stats.page_count, said_last, how).map(|()| None)
    }
}

/// Whether the service says only that the page does not exist. That it does not know the group or the organisation is
/// not the end of a listing.
fn is_about_the_page(error: &Error) -> bool {
    matches!(error.absent(), Some(Absent::Unsaid | Absent::Page))
}

fn read_stats(answer: &Answer) -> PageStats {
    let number = |name: &str| answer.header(name)?.trim().parse().ok();
    PageStats {
        total_count: number("x-total-count"),
        page_count: number("x-page-count"),
        current_page: number("x-current-page"),
        page_size: number("x-page-size"),
    }
}
