//! A page of a listing, and what its answer says about the whole listing.

use super::error_body::quote;
use crate::error::{Error, Result};
use crate::json::buffer_pool::PooledBuf;
use crate::json::reader::{self, Found, Reader, Unreadable};
use crate::json::table::{Row, Rows, Table, read_rows};
use std::sync::Arc;

/// The users or groups of one page, in the service's order.
///
/// Clones, and the items taken from a page, share its memory.
#[derive(Debug)]
pub struct Page<R> {
    table: Arc<Table<R>>,
    group_name: Option<String>,
    last: Option<bool>,
}

impl<R> Clone for Page<R> {
    fn clone(&self) -> Self {
        Page {
            table: self.table.clone(),
            group_name: self.group_name.clone(),
            last: self.last,
        }
    }
}

/// The counts of a listing, from the headers of its newest page (User Management API, "Pagination").
///
/// Each is `None` if its header is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageStats {
    /// `X-Total-Count`: how many items the listing has. It includes technical accounts, which the pages leave out.
    pub total_count: Option<u64>,
    /// `X-Page-Count`: how many pages the listing has.
    pub page_count: Option<u64>,
    /// `X-Current-Page`: the number of this page, as the service counts pages.
    pub current_page: Option<u64>,
    /// `X-Page-Size`: how many items this page has.
    pub page_size: Option<u64>,
}

/// The outer object of an answer: a page of users or groups, or one user.
struct Envelope<R> {
    result: Option<String>,
    message: Option<String>,
    last_page: Option<bool>,
    group_name: Option<String>,
    page: Option<Rows<R>>,
    one_user: Option<Rows<R>>,
}

/// The answer to the request for a page.
#[derive(Debug)]
pub(crate) enum PageAnswer<R> {
    Page(Page<R>),
    /// `"result": "Not found"`, with the answer's own `lastPage` and `message`.
    NotFound {
        last: Option<bool>,
        message: Option<String>,
    },
    /// A page without items. A listing without `lastPage` ends with one.
    PastTheEnd,
}

fn unreadable_answer(noun: &str, problem: impl std::fmt::Display) -> Error {
    Error::protocol(format!("the answer contains no {noun}: {problem}"))
}

fn unexpected_result(noun: &str, result: &str, message: Option<String>) -> Error {
    let message = message.map_or(String::new(), |m| format!(", message {:?}", quote(&m)));
    unreadable_answer(noun, format_args!("result is {:?}{message}", quote(result)))
}

