//! The way to a host.

use super::proxy::Proxy;
use std::time::Duration;
use url::Url;

/// Where a request was going.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route<'a> {
    pub url: &'a Url,
    pub proxy: Option<&'a Proxy>,
    pub connect_timeout: Duration,
}

impl Route<'_> {
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// `host:port`.
    pub(crate) fn target(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or(443);
        format!("{}:{port}", self.host())
    }
}
