//! Manifests read as they were written, refused where they are broken.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::codec::Unpacker;
use super::entries::Manifest;
use super::entry::Inherited;
use super::error::{BlockFault, Error, SchemaFault};
use super::fault::Fault;
use super::fixture::encode::{self, Style};
use super::fixture::manifest;
use super::fixture::rows::{Cell, Row, rows, style};
use super::manifest_list::ManifestList;
use crate::error::Kind;

fn read(bytes: &[u8], inherited: Inherited) -> Result<Vec<Row>, Error> {
    let mut found = Vec::new();
    Manifest::open(bytes)?.each(inherited, &mut Unpacker::new(), |entry| {
        found.push(Row::of(entry));
        Ok::<_, Error>(())
    })?;
    Ok(found)
}

/// A row as it is read: with what it inherits.
fn as_read(row: &Row, inherited: &mut Inherited) -> Row {
    let mut row = row.clone();
    row.partition = row.partition.iter().map(Cell::as_read).collect();
    row.snapshot_id = row.snapshot_id.or(inherited.snapshot_id);
    if row.status == 1 || inherited.sequence_number == 0 {
        row.file_sequence_number = row.file_sequence_number.or(Some(inherited.sequence_number));
        row.sequence_number = row.sequence_number.or(Some(inherited.sequence_number));
    }
    if row.status != 2 {
        if let Some(next) = inherited.first_row_id {
            if row.first_row_id.is_none() {
                row.first_row_id = Some(next);
                inherited.first_row_id = Some(next + row.record_count);
            }
        } else {
            row.first_row_id = None;
        }
    }
    row
}

