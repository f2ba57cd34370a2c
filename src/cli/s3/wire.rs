//! S3's XML answers that no crate parses for us.

use serde::Deserialize;

/// A bucket as listed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct BucketInfo {
    #[serde(rename = "Name")]
    pub name: String,
    /// RFC 3339.
    #[serde(rename = "CreationDate", default)]
    pub created: String,
}

#[derive(Deserialize)]
#[serde(rename = "ListAllMyBucketsResult")]
struct BucketsAnswer {
    #[serde(rename = "Buckets", default)]
    buckets: BucketList,
}

#[derive(Default, Deserialize)]
struct BucketList {
    #[serde(rename = "Bucket", default)]
    buckets: Vec<BucketInfo>,
}

/// S3's own words for an error.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename = "Error")]
pub(crate) struct ErrorInfo {
    #[serde(rename = "Code", default)]
    pub code: String,
    #[serde(rename = "Message", default)]
    pub message: String,
}

/// Reads the answer to `ListBuckets` (Amazon S3 API Reference, `ListBuckets`).
pub(crate) fn parse_buckets(body: &[u8]) -> Result<Vec<BucketInfo>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "it is not text".to_owned())?;
    if !text.contains("<ListAllMyBucketsResult") {
        return Err("it lists no buckets".to_owned());
    }
    let answer: BucketsAnswer = quick_xml::de::from_str(text).map_err(|error| error.to_string())?;
    Ok(answer.buckets.buckets)
}

/// Reads S3's error document; anything else has no words.
pub(crate) fn parse_error(body: &[u8]) -> Option<ErrorInfo> {
    let text = std::str::from_utf8(body).ok().filter(|text| text.contains("<Error"))?;
    quick_xml::de::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_read_with_and_without_any() {
        let two = br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>x</ID></Owner>
            <Buckets><Bucket><Name>a</Name><CreationDate>2026-01-25T23:52:59.000Z</CreationDate></Bucket>
            <Bucket><Name>b&amp;c</Name></Bucket></Buckets></ListAllMyBucketsResult>"#;
        let buckets = parse_buckets(two).unwrap();
        assert_eq!(buckets.len(), 2);
        assert_eq!(buckets[0].created, "2026-01-25T23:52:59.000Z");
        assert_eq!(buckets[1].name, "b&c");
        for none in [
            &b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"[..],
            b"<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>",
            b"<ListAllMyBucketsResult></ListAllMyBucketsResult>",
        ] {
            assert_eq!(parse_buckets(none), Ok(Vec::new()));
        }
        assert!(parse_buckets(b"<html></html>").is_err());
        assert!(parse_buckets(b"\xff").is_err());
    }

    #[test]
    fn errors_give_their_code() {
        let body = b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>gone</Message><Key>k</Key></Error>";
        let expected = ErrorInfo { code: "NoSuchKey".to_owned(), message: "gone".to_owned() };
        assert_eq!(parse_error(body), Some(expected));
        assert_eq!(parse_error(b"<html>"), None);
    }
}
