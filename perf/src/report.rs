//! Measurements as typed data, as a table, as kept files.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde::Serialize;

use crate::load::Listing;
use crate::scenario::Scenario;

/// Whether the server had seen the table before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The first query after a start: the log is read (from the page cache) and replayed.
    Cold,
    Warm,
}

/// One measurement: some listings, one after the other, and what they cost the server.
#[derive(Debug, Clone, Serialize)]
pub struct Measurement {
    pub phase: Phase,
    pub repeat: u32,
    pub listings: Vec<Listing>,
    pub cpu_seconds: f64,
    /// Since the server's start.
    pub peak_memory_bytes: u64,
    pub memory_bytes: u64,
}

/// The machine, as far as it decides the figures.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub cpu_flags: Vec<String>,
    pub memory_bytes: u64,
    pub kernel: String,
}

/// All that one run has found.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    pub scenario: &'a Scenario,
    pub machine: Machine,
    pub date: String,
    pub commit: String,
    pub server: String,
    pub command: String,
    #[serde(skip)]
    pub measurements: &'a [Measurement],
}

impl Measurement {
    fn urls(&self) -> u64 {
        self.listings.iter().map(|listing| listing.file_lines).sum()
    }

    fn urls_per_cpu_second(&self) -> f64 {
        self.urls() as f64 / self.cpu_seconds.max(1e-6)
    }

    fn body_bytes(&self) -> u64 {
        self.listings.iter().map(|listing| listing.body_bytes).sum::<u64>()
            / self.listings.len().max(1) as u64
    }

    fn first_byte_ms_max(&self) -> f64 {
        self.listings.iter().map(|listing| listing.first_byte_ms).fold(0.0, f64::max)
    }

    fn whole_ms(&self) -> f64 {
        median(self.listings.iter().map(|listing| listing.whole_ms))
    }
}

/// The middle value, or the mean of the two middle ones; 0 of nothing.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

impl Machine {
    /// Asks the kernel.
    pub fn read() -> Self {
        let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line =
                cpu_info.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        let flags = field("flags").or_else(|| field("Features")).unwrap_or_default();
        let wanted = ["sha_ni", "avx2", "vaes", "avx512f", "sha2", "sha512"];
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kilobytes = memory.split_ascii_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok());
        Self {
            cpu: field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_flags: flags.split(' ').filter(|flag| wanted.contains(flag)).map(str::to_owned).collect(),
            memory_bytes: kilobytes.unwrap_or_default() * 1024,
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        }
    }

    /// A short name for folders; it names the kind of machine and not this one.
    pub fn slug(&self) -> String {
        let words: String =
            self.cpu.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
        let words = words.to_ascii_lowercase();
        let words: Vec<&str> = words
            .split(' ')
            .filter(|word| !matches!(*word, "" | "r" | "tm" | "cpu" | "processor"))
            .take(3)
            .collect();
        format!("{}-{}cores", words.join("-"), self.cores)
    }
}

/// The commit that the working directory is on, with `-dirty` if files differ from it.
pub fn read_commit() -> String {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=10", "HEAD"]) else { return "unknown".to_owned() };
    let is_dirty =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    if is_dirty { format!("{commit}-dirty") } else { commit }
}

