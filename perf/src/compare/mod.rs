//! A lakeshare and, in the same run, another Delta Sharing server.
//!
//! For each size of the table: ours with bare settings (nothing is kept but the snapshot), ours as it is meant to
//! run, then the rival. Phases of one server follow each other, so that what a phase leaves warm is the same each time.

mod figures;
mod phases;
mod plan;
mod plot;
mod record;
mod render;
mod slow;
pub mod small;
mod target;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::iceberg;
use crate::load;
use crate::report::{self, Machine};
use crate::scenario::Table;
use crate::server::{BUCKET, Grant, ICEBERG_LOCATION, LOCATION, Place, Server};
use crate::table;

use phases::Commits;
use plan::{Phase, Plan, Sized};
use record::{Record, Sample, Side, Spread};
use render::Comparison;
use target::{Rival, RivalTable, Target};

/// What a comparison is told on the command line.
#[derive(clap::Args)]
pub struct Compare {
    /// A file of perf/comparisons.
    #[arg(default_value = "perf/comparisons/full.toml")]
    plan: PathBuf,
    /// The lakeshare to measure.
    #[arg(long, default_value = "target/release/lakeshare")]
    server: PathBuf,
    /// Where tables are made, and found again by the next run.
    #[arg(long, default_value = "perf/target/work")]
    work: PathBuf,
    /// Profile of another Delta Sharing server that is running already, by plain HTTP.
    #[arg(long, requires = "rival_pid", requires = "rival_table")]
    rival: Option<PathBuf>,
    /// The rival's process, whose CPU time and memory are read.
    #[arg(long)]
    rival_pid: Option<u32>,
    /// A table of the rival and its size: share.schema.table=100k; with `:DIRECTORY` where it lies, for commits to it.
    #[arg(long)]
    rival_table: Vec<RivalTable>,
    /// How the report calls the rival.
    #[arg(long, default_value = "rival")]
    rival_name: String,
    /// Measure these phases only, with commas between them.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Phase>,
    /// Measure tables of these sizes only: 1k,100k,1M.
    #[arg(long, value_delimiter = ',', value_parser = target::parse_size)]
    files: Vec<u64>,
    /// One repeat of everything.
    #[arg(long)]
    quick: bool,
    /// Keep the report below this folder.
    #[arg(long, num_args = 0..=1, default_missing_value = "perf/results")]
    keep: Option<PathBuf>,
}

/// Draws the kept figures of a comparison.
#[derive(clap::Args)]
pub struct Plot {
    /// Folders that `compare --keep` wrote: all of it, or parts of one commit.
    #[arg(required = true)]
    results: Vec<PathBuf>,
    /// Where the drawings go.
    #[arg(long)]
    out: PathBuf,
}

const REPEATS: u32 = 5;
/// Beyond this a listing takes so long that its own ticks average out, and few repeats do.
const REPEATS_FEW_FILES: u64 = 1_000_000;
const RESTARTS: u32 = 3;

/// Runs a comparison; whether all figures were reached.
pub fn compare(arguments: &Compare) -> anyhow::Result<bool> {
    let mut plan = Plan::read(&arguments.plan)?;
    plan.narrow(&arguments.only, &arguments.files);
    ensure!(!plan.tables.is_empty(), "--only and --files leave nothing to measure");
    let rival = match (&arguments.rival, arguments.rival_pid) {
        (Some(profile), Some(id)) => Some(Rival::open(profile, id, arguments.rival_table.clone())?),
        _ => None,
    };
    // Before the first server starts: it inherits the limit.
    slow::allow_connections(0)?;
    let version = report::version_of(&arguments.server)?;
    let started = Instant::now();
    let mut run = Run { arguments, plan: &plan, records: Vec::new(), failures: Vec::new(), started };
    for sized in &plan.tables {
        run.measure_size(sized, rival.as_ref())?;
    }
    let comparison = Comparison {
        plan: &plan,
        machine: Machine::read(),
        date: report::now(),
        commit: report::read_commit(),
        server: version,
        rival: rival.is_some().then(|| arguments.rival_name.clone()),
        command: report::own_command(),
        seconds: started.elapsed().as_secs(),
        failures: &run.failures,
        records: &run.records,
    };
    print!("{}", comparison.render());
    if let Some(results) = &arguments.keep {
        println!("{}", comparison.keep(results)?.display());
    }
    Ok(run.failures.is_empty() && comparison.judge().iter().all(figures::Verdict::is_reached))
}