fn plain_row(path: &str) -> Row {
    Row {
        status: 1,
        file_path: path.to_owned(),
        file_format: "parquet".to_owned(),
        record_count: 10,
        ..Row::default()
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        (partition, rows) in rows(),
        style in style(),
        snapshot_id: Option<i64>,
        sequence_number in 0_i64..9,
        first_row_id in proptest::option::of(0_i64..99),
    ) {
        let inherited = Inherited { snapshot_id, sequence_number, first_row_id };
        let bytes = manifest(&rows, &partition, &style);
        let found = read(&bytes, inherited).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut given = inherited;
        let expected: Vec<Row> = rows.iter().map(|row| as_read(row, &mut given)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn broken_manifests_are_refused_or_read_but_never_panic(
        (partition, rows) in rows(),
        style in style(),
        at: prop::sample::Index,
        to: u8,
        cut: prop::sample::Index,
    ) {
        let bytes = manifest(&rows, &partition, &style);
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] = to;
        let _ = read(&changed, Inherited::default());
        let _ = ManifestList::open(&changed);
        let short = &bytes[..cut.index(bytes.len())];
        prop_assert!(read(short, Inherited::default()).map_or(true, |found| found.len() <= rows.len()));
    }
}

#[test]
fn numbers_are_inherited_by_added_files_only() {
    let inherited = Inherited { snapshot_id: Some(7), sequence_number: 5, first_row_id: Some(100) };
    let rows = [
        plain_row("a"),
        Row { status: 0, sequence_number: Some(2), first_row_id: Some(3), ..plain_row("b") },
        Row { status: 2, ..plain_row("c") },
        plain_row("d"),
    ];
    let found = read(&manifest(&rows, &[], &Style::default()), inherited).unwrap();
    let numbers: Vec<_> = found.iter().map(|row| (row.sequence_number, row.first_row_id)).collect();
    assert_eq!(numbers, [(Some(5), Some(100)), (Some(2), Some(3)), (None, None), (Some(5), Some(110))]);
    let existing = [Row { status: 0, ..plain_row("e") }];
    let error = read(&manifest(&existing, &[], &Style::default()), inherited).unwrap_err();
    assert_eq!(error, Error::Record { number: 0, source: Fault::Sequence });
    // Before version 2 nobody counted.
    let found = read(&manifest(&existing, &[], &Style::default()), Inherited::default()).unwrap();
    assert_eq!(found[0].sequence_number, Some(0));
}

#[test]
fn codecs_that_are_not_read_are_named() {
    for codec in ["bzip2", "xz"] {
        let bytes = manifest(&[plain_row("a")], &[], &Style { codec, ..Style::default() });
        let error = read(&bytes, Inherited::default()).unwrap_err();
        assert!(error.to_string().contains(codec) && error.kind() == Kind::Unsupported);
    }
}

fn with_schema(schema: &Json, records: i64, block: &[u8]) -> Vec<u8> {
    let mut bytes = Style::default().container(schema, &[] as &[()], |(), _| {});
    let marker = bytes[bytes.len() - 16..].to_vec();
    encode::long(&mut bytes, records);
    encode::blob(&mut bytes, block);
    bytes.extend(marker);
    bytes
}

fn schema(file: &Json) -> Json {
    json!({"type": "record", "name": "manifest_entry", "fields": [
        {"name": "status", "field-id": 0, "type": "int"},
        {"name": "data_file", "field-id": 2, "type": {"type": "record", "name": "r2", "fields": file}}]})
}

fn required() -> Vec<Json> {
    vec![
        json!({"name": "file_path", "field-id": 100, "type": "string"}),
        json!({"name": "file_format", "field-id": 101, "type": "string"}),
        json!({"name": "record_count", "field-id": 103, "type": "long"}),
        json!({"name": "file_size_in_bytes", "field-id": 104, "type": "long"}),
    ]
}

#[test]
fn schemas_without_what_a_reader_needs_are_refused() {
    let mut fields = required();
    let last = fields.pop().unwrap();
    let bytes = with_schema(&schema(&json!(fields)), 0, &[]);
    let fault = SchemaFault::Lacks("file_size_in_bytes");
    assert_eq!(read(&bytes, Inherited::default()), Err(Error::Schema { fault }));
    fields.push(last);
    fields.push(json!({"name": "equality_ids", "field-id": 135, "type": "string"}));
    let bytes = with_schema(&schema(&json!(fields)), 0, &[]);
    let fault = SchemaFault::Unlike("equality_ids");
    assert_eq!(read(&bytes, Inherited::default()), Err(Error::Schema { fault }));
}

#[test]
fn statistics_in_another_form_are_as_good_as_missing() {
    let mut fields = required();
    fields.push(json!({"name": "lower_bounds", "field-id": 125, "type": {"type": "map", "values": "bytes"}}));
    let mut block = vec![2];
    encode::blob(&mut block, b"a");
    encode::blob(&mut block, b"orc");
    block.extend([2, 4]);
    Style::default().array(&mut block, &["1"], |key, out| {
        encode::blob(out, key.as_bytes());
        encode::blob(out, b"x");
    });
    let found = read(&with_schema(&schema(&json!(fields)), 1, &block), Inherited::default()).unwrap();
    assert_eq!((found[0].lower_bounds.as_ref(), found[0].file_size_bytes), (None, 2));
}

#[test]
fn blocks_that_lie_are_refused() {
    let schema = schema(&json!(required()));
    let mut block = vec![2];
    encode::blob(&mut block, b"a");
    encode::blob(&mut block, b"orc");
    block.extend([2, 4]);
    let broken = |records, bytes: &[u8]| {
        read(&with_schema(&schema, records, bytes), Inherited::default()).unwrap_err()
    };
    assert_eq!(broken(i64::MAX, &block), Error::Record { number: 1, source: Fault::Ended });
    assert_eq!(broken(0, &block), Error::Record { number: 0, source: Fault::LeftOver });
    assert_eq!(broken(-1, &block), Error::Block { number: 0, fault: BlockFault::Head(Fault::Negative) });
    let mut bytes = with_schema(&schema, 1, &block);
    *bytes.last_mut().unwrap() ^= 1;
    let fault = BlockFault::Marker;
    assert_eq!(read(&bytes, Inherited::default()), Err(Error::Block { number: 0, fault }));
    block[0] = 6;
    assert_eq!(broken(1, &block), Error::Record { number: 0, source: Fault::Symbol });
}

#[test]
fn a_block_that_unpacks_without_end_is_refused() {
    use crate::limits::manifest::AVRO_BLOCK_BYTES_MAX;

    let plain = vec![0_u8; AVRO_BLOCK_BYTES_MAX + 1];
    for codec in ["deflate", "zstandard", "snappy"] {
        let packed = encode::pack(codec, &plain);
        let mut bytes =
            Style { codec, ..Style::default() }.container(&schema(&json!(required())), &[(); 0], |(), _| {});
        let marker = bytes[bytes.len() - 16..].to_vec();
        encode::long(&mut bytes, 1);
        encode::blob(&mut bytes, &packed);
        bytes.extend(marker);
        let error = read(&bytes, Inherited::default()).unwrap_err();
        assert_eq!(error.kind(), Kind::TooLarge, "{codec}: {error}");
    }
}

#[test]
fn packed_bytes_that_are_broken_are_refused() {
    let rows: Vec<Row> = (0..50).map(|number| plain_row(&format!("file {number}"))).collect();
    for codec in ["deflate", "zstandard", "snappy"] {
        let bytes = manifest(&rows, &[], &Style { codec, ..Style::default() });
        let mut changed = bytes.clone();
        let at = bytes.len() - 16 - 40;
        changed[at] ^= 0x55;
        let found = read(&changed, Inherited::default());
        assert!(found.as_ref().map_or(true, |found| *found != rows), "{codec}");
        assert!(codec != "snappy" || matches!(found, Err(Error::Block { .. })));
    }
}

#[test]
fn what_is_no_container_is_refused() {
    assert_eq!(read(b"", Inherited::default()), Err(Error::Magic));
    assert_eq!(read(b"Obj\x01", Inherited::default()), Err(Error::Head { source: Fault::Ended }));
    let no_schema = [b"Obj\x01\0".as_slice(), &[7; 16]].concat();
    assert_eq!(read(&no_schema, Inherited::default()), Err(Error::Schema { fault: SchemaFault::Missing }));
}