/// The command line, with names in place of the machine's own paths.
pub fn own_command() -> String {
    let arguments = std::env::args().skip(1).map(|argument| without_folders(&argument));
    std::iter::once("lakeshare-perf".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// `argument` with the last name of an absolute path for the path, also after `=` or `:`. A URL stays as it is.
fn without_folders(argument: &str) -> String {
    let starts = argument.match_indices('/').map(|(at, _)| at);
    let is_free = |at: usize| at == 0 || argument[..at].ends_with(['=', ':']);
    match starts.into_iter().find(|at| is_free(*at)) {
        Some(at) if !argument[at..].starts_with("//") => {
            let path = argument[at..].trim_end_matches('/');
            format!("{}{}", &argument[..at], path.rsplit('/').next().unwrap_or(path))
        }
        _ => argument.to_owned(),
    }
}

/// The present second.
pub fn now() -> String {
    chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What the server's executable says of itself.
pub fn version_of(executable: &Path) -> anyhow::Result<String> {
    let output = Command::new(executable).arg("--version").output();
    let output = output.with_context(|| format!("running {}", executable.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Report<'_> {
    fn of_phase(&self, phase: Phase) -> impl Iterator<Item = &Measurement> {
        self.measurements.iter().filter(move |measurement| measurement.phase == phase)
    }

    /// The figures, one line a measurement, then the medians of each phase.
    pub fn render_table(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "| phase | repeat | listings | files | bytes | CPU s | URLs per CPU s | first byte ms | whole ms | peak memory MiB |"
        );
        let _ = writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        for m in self.measurements {
            let name = if m.phase == Phase::Cold { "cold" } else { "warm" };
            let files = m.listings.first().map_or(0, |listing| listing.file_lines);
            let _ = writeln!(
                out,
                "| {name} | {} | {} | {files} | {} | {:.2} | {:.0} | {:.2} | {:.1} | {:.0} |",
                m.repeat,
                m.listings.len(),
                m.body_bytes(),
                m.cpu_seconds,
                m.urls_per_cpu_second(),
                m.first_byte_ms_max(),
                m.whole_ms(),
                m.peak_memory_bytes as f64 / f64::from(1 << 20),
            );
        }
        for (name, phase) in [("cold", Phase::Cold), ("warm", Phase::Warm)] {
            if self.of_phase(phase).next().is_none() {
                continue;
            }
            let _ = writeln!(
                out,
                "| **{name}, median** | | | | | {:.2} | {:.0} | {:.2} | {:.1} | {:.0} |",
                median(self.of_phase(phase).map(|m| m.cpu_seconds)),
                median(self.of_phase(phase).map(Measurement::urls_per_cpu_second)),
                median(self.of_phase(phase).map(Measurement::first_byte_ms_max)),
                median(self.of_phase(phase).map(Measurement::whole_ms)),
                median(self.of_phase(phase).map(|m| m.peak_memory_bytes as f64)) / f64::from(1 << 20),
            );
        }
        out
    }

    /// One sentence a bound, and whether all are kept.
    pub fn judge(&self) -> (Vec<String>, bool) {
        let bounds = &self.scenario.bounds;
        let (mut sentences, mut are_kept) = (Vec::new(), true);
        let mut judge = |is_kept: bool, sentence: String| {
            sentences.push(format!("{}: {sentence}", if is_kept { "kept" } else { "BROKEN" }));
            are_kept &= is_kept;
        };
        if let Some(bound) = bounds.peak_memory_bytes_max {
            let peak = self.measurements.iter().map(|m| m.peak_memory_bytes).max().unwrap_or(0);
            judge(peak < bound, format!("peak memory {} MiB, less than {} MiB", peak >> 20, bound >> 20));
        }
        if let Some(bound) = bounds.first_byte_warm_ms_max {
            let slowest = self.of_phase(Phase::Warm).map(Measurement::first_byte_ms_max).fold(0.0, f64::max);
            judge(slowest < bound, format!("slowest warm first byte {slowest:.2} ms, less than {bound} ms"));
        }
        if let Some(bound) = bounds.urls_per_cpu_second_warm_min {
            let rate = median(self.of_phase(Phase::Warm).map(Measurement::urls_per_cpu_second));
            judge(rate >= bound, format!("{rate:.0} URLs per CPU second warm, at least {bound:.0}"));
        }
        (sentences, are_kept)
    }

    /// Writes `report.md`, `raw.ndjson` and `machine.json` into a folder of its own below `results`.
    pub fn keep(&self, results: &Path) -> anyhow::Result<PathBuf> {
        let day = self.date.split('T').next().unwrap_or_default();
        let folder =
            results.join(format!("{day}-{}-{}", self.machine.slug(), self.commit)).join(&self.scenario.name);
        write_files(&folder, self.measurements, self, &self.render_markdown())?;
        Ok(folder)
    }

    fn render_markdown(&self) -> String {
        let (sentences, _) = self.judge();
        let bounds: String = sentences.iter().fold(String::new(), |mut text, sentence| {
            let _ = writeln!(text, "- {sentence}");
            text
        });
        format!(
            "# {}\n\n{}\n\n{} · {} · commit {} · {}, {} cores, Linux {}\n\n    {}\n\n{}\n{bounds}\n{}",
            self.scenario.name,
            self.scenario.question,
            self.date,
            self.server,
            self.commit,
            self.machine.cpu,
            self.machine.cores,
            self.machine.kernel,
            self.command,
            self.render_table(),
            HIDDEN,
        )
    }
}

/// What the figures do not say.
const HIDDEN: &str = "\
Not shown by these figures: reader and server share the machine and its loopback; there is no TLS and no compression; \
the log is in the page cache even when cold; the clock ticks every 10 ms. First byte is the slowest of a measurement's \
listings, from sending the request to the first byte of the body; CPU is user and system time of the server's process; \
peak memory counts from the server's start.
";

/// Makes `folder` and writes `raw.ndjson`, a line for each of `records`, `machine.json` and `report.md`.
pub fn write_files<R: Serialize>(
    folder: &Path,
    records: &[R],
    machine: &impl Serialize,
    report: &str,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut raw = String::new();
    for record in records {
        let _ = writeln!(raw, "{}", serde_json::to_string(record)?);
    }
    fs::write(folder.join("raw.ndjson"), raw)?;
    fs::write(folder.join("machine.json"), serde_json::to_string_pretty(machine)? + "\n")?;
    fs::write(folder.join("report.md"), report)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_middle() {
        assert!((median([4.0, 1.0, 3.0, 2.0].into_iter()) - 2.5).abs() < 1e-9);
        assert!((median([5.0, 1.0, 3.0].into_iter()) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_kept_command_tells_no_folder_of_the_machine() {
        assert_eq!(without_folders("/srv/profiles/ref.share"), "ref.share");
        assert_eq!(without_folders("s.d.t1k=1k:/srv/logs/lineitem_1k/"), "s.d.t1k=1k:lineitem_1k");
        assert_eq!(without_folders("--work=/srv/tables"), "--work=tables");
        assert_eq!(without_folders("perf/comparisons/full.toml"), "perf/comparisons/full.toml");
        assert_eq!(without_folders("http://127.0.0.1:9000/a"), "http://127.0.0.1:9000/a");
    }

    #[test]
    fn a_machine_is_named_by_its_kind() {
        let machine = Machine {
            cpu: "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz".into(),
            cores: 2,
            cpu_flags: vec![],
            memory_bytes: 0,
            kernel: String::new(),
        };
        assert_eq!(machine.slug(), "intel-xeon-platinum-2cores");
    }
}
