//! The route of a request: directly to the host, or through a proxy.

use super::proxy::Proxy;
use std::time::Duration;
use url::Url;

/// The route to the host of `url`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route<'a> {
    pub url: &'a Url,
    /// `None` for a direct connection.
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
