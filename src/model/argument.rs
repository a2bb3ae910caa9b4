//! Checks of the texts that a caller gives.

use super::order_key::group_of;
use crate::error::{Error, Result};

/// Documented limits on text, where more can never be right. The service judges the rest: a client that is too strict
/// would refuse what the service takes.
pub(crate) const LONGEST_PERSON_NAME: usize = 250;
const LONGEST_GROUP_NAME: usize = 255;
/// RFC 5321; the service documents 60, but has taken longer ones, so that is for it to say.
pub(crate) const LONGEST_EMAIL: usize = 254;
const LONGEST_REQUEST_ID: usize = 255;

fn check_text(argument: &str, text: &str, longest: usize) -> Result<()> {
    // No early end, so that many bytes are looked at in one step.
    let is_plain = text
        .bytes()
        .fold(true, |all, byte| all & (b' '..=b'~').contains(&byte));
    if is_plain && (1..=longest).contains(&text.len()) {
        return Ok(());
    }
    if text.is_empty() {
        return Err(Error::invalid_argument(argument, "must not be empty"));
    }
    if text.len() > longest && text.chars().count() > longest {
        let length = text.chars().count();
        return Err(Error::invalid_argument(
            argument,
            format_args!("has {length} characters; at most {longest} are possible"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid_argument(
            argument,
            "holds a control character",
        ));
    }
    Ok(())
}

pub(crate) fn check_optional(argument: &str, text: Option<&str>, longest: usize) -> Result<()> {
    text.map_or(Ok(()), |t| check_text(argument, t, longest))
}

/// What names a user in an action: an email alone, or a username without `@` together with its domain.
pub(crate) fn check_user_string(argument: &str, user: &str, domain: Option<&str>) -> Result<()> {
    check_text(argument, user, LONGEST_EMAIL)?;
    check_optional("domain", domain, LONGEST_EMAIL)?;
    match (user.contains('@'), domain) {
        (false, None) => Err(Error::invalid_argument("domain", WANTS_DOMAIN)),
        (true, Some(_)) => Err(Error::invalid_argument(
            "domain",
            "goes only with a username without @; leave it out for an email",
        )),
        _ => Ok(()),
    }
}

/// What names a user in a question: an email or a username. The domain is the service's to judge: beside an email it
/// tells an Adobe ID (`AdobeID`) from a Federated ID, and need not be the email's own.
pub(crate) fn check_user_query(argument: &str, user: &str, domain: Option<&str>) -> Result<()> {
    check_text(argument, user, LONGEST_EMAIL)?;
    check_optional("domain", domain, LONGEST_EMAIL)?;
    match (user.contains('@'), domain) {
        (false, None) => Err(Error::invalid_argument("domain", WANTS_DOMAIN)),
        _ => Ok(()),
    }
}

const WANTS_DOMAIN: &str = "a username without @ needs the domain that it belongs to";

pub(crate) fn check_email(email: &str) -> Result<()> {
    check_text("email", email, LONGEST_EMAIL)?;
    if !email.contains('@') {
        return Err(Error::invalid_argument("email", "has no @"));
    }
    Ok(())
}

/// The name of a group that is to be created, or the new name of one. Names of the service's own groups begin with `_`.
pub(crate) fn check_new_group_name(argument: &str, name: &str) -> Result<()> {
    check_text(argument, name, LONGEST_GROUP_NAME)?;
    if name.starts_with('_') {
        return Err(Error::invalid_argument(
            argument,
            "a user group's name cannot begin with _ (those are the service's own groups)",
        ));
    }
    Ok(())
}

/// The name of a group that is there, of whatever kind. An admin group's name is longer than that of the group that it
/// belongs to.
pub(crate) fn check_group_name(argument: &str, name: &str) -> Result<()> {
    check_text(argument, group_of(name), LONGEST_GROUP_NAME)
}

/// A domain, for what names one: no name in the DNS is longer than an address.
pub(crate) fn check_domain(argument: &str, domain: &str) -> Result<()> {
    check_text(argument, domain, LONGEST_EMAIL)
}

pub(crate) fn check_member(argument: &str, email: &str) -> Result<()> {
    check_text(argument, email, LONGEST_GROUP_NAME)
}

pub(crate) fn check_request_id(argument: &str, id: &str) -> Result<()> {
    check_text(argument, id, LONGEST_REQUEST_ID)
}

/// A check of one text, which is named by the first argument.
pub(crate) type Check = fn(&str, &str) -> Result<()>;

/// A list of names has at least one, and each of them passes the check.
pub(crate) fn check_names<S: AsRef<str>>(argument: &str, names: &[S], check: Check) -> Result<()> {
    if names.is_empty() {
        return Err(Error::invalid_argument(argument, "the list is empty"));
    }
    for (position, name) in names.iter().enumerate() {
        check("", name.as_ref())
            .or_else(|_| check(&format!("{argument}[{position}]"), name.as_ref()))?;
    }
    Ok(())
}
