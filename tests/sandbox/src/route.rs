//! Which endpoint a path means.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// The endpoints, as they are throttled, counted and named in fault rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    Token,
    Users,
    User,
    Groups,
    UserGroups,
    Action,
    Status,
    /// No endpoint of the service.
    Unknown,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Token {
        jwt: bool,
    },
    Users {
        org: String,
        page: usize,
        group: Option<String>,
    },
    User {
        org: String,
        name: String,
    },
    Groups {
        org: String,
        page: usize,
    },
    UserGroups {
        org: String,
    },
    Action {
        org: String,
    },
    Status,
    Unknown,
}

impl Route {
    /// Reads a path as it came: segments are decoded only after the path is split, so that `%2F` is part of a name.
    pub fn of(method: &str, raw_path: &str) -> Route {
        let segments: Option<Vec<String>> = raw_path
            .trim_start_matches('/')
            .trim_end_matches('/')
            .split('/')
            .map(|segment| {
                percent_decode_str(segment)
                    .decode_utf8()
                    .ok()
                    .map(|s| s.into_owned())
            })
            .collect();
        let Some(segments) = segments else {
            return Route::Unknown;
        };
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let page = |text: &str| text.parse::<usize>().ok();
        match (method, segments.as_slice()) {
            ("POST", ["ims", "token", "v2" | "v3"]) => Route::Token { jwt: false },
            ("POST", ["ims", "exchange", "jwt"]) => Route::Token { jwt: true },
            ("GET", ["status"]) => Route::Status,
            (_, ["v2", "usermanagement", rest @ ..]) => match (method, rest) {
                ("GET", ["users", org, number]) if page(number).is_some() => Route::Users {
                    org: (*org).into(),
                    page: page(number).unwrap_or_default(),
                    group: None,
                },
                ("GET", ["users", org, number, group]) if page(number).is_some() => Route::Users {
                    org: (*org).into(),
                    page: page(number).unwrap_or_default(),
                    group: Some(cut_at_dot(group)),
                },
                ("GET", ["groups", org, number]) if page(number).is_some() => Route::Groups {
                    org: (*org).into(),
                    page: page(number).unwrap_or_default(),
                },
                ("GET", ["organizations", org, "users", name]) => Route::User {
                    org: (*org).into(),
                    name: (*name).into(),
                },
                ("GET", [org, "user-groups"]) => Route::UserGroups { org: (*org).into() },
                ("POST", ["action", org]) => Route::Action { org: (*org).into() },
                _ => Route::Unknown,
            },
            _ => Route::Unknown,
        }
    }

    pub fn endpoint(&self) -> Endpoint {
        match self {
            Route::Token { .. } => Endpoint::Token,
            Route::Users { .. } => Endpoint::Users,
            Route::User { .. } => Endpoint::User,
            Route::Groups { .. } => Endpoint::Groups,
            Route::UserGroups { .. } => Endpoint::UserGroups,
            Route::Action { .. } => Endpoint::Action,
            Route::Status => Endpoint::Status,
            Route::Unknown => Endpoint::Unknown,
        }
    }

    pub fn org(&self) -> Option<&str> {
        match self {
            Route::Users { org, .. }
            | Route::User { org, .. }
            | Route::Groups { org, .. }
            | Route::UserGroups { org }
            | Route::Action { org } => Some(org),
            _ => None,
        }
    }
}

/// The service loses what comes after a dot in a group's name.
fn cut_at_dot(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group_of(path: &str) -> Option<String> {
        match Route::of("GET", path) {
            Route::Users { group, .. } => group,
            other => panic!("{path} means {other:?}"),
        }
    }

    #[test]
    fn a_segment_is_decoded_after_the_path_is_split() {
        let root = "/v2/usermanagement/users/A@AdobeOrg/0";
        assert_eq!(
            group_of(&format!("{root}/Design%2FUX")).as_deref(),
            Some("Design/UX")
        );
        assert_eq!(
            group_of(&format!("{root}/R%26D%20%2B%25")).as_deref(),
            Some("R&D +%")
        );
        assert_eq!(group_of(root), None);
        assert_eq!(
            Route::of("GET", &format!("{root}/Design/UX")),
            Route::Unknown
        );
    }

    #[test]
    fn a_dot_cuts_a_group_name_even_when_encoded() {
        let path = "/v2/usermanagement/users/A/0/v2%2E0";
        assert_eq!(group_of(path).as_deref(), Some("v2"));
    }

    #[test]
    fn methods_and_unknown_paths_are_told_apart() {
        assert_eq!(
            Route::of("POST", "/ims/token/v3/"),
            Route::Token { jwt: false }
        );
        assert_eq!(Route::of("GET", "/ims/token/v3"), Route::Unknown);
        assert_eq!(
            Route::of("GET", "/v2/usermanagement/users/A/x"),
            Route::Unknown
        );
        assert_eq!(Route::of("GET", "/status").endpoint(), Endpoint::Status);
    }
}
