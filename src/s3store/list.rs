//! Listing of keys: `ListObjects`, `ListObjectsV2` and `ListObjectVersions`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto;

use super::error::Error;
use super::store::Store;
use super::walk::{Item, Walk, Wanted};
use super::wire;
use crate::limits::objects::S3_LIST_KEYS_MAX;
use crate::storage::files::attributes::Known;

/// What stays as it is under `encoding-type=url`; a `+` does not, for clients read it as a blank.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b'*');

/// One page of keys and common prefixes, in order.
#[derive(Debug, Default)]
struct Page {
    objects: Vec<(String, Box<Known>)>,
    prefixes: Vec<String>,
    /// The last key or prefix of the page, if more follow.
    next: Option<Last>,
}

#[derive(Debug, Clone)]
enum Last {
    Key(String),
    Prefix(String),
}

impl Last {
    fn text(&self) -> &str {
        match self {
            Self::Key(text) | Self::Prefix(text) => text,
        }
    }

    /// The continuation token: opaque to clients, and good for as long as the listing's prefix is the same.
    fn token(&self) -> String {
        let kind = match self {
            Self::Key(_) => 'k',
            Self::Prefix(_) => 'p',
        };
        BASE64.encode(format!("{kind}{}", self.text()))
    }

    fn of_token(token: &str) -> Result<Self, Error> {
        let refused = || Error::Argument {
            name: "continuation-token",
            reason: "it is not one that this server gave out".into(),
        };
        let text =
            BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refused)?;
        match text.split_at_checked(1) {
            Some(("k", key)) => Ok(Self::Key(key.to_owned())),
            Some(("p", prefix)) => Ok(Self::Prefix(prefix.to_owned())),
            _ => Err(refused()),
        }
    }
}

/// How many keys a page may have; zero gives an empty page.
fn page_size(max_keys: Option<i32>) -> Result<usize, Error> {
    let asked = usize::try_from(max_keys.unwrap_or(1_000))
        .map_err(|_| Error::Argument { name: "max-keys", reason: "it is negative".into() })?;
    Ok(asked.min(S3_LIST_KEYS_MAX))
}

fn read_page(store: &Store, bucket: &str, wanted: Wanted, size: usize) -> Result<Page, Error> {
    let bucket = store.bucket(bucket)?;
    let mut page = Page::default();
    if size == 0 {
        return Ok(page);
    }
    let mut walk = Walk::new(store, &bucket, wanted)?;
    let mut last = None;
    while let Some(item) = walk.next()? {
        if page.objects.len() + page.prefixes.len() == size {
            page.next = last;
            break;
        }
        match item {
            Item::Object { key, known } => {
                last = Some(Last::Key(key.clone()));
                page.objects.push((key, known));
            }
            Item::Prefix(prefix) => {
                last = Some(Last::Prefix(prefix.clone()));
                page.prefixes.push(prefix);
            }
        }
    }
    Ok(page)
}

/// A walk that begins after a marker which the client names itself: a key, or a common prefix of its last page.
fn after_marker(prefix: Option<String>, delimiter: Option<String>, marker: Option<String>) -> Wanted {
    let delimiter = delimiter.unwrap_or_default();
    let after = marker.unwrap_or_default();
    let folded = (!delimiter.is_empty() && after.ends_with(&delimiter)).then(|| after.clone());
    Wanted { prefix: prefix.unwrap_or_default(), delimiter, after, folded }
}

/// Writes keys as the client asked for them.
#[derive(Clone, Copy)]
struct Encoding {
    url: bool,
}

impl Encoding {
    fn of(asked: Option<&dto::EncodingType>) -> Result<Self, Error> {
        match asked.map(dto::EncodingType::as_str) {
            None | Some("") => Ok(Self { url: false }),
            Some("url") => Ok(Self { url: true }),
            Some(_) => Err(Error::Argument { name: "encoding-type", reason: "only url is known".into() }),
        }
    }

    fn write(self, text: &str) -> String {
        if self.url { utf8_percent_encode(text, KEPT).to_string() } else { text.to_owned() }
    }

    /// Nothing for an empty delimiter, which means none.
    fn write_delimiter(self, delimiter: Option<String>) -> Option<String> {
        delimiter.filter(|text| !text.is_empty()).map(|text| self.write(&text))
    }

    fn write_all(self, prefixes: Vec<String>) -> Option<Vec<dto::CommonPrefix>> {
        let written = |prefix: String| dto::CommonPrefix { prefix: Some(self.write(&prefix)) };
        (!prefixes.is_empty()).then(|| prefixes.into_iter().map(written).collect())
    }

    fn object(self, key: &str, known: &Known, with_owner: bool) -> dto::Object {
        dto::Object {
            key: Some(self.write(key)),
            e_tag: Some(wire::etag(known)),
            last_modified: Some(wire::timestamp(known.modified_ns)),
            owner: with_owner.then(wire::owner),
            size: Some(wire::length(known.size)),
            storage_class: Some(dto::ObjectStorageClass::from_static(dto::ObjectStorageClass::STANDARD)),
            ..dto::Object::default()
        }
    }

