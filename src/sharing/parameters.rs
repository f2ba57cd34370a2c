//! Query strings of the protocol, read without guessing.

use super::error::Error;
use crate::directory::page::Page;

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
    /// Refuses the parameters of a version call: asking for a version by time needs history.
    pub fn check_version_call(&self) -> Result<(), Error> {
        match self.get("startingTimestamp") {
            None => Ok(()),
            Some("") => Err(Error::parameter("startingTimestamp", "it is empty")),
            Some(_) => Err(Error::HistoryNotShared { parameter: "startingTimestamp" }),
        }
    }

    /// Refuses the parameters of a metadata call: other versions than the latest need history.
    pub fn check_metadata_call(&self) -> Result<(), Error> {
        let version = self.number("version")?;
        match (version, self.get("timestamp")) {
            (None, None) => Ok(()),
            (Some(_), Some(_)) => {
                Err(Error::parameter("timestamp", "version and timestamp exclude each other"))
            }
            (Some(_), None) => Err(Error::HistoryNotShared { parameter: "version" }),
            (None, Some("")) => Err(Error::parameter("timestamp", "it is empty")),
            (None, Some(_)) => Err(Error::HistoryNotShared { parameter: "timestamp" }),
        }
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
    fn history_is_refused_by_name_after_what_is_wrong() {
        let kind = |query: &str| {
            let parameters = Parameters::parse(Some(query));
            let error = parameters.check_metadata_call().and(parameters.check_version_call()).unwrap_err();
            (error.kind(), error.to_string())
        };
        for query in
            ["version=-1", "version=x", "version=1&timestamp=2024-01-01T00:00:00Z", "startingTimestamp="]
        {
            assert_eq!(kind(query).0, Kind::Invalid, "{query}");
        }
        for query in ["version=1", "timestamp=2024-01-01T00:00:00Z", "startingTimestamp=2024-01-01T00:00:00Z"]
        {
            let (kind, text) = kind(query);
            assert_eq!(kind, Kind::Unsupported, "{query}");
            assert!(text.contains(query.split('=').next().unwrap()), "{text}");
        }
    }
}
