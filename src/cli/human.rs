//! Sizes, times and tables as people read them.

use chrono::{DateTime, Local, SecondsFormat, Utc};

/// Powers of 1024 with one digit behind the point, as `mc` and `ls -h` print them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1_024 {
        return format!("{bytes}B");
    }
    // Tenths of a unit in whole numbers, so that no rounding surprises.
    let mut divisor: u128 = 1_024;
    let mut chosen = "KiB";
    for unit in UNITS {
        chosen = unit;
        if tenths(bytes, divisor) < 10_240 {
            break;
        }
        divisor *= 1_024;
    }
    let tenths = tenths(bytes, divisor);
    format!("{}.{}{chosen}", tenths / 10, tenths % 10)
}

fn tenths(bytes: u64, divisor: u128) -> u128 {
    (u128::from(bytes) * 10 + divisor / 2) / divisor
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

/// An RFC 3339 moment in this machine's time zone, whole seconds: `2026-02-13T10:22:05-06:00`.
///
/// Text that is no moment comes back as it is.
pub(crate) fn local_moment(rfc3339: &str) -> String {
    match DateTime::parse_from_rfc3339(rfc3339) {
        Ok(moment) => moment.with_timezone(&Local).to_rfc3339_opts(SecondsFormat::Secs, false),
        Err(_) => rfc3339.to_owned(),
    }
}

/// An RFC 3339 moment in UTC, whole seconds: `2026-01-25T23:52:59Z`.
///
/// Text that is no moment comes back as it is.
pub(crate) fn utc_moment(rfc3339: &str) -> String {
    match DateTime::parse_from_rfc3339(rfc3339) {
        Ok(moment) => moment.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Secs, true),
        Err(_) => rfc3339.to_owned(),
    }
}

/// Milliseconds since the Unix epoch as RFC 3339 in UTC, whole seconds; `None` beyond the calendar.
pub(crate) fn wire_moment(unix_ms: i64) -> Option<String> {
    DateTime::<Utc>::from_timestamp_millis(unix_ms)
        .map(|moment| moment.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The moment of a listing's line, in this machine's time zone: `2026-01-25 23:52:59 UTC`.
pub(crate) fn listing_moment(rfc3339: &str) -> String {
    match DateTime::parse_from_rfc3339(rfc3339) {
        Ok(moment) => {
            let local = moment.with_timezone(&Local);
            let zone = local.offset().to_string();
            let zone = if zone == "+00:00" { "UTC" } else { zone.as_str() };
            format!("{} {zone}", local.format("%Y-%m-%d %H:%M:%S"))
        }
        Err(_) => rfc3339.to_owned(),
    }
}

/// Rows under their head, each column as wide as its widest cell; no trailing blanks.
pub(crate) fn table<const COLUMNS: usize>(head: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> Vec<String> {
    let mut widths = head.map(display_width);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(display_width(cell));
        }
    }
    let line = |cells: [&str; COLUMNS]| {
        let mut text = String::new();
        for (cell, width) in cells.into_iter().zip(widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(display_width(cell)) + 2));
        }
        text.truncate(text.trim_end().len());
        text
    };
    let mut lines = vec![line(head)];
    lines.extend(
        rows.iter().map(|row| line(std::array::from_fn(|index| row.get(index).map_or("", String::as_str)))),
    );
    lines
}

fn display_width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_like_mc() {
        for (bytes, text) in [
            (0, "0B"),
            (1_023, "1023B"),
            (1_024, "1.0KiB"),
            (1_536, "1.5KiB"),
            (1_048_575, "1.0MiB"),
            (64 << 20, "64.0MiB"),
            (u64::MAX, "16.0EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn moments_lose_their_fraction_and_keep_their_zone() {
        assert_eq!(utc_moment("2026-01-25T23:52:59.123Z"), "2026-01-25T23:52:59Z");
        assert_eq!(utc_moment("2026-01-25T17:52:59-06:00"), "2026-01-25T23:52:59Z");
        assert_eq!(utc_moment("soon"), "soon");
        assert_eq!(wire_moment(1_769_385_179_123).unwrap(), "2026-01-25T23:52:59Z");
        assert_eq!(wire_moment(i64::MAX), None);
        let local = local_moment("2026-01-25T23:52:59Z");
        assert!(!local.ends_with('Z') && DateTime::parse_from_rfc3339(&local).is_ok(), "{local}");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a".to_owned(), "long cell".to_owned()], ["bcde".to_owned(), String::new()]];
        assert_eq!(table(["N", "D"], &rows), ["N     D", "a     long cell", "bcde"]);
    }
}
