//! The body of a query: what is asked, and what is refused.

use serde_json::{Map, Value};

use super::error::Error;
use crate::skip::hints::Hints;

/// A query for the latest version of a table, as far as it is served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryRequest {
    /// Rows that are enough. Absent when a hint is present: a file that the hint would have left out may
    /// hold none of the wanted rows, so nothing may be cut.
    pub row_limit: Option<u64>,
    pub hints: Hints,
}

impl QueryRequest {
    /// Reads the body of a query (Delta Sharing, "Read Data from a Table").
    ///
    /// An empty body is `{}`, `null` is absent, unknown fields are ignored. Hints that
    /// make no sense are as good as none; what would change the answer and is not served is refused by name.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let fields = Fields::parse(body)?;
        fields.check_versions()?;
        fields.check_pages()?;
        fields.refuse_what_is_not_served()?;
        let limit = fields.integer("limitHint")?;
        let limit = limit
            .map(|limit| {
                u64::try_from(limit).map_err(|_| Error::parameter("limitHint", "it cannot be negative"))
            })
            .transpose()?;
        let hints = fields.hints()?;
        Ok(Self { row_limit: limit.filter(|_| hints.is_empty()), hints })
    }
}

struct Fields {
    map: Map<String, Value>,
}

impl Fields {
    fn parse(body: &[u8]) -> Result<Self, Error> {
        if body.trim_ascii().is_empty() {
            return Ok(Self { map: Map::new() });
        }
        match serde_json::from_slice(body).map_err(Error::Body)? {
            Value::Object(map) => Ok(Self { map }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Error::BodyShape)
            }
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Numbers also as strings, as the reference server takes them.
    fn integer(&self, name: &'static str) -> Result<Option<i64>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        number.map(Some).ok_or_else(|| Error::parameter(name, "it has to be a whole number"))
    }

    fn not_negative(&self, name: &'static str) -> Result<Option<i64>, Error> {
        match self.integer(name)? {
            Some(number) if number < 0 => Err(Error::parameter(name, "it cannot be negative")),
            number => Ok(number),
        }
    }

    /// A string that is not empty.
    fn text(&self, name: &'static str) -> Result<Option<&str>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| Error::parameter(name, "it has to be a string"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn boolean(&self, name: &'static str) -> Result<bool, Error> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(Error::parameter(name, "it has to be true or false")),
        }
    }

    /// At most one of the ways to name a version.
    fn version_field(&self) -> Result<Option<&'static str>, Error> {
        self.not_negative("version")?;
        self.text("timestamp")?;
        self.not_negative("startingVersion")?;
        let mut given =
            ["version", "timestamp", "startingVersion"].into_iter().filter(|name| self.get(name).is_some());
        match (given.next(), given.next()) {
            (Some(_), Some(other)) => {
                Err(Error::parameter(other, "version, timestamp and startingVersion exclude each other"))
            }
            (given, _) => Ok(given),
        }
    }

    /// `endingVersion` without `startingVersion` has no meaning and is ignored.
    fn check_versions(&self) -> Result<(), Error> {
        self.version_field()?;
        let Some(start) = self.integer("startingVersion")? else { return Ok(()) };
        match self.not_negative("endingVersion")? {
            Some(end) if end < start => {
                Err(Error::parameter("endingVersion", "it lies before startingVersion"))
            }
            _ => Ok(()),
        }
    }

    fn check_pages(&self) -> Result<(), Error> {
        if self.integer("maxFiles")?.is_some_and(|count| count <= 0) {
            return Err(Error::parameter("maxFiles", "it has to be at least 1"));
        }
        let later = self.version_field()?.is_some() || self.text("pageToken")?.is_some();
        if later && self.boolean("includeRefreshToken")? {
            return Err(Error::parameter(
                "includeRefreshToken",
                "it belongs to the first page of the latest version only",
            ));
        }
        if later && self.text("refreshToken")?.is_some() {
            return Err(Error::parameter(
                "refreshToken",
                "it cannot be combined with a version, a timestamp or a page",
            ));
        }
        Ok(())
    }

    /// `includeRefreshToken` is not among these: the answer without a token is right, and clients that get
    /// none ask for the table again when URLs expire, as they do with older servers.
    fn refuse_what_is_not_served(&self) -> Result<(), Error> {
        if let Some(parameter) = self.version_field()? {
            return Err(Error::HistoryNotShared { parameter });
        }
        if self.get("maxFiles").is_some() {
            return Err(Error::NotServed {
                what: "maxFiles",
                instead: "leave it out to get all files in one answer",
            });
        }
        if self.text("pageToken")?.is_some() {
            return Err(Error::NotServed {
                what: "pageToken",
                instead: "leave it out to get all files in one answer",
            });
        }
        if self.text("refreshToken")?.is_some() {
            return Err(Error::NotServed {
                what: "refreshToken",
                instead: "query the table again for fresh URLs",
            });
        }
        Ok(())
    }

    /// Users send the JSON hint as an object by mistake; that is a hint as well.
    fn hints(&self) -> Result<Hints, Error> {
        let not_texts = || Error::parameter("predicateHints", "it has to be a list of strings");
        let sql = match self.get("predicateHints") {
            None => Some(Vec::new()),
            Some(Value::Array(hints)) => hints.iter().map(|hint| hint.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        };
        let json = match self.get("jsonPredicateHints") {
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            hint => hint.map(Value::to_string),
        };
        Ok(Hints { json, sql: sql.ok_or_else(not_texts)? })
    }
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
    fn what_is_not_served_is_refused_by_name() {
        for (body, word) in [
            (r#"{"version":0}"#, "version"),
            (r#"{"timestamp":"2024-01-01T00:00:00Z"}"#, "timestamp"),
            (r#"{"startingVersion":0,"endingVersion":4}"#, "startingVersion"),
            (r#"{"maxFiles":10}"#, "maxFiles"),
            (r#"{"pageToken":"x"}"#, "pageToken"),
            (r#"{"refreshToken":"x"}"#, "refreshToken"),
        ] {
            let (kind, message) = refusal(body);
            assert_eq!(kind, Kind::Unsupported, "{body}");
            assert!(message.contains(word), "{body}: {message}");
        }
        assert_eq!(row_limit(r#"{"endingVersion":4}"#), None);
    }
}
