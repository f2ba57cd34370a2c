//! Table metadata as it goes over the wire, made once and kept.
//!
//! A form is which snapshots, in which coding. The metadata of ten thousand snapshots takes some megabytes, which a socket is
//! slow to take; packed it takes a tenth. What stands around it differs from client to client and is short: it is stored.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderValue, VARY};
use http::{HeaderMap, StatusCode};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::error::Error;
use super::metadata_files::Loaded;
use super::wire::json_parts;
use crate::byte_cache;
use crate::encode::gzip::{self, Checksum};
use crate::encode::stored;
use crate::http::coding::Coding;
use crate::iceberg::metadata::TableMetadata;
use crate::limits::catalog::{FORMS_CACHE_BYTES, METADATA_BYTES_USUAL};

/// Best speed at a ratio that higher levels hardly reach.
const ZSTD_LEVEL: i32 = 1;

/// Which snapshots a client wants to read of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Snapshots {
    All,
    Refs,
}

impl Snapshots {
    /// The query parameter `snapshots`.
    pub(super) fn of(asked: Option<&str>) -> Result<Self, Error> {
        match asked.map(str::to_ascii_lowercase).as_deref() {
            None | Some("all") => Ok(Self::All),
            Some("refs") => Ok(Self::Refs),
            Some(_) => Err(Error::field("snapshots", "it has to be all or refs")),
        }
    }
}

/// What a client wants of a table, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) snapshots: Snapshots,
    pub(super) coding: Coding,
}

impl Form {
    /// All of it, as it lies in its file.
    pub(super) const PLAIN: Self = Self { snapshots: Snapshots::All, coding: Coding::Identity };

    /// The word for it in an entity tag: other bytes have another tag (RFC 9110, 8.8.3.3).
    pub(super) fn as_str(self) -> &'static str {
        match (self.snapshots, self.coding) {
            (Snapshots::All, Coding::Identity) => "all",
            (Snapshots::All, Coding::Zstd) => "all zstd",
            (Snapshots::All, Coding::Gzip) => "all gzip",
            (Snapshots::Refs, Coding::Identity) => "refs",
            (Snapshots::Refs, Coding::Zstd) => "refs zstd",
            (Snapshots::Refs, Coding::Gzip) => "refs gzip",
        }
    }

    /// The forms that say the same, this one among them.
    pub(super) fn equals(self) -> [Self; 3] {
        [Coding::Identity, Coding::Zstd, Coding::Gzip].map(|coding| Self { coding, ..self })
    }
}

/// A text in a coding, to be sent between two others.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    coding: Coding,
    bytes: Bytes,
    /// What the end of a gzip member has to know of it.
    checksum: Checksum,
}

impl Packed {
    fn plain(bytes: Bytes) -> Self {
        Self { coding: Coding::Identity, bytes, checksum: Checksum::default() }
    }

    fn of(coding: Coding, plain: Bytes) -> Self {
        let mut bytes = Vec::new();
        let mut checksum = Checksum::default();
        match coding {
            Coding::Identity => return Self::plain(plain),
            Coding::Gzip => checksum = gzip::Packer::default().push_piece(&plain, &mut bytes),
            Coding::Zstd => match zstd::bulk::compress(&plain, ZSTD_LEVEL) {
                Ok(packed) => bytes = packed,
                Err(_) => stored::zstd(&plain, &mut bytes),
            },
        }
        bytes.shrink_to_fit();
        Self { coding, bytes: bytes.into(), checksum }
    }

