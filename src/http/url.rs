//! Addresses: which roots are acceptable, and how a name becomes one path segment.

use crate::error::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

/// All but RFC 3986's unreserved characters, and `@`, which org ids and emails hold and paths may.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'@');

/// A root URL that credentials may be sent to: https, or http to this machine.
pub(crate) fn parse_root(argument: &str, text: &str) -> Result<Url> {
    // The URL parser would quietly drop line ends and tabs.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::invalid_argument(
            argument,
            "holds a space, a line end or a control character",
        ));
    }
    let url = Url::parse(text.trim_end_matches('/'))
        .map_err(|e| Error::invalid_argument(argument, format_args!("is no URL: {e}")))?;
    let problem = match url.scheme() {
        "https" => None,
        "http" if is_loopback(&url) => None,
        "http" => Some(
            "http would show the token to the network; use https (http is only for loopback addresses)",
        ),
        _ => Some("must be an https URL"),
    };
    let problem = problem
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

/// `root` with one path segment for each of `segments`, encoded whole, and the query.
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
    fn a_name_is_one_segment_whatever_it_holds() {
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
    fn only_safe_roots_are_taken() {
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
