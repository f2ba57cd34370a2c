//! How each phase is measured on one server.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::{Days, NaiveDate};

use crate::iceberg;
use crate::load::{self, Compression, Listing, Query};
use crate::scenario;
use crate::table;
use crate::usage::{Process, tcp_memory_bytes};

use super::plan::Phase;
use super::record::{Record, Sample, Side, Spread};
use super::slow::{self, Crowd, pause};
use super::small;
use super::target::Target;

/// URLs of one measurement at least, so that a table of 1,000 files is listed often enough to be measured.
const URLS_PER_REPEAT: u64 = 100_000;
const SMALL_DURATION: Duration = Duration::from_secs(2);
const SLOW_DURATION: Duration = Duration::from_secs(15);
/// Between two questions of the reader beside the slow ones.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);
const COMMIT_ADDS: u64 = 10;
const COMMIT_TIMEOUT: Duration = Duration::from_mins(10);
/// A server at rest uses less than this share of a core.
const REST_SHARE_MAX: f64 = 0.02;
const REST_LOOK: Duration = Duration::from_millis(250);
/// Looks in a row that find it at rest.
const QUIET_LOOKS: u32 = 6;
const REST_TIMEOUT: Duration = Duration::from_mins(2);
const SAMPLE_INTERVAL: Duration = Duration::from_millis(20);
/// Lets the server's threads come to rest, so that the kernel has counted what they did.
const SETTLE: Duration = Duration::from_millis(20);
/// A server that needs more for slow readers is not asked for more of them.
const MEMORY_BYTES_MAX: u64 = 8 << 30;
const EVERYTHING: &str = "{}";
const ONE_FILE: &str = "{\"limitHint\":1}";

/// Commits that this run has made; they are taken away when it ends, so that the next run finds the same tables.
#[derive(Debug, Default)]
pub struct Commits(Vec<PathBuf>);

impl Commits {
    pub fn added_files(&self) -> u64 {
        self.0.len() as u64 * COMMIT_ADDS
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        for path in self.0.drain(..) {
            if let Err(error) = std::fs::remove_file(&path) {
                eprintln!("{} stays: {error}", path.display());
            }
        }
    }
}

/// Measures `phase` and says what each repeat found; nothing where the server does not offer it.
pub fn measure(
    target: &Target,
    phase: Phase,
    repeats: u32,
    commits: &mut Commits,
) -> anyhow::Result<Vec<Record>> {
    let again = |body: &str, compression| target.query(body, compression);
    let plain = || again(EVERYTHING, Compression::None);
    let mut samples = Vec::new();
    match phase {
        Phase::Cold | Phase::AfterRestart => samples.push(listings(target, &[plain()], 1)?),
        Phase::Warm | Phase::Finished => {
            load::list(&plain())?;
            repeat(repeats, &mut samples, || listings(target, &[plain()], often(target)))?;
        }
        Phase::GzipFirst | Phase::GzipFinished => {
            let opened = load::list(&again(EVERYTHING, Compression::Gzip))?;
            check_files(target, &opened)?;
            if opened.is_gzip {
                let query = again(EVERYTHING, Compression::GzipUnread);
                repeat(repeats, &mut samples, || {
                    listings(target, std::slice::from_ref(&query), often(target))
                })?;
            }
        }
        Phase::Crowd8 => samples.push(listings(target, &vec![plain(); 8], 1)?),
        Phase::Crowd64 | Phase::FinishedCrowd64 => samples.push(listings(target, &vec![plain(); 64], 1)?),
        Phase::Day => repeat_counted(repeats + 2, &mut samples, |number| one_day(target, number))?,
        Phase::Commit if target.directory.is_some() => {
            load::list(&again(ONE_FILE, Compression::None))?;
            repeat(repeats + 2, &mut samples, || one_commit(target, commits))?;
        }
        Phase::Shares | Phase::Tables | Phase::Version | Phase::Metadata => {
            repeat(repeats.min(3), &mut samples, || burst(target, &small_path(target, phase)))?;
        }
        Phase::Slow1000 => samples.push(slow_readers(target, 1_000, 100_000)?),
        Phase::Slow10000 => samples.push(slow_readers(target, 10_000, 10_000)?),
        // A restart is measured by whoever can start the server.
        Phase::Restart | Phase::Commit => {}
    }
    Ok(records(target, phase, samples))
}

/// Numbers the samples of one phase.
pub fn records(target: &Target, phase: Phase, samples: Vec<Sample>) -> Vec<Record> {
    let record = |(repeat, sample)| Record { side: target.side, phase, files: target.files, repeat, sample };
    (1..).zip(samples).map(record).collect()
}

