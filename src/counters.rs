//! What a client has done so far, for status reports.

use std::sync::atomic::{AtomicU64, Ordering};

/// Read at any time from any thread; each figure is exact, though two may be read at different moments.
#[derive(Debug, Default)]
pub struct Counters {
    listing_queries: AtomicU64,
    single_queries: AtomicU64,
    actions_sent: AtomicU64,
    actions_completed: AtomicU64,
    actions_queued: AtomicU64,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident, $add:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(&self) -> u64 {
                self.$name.load(Ordering::Relaxed)
            }

            pub(crate) fn $add(&self, more: usize) {
                self.$name.fetch_add(more as u64, Ordering::Relaxed);
            }
        )*
    };
}

impl Counters {
    counters! {
        /// Pages of listings asked for.
        listing_queries, add_listing_queries;
        /// Single users asked for.
        single_queries, add_single_queries;
        /// Actions of which at least one request went out.
        actions_sent, add_actions_sent;
        /// Actions that succeeded whole.
        actions_completed, add_actions_completed;
        /// Actions that wait in queues.
        actions_queued, add_actions_queued;
    }

    pub(crate) fn drop_actions_queued(&self, fewer: usize) {
        self.actions_queued
            .fetch_sub(fewer as u64, Ordering::Relaxed);
    }
}
