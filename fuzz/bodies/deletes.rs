//! Delete files of Iceberg tables, broken or hostile.

use std::sync::LazyLock;

use bytes::Bytes;
use lakeshare::deletes::position_file::PositionFile;
use lakeshare::deletes::positions::Positions;
use lakeshare::deletes::vector_blob;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    runtime.expect("a runtime")
});

/// Rows are told in ascending order, and as many as are counted.
fn check(positions: &Positions) {
    let mut before = None;
    let mut count = 0;
    // Runs make billions of rows of a few bytes.
    for row in positions.iter().take(100_000) {
        assert!(before.is_none_or(|before| before < row) && row <= i64::MAX as u64);
        before = Some(row);
        count += 1;
    }
    assert!(count == positions.count() || count == 100_000 && count < positions.count());
    assert_eq!(count == 0, positions.is_empty());
}

/// The bytes are a blob, and the bitmaps of one.
pub fn vector(bytes: &[u8]) {
    for record_count in 0..3 {
        if let Ok(positions) = vector_blob::parse(bytes, record_count) {
            assert_eq!(positions.count(), record_count);
            check(&positions);
        }
    }
    if let Ok(positions) = Positions::parse(bytes) {
        check(&positions);
    }
}

/// The bytes are a position delete file.
pub fn positions(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    for wanted in [vec!["s3://b/t/data/2.parquet".to_owned()], Vec::new()] {
        let bytes = bytes.clone();
        // The decoder is not ours and may panic; the server takes that for a refusal.
        let read = RUNTIME.block_on(RUNTIME.spawn_blocking(move || PositionFile::read(bytes, &wanted)));
        let Ok(Ok(file)) = read else { continue };
        for path in file.paths() {
            check(file.of(path).expect("a path that is told has rows"));
        }
    }
}
