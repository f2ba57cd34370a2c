//! A small table for the unit tests of this room.

use std::collections::BTreeMap;
use std::io::Read;

use super::render::Signing;
use crate::http::coding::Coding;
use crate::sigv4::credential::Credential;
use crate::table::deletion_vector::DeletionVector;
use crate::table::file_list::FileList;
use crate::table::file_list_builder::FileListBuilder;
use crate::table::path_digest::PathDigest;
use crate::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};
use crate::table::snapshot::{Metadata, Protocol, Snapshot};

/// Version 7 of a table of `file_count` files; file `n` has `1001 + n` bytes and `n + 1` rows,
/// but every fifth file, counted from 0, has no statistics.
pub(crate) fn snapshot(file_count: usize) -> Snapshot {
    with_vectors(file_count, &|_| None)
}

/// The same with deletion vectors, by the number of the file.
pub(crate) fn with_vectors<'v>(
    file_count: usize,
    vector: &dyn Fn(usize) -> Option<DeletionVector<'v>>,
) -> Snapshot {
    build(file_count, vector, &|number| number == 0 || !number.is_multiple_of(5))
}

/// The same with statistics of every file.
pub(crate) fn described(file_count: usize) -> Snapshot {
    build(file_count, &|_| None, &|_| true)
}

fn build<'v>(
    file_count: usize,
    vector: &dyn Fn(usize) -> Option<DeletionVector<'v>>,
    has_stats: &dyn Fn(usize) -> bool,
) -> Snapshot {
    let mut builder = FileListBuilder::default();
    for number in 0..file_count {
        let path = format!("date=2024-01-0{}/part-{number:05}-c000.snappy.parquet", number % 3 + 1);
        let key = path.clone();
        let rows = number as u64 + 1;
        let stats = format!(r#"{{"numRecords":{rows},"minValues":{{"id":{number},"name":"a\"b"}}}}"#);
        let has_stats = has_stats(number);
        let directory_bytes = "date=2024-01-01/".len();
        builder.push(&NewFile {
            path: FilePath {
                log: path.as_bytes(),
                log_directory_bytes: directory_bytes,
                key: key.as_bytes(),
                key_directory_bytes: directory_bytes,
            },
            digest: PathDigest::of(path.as_bytes()),
            size_bytes: 1001 + number as u64,
            modification_time_ms: 1_700_000_000_000 + i64::try_from(number).unwrap(),
            partition_values: format!(r#"{{"date":"2024-01-0{}"}}"#, number % 3 + 1).as_bytes(),
            statistics: if has_stats { StatisticsText::Raw(&stats) } else { StatisticsText::Absent },
            record_count: has_stats.then_some(rows),
            deletion_vector: vector(number),
            row_ids: RowIds::default(),
        });
    }
    let segments = builder.finish(&mut |json, out| out.extend_from_slice(json));
    Snapshot {
        version: 7,
        commit_timestamp_ms: 1_700_000_000_000,
        protocol: Protocol {
            min_reader_version: 1,
            min_writer_version: 2,
            reader_features: None,
            writer_features: None,
        },
        metadata: Metadata {
            id: "364ac6aa-ceb3-4520-b33e-2875a41024c2".to_owned(),
            name: None,
            description: None,
            format_provider: "parquet".to_owned(),
            format_options: BTreeMap::new(),
            schema_string: concat!(
                r#"{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"#,
                r#""metadata":{"comment":"a comment","secret":"x"}},"#,
                r#"{"name":"date","type":"string","nullable":true,"metadata":{}}]}"#
            )
            .to_owned(),
            partition_columns: vec!["date".to_owned()],
            configuration: BTreeMap::new(),
            created_time_ms: Some(1_700_000_000_000),
        },
        files: FileList::new(segments),
    }
}

/// Signs for `lake/sales data/t` on loopback, one hour at least.
pub(crate) fn signing() -> Signing {
    Signing {
        endpoint: "http://127.0.0.1:9000".to_owned(),
        bucket: "lake".to_owned(),
        location: "sales data/t".to_owned(),
        region: "us-east-1".to_owned(),
        credential: Credential { access_key: "signing".to_owned(), secret_key: "hush".to_owned() },
        recipient: None,
        expires_seconds: 3600,
    }
}

/// What a client makes of an answer.
pub(crate) fn unpack(coding: Coding, packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        Coding::Identity => plain.extend_from_slice(packed),
        Coding::Zstd => plain = zstd::stream::decode_all(packed).unwrap(),
        Coding::Gzip => {
            let mut decoder = flate2::read::GzDecoder::new(packed);
            decoder.read_to_end(&mut plain).unwrap();
            assert!(decoder.into_inner().is_empty(), "one member is the whole");
        }
    }
    plain
}
