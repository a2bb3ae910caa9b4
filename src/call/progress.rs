//! The progress of a call, as its caller is told of it.

use super::endpoint_class::EndpointClass;
use std::sync::Arc;
use std::time::Duration;

/// Why a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// Another try after a failure that may pass.
    BackOff,
    /// The service asked for a pause.
    Throttled,
    /// The documented limit on requests is used up for now.
    Pace,
    /// Another call of this client is getting the token.
    Token,
}

/// How a call goes on, told on the thread that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A request is about to be sent, for the `attempt`th time.
    Attempt {
        endpoint: EndpointClass,
        attempt: u32,
    },
    /// A wait begins; `None` where its end depends on another call.
    Wait {
        endpoint: EndpointClass,
        reason: WaitReason,
        duration: Option<Duration>,
    },
    /// A page was read; `total` is the service's count of all items, if it gave one.
    Page {
        page: u64,
        items: u64,
        total: Option<u64>,
    },
    /// So many of the actions given to this call have their outcome.
    Actions { done: u64, total: u64 },
}

pub(crate) type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;