    fn version(self, key: &str, known: &Known) -> dto::ObjectVersion {
        dto::ObjectVersion {
            key: Some(self.write(key)),
            e_tag: Some(wire::etag(known)),
            is_latest: Some(true),
            last_modified: Some(wire::timestamp(known.modified_ns)),
            owner: Some(wire::owner()),
            size: Some(wire::length(known.size)),
            storage_class: Some(dto::ObjectVersionStorageClass::from_static(
                dto::ObjectVersionStorageClass::STANDARD,
            )),
            version_id: Some("null".to_owned()),
            ..dto::ObjectVersion::default()
        }
    }
}

/// Amazon S3, `ListObjectsV2`.
pub(super) fn objects_v2(
    store: &Store,
    input: dto::ListObjectsV2Input,
) -> Result<dto::ListObjectsV2Output, Error> {
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let size = page_size(input.max_keys)?;
    let (prefix, delimiter) = (input.prefix.clone(), input.delimiter.clone());
    let token = input.continuation_token.clone().filter(|token| !token.is_empty());
    let wanted = match token.as_deref().map(Last::of_token).transpose()? {
        Some(last) => {
            let folded = matches!(last, Last::Prefix(_)).then(|| last.text().to_owned());
            Wanted {
                prefix: prefix.unwrap_or_default(),
                delimiter: delimiter.unwrap_or_default(),
                after: last.text().to_owned(),
                folded,
            }
        }
        None => after_marker(prefix, delimiter, input.start_after.clone()),
    };
    let page = read_page(store, &input.bucket, wanted, size)?;
    let with_owner = input.fetch_owner.unwrap_or(false);
    let contents: Vec<_> =
        page.objects.iter().map(|(key, known)| encoding.object(key, known, with_owner)).collect();
    Ok(dto::ListObjectsV2Output {
        key_count: i32::try_from(contents.len() + page.prefixes.len()).ok(),
        contents: Some(contents),
        common_prefixes: encoding.write_all(page.prefixes),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|last| last.token()),
        name: Some(input.bucket),
        prefix: Some(encoding.write(&input.prefix.unwrap_or_default())),
        delimiter: encoding.write_delimiter(input.delimiter),
        start_after: input.start_after.map(|after| encoding.write(&after)),
        continuation_token: input.continuation_token,
        max_keys: i32::try_from(size).ok(),
        encoding_type: input.encoding_type,
        ..dto::ListObjectsV2Output::default()
    })
}

/// Amazon S3, `ListObjects`.
pub(super) fn objects(store: &Store, input: dto::ListObjectsInput) -> Result<dto::ListObjectsOutput, Error> {
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let size = page_size(input.max_keys)?;
    let wanted = after_marker(input.prefix.clone(), input.delimiter.clone(), input.marker.clone());
    let page = read_page(store, &input.bucket, wanted, size)?;
    Ok(dto::ListObjectsOutput {
        contents: Some(page.objects.iter().map(|(key, known)| encoding.object(key, known, true)).collect()),
        common_prefixes: encoding.write_all(page.prefixes),
        is_truncated: Some(page.next.is_some()),
        next_marker: page.next.map(|last| encoding.write(last.text())),
        name: Some(input.bucket),
        prefix: Some(encoding.write(&input.prefix.unwrap_or_default())),
        delimiter: encoding.write_delimiter(input.delimiter),
        marker: Some(encoding.write(&input.marker.unwrap_or_default())),
        max_keys: i32::try_from(size).ok(),
        encoding_type: input.encoding_type,
        ..dto::ListObjectsOutput::default()
    })
}

