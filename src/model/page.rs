//! A page of a listing, and what the service says of the whole listing beside it.

use super::table::{Row, Table};
use crate::error::{Error, Result};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// The items of one page, shared by everything handed out from it.
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

/// The figures of a listing from the headers of its newest page. Any may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageStats {
    /// How many items there are; counts technical accounts that the listing leaves out.
    pub total_count: Option<u64>,
    pub page_count: Option<u64>,
    pub current_page: Option<u64>,
    pub page_size: Option<u64>,
}

/// The shapes of a good answer: a page of users or groups, or one user.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    result: Option<Cow<'a, str>>,
    #[serde(rename = "lastPage")]
    last_page: Option<bool>,
    #[serde(rename = "groupName")]
    group_name: Option<String>,
    #[serde(borrow, alias = "users", alias = "groups")]
    items: Option<Vec<&'a RawValue>>,
    #[serde(borrow, rename = "user")]
    one_user: Option<&'a RawValue>,
    message: Option<String>,
}

/// What the answer to the request for a page turns out to be.
#[derive(Debug)]
pub(crate) enum PageAnswer<R> {
    Page(Page<R>),
    /// `"result": "Not found"`: past the end; and what it says itself of the last page.
    PastTheEnd {
        last: Option<bool>,
    },
}

fn not_understood(noun: &str, problem: impl std::fmt::Display) -> Error {
    Error::protocol(format!("the answer holds no {noun}: {problem}"))
}

fn text<'a>(body: &'a [u8], noun: &str) -> Result<&'a str> {
    std::str::from_utf8(body).map_err(|e| not_understood(noun, e))
}

impl<R: Row> Page<R> {
    /// Reads an answer of the `/users` and `/groups` listings.
    pub(crate) fn parse(body: &[u8], noun: &str) -> Result<PageAnswer<R>> {
        let body = text(body, noun)?;
        let envelope: Envelope = serde_json::from_str(body).map_err(|e| not_understood(noun, e))?;
        match (envelope.result.as_deref(), &envelope.items) {
            (Some("success"), Some(items)) => Ok(PageAnswer::Page(Page {
                table: Arc::new(Table::read(body, items, noun)?),
                group_name: envelope.group_name,
                last: envelope.last_page,
            })),
            (Some(result), None) if result.eq_ignore_ascii_case("not found") => {
                Ok(PageAnswer::PastTheEnd {
                    last: envelope.last_page,
                })
            }
            (Some("success"), None) => Err(not_understood(noun, "the list is missing")),
            (result, _) => Err(not_understood(
                noun,
                format_args!(
                    "result is {:?}{}",
                    result.unwrap_or("missing"),
                    envelope
                        .message
                        .map_or(String::new(), |m| format!(", message {m:?}"))
                ),
            )),
        }
    }

    /// Reads the bare array of the deprecated listing of user groups.
    pub(crate) fn parse_array(body: &[u8], noun: &str) -> Result<PageAnswer<R>> {
        let body = text(body, noun)?;
        let items: Vec<&RawValue> =
            serde_json::from_str(body).map_err(|e| not_understood(noun, e))?;
        Ok(PageAnswer::Page(Page {
            table: Arc::new(Table::read(body, &items, noun)?),
            group_name: None,
            last: None,
        }))
    }
}

impl<R> Page<R> {
    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where an item stands, if there are so many.
    pub(crate) fn at<T>(&self, index: usize, item: impl Fn(Arc<Table<R>>, u32) -> T) -> Option<T> {
        (index < self.len()).then(|| item(self.table.clone(), index as u32))
    }

    /// The group that the service took the question to be about.
    pub(crate) fn group_name(&self) -> Option<&str> {
        self.group_name.as_deref()
    }

    /// The service's word on whether this is the end.
    pub(crate) fn is_last(&self) -> Option<bool> {
        self.last
    }

    /// The same for a page that the service hands out twice; `None` for an empty one.
    pub(crate) fn fingerprint(&self) -> Option<u64> {
        self.table.fingerprint()
    }
}

/// Reads the answer to a question for one item; `None` where the service says that there is none.
pub(crate) fn parse_one<R: Row>(body: &[u8], noun: &str) -> Result<Option<Arc<Table<R>>>> {
    let body = text(body, noun)?;
    let envelope: Envelope = serde_json::from_str(body).map_err(|e| not_understood(noun, e))?;
    match (envelope.result.as_deref(), envelope.one_user) {
        (Some("success"), Some(item)) => Ok(Some(Arc::new(Table::read(body, &[item], noun)?))),
        (Some(result), _) if result.eq_ignore_ascii_case("not found") => Ok(None),
        (result, _) => Err(not_understood(
            noun,
            format_args!("result is {:?}", result.unwrap_or("missing")),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::group::GroupRow;
    use crate::model::user::{IdentityType, UserRow};

    fn users(json: &str) -> Result<PageAnswer<UserRow>> {
        Page::parse(json.as_bytes(), "users")
    }

    #[test]
    fn every_field_is_read_and_every_unknown_one_kept() {
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
        assert!(user.json().as_str().contains(r#""later":{"x":[1]}"#));
        let old = page.get(1).unwrap();
        assert_eq!(old.first_name().unwrap().as_str(), "Bo");
        assert_eq!(old.country().unwrap().as_str(), "CN");
        assert_eq!(old.identity_type(), Some(IdentityType::AdobeId));
        assert_eq!(page.is_last(), Some(false));
        assert!(page.get(2).is_none());
    }

    use crate::model::text::Text;

    #[test]
    fn what_is_no_page_is_told() {
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
            Ok(PageAnswer::PastTheEnd { last: Some(true) })
        ));
    }

    #[test]
    fn deep_nesting_is_refused_or_skipped_without_a_crash() {
        let deep = format!(
            r#"{{"result":"success","users":[{{"x":{}1{}}}]}}"#,
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        let _ = users(&deep);
    }

    #[test]
    fn groups_in_both_spellings() {
        let json = r#"{"result":"success","lastPage":true,"groups":[{"groupId":4294967296123,"groupName":"Ünï/x",
            "type":"PRODUCT_PROFILE","memberCount":3,"licenseQuota":"UNLIMITED","productName":"P"}]}"#;
        let Ok(PageAnswer::Page(page)) = Page::<GroupRow>::parse(json.as_bytes(), "groups") else {
            panic!("no page")
        };
        let group = page.get(0).unwrap();
        assert_eq!(group.id(), Some(4294967296123));
        assert_eq!(group.license_quota().unwrap().as_str(), "UNLIMITED");
        let json = r#"[{"groupId":1,"name":"X","userCount":9,"isReadOnly":true}]"#;
        let Ok(PageAnswer::Page(page)) = Page::<GroupRow>::parse_array(json.as_bytes(), "groups")
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
