//! The service's codes with words to them.

/// Why a step was not applied.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
    /// The user that there is none of, if that is the reason.
    pub missing_user: Option<String>,
}

/// What the service has to say about a step that was applied.
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

/// A single refusal, in the form that steps answer with.
pub fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Vec<Refusal>> {
    Err(vec![Refusal::new(code, message)])
}
