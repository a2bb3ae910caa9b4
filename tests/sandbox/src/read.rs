//! The endpoints that read: users, groups, user groups, one user, and the service's status.

use crate::org::{Group, Identity, Org, PRODUCT_PROFILE, USER_GROUP, User};
use crate::reply::Reply;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// The parameters of a request's query string, by key.
pub type Query = HashMap<String, String>;

/// How listings are split into pages.
#[derive(Clone, Copy)]
pub struct Paging {
    pub size: usize,
    /// Whether pages carry `X-Total-Count`, `X-Page-Count`, `X-Current-Page` and `X-Page-Size`.
    pub headers: bool,
    pub past_the_end: PastTheEnd,
}

/// The answer to a request for a page past the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PastTheEnd {
    /// 200 with `"result": "Not found"`.
    NotFound,
    #[serde(rename = "404")]
    Status404,
    /// The last page again.
    LastPage,
}

fn flag(query: &Query, key: &str, default: bool) -> bool {
    match query
        .get(key)
        .map(|value| value.eq_ignore_ascii_case("true"))
    {
        Some(value) => value,
        None => default,
    }
}

pub fn users(org: &Org, page: usize, group: Option<&str>, query: &Query, paging: Paging) -> Reply {
    let group = match group.map(|name| find_group(org, name)) {
        None => None,
        Some(Some(group)) => Some(group),
        Some(None) => return not_found("error.group.not_found", "there is no such group"),
    };
    let direct_only = flag(query, "directOnly", true);
    let domain = query.get("domain");
    if group.is_none() && domain.is_some_and(|domain| !org.knows_domain(domain)) {
        return not_found("error.domain.trust.nonexistent", "there is no such domain");
    }
    let licensed = query.get("status").map(|status| status == "active");
    let is_selected = |user: &&User| {
        is_listed(org, user, group, direct_only, licensed)
            && domain.is_none_or(|domain| user.domain.eq_ignore_ascii_case(domain))
    };
    let users: Vec<_> = org.users().filter(is_selected).collect();
    let shape = UserShape {
        org,
        direct_only,
        with_groups: group.is_none() || !flag(query, "excludeGroups", false),
    };
    let mut listing_page = Page::new(page, paging, users.len());
    if let Some(group) = group {
        listing_page.extra = Some(("groupName", json!(group.group_name)));
    }
    listing_page.answer("users", users, |user| {
        (!user.technical).then(|| shape.of(user))
    })
}

/// Whether a listing contains the user. A listing of all users contains the active ones. In a group the account's
/// status does not matter; in a product profile `licensed` selects by the user's licence.
fn is_listed(
    org: &Org,
    user: &User,
    group: Option<&Group>,
    direct_only: bool,
    licensed: Option<bool>,
) -> bool {
    let Some(group) = group else {
        return user.status == "active";
    };
    let has_licence = !user.without_licence.contains(&group.group_name);
    org.is_member(user, &group.group_name, !direct_only)
        && (group.kind != PRODUCT_PROFILE
            || licensed.is_none_or(|licensed| licensed == has_licence))
}

/// The group of that name, or of that numeric id, which works in place of the name.
fn find_group<'a>(org: &'a Org, name: &str) -> Option<&'a Group> {
    let by_name = org.group(name);
    by_name.or_else(|| name.parse().ok().and_then(|id| org.group_by_id(id)))
}

pub fn groups(org: &Org, page: usize, paging: Paging) -> Reply {
    let counts = org.member_counts();
    let groups: Vec<_> = org.groups().iter().collect();
    let shape = |group: &Group| {
        let mut object = object(group);
        for internal in ["readOnly", "profiles", "description"] {
            object.remove(internal);
        }
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        object.insert("memberCount".into(), json!(count(&group.group_name)));
        let admins = group.admin_group_name.as_deref();
        if admins.is_none_or(|admins| count(admins) == 0) {
            object.remove("adminGroupName");
        }
        Some(Value::Object(object))
    };
    Page::new(page, paging, groups.len()).answer("groups", groups, shape)
}

/// The deprecated listing: a bare array, pages from 1, its own field names, and the administrators of each group.
pub fn user_groups(org: &Org, page: usize, paging: Paging) -> Reply {
    let counts = org.member_counts();
    let groups: Vec<_> = org
        .groups()
        .iter()
        .filter(|group| group.kind == USER_GROUP)
        .collect();
    let listing_page = Page::new(page, paging, groups.len());
    if listing_page.is_past_the_end() && paging.past_the_end == PastTheEnd::Status404 {
        return past_the_end();
    }
    let count = |name: &str| counts.get(name).copied().unwrap_or(0);
    let shape = |group: &&Group| {
        let admins = group.admin_group_name.as_deref().unwrap_or_default();
        json!({
            "groupId": group.group_id,
            "name": group.group_name,
            "type": group.kind,
            "userCount": count(&group.group_name),
            "adminGroupId": org.group(admins).map(|admins| admins.group_id),
            "adminCount": count(admins),
            "isReadOnly": group.read_only,
        })
    };
    let items: Vec<_> = groups[listing_page.range()].iter().map(shape).collect();
    let size = items.len();
    listing_page.headers(
        Reply::json(200, Value::Array(items)),
        listing_page.number + 1,
        size,
    )
}

