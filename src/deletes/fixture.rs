//! Sets of positions and delete files for the tests of this room.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use roaring::{RoaringBitmap, RoaringTreemap};

use super::position_file::{PATH, POSITION};
use super::positions::{MAGIC, Positions};

/// A reader of the format that shares nothing with ours.
pub(super) fn naive(bytes: &[u8]) -> BTreeSet<u64> {
    let mut at = 0;
    let mut number = |width: usize| {
        let number = (0..width).rev().fold(0, |value, byte| value << 8 | u64::from(bytes[at + byte]));
        at += width;
        number
    };
    let mut found = BTreeSet::new();
    for _ in 0..number(8) {
        let high = number(4) << 32;
        let cookie = number(4);
        let has_runs = cookie & 0xFFFF == 12_347;
        let size = if has_runs { (cookie >> 16) + 1 } else { number(4) };
        let flags: Vec<u64> = (0..if has_runs { size.div_ceil(8) } else { 0 }).map(|_| number(1)).collect();
        let heads: Vec<(u64, u64)> = (0..size).map(|_| (high | number(2) << 16, number(2) + 1)).collect();
        if !has_runs || size >= 4 {
            for _ in 0..size {
                number(4);
            }
        }
        for (index, (base, count)) in heads.into_iter().enumerate() {
            if flags.get(index / 8).is_some_and(|flags| flags >> (index % 8) & 1 == 1) {
                for _ in 0..number(2) {
                    let (start, more) = (number(2), number(2));
                    found.extend((start..=start + more).map(|row| base | row));
                }
            } else if count <= 4_096 {
                found.extend((0..count).map(|_| base | number(2)));
            } else {
                for word in 0..1_024 {
                    let bits = number(8);
                    found.extend(
                        (0..64).filter(|bit| bits >> bit & 1 == 1).map(|bit| base | (word * 64 + bit)),
                    );
                }
            }
        }
    }
    assert_eq!(at, bytes.len());
    found
}

/// Of so many rows every other one, or all.
pub(super) fn dense(row_count: u32, has_gaps: bool) -> Positions {
    let bits = vec![if has_gaps { 0x55 } else { 0xFF }; row_count as usize / 8];
    let mut bytes = Vec::new();
    let map = RoaringTreemap::from_bitmaps([(0, RoaringBitmap::from_lsb0_bytes(0, &bits))]);
    map.serialize_into(&mut bytes).unwrap();
    Positions::parse(&bytes).unwrap()
}

/// Single rows, runs and dense stretches, in no order.
pub(super) fn rows() -> impl Strategy<Value = Vec<u64>> {
    let ends = prop_oneof![0_u64..300_000, 0_u64..1 << 34];
    let part = (ends, 1_u64..9_000, 1_u64..4)
        .prop_map(|(start, count, step)| (0..count).map(move |row| start + row * step).collect::<Vec<_>>());
    let single = (0_u64..1 << 40).prop_map(|row| vec![row]);
    prop::collection::vec(prop_oneof![part, single], 0..6).prop_map(|parts| parts.concat())
}

/// A blob as writers make it, for the tests of this room.
pub(super) fn blob(rows: &[u64]) -> Vec<u8> {
    let mut framed = MAGIC.to_vec();
    rows.iter().copied().collect::<roaring::RoaringTreemap>().serialize_into(&mut framed).unwrap();
    let crc = u32::try_from(checksum(CrcAlgorithm::Crc32IsoHdlc, &framed)).unwrap();
    [&u32::try_from(framed.len()).unwrap().to_be_bytes()[..], &framed, &crc.to_be_bytes()].concat()
}

/// Rows as columns, with the ids of the specification, or with names only.
pub(super) fn batch(rows: &[(&str, i64)], has_ids: bool) -> RecordBatch {
    let field = |(id, name): (i32, &str), data_type| {
        let field = Field::new(if has_ids { "x" } else { "" }.to_owned() + name, data_type, false);
        let ids = has_ids.then(|| ("PARQUET:field_id".to_owned(), id.to_string()));
        Arc::new(field.with_metadata(ids.into_iter().collect::<HashMap<_, _>>()))
    };
    let paths: ArrayRef = Arc::new(rows.iter().map(|(path, _)| Some(*path)).collect::<StringArray>());
    let positions: ArrayRef = Arc::new(rows.iter().map(|(_, row)| Some(*row)).collect::<Int64Array>());
    let fields = vec![field(POSITION, DataType::Int64), field(PATH, DataType::Utf8)];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![positions, paths]).unwrap()
}

pub(super) fn written(batch: &RecordBatch, properties: WriterProperties) -> Bytes {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

/// A position delete file, for the tests of this room.
pub(super) fn file(rows: &[(&str, i64)]) -> Bytes {
    written(&batch(rows, true), WriterProperties::default())
}
