//! Header values and request bodies made from secrets.

use crate::secret::Secret;
use bytes::Bytes;
use reqwest::header::HeaderValue;

/// A header value that holds the secret. The HTTP client treats it as sensitive, and its memory is zeroed when the last
/// copy is dropped. `None` if the secret holds a byte that no header value can hold.
pub(crate) fn secret_header(secret: Secret) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_maybe_shared(secret_bytes(secret)).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// The bytes of the secret without a copy, for a request body; they are zeroed when the last clone is dropped.
pub(crate) fn secret_bytes(secret: Secret) -> Bytes {
    Bytes::from_owner(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_sensitive_and_an_impossible_one_is_refused() {
        let header = secret_header(Secret::new("p8e-very-secret")).unwrap();
        assert_eq!(header.as_bytes(), b"p8e-very-secret");
        assert!(!format!("{header:?}").contains("secret"));
        assert!(secret_header(Secret::new("a\r\nb")).is_none());
    }
}
