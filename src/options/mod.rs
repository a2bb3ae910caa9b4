//! The options of a client: what they are, their table, and how texts become their values. The program sets them one by
//! one or by key; a configuration names them by the same keys.

pub(crate) mod keys;
pub(crate) mod raw_value;
mod spec;
mod table;
#[cfg(test)]
mod tests;

pub use spec::OptionSpec;
pub(crate) use spec::ValueForm;

use crate::action::split::BatchLimits;
use crate::error::{Error, Result};
use crate::http::limit::rate_limit::RateLimits;
use crate::http::retry::RetryPolicy;
use crate::http::transport::TransportOptions;
use crate::log::Logger;
use raw_value::{RawValue, ValueSource};
use table::{ENDPOINT, OPTIONS};
use url::Url;

/// The option with this key.
pub(crate) fn find(key: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|spec| spec.key() == key)
}

/// Every key that a configuration may have.
pub(crate) fn configuration_keys() -> impl Iterator<Item = &'static str> {
    let of_options = OPTIONS.iter().map(OptionSpec::key);
    keys::IDENTITY.into_iter().chain(of_options)
}

/// How a client behaves. The defaults are for Adobe's production service.
///
/// Each option has a setter. Those that can be written as text can also be set by their key ([`ClientOptions::set`]),
/// and by an operator in a configuration file or in the environment.
///
/// ```
/// # fn main() -> umapi::Result<()> {
/// let mut options = umapi::ClientOptions::default();
/// options.set_connect_timeout(std::time::Duration::from_secs(5))?;
/// options.set("max_attempts", "2")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub(crate) endpoint: Url,
    pub(crate) transport: TransportOptions,
    pub(crate) retry: RetryPolicy,
    pub(crate) rate_limits: RateLimits,
    pub(crate) batch_limits: BatchLimits,
    pub(crate) test_mode: bool,
    pub(crate) account_deletes_in_test_mode: bool,
    pub(crate) read_ahead: u32,
    pub(crate) logger: Logger,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            endpoint: Url::parse(ENDPOINT).expect("the default is a URL"),
            transport: TransportOptions::default(),
            retry: RetryPolicy::default(),
            rate_limits: RateLimits::default(),
            batch_limits: BatchLimits::default(),
            test_mode: false,
            account_deletes_in_test_mode: false,
            read_ahead: 8,
            logger: Logger::default(),
        }
    }
}

impl ClientOptions {
    /// Every option that has a key, in the order in which a manual lists them.
    pub fn table() -> &'static [OptionSpec] {
        OPTIONS
    }

    /// Sets one option by its key, from the text that a configuration would have for it. An error names the key.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        if keys::IDENTITY.contains(&key) {
            return Err(Error::invalid_argument(
                key,
                "is no client option, but identifies the program; give it with the organisation and the credentials \
                 that the client is made with, or in a configuration",
            ));
        }
        let Some(spec) = find(key) else {
            let known = OPTIONS.iter().map(OptionSpec::key);
            return Err(Error::invalid_argument(
                "key",
                keys::unknown(key, known, ""),
            ));
        };
        spec.set(
            self,
            &RawValue::new(spec.key(), ValueSource::Program, value),
        )
    }
}
