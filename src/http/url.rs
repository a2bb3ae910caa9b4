//! URLs: the root URLs that are accepted, and paths in which every name is one segment.

use crate::error::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

/// The characters that are encoded: all except RFC 3986's unreserved characters and `@`, which organisation ids and
/// email addresses hold and a path may hold.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'@');

/// The longest URL that the HTTP library sends, in bytes.
const LONGEST_URL: usize = 65_534;

/// The longest root URL, in bytes. The names that follow a root have limits of their own: together and encoded they are
/// shorter than the bytes that are left for them.
const LONGEST_ROOT: usize = LONGEST_URL - 8_192;

/// The longest host name of RFC 1035, with its dots and without the last one.
const LONGEST_HOST: usize = 253;

/// Refuses a part of a URL that is too long to be sent.
pub(crate) fn check_length(argument: &str, part: &str) -> Result<()> {
    match part.len() {
        ..=LONGEST_ROOT => Ok(()),
        length => Err(Error::invalid_argument(
            argument,
            format_args!("is {length} bytes long; at most {LONGEST_ROOT} can be sent"),
        )),
    }
}

/// The problem with a host name that is too long to exist.
pub(crate) fn host_problem(url: &Url) -> Option<&'static str> {
    let length = url.host_str().map_or(0, str::len);
    (length > LONGEST_HOST)
        .then_some("names a host of more than 253 characters, the limit for host names")
}

/// A root URL that credentials may be sent to: https, or http to a loopback address.
pub(crate) fn parse_root(argument: &str, text: &str) -> Result<Url> {
    check_length(argument, text)?;
    // The URL parser would drop line ends and tabs silently.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::invalid_argument(
            argument,
            "holds a space, a line end or a control character",
        ));
    }
    let url = Url::parse(text.trim_end_matches('/'))
        .map_err(|e| Error::invalid_argument(argument, format_args!("is not a URL: {e}")))?;
    let problem = match url.scheme() {
        "https" => None,
        "http" if is_loopback(&url) => None,
        "http" => Some(
            "http would show the token to the network; use https (http is only for loopback addresses)",
        ),
        _ => Some("must be an https URL"),
    };
    let problem = problem
        .or(host_problem(&url))
        .or((!url.username().is_empty() || url.password().is_some())
            .then_some("must not hold a user name or password"))
        .or((url.query().is_some() || url.fragment().is_some())
            .then_some("must not hold a query or fragment"));
    match problem {
        Some(problem) => Err(Error::invalid_argument(argument, problem)),
        None => Ok(url),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The URL of a resource: `root`, one path segment for each of `segments`, and the query. Each segment is encoded, so
/// that a slash in a name does not separate segments. `.` and `..` are refused: URL parsers would resolve them.
pub(crate) fn resource(root: &Url, segments: &[&str], query: &[(&str, &str)]) -> Result<Url> {
    let mut path = root.path().trim_end_matches('/').to_owned();
    for segment in segments {
        if matches!(*segment, "." | "..") {
            return Err(Error::invalid_argument(
                "name",
                format_args!("{segment:?} cannot be asked for by name; use the numeric group id"),
            ));
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    let mut url = root.clone();
    url.set_path(&path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_becomes_one_segment() {
        let root = parse_root("endpoint", "https://h.example/v2/usermanagement/").unwrap();
        let url = resource(
            &root,
            &["users", "1@AdobeOrg", "0", "A/B c?d#e%f+ü."],
            &[("directOnly", "false")],
        );
        assert_eq!(
            url.unwrap().as_str(),
            "https://h.example/v2/usermanagement/users/1@AdobeOrg/0/A%2FB%20c%3Fd%23e%25f%2B%C3%BC.?directOnly=false"
        );
        assert!(resource(&root, &["users", ".."], &[]).is_err());
    }

    #[test]
    fn too_long_roots_are_refused_and_the_longest_resource_can_be_sent() {
        let host = |length| format!("https://{}", "h".repeat(length));
        assert!(parse_root("endpoint", &host(253)).is_ok());
        let refused = parse_root("endpoint", &host(254)).unwrap_err();
        assert!(refused.message().starts_with("endpoint: names a host"));
        let with_path = |length| format!("https://h/{}", "p".repeat(length - 10));
        let refused = parse_root("auth_url", &with_path(LONGEST_ROOT + 1)).unwrap_err();
        assert!(
            refused
                .message()
                .starts_with("auth_url: is 57343 bytes long; at most 57342")
        );
        let root = parse_root("endpoint", &with_path(LONGEST_ROOT)).unwrap();
        let widest = |count| "\u{10FFFD}".repeat(count);
        let id = "%".repeat(256);
        let group = format!("_product_admin_{}", widest(255));
        let page = u64::MAX.to_string();
        let listing = resource(
            &root,
            &["users", &id, &page, &group],
            &[("domain", &widest(254)), ("directOnly", "false")],
        );
        let user = resource(
            &root,
            &["organizations", &id, "users", &widest(254)],
            &[("domain", &widest(254))],
        );
        for url in [listing, user] {
            assert!(url.unwrap().as_str().len() <= LONGEST_URL);
        }
    }

    #[test]
    fn only_safe_roots_are_accepted() {
        for good in [
            "https://h/x",
            "http://127.0.0.1:8080/v2",
            "http://localhost:1",
            "http://[::1]:9/",
        ] {
            assert!(parse_root("endpoint", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "h",
            "ftp://h",
            "http://example.com",
            "http://127.0.0.1.example.com",
            "https://u:p@h",
            "https://h?x=1",
            "https://h/\n#",
        ] {
            let error = parse_root("endpoint", bad).expect_err(bad);
            assert!(error.message().starts_with("endpoint: "), "{error}");
        }
    }
}
