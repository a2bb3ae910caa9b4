//! The target of a request: a resource of the service, and its address.

use crate::call::endpoint_class::EndpointClass;
use url::Url;

/// A resource under the service's root.
#[derive(Debug)]
pub(crate) struct Resource<'a> {
    pub class: EndpointClass,
    pub segments: &'a [&'a str],
    pub query: &'a [(&'a str, &'a str)],
}

/// A resource with its address, to be kept where many requests have the same target.
#[derive(Debug)]
pub(crate) struct RequestTarget {
    pub(super) class: EndpointClass,
    pub(super) url: Url,
}