/// Draws what `compare` has kept.
pub fn draw(arguments: &Plot) -> anyhow::Result<()> {
    let mut records: Vec<Record> = Vec::new();
    for results in &arguments.results {
        let path = results.join("raw.ndjson");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        for line in text.lines() {
            records.push(serde_json::from_str(line).with_context(|| format!("in {}", path.display()))?);
        }
    }
    std::fs::create_dir_all(&arguments.out)?;
    for (name, drawing) in plot::drawings(&records) {
        let path = arguments.out.join(name);
        std::fs::write(&path, drawing).with_context(|| format!("writing {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

struct Run<'a> {
    arguments: &'a Compare,
    plan: &'a Plan,
    records: Vec<Record>,
    failures: Vec<String>,
    started: Instant,
}

impl Run<'_> {
    fn repeats(&self, target: &Target) -> u32 {
        match target.side {
            _ if self.arguments.quick => 1,
            Side::Rival if target.files >= REPEATS_FEW_FILES => 1,
            Side::Rival => 2,
            Side::Ours | Side::Iceberg if target.files > REPEATS_FEW_FILES => 2,
            Side::Ours | Side::Iceberg => REPEATS,
        }
    }

    fn measure_size(&mut self, sized: &Sized, rival: Option<&Rival>) -> anyhow::Result<()> {
        let table = Table { checkpoint_parts: sized.checkpoint_parts, ..Table::of(sized.files) };
        let mut place = Place {
            executable: self.arguments.server.clone(),
            data_dir: self.arguments.work.join(table.slug()),
            run_dir: self.arguments.work.join("run"),
            settings: self.plan.bare.clone(),
        };
        let bucket = place.data_dir.join(BUCKET);
        table::write_table(&bucket.join(LOCATION), &table)?;
        if !sized.iceberg.is_empty() {
            iceberg::write_table(&bucket.join(ICEBERG_LOCATION), &table)?;
        }
        place.clear()?;
        if !sized.ours.is_empty() || !sized.iceberg.is_empty() {
            // A server of its own makes the grant: adding a table loads it, and then nothing would be cold.
            let first = place.start()?;
            let grant = place.grant(&first)?;
            first.stop()?;
            for (side, location) in [(Side::Ours, LOCATION), (Side::Iceberg, ICEBERG_LOCATION)] {
                let directory = bucket.join(location);
                let ours = Ours { grant: grant.clone(), side, directory, files: sized.files };
                self.measure_ours(&mut place, &ours, sized.phases(side))?;
            }
        }
        let mut commits = Commits::default();
        if let Some(target) = rival.and_then(|rival| rival.target(sized.files)) {
            self.measure_phases(&target, &sized.rival, &mut commits);
        }
        Ok(())
    }

    fn measure_ours(&mut self, place: &mut Place, ours: &Ours, phases: &[Phase]) -> anyhow::Result<()> {
        let (bare, full): (Vec<Phase>, Vec<Phase>) = phases.iter().partition(|phase| phase.is_bare());
        let mut commits = Commits::default();
        if !bare.is_empty() {
            place.settings.clone_from(&self.plan.bare);
            let server = place.start()?;
            self.measure_phases(&ours.target(&server), &bare, &mut commits);
            server.stop()?;
        }
        if !full.is_empty() {
            place.settings.clone_from(&self.plan.full);
            self.measure_full(place, ours, &full, &mut commits)?;
        }
        Ok(())
    }

    fn measure_full(
        &mut self,
        place: &Place,
        ours: &Ours,
        phases: &[Phase],
        commits: &mut Commits,
    ) -> anyhow::Result<()> {
        let server = place.start()?;
        let target = ours.target(&server);
        // The first answer loads the snapshot, and no phase here is about that.
        load::list(&phases::day_query(&target, 999))?;
        // Nor is one about the snapshot's way to the disk, which goes on behind that answer.
        phases::wait_for_rest(target.process)?;
        let is_restart = |phase: &Phase| matches!(phase, Phase::Restart | Phase::AfterRestart);
        let (restarts, others): (Vec<Phase>, Vec<Phase>) = phases.iter().partition(|phase| is_restart(phase));
        self.measure_phases(&target, &others, commits);
        phases::wait_for_rest(target.process)?;
        server.stop()?;
        if restarts.is_empty() {
            return Ok(());
        }
        let mut samples = Vec::new();
        for number in 0..if self.arguments.quick { 1 } else { RESTARTS } {
            let (server, sample) = restart(place, ours, number)?;
            samples.push(sample);
            let target = Target { added_files: commits.added_files(), ..ours.target(&server) };
            if number == 0 {
                self.say(&target, Phase::Restart);
                if restarts.contains(&Phase::AfterRestart) {
                    self.measure_phases(&target, &[Phase::AfterRestart], commits);
                }
            }
            server.stop()?;
        }
        self.records.extend(phases::records(&target, Phase::Restart, samples));
        Ok(())
    }

    fn measure_phases(&mut self, target: &Target, phases: &[Phase], commits: &mut Commits) {
        let mut phases = phases.to_vec();
        phases.sort();
        for phase in phases {
            self.say(target, phase);
            match phases::measure(target, phase, self.repeats(target), commits) {
                Ok(found) => self.records.extend(found),
                Err(error) => self.fail(target, phase, &error),
            }
        }
    }

    /// What one phase cannot measure, the others still can.
    fn fail(&mut self, target: &Target, phase: Phase, error: &anyhow::Error) {
        let failure = format!("{:?}: {} of {} files: {error:#}", target.side, phase.name(), target.files);
        eprintln!("{failure}");
        self.failures.push(failure);
    }

    fn say(&self, target: &Target, phase: Phase) {
        let seconds = self.started.elapsed().as_secs();
        eprintln!("{seconds:5} s  {:?}: {} of {} files", target.side, phase.name(), target.files);
    }
}

/// The table of our own server.
struct Ours {
    grant: Grant,
    side: Side,
    directory: PathBuf,
    files: u64,
}

impl Ours {
    fn target(&self, server: &Server) -> Target {
        Target::of_ours(server, &self.grant, self.side, self.files, self.directory.clone())
    }
}

/// Starts a server that finds what the last one has left; times count from before the start.
fn restart(place: &Place, ours: &Ours, number: u32) -> anyhow::Result<(Server, Sample)> {
    let started = Instant::now();
    let server = place.start()?;
    let target = ours.target(&server);
    let listening = started.elapsed().as_secs_f64();
    let listing = load::list(&phases::day_query(&target, number))?;
    let wall_seconds = started.elapsed().as_secs_f64();
    let usage = target.process.usage()?;
    let one = |ms: f64| Spread::of(vec![ms]);
    let sample = Sample {
        requests: 1,
        urls: listing.file_lines,
        body_bytes: listing.body_bytes,
        cpu_seconds: usage.cpu_seconds(),
        wall_seconds,
        first_byte_ms: one(listening * 1e3 + listing.first_byte_ms),
        whole_ms: one(wall_seconds * 1e3),
        memory_bytes: usage.memory_bytes,
        peak_memory_bytes: usage.peak_memory_bytes,
        tcp_memory_bytes: 0,
    };
    Ok((server, sample))
}
