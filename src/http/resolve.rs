//! Name lookups by the platform's resolver, with errors that contain the name.

use crate::shortage;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// The platform's resolver, for the HTTP client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver;

/// The error of a name lookup.
#[derive(Debug)]
pub(crate) struct NameNotFound {
    pub host: String,
    pub cause: io::Error,
}

impl fmt::Display for NameNotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.host, self.cause)
    }
}

impl std::error::Error for NameNotFound {}

/// The addresses of a host at a port. A host that is an address, with or without brackets, is not looked up.
pub(crate) async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, NameNotFound> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let not_found = |cause| NameNotFound {
        host: bare.to_owned(),
        // Without descriptors the resolver opens neither its files nor a socket, and reports that the name does not exist.
        cause: shortage::missing_descriptors().unwrap_or(cause),
    };
    let found: Vec<_> = tokio::net::lookup_host((bare, port))
        .await
        .map_err(not_found)?
        .collect();
    match found.is_empty() {
        true => Err(not_found(io::Error::other("it has no address"))),
        false => Ok(found),
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = addresses(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