/// The page that the query asks for, counted from 0.
pub fn page_of_user_groups(query: &Query) -> usize {
    let page = query.get("page").and_then(|page| page.parse().ok());
    page.unwrap_or(1_usize).saturating_sub(1)
}

pub fn user(org: &Org, name: &str, query: &Query) -> Reply {
    let domain = query.get("domain").map(String::as_str);
    let found = org.find_for_query(name, domain);
    match found.filter(|user| !user.technical && user.status == "active") {
        None => Reply::json(
            404,
            json!({"result": "error.user.not_found", "message": "there is no such user"}),
        ),
        Some(user) => {
            let shape = UserShape {
                org,
                direct_only: true,
                with_groups: true,
            };
            Reply::json(200, json!({"result": "success", "user": shape.of(user)}))
        }
    }
}

pub fn status() -> Reply {
    Reply::json(
        200,
        json!({"build": "sandbox", "version": env!("CARGO_PKG_VERSION"), "state": "LIVE"}),
    )
}

fn not_found(code: &str, message: &str) -> Reply {
    Reply::json(
        404,
        json!({"lastPage": true, "result": code, "message": message}),
    )
}

fn past_the_end() -> Reply {
    not_found("Not found", "there is no such page")
}

fn object<T: serde::Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

struct UserShape<'a> {
    org: &'a Org,
    direct_only: bool,
    with_groups: bool,
}

impl UserShape<'_> {
    fn of(&self, user: &User) -> Value {
        let mut object = object(user);
        for internal in ["technical", "groups", "without_licence"] {
            object.remove(internal);
        }
        let groups = self.groups(user);
        if self.with_groups && !groups.is_empty() {
            object.insert("groups".into(), json!(groups));
        }
        object.insert(
            "orgSpecific".into(),
            json!(user.identity != Identity::Adobe),
        );
        object.insert(
            "businessAccount".into(),
            json!(user.identity == Identity::Adobe),
        );
        Value::Object(object)
    }

    fn groups<'a>(&'a self, user: &'a User) -> BTreeSet<&'a str> {
        let direct = user.groups.iter().map(String::as_str);
        if self.direct_only {
            return direct.collect();
        }
        let through = user.groups.iter().filter_map(|name| self.org.group(name));
        let reached = through.flat_map(|group| group.profiles.iter().map(String::as_str));
        direct.chain(reached).collect()
    }
}

/// One page of a listing.
struct Page {
    number: usize,
    paging: Paging,
    total: usize,
    extra: Option<(&'static str, Value)>,
}

impl Page {
    fn new(number: usize, paging: Paging, total: usize) -> Self {
        let mut page = Page {
            number,
            paging,
            total,
            extra: None,
        };
        if page.is_past_the_end() && paging.past_the_end == PastTheEnd::LastPage {
            page.number = page.page_count() - 1;
        }
        page
    }

    fn is_past_the_end(&self) -> bool {
        self.number >= self.page_count()
    }

    fn page_count(&self) -> usize {
        self.total.div_ceil(self.paging.size).max(1)
    }

    fn range(&self) -> std::ops::Range<usize> {
        let start = self.number.saturating_mul(self.paging.size).min(self.total);
        start..start.saturating_add(self.paging.size).min(self.total)
    }

    fn answer<T>(self, key: &str, items: Vec<&T>, shape: impl Fn(&T) -> Option<Value>) -> Reply {
        if self.is_past_the_end() {
            return match self.paging.past_the_end {
                PastTheEnd::Status404 => past_the_end(),
                _ => Reply::json(200, json!({"lastPage": true, "result": "Not found"})),
            };
        }
        let values: Vec<_> = items[self.range()]
            .iter()
            .filter_map(|item| shape(item))
            .collect();
        let size = values.len();
        let mut body = Map::new();
        body.insert(
            "lastPage".into(),
            json!(self.number + 1 == self.page_count()),
        );
        body.insert("result".into(), json!("success"));
        if let Some((key, value)) = self.extra.clone() {
            body.insert(key.into(), value);
        }
        body.insert(key.into(), Value::Array(values));
        self.headers(Reply::json(200, Value::Object(body)), self.number, size)
    }

    /// Adds the page's headers. `size` is the number of entries in this page, without the technical accounts.
    fn headers(&self, reply: Reply, number: usize, size: usize) -> Reply {
        if !self.paging.headers {
            return reply;
        }
        reply
            .with("x-total-count", self.total)
            .with("x-page-count", self.page_count())
            .with("x-current-page", number)
            .with("x-page-size", size)
    }
}
