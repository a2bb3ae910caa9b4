//! Where a request goes.

use crate::call::endpoint_class::EndpointClass;
use crate::json::buffer_pool::BufferPool;
use url::Url;

/// A resource under the root.
#[derive(Debug)]
pub(crate) struct Resource<'a> {
    pub class: EndpointClass,
    pub segments: &'a [&'a str],
    pub query: &'a [(&'a str, &'a str)],
    /// Where the memory for the answer comes from, if it is to be used again.
    pub buffer_pool: Option<&'a BufferPool>,
}

/// A resource with its address, which can be kept where many calls go to one.
#[derive(Debug)]
pub(crate) struct RequestTarget {
    pub(super) class: EndpointClass,
    pub(super) url: Url,
    pub(super) buffer_pool: Option<BufferPool>,
}
