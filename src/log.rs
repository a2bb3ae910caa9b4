//! Where the library says what it does: a callback, quiet unless the program asks.

use std::fmt;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

type Sink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// Lines go to the sink when they are at least as important as the level. Lines never hold a secret.
#[derive(Clone, Default)]
pub struct Logger(Option<(LogLevel, Sink)>);

impl Logger {
    pub fn new(level: LogLevel, sink: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        Logger(Some((level, Arc::new(sink))))
    }

    /// Changes the least important level that goes to the sink, if there is one.
    pub(crate) fn set_level(&mut self, level: LogLevel) {
        if let Some((most, _)) = &mut self.0 {
            *most = level;
        }
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
