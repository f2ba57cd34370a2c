//! Iceberg manifests and their lists, broken or hostile.

use lakeshare::manifest::codec::Unpacker;
use lakeshare::manifest::entries::Manifest;
use lakeshare::manifest::entry::{Entry, Inherited};
use lakeshare::manifest::error::Error;
use lakeshare::manifest::manifest_list::ManifestList;

/// A schema with each form of field that is read or passed over.
const SCHEMA: &str = r#"{"type":"record","name":"manifest_entry","fields":[
{"name":"status","type":"int","field-id":0},{"name":"sequence_number","type":["null","long"],"field-id":3},
{"name":"data_file","field-id":2,"type":{"type":"record","name":"r2","fields":[
{"name":"file_path","type":"string","field-id":100},{"name":"file_format","type":"string","field-id":101},
{"name":"partition","field-id":102,"type":{"type":"record","name":"r102","fields":[
{"name":"a","type":["null","string"],"field-id":1000},{"name":"b","type":["boolean","null"],"field-id":1001}]}},
{"name":"record_count","type":"long","field-id":103},{"name":"file_size_in_bytes","type":"long","field-id":104},
{"name":"value_counts","field-id":109,"type":["null",{"type":"array","items":{"type":"record","name":"k","fields":[
{"name":"key","type":"int","field-id":119},{"name":"value","type":"long","field-id":120}]}}]},
{"name":"lower_bounds","field-id":125,"type":{"type":"array","items":["null",{"type":"record","name":"l","fields":[
{"name":"key","type":["null","int"]},{"name":"value","type":["bytes","null"]}]}]}},
{"name":"later","type":{"type":"map","values":["null",{"type":"array","items":"double"}]}},
{"name":"equality_ids","field-id":135,"type":{"type":"array","items":"int"}}]}}]}"#;

const MARKER: &[u8; 16] = b"0123456789abcdef";

fn long(out: &mut Vec<u8>, value: usize) {
    let mut rest = value << 1;
    while rest >= 0x80 {
        out.push((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn blob(out: &mut Vec<u8>, bytes: &[u8]) {
    long(out, bytes.len());
    out.extend(bytes);
}

/// A container whose only block holds `bytes`, so that chance does not have to find a head.
fn container(records: usize, bytes: &[u8]) -> Vec<u8> {
    let mut out = b"Obj\x01\x02".to_vec();
    blob(&mut out, b"avro.schema");
    blob(&mut out, SCHEMA.as_bytes());
    out.push(0);
    out.extend(MARKER);
    long(&mut out, records);
    blob(&mut out, bytes);
    out.extend(MARKER);
    out
}

/// Everything in an entry is looked at; it takes no more than there are bytes.
fn look(entry: &Entry<'_>, bytes: usize) {
    let counts = [entry.column_sizes, entry.value_counts, entry.null_value_counts, entry.nan_value_counts];
    let counted: usize = counts.into_iter().flatten().map(|counts| counts.iter().count()).sum();
    let bounds = [entry.lower_bounds, entry.upper_bounds];
    let bounded: usize = bounds.into_iter().flatten().map(|bounds| bounds.iter().count()).sum();
    let listed: usize =
        [entry.split_offsets, entry.equality_ids].into_iter().flatten().map(|list| list.iter().count()).sum();
    assert!(2 * counted + 2 * bounded + listed <= bytes, "items take bytes");
    assert!(entry.file_path.len() <= bytes);
    assert!(!entry.is_live() || entry.sequence_number.is_some(), "live files have a number");
}

fn read(bytes: &[u8], plain_bytes: usize) {
    let Ok(manifest) = Manifest::open(bytes) else { return };
    let fields = manifest.partition_fields().len();
    let inherited = Inherited { snapshot_id: Some(1), sequence_number: 3, first_row_id: Some(5) };
    let _ = manifest.each(inherited, &mut Unpacker::new(), |entry| {
        assert!(entry.partition.len() == fields);
        look(entry, plain_bytes);
        Ok::<_, Error>(())
    });
}

/// The bytes are a manifest, and a block of one.
pub fn manifest(bytes: &[u8]) {
    // Deflate makes at most 1,032 bytes of one.
    read(bytes, bytes.len().saturating_mul(2_000));
    for records in [1, 2, 1_000_000] {
        read(&container(records, bytes), bytes.len());
    }
}

/// The bytes are a manifest list.
pub fn manifest_list(bytes: &[u8]) {
    let Ok(list) = ManifestList::open(bytes) else { return };
    let mut unpacker = Unpacker::new();
    let mut count = 0;
    let read = |unpacker: &mut Unpacker, count: &mut usize| {
        list.each(unpacker, |file| {
            *count += 1;
            let _ = file.partitions.map(|partitions| partitions.iter().count());
            Ok::<_, Error>(())
        })
    };
    let first = read(&mut unpacker, &mut count);
    let mut again = 0;
    assert_eq!(read(&mut unpacker, &mut again), first, "an unpacker keeps nothing");
    assert_eq!(again, count);
}
