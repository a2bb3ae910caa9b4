//! Counters of a client's work, for status reports.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of a client's work since it was created.
///
/// They can be read at any time from any thread. Each counter is exact, but two of them are read at different moments.
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
        /// The number of requested pages of listings.
        listing_queries, add_listing_queries;
        /// The number of requested single users.
        single_queries, add_single_queries;
        /// The number of actions that were sent in at least one request.
        actions_sent, add_actions_sent;
        /// The number of actions that succeeded with all their commands.
        actions_completed, add_actions_completed;
        /// The number of actions that are in queues now.
        actions_queued, add_actions_queued;
    }

    /// Records that actions have left a queue.
    pub(crate) fn drop_actions_queued(&self, fewer: usize) {
        self.actions_queued
            .fetch_sub(fewer as u64, Ordering::Relaxed);
    }
}