impl<R: Row> Envelope<R> {
    fn read(reader: &mut Reader, noun: &str) -> reader::Result<Self> {
        let mut envelope = Envelope {
            result: None,
            message: None,
            last_page: None,
            group_name: None,
            page: None,
            one_user: None,
        };
        reader.object(Field::from_key, |reader, field| {
            match field {
                Field::Result => envelope.result = reader.value()?,
                Field::Message => envelope.message = reader.value()?,
                Field::LastPage => envelope.last_page = reader.flag()?,
                Field::GroupName => envelope.group_name = reader.value()?,
                Field::Rows if envelope.page.is_some() => {
                    return Err(Unreadable::new("it contains two lists"));
                }
                Field::Rows => envelope.page = read_rows(reader, noun)?,
                Field::OneUser if reader.take_null() => envelope.one_user = None,
                Field::OneUser => envelope.one_user = Some(vec![reader.with_span(R::read)?]),
                Field::Unknown => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(envelope)
    }
}

/// Stands for a `result` that is missing.
const MISSING_RESULT: &str = "missing";

enum Field {
    Result,
    Message,
    LastPage,
    GroupName,
    Rows,
    OneUser,
    Unknown,
}

impl Field {
    fn from_key(key: &[u8]) -> Self {
        match key {
            b"result" => Field::Result,
            b"message" => Field::Message,
            b"lastPage" => Field::LastPage,
            b"groupName" => Field::GroupName,
            b"users" | b"groups" => Field::Rows,
            b"user" => Field::OneUser,
            _ => Field::Unknown,
        }
    }
}

/// Reads a whole answer with `read`; anything after its value is an error.
fn read_all<T>(
    body: &[u8],
    read: impl FnOnce(&mut Reader) -> reader::Result<T>,
) -> reader::Result<(T, Found)> {
    let mut reader = Reader::new(body);
    let value = read(&mut reader)?;
    Ok((value, reader.finish()?))
}

impl<R: Row> Page<R> {
    /// Reads an answer of the listings `/users` and `/groups`. `noun` names the items in error messages.
    pub(crate) fn parse(body: PooledBuf<Vec<u8>>, noun: &str) -> Result<PageAnswer<R>> {
        let (envelope, found): (Envelope<R>, _) =
            read_all(&body, |reader| Envelope::read(reader, noun))
                .map_err(|e| unreadable_answer(noun, e))?;
        let result = envelope.result.as_deref().unwrap_or(MISSING_RESULT);
        match (result, envelope.page) {
            ("success", Some(rows)) => {
                let table =
                    Table::new(body, found, rows).map_err(|e| unreadable_answer(noun, e))?;
                Ok(PageAnswer::Page(Page {
                    table: Arc::new(table),
                    group_name: envelope.group_name,
                    last: envelope.last_page,
                }))
            }
            ("success", None) => Err(unreadable_answer(noun, "the list is missing")),
            (result, None) if result.eq_ignore_ascii_case("not found") => {
                Ok(PageAnswer::NotFound {
                    last: envelope.last_page,
                    message: envelope.message,
                })
            }
            (result, _) => Err(unexpected_result(noun, result, envelope.message)),
        }
    }

    /// Reads the bare array of the deprecated listing of user groups.
    pub(crate) fn parse_array(body: PooledBuf<Vec<u8>>, noun: &str) -> Result<PageAnswer<R>> {
        let table = read_all(&body, |reader| read_rows(reader, noun)).and_then(|(rows, found)| {
            let rows = rows.ok_or_else(|| Unreadable::new("the list is missing"))?;
            Table::new(body, found, rows)
        });
        Ok(PageAnswer::Page(Page {
            table: Arc::new(table.map_err(|e| unreadable_answer(noun, e))?),
            group_name: None,
            last: None,
        }))
    }
}

impl<R> Page<R> {
    /// The number of items.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether the page has no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes the item at `index`; `None` beyond the end of the page.
    pub(crate) fn item_at<T>(
        &self,
        index: usize,
        item: impl Fn(Arc<Table<R>>, u32) -> T,
    ) -> Option<T> {
        (index < self.len()).then(|| item(self.table.clone(), index as u32))
    }

    /// `groupName`: the group that the service has listed the members of.
    pub(crate) fn group_name(&self) -> Option<&str> {
        self.group_name.as_deref()
    }

    /// `lastPage`: whether this is the last page, as the service says.
    pub(crate) fn is_last(&self) -> Option<bool> {
        self.last
    }

    /// A hash that is equal for a page that the service returns twice; `None` for an empty page.
    pub(crate) fn fingerprint(&self) -> Option<u64> {
        self.table.fingerprint()
    }
}

/// Reads the answer to a query for one item, as a table with one row.
pub(crate) fn parse_one<R: Row>(body: PooledBuf<Vec<u8>>, noun: &str) -> Result<Arc<Table<R>>> {
    let (envelope, found): (Envelope<R>, _) =
        read_all(&body, |reader| Envelope::read(reader, noun))
            .map_err(|e| unreadable_answer(noun, e))?;
    let result = envelope.result.as_deref().unwrap_or(MISSING_RESULT);
    match (result, envelope.one_user) {
        ("success", Some(row)) => {
            let table = Table::new(body, found, row).map_err(|e| unreadable_answer(noun, e))?;
            Ok(Arc::new(table))
        }
        // "Not found" is refused too: it is the result for a missing page, and says nothing about this item.
        (result, _) => Err(unexpected_result(noun, result, envelope.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::text::Text;
    use crate::model::group::GroupRow;
    use crate::model::user::{IdentityType, UserRow};

    fn users(json: &str) -> Result<PageAnswer<UserRow>> {
        Page::parse(json.into(), "users")
    }

    #[test]
    fn every_field_is_read_and_unknown_fields_are_kept() {
        let json = r#"{"lastPage":false,"result":"success","users":[
            {"id":"1@a.e","email":"zo\u00eb@example.com","status":"active","groups":["A/B","_org_admin"],"username":"zoe",
             "domain":"example.com","firstname":"Zo\u00eb","lastname":null,"country":"FR","type":"federatedid",
             "tags":["edu"],"adminRoles":["org"],"orgSpecific":true,"businessAccount":false,"later":{"x":[1]}},
            {"email":"b@example.com","firstName":"Bo","lastName":"Li","countryCode":"CN","userType":"adobeID"}]}"#;
        let Ok(PageAnswer::Page(page)) = users(json) else {
            panic!("no page")
        };
        let user = page.get(0).unwrap();
        assert_eq!(user.email().unwrap().as_str(), "zoë@example.com");
        assert_eq!(user.first_name().unwrap().as_str(), "Zoë");
        assert_eq!(user.last_name(), None);
        assert_eq!(user.identity_type(), Some(IdentityType::FederatedId));
        let groups: Vec<_> = user.groups().map(Text::as_str).collect();
        assert_eq!(groups, ["A/B", "_org_admin"]);
        assert_eq!(user.tags().len(), 1);
        assert_eq!(user.admin_roles().len(), 1);
        assert_eq!(user.org_specific(), Some(true));
        assert_eq!(user.business_account(), Some(false));
        let sent = json.split_once(r#""users":["#).unwrap().1;
        let ends = sent.find(",\n            {\"email\"").unwrap();
        assert_eq!(user.json().as_str(), sent[..ends].trim_start());
        let old = page.get(1).unwrap();
        assert_eq!(old.first_name().unwrap().as_str(), "Bo");
        assert_eq!(old.country().unwrap().as_str(), "CN");
        assert_eq!(old.identity_type(), Some(IdentityType::AdobeId));
        assert!(old.json().as_str().ends_with(r#""userType":"adobeID"}"#));
        assert_eq!(page.is_last(), Some(false));
        assert!(page.get(2).is_none());
    }

    #[test]
    fn answers_that_are_not_pages_are_protocol_errors() {
        for bad in [
            "",
            "<html>",
            "[]",
            r#"{"result":"success"}"#,
            r#"{"result":"success","users":5}"#,
            r#"{"result":"success","users":[{"email":{}}]}"#,
            r#"{"result":"success","users":[7]}"#,
            r#"{"users":[]}"#,
            r#"{"result":"error","users":[]}"#,
            "{\"result\":\"success\",\"users\":[\"\u{1}",
        ] {
            let error = users(bad).expect_err(bad);
            assert_eq!(error.kind(), crate::error::ErrorKind::Protocol, "{bad}");
        }
        assert!(matches!(
            users(r#"{"lastPage":true,"result":"Not found"}"#),
            Ok(PageAnswer::NotFound {
                last: Some(true),
                message: None
            })
        ));
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = format!(
            r#"{{"result":"success","users":[{{"x":{}1{}}}]}}"#,
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        let _ = users(&deep);
    }

    #[test]
    fn groups_are_read_in_both_spellings() {
        let json = r#"{"result":"success","lastPage":true,"groups":[{"groupId":4294967296123,"groupName":"Ünï/x",
            "type":"PRODUCT_PROFILE","memberCount":3,"licenseQuota":"UNLIMITED","productName":"P"}]}"#;
        let Ok(PageAnswer::Page(page)) = Page::<GroupRow>::parse(json.into(), "groups") else {
            panic!("no page")
        };
        let group = page.get(0).unwrap();
        assert_eq!(group.id(), Some(4294967296123));
        assert_eq!(group.license_quota().unwrap().as_str(), "UNLIMITED");
        let json = r#"[{"groupId":1,"name":"X","userCount":9,"isReadOnly":true}]"#;
        let Ok(PageAnswer::Page(page)) = Page::<GroupRow>::parse_array(json.into(), "groups")
        else {
            panic!("no page")
        };
        let group = page.get(0).unwrap();
        assert_eq!(
            (group.is_read_only(), group.member_count()),
            (Some(true), Some(9))
        );
    }
}
