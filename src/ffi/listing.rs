//! The common part of the listings of users and of groups: reading items and pages on the driver, and the bodies of the
//! exports.

use super::call::{check_cancelled, umapi_call};
use super::call_lock::{CallLock, OneCallAtATime, lock_for_call};
use super::engine::Engine;
use super::error::umapi_error;
use super::fallible::fallible;
use super::guard::{Result, infallible};
use super::handle::{Handle, Owned, copied, out, out_borrowed};
use super::output::{figure, pointer};
use super::process::OfProcess;
use super::status::umapi_status;
use crate::{CallOptions, Error, ErrorKind, Item, Items, PageStats, Text};
use std::ffi::c_char;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A listing that one call at a time reads. Its figures can be read at any time.
pub(super) struct Listing<H: Handle<Core: Item>> {
    reading: CallLock<Reading<H>>,
    figures: Arc<Figures>,
}

/// The state of a listing that a call uses. The items are declared before the engine, so that they are dropped before
/// it.
pub(super) struct Reading<H: Handle<Core: Item>> {
    /// `None` while a call runs on the driver, and after a call that has panicked.
    items: Option<OfProcess<Items<H::Core>>>,
    /// The item that the caller borrows until its next call with the listing.
    lent: Option<H>,
    figures: Arc<Figures>,
    engine: Engine,
}

/// The figures of the whole listing, as the service sent them with the newest page; -1 for those that it did not send.
struct Figures([AtomicI64; 4]);

impl Figures {
    fn new() -> Self {
        Figures([const { AtomicI64::new(-1) }; 4])
    }

    fn set(&self, stats: PageStats) {
        let values = [
            stats.total_count,
            stats.page_count,
            stats.current_page,
            stats.page_size,
        ];
        for (own, value) in self.0.iter().zip(values) {
            own.store(figure(value), Ordering::Relaxed);
        }
    }

    fn get(&self, position: usize) -> i64 {
        self.0[position].load(Ordering::Relaxed)
    }
}

impl<H: Handle<Core: Item>> Listing<H> {
    pub(super) fn new(engine: Engine, items: Items<H::Core>) -> Self {
        let figures = Arc::new(Figures::new());
        Listing {
            reading: CallLock::new(Reading {
                items: Some(OfProcess::new(items)),
                lent: None,
                figures: figures.clone(),
                engine,
            }),
            figures,
        }
    }

    pub(super) fn release(&self) -> bool {
        self.reading.release()
    }

    pub(super) fn total_count(&self) -> i64 {
        self.figures.get(0)
    }

    pub(super) fn page_count(&self) -> i64 {
        self.figures.get(1)
    }

    pub(super) fn current_page(&self) -> i64 {
        self.figures.get(2)
    }

    pub(super) fn page_size(&self) -> i64 {
        self.figures.get(3)
    }
}

impl<H: Handle<Core: Item>> OneCallAtATime for Listing<H> {
    type Value = Reading<H>;

    fn call_lock(&self) -> &CallLock<Reading<H>> {
        &self.reading
    }
}

impl<H: Handle<Core: Item>> Reading<H> {
    /// Moves the items to the driver for `work`, and back.
    fn run<T, F>(
        &mut self,
        options: CallOptions,
        work: impl FnOnce(OfProcess<Items<H::Core>>, CallOptions) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = (OfProcess<Items<H::Core>>, crate::Result<T>)> + Send + 'static,
    {
        // Dropped first, so that the memory of its page can be used for a page to come.
        self.lent = None;
        let ready = self.engine.ready()?;
        let items = self.items.take().ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "the listing cannot be used any more, since a call with it ended as UMAPI_STATUS_PANIC",
            )
        })?;
        let (items, result) = ready.run(options, |_, options| work(items, options))?;
        self.figures.set(items.stats());
        self.items = Some(items);
        Ok(result?)
    }

    unsafe fn next(&mut self, call: *const umapi_call) -> Result<Option<&H>> {
        let item = match &mut self.items {
            // Neither the driver nor a copy of the options is needed.
            Some(items) if items.is_buffered() => {
                unsafe { check_cancelled(call) }?;
                items.next_buffered()
            }
            _ => self.run(unsafe { copied(call) }, |mut items, options| async move {
                let item = items.next(&options).await;
                (items, item)
            })?,
        };
        self.lent = item.map(H::wrap);
        Ok(self.lent.as_ref())
    }

    unsafe fn next_page(&mut self, call: *const umapi_call) -> Result<Option<Vec<H>>> {
        let page = self.run(unsafe { copied(call) }, |mut items, options| async move {
            let page = items.next_page(&options).await;
            (items, page)
        })?;
        Ok(page.map(|page| {
            let items = (0..page.len()).filter_map(|index| H::Core::get(&page, index));
            items.map(H::wrap).collect()
        }))
    }

    fn reload(&mut self) -> Result<()> {
        self.engine.client()?;
        self.lent = None;
        if let Some(items) = &mut self.items {
            items.reload();
            self.figures.set(items.stats());
        }
        Ok(())
    }
}

/// The body of an export that reads the next item of a listing.
pub(super) unsafe fn next<L, H>(
    listing: *mut L,
    call: *const umapi_call,
    item: *mut *const H,
    error: *mut *mut umapi_error,
) -> umapi_status
where
    L: Handle<Core = Listing<H>>,
    H: Handle<Core: Item>,
{
    unsafe {
        fallible(error, || {
            let item = out_borrowed(item)?;
            let mut reading = lock_for_call(listing)?;
            if let Some(next) = reading.next(call)? {
                item.lend(next);
            }
            Ok(())
        })
    }
}

/// The body of an export that reads the next page of a listing.
pub(super) unsafe fn next_page<L, P, H>(
    listing: *mut L,
    call: *const umapi_call,
    page: *mut *mut P,
    error: *mut *mut umapi_error,
) -> umapi_status
where
    L: Handle<Core = Listing<H>>,
    P: Owned<Core = Vec<H>>,
    H: Handle<Core: Item>,
{
    unsafe {
        fallible(error, || {
            let page = out(page)?;
            let mut reading = lock_for_call(listing)?;
            if let Some(items) = reading.next_page(call)? {
                page.give(items);
            }
            Ok(())
        })
    }
}

/// The body of an export that starts a listing over.
pub(super) unsafe fn reload<L, H>(listing: *mut L, error: *mut *mut umapi_error) -> umapi_status
where
    L: Handle<Core = Listing<H>>,
    H: Handle<Core: Item>,
{
    unsafe { fallible(error, || lock_for_call(listing)?.reload()) }
}

/// The body of an export that reads a text of an item and its length.
pub(super) unsafe fn text<H: Handle>(
    item: *const H,
    length: *mut usize,
    get: impl FnOnce(&H::Core) -> Option<Text<'_>>,
) -> *const c_char {
    let text = infallible(None, || get(unsafe { item.as_ref() }?.core()));
    if let Some(length) = unsafe { length.as_mut() } {
        *length = text.map_or(0, |text| text.as_str().len());
    }
    pointer(text)
}
