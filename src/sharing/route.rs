//! Which resource a path names.

use http::Method;
use percent_encoding::percent_decode_str;

use super::error::Error;
use crate::limits::NAME_CHARS_MAX;

/// Where the door lies; each may be followed by `/v1`.
const PREFIXES: [&str; 2] = ["/delta-sharing", "/_delta-sharing"];

/// A name as a path spells it.
///
/// Spark's encoder turns a space into `+`, Python's leaves a `+` alone: the plain reading is tried first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    plain: String,
    spaced: Option<String>,
}

impl Name {
    fn parse(segment: &str) -> Result<Self, Error> {
        let plain = decode(segment)?;
        let spaced = if segment.contains('+') { Some(decode(&segment.replace('+', " "))?) } else { None };
        Ok(Self { plain, spaced })
    }

    /// What `look_up` finds under the plain name or, failing that, under the one with spaces.
    pub fn find<T>(&self, look_up: impl Fn(&str) -> Option<T>) -> Option<T> {
        look_up(&self.plain).or_else(|| look_up(self.spaced.as_deref()?))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.plain)
    }
}

fn decode(segment: &str) -> Result<String, Error> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'%';
    if segment.len() <= NAME_CHARS_MAX && segment.bytes().all(is_plain) {
        return Ok(segment.to_owned());
    }
    let name = percent_decode_str(segment).decode_utf8().map_err(|_| Error::Name("it is not UTF-8"))?;
    if name.chars().count() > NAME_CHARS_MAX {
        Err(Error::Name("it is too long"))
    } else if name.chars().any(char::is_control) {
        Err(Error::Name("it holds a control character"))
    } else {
        Ok(name.into_owned())
    }
}

/// The three names of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    pub share: Name,
    pub schema: Name,
    pub table: Name,
}

/// What is asked of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableCall {
    /// What OpenSharing calls "Get Table".
    Table,
    /// Also the deprecated HEAD on the table itself.
    Version,
    Metadata,
    Query,
    Changes,
    QueryInfo,
    TemporaryCredentials,
}

/// A resource of the protocol (Delta Sharing, "REST APIs").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Shares,
    Share { share: Name },
    Schemas { share: Name },
    Tables { share: Name, schema: Name },
    AllTables { share: Name },
    Table { name: TableName, call: TableCall },
}

impl Route {
    /// The route of `path`, which is not decoded: `%2F` never becomes a step in it.
    ///
    /// Errors: [`Error::NoRoute`], [`Error::Method`] for a path that wants another method, [`Error::Name`].
    pub fn parse(method: &Method, path: &str) -> Result<Self, Error> {
        let rest = PREFIXES
            .iter()
            .find_map(|prefix| path.strip_prefix(prefix)?.strip_prefix('/'))
            .ok_or(Error::NoRoute)?;
        let rest = rest.strip_prefix("v1/").unwrap_or(rest);
        let mut places = [""; SEGMENTS_MAX + 1];
        let count = places.iter_mut().zip(rest.split('/')).map(|(place, segment)| *place = segment).count();
        let segments = places.get(..count).unwrap_or_default();
        if segments.iter().any(|segment| segment.is_empty()) {
            return Err(Error::NoRoute);
        }
        let (mut route, allowed) = Self::of_segments(segments)?;
        if let (Self::Table { call: call @ TableCall::Table, .. }, &Method::HEAD) = (&mut route, method) {
            *call = TableCall::Version;
        }
        if allowed.allows(method) { Ok(route) } else { Err(Error::Method { allow: allowed.header() }) }
    }

    /// The word for this route in logs.
    pub fn call(&self) -> &'static str {
        match self {
            Self::Shares => "shares",
            Self::Share { .. } => "share",
            Self::Schemas { .. } => "schemas",
            Self::Tables { .. } => "tables",
            Self::AllTables { .. } => "all-tables",
            Self::Table { call: TableCall::Table, .. } => "table",
            Self::Table { call: TableCall::Version, .. } => "version",
            Self::Table { call: TableCall::Metadata, .. } => "metadata",
            Self::Table { call: TableCall::Query, .. } => "query",
            Self::Table { call: TableCall::Changes, .. } => "changes",
            Self::Table { call: TableCall::QueryInfo, .. } => "queries",
            Self::Table { call: TableCall::TemporaryCredentials, .. } => "temporary-table-credentials",
        }
    }

    fn of_segments(segments: &[&str]) -> Result<(Self, Allowed), Error> {
        let name = |segment: &str| Name::parse(segment);
        Ok(match *segments {
            ["shares"] => (Self::Shares, Allowed::Get),
            ["shares", share] => (Self::Share { share: name(share)? }, Allowed::Get),
            ["shares", share, "schemas"] => (Self::Schemas { share: name(share)? }, Allowed::Get),
            ["shares", share, "all-tables"] => (Self::AllTables { share: name(share)? }, Allowed::Get),
            ["shares", share, "schemas", schema, "tables"] => {
                (Self::Tables { share: name(share)?, schema: name(schema)? }, Allowed::Get)
            }
            ["shares", share, "schemas", schema, "tables", table, ref rest @ ..] => {
                let (call, allowed) = table_call(rest).ok_or(Error::NoRoute)?;
                let name = TableName { share: name(share)?, schema: name(schema)?, table: name(table)? };
                (Self::Table { name, call }, allowed)
            }
            _ => return Err(Error::NoRoute),
        })
    }
}

