//! Listings chunk by chunk: bounds, order, finished runs, turns.

use super::*;
use crate::limits::STATS_BLOCK_FILES;
use crate::sharing::capabilities::Format;
use crate::sharing::fixture;
use crate::sharing::fixture::unpack;
use crate::skip::hints::Hints;
use crate::skip::predicate::Predicate;
use crate::table::file_list_builder::FileListBuilder;
use crate::table::path_digest::{PathDigest, PathDigests};
use crate::telemetry::metrics::FinishedMetrics;

/// Units of a turn at the core (tokio).
const TURN_UNITS: usize = 128;

/// A line of the fixture is shorter.
const LINE_BYTES_MAX: usize = 1_000;

const CODINGS: [Coding; 3] = [Coding::Identity, Coding::Zstd, Coding::Gzip];

const NOW_MS: i64 = 1_790_000_123_456;

fn listing(file_count: usize, row_limit: Option<u64>, with_end: bool) -> Listing {
    let finished = finished(0);
    listing_of(fixture::snapshot(file_count).files, (Format::Parquet, NOW_MS), &finished, |parts| {
        parts.row_limit = row_limit;
        parts.end = with_end.then(EndTokens::default);
    })
}

fn finished(budget_bytes: usize) -> Arc<FinishedRuns> {
    Arc::new(FinishedRuns::new(budget_bytes, FinishedMetrics::default()))
}

fn listing_of(
    files: FileList,
    (format, now_ms): (Format, i64),
    finished: &Arc<FinishedRuns>,
    change: impl FnOnce(&mut ListingParts),
) -> Listing {
    let mut parts = ListingParts {
        version: 7,
        files,
        head: b"head\n".to_vec(),
        lines: LineWriter::new(fixture::signing(), format, format, now_ms),
        pruner: None,
        row_limit: None,
        end: None,
        coding: Coding::Identity,
        finished: Arc::clone(finished),
        clock: Clock::fixed(now_ms),
    };
    change(&mut parts);
    Listing::new(parts, Access::begin("query"))
}

fn chunks(mut listing: Listing) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| listing.next_chunk()).map(|chunk| chunk.to_vec()).collect()
}

fn paths(chunks: &[Vec<u8>]) -> Vec<String> {
    let text = String::from_utf8(chunks.concat()).unwrap();
    assert!(text.starts_with("head\n") && text.ends_with('\n') && !text.ends_with("\n\n"));
    let files = text.lines().skip(1).filter(|line| line.starts_with("{\"file\""));
    files.map(|line| line.split_once("part-").unwrap().1[..5].to_owned()).collect()
}

/// Numbers of the files, by their dates and then as they came.
fn in_order(file_count: usize) -> Vec<usize> {
    (0..3).flat_map(|day| (day..file_count).step_by(3)).collect()
}

#[test]
fn chunks_are_bounded_and_hold_every_file_once_in_order() {
    let chunks = chunks(listing(5_000, None, false));
    assert!(chunks.len() > 10);
    let slack_bytes = 4 * LINE_BYTES_MAX;
    assert!(chunks[1].len() >= FIRST_RUN_BYTES && chunks[1].len() < FIRST_RUN_BYTES + slack_bytes);
    assert!(chunks.iter().all(|chunk| chunk.len() < RUN_BYTES_MAX + slack_bytes));
    assert!(chunks.iter().all(|chunk| chunk.len() < RUN_FILES_MAX * LINE_BYTES_MAX));
    let expected: Vec<String> = in_order(5_000).iter().map(|number| format!("{number:05}")).collect();
    assert!(paths(&chunks) == expected);
}

#[test]
fn the_same_question_gets_the_same_bytes() {
    assert_eq!(chunks(listing(3_000, None, true)).concat(), chunks(listing(3_000, None, true)).concat());
}

#[test]
fn an_empty_table_has_a_head_and_nothing_else() {
    assert_eq!(chunks(listing(0, None, false)).concat(), b"head\n");
}

