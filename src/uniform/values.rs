//! Bounds of columns as Delta's statistics spell them.
//!
//! A bound has the type that its file was written with, which its length tells: a column may have been widened since. What
//! statistics cannot say rightly is left out, for a missing bound says nothing. All text is escaped as the inside of a JSON
//! string, as statistics are.
//!
//! Sources: Iceberg specification, "Binary single-value serialization"; Delta, "Per-file Statistics".

use crate::encode::{decimal, json};
use crate::iceberg::primitive::Primitive;
use crate::scan::datum::unscaled;

const DAY_MICROS: i64 = 86_400_000_000;
const SECOND_MICROS: i64 = 1_000_000;

/// Days from the first of March of the year 0 to the Unix epoch.
const EPOCH_DAYS: i64 = 719_468;
/// Days in 400 years.
const ERA_DAYS: i64 = 146_097;

/// Digits of a decimal at most, before and behind its point.
const DECIMAL_DIGITS_MAX: usize = 38;

/// How bounds of a column are spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Boolean,
    Integer,
    Long,
    Float,
    Double,
    Decimal {
        scale: u32,
    },
    Date,
    Timestamp {
        is_utc: bool,
    },
    Text,
    /// Nobody has bounds of it, but nulls are counted.
    None,
}

impl Form {
    /// `None` for types that statistics do not even count.
    pub(super) fn of(of: &Primitive) -> Option<Self> {
        Some(match of {
            Primitive::Boolean => Self::Boolean,
            Primitive::Int => Self::Integer,
            Primitive::Long => Self::Long,
            Primitive::Float => Self::Float,
            Primitive::Double => Self::Double,
            Primitive::Decimal { scale, .. } => Self::Decimal { scale: *scale },
            Primitive::Date => Self::Date,
            Primitive::Timestamp => Self::Timestamp { is_utc: false },
            Primitive::Timestamptz => Self::Timestamp { is_utc: true },
            Primitive::String => Self::Text,
            Primitive::Binary => Self::None,
            Primitive::Time
            | Primitive::TimestampNs
            | Primitive::TimestamptzNs
            | Primitive::Uuid
            | Primitive::Fixed(_)
            | Primitive::Unknown
            | Primitive::Variant
            | Primitive::Geometry { .. }
            | Primitive::Geography { .. } => return None,
        })
    }

    pub(super) fn has_nans(self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    /// Appends a bound; false, and nothing, for one that cannot be said.
    pub(super) fn write(self, bound: &[u8], out: &mut Vec<u8>) -> bool {
        self.written(bound, out).is_some()
    }

    fn written(self, bound: &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Boolean => match bound {
                [0] => out.extend_from_slice(b"false"),
                [_] => out.extend_from_slice(b"true"),
                _ => return None,
            },
            Self::Integer => decimal::push_signed(i32::try_from(whole(bound)?).ok()?.into(), out),
            Self::Long => decimal::push_signed(whole(bound)?, out),
            Self::Float => {
                let number = f32::from_le_bytes(bound.try_into().ok()?);
                return push_number(number, number.is_finite(), out);
            }
            Self::Double => {
                let number = match bound.len() {
                    4 => f64::from(f32::from_le_bytes(bound.try_into().ok()?)),
                    _ => f64::from_le_bytes(bound.try_into().ok()?),
                };
                return push_number(number, number.is_finite(), out);
            }
            Self::Decimal { scale } => return push_decimal(unscaled(bound)?, scale, out),
            Self::Date => {
                let date = Date::of_days(i32::from_le_bytes(bound.try_into().ok()?).into())?;
                let mut text = *b"\\\"yyyy-mm-dd\\\"";
                let [_, _, spelt @ .., _, _] = &mut text;
                *spelt = date.spelt();
                out.extend_from_slice(&text);
            }
            Self::Timestamp { is_utc } => {
                let micros = match bound.len() {
                    4 => i64::from(i32::from_le_bytes(bound.try_into().ok()?)).checked_mul(DAY_MICROS)?,
                    _ => whole(bound)?,
                };
                push_moment(micros, is_utc, out)?;
            }
            Self::Text if is_plain(bound) => push_plain(bound, out),
            Self::Text => push_text(std::str::from_utf8(bound).ok()?, out),
            Self::None => return None,
        }
        Some(())
    }
}

fn whole(bytes: &[u8]) -> Option<i64> {
    match bytes.len() {
        4 => Some(i32::from_le_bytes(bytes.try_into().ok()?).into()),
        _ => Some(i64::from_le_bytes(bytes.try_into().ok()?)),
    }
}

