//! A user as the service tells of one.

use super::page::{self, Page};
use crate::json::buffer_pool::PooledBuf;
use crate::json::reader::{self, Reader, TextList};
use crate::json::table::{Row, Table};
use crate::json::text::{Span, Text};
use std::sync::Arc;

/// Which kind of account a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityType {
    AdobeId,
    EnterpriseId,
    FederatedId,
}

impl IdentityType {
    /// The service's letter case varies in the field.
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

/// One user of a page. Cheap to clone; keeps the page's memory alive.
#[derive(Clone, Debug)]
pub struct User {
    table: Arc<Table<UserRow>>,
    row: u32,
}

/// The users of one page, in the service's order.
pub type UserPage = Page<UserRow>;

impl Page<UserRow> {
    pub fn get(&self, index: usize) -> Option<User> {
        self.at(index, User::at)
    }

    pub fn users(&self) -> impl ExactSizeIterator<Item = User> + '_ {
        (0..self.len()).map(|index| self.get(index).expect("it is below the length"))
    }
}

/// Reads the answer to a question for one user.
pub(crate) fn parse_one_user(body: PooledBuf<Vec<u8>>) -> crate::error::Result<User> {
    let table = page::parse_one(body, "user")?;
    Ok(User::at(table, 0))
}

/// Where a user's fields stand in their page.
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
        /// The service's own id of the user.
        id: id;
        email: email;
        /// `active`, `disabled`, `locked`, `removed`, or what the service adds.
        status: status;
        username: username;
        domain: domain;
        first_name: first_name;
        last_name: last_name;
        /// ISO 3166-1 alpha-2.
        country: country;
        /// The identity type in the service's own spelling; [`User::identity_type`] reads it.
        identity: identity;
    }

    /// `None` for `unknown` and for types that this version does not know.
    pub fn identity_type(&self) -> Option<IdentityType> {
        IdentityType::parse(self.identity()?.as_str())
    }

    fn list(&self, of: impl Fn(&UserRow) -> TextList) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.table.list(self.fields().map(of).unwrap_or_default())
    }

    /// The names of the groups and profiles that the user is in.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.list(|user| user.groups)
    }

    /// Deprecated by the service, and absent from newer answers.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.list(|user| user.tags)
    }

    /// Deprecated by the service, and absent from newer answers.
    pub fn admin_roles(&self) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.list(|user| user.admin_roles)
    }

    pub fn org_specific(&self) -> Option<bool> {
        self.fields()?.org_specific
    }

    pub fn business_account(&self) -> Option<bool> {
        self.fields()?.business_account
    }

    /// The user's JSON object as the service sent it, with every field that this version does not know.
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
    /// In the spelling of the current and of the deprecated endpoints.
    fn named(key: &[u8]) -> Self {
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
        reader.object(Field::named, |reader, field| {
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
