//! A user in a listing, or as the answer to a query for one user.

use super::page::{self, Page};
use crate::json::buffer_pool::PooledBuf;
use crate::json::reader::{self, Reader, TextList};
use crate::json::table::{Row, Table};
use crate::json::text::{Span, Text};
use std::sync::Arc;

/// The type of a user's account, as the User Management API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityType {
    /// `adobeID`: an account that its owner made and owns.
    AdobeId,
    /// `enterpriseID`: an account that the organisation owns and Adobe authenticates.
    EnterpriseId,
    /// `federatedID`: an account that the organisation owns and authenticates.
    FederatedId,
}

impl IdentityType {
    /// Ignores letter case, which varies in the answers of the live service.
    fn parse(text: &str) -> Option<Self> {
        [
            ("adobeID", IdentityType::AdobeId),
            ("enterpriseID", IdentityType::EnterpriseId),
            ("federatedID", IdentityType::FederatedId),
        ]
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, identity)| identity)
    }
}

/// One user of a page, or the answer to [`crate::Client::find_user`].
///
/// A clone shares the page's memory, and keeps it alive. Fields that the service leaves out or sets to null are `None`.
/// The field names in the documentation of the methods are those of the User Management API; the names of the
/// deprecated endpoints are read too.
#[derive(Clone, Debug)]
pub struct User {
    table: Arc<Table<UserRow>>,
    row: u32,
}

/// The users of one page, in the service's order.
pub type UserPage = Page<UserRow>;

impl Page<UserRow> {
    /// The user at `index`, counted from 0; `None` beyond the end of the page.
    pub fn get(&self, index: usize) -> Option<User> {
        self.item_at(index, User::at)
    }

    /// All users of the page, in order.
    pub fn users(&self) -> impl ExactSizeIterator<Item = User> + '_ {
        (0..self.len()).map(|index| self.get(index).expect("it is below the length"))
    }
}

/// Reads the answer to a query for one user.
pub(crate) fn parse_one_user(body: PooledBuf<Vec<u8>>) -> crate::error::Result<User> {
    let table = page::parse_one(body, "user")?;
    Ok(User::at(table, 0))
}

/// The fields of one user, as spans in the page.
#[derive(Debug)]
pub struct UserRow {
    id: Span,
    email: Span,
    status: Span,
    username: Span,
    domain: Span,
    first_name: Span,
    last_name: Span,
    country: Span,
    identity: Span,
    groups: TextList,
    tags: TextList,
    admin_roles: TextList,
    org_specific: Option<bool>,
    business_account: Option<bool>,
}

macro_rules! text_fields {
    ($($(#[$doc:meta])* $name:ident: $span:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self) -> Option<Text<'_>> {
            self.table.text(self.fields()?.$span)
        })*
    };
}

impl User {
    pub(crate) fn at(table: Arc<Table<UserRow>>, row: u32) -> Self {
        User { table, row }
    }

    fn fields(&self) -> Option<&UserRow> {
        self.table.row(self.row)
    }

    text_fields! {
        /// `id`: the service's own id of the user.
        id: id;
        /// `email`.
        email: email;
        /// `status`: `active`, `disabled`, `locked`, `removed`, or what the service adds.
        status: status;
        /// `username`: often the email.
        username: username;
        /// `domain`: the domain that the user belongs to.
        domain: domain;
        /// `firstname`.
        first_name: first_name;
        /// `lastname`.
        last_name: last_name;
        /// `country`: ISO 3166-1 alpha-2.
        country: country;
        /// `type`: the identity type in the service's own spelling; [`User::identity_type`] converts it.
        identity: identity;
    }

    /// The identity type. `None`: the field is absent, is `unknown`, or has a value that this version does not know.
    pub fn identity_type(&self) -> Option<IdentityType> {
        IdentityType::parse(self.identity()?.as_str())
    }

    fn list(
        &self,
        field: impl Fn(&UserRow) -> TextList,
    ) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.table
            .list(self.fields().map(field).unwrap_or_default())
    }

    /// `groups`: the names of the groups and product profiles that the user is a member of. Empty if the field is
    /// absent.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.list(|user| user.groups)
    }

    /// `tags`. The service has deprecated them and leaves them out of newer answers; the iterator is empty then.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.list(|user| user.tags)
    }

    /// `adminRoles`. The service has deprecated them and leaves them out of newer answers; the iterator is empty then.
    pub fn admin_roles(&self) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.list(|user| user.admin_roles)
    }

    /// `orgSpecific`.
    pub fn org_specific(&self) -> Option<bool> {
        self.fields()?.org_specific
    }

    /// `businessAccount`.
    pub fn business_account(&self) -> Option<bool> {
        self.fields()?.business_account
    }

    /// The user's JSON object as the service sent it, including fields that this version does not know.
    pub fn json(&self) -> Text<'_> {
        self.table.json(self.row)
    }
}

enum Field {
    Id,
    Email,
    Status,
    Username,
    Domain,
    FirstName,
    LastName,
    Country,
    Identity,
    Groups,
    Tags,
    AdminRoles,
    OrgSpecific,
    BusinessAccount,
    Unknown,
}

impl Field {
    /// The field of a key, in the spelling of the current and of the deprecated endpoints.
    fn from_key(key: &[u8]) -> Self {
        match key {
            b"id" => Field::Id,
            b"email" => Field::Email,
            b"status" => Field::Status,
            b"username" | b"userName" => Field::Username,
            b"domain" => Field::Domain,
            b"firstname" | b"firstName" => Field::FirstName,
            b"lastname" | b"lastName" => Field::LastName,
            b"country" | b"countryCode" => Field::Country,
            b"type" | b"userType" => Field::Identity,
            b"groups" => Field::Groups,
            b"tags" => Field::Tags,
            b"adminRoles" => Field::AdminRoles,
            b"orgSpecific" => Field::OrgSpecific,
            b"businessAccount" => Field::BusinessAccount,
            _ => Field::Unknown,
        }
    }
}

impl Row for UserRow {
    fn read(reader: &mut Reader) -> reader::Result<Self> {
        let mut user = UserRow {
            id: Span::ABSENT,
            email: Span::ABSENT,
            status: Span::ABSENT,
            username: Span::ABSENT,
            domain: Span::ABSENT,
            first_name: Span::ABSENT,
            last_name: Span::ABSENT,
            country: Span::ABSENT,
            identity: Span::ABSENT,
            groups: TextList::default(),
            tags: TextList::default(),
            admin_roles: TextList::default(),
            org_specific: None,
            business_account: None,
        };
        reader.object(Field::from_key, |reader, field| {
            match field {
                Field::Id => user.id = reader.text()?,
                Field::Email => user.email = reader.text()?,
                Field::Status => user.status = reader.text()?,
                Field::Username => user.username = reader.text()?,
                Field::Domain => user.domain = reader.text()?,
                Field::FirstName => user.first_name = reader.text()?,
                Field::LastName => user.last_name = reader.text()?,
                Field::Country => user.country = reader.text()?,
                Field::Identity => user.identity = reader.text()?,
                Field::Groups => user.groups = reader.texts()?,
                Field::Tags => user.tags = reader.texts()?,
                Field::AdminRoles => user.admin_roles = reader.texts()?,
                Field::OrgSpecific => user.org_specific = reader.flag()?,
                Field::BusinessAccount => user.business_account = reader.flag()?,
                Field::Unknown => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(user)
    }
}
