//! A comparison as tables of text, and as kept files.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::report::{Machine, write_files};

use super::figures::{self, Verdict, grouped, short, with_unit};
use super::plan::{Phase, Plan};
use super::plot;
use super::record::{Measure, Record, Sample, Side};

const MEBIBYTE: f64 = 1_048_576.0;

/// All that one run has found.
#[derive(Serialize)]
pub struct Comparison<'a> {
    pub plan: &'a Plan,
    pub machine: Machine,
    pub date: String,
    pub commit: String,
    pub server: String,
    pub rival: Option<String>,
    pub command: String,
    /// How long the whole run took.
    pub seconds: u64,
    /// Phases that did not come to their end.
    pub failures: &'a [String],
    #[serde(skip)]
    pub records: &'a [Record],
}

impl<'a> Comparison<'a> {
    pub fn judge(&self) -> Vec<Verdict<'a>> {
        figures::judge(self.plan, self.records)
    }

    /// The figures to reach, the ratios to the rival, and all medians.
    pub fn render(&self) -> String {
        let mut out = self.render_figures();
        if self.rival.is_some() {
            out.push('\n');
            out.push_str(&self.render_ratios());
        }
        out.push('\n');
        for failure in self.failures {
            let _ = writeln!(out, "FAILED: {failure}\n");
        }
        out.push_str(&self.render_medians());
        out
    }

    fn render_figures(&self) -> String {
        let mut out = String::from(
            "| figure | phase, files | target | measured | better than the rival | |\n|---|---|--:|--:|--:|---|\n",
        );
        for verdict in self.judge() {
            let figure = verdict.figure;
            let is_ratio = figure.relative_to.is_some() || figure.is_relative_to_delta;
            let unit = |value| with_unit(figure.measure, value, is_ratio);
            let mut bounds: Vec<String> = Vec::new();
            bounds.extend(figure.min.map(|min| format!("≥ {}", unit(min))));
            bounds.extend(figure.max.map(|max| format!("≤ {}", unit(max))));
            bounds.extend(figure.times_rival_min.map(|min| format!("≥ {min} × rival")));
            let measured = verdict.value.map_or("not measured".to_owned(), unit);
            let times = verdict.times_rival.map_or("–".to_owned(), |times| format!("{} ×", short(times)));
            let _ = writeln!(
                out,
                "| {} | {}, {} | {} | {measured} | {times} | {} |",
                figure.name,
                figure.phase.name(),
                grouped(figure.files as f64),
                bounds.join(", "),
                if verdict.is_reached() { "reached" } else { "NOT REACHED" }
            );
        }
        out
    }

    /// Phases and sizes in the order of measuring, each once.
    fn cases(&self) -> Vec<(u64, Phase)> {
        let mut cases: Vec<(u64, Phase)> = Vec::new();
        for record in self.records {
            let case = (record.files, record.phase);
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
        cases
    }

    fn of(&self, side: Side, (files, phase): (u64, Phase)) -> Vec<&Record> {
        let is_it = |record: &&Record| record.side == side && record.files == files && record.phase == phase;
        self.records.iter().filter(is_it).collect()
    }

    /// How many times less the rival has to pay for the same answer from us; medians over medians.
    fn render_ratios(&self) -> String {
        let rival = self.rival.as_deref().unwrap_or("rival");
        let mut out = format!(
            "How many times the {rival} takes what lakeshare takes for the same answers:\n\n\
             | phase | files | CPU of a request | first byte | last byte | peak memory |\n|---|--:|--:|--:|--:|--:|\n"
        );
        for case in self.cases() {
            let (files, phase) = case;
            let ratio = |value: &dyn Fn(&Sample) -> f64| -> Option<String> {
                let of = |side| median(self.of(side, case).iter().map(|record| value(&record.sample)));
                Some(format!("{} ×", short(of(Side::Rival)? / of(Side::Ours)?.max(1e-9))))
            };
            let cpu = |sample: &Sample| sample.cpu_seconds / sample.requests.max(1) as f64;
            let Some(cpu) = ratio(&cpu) else { continue };
            let rest = [
                ratio(&|sample| sample.first_byte_ms.p50),
                ratio(&|sample| sample.whole_ms.p50),
                ratio(&|sample| sample.peak_memory_bytes as f64),
            ];
            let rest: Vec<String> = rest.into_iter().flatten().collect();
            let _ = writeln!(
                out,
                "| {} | {} | {cpu} | {} |",
                phase.name(),
                grouped(files as f64),
                rest.join(" | ")
            );
        }
        out
    }

    fn render_medians(&self) -> String {
        let mut out = String::from(
            "| phase | files | server | repeats | requests | bytes | CPU ms a request | URLs per CPU s | requests per CPU s \
             | first byte ms p50 / p99 / p99.9 | last byte ms p50 / p99 / p99.9 | memory MiB | peak MiB | sockets MiB |\n\
             |---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for case in self.cases() {
            for side in [Side::Ours, Side::Iceberg, Side::Rival] {
                let records = self.of(side, case);
                if !records.is_empty() {
                    let name = match side {
                        Side::Ours => "lakeshare",
                        Side::Iceberg => "lakeshare, Iceberg",
                        Side::Rival => self.rival.as_deref().unwrap_or("rival"),
                    };
                    out.push_str(&render_case(case, name, &records));
                }
            }
        }
        out
    }

    /// Writes `report.md`, `raw.ndjson`, `machine.json` and the drawings into a folder of its own below `results`.
    pub fn keep(&self, results: &Path) -> anyhow::Result<PathBuf> {
        let day = self.date.split('T').next().unwrap_or_default();
        let folder = results.join(format!("{day}-{}-{}", self.machine.slug(), self.commit));
        let folder = folder.join(format!("compare-{}", self.plan.name));
        write_files(&folder, self.records, self, &self.render_markdown())?;
        for (name, drawing) in plot::drawings(self.records) {
            fs::write(folder.join(name), drawing)?;
        }
        Ok(folder)
    }

    fn render_markdown(&self) -> String {
        let rival = self.rival.as_ref().map(|rival| format!(" beside {rival}")).unwrap_or_default();
        format!(
            "# {}\n\n{}\n\n{} · {}{rival} · commit {} · {}, {} cores, Linux {} · {} s\n\n    {}\n\n{}\n{HIDDEN}",
            self.plan.name,
            self.plan.question,
            self.date,
            self.server,
            self.commit,
            self.machine.cpu,
            self.machine.cores,
            self.machine.kernel,
            self.seconds,
            self.command,
            self.render(),
        )
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| super::record::Spread::of(values).p50)
}

