//! The endpoint that a method and a path name.

use crate::options::EncodedSlash;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// The endpoints, by which requests are throttled, counted and selected in fault rules.
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
    /// A path that is not an endpoint of the service.
    Unknown,
}

/// What a request asks for.
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
    /// Parses a raw path. Segments are decoded after the path is split, so that `%2F` is part of a name, unless
    /// `encoded_slash` says that it separates segments.
    pub fn parse(method: &str, raw_path: &str, encoded_slash: EncodedSlash) -> Route {
        let path = match encoded_slash {
            EncodedSlash::Name => raw_path.to_owned(),
            EncodedSlash::Separator => raw_path.replace("%2F", "/").replace("%2f", "/"),
        };
        let segments: Option<Vec<String>> = path
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

/// The name up to its last dot: the service ignores the rest of a group's name in a path.
fn cut_at_dot(name: &str) -> String {
    let name = name.rsplit_once('.').map_or(name, |(before, _)| before);
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Route {
        Route::parse(method, path, EncodedSlash::Name)
    }

    #[test]
    fn an_encoded_slash_separates_segments_with_that_option() {
        let path = "/v2/usermanagement/users/A/0/Design%2FUX";
        let separated = Route::parse("GET", path, EncodedSlash::Separator);
        assert_eq!(separated, Route::Unknown);
    }

    fn group_of(path: &str) -> Option<String> {
        match route("GET", path) {
            Route::Users { group, .. } => group,
            other => panic!("{path} is {other:?}"),
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
        assert_eq!(route("GET", &format!("{root}/Design/UX")), Route::Unknown);
    }

    #[test]
    fn a_dot_cuts_a_group_name_even_when_encoded() {
        let path = "/v2/usermanagement/users/A/0/v2%2E0";
        assert_eq!(group_of(path).as_deref(), Some("v2"));
        let path = "/v2/usermanagement/users/A/0/v2.0.1%20Testers";
        assert_eq!(group_of(path).as_deref(), Some("v2.0"));
    }

    #[test]
    fn methods_and_unknown_paths_are_distinguished() {
        assert_eq!(route("POST", "/ims/token/v3/"), Route::Token { jwt: false });
        assert_eq!(route("GET", "/ims/token/v3"), Route::Unknown);
        assert_eq!(route("GET", "/v2/usermanagement/users/A/x"), Route::Unknown);
        assert_eq!(route("GET", "/status").endpoint(), Endpoint::Status);
    }
}
