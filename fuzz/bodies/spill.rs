//! Snapshots on disk, as a failing disk may have left them.

use std::sync::Arc;

use lakeshare::spill::manifest::{Manifest, seal};
use lakeshare::spill::segment_file::parse;
use lakeshare::table::file_list::FileList;
use lakeshare::table::file_list_parts::Part;

/// The bytes are a manifest, with their own digest and with the right one.
pub fn manifest(bytes: &[u8]) {
    let _ = Manifest::parse(bytes);
    let mut sealed = bytes.to_vec();
    seal(&mut sealed);
    if let Ok((manifest, _)) = Manifest::parse(&sealed) {
        let again = Manifest::parse(&manifest.to_bytes().expect("memory takes it"));
        assert_eq!(again.expect("what was written is read").0, manifest);
    }
}

/// The bytes are the file of a segment. What is read from it lies in bounds; its statistics only the digest vouches
/// for, which nobody looks at here.
pub fn segment_file(bytes: &[u8]) {
    let mut input = bytes;
    let Ok((segment, _)) = parse(&mut input, bytes.len() as u64) else { return };
    let rows = segment.row_count();
    let part = Part { segment: Arc::new(segment), live: None, size_bytes: 0 };
    let Ok(list) = FileList::of_parts([part]) else {
        assert_eq!(rows, 0, "only a list of nothing is refused");
        return;
    };
    let runs = (0..list.block_count()).flat_map(|index| list.block_runs(index));
    let in_runs = runs.map(|(partition, count)| {
        let _ = list.partition_text(partition);
        count
    });
    assert_eq!(in_runs.sum::<usize>(), rows);
    let (page, _) = list.page(None, 10);
    assert_eq!(page.file_count(), rows.min(10) as u64);
    assert_eq!(list.of_partitions(&mut |_| true).file_count(), rows as u64);
    assert!(list.outside().len() <= 2 * rows);
    assert!(list.has_deletion_vectors() || list.with_rows(1).file_count() >= 1);
}
