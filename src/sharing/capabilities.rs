//! What a client says it understands, and what we say we did.

use http::HeaderMap;

use super::error::Error;

/// The header of both directions (Delta Sharing, "Delta Sharing Capabilities Header").
pub const HEADER: &str = "delta-sharing-capabilities";
/// Which hash file ids are made with, asked and echoed.
pub const FILE_ID_HASH_HEADER: &str = "fileidhash";

/// The shape of an answer's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Parquet,
    Delta,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Delta => "delta",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "parquet" => Some(Self::Parquet),
            "delta" => Some(Self::Delta),
            _ => None,
        }
    }
}

/// What the capabilities header of a request says; all in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    pub accepts_parquet: bool,
    pub accepts_delta: bool,
    pub reader_features: Vec<String>,
    pub include_end_stream_action: bool,
    /// Whether the client can fetch an answer later.
    pub async_query: bool,
}

impl Capabilities {
    /// Reads the header: `;` between capabilities, `,` between values, blanks and case of no meaning.
    ///
    /// Unknown capabilities are ignored, as are unknown formats beside a known one; unknown formats alone
    /// are an error, because neither of ours is what the client can read.
    pub fn parse(headers: &HeaderMap) -> Result<Self, Error> {
        let mut found = Self::default();
        let mut unknown_format = None;
        for value in headers.get_all(HEADER) {
            let text = String::from_utf8_lossy(value.as_bytes()).to_lowercase();
            for capability in text.split(';') {
                let Some((key, values)) = capability.split_once('=') else { continue };
                let mut values = values.split(',').map(str::trim).filter(|value| !value.is_empty());
                match key.trim() {
                    "responseformat" => {
                        for value in values {
                            match Format::parse(value) {
                                Some(Format::Parquet) => found.accepts_parquet = true,
                                Some(Format::Delta) => found.accepts_delta = true,
                                None => unknown_format = Some(value.to_owned()),
                            }
                        }
                    }
                    "readerfeatures" => found.reader_features.extend(values.map(str::to_owned)),
                    "includeendstreamaction" => {
                        found.include_end_stream_action = values.next() == Some("true");
                    }
                    "asyncquery" => found.async_query = values.next() == Some("true"),
                    _ => {}
                }
            }
        }
        match unknown_format {
            _ if found.accepts_parquet || found.accepts_delta => Ok(found),
            Some(format) => Err(Error::UnknownFormat { format }),
            None => Ok(Self { accepts_parquet: true, ..found }),
        }
    }

    /// The header of a query's id.
    pub fn echo_pending(format: Format) -> &'static str {
        match format {
            Format::Parquet => "responseformat=parquet;asyncquery=true",
            Format::Delta => "responseformat=delta;asyncquery=true",
        }
    }

    /// The answer's header, in the only spelling that clients split rightly.
    pub fn echo(format: Format, with_end_stream_action: bool) -> &'static str {
        match (format, with_end_stream_action) {
            (Format::Parquet, false) => "responseformat=parquet",
            (Format::Parquet, true) => "responseformat=parquet;includeendstreamaction=true",
            (Format::Delta, false) => "responseformat=delta",
            (Format::Delta, true) => "responseformat=delta;includeendstreamaction=true",
        }
    }
}

/// The format named by the `fileidhash` header, if there is one.
pub fn file_id_hash(headers: &HeaderMap) -> Result<Option<Format>, Error> {
    let Some(value) = headers.get(FILE_ID_HASH_HEADER) else { return Ok(None) };
    let text = String::from_utf8_lossy(value.as_bytes()).trim().to_lowercase();
    match Format::parse(&text) {
        Some(format) => Ok(Some(format)),
        None => Err(Error::parameter(FILE_ID_HASH_HEADER, "it has to be 'parquet' or 'delta'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Capabilities, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, text.parse().unwrap());
        Capabilities::parse(&headers)
    }

    #[test]
    fn no_header_means_parquet() {
        let none = Capabilities::parse(&HeaderMap::new()).unwrap();
        assert!(none.accepts_parquet && !none.accepts_delta && !none.include_end_stream_action);
        for text in ["", ";;", "readerfeatures=a", "responseformat=", "responseformat", "asyncquery=true"] {
            assert!(parse(text).unwrap().accepts_parquet, "{text}");
        }
    }

    #[test]
    fn spaces_and_case_mean_nothing() {
        let found =
            parse(" responseFormat = DELTA , Parquet ; readerFeatures=DeletionVectors, columnMapping")
                .unwrap();
        assert!(found.accepts_parquet && found.accepts_delta);
        assert_eq!(found.reader_features, ["deletionvectors", "columnmapping"]);
    }

    #[test]
    fn formats_that_we_do_not_speak_are_refused_when_alone() {
        assert!(matches!(parse("responseformat=arrow"), Err(Error::UnknownFormat { .. })));
        assert!(parse("responseformat=arrow,delta").unwrap().accepts_delta);
    }

    #[test]
    fn end_stream_action_wants_the_word_true() {
        assert!(parse("includeEndStreamAction=True").unwrap().include_end_stream_action);
        for text in ["includeendstreamaction=false", "includeendstreamaction=1", "includeendstreamaction"] {
            assert!(!parse(text).unwrap().include_end_stream_action, "{text}");
        }
    }

    #[test]
    fn echo_is_split_by_clients_without_trimming() {
        for format in [Format::Parquet, Format::Delta] {
            let echo = Capabilities::echo(format, true);
            assert!(!echo.contains(' '));
            assert_eq!(echo.matches("delta").count(), usize::from(format == Format::Delta));
        }
    }

    #[test]
    fn hash_of_file_ids_is_one_of_two_words() {
        let with = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(FILE_ID_HASH_HEADER, text.parse().unwrap());
            file_id_hash(&headers)
        };
        assert_eq!(with("Delta").unwrap(), Some(Format::Delta));
        assert_eq!(with("PARQUET").unwrap(), Some(Format::Parquet));
        assert!(with("md5").is_err());
        assert!(with("").is_err());
        assert_eq!(file_id_hash(&HeaderMap::new()).unwrap(), None);
    }
}
