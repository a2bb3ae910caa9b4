//! A user as the service tells of one.

use super::page::{self, Page};
use super::table::{ListSeed, Row, Table, TextList, TextSeed, Texts};
use super::text::{Span, Text};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;
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
pub(crate) fn parse_one_user(body: &[u8]) -> crate::error::Result<Option<User>> {
    let table = page::parse_one(body, "user")?;
    Ok(table.map(|table| User::at(table, 0)))
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
            self.table.text(self.fields().$span)
        })*
    };
}

impl User {
    pub(crate) fn at(table: Arc<Table<UserRow>>, row: u32) -> Self {
        User { table, row }
    }

    fn fields(&self) -> &UserRow {
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

    /// The names of the groups and profiles that the user is in.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.table.list(self.fields().groups)
    }

    /// Deprecated by the service, and absent from newer answers.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.table.list(self.fields().tags)
    }

    /// Deprecated by the service, and absent from newer answers.
    pub fn admin_roles(&self) -> impl ExactSizeIterator<Item = Text<'_>> {
        self.table.list(self.fields().admin_roles)
    }

    pub fn org_specific(&self) -> Option<bool> {
        self.fields().org_specific
    }

    pub fn business_account(&self) -> Option<bool> {
        self.fields().business_account
    }

    /// The user's JSON object as the service sent it, with every field that this version does not know.
    pub fn json(&self) -> Text<'_> {
        self.table.raw(self.row)
    }
}

/// The spellings of the current and of the deprecated endpoints.
#[derive(Deserialize)]
#[serde(field_identifier)]
enum Field {
    #[serde(rename = "id")]
    Id,
    #[serde(rename = "email")]
    Email,
    #[serde(rename = "status")]
    Status,
    #[serde(rename = "username", alias = "userName")]
    Username,
    #[serde(rename = "domain")]
    Domain,
    #[serde(rename = "firstname", alias = "firstName")]
    FirstName,
    #[serde(rename = "lastname", alias = "lastName")]
    LastName,
    #[serde(rename = "country", alias = "countryCode")]
    Country,
    #[serde(rename = "type", alias = "userType")]
    Identity,
    #[serde(rename = "groups")]
    Groups,
    #[serde(rename = "tags")]
    Tags,
    #[serde(rename = "adminRoles")]
    AdminRoles,
    #[serde(rename = "orgSpecific")]
    OrgSpecific,
    #[serde(rename = "businessAccount")]
    BusinessAccount,
    #[serde(other)]
    Unknown,
}

struct UserSeed<'t>(&'t mut Texts);

impl Row for UserRow {
    fn read(json: &str, texts: &mut Texts) -> serde_json::Result<Self> {
        UserSeed(texts).deserialize(&mut serde_json::Deserializer::from_str(json))
    }
}

impl<'de> DeserializeSeed<'de> for UserSeed<'_> {
    type Value = UserRow;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<UserRow, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for UserSeed<'_> {
    type Value = UserRow;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a user object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UserRow, A::Error> {
        let texts = self.0;
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
        while let Some(field) = map.next_key()? {
            match field {
                Field::Id => user.id = map.next_value_seed(TextSeed(texts))?,
                Field::Email => user.email = map.next_value_seed(TextSeed(texts))?,
                Field::Status => user.status = map.next_value_seed(TextSeed(texts))?,
                Field::Username => user.username = map.next_value_seed(TextSeed(texts))?,
                Field::Domain => user.domain = map.next_value_seed(TextSeed(texts))?,
                Field::FirstName => user.first_name = map.next_value_seed(TextSeed(texts))?,
                Field::LastName => user.last_name = map.next_value_seed(TextSeed(texts))?,
                Field::Country => user.country = map.next_value_seed(TextSeed(texts))?,
                Field::Identity => user.identity = map.next_value_seed(TextSeed(texts))?,
                Field::Groups => user.groups = map.next_value_seed(ListSeed(texts))?,
                Field::Tags => user.tags = map.next_value_seed(ListSeed(texts))?,
                Field::AdminRoles => user.admin_roles = map.next_value_seed(ListSeed(texts))?,
                Field::OrgSpecific => user.org_specific = map.next_value()?,
                Field::BusinessAccount => user.business_account = map.next_value()?,
                Field::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(user)
    }
}
