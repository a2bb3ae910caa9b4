//! The listings of the service, and how their pages are requested and parsed.

use super::last_page;
use crate::call::Call;
use crate::call::endpoint_class::EndpointClass;
use crate::error::{Absent, Delivery, Error, ErrorKind, Result};
use crate::http::transport::Answer;
use crate::json::buffer_pool::BufferPool;
use crate::model::argument::{check_domain, check_group_name};
use crate::model::error_body::quote;
use crate::model::group::GroupRow;
use crate::model::page::{Page, PageAnswer};
use crate::model::user::UserRow;
use crate::service::{Resource, Service};

/// Which members of a product profile to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStatus {
    /// Members whose access is active.
    Active,
    /// Members whose access is not active.
    Inactive,
}

/// Which users to list; the default is all users of the organisation.
///
/// ```
/// use umapi::{ErrorKind, MemberStatus, UsersQuery};
///
/// # fn main() -> umapi::Result<()> {
/// let mut query = UsersQuery::new();
/// query.set_group("Acrobat Pro DC")?;
/// query.set_status(MemberStatus::Active);
/// query.set_exclude_groups(true);
/// let refused = query.set_group_id(-1).unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct UsersQuery {
    group: Option<GroupRef>,
    domain: Option<String>,
    direct_only: Option<bool>,
    status: Option<MemberStatus>,
    exclude_groups: Option<bool>,
}

#[derive(Clone, Debug)]
enum GroupRef {
    Name(String),
    Id(String),
}

impl UsersQuery {
    /// A query for all users of the organisation.
    pub fn new() -> Self {
        UsersQuery::default()
    }

    /// Lists only members of this group or product profile. The service cuts a name with a dot at the dot; for such
    /// names use [`UsersQuery::set_group_id`]. An error for a name that no group can have, and for `.` and `..`.
    pub fn set_group(&mut self, name: &str) -> Result<()> {
        check_group_name("name", name)?;
        if matches!(name, "." | "..") {
            return Err(Error::invalid_argument(
                "name",
                "cannot be asked for by this name; use the numeric group id",
            ));
        }
        self.group = Some(GroupRef::Name(name.to_owned()));
        Ok(())
    }

    /// Lists only members of the group with this `groupId`, whatever its name is. An error for an id below 1.
    pub fn set_group_id(&mut self, id: i64) -> Result<()> {
        if id < 1 {
            return Err(Error::invalid_argument("group_id", "must be positive"));
        }
        self.group = Some(GroupRef::Id(id.to_string()));
        Ok(())
    }

    /// Lists only users of this domain. An error for what is no domain name.
    pub fn set_domain(&mut self, domain: &str) -> Result<()> {
        check_domain("domain", domain)?;
        self.domain = Some(domain.to_owned());
        Ok(())
    }

    /// Whether to leave out users that are members only through another group; the service's default is true.
    pub fn set_direct_only(&mut self, value: bool) {
        self.direct_only = Some(value);
    }

    /// Lists, of a product profile, only members whose access is active, or only members whose access is not.
    pub fn set_status(&mut self, status: MemberStatus) {
        self.status = Some(status);
    }

    /// Whether to leave each user's groups out of the answer, which makes it smaller; the service's default is false.
    pub fn set_exclude_groups(&mut self, value: bool) {
        self.exclude_groups = Some(value);
    }