/// One line of medians over the repeats.
fn render_case((files, phase): (u64, Phase), name: &str, records: &[&Record]) -> String {
    let of = |value: &dyn Fn(&Sample) -> f64| {
        median(records.iter().map(|record| value(&record.sample))).unwrap_or(0.0)
    };
    let measure = |measure: Measure| {
        let value = median(records.iter().filter_map(|record| measure.of(&record.sample, files)));
        value.map_or("–".to_owned(), grouped)
    };
    let spread = |pick: &dyn Fn(&Sample) -> super::record::Spread| {
        let quantile =
            |quantile: &dyn Fn(super::record::Spread) -> f64| short(of(&|sample| quantile(pick(sample))));
        format!("{} / {} / {}", quantile(&|s| s.p50), quantile(&|s| s.p99), quantile(&|s| s.p999))
    };
    format!(
        "| {} | {} | {name} | {} | {} | {} | {} | {} | {} | {} | {} | {:.0} | {:.0} | {:.1} |\n",
        phase.name(),
        grouped(files as f64),
        records.len(),
        grouped(of(&|sample| sample.requests as f64)),
        grouped(of(&|sample| sample.body_bytes as f64)),
        cpu_ms(of(&|sample| sample.cpu_seconds * 1e3 / sample.requests.max(1) as f64)),
        measure(Measure::UrlsPerCpuSecond),
        measure(Measure::RequestsPerCpuSecond),
        spread(&|sample| sample.first_byte_ms),
        spread(&|sample| sample.whole_ms),
        of(&|sample| sample.memory_bytes as f64) / MEBIBYTE,
        of(&|sample| sample.peak_memory_bytes as f64) / MEBIBYTE,
        of(&|sample| sample.tcp_memory_bytes as f64) / MEBIBYTE,
    )
}

/// Small requests take microseconds.
fn cpu_ms(value: f64) -> String {
    if value < 0.1 { format!("{value:.4}") } else { short(value) }
}

/// What the figures do not say.
const HIDDEN: &str = "\
Not shown by these figures: readers and servers share the machine and its loopback; there is no TLS; the log is in the \
page cache even when cold. A figure is the median of its repeats. CPU is user and system time of all threads of the \
server's process, in nanoseconds. Bare phases (cold to crowd-64) run with the plan's `bare` settings: nothing is kept but \
the snapshot. Memory is resident memory when a phase begins, its peak what the phase reached; memory of sockets \
counts both ends. Beside slow readers, first and last byte are those of a reader that asks for one file meanwhile. A rival \
runs already when its `cold` is measured: it is its first query of this run.
";
