//! Drawings of cost against the number of files, as SVG.

use std::fmt::Write;

use super::plan::Phase;
use super::record::{Measure, Record, Side};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
/// Room for axes and names around the field.
const LEFT: f64 = 76.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 52.0;

/// One drawing: what stands on its axis, and which phases are its lines.
struct Drawing {
    file: &'static str,
    title: &'static str,
    axis: &'static str,
    measure: Measure,
    /// What a value of the measure is multiplied by.
    scale: f64,
    lines: &'static [(Side, Phase, &'static str)],
}

const DRAWINGS: [Drawing; 3] = [
    Drawing {
        file: "cpu.svg",
        title: "CPU time of a full listing",
        axis: "CPU seconds of the server",
        measure: Measure::CpuMs,
        scale: 1e-3,
        lines: &[
            (Side::Ours, Phase::Cold, "cold"),
            (Side::Ours, Phase::Warm, "warm"),
            (Side::Ours, Phase::Finished, "again"),
            (Side::Ours, Phase::GzipFinished, "again, gzip"),
            (Side::Ours, Phase::Day, "one day"),
            (Side::Rival, Phase::Cold, "rival, cold"),
            (Side::Rival, Phase::Warm, "rival, warm"),
            (Side::Rival, Phase::Day, "rival, one day"),
        ],
    },
    Drawing {
        file: "first-byte.svg",
        title: "Time to the first byte of a full listing",
        axis: "milliseconds",
        measure: Measure::FirstByteMs,
        scale: 1.0,
        lines: &[
            (Side::Ours, Phase::Cold, "cold"),
            (Side::Ours, Phase::Warm, "warm"),
            (Side::Rival, Phase::Cold, "rival, cold"),
            (Side::Rival, Phase::Warm, "rival, warm"),
        ],
    },
    Drawing {
        file: "memory.svg",
        title: "Resident memory of the server",
        axis: "MiB at the peak of a listing",
        measure: Measure::PeakMemoryBytes,
        scale: 1.0 / 1_048_576.0,
        lines: &[
            (Side::Ours, Phase::Cold, "cold"),
            (Side::Ours, Phase::Warm, "warm"),
            (Side::Rival, Phase::Warm, "rival, warm"),
        ],
    },
];

/// A line's points: files and value.
type Points = Vec<(f64, f64)>;

/// The drawings that `records` give something for, each with its file name.
pub fn drawings(records: &[Record]) -> Vec<(&'static str, String)> {
    let draw = |drawing: &Drawing| {
        let lines: Vec<(usize, &str, Points)> = drawing
            .lines
            .iter()
            .enumerate()
            .map(|(index, (side, phase, name))| (index, *name, points(records, *side, *phase, drawing)))
            .filter(|(_, _, points)| !points.is_empty())
            .collect();
        (!lines.is_empty()).then(|| (drawing.file, render(drawing, &lines)))
    };
    DRAWINGS.iter().filter_map(draw).collect()
}

fn points(records: &[Record], side: Side, phase: Phase, drawing: &Drawing) -> Points {
    let mut sizes: Vec<u64> = records.iter().map(|record| record.files).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let point = |files: u64| {
        let value = drawing.measure.median(records, side, phase, files)? * drawing.scale;
        (value > 0.0).then_some((files as f64, value))
    };
    sizes.into_iter().filter_map(point).collect()
}

/// A logarithmic axis over whole powers of ten.
struct Axis {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: &[f64], from: f64, to: f64) -> Self {
        let fold =
            |start: f64, pick: fn(f64, f64) -> f64| values.iter().copied().map(f64::log10).fold(start, pick);
        #[expect(clippy::cast_possible_truncation, reason = "logarithms of what was measured are small")]
        let (low, high) = (fold(f64::MAX, f64::min).floor() as i32, fold(f64::MIN, f64::max).ceil() as i32);
        Self { low, high: high.max(low + 1), from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10f64.powi(power))
    }
}

