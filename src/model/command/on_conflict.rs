//! What a create does when its target exists already.

use crate::model::write_json::ObjectWriter;

/// What a create does when the user or group is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Leave it as it is and go on.
    Ignore,
    /// Overwrite what may be overwritten and go on.
    Update,
    /// Fail. Such a create is not replay-safe: if its answer is lost it ends as unknown.
    Error,
}

pub(super) const OPTION: &str = "option";
const IGNORE: &str = "ignoreIfAlreadyExists";
const UPDATE: &str = "updateIfAlreadyExists";

impl OnConflict {
    /// What a word of the service means; `None` for one that the library does not know.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        match word {
            IGNORE => Some(OnConflict::Ignore),
            UPDATE => Some(OnConflict::Update),
            _ => None,
        }
    }

    /// The service knows no word for the third: leaving the option out means it.
    fn word(self) -> Option<&'static str> {
        match self {
            OnConflict::Ignore => Some(IGNORE),
            OnConflict::Update => Some(UPDATE),
            OnConflict::Error => None,
        }
    }

    pub(super) fn write_field(self, body: &mut ObjectWriter<'_>) {
        if let Some(word) = self.word() {
            body.text(OPTION, word);
        }
    }
}
