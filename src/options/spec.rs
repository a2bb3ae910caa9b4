//! One row of the table of client options.

use super::raw_value::RawValue;
use super::{ClientOptions, keys};
use crate::error::Result;

/// Checks a value and puts it into the options.
type Setter = fn(&mut ClientOptions, &RawValue) -> Result<()>;

/// A client option that has a key.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    key: &'static str,
    form: ValueForm,
    default: &'static str,
    description: &'static str,
    needs: &'static [&'static str],
    set: Setter,
}

/// How a configuration in JSON writes the value. Everywhere else it is a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueForm {
    Text,
    /// `true` or `false`.
    Flag,
    /// A number.
    Count,
    /// A number of milliseconds.
    Milliseconds,
}

impl OptionSpec {
    pub(super) const fn new(
        key: &'static str,
        form: ValueForm,
        default: &'static str,
        description: &'static str,
        set: Setter,
    ) -> Self {
        OptionSpec {
            key,
            form,
            default,
            description,
            needs: &[],
            set,
        }
    }

    /// A configuration that has this option must have the options of these keys as well.
    pub(super) const fn with_needs(mut self, needs: &'static [&'static str]) -> Self {
        self.needs = needs;
        self
    }

    /// Its name in a configuration file and for [`ClientOptions::set`].
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// Its name in the environment: the key in capital letters after `UMAPI_`.
    pub fn variable(&self) -> String {
        keys::variable(self.key)
    }

    /// The value that a new [`ClientOptions`] has, as text; empty if the option is not set.
    pub fn default_text(&self) -> &'static str {
        self.default
    }

    /// What the option does and which values it takes, in one line.
    pub fn description(&self) -> &'static str {
        self.description
    }

    pub(crate) fn form(&self) -> ValueForm {
        self.form
    }

    pub(crate) fn needs(&self) -> &'static [&'static str] {
        self.needs
    }

    pub(crate) fn set(&self, options: &mut ClientOptions, value: &RawValue) -> Result<()> {
        (self.set)(options, value)
    }
}