/// The shortest text that is read as the same number; none for NaN and infinities, which JSON does not have.
fn push_number(number: impl serde::Serialize, is_finite: bool, out: &mut Vec<u8>) -> Option<()> {
    if !is_finite {
        return None;
    }
    serde_json::to_writer(out, &number).ok()
}

fn push_decimal(unscaled: i128, scale: u32, out: &mut Vec<u8>) -> Option<()> {
    let width = usize::try_from(scale).ok().filter(|scale| *scale <= DECIMAL_DIGITS_MAX)?;
    if unscaled < 0 {
        out.push(b'-');
    }
    let small = u64::try_from(unscaled.unsigned_abs()).ok();
    if let Some((number, unit)) = small.zip(10_u64.checked_pow(scale)) {
        decimal::push(number / unit, out);
        if scale > 0 {
            out.push(b'.');
            decimal::push_padded(number % unit, width, out);
        }
        return Some(());
    }
    let digits = format!("{:0>least$}", unscaled.unsigned_abs(), least = width + 1);
    let (whole, part) = digits.split_at_checked(digits.len() - width)?;
    out.extend_from_slice(whole.as_bytes());
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(part.as_bytes());
    }
    Some(())
}

/// A day that four digits can name the year of.
#[derive(Debug, Clone, Copy)]
struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// Of days since the Unix epoch, in the proleptic Gregorian calendar. Years are counted from March, so that what leap
    /// years add comes last.
    fn of_days(days: i64) -> Option<Self> {
        let days = days.checked_add(EPOCH_DAYS)?;
        let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + i64::from(month <= 2);
        (1..=9_999).contains(&year).then_some(Self { year, month, day })
    }

    /// `YYYY-MM-DD`.
    fn spelt(self) -> [u8; 10] {
        let digit = |number: i64| b'0' + u8::try_from(number % 10).unwrap_or_default();
        let Self { year, month, day } = self;
        let [millennium, century, decade, year] = [year / 1_000, year / 100, year / 10, year].map(digit);
        let [month_tens, month, day_tens, day] = [month / 10, month, day / 10, day].map(digit);
        [millennium, century, decade, year, b'-', month_tens, month, b'-', day_tens, day]
    }
}

/// All six digits of the microseconds, so that nobody takes them for cut off.
fn push_moment(micros: i64, is_utc: bool, out: &mut Vec<u8>) -> Option<()> {
    let date = Date::of_days(micros.div_euclid(DAY_MICROS))?;
    let of_day = micros.rem_euclid(DAY_MICROS);
    let seconds = of_day / SECOND_MICROS;
    out.extend_from_slice(b"\\\"");
    out.extend_from_slice(&date.spelt());
    for (mark, number) in [(b'T', seconds / 3_600), (b':', seconds / 60 % 60), (b':', seconds % 60)] {
        out.push(mark);
        decimal::push_padded(number.unsigned_abs(), 2, out);
    }
    out.push(b'.');
    decimal::push_padded((of_day % SECOND_MICROS).unsigned_abs(), 6, out);
    out.extend_from_slice(if is_utc { b"Z\\\"" } else { b"\\\"" });
    Some(())
}

/// A text as a JSON string that stands inside of a JSON string.
pub(super) fn push_text(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        push_plain(text.as_bytes(), out);
        return;
    }
    out.extend_from_slice(b"\\\"");
    let mut once = Vec::with_capacity(json::room(text));
    json::escape_into(text, &mut once);
    json::escape_into(&String::from_utf8_lossy(&once), out);
    out.extend_from_slice(b"\\\"");
}

/// Whether a text is spelt as it is. All bytes are looked at, many at once.
fn is_plain(text: &[u8]) -> bool {
    let is_plain = |byte: u8| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
    text.iter().fold(true, |all, byte| all & is_plain(*byte))
}

