//! What is read from a file's statistics.

use serde::Deserialize;

use super::action::Stats;

/// The number of records, `numRecords`; `None` if the statistics do not say, or are not JSON.
pub(super) fn record_count(stats: Stats<'_>) -> Option<u64> {
    let known = match stats {
        Stats::Raw(text) => known_writer_count(text, "{\"numRecords\":"),
        Stats::Escaped(text) => known_writer_count(text, "{\\\"numRecords\\\":"),
    };
    known.or_else(|| {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Known {
            num_records: Option<u64>,
        }
        serde_json::from_str::<Known>(&stats.text()).ok()?.num_records
    })
}

/// All known writers put the number first.
fn known_writer_count(stats: &str, start: &str) -> Option<u64> {
    let rest = stats.strip_prefix(start)?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let (digits, rest) = rest.split_at_checked(end)?;
    if !rest.starts_with([',', '}']) || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_wherever_it_stands_and_never_guessed() {
        for (stats, count) in [
            (r#"{"numRecords":12,"minValues":{}}"#, Some(12)),
            (r#"{"numRecords":0}"#, Some(0)),
            (r#"{ "minValues":{"numRecords":3}, "numRecords" : 7 }"#, Some(7)),
            (r#"{"numRecords":null}"#, None),
            (r#"{"numRecords":-1}"#, None),
            (r#"{"numRecords":1.5}"#, None),
            (r#"{"numRecords":1e3}"#, None),
            (r#"{"numRecords":99999999999999999999999}"#, None),
            (r#"{"numRecords":012}"#, None),
            (r#"{"numRecords":12"#, None),
            (r#"{"minValues":{}}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(record_count(Stats::Raw(stats)), count, "{stats}");
            let escaped = stats.replace('"', "\\\"");
            assert_eq!(record_count(Stats::Escaped(&escaped)), count, "{escaped}");
        }
    }
}
