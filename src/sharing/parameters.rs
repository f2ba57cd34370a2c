//! Query strings of the protocol, read without guessing.

use super::error::Error;
use super::query_request::Target;
use crate::directory::page::Page;
use crate::table::snapshot::Version;

/// The decoded pairs of a query string. Unknown names are ignored; of a repeated one the first counts.
#[derive(Debug, Default)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    pub fn parse(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self { pairs: pairs.into_owned().collect() }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A whole number that is not negative.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, Error> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| Error::parameter(name, "it has to be a whole number from 0 up"))
            })
            .transpose()
    }

    /// `maxResults` and `pageToken` of a list; an empty token counts as none.
    pub fn page(&self) -> Result<Page, Error> {
        let max_results = self.number("maxResults")?;
        let page_token = self.get("pageToken").filter(|token| !token.is_empty()).map(str::to_owned);
        Ok(Page {
            max_results: max_results.map(|count| usize::try_from(count).unwrap_or(usize::MAX)),
            page_token,
        })
    }

    /// `version` or `timestamp` of a metadata call.
    pub fn target(&self) -> Result<Target, Error> {
        let version = self.version("version")?;
        match (version, self.get("timestamp")) {
            (None, None) => Ok(Target::Latest),
            (Some(_), Some(_)) => {
                Err(Error::parameter("timestamp", "version and timestamp exclude each other"))
            }
            (Some(version), None) => Ok(Target::Version(version)),
            (None, Some("")) => Err(Error::parameter("timestamp", "it is empty")),
            (None, Some(timestamp)) => Ok(Target::Timestamp(timestamp.to_owned())),
        }
    }

    /// A version of a table.
    pub fn version(&self, name: &'static str) -> Result<Option<Version>, Error> {
        let too_large = || Error::parameter(name, "no table has so many versions");
        let version = self.number(name)?;
        version.map(|version| Version::try_from(version).map_err(|_| too_large())).transpose()
    }

    /// Python writes `True`; what is neither true nor false counts as false, as with the reference server.
    pub fn boolean(&self, name: &str) -> bool {
        self.get(name).is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn numbers_are_whole_and_not_negative() {
        let parameters =
            Parameters::parse(Some("maxResults=0&a=-1&b=x&c=&d=1.5&e=99999999999999999999&maxResults=7"));
        assert_eq!(parameters.number("maxResults").unwrap(), Some(0));
        assert_eq!(parameters.number("absent").unwrap(), None);
        for name in ["a", "b", "c", "d", "e"] {
            assert!(parameters.number(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_page_is_asked_for_in_the_query_string() {
        let page = Parameters::parse(Some("pageToken=a%2Bb&maxResults=3")).page().unwrap();
        assert_eq!((page.max_results, page.page_token.as_deref()), (Some(3), Some("a+b")));
        let page = Parameters::parse(Some("pageToken=")).page().unwrap();
        assert_eq!((page.max_results, page.page_token), (None, None));
    }

    #[test]
    fn a_metadata_call_names_at_most_one_version() {
        let target = |query: &str| Parameters::parse(Some(query)).target();
        assert_eq!(target("").unwrap(), Target::Latest);
        assert_eq!(target("version=3").unwrap(), Target::Version(3));
        assert_eq!(target("timestamp=x").unwrap(), Target::Timestamp("x".to_owned()));
        for query in
            ["version=-1", "version=x", "version=9223372036854775808", "version=1&timestamp=x", "timestamp="]
        {
            assert_eq!(target(query).unwrap_err().kind(), Kind::Invalid, "{query}");
        }
    }

    #[test]
    fn booleans_are_read_in_any_case() {
        let parameters = Parameters::parse(Some("a=True&b=true&c=TRUE&d=False&e=1&f="));
        let truth = |name: &&str| parameters.boolean(name);
        assert_eq!(["a", "b", "c", "d", "e", "f", "g"].iter().filter(|name| truth(name)).count(), 3);
    }
}
