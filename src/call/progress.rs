//! The progress that a call reports.

use super::endpoint_class::EndpointClass;
use std::sync::Arc;
use std::time::Duration;

/// The reason for a wait of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The wait before the next attempt, after a failure that may be temporary.
    BackOff,
    /// The service asked for a wait (HTTP 429).
    Throttled,
    /// The documented limit on requests is used up at present.
    Pace,
    /// Another call of this client is requesting the access token.
    Token,
}

/// A step of a call, reported on the thread that made the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A request is about to be sent.
    Attempt {
        /// The class of the request's endpoint.
        endpoint: EndpointClass,
        /// The number of the attempt at this request, from 1.
        attempt: u32,
    },
    /// A wait begins.
    Wait {
        /// The class of the endpoint that the next request goes to.
        endpoint: EndpointClass,
        /// Why the call waits.
        reason: WaitReason,
        /// The length of the wait; `None` if its end depends on another call.
        duration: Option<Duration>,
    },
    /// A page was read.
    Page {
        /// The number of the page, from 0.
        page: u64,
        /// The number of items on the page.
        items: u64,
        /// The service's count of all items of the listing, if it gave one.
        total: Option<u64>,
    },
    /// Actions have got their outcome.
    Actions {
        /// How many of the call's actions have an outcome.
        done: u64,
        /// How many actions the call was given.
        total: u64,
    },
}

/// The callback that receives the progress of a call.
pub(crate) type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;