    fn parameters(&self) -> Vec<(&str, &str)> {
        let flag = |value: bool| if value { "true" } else { "false" };
        [
            ("domain", self.domain.as_deref()),
            ("directOnly", self.direct_only.map(flag)),
            (
                "status",
                self.status.map(|status| match status {
                    MemberStatus::Active => "active",
                    MemberStatus::Inactive => "inactive",
                }),
            ),
            ("excludeGroups", self.exclude_groups.map(flag)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// A listing of the service: the address of its pages and the form of its answers.
#[derive(Debug)]
pub(crate) enum Listing {
    Users(UsersQuery),
    Groups,
    UserGroups,
}

impl Listing {
    pub(crate) async fn fetch<T: Send>(
        &self,
        service: &Service,
        call: &Call,
        page: u64,
        buffer_pool: &BufferPool,
        read: impl Fn(Answer) -> Result<T> + Send,
    ) -> Result<T> {
        let number = page.to_string();
        let org_id = service.org_id();
        match self {
            Listing::Users(query) => {
                let mut segments = vec!["users", org_id, &number];
                if let Some(GroupRef::Name(group) | GroupRef::Id(group)) = &query.group {
                    segments.push(group);
                }
                let resource = Resource {
                    class: EndpointClass::Users,
                    segments: &segments,
                    query: &query.parameters(),
                };
                service.get_page(call, resource, buffer_pool, read).await
            }
            Listing::Groups => {
                let resource = Resource {
                    class: EndpointClass::Groups,
                    segments: &["groups", org_id, &number],
                    query: &[],
                };
                service.get_page(call, resource, buffer_pool, read).await
            }
            Listing::UserGroups => {
                // This listing counts from 1.
                let number = (page + 1).to_string();
                let resource = Resource {
                    class: EndpointClass::UserGroups,
                    segments: &[org_id, "user-groups"],
                    query: &[("page", &number)],
                };
                service.get_page(call, resource, buffer_pool, read).await
            }
        }
    }

    pub(crate) fn parse_users(&self, answer: Answer) -> Result<PageAnswer<UserRow>> {
        Page::parse(answer.body, "users")
    }

    /// Checks that the service answered for the group that was asked for, and that the first page exists, which every
    /// listing has.
    pub(crate) fn check<R>(&self, page: u64, answer: &PageAnswer<R>) -> Result<()> {
        match (self, answer) {
            (_, PageAnswer::NotFound { message, .. }) if page == 0 => {
                Err(last_page::no_first_page(message.as_deref()))
            }
            (Listing::Users(query), PageAnswer::Page(page)) => query.check_group(page),
            _ => Ok(()),
        }
    }

    pub(crate) fn parse_groups(&self, answer: Answer) -> Result<PageAnswer<GroupRow>> {
        match self {
            Listing::UserGroups => match Page::parse_array(answer.body, "user groups")? {
                // This listing does not mark its last page; an empty page is past the end.
                PageAnswer::Page(page) if page.is_empty() => Ok(PageAnswer::PastTheEnd),
                answer => Ok(answer),
            },
            _ => Page::parse(answer.body, "groups"),
        }
    }

    /// Adds the name of the group or domain to an error by which the service does not know it.
    pub(crate) fn not_found(&self, error: Error) -> Error {
        let Listing::Users(query) = self else {
            return error;
        };
        let is_about_the_listing = matches!(
            error.absent(),
            Some(Absent::Unsaid | Absent::Page | Absent::Group)
        );
        match (&query.group, &query.domain) {
            _ if !is_about_the_listing => error,
            (Some(GroupRef::Name(name)), _) => {
                let error = error.context(format_args!("no group {name:?}"));
                match name.contains('.') {
                    true => error.with_remedy(ASK_BY_ID),
                    false => error,
                }
            }
            (Some(GroupRef::Id(id)), _) => error.context(format_args!("no group with id {id}")),
            (None, Some(domain)) => error.context(format_args!("no users of domain {domain:?}")),
            (None, None) => error,
        }
    }
}

const ASK_BY_ID: &str = "ask by the numeric group id (groupId in the listing of groups), since the service cuts \
                         names at a dot";

impl UsersQuery {
    /// Checks that the page is of the group that was asked for. A name that the service has cut at its dot may be the
    /// name of another group, whose members are not the answer.
    fn check_group<R>(&self, page: &Page<R>) -> Result<()> {
        let (Some(GroupRef::Name(asked)), Some(understood)) = (&self.group, page.group_name())
        else {
            return Ok(());
        };
        if is_same_but_for_case(asked, understood) {
            return Ok(());
        }
        let error = Error::new(
            ErrorKind::NotFound,
            format!(
                "the service answered for group {:?} in place of {asked:?}",
                quote(understood)
            ),
        );
        Err(error
            .with_delivery(Delivery::Answered)
            .with_remedy(ASK_BY_ID))
    }
}

/// Compares in lower and in upper case, since neither covers every letter: two small sigmas share one capital letter,
/// and two capital letters share the small sharp s.
fn is_same_but_for_case(one: &str, other: &str) -> bool {
    one == other
        || one.to_lowercase() == other.to_lowercase()
        || one.to_uppercase() == other.to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_makes_no_other_group() {
        for (one, other) in [
            ("Sales", "sALES"),
            ("\u{c4}rzte", "\u{e4}RZTE"),
            ("\u{3c3}\u{3bf}\u{3c2}", "\u{3a3}\u{39f}\u{3a3}"),
            ("Stra\u{df}e", "STRA\u{1e9e}E"),
        ] {
            assert!(is_same_but_for_case(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("v2.0.1 Testers", "v2.0"),
            ("Sales", "Sales "),
            ("\u{c4}rzte", "Arzte"),
        ] {
            assert!(!is_same_but_for_case(one, other), "{one} {other}");
        }
    }
}
