//! How long a token works: `30d`, `24h`, `30m`.

/// Longest time that a token may be given: ten years, enough to catch a slip of the finger.
const EXPIRY_SECONDS_MAX: u64 = 3_650 * 86_400;

/// A span of whole minutes, hours or days, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expiry {
    pub seconds: u64,
}

impl Expiry {
    /// The moment at which something made at `now_ms` stops working, in milliseconds since the Unix epoch.
    pub(crate) fn after(self, now_ms: i64) -> i64 {
        let span_ms = i64::try_from(self.seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
        now_ms.saturating_add(span_ms)
    }
}

/// Reads `<number>d`, `<number>h` or `<number>m`, between one minute and ten years.
pub(crate) fn parse_expiry(text: &str) -> Result<Expiry, String> {
    let form = "write a number and d, h or m: 30d, 24h, 30m";
    let unit = text.chars().next_back().ok_or_else(|| form.to_owned())?;
    let unit_seconds = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        _ => return Err(form.to_owned()),
    };
    let digits = text.strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(form.to_owned());
    }
    let seconds = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit_seconds));
    match seconds {
        Some(0) => Err("a token must work for one minute at least: 1m".to_owned()),
        Some(seconds) if seconds <= EXPIRY_SECONDS_MAX => Ok(Expiry { seconds }),
        Some(_) | None => {
            Err("a token can work for ten years at most: 3650d; leave --expires out for ever".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_hours_and_minutes_are_read() {
        for (text, seconds) in [("30d", 2_592_000), ("24h", 86_400), ("30m", 1_800), ("365d", 31_536_000)] {
            assert_eq!(parse_expiry(text), Ok(Expiry { seconds }), "{text}");
        }
    }

    #[test]
    fn anything_else_is_told_the_form() {
        for text in
            ["", "d", "30", "30s", "-1d", "+1d", "1.5h", "30 d", "٣d", "99999999999999999999d", "0d", "3651d"]
        {
            assert!(parse_expiry(text).is_err(), "{text}");
        }
    }

    #[test]
    fn expiry_counts_from_now() {
        assert_eq!(Expiry { seconds: 60 }.after(1_000), 61_000);
        assert_eq!(Expiry { seconds: u64::MAX }.after(i64::MAX), i64::MAX);
    }
}
