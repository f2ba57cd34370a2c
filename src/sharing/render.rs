//! Files as lines of NDJSON, byte by byte, signed on the way.

use sha2::{Digest, Sha256};

use super::capabilities::Format;
use super::file_id::{FileId, FileIds, Path};
use crate::encode::decimal;
use crate::sigv4::credential::Credential;
use crate::sigv4::presign::{EncodedPath, PresignScope, Presigner, Signature};
use crate::table::deletion_vector::{DeletionVector, Place};
use crate::table::file::File;

/// What the URLs of one table are signed with.
#[derive(Debug, Clone)]
pub struct Signing {
    /// `scheme://host[:port]` as recipients reach it.
    pub endpoint: String,
    pub bucket: String,
    /// The table's place in the bucket.
    pub location: String,
    pub region: String,
    pub credential: Credential,
    /// Stands in each URL, if each recipient gets his own.
    pub recipient: Option<String>,
    /// Seconds that each URL lives at least.
    pub expires_seconds: u64,
}

impl Signing {
    fn presigner(&self, now_ms: i64) -> Presigner {
        Presigner::new(&PresignScope {
            endpoint: &self.endpoint,
            bucket: &self.bucket,
            key_prefix: &self.location,
            region: &self.region,
            credential: &self.credential,
            recipient: self.recipient.as_deref(),
            signed_at_ms: now_ms,
            expires_seconds: self.expires_seconds,
        })
    }
}

/// What the last line of an answer hands out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndTokens {
    pub refresh: Option<String>,
    pub next_page: Option<String>,
}

/// What is hashed of a file.
struct Marks {
    signature: Signature,
    id: FileId,
}

/// Writes the lines of one answer.
pub struct LineWriter {
    signing: Signing,
    presigner: Presigner,
    format: Format,
    ids: FileIds,
    /// `"expirationTimestamp":1795387951160`
    expiration: Vec<u8>,
    min_expiration_ms: i64,
    scope: LineScope,
}

/// Equal for writers whose lines of a file are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineScope {
    /// The bucket of time, by its start, in seconds since the Unix epoch.
    pub signed_at_s: i64,
    /// Digest of all that the lines depend on beside the file.
    digest: [u8; 32],
}

impl LineScope {
    fn new(signing: &Signing, presigner: &Presigner, formats: [Format; 2]) -> Self {
        let mut hash = Sha256::new();
        let Signing { endpoint, bucket, location, region, credential, recipient, expires_seconds } = signing;
        let texts = [endpoint, bucket, location, region, &credential.access_key, &credential.secret_key];
        let recipient = recipient.as_deref().unwrap_or_default();
        for text in
            texts.map(String::as_str).into_iter().chain(formats.map(Format::as_str)).chain([recipient])
        {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hash.update(expires_seconds.to_le_bytes());
        hash.update(presigner.signed_at_s().to_le_bytes());
        Self { signed_at_s: presigner.signed_at_s(), digest: hash.finalize().into() }
    }
}

impl LineWriter {
    pub fn new(signing: Signing, format: Format, file_id_hash: Format, now_ms: i64) -> Self {
        let presigner = signing.presigner(now_ms);
        let min_expiration_ms = presigner.expiration_ms();
        let expiration = expiration_of(&presigner);
        let scope = LineScope::new(&signing, &presigner, [format, file_id_hash]);
        let ids = FileIds::new(file_id_hash);
        Self { signing, presigner, format, ids, expiration, min_expiration_ms, scope }
    }

    /// Takes a new presigner when the bucket of time is over, so that late lines of a slow answer live as
    /// long as early ones. To be called between chunks.
    pub fn refresh(&mut self, now_ms: i64) {
        if !self.presigner.is_current(now_ms) {
            self.presigner = self.signing.presigner(now_ms);
            self.expiration = expiration_of(&self.presigner);
            self.min_expiration_ms = self.min_expiration_ms.min(self.presigner.expiration_ms());
            self.scope = LineScope::new(&self.signing, &self.presigner, [self.format, self.ids.hash()]);
        }
    }

