//! Logging to a callback of the program.

use std::fmt;
use std::sync::Arc;

/// The importance of a log message, from the most to the least important.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// An operation failed.
    Error,
    /// An operation continues, but an operator should look at something.
    Warn,
    /// An event of normal operation.
    Info,
    /// Details of each request.
    Debug,
}

type Sink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// Passes log messages to a callback. The default logger drops them. No message contains a secret.
#[derive(Clone, Default)]
pub struct Logger(Option<(LogLevel, Sink)>);

impl Logger {
    /// A logger that calls `sink` with each message that is at least as important as `level`. `sink` may run on any
    /// thread, and on several at the same time.
    pub fn new(level: LogLevel, sink: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        Logger(Some((level, Arc::new(sink))))
    }

    /// Changes the least important level that goes to the sink, if there is one.
    pub(crate) fn set_level(&mut self, level: LogLevel) {
        if let Some((least_important, _)) = &mut self.0 {
            *least_important = level;
        }
    }

    /// Logs a message of one line. `text` is called only if the message is passed on, so that other messages are not
    /// formatted.
    pub(crate) fn line(&self, level: LogLevel, text: impl FnOnce() -> String) {
        if let Some((least_important, sink)) = &self.0
            && level <= *least_important
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
