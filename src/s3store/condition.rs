//! Conditions of requests, for reads and for writes.

use http::HeaderMap;
use http::header::{ETAG, LAST_MODIFIED};
use s3s::dto::{ETagCondition, Timestamp, TimestampFormat};

use super::error::Error;
use super::wire;
use crate::storage::files::attributes::Known;

/// When a read, or the source of a copy, is wanted.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the names of the headers")]
pub(super) struct ReadCondition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

impl ReadCondition {
    /// In the order of RFC 9110 section 13.2.2.
    ///
    /// Errors: `Precondition` (412), or `NotModified` (304).
    pub(super) fn check(&self, known: &Known) -> Result<(), Error> {
        let modified = wire::timestamp_seconds(known.modified_ns);
        if let Some(condition) = &self.if_match {
            if !matches(condition, known) {
                return Err(Error::Precondition { condition: "If-Match" });
            }
        } else if self.if_unmodified_since.as_ref().is_some_and(|since| modified > *since) {
            return Err(Error::Precondition { condition: "If-Unmodified-Since" });
        }
        let is_unchanged = match &self.if_none_match {
            Some(condition) => matches_weakly(condition, known),
            None => self.if_modified_since.as_ref().is_some_and(|since| modified <= *since),
        };
        if is_unchanged { Err(Error::NotModified { headers: validators(known) }) } else { Ok(()) }
    }

    /// The same for the source of a copy, where an unchanged source is a failed condition as well.
    pub(super) fn check_source(&self, known: &Known) -> Result<(), Error> {
        self.check(known).map_err(|error| {
            if matches!(error, Error::NotModified { .. }) {
                return Error::Precondition { condition: "x-amz-copy-source-if-none-match" };
            }
            error
        })
    }
}

fn matches(condition: &ETagCondition, known: &Known) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.strong_cmp(&wire::etag(known)),
    }
}

fn matches_weakly(condition: &ETagCondition, known: &Known) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.weak_cmp(&wire::etag(known)),
    }
}

fn validators(known: &Known) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(value) = wire::etag(known).to_http_header() {
        headers.insert(ETAG, value);
    }
    let mut date = Vec::new();
    let written = wire::timestamp_seconds(known.modified_ns).format(TimestampFormat::HttpDate, &mut date);
    if written.is_ok()
        && let Ok(value) = http::HeaderValue::from_bytes(&date)
    {
        headers.insert(LAST_MODIFIED, value);
    }
    headers
}

/// When a write may happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum WriteCondition {
    #[default]
    Always,
    /// `If-None-Match: *`.
    Absent,
    /// `If-Match`.
    Matches(ETagCondition),
}

impl WriteCondition {
    /// Errors: `If-None-Match` with an ETag, which Amazon S3 does not know for writes; both at once.
    pub(super) fn of(
        if_none_match: Option<ETagCondition>,
        if_match: Option<ETagCondition>,
    ) -> Result<Self, Error> {
        match (if_none_match, if_match) {
            (None, None) => Ok(Self::Always),
            (Some(ETagCondition::Any), None) => Ok(Self::Absent),
            (None, Some(condition)) => Ok(Self::Matches(condition)),
            (Some(ETagCondition::ETag(_)), None) => {
                Err(Error::NotServed { what: "If-None-Match with an ETag instead of * on a write".into() })
            }
            (Some(_), Some(_)) => Err(Error::Argument {
                name: "If-None-Match",
                reason: "it contradicts If-Match; send one of them".into(),
            }),
        }
    }

    /// The same from raw headers, for operations whose input has no field for them.
    pub(super) fn of_headers(headers: &HeaderMap) -> Result<Self, Error> {
        let read = |name: http::HeaderName, shown: &'static str| {
            let Some(value) = headers.get(&name) else { return Ok(None) };
            ETagCondition::parse_http_header(value.as_bytes())
                .map(Some)
                .map_err(|_| Error::Argument { name: shown, reason: "it is no ETag".into() })
        };
        Self::of(
            read(http::header::IF_NONE_MATCH, "If-None-Match")?,
            read(http::header::IF_MATCH, "If-Match")?,
        )
    }

    /// Whether the write may happen over `existing`. The caller holds the key's lock.
    ///
    /// Errors: `Precondition`; `NoSuchKey` where `If-Match` meets no object.
    pub(super) fn check(&self, key: &str, existing: Option<&Known>) -> Result<(), Error> {
        match (self, existing) {
            (Self::Always, _) | (Self::Absent, None) => Ok(()),
            (Self::Absent, Some(_)) => Err(Error::Precondition { condition: "If-None-Match" }),
            (Self::Matches(_), None) => Err(Error::NoSuchKey { key: key.to_owned() }),
            (Self::Matches(condition), Some(known)) if matches(condition, known) => Ok(()),
            (Self::Matches(_), Some(_)) => Err(Error::Precondition { condition: "If-Match" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use s3s::dto::ETag;

    use super::*;

    fn known() -> Known {
        let file = tempfile::tempfile().unwrap();
        let mut known = Known::of(&file).unwrap();
        known.modified_ns = 1_000_500_000_000;
        known
    }

    fn tag(text: &str) -> ETagCondition {
        ETagCondition::ETag(ETag::Strong(text.to_owned()))
    }

    #[test]
    fn if_match_comes_before_every_other_condition() {
        let condition = ReadCondition {
            if_match: Some(tag("other")),
            if_none_match: Some(ETagCondition::Any),
            ..ReadCondition::default()
        };
        assert!(matches!(condition.check(&known()), Err(Error::Precondition { condition: "If-Match" })));
    }

    #[test]
    fn an_unchanged_object_is_304_with_its_validators() {
        let known = known();
        let condition = ReadCondition { if_none_match: Some(tag(&known.etag())), ..ReadCondition::default() };
        let Err(Error::NotModified { headers }) = condition.check(&known) else { panic!("not modified") };
        assert!(headers.contains_key(ETAG) && headers.contains_key(LAST_MODIFIED));
    }

    #[test]
    fn dates_compare_in_whole_seconds() {
        let since = Some(wire::timestamp_seconds(1_000_000_000_000));
        let modified = ReadCondition { if_modified_since: since.clone(), ..ReadCondition::default() };
        assert!(matches!(modified.check(&known()), Err(Error::NotModified { .. })));
        let unmodified = ReadCondition { if_unmodified_since: since, ..ReadCondition::default() };
        assert!(unmodified.check(&known()).is_ok());
    }

    #[test]
    fn writes_know_absent_and_matches_only() {
        assert_eq!(WriteCondition::of(Some(ETagCondition::Any), None).unwrap(), WriteCondition::Absent);
        assert!(matches!(WriteCondition::of(Some(tag("x")), None), Err(Error::NotServed { .. })));
        let matches = WriteCondition::of(None, Some(tag("x"))).unwrap();
        assert!(matches!(matches.check("k", None), Err(Error::NoSuchKey { .. })));
        assert!(matches!(matches.check("k", Some(&known())), Err(Error::Precondition { .. })));
    }
}