    /// Appends the lines of files (Delta Sharing, "File", "File in Delta format"). Eight in a row cost less than eight alone,
    /// because what is hashed of them is hashed side by side.
    pub fn push_files(&mut self, files: &[File<'_>], out: &mut Vec<u8>) {
        let (fours, rest) = files.as_chunks::<4>();
        let (eights, fours_left) = fours.as_chunks::<2>();
        for eight in eights {
            let ids = self.ids.of_eight(eight.each_ref().map(|four| four.each_ref().map(log_path)));
            for (four, ids) in eight.iter().zip(ids) {
                let signatures = self.presigner.sign_four(four.each_ref().map(encoded_path));
                for ((file, signature), id) in four.iter().zip(signatures).zip(ids) {
                    self.push_line(file, &Marks { signature, id }, out);
                }
            }
        }
        let rest = fours_left.iter().flatten().chain(rest);
        for file in rest {
            let marks =
                Marks { signature: self.presigner.sign(encoded_path(file)), id: self.ids.of(log_path(file)) };
            self.push_line(file, &marks, out);
        }
    }

    fn push_line(&mut self, file: &File<'_>, marks: &Marks, out: &mut Vec<u8>) {
        match self.format {
            Format::Parquet => self.push_parquet(file, marks, out),
            Format::Delta => self.push_delta(file, marks, out),
        }
    }

    fn push_parquet(&self, file: &File<'_>, marks: &Marks, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"file\":{\"url\":\"");
        self.presigner.push_url(encoded_path(file), &marks.signature, out);
        out.extend_from_slice(b"\",\"id\":\"");
        marks.id.push(out);
        out.extend_from_slice(b"\",\"partitionValues\":");
        out.extend_from_slice(file.partition_values_json);
        out.extend_from_slice(b",\"size\":");
        decimal::push(file.size_bytes, out);
        push_statistics(file, out);
        out.push(b',');
        out.extend_from_slice(&self.expiration);
        out.extend_from_slice(b"}}\n");
    }

    fn push_delta(&mut self, file: &File<'_>, marks: &Marks, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"file\":{\"id\":\"");
        marks.id.push(out);
        if let Some(Place::File(key)) = file.deletion_vector.map(|vector| vector.place) {
            out.extend_from_slice(b"\",\"deletionVectorFileId\":\"");
            self.ids.of([b"", key]).push(out);
        }
        out.extend_from_slice(b"\",");
        out.extend_from_slice(&self.expiration);
        out.extend_from_slice(b",\"deltaSingleAction\":{\"add\":{\"path\":\"");
        self.presigner.push_url(encoded_path(file), &marks.signature, out);
        out.extend_from_slice(b"\",\"partitionValues\":");
        out.extend_from_slice(file.partition_values_json);
        out.extend_from_slice(b",\"size\":");
        decimal::push(file.size_bytes, out);
        out.extend_from_slice(b",\"modificationTime\":");
        if file.modification_time_ms < 0 {
            out.push(b'-');
        }
        decimal::push(file.modification_time_ms.unsigned_abs(), out);
        out.extend_from_slice(b",\"dataChange\":true");
        push_statistics(file, out);
        if let Some(vector) = &file.deletion_vector {
            self.push_deletion_vector(vector, out);
        }
        push_row_ids(file, out);
        out.extend_from_slice(b"}}}}\n");
    }

    /// A vector in a file is told as one by its absolute path, which is a URL (Delta Sharing, "Deletion Vector").
    pub fn push_deletion_vector(&mut self, vector: &DeletionVector<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"deletionVector\":{\"storageType\":\"");
        match vector.place {
            Place::Inline(text) => {
                out.extend_from_slice(b"i\",\"pathOrInlineDv\":\"");
                out.extend_from_slice(text);
            }
            Place::File(key) => {
                out.extend_from_slice(b"p\",\"pathOrInlineDv\":\"");
                self.presigner.presign(EncodedPath { directory: b"", name: key }, out);
            }
        }
        if let Some(offset) = vector.offset {
            out.extend_from_slice(b"\",\"offset\":");
            decimal::push(offset, out);
        } else {
            out.push(b'"');
        }
        out.extend_from_slice(b",\"sizeInBytes\":");
        decimal::push(vector.size_bytes, out);
        out.extend_from_slice(b",\"cardinality\":");
        decimal::push(vector.cardinality, out);
        out.push(b'}');
    }

    /// What the lines depend on beside the file.
    pub fn scope(&self) -> LineScope {
        self.scope
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Appends the id of the file at a path, spelled as in the log.
    pub fn push_id(&self, path: Path<'_>, out: &mut Vec<u8>) {
        self.ids.of(path).push(out);
    }

    /// Appends the URL of the file at a path below the table, which is encoded already.
    pub fn push_url(&mut self, encoded_path: &[u8], out: &mut Vec<u8>) {
        self.presigner.presign(EncodedPath { directory: b"", name: encoded_path }, out);
    }

    /// Appends when the URLs of these lines end: `"expirationTimestamp":1795387951160`
    pub fn push_expiration(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.expiration);
    }

    /// Appends the last line of an answer whose client asked for one (Delta Sharing, `EndStreamAction`).
    pub fn push_end(&self, tokens: &EndTokens, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"endStreamAction\":{");
        for (name, token) in [("refreshToken", &tokens.refresh), ("nextPageToken", &tokens.next_page)] {
            if let Some(token) = token {
                // Tokens are made of letters, digits, '-' and '_'.
                out.extend_from_slice(format!("\"{name}\":\"{token}\",").as_bytes());
            }
        }
        let expiration = format!("\"minUrlExpirationTimestamp\":{}}}}}\n", self.min_expiration_ms);
        out.extend_from_slice(expiration.as_bytes());
    }
}

fn expiration_of(presigner: &Presigner) -> Vec<u8> {
    format!("\"expirationTimestamp\":{}", presigner.expiration_ms()).into_bytes()
}

fn encoded_path<'a>(file: &File<'a>) -> EncodedPath<'a> {
    EncodedPath { directory: file.encoded_directory, name: file.encoded_name }
}

fn log_path<'a>(file: &File<'a>) -> Path<'a> {
    [file.log_directory, file.log_name]
}