/// `shares/S/schemas/S/tables/T/queries/Q`
const SEGMENTS_MAX: usize = 8;

fn table_call(rest: &[&str]) -> Option<(TableCall, Allowed)> {
    Some(match rest {
        [] => (TableCall::Table, Allowed::Get),
        ["version"] => (TableCall::Version, Allowed::Get),
        ["metadata"] => (TableCall::Metadata, Allowed::Get),
        ["query"] => (TableCall::Query, Allowed::Post),
        ["changes"] => (TableCall::Changes, Allowed::Get),
        ["queries", _] => (TableCall::QueryInfo, Allowed::Post),
        ["temporary-table-credentials"] => (TableCall::TemporaryCredentials, Allowed::Post),
        _ => return None,
    })
}

/// Methods of a resource.
#[derive(Debug, Clone, Copy)]
enum Allowed {
    /// And HEAD, as RFC 9110, section 9.3.2 has it.
    Get,
    Post,
}

impl Allowed {
    fn allows(self, method: &Method) -> bool {
        match self {
            Self::Get => method == Method::GET || method == Method::HEAD,
            Self::Post => method == Method::POST,
        }
    }

    fn header(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Result<Route, Error> {
        Route::parse(&Method::GET, path)
    }

    fn name(plain: &str) -> Name {
        Name { plain: plain.to_owned(), spaced: None }
    }

    #[test]
    fn both_prefixes_work_with_and_without_the_version() {
        for prefix in ["/delta-sharing", "/_delta-sharing", "/delta-sharing/v1", "/_delta-sharing/v1"] {
            assert_eq!(get(&format!("{prefix}/shares")).unwrap(), Route::Shares);
        }
        for path in ["/shares", "/delta-sharingshares", "/delta-sharing/v2/shares", "/delta-sharing", "/"] {
            assert!(matches!(get(path), Err(Error::NoRoute)), "{path}");
        }
    }

    #[test]
    fn trailing_slashes_and_empty_names_are_no_routes() {
        for path in ["shares/", "shares//schemas", "shares/s/schemas/", "shares/s/schemas//tables", ""] {
            assert!(matches!(get(&format!("/delta-sharing/{path}")), Err(Error::NoRoute)), "{path}");
        }
    }

    #[test]
    fn other_methods_are_told_what_is_allowed() {
        let table = "/delta-sharing/shares/a/schemas/b/tables/c";
        for (method, path, allowed) in [
            (Method::POST, "/delta-sharing/shares".to_owned(), "GET, HEAD"),
            (Method::POST, table.to_owned(), "GET, HEAD"),
            (Method::GET, format!("{table}/query"), "POST"),
            (Method::DELETE, format!("{table}/metadata"), "GET, HEAD"),
        ] {
            match Route::parse(&method, &path) {
                Err(Error::Method { allow }) => assert_eq!(allow, allowed),
                other => panic!("{path}: {other:?}"),
            }
        }
        let old = Route::parse(&Method::HEAD, table).unwrap();
        assert!(matches!(old, Route::Table { call: TableCall::Version, .. }));
        assert!(matches!(get(table), Ok(Route::Table { call: TableCall::Table, .. })));
    }

    #[test]
    fn encoded_slashes_and_dots_stay_inside_a_name() {
        let route = get("/delta-sharing/shares/..%2F..%2Fetc/schemas").unwrap();
        assert_eq!(route, Route::Schemas { share: name("../../etc") });
        assert!(matches!(get("/delta-sharing/shares/%ff"), Err(Error::Name(_))));
        assert!(matches!(get("/delta-sharing/shares/a%00b"), Err(Error::Name(_))));
        assert!(matches!(get(&format!("/delta-sharing/shares/{}", "a".repeat(2000))), Err(Error::Name(_))));
    }

    #[test]
    fn plus_is_itself_first_and_a_space_second() {
        let Ok(Route::Share { share }) = get("/delta-sharing/shares/a+b%2Bc") else { panic!("no route") };
        assert_eq!(share.find(|name| (name == "a+b+c").then_some(1)), Some(1));
        assert_eq!(share.find(|name| (name == "a b+c").then_some(2)), Some(2));
        assert_eq!(share.find(|name| (name == "a b c").then_some(3)), None);
    }
}
