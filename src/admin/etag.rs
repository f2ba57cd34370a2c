//! States of a share as HTTP entity tags.

use http::header::IF_MATCH;
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use crate::state::change::ShareStamp;
use crate::state::record::Share;

/// The strong entity tag of `share`: its id and when it changed last.
pub(super) fn of(share: &Share) -> Option<HeaderValue> {
    let stamp = ShareStamp::of(share);
    HeaderValue::from_str(&format!("\"{}-{}\"", stamp.id.simple(), stamp.updated_ms)).ok()
}

/// What `If-Match` demands (RFC 9110, section 13.1.1): `None` takes the share in any state. Tags that
/// are not ours, weak ones among them, match no state.
pub(super) fn expected(headers: &HeaderMap) -> Option<Vec<ShareStamp>> {
    let mut stamps = Vec::new();
    let mut is_present = false;
    for value in headers.get_all(IF_MATCH) {
        is_present = true;
        let Ok(value) = value.to_str() else { continue };
        for tag in value.split(',').map(str::trim) {
            if tag == "*" {
                return None;
            }
            stamps.extend(parse(tag));
        }
    }
    is_present.then_some(stamps)
}

fn parse(tag: &str) -> Option<ShareStamp> {
    let (id, updated_ms) = tag.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
    Some(ShareStamp { id: Uuid::try_parse(id).ok()?, updated_ms: updated_ms.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (IF_MATCH, value.parse().unwrap())).collect()
    }

    #[test]
    fn a_tag_comes_back_as_the_state_it_was_made_of() {
        let share = Share {
            id: Uuid::from_u128(7),
            name: "s".into(),
            description: None,
            properties: std::collections::BTreeMap::new(),
            created_ms: 1,
            updated_ms: 1_769_385_179_123,
            schemas: vec![],
        };
        let tag = of(&share).unwrap();
        let tag = tag.to_str().unwrap();
        let stamp = ShareStamp::of(&share);
        assert_eq!(expected(&headers(&[tag])), Some(vec![stamp]));
        assert_eq!(expected(&headers(&[&format!("\"x\", {tag}")])), Some(vec![stamp]));
        assert_eq!(expected(&headers(&["\"x\"", tag])), Some(vec![stamp]));
    }

    #[test]
    fn foreign_and_weak_tags_match_nothing() {
        for value in ["\"x\"", "W/\"00000000000000000000000000000007-1\"", "", "7-1"] {
            assert_eq!(expected(&headers(&[value])), Some(vec![]), "{value}");
        }
    }

    #[test]
    fn a_star_and_an_absent_header_take_any_state() {
        assert_eq!(expected(&headers(&["*"])), None);
        assert_eq!(expected(&HeaderMap::new()), None);
    }
}