fn push_plain(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 4);
    out.extend_from_slice(b"\\\"");
    out.extend_from_slice(text);
    out.extend_from_slice(b"\\\"");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::scan::datum::Datum;

    fn text(form: Form, bound: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        form.write(bound, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    /// The value that a reader of the statistics finds.
    fn value(form: Form, bound: &[u8]) -> Option<Value> {
        let escaped = text(form, bound)?;
        let json: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
        Some(serde_json::from_str(&json).unwrap())
    }

    const MICROS: Form = Form::Timestamp { is_utc: true };
    const LOCAL: Form = Form::Timestamp { is_utc: false };

    #[test]
    fn values_are_spelt_as_delta_spells_them() {
        let day = |days: i32| text(Form::Date, &days.to_le_bytes());
        assert_eq!(day(0).unwrap(), r#"\"1970-01-01\""#);
        assert_eq!(day(-719_162).unwrap(), r#"\"0001-01-01\""#);
        assert_eq!(day(2_932_896).unwrap(), r#"\"9999-12-31\""#);
        assert_eq!((day(-719_163), day(2_932_897), day(i32::MIN)), (None, None, None));
        let moment = |form, micros: i64| text(form, &micros.to_le_bytes());
        assert_eq!(moment(MICROS, -1).unwrap(), r#"\"1969-12-31T23:59:59.999999Z\""#);
        assert_eq!(moment(LOCAL, 1_617_238_923_000_120).unwrap(), r#"\"2021-04-01T01:02:03.000120\""#);
        assert_eq!((moment(MICROS, i64::MAX), moment(MICROS, i64::MIN)), (None, None));
        let decimal = |scale, bytes: &[u8]| text(Form::Decimal { scale }, bytes).unwrap();
        assert_eq!(decimal(2, &[0x05]), "0.05");
        assert_eq!(decimal(2, &[0xFF, 0x85]), "-1.23");
        assert_eq!(decimal(0, &[0x7F]), "127");
        assert_eq!(decimal(38, &[0]), format!("0.{}", "0".repeat(38)));
        assert_eq!(decimal(1, &i128::MAX.to_be_bytes()), "17014118346046923173168730371588410572.7");
        assert_eq!(text(Form::Boolean, &[0]).unwrap() + &text(Form::Boolean, &[1]).unwrap(), "falsetrue");
        assert_eq!(text(Form::Text, b"a\"b\\\n").unwrap(), r#"\"a\\\"b\\\\\\n\""#);
        assert_eq!(text(Form::Long, &i64::MIN.to_le_bytes()).unwrap(), "-9223372036854775808");
    }

    #[test]
    fn bounds_from_before_a_promotion_are_of_the_narrower_type() {
        assert_eq!(text(Form::Long, &(-5_i32).to_le_bytes()).unwrap(), "-5");
        assert_eq!(text(Form::Double, &0.1_f32.to_le_bytes()).unwrap(), "0.10000000149011612");
        assert_eq!(text(Form::Float, &0.1_f32.to_le_bytes()).unwrap(), "0.1");
        assert_eq!(text(LOCAL, &1_i32.to_le_bytes()).unwrap(), r#"\"1970-01-02T00:00:00.000000\""#);
    }

    #[test]
    fn what_cannot_be_said_is_left_out() {
        for (form, bound) in [
            (Form::Boolean, &b""[..]),
            (Form::Integer, &[1, 2, 3]),
            (Form::Integer, &[0, 0, 0, 0, 1, 0, 0, 0]),
            (Form::Float, &f32::NAN.to_le_bytes()),
            (Form::Double, &f64::INFINITY.to_le_bytes()),
            (Form::Decimal { scale: 2 }, b""),
            (Form::Decimal { scale: 2 }, &[0; 17]),
            (Form::Text, &[0xFF]),
            (Form::None, b"a"),
        ] {
            assert_eq!(text(form, bound), None, "{form:?} {bound:?}");
        }
    }

    fn primitives() -> impl Strategy<Value = Primitive> {
        prop_oneof![
            Just(Primitive::Boolean),
            Just(Primitive::Int),
            Just(Primitive::Long),
            Just(Primitive::Float),
            Just(Primitive::Double),
            (1..=38_u32).prop_map(|scale| Primitive::Decimal { precision: 38, scale }),
            Just(Primitive::Date),
            Just(Primitive::Timestamp),
            Just(Primitive::Timestamptz),
            Just(Primitive::String),
        ]
    }

    fn bounds() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(|bytes| bytes.to_vec()),
            any::<[u8; 8]>().prop_map(|bytes| bytes.to_vec()),
            // Moments of our time.
            (-62_135_596_800_000_000..253_402_300_800_000_000_i64)
                .prop_map(|number| number.to_le_bytes().to_vec()),
            (-719_162..2_932_897_i32).prop_map(|number| number.to_le_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..18),
            ".*".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn a_bound_is_read_back_as_it_was(primitive in primitives(), bound in bounds()) {
            let form = Form::of(&primitive).unwrap();
            let Some(found) = value(form, &bound) else { return Ok(()) };
            let datum = Datum::of_bound(&bound, &primitive).unwrap();
            if let Primitive::Decimal { scale, .. } = primitive {
                // A number of serde has the digits of a double only.
                let text = text(form, &bound).unwrap();
                let (_, fraction) = text.split_once('.').unwrap();
                prop_assert_eq!(fraction.len(), scale as usize);
                prop_assert_eq!(Datum::Number(text.replace('.', "").parse().unwrap()), datum);
                return Ok(());
            }
            if primitive == Primitive::Timestamptz {
                prop_assert!(found.as_str().unwrap().ends_with('Z'));
            }
            prop_assert_eq!(Datum::of_json(&found, &primitive), Some(datum));
        }
    }
}
