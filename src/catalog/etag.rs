//! Entity tags of loaded tables: which metadata, in which form.
//!
//! Source: RFC 9110, 8.8.3.

use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

/// The tag of what is at `location`, a place that never changes, told in `form`.
pub(super) fn of(location: &str, form: &str) -> String {
    let digest = Sha256::new().chain_update(form).chain_update([0]).chain_update(location).finalize();
    format!("\"{}\"", hex::encode(digest.first_chunk::<16>().unwrap_or(&[0; 16])))
}

pub(super) fn header(tag: &str) -> HeaderValue {
    HeaderValue::from_str(tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// Whether the client has what one of `tags` stands for already.
pub(super) fn knows_any(headers: &HeaderMap, tags: &[String]) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = values.flat_map(|value| value.split(',')).map(str::trim);
    known.any(|known| {
        let strong = known.strip_prefix("W/").unwrap_or(known);
        known == "*" || tags.iter().any(|tag| tag == strong)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_any_list() {
        let tag = of("s3://lake/t/metadata/1.json", "all");
        assert_ne!(tag, of("s3://lake/t/metadata/1.json", "refs"));
        assert_ne!(tag, of("s3://lake/t/metadata/2.json", "all"));
        for (value, known) in [
            (tag.clone(), true),
            (format!("\"x\", W/{tag}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ] {
            let headers = [(IF_NONE_MATCH, value.parse().unwrap())].into_iter().collect();
            assert_eq!(knows_any(&headers, &["\"z\"".to_owned(), tag.clone()]), known, "{value}");
        }
    }
}