#[test]
fn a_row_limit_stops_after_enough_counted_rows() {
    // File n holds n + 1 rows; every fifth but the first has no count: 1, 4, 7, 10, 13, ?, 19, …
    assert_eq!(in_order(50)[..7], [0, 3, 6, 9, 12, 15, 18]);
    for (limit, files) in [(0, 0), (1, 1), (2, 2), (5, 2), (6, 3), (35, 5), (36, 7), (54, 7)] {
        let chunks = chunks(listing(50, Some(limit), false));
        assert_eq!(paths(&chunks).len(), files, "limit {limit}");
    }
    assert_eq!(paths(&chunks(listing(4, Some(1_000), false))).len(), 4);
}

fn hinted(file_count: usize, hint: &str) -> Listing {
    let hints = Hints { sql: vec![hint.to_owned()], json: None };
    let predicate = Predicate::compile(&hints, &fixture::snapshot(0).metadata);
    let mut listing = listing(file_count, None, true);
    listing.parts.pruner = Pruner::new(predicate);
    listing
}

#[test]
fn a_hint_leaves_out_files_and_keeps_the_order_of_the_rest() {
    // Every third file is of that day; file n has the id n at least.
    let kept = paths(&chunks(hinted(5_000, "date = '2024-01-02' AND id IS NOT NULL")));
    let expected: Vec<String> =
        (0..5_000).filter(|number| number % 3 == 1).map(|number| format!("{number:05}")).collect();
    assert_eq!(kept, expected);
    assert_eq!(paths(&chunks(hinted(5_000, "nosuch = 1"))).len(), 5_000);
}

#[test]
fn many_refused_files_in_a_row_give_way_to_others_and_end_all_the_same() {
    let never = || {
        let mut listing = hinted(0, "id < 0");
        listing.parts.files = fixture::described(100 * STATS_BLOCK_FILES).files;
        listing
    };
    let chunks = chunks(never());
    assert!(chunks.iter().filter(|chunk| chunk.is_empty()).count() > 1);
    assert_eq!(String::from_utf8(chunks.concat()).unwrap().lines().count(), 2);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = http_body_util::BodyExt::collect(never());
    assert_eq!(runtime.block_on(body).unwrap().to_bytes(), chunks.concat());
}

#[test]
fn files_of_refused_partitions_cost_no_turn_of_their_own() {
    let chunks = chunks(hinted(70 * STATS_BLOCK_FILES, "date = 'never'"));
    assert_eq!(chunks.len(), 3, "the head, no files, the end");
    assert_eq!(String::from_utf8(chunks.concat()).unwrap().lines().count(), 2);
}

#[test]
fn the_last_line_is_the_end_exactly_when_it_was_asked_for() {
    for (row_limit, files) in [(None, 40), (Some(0), 0), (Some(1), 1)] {
        let text = String::from_utf8(chunks(listing(40, row_limit, true)).concat()).unwrap();
        assert_eq!(text.lines().count(), 1 + files + 1);
        assert!(text.lines().last().unwrap().starts_with("{\"endStreamAction\":{\"minUrlExpiration"));
    }
}

