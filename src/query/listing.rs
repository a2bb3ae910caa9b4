//! Which listing is asked for, and how its pages are addressed and read.

use super::end;
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

/// The members of a product profile to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStatus {
    Active,
    Inactive,
}

/// Which users to list; the default is all users of the organisation.
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
    pub fn new() -> Self {
        UsersQuery::default()
    }

    /// Only members of this group or product profile. A name with a dot is cut at the dot by the service; there use
    /// [`UsersQuery::set_group_id`].
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

    /// Only members of the group with this `groupId`, which any name can have.
    pub fn set_group_id(&mut self, id: i64) -> Result<()> {
        if id < 1 {
            return Err(Error::invalid_argument("group_id", "must be positive"));
        }
        self.group = Some(GroupRef::Id(id.to_string()));
        Ok(())
    }

    /// Only users of this domain.
    pub fn set_domain(&mut self, domain: &str) -> Result<()> {
        check_domain("domain", domain)?;
        self.domain = Some(domain.to_owned());
        Ok(())
    }

    /// Whether to leave out those who are members only by way of another group; the service's default is true.
    pub fn set_direct_only(&mut self, value: bool) {
        self.direct_only = Some(value);
    }

    /// For product profiles: only members whose access is active, or only those whose is not.
    pub fn set_status(&mut self, status: MemberStatus) {
        self.status = Some(status);
    }

    /// Whether to leave each user's groups out of the answer.
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

/// Where the pages of a listing are and how they read.
#[derive(Debug)]
pub(crate) enum Listing {
    Users(UsersQuery),
    Groups,
    UserGroups,
}

impl Listing {
    pub(crate) async fn fetch<T>(
        &self,
        service: &Service,
        call: &Call,
        page: u64,
        buffer_pool: &BufferPool,
        read: impl Fn(Answer) -> Result<T>,
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
                    buffer_pool: Some(buffer_pool),
                };
                service.get(call, resource, read).await
            }
            Listing::Groups => {
                let resource = Resource {
                    class: EndpointClass::Groups,
                    segments: &["groups", org_id, &number],
                    query: &[],
                    buffer_pool: Some(buffer_pool),
                };
                service.get(call, resource, read).await
            }
            Listing::UserGroups => {
                // This listing counts from 1.
                let number = (page + 1).to_string();
                let resource = Resource {
                    class: EndpointClass::UserGroups,
                    segments: &[org_id, "user-groups"],
                    query: &[("page", &number)],
                    buffer_pool: Some(buffer_pool),
                };
                service.get(call, resource, read).await
            }
        }
    }

    pub(crate) fn parse_users(&self, answer: Answer) -> Result<PageAnswer<UserRow>> {
        Page::parse(answer.body, "users")
    }

    /// Whether the service answered for what was asked for: a group, and its first page, which every listing has.
    pub(crate) fn check<R>(&self, page: u64, answer: &PageAnswer<R>) -> Result<()> {
        match (self, answer) {
            (_, PageAnswer::NotFound { message, .. }) if page == 0 => {
                Err(end::no_first_page(message.as_deref()))
            }
            (Listing::Users(query), PageAnswer::Page(page)) => query.check_group(page),
            _ => Ok(()),
        }
    }

    pub(crate) fn parse_groups(&self, answer: Answer) -> Result<PageAnswer<GroupRow>> {
        match self {
            Listing::UserGroups => match Page::parse_array(answer.body, "user groups")? {
                // Without a word on the last page, an empty one is past the end.
                PageAnswer::Page(page) if page.is_empty() => Ok(PageAnswer::PastTheEnd),
                answer => Ok(answer),
            },
            _ => Page::parse(answer.body, "groups"),
        }
    }

    /// Names the group or domain that the service does not know, where that is what it says.
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
    /// A name that the service cut at its dot may be another group's name: that group's members are no answer.
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

/// Both ways, since neither alone covers every letter: the two small sigmas share a capital, and the two capital
/// sharp s a small letter.
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
