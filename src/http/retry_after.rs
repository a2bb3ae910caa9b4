//! The `Retry-After` header (RFC 9110).

use std::time::{Duration, SystemTime};

/// The longest wait that is returned. It can be added to any clock without an overflow.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// The wait that `Retry-After` asks for, in seconds or as a date.
///
/// A date is measured against the answer's own `Date`, or against `now` without one, so that a wrong clock on either side
/// does not matter. `None` if the header is missing, malformed, negative, zero or in the past. A wait beyond [`LONGEST`]
/// counts as [`LONGEST`].
pub(crate) fn parse(
    retry_after: Option<&str>,
    date: Option<&str>,
    now: SystemTime,
) -> Option<Duration> {
    let text = retry_after?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => {
            Duration::try_from_secs_f64(seconds.min(LONGEST.as_secs_f64())).ok()?
        }
        Ok(_) => return None,
        Err(_) => {
            let until = httpdate::parse_http_date(text).ok()?;
            let answered = date
                .and_then(|d| httpdate::parse_http_date(d.trim()).ok())
                .unwrap_or(now);
            until.duration_since(answered).ok()?
        }
    };
    (!wait.is_zero()).then_some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Tue, 24 Nov 2026 10:00:00 GMT";
    const IN_90_SECONDS: &str = "Tue, 24 Nov 2026 10:01:30 GMT";

    fn seconds(retry_after: &str, date: Option<&str>) -> Option<f64> {
        parse(Some(retry_after), date, SystemTime::UNIX_EPOCH).map(|d| d.as_secs_f64())
    }

    #[test]
    fn seconds_and_dates_are_parsed_and_the_rest_is_ignored() {
        assert_eq!(seconds("7", None), Some(7.0));
        assert_eq!(seconds(" 3244 ", None), Some(3244.0));
        assert_eq!(seconds(IN_90_SECONDS, Some(DATE)), Some(90.0));
        for unusable in ["", "0", "-5", "soon", "NaN", "inf", "1e400", DATE] {
            assert_eq!(seconds(unusable, Some(DATE)), None, "{unusable}");
        }
        assert_eq!(parse(None, Some(DATE), SystemTime::UNIX_EPOCH), None);
    }

    #[test]
    fn without_a_date_header_the_local_clock_counts() {
        let now = httpdate::parse_http_date(DATE).unwrap();
        assert_eq!(
            parse(Some(IN_90_SECONDS), None, now),
            Some(Duration::from_secs(90))
        );
    }

    #[test]
    fn a_wait_that_would_overflow_a_clock_is_cut() {
        for endless in [
            "1e19",
            "18446744073709551615",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            let wait = parse(Some(endless), Some(DATE), SystemTime::UNIX_EPOCH);
            assert_eq!(wait, Some(LONGEST), "{endless}");
        }
    }
}
