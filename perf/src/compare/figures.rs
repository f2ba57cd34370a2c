//! Whether the figures of a plan were reached.

use super::plan::{Figure, Plan};
use super::record::{Measure, Record, Side};

/// One figure and what was measured.
#[derive(Debug)]
pub struct Verdict<'a> {
    pub figure: &'a Figure,
    /// `None`: not measured, or not offered by the server.
    pub value: Option<f64>,
    /// How many times better than the rival's.
    pub times_rival: Option<f64>,
}

impl Verdict<'_> {
    /// A figure that nothing measured is not reached; one about a rival is open where there is none.
    pub fn is_reached(&self) -> bool {
        let Some(value) = self.value else { return false };
        let figure = self.figure;
        figure.min.is_none_or(|min| value >= min)
            && figure.max.is_none_or(|max| value <= max)
            && match (figure.times_rival_min, self.times_rival) {
                (Some(min), Some(times)) => times >= min,
                _ => true,
            }
    }
}

/// All figures of `plan` over `records`.
pub fn judge<'a>(plan: &'a Plan, records: &[Record]) -> Vec<Verdict<'a>> {
    plan.figures.iter().map(|figure| verdict(figure, records)).collect()
}

fn verdict<'a>(figure: &'a Figure, records: &[Record]) -> Verdict<'a> {
    let median = |side, phase| figure.measure.median(records, side, phase, figure.files);
    let ours = median(figure.side, figure.phase);
    let base = match figure.relative_to {
        Some(phase) => Some(median(figure.side, phase)),
        None => figure.is_relative_to_delta.then(|| median(Side::Ours, figure.phase)),
    };
    let value = match base {
        None => ours,
        Some(base) => ours.zip(base).map(|(value, base)| value / base.max(1e-9)),
    };
    let rival = median(Side::Rival, figure.phase);
    let times_rival = ours.zip(rival).map(|(ours, rival)| {
        let (better, worse) = if figure.measure.is_rate() { (ours, rival) } else { (rival, ours) };
        better / worse.max(1e-9)
    });
    Verdict { figure, value, times_rival }
}

/// A value with the unit of its measure.
pub fn with_unit(measure: Measure, value: f64, is_ratio: bool) -> String {
    if is_ratio {
        return format!("{value:.2} times");
    }
    match measure {
        Measure::UrlsPerCpuSecond | Measure::RequestsPerCpuSecond => grouped(value),
        Measure::CpuMs | Measure::FirstByteMs | Measure::WholeMs => format!("{} ms", short(value)),
        Measure::MemoryBytesPerFile => format!("{value:.0} B"),
        Measure::PeakMemoryBytes | Measure::MemoryGrowthBytes => {
            format!("{:.1} MiB", value / f64::from(1 << 20))
        }
        Measure::BytesPerReader => format!("{:.1} KiB", value / 1024.0),
    }
}

/// Whole thousands apart: 1,234,567.
pub fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three digits that mean something.
pub fn short(value: f64) -> String {
    match value {
        _ if value >= 1_000.0 => grouped(value),
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Phase;
    use super::super::record::Sample;
    use super::*;

    fn record(side: Side, phase: Phase, urls: u64) -> Record {
        let sample = Sample { requests: 1, urls, cpu_seconds: 1.0, ..Sample::default() };
        Record { side, phase, files: 10, repeat: 1, sample }
    }

    fn figure() -> Figure {
        Figure {
            name: "x".into(),
            side: Side::Ours,
            phase: Phase::Warm,
            files: 10,
            measure: Measure::UrlsPerCpuSecond,
            relative_to: None,
            min: Some(100.0),
            max: None,
            times_rival_min: Some(80.0),
            is_relative_to_delta: false,
        }
    }

    #[test]
    fn a_figure_needs_its_bound_and_its_distance_to_the_rival() {
        let figure = figure();
        let reached = |records: &[Record]| verdict(&figure, records).is_reached();
        let ours = record(Side::Ours, Phase::Warm, 100);
        assert!(reached(std::slice::from_ref(&ours)), "without a rival only the bound counts");
        assert!(reached(&[ours.clone(), record(Side::Rival, Phase::Warm, 1)]));
        assert!(!reached(&[ours, record(Side::Rival, Phase::Warm, 2)]));
        assert!(!reached(&[record(Side::Ours, Phase::Warm, 99)]));
        assert!(!reached(&[]), "what nobody measured is not reached");
    }

    #[test]
    fn a_figure_may_be_a_ratio_of_two_phases() {
        let figure = Figure { relative_to: Some(Phase::Crowd8), min: Some(0.9), ..figure() };
        let records = [record(Side::Ours, Phase::Warm, 95), record(Side::Ours, Phase::Crowd8, 100)];
        assert!(verdict(&figure, &records).is_reached());
    }

    #[test]
    fn a_figure_may_be_a_ratio_to_the_delta_table() {
        let figure = Figure { side: Side::Iceberg, is_relative_to_delta: true, min: Some(0.9), ..figure() };
        let iceberg = record(Side::Iceberg, Phase::Warm, 95);
        assert!(verdict(&figure, &[iceberg.clone(), record(Side::Ours, Phase::Warm, 100)]).is_reached());
        assert!(!verdict(&figure, &[iceberg.clone(), record(Side::Ours, Phase::Warm, 200)]).is_reached());
        assert!(!verdict(&figure, &[iceberg]).is_reached(), "there is nothing to compare with");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(["7", "999", "1,000", "1,234,567"], [7.0, 999.0, 1e3, 1_234_567.0].map(grouped)[..]);
    }
}
