//! Refusals and warnings of steps: the service's codes, each with a message.

/// Why a step was not applied.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
    /// The user that does not exist, if that is the reason.
    pub missing_user: Option<String>,
}

/// A warning about a step that was applied.
#[derive(Clone, Debug)]
pub struct Warning {
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Refusal {
            code,
            message: message.into(),
            missing_user: None,
        }
    }

    pub fn no_user(user: &str) -> Self {
        Refusal {
            code: "error.user.nonexistent",
            message: format!("no user {user}"),
            missing_user: Some(user.to_lowercase()),
        }
    }
}

/// A single refusal, as the error of a step.
pub fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Vec<Refusal>> {
    Err(vec![Refusal::new(code, message)])
}
