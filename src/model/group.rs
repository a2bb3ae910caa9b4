//! A group as the service tells of one: user groups, product profiles and admin groups alike.

use super::page::Page;
use super::table::{Row, Table, TextSeed, Texts};
use super::text::{Span, Text};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;
use std::sync::Arc;

/// One group of a page. Cheap to clone; keeps the page's memory alive.
#[derive(Clone, Debug)]
pub struct Group {
    table: Arc<Table<GroupRow>>,
    row: u32,
}

/// The groups of one page, in the service's order.
pub type GroupPage = Page<GroupRow>;

impl Page<GroupRow> {
    pub fn get(&self, index: usize) -> Option<Group> {
        self.at(index, Group::at)
    }

    pub fn groups(&self) -> impl ExactSizeIterator<Item = Group> + '_ {
        (0..self.len()).map(|index| self.get(index).expect("it is below the length"))
    }
}

/// Where a group's fields stand in their page.
#[derive(Debug)]
pub struct GroupRow {
    id: Option<i64>,
    member_count: Option<u64>,
    read_only: Option<bool>,
    name: Span,
    kind: Span,
    admin_group_name: Span,
    product_name: Span,
    license_quota: Span,
    user_group_name: Span,
    product_profile_name: Span,
    profile_group_name: Span,
}

macro_rules! text_fields {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self) -> Option<Text<'_>> {
            self.table.text(self.fields().$name)
        })*
    };
}

impl Group {
    pub(crate) fn at(table: Arc<Table<GroupRow>>, row: u32) -> Self {
        Group { table, row }
    }

    fn fields(&self) -> &GroupRow {
        self.table.row(self.row)
    }

    /// Works in place of the name in queries, where a name with a dot does not.
    pub fn id(&self) -> Option<i64> {
        self.fields().id
    }

    pub fn member_count(&self) -> Option<u64> {
        self.fields().member_count
    }

    /// Whether the group is managed elsewhere, such as by directory sync. Only the deprecated listing of user groups
    /// tells it.
    pub fn is_read_only(&self) -> Option<bool> {
        self.fields().read_only
    }

    text_fields! {
        name;
        /// `USER_GROUP`, `PRODUCT_PROFILE`, `SYSADMIN_GROUP` and so on; the list is open.
        kind;
        /// The group of those who administer this one.
        admin_group_name;
        product_name;
        /// The number of licences, or `UNLIMITED`, as the service writes it.
        license_quota;
        user_group_name;
        product_profile_name;
        profile_group_name;
    }

    /// The group's JSON object as the service sent it, with every field that this version does not know.
    pub fn json(&self) -> Text<'_> {
        self.table.raw(self.row)
    }
}

/// The spellings of the current and of the deprecated endpoint.
#[derive(Deserialize)]
#[serde(field_identifier)]
enum Field {
    #[serde(rename = "groupId", alias = "id")]
    Id,
    #[serde(rename = "groupName", alias = "name")]
    Name,
    #[serde(rename = "type")]
    Kind,
    #[serde(rename = "memberCount", alias = "userCount")]
    MemberCount,
    #[serde(rename = "isReadOnly")]
    ReadOnly,
    #[serde(rename = "adminGroupName")]
    AdminGroupName,
    #[serde(rename = "productName")]
    ProductName,
    #[serde(rename = "licenseQuota")]
    LicenseQuota,
    #[serde(rename = "userGroupName")]
    UserGroupName,
    #[serde(rename = "productProfileName")]
    ProductProfileName,
    #[serde(rename = "profileGroupName")]
    ProfileGroupName,
    #[serde(other)]
    Unknown,
}

struct GroupSeed<'t>(&'t mut Texts);

impl Row for GroupRow {
    fn read(json: &str, texts: &mut Texts) -> serde_json::Result<Self> {
        GroupSeed(texts).deserialize(&mut serde_json::Deserializer::from_str(json))
    }
}

impl<'de> DeserializeSeed<'de> for GroupSeed<'_> {
    type Value = GroupRow;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<GroupRow, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for GroupSeed<'_> {
    type Value = GroupRow;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a group object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<GroupRow, A::Error> {
        let texts = self.0;
        let mut group = GroupRow {
            id: None,
            member_count: None,
            read_only: None,
            name: Span::ABSENT,
            kind: Span::ABSENT,
            admin_group_name: Span::ABSENT,
            product_name: Span::ABSENT,
            license_quota: Span::ABSENT,
            user_group_name: Span::ABSENT,
            product_profile_name: Span::ABSENT,
            profile_group_name: Span::ABSENT,
        };
        while let Some(field) = map.next_key()? {
            match field {
                Field::Id => group.id = map.next_value()?,
                Field::MemberCount => group.member_count = map.next_value()?,
                Field::ReadOnly => group.read_only = map.next_value()?,
                Field::Name => group.name = map.next_value_seed(TextSeed(texts))?,
                Field::Kind => group.kind = map.next_value_seed(TextSeed(texts))?,
                Field::AdminGroupName => {
                    group.admin_group_name = map.next_value_seed(TextSeed(texts))?
                }
                Field::ProductName => group.product_name = map.next_value_seed(TextSeed(texts))?,
                Field::LicenseQuota => {
                    group.license_quota = map.next_value_seed(TextSeed(texts))?
                }
                Field::UserGroupName => {
                    group.user_group_name = map.next_value_seed(TextSeed(texts))?
                }
                Field::ProductProfileName => {
                    group.product_profile_name = map.next_value_seed(TextSeed(texts))?
                }
                Field::ProfileGroupName => {
                    group.profile_group_name = map.next_value_seed(TextSeed(texts))?
                }
                Field::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(group)
    }
}
