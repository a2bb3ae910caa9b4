//! A value as text, with the place where it was given, and its conversion into what an option holds. The ranges stand
//! here, for texts and for the typed setters alike.

use super::keys;
use crate::error::{Error, Result};
use crate::http::limit::rate_limit::RateLimit;
use crate::log::LogLevel;
use crate::secret::Secret;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ValueSource {
    /// The program gave it by its key.
    Program,
    File(PathBuf),
    Environment,
}

impl ValueSource {
    /// How messages name a key that is given here: with the file, or as the variable.
    pub(crate) fn name_of(&self, key: &str) -> String {
        match self {
            ValueSource::Program => key.to_owned(),
            ValueSource::File(path) => format!("{}: {key}", path.display()),
            ValueSource::Environment => keys::variable(key),
        }
    }

    /// The same, for the middle of a sentence.
    pub(crate) fn phrase_for(&self, key: &str) -> String {
        match self {
            ValueSource::Program => format!("the option {key}"),
            ValueSource::File(path) => format!("{key} in {}", path.display()),
            ValueSource::Environment => format!("{} in the environment", keys::variable(key)),
        }
    }
}

/// The text that was given for a key. It is zeroed when dropped, since it may be a secret.
#[derive(Clone, Debug)]
pub(crate) struct RawValue {
    pub key: &'static str,
    /// How messages name it.
    pub name: String,
    pub source: ValueSource,
    pub value: Secret,
}

impl RawValue {
    pub(crate) fn new(key: &'static str, source: ValueSource, value: impl Into<Secret>) -> Self {
        RawValue {
            key,
            name: source.name_of(key),
            source,
            value: value.into(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        self.value.reveal()
    }

    pub(crate) fn wrong(&self, problem: impl fmt::Display) -> Error {
        Error::invalid_argument(&self.name, problem)
    }

    /// Whether an operator gave it, and not the program.
    pub(super) fn is_from_configuration(&self) -> bool {
        self.source != ValueSource::Program
    }

    /// How messages name it in the middle of a sentence.
    pub(crate) fn phrase(&self) -> String {
        self.source.phrase_for(self.key)
    }

    /// A path; in a file it is relative to the folder of the file.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        let text = match self.text() {
            "" => return Err(self.wrong("must not be empty")),
            text => Path::new(text),
        };
        Ok(match &self.source {
            ValueSource::File(file) => file.parent().unwrap_or(Path::new("")).join(text),
            ValueSource::Program | ValueSource::Environment => text.to_owned(),
        })
    }

    pub(super) fn flag(&self) -> Result<bool> {
        match self.text() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(self.wrong("must be true or false, or 1 or 0")),
        }
    }

    pub(super) fn count(&self) -> Result<u32> {
        checked_count(&self.name, self.text().parse().ok())
    }

    pub(super) fn milliseconds(&self) -> Result<Duration> {
        let milliseconds = self.text().parse().ok();
        checked_time(&self.name, milliseconds.map(Duration::from_millis))
    }

    /// Requests and the milliseconds of their window, such as `25/60000`, or `off`.
    pub(super) fn rate_limit(&self) -> Result<Option<RateLimit>> {
        if self.text() == "off" {
            return Ok(None);
        }
        let parts = self.text().split_once('/').and_then(|(requests, window)| {
            let window = Duration::from_millis(window.parse().ok()?);
            let requests = requests.parse().ok()?;
            Some(RateLimit { requests, window })
        });
        let Some(limit) = parts else {
            return Err(self.wrong(
                "must be a number of requests and a number of milliseconds, such as 25/60000, or off",
            ));
        };
        checked_rate_limit([&self.name, &self.name], limit).map(Some)
    }

    pub(super) fn log_level(&self) -> Result<LogLevel> {
        match self.text() {
            "error" => Ok(LogLevel::Error),
            "warn" => Ok(LogLevel::Warn),
            "info" => Ok(LogLevel::Info),
            "debug" => Ok(LogLevel::Debug),
            _ => Err(self.wrong("must be error, warn, info or debug")),
        }
    }
}

/// A time of 1 ms at least; `None` is what is no time at all.
pub(super) fn checked_time(name: &str, time: Option<Duration>) -> Result<Duration> {
    let usable = time.filter(|time| *time >= Duration::from_millis(1));
    usable.ok_or_else(|| {
        Error::invalid_argument(name, "must be a whole number of milliseconds, at least 1")
    })
}

/// A count of 1 at least; `None` is what is no count at all.
pub(super) fn checked_count(name: &str, count: Option<u32>) -> Result<u32> {
    let usable = count.filter(|count| *count >= 1);
    usable.ok_or_else(|| Error::invalid_argument(name, "must be a whole number, at least 1"))
}

/// One request in 1 ms at least. `names`: those of the requests and of the window.
pub(super) fn checked_rate_limit(names: [&str; 2], limit: RateLimit) -> Result<RateLimit> {
    Ok(RateLimit {
        requests: checked_count(names[0], Some(limit.requests))?,
        window: checked_time(names[1], Some(limit.window))?,
    })
}