    /// An answer of `head`, this text and `tail`.
    pub(super) fn answer(self, head: &str, tail: &str) -> Response {
        let Self { coding, bytes, checksum } = self;
        let (head, tail) = (head.as_bytes(), tail.as_bytes());
        let (mut before, mut after) = (Vec::new(), Vec::new());
        match coding {
            Coding::Identity => {
                before.extend_from_slice(head);
                after.extend_from_slice(tail);
            }
            Coding::Gzip => {
                before.extend_from_slice(&gzip::HEAD);
                stored::deflate(head, &mut before);
                stored::deflate(tail, &mut after);
                let whole = Checksum::of(head).and(checksum).and(Checksum::of(tail));
                after.extend_from_slice(&whole.trailer());
            }
            Coding::Zstd => {
                stored::zstd(head, &mut before);
                stored::zstd(tail, &mut after);
            }
        }
        let mut response = json_parts(StatusCode::OK, vec![before.into(), bytes, after.into()]);
        if let Some(coding) = coding.header() {
            response.headers_mut().insert(CONTENT_ENCODING, coding);
        }
        response
    }
}

/// Says that a client which accepts other codings may get other bytes.
pub(super) fn note_choice(headers: &mut HeaderMap) {
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
}

/// One metadata file in one form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    location: String,
    form: Form,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Packed> for ByBytes {
    fn weight(&self, key: &Key, packed: &Packed) -> u64 {
        (key.location.len() + packed.bytes.len() + size_of::<Key>() + size_of::<Packed>()) as u64
    }
}

/// The forms of metadata files that were asked for.
pub(super) struct Forms {
    kept: Cache<Key, Packed, ByBytes>,
}

impl Forms {
    pub(super) fn new() -> Self {
        Self { kept: byte_cache::whole(FORMS_CACHE_BYTES, METADATA_BYTES_USUAL, ByBytes) }
    }

    /// A table's metadata in a form. Of many that want the same one makes it.
    pub(super) async fn get(&self, loaded: &Arc<Loaded<TableMetadata>>, form: Form) -> Result<Packed, Error> {
        if form == Form::PLAIN {
            return Ok(Packed::plain(loaded.json.clone()));
        }
        let key = Key { location: loaded.location.clone(), form };
        self.kept.get_or_insert_async(&key, make(Arc::clone(loaded), form)).await
    }
}

/// Large metadata takes milliseconds, which others on this thread would wait for.
async fn make(loaded: Arc<Loaded<TableMetadata>>, form: Form) -> Result<Packed, Error> {
    let made = tokio::task::spawn_blocking(move || {
        let plain = match form.snapshots {
            Snapshots::All => loaded.json.clone(),
            Snapshots::Refs => loaded.metadata.to_json_refs_only().into(),
        };
        Packed::of(form.coding, plain)
    });
    made.await.map_err(|source| Error::Task { source })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use futures::FutureExt;
    use http_body_util::BodyExt;

    use super::*;

    fn sent(response: Response) -> Vec<u8> {
        let body = response.into_body().collect().now_or_never().unwrap().unwrap();
        body.to_bytes().to_vec()
    }

    #[test]
    fn an_answer_says_the_same_in_every_coding() {
        for length in [0, 10, 300_000] {
            let text: Vec<u8> = b"{\"snapshot\":1},".iter().copied().cycle().take(length).collect();
            let expected = [b"{\"head\":", text.as_slice(), b"}"].concat();
            for coding in [Coding::Identity, Coding::Gzip, Coding::Zstd] {
                let response = Packed::of(coding, text.clone().into()).answer("{\"head\":", "}");
                assert_eq!(response.headers().get(CONTENT_ENCODING).cloned(), coding.header());
                let bytes = sent(response);
                let plain = match coding {
                    Coding::Identity => bytes,
                    Coding::Zstd => zstd::stream::decode_all(bytes.as_slice()).unwrap(),
                    Coding::Gzip => {
                        let mut plain = Vec::new();
                        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
                        plain
                    }
                };
                assert!(plain == expected, "{coding:?} {length}");
            }
        }
    }

    #[test]
    fn forms_that_say_the_same_have_tags_of_their_own() {
        let forms = [Snapshots::All, Snapshots::Refs]
            .map(|snapshots| Form { snapshots, coding: Coding::Gzip }.equals())
            .concat();
        let words: std::collections::BTreeSet<&str> = forms.iter().map(|form| form.as_str()).collect();
        assert_eq!(words.len(), forms.len());
        assert!(forms.contains(&Form::PLAIN));
    }
}
