//! Dates and timestamps as logs, statistics and hints spell them.

use chrono::{Datelike, NaiveDate};

const DAY_MICROS: i64 = 86_400_000_000;
/// `NaiveDate` counts days from the year 1.
const EPOCH_DAY: i32 = 719_163;
/// What `java.time` takes as an offset, and more than any place on Earth has.
const ZONE_HOURS_MAX: i64 = 18;

/// How far two readings of a timestamp without a time zone can lie apart from the one meant, in microseconds.
pub(super) const ZONE_MICROS_MAX: i64 = ZONE_HOURS_MAX * 3_600_000_000;
/// The last microsecond of a millisecond whose rest was cut off.
pub(super) const CUT_MICROS_MAX: i64 = 999;

/// A timestamp as a text says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Since the Unix epoch; of the local time if there is no zone.
    pub(super) micros: i64,
    pub(super) has_zone: bool,
    /// Whether something finer than a millisecond may have been cut off.
    pub(super) may_be_cut: bool,
}

/// Days since the Unix epoch of `2021-04-01`, or of `2021-4-1`.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let mut reader = Reader { rest: text.trim_ascii().as_bytes() };
    let days = reader.date()?;
    reader.rest.is_empty().then_some(days)
}

/// `2021-04-01[{T| }00:00[:00[.123456]]][zone]`, where the zone is `Z`, `UTC` or an offset.
///
/// Digits beyond microseconds are cut off.
pub(super) fn parse_timestamp(text: &str) -> Option<Moment> {
    let mut reader = Reader { rest: text.trim_ascii().as_bytes() };
    let mut micros = reader.date()?.checked_mul(DAY_MICROS)?;
    let mut fraction_digits = 0;
    if reader.take(b'T') || reader.take(b' ') {
        let (time, digits) = reader.time()?;
        micros = micros.checked_add(time)?;
        fraction_digits = digits;
    }
    let zone_micros = reader.zone()?;
    if !reader.rest.is_empty() {
        return None;
    }
    Some(Moment {
        micros: micros.checked_sub(zone_micros.unwrap_or_default())?,
        has_zone: zone_micros.is_some(),
        may_be_cut: fraction_digits <= 3 || fraction_digits > 6,
    })
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// A number of `min` to `max` digits, and how many there were.
    fn digits(&mut self, min: usize, max: usize) -> Option<(i64, usize)> {
        let mut number = 0_i64;
        let mut count = 0;
        while let Some((digit @ b'0'..=b'9', rest)) = self.rest.split_first() {
            if count == max {
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
            self.rest = rest;
            count += 1;
        }
        (count >= min).then_some((number, count))
    }

    fn number(&mut self, min: usize, below: i64) -> Option<i64> {
        self.digits(min, 2).map(|(number, _)| number).filter(|&number| number < below)
    }

    fn date(&mut self) -> Option<i64> {
        let (year, _) = self.digits(4, 4)?;
        let month = if self.take(b'-') { self.number(1, 13)? } else { return None };
        let day = if self.take(b'-') { self.number(1, 32)? } else { return None };
        let [year, month, day] = [year, month, day].map(|number| u32::try_from(number).unwrap_or_default());
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
        Some(i64::from(date.num_days_from_ce() - EPOCH_DAY))
    }

    /// Microseconds of the day, and the digits of the fraction.
    fn time(&mut self) -> Option<(i64, usize)> {
        let hour = self.number(1, 24)?;
        let minute = if self.take(b':') { self.number(2, 60)? } else { return None };
        let mut micros = (hour * 60 + minute) * 60_000_000;
        let mut digits = 0;
        if self.take(b':') {
            micros += self.number(2, 60)? * 1_000_000;
            if self.take(b'.') {
                let (fraction, count) = self.digits(1, 9)?;
                let scale = 10_i64.pow(u32::try_from(9 - count).unwrap_or_default());
                micros += fraction * scale / 1_000;
                digits = count;
            }
        }
        Some((micros, digits))
    }

    /// Microseconds east of Greenwich; `Some(None)` if the text ends here.
    #[expect(clippy::option_option, reason = "no zone and a wrong zone are two answers")]
    fn zone(&mut self) -> Option<Option<i64>> {
        self.rest = self.rest.trim_ascii_start();
        if self.rest.is_empty() {
            return Some(None);
        }
        for name in ["Z", "z", "UTC", "GMT"] {
            if self.rest == name.as_bytes() {
                self.rest = &[];
                return Some(Some(0));
            }
        }
        let sign = match self.rest.split_first()? {
            (b'+', _) => 1,
            (b'-', _) => -1,
            _ => return None,
        };
        self.rest = self.rest.get(1..)?;
        let (mut hours, count) = self.digits(1, 4)?;
        let minutes = match count {
            3 => return None,
            4 => {
                let minutes = hours % 100;
                hours /= 100;
                minutes
            }
            _ if self.take(b':') => self.number(2, 60)?,
            _ => 0,
        };
        let seconds = if self.take(b':') { self.number(2, 60)? } else { 0 };
        if hours > ZONE_HOURS_MAX || minutes > 59 {
            return None;
        }
        Some(Some(sign * ((hours * 60 + minutes) * 60 + seconds) * 1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_since_1970() {
        for (text, days) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2021-4-1", Some(18_718)),
            (" 2021-04-01 ", Some(18_718)),
            ("0001-01-01", Some(-719_162)),
            ("9999-12-31", Some(2_932_896)),
            ("2021-02-29", None),
            ("2021-13-01", None),
            ("2021-04", None),
            ("10000-01-01", None),
            ("2021-04-01x", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text), days, "{text}");
        }
    }

    #[test]
    fn timestamps_are_microseconds_with_their_zone_taken_off() {
        let day = 18_718 * DAY_MICROS;
        for (text, micros, has_zone, may_be_cut) in [
            ("2021-04-01T00:00:00Z", day, true, true),
            ("2021-04-01 01:02:03.123456", day + 3_723_123_456, false, false),
            ("2021-04-01T00:00:00.123-08:00", day + 28_800_123_000, true, true),
            ("2021-04-01T00:00:00.123456789Z", day + 123_456, true, true),
            ("2021-04-01 00:00:00 UTC", day, true, true),
            ("2021-04-01 05:30+0530", day, true, true),
            ("2021-04-01", day, false, true),
            ("1969-12-31T23:59:59.999999Z", -1, true, false),
        ] {
            assert_eq!(parse_timestamp(text), Some(Moment { micros, has_zone, may_be_cut }), "{text}");
        }
        for text in [
            "2021-04-01T",
            "2021-04-01T24:00:00Z",
            "2021-04-01 00:00:00 Europe/Berlin",
            "12",
            "2021-04-01T00:00:00+19:00",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }
}