fn render(drawing: &Drawing, lines: &[(usize, &str, Points)]) -> String {
    let (counts, heights): (Vec<f64>, Vec<f64>) =
        lines.iter().flat_map(|(_, _, points)| points.iter().copied()).unzip();
    let files = Axis::over(&counts, LEFT, WIDTH - RIGHT);
    let values = Axis::over(&heights, HEIGHT - BOTTOM, TOP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{0}\">\n<style>{STYLE}</style>\n<title>{0}</title>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"22\">{0}</text>\n",
        drawing.title
    );
    write_axes(&mut out, &files, &values, drawing.axis);
    // Names beside the ends of lines must not lie on each other.
    let mut ends: Vec<(f64, f64, usize, &str)> = lines
        .iter()
        .filter_map(|(index, name, points)| {
            let (count, value) = points.last()?;
            Some((values.at(*value), files.at(*count), *index, *name))
        })
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (index, _, points) in lines {
        let path: Vec<String> = points
            .iter()
            .map(|(count, value)| format!("{:.1},{:.1}", files.at(*count), values.at(*value)))
            .collect();
        let _ = writeln!(out, "<polyline class=\"c{index}\" points=\"{}\"/>", path.join(" "));
        for (count, value) in points {
            let (x, y) = (files.at(*count), values.at(*value));
            let _ = writeln!(out, "<circle class=\"c{index}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
        }
    }
    let mut lowest = f64::MIN;
    for (y, x, index, name) in ends {
        let (x, y) = (x + 10.0, (y + 4.0).max(lowest + 15.0));
        lowest = y;
        let _ = writeln!(out, "<text class=\"t{index}\" x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>");
    }
    out.push_str("</svg>\n");
    out
}

fn write_axes(out: &mut String, files: &Axis, values: &Axis, name: &str) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for tick in values.ticks() {
        let y = values.at(tick);
        let _ =
            writeln!(out, "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>");
        let _ = writeln!(
            out,
            "<text class=\"tick end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            power_name(tick)
        );
    }
    for tick in files.ticks() {
        let x = files.at(tick);
        let _ =
            writeln!(out, "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>");
        let y = bottom + 18.0;
        let _ =
            writeln!(out, "<text class=\"tick middle\" x=\"{x:.1}\" y=\"{y}\">{}</text>", power_name(tick));
    }
    let (x, y) = (f64::midpoint(LEFT, right), HEIGHT - 12.0);
    let _ = writeln!(out, "<text class=\"middle\" x=\"{x}\" y=\"{y}\">files in the table</text>");
    let y = f64::midpoint(TOP, bottom);
    let _ = writeln!(out, "<text class=\"middle\" transform=\"translate(18 {y}) rotate(-90)\">{name}</text>");
}

/// `10k`, `1M`, `0.01`.
fn power_name(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{:.0}M", value / 1e6),
        _ if value >= 1e3 => format!("{:.0}k", value / 1e3),
        _ => format!("{value}"),
    }
}

/// Colours apart in hue and in lightness; a dark ground gets lighter ones.
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}.tick{fill:#59636e}\
.end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:#d1d9e0;stroke-width:1}\
polyline{fill:none;stroke-width:2}\
.c0{stroke:#0969da;fill:#0969da}.c1{stroke:#1a7f37;fill:#1a7f37}.c2{stroke:#8250df;fill:#8250df}\
.c3{stroke:#9a6700;fill:#9a6700}.c4{stroke:#bf3989;fill:#bf3989}.c5{stroke:#cf222e;fill:#cf222e}\
.c6{stroke:#953800;fill:#953800}.c7{stroke:#6e7781;fill:#6e7781}polyline{fill:none!important}\
.t0{fill:#0969da}.t1{fill:#1a7f37}.t2{fill:#8250df}.t3{fill:#9a6700}.t4{fill:#bf3989}.t5{fill:#cf222e}.t6{fill:#953800}\
.t7{fill:#6e7781}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.tick{fill:#9198a1}.grid{stroke:#3d444d}\
.c0{stroke:#58a6ff;fill:#58a6ff}.c1{stroke:#3fb950;fill:#3fb950}.c2{stroke:#bc8cff;fill:#bc8cff}\
.c3{stroke:#d29922;fill:#d29922}.c4{stroke:#f778ba;fill:#f778ba}.c5{stroke:#ff7b72;fill:#ff7b72}\
.c6{stroke:#f0883e;fill:#f0883e}.c7{stroke:#9198a1;fill:#9198a1}\
.t0{fill:#58a6ff}.t1{fill:#3fb950}.t2{fill:#bc8cff}.t3{fill:#d29922}.t4{fill:#f778ba}.t5{fill:#ff7b72}.t6{fill:#f0883e}\
.t7{fill:#9198a1}}";

#[cfg(test)]
mod tests {
    use super::super::record::Sample;
    use super::*;

    fn record(files: u64, cpu_seconds: f64) -> Record {
        let sample = Sample { requests: 1, cpu_seconds, ..Sample::default() };
        Record { side: Side::Ours, phase: Phase::Warm, files, repeat: 1, sample }
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        let drawings = drawings(&[record(1_000, 0.001), record(1_000_000, 1.5)]);
        assert_eq!(drawings.len(), 1, "there is no first byte and no memory");
        let (name, svg) = &drawings[0];
        assert_eq!(*name, "cpu.svg");
        assert_eq!(svg.matches("<circle").count(), 2);
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(svg.contains(">1k<") && svg.contains(">1M<") && svg.contains("files in the table"));
    }

    #[test]
    fn an_axis_ends_at_powers_of_ten() {
        let axis = Axis::over(&[30.0, 4_000.0], 0.0, 300.0);
        assert_eq!((axis.low, axis.high), (1, 4));
        assert!((axis.at(100.0) - 100.0).abs() < 1e-9);
        let flat = Axis::over(&[10.0], 0.0, 1.0);
        assert!(flat.high > flat.low);
    }
}
