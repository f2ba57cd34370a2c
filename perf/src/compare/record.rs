//! What one measurement found, and the figures that follow from it.

use serde::{Deserialize, Serialize};

use super::plan::Phase;

/// Whose server answered, and of which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Ours,
    /// Ours, of the same files as an Iceberg table.
    Iceberg,
    Rival,
}

/// One repeat of one phase: a line of `raw.ndjson`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    pub side: Side,
    pub phase: Phase,
    /// Of the table.
    pub files: u64,
    pub repeat: u32,
    pub sample: Sample,
}

/// Some requests, and what they cost the server.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Sample {
    pub requests: u64,
    /// Presigned URLs in all answers.
    pub urls: u64,
    /// Bytes of all bodies as they were sent, without the framing of chunks.
    pub body_bytes: u64,
    pub cpu_seconds: f64,
    pub wall_seconds: f64,
    /// From a request to the first byte of its answer's body.
    pub first_byte_ms: Spread,
    /// To the last byte.
    pub whole_ms: Spread,
    /// Resident memory of the server when the measurement began.
    pub memory_bytes: u64,
    /// The most that was resident meanwhile.
    pub peak_memory_bytes: u64,
    /// Growth of the memory of all TCP sockets of the machine, both ends counted.
    pub tcp_memory_bytes: u64,
}

/// How values are spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// What a figure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    UrlsPerCpuSecond,
    RequestsPerCpuSecond,
    /// Of one request.
    CpuMs,
    /// The median of a repeat.
    FirstByteMs,
    WholeMs,
    MemoryBytesPerFile,
    PeakMemoryBytes,
    MemoryGrowthBytes,
    /// Memory of the server and of the sockets on both ends, for each reader.
    BytesPerReader,
}

impl Spread {
    /// Quantiles by the nearest rank; zeros of nothing.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rank within the list"
            )]
            let index = (share * values.len() as f64).ceil() as usize;
            values.get(index.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { p50: rank(0.5), p99: rank(0.99), p999: rank(0.999), max: rank(1.0) }
    }
}

impl Sample {
    pub fn memory_growth_bytes(&self) -> u64 {
        self.peak_memory_bytes.saturating_sub(self.memory_bytes)
    }
}

impl Measure {
    /// Whether more of it is better; the others are costs.
    pub fn is_rate(self) -> bool {
        matches!(self, Self::UrlsPerCpuSecond | Self::RequestsPerCpuSecond)
    }

    /// The value of one sample of a table of `files`; `None` where it means nothing.
    pub fn of(self, sample: &Sample, files: u64) -> Option<f64> {
        let cpu = sample.cpu_seconds.max(1e-6);
        let requests = sample.requests.max(1) as f64;
        match self {
            Self::UrlsPerCpuSecond => (sample.urls > 0).then(|| sample.urls as f64 / cpu),
            Self::RequestsPerCpuSecond => (sample.requests > 0).then(|| requests / cpu),
            Self::CpuMs => Some(sample.cpu_seconds * 1e3 / requests),
            Self::FirstByteMs => Some(sample.first_byte_ms.p50),
            Self::WholeMs => Some(sample.whole_ms.p50),
            Self::MemoryBytesPerFile => Some(sample.memory_bytes as f64 / files.max(1) as f64),
            Self::PeakMemoryBytes => Some(sample.peak_memory_bytes as f64),
            Self::MemoryGrowthBytes => Some(sample.memory_growth_bytes() as f64),
            Self::BytesPerReader => {
                Some((sample.memory_growth_bytes() + sample.tcp_memory_bytes) as f64 / requests)
            }
        }
    }

    /// The median over all repeats of a phase on a table.
    pub fn median(self, records: &[Record], side: Side, phase: Phase, files: u64) -> Option<f64> {
        let values: Vec<f64> = records
            .iter()
            .filter(|record| record.side == side && record.phase == phase && record.files == files)
            .filter_map(|record| self.of(&record.sample, files))
            .collect();
        (!values.is_empty()).then(|| Spread::of(values).p50)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_take_the_nearest_rank() {
        let spread = Spread::of((1..=1_000).rev().map(f64::from).collect());
        assert_eq!(spread, Spread { p50: 500.0, p99: 990.0, p999: 999.0, max: 1_000.0 });
        assert_eq!(Spread::of(vec![7.0]), Spread { p50: 7.0, p99: 7.0, p999: 7.0, max: 7.0 });
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }

    #[test]
    fn a_figure_is_the_median_of_its_own_repeats() {
        let record = |side, repeat, urls| Record {
            side,
            phase: Phase::Warm,
            files: 10,
            repeat,
            sample: Sample { requests: 1, urls, cpu_seconds: 2.0, ..Sample::default() },
        };
        let records = [
            record(Side::Ours, 1, 20),
            record(Side::Ours, 2, 60),
            record(Side::Ours, 3, 40),
            record(Side::Rival, 1, 2),
        ];
        let median = |side| Measure::UrlsPerCpuSecond.median(&records, side, Phase::Warm, 10);
        assert_eq!((median(Side::Ours), median(Side::Rival)), (Some(20.0), Some(1.0)));
        assert_eq!(Measure::CpuMs.median(&records, Side::Ours, Phase::Cold, 10), None);
    }
}