fn repeat(
    count: u32,
    samples: &mut Vec<Sample>,
    mut once: impl FnMut() -> anyhow::Result<Sample>,
) -> anyhow::Result<()> {
    repeat_counted(count, samples, |_| once())
}

fn repeat_counted(
    count: u32,
    samples: &mut Vec<Sample>,
    mut once: impl FnMut(u32) -> anyhow::Result<Sample>,
) -> anyhow::Result<()> {
    for number in 0..count.max(1) {
        samples.push(once(number)?);
    }
    Ok(())
}

/// Listings one after the other in one measurement.
fn often(target: &Target) -> u64 {
    let most = if target.side == Side::Rival { 5 } else { 100 };
    (URLS_PER_REPEAT / target.files.max(1)).clamp(1, most)
}

/// Watches the server's process while `work` runs.
fn watched<T>(process: Process, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Sample)> {
    process.reset_peak()?;
    let tcp_before = tcp_memory_bytes()?;
    let before = process.usage()?;
    let (is_over, tcp_peak) = (AtomicBool::new(false), AtomicU64::new(tcp_before));
    let started = Instant::now();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                tcp_peak.fetch_max(tcp_memory_bytes().unwrap_or(0), Ordering::Relaxed);
                pause(SAMPLE_INTERVAL);
            }
        });
        let result = work();
        is_over.store(true, Ordering::Relaxed);
        result
    });
    let wall_seconds = started.elapsed().as_secs_f64();
    pause(SETTLE);
    let after = process.usage()?;
    let sample = Sample {
        cpu_seconds: after.cpu_seconds_since(&before),
        wall_seconds,
        memory_bytes: before.memory_bytes,
        peak_memory_bytes: after.peak_memory_bytes.max(before.memory_bytes),
        tcp_memory_bytes: tcp_peak.into_inner().saturating_sub(tcp_before),
        ..Sample::default()
    };
    Ok((result?, sample))
}

fn check_files(target: &Target, listing: &Listing) -> anyhow::Result<()> {
    let (found, expected) = (listing.file_lines, target.files + target.added_files);
    ensure!(found == expected, "the listing has {found} files, the table {expected}");
    Ok(())
}

/// Sends all `queries` at once, `count` times one after the other, and checks that each answer is whole.
fn listings(target: &Target, queries: &[Query], count: u64) -> anyhow::Result<Sample> {
    let ask = |query: &Query| (0..count).map(|_| load::list(query)).collect::<anyhow::Result<Vec<_>>>();
    let (found, sample) = watched(target.process, || match queries {
        [query] => ask(query),
        _ => std::thread::scope(|scope| {
            let readers: Vec<_> = queries.iter().map(|query| scope.spawn(|| ask(query))).collect();
            let join = |reader: std::thread::ScopedJoinHandle<'_, anyhow::Result<Vec<Listing>>>| {
                reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            let answers = readers.into_iter().map(join).collect::<anyhow::Result<Vec<_>>>()?;
            Ok(answers.concat())
        }),
    })?;
    for listing in found.iter().filter(|listing| listing.lines > 0) {
        check_files(target, listing)?;
    }
    let urls = (target.files + target.added_files) * found.len() as u64;
    Ok(Sample { urls, ..with_listings(sample, &found) })
}

fn with_listings(sample: Sample, found: &[Listing]) -> Sample {
    Sample {
        requests: found.len() as u64,
        urls: found.iter().map(|listing| listing.file_lines).sum(),
        body_bytes: found.iter().map(|listing| listing.body_bytes).sum(),
        first_byte_ms: Spread::of(found.iter().map(|listing| listing.first_byte_ms).collect()),
        whole_ms: Spread::of(found.iter().map(|listing| listing.whole_ms).collect()),
        ..sample
    }
}

/// The query for one day of the table; each number has a day of its own, so that no answer was given before.
pub fn day_query(target: &Target, number: u32) -> Query {
    let first = NaiveDate::from_ymd_opt(1994, 6, 1).unwrap_or_default();
    let day = first + Days::new(u64::from(number) * 37 % 1_000);
    let hint = serde_json::json!({"op": "equal", "children": [
        {"op": "column", "name": crate::file::PARTITION_COLUMN, "valueType": "date"},
        {"op": "literal", "value": day.to_string(), "valueType": "date"},
    ]});
    target.query(serde_json::json!({"jsonPredicateHints": hint.to_string()}).to_string(), Compression::None)
}

