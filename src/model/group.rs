//! A group in a listing: a user group, a product profile or an admin group.

use super::page::Page;
use crate::json::reader::{self, Reader};
use crate::json::table::{Row, Table};
use crate::json::text::{Span, Text};
use std::sync::Arc;

/// One group of a page: a user group, a product profile or an admin group.
///
/// A clone shares the page's memory, and keeps it alive. Fields that the service leaves out or sets to null are `None`.
/// The field names in the documentation of the methods are those of the User Management API's group listing; the names
/// of the deprecated listing of user groups are read too.
#[derive(Clone, Debug)]
pub struct Group {
    table: Arc<Table<GroupRow>>,
    row: u32,
}

/// The groups of one page, in the service's order.
pub type GroupPage = Page<GroupRow>;

impl Page<GroupRow> {
    /// The group at `index`, counted from 0; `None` beyond the end of the page.
    pub fn get(&self, index: usize) -> Option<Group> {
        self.item_at(index, Group::at)
    }

    /// All groups of the page, in order.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Group> + '_ {
        (0..self.len()).map(|index| self.get(index).expect("it is below the length"))
    }
}

/// The fields of one group, as spans in the page.
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

    /// `groupId`. A query by this id finds a group whose name contains a dot; a query by that name does not.
    pub fn id(&self) -> Option<i64> {
        self.fields()?.id
    }

    /// `memberCount`: how many users are members of the group.
    pub fn member_count(&self) -> Option<u64> {
        self.fields()?.member_count
    }

    /// `isReadOnly`: whether the group is managed elsewhere, such as by directory sync. Only the deprecated listing of
    /// user groups ([`crate::Client::user_groups`]) has this field.
    pub fn is_read_only(&self) -> Option<bool> {
        self.fields()?.read_only
    }

    text_fields! {
        /// `groupName`.
        name;
        /// `type`: `USER_GROUP`, `PRODUCT_PROFILE`, `SYSADMIN_GROUP` and so on; the list is open.
        kind;
        /// `adminGroupName`: the name of the group whose members administer this group.
        admin_group_name;
        /// `productName`: the product that a profile gives access to.
        product_name;
        /// `licenseQuota`: the number of licences, or `UNLIMITED`, as the service writes it.
        license_quota;
        /// `userGroupName`: the user group that an admin group administers.
        user_group_name;
        /// `productProfileName`: the product profile that a developer or admin group belongs to.
        product_profile_name;
        /// `profileGroupName`: the product profile that an admin group administers.
        profile_group_name;
    }

    /// The group's JSON object as the service sent it, including fields that this version does not know.
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
    /// The field of a key, in the spelling of the current and of the deprecated endpoint.
    fn from_key(key: &[u8]) -> Self {
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
        reader.object(Field::from_key, |reader, field| {
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
