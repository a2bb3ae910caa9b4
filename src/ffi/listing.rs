//! What the listings of users and of groups have in common: pages by the driver, and items one by one.

use super::call::{check_cancelled, options, umapi_call};
use super::engine::Engine;
use super::guard::Result;
use super::occupancy::Occupancy;
use super::process::OfProcess;
use super::text::figure;
use crate::{Error, ErrorKind, Page, PageStats, Pager};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A page as C programs see it.
pub(super) trait PageHandle: Sized {
    type Row: Send + Sync + 'static;
    type Item;

    fn new(page: Page<Self::Row>) -> Self;
    fn items(&self) -> &[Self::Item];
}

/// A listing that one call at a time reads. Its figures can be read at any time.
pub(super) struct Listing<P: PageHandle> {
    reading: Occupancy<Reading<P>>,
    figures: Arc<Figures>,
}

/// The pages stand before the engine, and end before it.
pub(super) struct Reading<P: PageHandle> {
    /// With the driver during a call; lost if the call panics.
    pages: Option<OfProcess<Pager<P::Row>>>,
    page: Option<P>,
    position: usize,
    figures: Arc<Figures>,
    engine: Engine,
}

/// What the service said of the whole listing with the newest page; -1 where it said nothing.
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
        for (place, value) in self.0.iter().zip(values) {
            place.store(figure(value), Ordering::Relaxed);
        }
    }

    fn get(&self, position: usize) -> i64 {
        self.0[position].load(Ordering::Relaxed)
    }
}

impl<P: PageHandle> Listing<P> {
    pub(super) fn new(engine: Engine, pages: Pager<P::Row>) -> Self {
        let figures = Arc::new(Figures::new());
        Listing {
            reading: Occupancy::new(Reading {
                pages: Some(OfProcess::new(pages)),
                page: None,
                position: 0,
                figures: figures.clone(),
                engine,
            }),
            figures,
        }
    }

    pub(super) fn reading(&self) -> &Occupancy<Reading<P>> {
        &self.reading
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

impl<P: PageHandle> Reading<P> {
    /// The next page, which passes over what is left of the present one.
    pub(super) unsafe fn next_page(&mut self, call: *const umapi_call) -> Result<Option<P>> {
        self.page = None;
        self.position = 0;
        let ready = self.engine.ready()?;
        let options = unsafe { options(call) };
        let mut pages = self.pages.take().ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "the listing cannot be used any more, since a call with it ended as UMAPI_STATUS_PANIC",
            )
        })?;
        let (pages, page) = ready.run(options, |_, options| async move {
            let page = pages.next_page(&options).await;
            (pages, page)
        })?;
        self.figures.set(pages.stats());
        self.pages = Some(pages);
        Ok(page?.map(P::new))
    }

    /// The next item, after fetching the next page where the present one is used up.
    pub(super) unsafe fn next(&mut self, call: *const umapi_call) -> Result<Option<&P::Item>> {
        let used_up = |page: &P| self.position >= page.items().len();
        match self.page.as_ref().is_none_or(used_up) {
            true => self.page = unsafe { self.next_page(call) }?,
            false => unsafe { check_cancelled(call) }?,
        }
        let Some(page) = &self.page else {
            return Ok(None);
        };
        self.position += 1;
        Ok(Some(&page.items()[self.position - 1]))
    }

    pub(super) fn reload(&mut self) -> Result<()> {
        self.engine.client()?;
        self.page = None;
        self.position = 0;
        if let Some(pages) = &mut self.pages {
            pages.reload();
            self.figures.set(pages.stats());
        }
        Ok(())
    }
}