/// Amazon S3, `ListObjectVersions`: buckets keep no versions, so each object is its own latest, `null`.
pub(super) fn versions(
    store: &Store,
    input: dto::ListObjectVersionsInput,
) -> Result<dto::ListObjectVersionsOutput, Error> {
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let size = page_size(input.max_keys)?;
    let wanted = after_marker(input.prefix.clone(), input.delimiter.clone(), input.key_marker.clone());
    let page = read_page(store, &input.bucket, wanted, size)?;
    Ok(dto::ListObjectVersionsOutput {
        versions: Some(page.objects.iter().map(|(key, known)| encoding.version(key, known)).collect()),
        common_prefixes: encoding.write_all(page.prefixes),
        is_truncated: Some(page.next.is_some()),
        next_version_id_marker: page.next.as_ref().map(|_| "null".to_owned()),
        next_key_marker: page.next.map(|last| encoding.write(last.text())),
        name: Some(input.bucket),
        prefix: Some(encoding.write(&input.prefix.unwrap_or_default())),
        delimiter: encoding.write_delimiter(input.delimiter),
        key_marker: Some(encoding.write(&input.key_marker.unwrap_or_default())),
        version_id_marker: input.version_id_marker,
        max_keys: i32::try_from(size).ok(),
        encoding_type: input.encoding_type,
        ..dto::ListObjectVersionsOutput::default()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;
    use crate::storage::file_read::{FileReader, Mode};
    use crate::storage::files::data_dir::DataDir;
    use crate::storage::files::object_path::path_of;

    /// Makes a bucket with the keys that a file system can hold together, and says which those are.
    fn bucket_of(keys: &BTreeSet<String>) -> (tempfile::TempDir, Store, BTreeSet<String>) {
        let dir = tempfile::tempdir().unwrap();
        let bucket = dir.path().join("b");
        std::fs::create_dir(&bucket).unwrap();
        let mut made = BTreeSet::new();
        for key in keys {
            let path = bucket.join(&*path_of(key));
            if std::fs::create_dir_all(path.parent().unwrap()).is_ok() && !path.exists() {
                std::fs::write(path, "").unwrap();
                made.insert(key.clone());
            }
        }
        std::fs::create_dir_all(bucket.join("a/empty/within")).ok();
        let reader = FileReader::probe(Mode::Pread);
        let files = Arc::new(DataDir::open(dir.path()).unwrap());
        let store = Store::new(files, "us-east-1".into(), reader, Clock::system());
        (dir, store, made)
    }

    /// What Amazon's documentation says, without any cleverness.
    fn naive(keys: &BTreeSet<String>, wanted: &Wanted) -> Vec<String> {
        let mut found = Vec::new();
        for key in keys.iter().filter(|key| key.starts_with(&wanted.prefix) && **key > wanted.after) {
            let rest = &key[wanted.prefix.len()..];
            let folded = (!wanted.delimiter.is_empty()).then(|| rest.find(&wanted.delimiter)).flatten();
            let item = match folded {
                Some(at) => key[..wanted.prefix.len() + at + wanted.delimiter.len()].to_owned(),
                None => key.clone(),
            };
            if found.last() != Some(&item) && wanted.folded.as_ref() != Some(&item) {
                found.push(item);
            }
        }
        found
    }

    /// The same by pages, each begun where the one before ended.
    fn paged(store: &Store, mut wanted: Wanted, size: usize) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            let page = read_page(store, "b", wanted.clone(), size).unwrap();
            assert!(page.objects.len() + page.prefixes.len() <= size);
            let mut items: Vec<String> = page.objects.into_iter().map(|(key, _)| key).collect();
            items.extend(page.prefixes);
            items.sort_unstable();
            found.extend(items);
            let Some(last) = page.next else { return found };
            let last = Last::of_token(&last.token()).unwrap();
            wanted.folded = matches!(last, Last::Prefix(_)).then(|| last.text().to_owned());
            wanted.after = last.text().to_owned();
        }
    }

    fn part() -> impl Strategy<Value = String> {
        let parts = vec!["", "a", "a-b", "a.b", "a0", "b", "ab", "z", "-", "é"];
        prop::sample::select(parts).prop_map(str::to_owned)
    }

    fn key() -> impl Strategy<Value = String> {
        // A key that ends in a slash is a directory, which stands or falls with what lies in it.
        prop::collection::vec(part(), 0..4).prop_map(|parts| parts.join("/") + "z")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(192))]

        #[test]
        fn a_listing_by_pages_equals_a_naive_one(
            keys in prop::collection::btree_set(key(), 0..25),
            prefix in prop_oneof![Just(String::new()), key(), key().prop_map(|key| key + "/"), Just("a//".into())],
            delimiter in prop::sample::select(vec!["", "/", "-", "b/", "/a"]),
            after in prop_oneof![Just(String::new()), key(), key().prop_map(|key| key + "/")],
            size in 1..8_usize,
        ) {
            let (_dir, store, made) = bucket_of(&keys);
            let wanted = Wanted { prefix, delimiter: delimiter.to_owned(), after, folded: None };
            prop_assert_eq!(paged(&store, wanted.clone(), size), naive(&made, &wanted), "{:?}", wanted);
        }
    }

    #[test]
    fn a_plus_is_escaped_under_url_encoding() {
        let encoding = Encoding::of(Some(&dto::EncodingType::from_static("url"))).unwrap();
        assert_eq!(encoding.write("a b+c/ü"), "a%20b%2Bc/%C3%BC");
        assert!(Encoding::of(Some(&dto::EncodingType::from_static("other"))).is_err());
    }

    #[test]
    fn a_page_has_a_bound_and_may_be_empty() {
        assert_eq!(page_size(Some(5_000)).unwrap(), S3_LIST_KEYS_MAX);
        assert_eq!(page_size(Some(0)).unwrap(), 0);
        assert!(page_size(Some(-1)).is_err());
    }
}
