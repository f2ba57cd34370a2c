//! The body of a query: what is asked.

use serde_json::Value;

use super::body_fields::Fields;
use super::error::Error;
use crate::delta::Wanted;
use crate::skip::hints::Hints;
use crate::table::snapshot::Version;

/// What of the table is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Target {
    #[default]
    Latest,
    Version(Version),
    Timestamp(String),
    /// The changes of these versions, both included; without an end up to the latest.
    Range {
        start: Version,
        end: Option<Version>,
    },
}

impl Target {
    /// The parameter that asks for history; `None` for the latest version.
    pub fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::Latest => None,
            Self::Version(_) => Some("version"),
            Self::Timestamp(_) => Some("timestamp"),
            Self::Range { .. } => Some("startingVersion"),
        }
    }
}

/// Which part of an answer is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRequest {
    pub max_files: Option<u64>,
    pub token: Option<String>,
}

impl PageRequest {
    /// Answers are cut only for clients that know pages: others would take the first for the whole.
    pub fn is_asked(&self) -> bool {
        self.max_files.is_some() || self.token.is_some()
    }
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryRequest {
    pub target: Target,
    pub page: PageRequest,
    pub include_refresh_token: bool,
    pub refresh_token: Option<String>,
    pub include_historical_protocol: bool,
    /// Rows that are enough. Absent when a hint is present: a file that the hint would have left out may
    /// hold none of the wanted rows, so nothing may be cut.
    pub row_limit: Option<u64>,
    pub hints: Hints,
    pub idempotency_key: Option<String>,
    /// What the latest version was when the query was asked, if that was before now.
    pub pinned: Option<Wanted>,
    /// What decides which files are listed, by name, for tokens to be bound to.
    pub asked: Vec<(&'static str, String)>,
}

/// The fields that a token is bound to: all but those of pages and tokens.
const ASKED: [&str; 8] = [
    "predicateHints",
    "jsonPredicateHints",
    "limitHint",
    "version",
    "timestamp",
    "startingVersion",
    "endingVersion",
    "includeHistoricalProtocol",
];

impl QueryRequest {
    /// Reads the body of a query (Delta Sharing, "Read Data from a Table").
    ///
    /// An empty body is `{}`, `null` is absent, unknown fields are ignored. Hints that make no sense are as good as none.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let fields = Fields::parse(body)?;
        let target = target_of(&fields)?;
        let page = page_of(&fields)?;
        let hints = hints_of(&fields)?;
        let request = Self {
            include_refresh_token: fields.boolean("includeRefreshToken")?,
            refresh_token: fields.text("refreshToken")?.map(str::to_owned),
            include_historical_protocol: fields.boolean("includeHistoricalProtocol")?,
            row_limit: row_limit_of(&fields)?.filter(|_| hints.is_empty()),
            hints,
            // The specification has the one spelling, Spark sends the other.
            idempotency_key: match fields.text("idempotencyKey")? {
                Some(key) => Some(key.to_owned()),
                None => fields.text("idempotency_key")?.map(str::to_owned),
            },
            pinned: None,
            asked: asked_of(&fields),
            target,
            page,
        };
        request.check_tokens()?;
        Ok(request)
    }

    fn check_tokens(&self) -> Result<(), Error> {
        let is_later = self.target != Target::Latest || self.page.token.is_some();
        if is_later && self.include_refresh_token {
            return Err(Error::parameter(
                "includeRefreshToken",
                "it belongs to the first page of the latest version only",
            ));
        }
        if is_later && self.refresh_token.is_some() {
            return Err(Error::parameter(
                "refreshToken",
                "it cannot be combined with a version, a timestamp or a page",
            ));
        }
        Ok(())
    }
}

/// At most one of the ways to name a version. `endingVersion` without `startingVersion` has no meaning.
fn target_of(fields: &Fields) -> Result<Target, Error> {
    let version = fields.not_negative("version")?;
    let timestamp = fields.text("timestamp")?;
    let start = fields.not_negative("startingVersion")?;
    match (version, timestamp, start) {
        (None, None, None) => Ok(Target::Latest),
        (Some(version), None, None) => Ok(Target::Version(version)),
        (None, Some(timestamp), None) => Ok(Target::Timestamp(timestamp.to_owned())),
        (None, None, Some(start)) => match fields.not_negative("endingVersion")? {
            Some(end) if end < start => {
                Err(Error::parameter("endingVersion", "it lies before startingVersion"))
            }
            end => Ok(Target::Range { start, end }),
        },
        (_, _, start) => {
            let name = if start.is_some() { "startingVersion" } else { "timestamp" };
            Err(Error::parameter(name, "version, timestamp and startingVersion exclude each other"))
        }
    }
}

/// `maxFiles` and `pageToken`.
pub fn page_of(fields: &Fields) -> Result<PageRequest, Error> {
    let too_few = || Error::parameter("maxFiles", "it has to be at least 1");
    let max_files = match fields.integer("maxFiles")? {
        Some(count) => Some(u64::try_from(count).ok().filter(|&count| count > 0).ok_or_else(too_few)?),
        None => None,
    };
    Ok(PageRequest { max_files, token: fields.text("pageToken")?.map(str::to_owned) })
}

fn row_limit_of(fields: &Fields) -> Result<Option<u64>, Error> {
    let limit = fields.integer("limitHint")?;
    limit
        .map(|limit| u64::try_from(limit).map_err(|_| Error::parameter("limitHint", "it cannot be negative")))
        .transpose()
}

/// Users send the JSON hint as an object by mistake; that is a hint as well.
fn hints_of(fields: &Fields) -> Result<Hints, Error> {
    let not_texts = || Error::parameter("predicateHints", "it has to be a list of strings");
    let sql = match fields.get("predicateHints") {
        None => Some(Vec::new()),
        Some(Value::Array(hints)) => hints.iter().map(|hint| hint.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    let json = match fields.get("jsonPredicateHints") {
        Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        hint => hint.map(Value::to_string),
    };
    Ok(Hints { json, sql: sql.ok_or_else(not_texts)? })
}

fn asked_of(fields: &Fields) -> Vec<(&'static str, String)> {
    let is_nothing = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    let value = |name| Some((name, fields.get(name).filter(|value| !is_nothing(value))?.to_string()));
    ASKED.into_iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn row_limit(body: &str) -> Option<u64> {
        QueryRequest::parse(body.as_bytes()).unwrap().row_limit
    }

    fn refusal(body: &str) -> (Kind, String) {
        let error = QueryRequest::parse(body.as_bytes()).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn empty_null_and_unknown_mean_nothing() {
        for body in
            ["", " \n", "{}", r#"{"version":null,"limitHint":null,"maxFiles":null}"#, r#"{"new":[{}]}"#]
        {
            assert_eq!(row_limit(body), None, "{body}");
        }
    }

    #[test]
    fn bodies_of_shipped_clients_are_taken() {
        let spark = r#"{"predicateHints":[],"limitHint":5,"includeRefreshToken":true,"idempotency_key":"x"}"#;
        assert_eq!(row_limit(spark), Some(5));
        assert_eq!(row_limit(r#"{"limitHint":0}"#), Some(0));
        assert_eq!(row_limit(r#"{"limitHint":"7","requested_columns":["a"],"queryDeltaLog":true}"#), Some(7));
    }

    #[test]
    fn a_limit_beside_a_hint_cuts_nothing() {
        for body in [
            r#"{"limitHint":1,"predicateHints":["a = 1"]}"#,
            r#"{"limitHint":1,"jsonPredicateHints":"{\"op\":\"column\"}"}"#,
            r#"{"limitHint":1,"jsonPredicateHints":{"op":"column"}}"#,
        ] {
            assert_eq!(row_limit(body), None, "{body}");
        }
        assert_eq!(row_limit(r#"{"limitHint":1,"jsonPredicateHints":""}"#), Some(1));
    }

    #[test]
    fn wrong_bodies_name_what_is_wrong() {
        for (body, word) in [
            ("{oops", "JSON"),
            ("[]", "object"),
            (r#"{"limitHint":"x"}"#, "limitHint"),
            (r#"{"limitHint":1.5}"#, "limitHint"),
            (r#"{"limitHint":-1}"#, "limitHint"),
            (r#"{"version":-1}"#, "version"),
            (r#"{"startingVersion":-1}"#, "startingVersion"),
            (r#"{"version":1,"timestamp":"2024-01-01T00:00:00Z"}"#, "timestamp"),
            (r#"{"version":1,"startingVersion":0}"#, "startingVersion"),
            (r#"{"startingVersion":5,"endingVersion":4}"#, "endingVersion"),
            (r#"{"timestamp":5}"#, "timestamp"),
            (r#"{"maxFiles":0}"#, "maxFiles"),
            (r#"{"includeRefreshToken":true,"version":0}"#, "includeRefreshToken"),
            (r#"{"includeRefreshToken":true,"pageToken":"x"}"#, "includeRefreshToken"),
            (r#"{"includeRefreshToken":3,"pageToken":"x"}"#, "includeRefreshToken"),
            (r#"{"refreshToken":"x","version":0}"#, "refreshToken"),
            (r#"{"refreshToken":"x","pageToken":"x"}"#, "refreshToken"),
            (r#"{"predicateHints":"a = 1"}"#, "predicateHints"),
            (r#"{"predicateHints":[1]}"#, "predicateHints"),
        ] {
            let (kind, message) = refusal(body);
            assert_eq!(kind, Kind::Invalid, "{body}");
            assert!(message.contains(word), "{body}: {message}");
        }
        let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
        assert_eq!(refusal(&deep).0, Kind::Invalid);
    }

    #[test]
    fn a_target_is_one_of_four() {
        let target = |body: &str| QueryRequest::parse(body.as_bytes()).unwrap().target;
        assert_eq!(target(r#"{"endingVersion":4}"#), Target::Latest);
        assert_eq!(target(r#"{"version":0}"#), Target::Version(0));
        assert_eq!(target(r#"{"timestamp":"x","version":null}"#), Target::Timestamp("x".to_owned()));
        assert_eq!(target(r#"{"startingVersion":3}"#), Target::Range { start: 3, end: None });
        let range = r#"{"startingVersion":"3","endingVersion":4}"#;
        assert_eq!(target(range), Target::Range { start: 3, end: Some(4) });
    }

    #[test]
    fn pages_and_tokens_change_nothing_of_what_is_asked() {
        let asked = |body: &str| QueryRequest::parse(body.as_bytes()).unwrap().asked;
        let first =
            r#"{"predicateHints":[],"jsonPredicateHints":"{}","limitHint":null,"includeRefreshToken":true}"#;
        let next = r#"{"jsonPredicateHints":"{}","maxFiles":100000,"pageToken":"x","idempotency_key":"y"}"#;
        assert_eq!(asked(first), asked(next));
        assert_ne!(asked(first), asked(r#"{"jsonPredicateHints":"{ }"}"#));
        assert_ne!(asked(r#"{"version":1}"#), asked(r#"{"version":2}"#));
    }

    #[test]
    fn both_spellings_of_the_idempotency_key_are_read() {
        for body in [r#"{"idempotencyKey":"k"}"#, r#"{"idempotency_key":"k"}"#] {
            assert_eq!(QueryRequest::parse(body.as_bytes()).unwrap().idempotency_key.as_deref(), Some("k"));
        }
    }
}
