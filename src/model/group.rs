//! A group as the service tells of one: user groups, product profiles and admin groups alike.

use super::page::Page;
use crate::json::reader::{self, Reader};
use crate::json::table::{Row, Table};
use crate::json::text::{Span, Text};
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
            self.table.text(self.fields()?.$name)
        })*
    };
}

impl Group {
    pub(crate) fn at(table: Arc<Table<GroupRow>>, row: u32) -> Self {
        Group { table, row }
    }

    fn fields(&self) -> Option<&GroupRow> {
        self.table.row(self.row)
    }

    /// Works in place of the name in queries, where a name with a dot does not.
    pub fn id(&self) -> Option<i64> {
        self.fields()?.id
    }

    pub fn member_count(&self) -> Option<u64> {
        self.fields()?.member_count
    }

    /// Whether the group is managed elsewhere, such as by directory sync. Only the deprecated listing of user groups
    /// tells it.
    pub fn is_read_only(&self) -> Option<bool> {
        self.fields()?.read_only
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
        self.table.json(self.row)
    }
}

enum Field {
    Id,
    Name,
    Kind,
    MemberCount,
    ReadOnly,
    AdminGroupName,
    ProductName,
    LicenseQuota,
    UserGroupName,
    ProductProfileName,
    ProfileGroupName,
    Unknown,
}

impl Field {
    /// In the spelling of the current and of the deprecated endpoint.
    fn named(key: &[u8]) -> Self {
        match key {
            b"groupId" | b"id" => Field::Id,
            b"groupName" | b"name" => Field::Name,
            b"type" => Field::Kind,
            b"memberCount" | b"userCount" => Field::MemberCount,
            b"isReadOnly" => Field::ReadOnly,
            b"adminGroupName" => Field::AdminGroupName,
            b"productName" => Field::ProductName,
            b"licenseQuota" => Field::LicenseQuota,
            b"userGroupName" => Field::UserGroupName,
            b"productProfileName" => Field::ProductProfileName,
            b"profileGroupName" => Field::ProfileGroupName,
            _ => Field::Unknown,
        }
    }
}

impl Row for GroupRow {
    fn read(reader: &mut Reader) -> reader::Result<Self> {
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
        reader.object(Field::named, |reader, field| {
            match field {
                Field::Id => group.id = reader.value()?,
                Field::MemberCount => group.member_count = reader.value()?,
                Field::ReadOnly => group.read_only = reader.flag()?,
                Field::Name => group.name = reader.text()?,
                Field::Kind => group.kind = reader.text()?,
                Field::AdminGroupName => group.admin_group_name = reader.text()?,
                Field::ProductName => group.product_name = reader.text()?,
                Field::LicenseQuota => group.license_quota = reader.text()?,
                Field::UserGroupName => group.user_group_name = reader.text()?,
                Field::ProductProfileName => group.product_profile_name = reader.text()?,
                Field::ProfileGroupName => group.profile_group_name = reader.text()?,
                Field::Unknown => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(group)
    }
}
