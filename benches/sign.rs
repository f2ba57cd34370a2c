//! Presigned URLs a second, against rusty-s3 on the same files.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lakeshare::sigv4::credential::Credential;
use lakeshare::sigv4::presign::{EncodedPath, PresignScope, Presigner};
use lakeshare::simd::sha256::{BLOCK_BYTES, INITIAL, compress_pair};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

const FILES: u64 = 1_000;
/// SHA-256 blocks that a usual URL takes.
const BLOCKS_PER_URL: usize = 10;
const ROUNDS: usize = 50;
const NOW_MS: i64 = 1_790_000_123_456;
const LOCATION: &str = "warehouse/sales/orders";

/// Paths as Spark names them, below one of 30 partitions.
fn paths() -> Vec<(String, String)> {
    let name = |number: u64| {
        let digits = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (a, b) = (digits >> 32, digits & 0xFFFF_FFFF_FFFF);
        format!("part-{number:05}-{a:08x}-3f12-4f06-8ac4-{b:012x}-c000.snappy.parquet")
    };
    (0..FILES).map(|number| (format!("date%3D2024-01-{:02}/", number % 30 + 1), name(number))).collect()
}

fn encoded(paths: &[(String, String)]) -> Vec<EncodedPath<'_>> {
    paths
        .iter()
        .map(|(directory, name)| EncodedPath { directory: directory.as_bytes(), name: name.as_bytes() })
        .collect()
}

fn credential() -> Credential {
    Credential {
        access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
    }
}

fn scope(credential: &Credential) -> PresignScope<'_> {
    PresignScope {
        recipient: None,
        endpoint: "https://storage.example.com",
        bucket: "lakehouse",
        key_prefix: LOCATION,
        region: "us-east-1",
        credential,
        signed_at_ms: NOW_MS,
        expires_seconds: 3600,
    }
}

#[expect(clippy::expect_used, reason = "the constants of a bench are right")]
fn sign(criterion: &mut Criterion) {
    let credential = credential();
    let scope = scope(&credential);
    let paths = paths();
    let mut group = criterion.benchmark_group("sign");
    group.throughput(Throughput::Elements(FILES));
    let encoded = encoded(&paths);
    group.bench_function("presigner/1000", |bencher| {
        let mut presigner = Presigner::new(&scope);
        let mut out = Vec::with_capacity(1 << 20);
        bencher.iter(|| {
            out.clear();
            for path in &encoded {
                presigner.presign(*path, &mut out);
            }
            black_box(out.len())
        });
    });
    group.bench_function("presigner, two files side by side/1000", |bencher| {
        let mut presigner = Presigner::new(&scope);
        let mut out = Vec::with_capacity(1 << 20);
        bencher.iter(|| {
            out.clear();
            for pair in encoded.as_chunks::<2>().0 {
                for (path, signature) in pair.iter().zip(presigner.sign_pair(*pair)) {
                    presigner.push_url(*path, &signature, &mut out);
                }
            }
            black_box(out.len())
        });
    });
    group.bench_function("rusty-s3/1000", |bencher| {
        let endpoint = "https://storage.example.com".parse().expect("a URL");
        let bucket = Bucket::new(endpoint, UrlStyle::Path, "lakehouse", "us-east-1").expect("a bucket");
        let theirs = Credentials::new(&credential.access_key, &credential.secret_key);
        let keys: Vec<String> = paths
            .iter()
            .map(|(directory, name)| format!("{LOCATION}/{}{name}", directory.replace("%3D", "=")))
            .collect();
        let now = jiff::Timestamp::from_millisecond(NOW_MS).expect("a moment");
        bencher.iter(|| {
            for key in &keys {
                black_box(
                    bucket.get_object(Some(&theirs), key).sign_with_time(Duration::from_mins(75), &now),
                );
            }
        });
    });
    group.bench_function("new/1", |bencher| {
        bencher.iter(|| black_box(Presigner::new(&scope)).expiration_ms());
    });
    group.finish();
}

/// What the hashing alone costs: the bound of all signing. Ten blocks make a usual URL.
fn hash(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sign");
    group.throughput(Throughput::Elements(FILES));
    group.bench_function("blocks of SHA-256, two messages side by side/10000", |bencher| {
        let blocks = vec![[7; BLOCK_BYTES]; 5_000];
        let (mut first, mut second) = (INITIAL, INITIAL);
        bencher.iter(|| {
            compress_pair([&mut first, &mut second], [&blocks, &blocks]);
            black_box(first.iter().zip(second).fold(0, |sum, (one, other)| sum ^ one ^ other))
        });
    });
    group.finish();
}

/// Signing alone as a share of what the same processor hashes; both in one run, the best of many.
#[expect(clippy::print_stdout, reason = "a bench reports on its own terminal")]
fn share(_: &mut Criterion) {
    let credential = credential();
    let mut presigner = Presigner::new(&scope(&credential));
    let paths = paths();
    let encoded = encoded(&paths);
    let signing = best(|| {
        for pair in encoded.as_chunks::<2>().0 {
            black_box(presigner.sign_pair(*pair));
        }
    });
    let blocks = vec![[7; BLOCK_BYTES]; encoded.len() * BLOCKS_PER_URL / 2];
    let hashing = best(|| {
        let (mut first, mut second) = (INITIAL, INITIAL);
        compress_pair([&mut first, &mut second], [&blocks, &blocks]);
        black_box((first, second));
    });
    let ns_per_url = |time: Duration| time.as_nanos() / u128::from(FILES);
    println!(
        "sign/share: {:.0} % of raw SHA-256 ({} ns a signature, {} ns for {BLOCKS_PER_URL} blocks)",
        hashing.as_secs_f64() / signing.as_secs_f64() * 100.0,
        ns_per_url(signing),
        ns_per_url(hashing)
    );
}

/// The shortest time of `work`: what disturbs it only adds.
fn best(mut work: impl FnMut()) -> Duration {
    let time = |_| {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    (0..ROUNDS).map(time).min().unwrap_or_default()
}

criterion_group!(benches, sign, hash, share);
criterion_main!(benches);
