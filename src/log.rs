//! Where the library says what it does: a callback, quiet unless the program asks.

use std::fmt;
use std::sync::Arc;

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What failed for good.
    Error,
    /// What failed and is tried again.
    Warn,
    /// What happens rarely, such as a new token.
    Info,
    /// Every request and answer.
    Debug,
}

type Sink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// Lines go to the sink when they are at least as important as the level. Lines never hold a secret.
#[derive(Clone, Default)]
pub struct Logger(Option<(LogLevel, Sink)>);

impl Logger {
    /// A logger that passes lines that are at least as important as `level` to `sink`.
    pub fn new(level: LogLevel, sink: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        Logger(Some((level, Arc::new(sink))))
    }

    /// Takes the line as a closure, so that a quiet logger costs no formatting.
    pub(crate) fn line(&self, level: LogLevel, text: impl FnOnce() -> String) {
        if let Some((most, sink)) = &self.0
            && level <= *most
        {
            sink(level, &text());
        }
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some((level, _)) => write!(f, "Logger({level:?})"),
            None => f.write_str("Logger(quiet)"),
        }
    }
}
