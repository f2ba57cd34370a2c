//! Timestamps of requests.

use chrono::NaiveDateTime;

use super::error::Error;
use crate::clock;

/// A moment between two milliseconds since the Unix epoch, or on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// The last millisecond that does not lie after it.
    pub floor_ms: i64,
    /// The first millisecond that does not lie before it.
    pub ceiling_ms: i64,
}

/// Forms without an offset, which older clients send; they are read as UTC.
const WITHOUT_OFFSET: [&str; 2] = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];

/// Reads ISO 8601 with an offset (`Z` or `+02:00`), or a date and a time in UTC.
///
/// A `+` that a query string turned into a space is taken for what it was.
pub fn parse(name: &'static str, text: &str) -> Result<Timestamp, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::parameter(name, "it is empty"));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'.') && !is_date(text) {
        return Err(Error::parameter(name, "it is a number; write a time as 2024-01-31T12:00:00Z"));
    }
    let with_plus = || text.contains('T').then(|| text.replacen(' ', "+", 1));
    let with_offset = |text: &str| {
        let floor_ms = clock::parse_rfc3339(text)?;
        Some((floor_ms, has_rest(text)))
    };
    let without_offset = || {
        let read = |form| NaiveDateTime::parse_from_str(text, form).ok();
        let time = WITHOUT_OFFSET.into_iter().find_map(read)?.and_utc();
        Some((time.timestamp_millis(), has_rest(text)))
    };
    let found = with_offset(text).or_else(|| with_offset(&with_plus()?)).or_else(without_offset);
    let wrong =
        || Error::parameter(name, "it is no time; write 2024-01-31T12:00:00Z, or with an offset +02:00");
    let (floor_ms, has_rest) = found.ok_or_else(wrong)?;
    Ok(Timestamp { floor_ms, ceiling_ms: floor_ms.saturating_add(i64::from(has_rest)) })
}

/// Whether there are digits below the millisecond that are not zero.
fn has_rest(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let mut digits = fraction.bytes().take_while(u8::is_ascii_digit).skip(3);
    digits.any(|digit| digit != b'0')
}

fn is_date(text: &str) -> bool {
    text.matches('-').count() == 2 && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_MS: i64 = 1_704_110_400_000;

    fn ms(text: &str) -> i64 {
        let timestamp = parse("timestamp", text).unwrap();
        assert_eq!(timestamp.floor_ms, timestamp.ceiling_ms, "{text}");
        timestamp.floor_ms
    }

    #[test]
    fn all_spellings_of_a_moment_are_one_moment() {
        for text in [
            "2024-01-01T12:00:00Z",
            "2024-01-01T12:00:00.000Z",
            "2024-01-01T14:00:00+02:00",
            "2024-01-01T14:00:00 02:00",
            "2024-01-01T07:30:00-04:30",
            "2024-01-01 12:00:00",
            "2024-01-01 12:00:00.000000",
            "2024-01-01T12:00:00",
            " 2024-01-01T12:00:00Z ",
        ] {
            assert_eq!(ms(text), NOON_MS, "{text}");
        }
        assert_eq!(ms("2024-01-01 12:00:00.123"), NOON_MS + 123);
    }

    #[test]
    fn what_lies_between_milliseconds_is_neither() {
        let between = parse("timestamp", "2024-01-01T12:00:00.123456Z").unwrap();
        assert_eq!(between, Timestamp { floor_ms: NOON_MS + 123, ceiling_ms: NOON_MS + 124 });
        assert_eq!(ms("2024-01-01T12:00:00.123000Z"), NOON_MS + 123);
    }

    #[test]
    fn numbers_and_other_text_are_refused_with_the_form() {
        for text in [
            "",
            " ",
            "1704110400000",
            "1704110400",
            "-5",
            "1.5",
            "yesterday",
            "2024-13-01T00:00:00Z",
            "2024-01-01",
        ] {
            let error = parse("timestamp", text).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Invalid, "{text}");
            assert!(error.to_string().contains("'timestamp'"), "{error}");
        }
        assert!(parse("timestamp", "1704110400").unwrap_err().to_string().contains("number"));
    }
}