/// A version, the next one without every 700th file, and what is left of both in one partition.
fn versions(file_count: usize) -> Vec<FileList> {
    let first = fixture::snapshot(file_count).files;
    let mut removed = PathDigests::default();
    for number in (0..file_count).step_by(700) {
        let path = format!("date=2024-01-0{}/part-{number:05}-c000.snappy.parquet", number % 3 + 1);
        removed.insert(PathDigest::of(path.as_bytes()));
    }
    let second = first.successor(&removed, FileListBuilder::default(), &mut |_, _| {});
    let of_day = |list: &FileList| list.of_partitions(&mut |json| json == br#"{"date":"2024-01-02"}"#);
    vec![of_day(&first), of_day(&second), first, second]
}

#[test]
fn answers_are_the_same_bytes_whatever_was_finished_before() {
    let versions = versions(1_401);
    let off = finished(0);
    let answer = |files: &FileList, format, coding, finished: &Arc<FinishedRuns>| {
        chunks(listing_of(files.clone(), (format, NOW_MS), finished, |parts| parts.coding = coding)).concat()
    };
    // A run or two are kept, about a half, all.
    for budget_bytes in [100 << 10, 400 << 10, 64 << 20] {
        let finished = finished(budget_bytes);
        for turn in 0..2 {
            for files in &versions {
                for format in [Format::Parquet, Format::Delta] {
                    let expected = answer(files, format, Coding::Identity, &off);
                    assert_eq!(expected.split(|&byte| byte == b'\n').count() as u64, files.file_count() + 2);
                    for coding in CODINGS {
                        let packed = answer(files, format, coding, &finished);
                        assert!(
                            packed == answer(files, format, coding, &off),
                            "{budget_bytes} {turn} {coding:?}"
                        );
                        assert!(unpack(coding, &packed) == expected, "{budget_bytes} {turn} {coding:?}");
                    }
                }
            }
        }
        assert!(finished.bytes() <= budget_bytes as u64);
    }
}

#[test]
fn the_next_version_takes_over_all_runs_of_untouched_blocks() {
    let (first, finished) = (fixture::snapshot(32 * STATS_BLOCK_FILES).files, finished(64 << 20));
    let mut removed = PathDigests::default();
    removed.insert(PathDigest::of(b"date=2024-01-02/part-00001-c000.snappy.parquet"));
    let second = first.successor(&removed, FileListBuilder::default(), &mut |_, _| {});
    let list = |files: &FileList, now_ms| {
        chunks(listing_of(files.clone(), (Format::Parquet, now_ms), &finished, |_| {}));
        (finished.metrics().hits.get(), finished.metrics().misses.get())
    };
    let (_, all) = list(&first, NOW_MS);
    let (hits, misses) = list(&second, NOW_MS);
    assert!(misses - all <= all / 4 + 1 && hits >= all * 3 / 4 - 1, "{all}: {hits}, {misses}");
    assert_eq!(list(&first, NOW_MS), (hits + all, misses));
    // The next bucket of time has other bytes, and those of the last one leave.
    let kept_bytes = finished.bytes();
    assert_eq!(list(&first, NOW_MS + 3_600_000), (hits + all, misses + all));
    assert!(finished.bytes() < kept_bytes);
}

#[test]
fn what_a_question_chooses_is_packed_too() {
    for coding in CODINGS {
        let chosen = |coding| {
            let mut listing = hinted(2_000, "date = '2024-01-02'");
            listing.packing = Packing::new(coding);
            chunks(listing).concat()
        };
        assert_eq!(unpack(coding, &chosen(coding)), chosen(Coding::Identity));
    }
}

#[test]
fn a_turn_hands_on_few_runs_and_then_others_have_theirs() {
    let (files, finished) = (fixture::snapshot(8_000).files, finished(64 << 20));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for is_finished in [false, true] {
        let mut listing = listing_of(files.clone(), (Format::Parquet, NOW_MS), &finished, |_| {});
        let mut turns = Vec::new();
        runtime.block_on(std::future::poll_fn(|context| {
            let mut chunks = Vec::new();
            // Whoever asks again within a turn gets nothing more.
            for _ in 0..100 {
                match http_body::Body::poll_frame(Pin::new(&mut listing), context) {
                    Poll::Ready(Some(frame)) => chunks.push(frame.unwrap().into_data().unwrap().len()),
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            turns.push(chunks);
            Poll::Pending
        }));
        let most = |of: fn(&Vec<usize>) -> usize| turns.iter().map(of).max().unwrap();
        if is_finished {
            let bytes = most(|chunks| chunks.iter().sum());
            assert!(bytes >= TURN_UNITS * FINISHED_BYTES_PER_UNIT / 2, "{bytes}");
            assert!(bytes <= TURN_UNITS * FINISHED_BYTES_PER_UNIT + RUN_BYTES_MAX, "{bytes}");
        } else {
            // The head comes before the first run, and what a run costs is paid before the next.
            assert_eq!((most(Vec::len), turns[1].len()), (3, 1));
        }
        assert!(turns.len() >= 4, "{turns:?}");
    }
}