fn push_row_ids(file: &File<'_>, out: &mut Vec<u8>) {
    if let Some(base) = file.row_ids.base {
        out.extend_from_slice(b",\"baseRowId\":");
        decimal::push(base, out);
    }
    if let Some(version) = file.row_ids.default_commit_version {
        out.extend_from_slice(b",\"defaultRowCommitVersion\":");
        decimal::push(version, out);
    }
}

fn push_statistics(file: &File<'_>, out: &mut Vec<u8>) {
    if !file.stats_escaped.is_empty() {
        out.extend_from_slice(b",\"stats\":\"");
        out.extend_from_slice(file.stats_escaped);
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use md5::Md5;
    use serde_json::{Value, json};

    use super::*;
    use crate::sharing::fixture;
    use crate::table::file_list::Block;

    const NOW_MS: i64 = 1_790_000_123_456;
    const EXPIRES_MS: i64 = 1_790_003_700_000 + 900_000;

    fn lines(format: Format, file_id_hash: Format) -> Vec<Value> {
        let snapshot = fixture::snapshot(7);
        let mut writer = LineWriter::new(fixture::signing(), format, file_id_hash, NOW_MS);
        let mut out = Vec::new();
        let mut block = Block::default();
        let mut files: Vec<_> = snapshot.files.read_block(0, &mut block).collect();
        files.sort_by_key(|file| file.size_bytes);
        writer.push_files(&files, &mut out);
        let text = String::from_utf8(out).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_parquet_line_has_the_keys_of_the_protocol_in_their_order() {
        let lines = lines(Format::Parquet, Format::Parquet);
        let file = &lines[1]["file"];
        let url = file["url"].as_str().unwrap();
        assert!(url.starts_with(
            "http://127.0.0.1:9000/lake/sales%20data/t/date%3D2024-01-02/part-00001-c000.snappy.parquet?X-Amz-"
        ));
        assert_eq!(
            lines[1],
            json!({"file": {
                "url": url,
                // md5 of `date=2024-01-02/part-00001-c000.snappy.parquet`
                "id": hex::encode(Md5::digest("date=2024-01-02/part-00001-c000.snappy.parquet")),
                "partitionValues": {"date": "2024-01-02"},
                "size": 1002,
                "stats": r#"{"numRecords":2,"minValues":{"id":1,"name":"a\"b"}}"#,
                "expirationTimestamp": EXPIRES_MS}})
        );
        let keys: Vec<&String> = file.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["url", "id", "partitionValues", "size", "stats", "expirationTimestamp"]);
        assert!(lines[5]["file"].get("stats").is_none());
    }

    #[test]
    fn a_delta_line_is_an_add_in_a_file() {
        let lines = lines(Format::Delta, Format::Delta);
        let url = lines[1]["file"]["deltaSingleAction"]["add"]["path"].as_str().unwrap();
        assert_eq!(
            lines[1],
            json!({"file": {
                "id": hex::encode(Sha256::digest("date=2024-01-02/part-00001-c000.snappy.parquet")),
                "expirationTimestamp": EXPIRES_MS,
                "deltaSingleAction": {"add": {
                    "path": url,
                    "partitionValues": {"date": "2024-01-02"},
                    "size": 1002,
                    "modificationTime": 1_700_000_000_001_i64,
                    "dataChange": true,
                    "stats": r#"{"numRecords":2,"minValues":{"id":1,"name":"a\"b"}}"#}}}})
        );
    }

    #[test]
    fn lines_side_by_side_are_those_of_each() {
        for format in [Format::Parquet, Format::Delta] {
            let snapshot = fixture::snapshot(7);
            let mut writer = LineWriter::new(fixture::signing(), format, format, NOW_MS);
            let mut block = Block::default();
            let files: Vec<_> = snapshot.files.read_block(0, &mut block).collect();
            let (mut alone, mut together) = (Vec::new(), Vec::new());
            files.chunks(1).for_each(|file| writer.push_files(file, &mut alone));
            writer.push_files(&files, &mut together);
            assert_eq!(String::from_utf8_lossy(&together).lines().count(), 7);
            assert_eq!(String::from_utf8(together).unwrap(), String::from_utf8(alone).unwrap());
        }
    }

    #[test]
    fn file_ids_follow_the_hash_that_was_asked_for() {
        let length = |format, hash| lines(format, hash)[0]["file"]["id"].as_str().unwrap().len();
        assert_eq!(length(Format::Parquet, Format::Delta), 64);
        assert_eq!(length(Format::Delta, Format::Parquet), 32);
    }

    #[test]
    fn late_lines_are_signed_anew_and_the_end_tells_the_earliest_expiry() {
        let mut writer = LineWriter::new(fixture::signing(), Format::Parquet, Format::Parquet, NOW_MS);
        writer.refresh(NOW_MS + 3_600_000);
        assert_eq!(writer.presigner.expiration_ms(), EXPIRES_MS + 3_600_000);
        let mut out = Vec::new();
        writer.push_end(&EndTokens::default(), &mut out);
        let end: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(end, json!({"endStreamAction": {"minUrlExpirationTimestamp": EXPIRES_MS}}));
    }
}