fn one_day(target: &Target, number: u32) -> anyhow::Result<Sample> {
    let (found, sample) = watched(target.process, || load::list(&day_query(target, number)))?;
    Ok(with_listings(sample, &[found]))
}

/// Commits, and asks for one file until the answer is of the new version.
fn one_commit(target: &Target, commits: &mut Commits) -> anyhow::Result<Sample> {
    let directory = target.directory.as_deref().context("the table's directory is not known")?;
    let query = target.query(ONE_FILE, Compression::None);
    let (found, sample) = watched(target.process, || {
        let nothing = scenario::Table::of(0);
        let (version, path) = if target.side == Side::Iceberg {
            let version = iceberg::append(directory, &nothing, COMMIT_ADDS)?;
            (version, iceberg::metadata_path(&directory.join("metadata"), version))
        } else {
            let version = table::append(directory, &nothing, COMMIT_ADDS)?;
            (version, table::commit_path(&directory.join("_delta_log"), version))
        };
        commits.0.push(path);
        let started = Instant::now();
        loop {
            let listing = load::list(&query)?;
            if listing.table_version >= Some(version) {
                return Ok(listing);
            }
            ensure!(started.elapsed() < COMMIT_TIMEOUT, "version {version} is not served");
        }
    })?;
    Ok(with_listings(sample, &[found]))
}

fn small_path(target: &Target, phase: Phase) -> String {
    let (endpoint, table, share) = (&target.endpoint_path, &target.table_path, &target.share);
    match phase {
        Phase::Tables => format!("{endpoint}/shares/{share}/all-tables"),
        Phase::Version => format!("{table}/version"),
        Phase::Metadata => format!("{table}/metadata"),
        _ => format!("{endpoint}/shares"),
    }
}

fn burst(target: &Target, path: &str) -> anyhow::Result<Sample> {
    let (burst, sample) = watched(target.process, || small::ask(target, path, SMALL_DURATION))?;
    let latencies = Spread::of(burst.latencies_ms.clone());
    Ok(Sample {
        requests: burst.latencies_ms.len() as u64,
        body_bytes: burst.body_bytes,
        first_byte_ms: latencies,
        whole_ms: latencies,
        ..sample
    })
}

/// A crowd of slow readers, and beside them one that asks for one file again and again: its times are the sample's.
fn slow_readers(target: &Target, count: usize, bytes_per_second: usize) -> anyhow::Result<Sample> {
    slow::allow_connections(count as u64)?;
    wait_for_rest(target.process)?;
    let probe = target.query(ONE_FILE, Compression::None);
    let is_over = AtomicBool::new(false);
    let (found, sample) = watched(target.process, || {
        let mut crowd = Crowd::open(&target.query(EVERYTHING, Compression::None), count, || {
            let usage = target.process.usage()?;
            ensure!(
                usage.memory_bytes < MEMORY_BYTES_MAX,
                "the server holds {} MiB",
                usage.memory_bytes >> 20
            );
            Ok(())
        })?;
        let probes = std::thread::scope(|scope| {
            let prober = scope.spawn(|| {
                let mut found = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    found.push(load::list(&probe)?);
                    pause(PROBE_INTERVAL);
                }
                anyhow::Ok(found)
            });
            let read = crowd.read(bytes_per_second, SLOW_DURATION);
            is_over.store(true, Ordering::Relaxed);
            let found = prober.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            read.map(|()| found)
        })?;
        let ended = crowd.ended();
        ensure!(ended == 0, "{ended} of {count} slow readers lost their connection");
        Ok((probes, crowd.received_bytes))
    })?;
    let (probes, received_bytes) = found;
    Ok(Sample {
        requests: count as u64,
        urls: 0,
        body_bytes: received_bytes,
        ..with_listings(sample, &probes)
    })
}

/// Waits until the server has nothing left to do: a segment to write, memory to give back.
pub fn wait_for_rest(process: Process) -> anyhow::Result<()> {
    let started = Instant::now();
    let (mut before, mut written, mut quiet_looks) = (process.usage()?, process.written_bytes()?, 0);
    while quiet_looks < QUIET_LOOKS && started.elapsed() < REST_TIMEOUT {
        pause(REST_LOOK);
        let (now, written_now) = (process.usage()?, process.written_bytes()?);
        let is_idle = now.cpu_seconds_since(&before) < REST_LOOK.as_secs_f64() * REST_SHARE_MAX;
        quiet_looks = if is_idle && written_now == written { quiet_looks + 1 } else { 0 };
        (before, written) = (now, written_now);
    }
    Ok(())
}
