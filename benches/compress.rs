//! Packing lines piece by piece, own deflate beside libraries.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a measurement stops where something is not as it should be"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flate2::{Compress, Compression, FlushCompress};
use lakeshare::encode::gzip::Packer;

#[allow(dead_code, reason = "shared with measurements of logs, of which this one needs a part")]
mod inputs;

const LINES: usize = 4_096;
const PIECE_LINES: usize = 128;

/// Lines as they are sent; a piece each 128 lines.
fn pieces() -> Vec<String> {
    let line = |number: usize| {
        let (path, stats) = (inputs::path(number), inputs::stats(number).replace('"', "\\\""));
        let digits =
            |salt: u128| (number as u128 + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let (signature, id) =
            (format!("{:032x}{:032x}", digits(1), digits(2)), format!("{:032x}", digits(3)));
        let scope = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=urls-1a2b3c%2F20261123%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261123T060000Z&X-Amz-Expires=7200&X-Amz-SignedHeaders=host";
        format!(
            "{{\"file\":{{\"url\":\"https://share.example.com:9000/lake/lineitem/{}?{scope}&X-Amz-Signature={signature}\",\"id\":\"{id}\",\"partitionValues\":{{\"l_shipdate\":\"{}\"}},\"size\":{},\"stats\":\"{stats}\",\"expirationTimestamp\":1795387951160}}}}\n",
            path.replace('=', "%3D"),
            inputs::date(number),
            5_000_000 + number * 31,
        )
    };
    let lines: Vec<String> = (0..LINES).map(line).collect();
    lines.chunks(PIECE_LINES).map(|lines| lines.concat()).collect()
}

fn compress(c: &mut Criterion) {
    let pieces = pieces();
    let bytes: usize = pieces.iter().map(String::len).sum();
    let mut group = c.benchmark_group("compress");
    group.throughput(Throughput::Elements(LINES as u64));
    let mut measure = |name: &str, pack: &mut dyn FnMut(&[u8], &mut Vec<u8>)| {
        let mut out = Vec::with_capacity(bytes);
        pieces.iter().for_each(|piece| pack(piece.as_bytes(), &mut out));
        println!("{name}: {} bytes a line of {}", out.len() / LINES, bytes / LINES);
        group.bench_function(BenchmarkId::new(name, bytes), |bencher| {
            bencher.iter(|| {
                out.clear();
                pieces.iter().for_each(|piece| pack(black_box(piece.as_bytes()), &mut out));
                out.len()
            });
        });
    };
    let mut packer = Packer::default();
    measure("gzip", &mut |piece, out| {
        packer.push_piece(piece, out);
    });
    for level in [1, 4, 6] {
        let mut deflate = Compress::new(Compression::new(level), false);
        measure(&format!("zlib-rs {level}"), &mut |piece, out| {
            deflate.reset();
            out.reserve(piece.len() + 1_024);
            deflate.compress_vec(piece, out, FlushCompress::Full).unwrap();
        });
    }
    let mut zstd = zstd::bulk::Compressor::new(1).unwrap();
    measure("zstd 1", &mut |piece, out| out.extend_from_slice(&zstd.compress(piece).unwrap()));
    group.finish();
}

criterion_group!(benches, compress);
criterion_main!(benches);
