//! Manifests of a table of orders: bounds of 15 columns.

use apache_avro::{Codec, Writer};

use super::iceberg_manifest::{Column, File, entry, schema};

const COLUMNS: i32 = 15;
const PARTITION: &str = "day";
/// The first and the last day of a manifest of many files.
pub const DAYS: (i32, i32) = (8_000, 10_499);
const SNAPSHOT_ID: i64 = 7_304_713_372_291_731_214;

/// A bound of a column: keys, decimals, dates and words, as a table of orders has them.
fn bound(number: usize, column: i32, is_upper: bool) -> Vec<u8> {
    let hash = (number + 7 * column as usize).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24;
    let above = if is_upper { 1_000 } else { 0 };
    match column {
        1..=4 => (hash as i64 % 200_000_000 + above).to_le_bytes().to_vec(),
        5..=8 => (hash as i32 % 8_000_000 + above as i32).to_be_bytes().to_vec(),
        9..=11 => (hash as i32 % 3_000 + 8_000 + above as i32).to_le_bytes().to_vec(),
        _ => [b"AIR".as_slice(), b"carefully final", b"COLLECT COD", b"furiously regula"][hash % 4].to_vec(),
    }
}

/// The path of a file.
pub fn path(number: usize) -> String {
    format!(
        "s3://warehouse/0f6f7a5c-5b8e-4d6f-9a51-6a1f6cf2f0a1/data/day={}/00000-{number}-{:016x}-00001.parquet",
        number % 2_500,
        (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
    )
}

fn file(number: usize) -> File {
    let column = |id| Column {
        id,
        size_bytes: (20_000 + number * id as usize % 7_001) as i64,
        null_count: i64::from(id == 9),
        low: bound(number, id, false),
        high: bound(number, id, true),
    };
    File {
        path: path(number),
        day: DAYS.0 + number as i32 % 2_500,
        record_count: (6_000 + number % 977) as i64,
        size_bytes: (400_000 + number * 31 % 90_001) as i64,
        columns: (1..=COLUMNS).map(column).collect(),
        deletes_from: None,
    }
}

/// A manifest of so many files.
pub fn manifest(codec: Codec, count: usize) -> Vec<u8> {
    let schema = schema(PARTITION);
    let mut writer = Writer::with_codec(&schema, Vec::new(), codec);
    for number in 0..count {
        writer.append(entry(SNAPSHOT_ID, PARTITION, &file(number))).expect("an entry");
    }
    writer.into_inner().expect("a manifest")
}
