//! Measures a lakeshare from outside: speed for readers, cost for servers.
//!
//! `scenario` says what is measured, `table` and `file` make the table, `server` runs the executable, `load` reads
//! over `wire`, `usage` asks the kernel, `report` counts. `compare` does the same with a rival beside us.

mod catalog;
mod compare;
mod file;
mod iceberg;
#[path = "../../benches/inputs/iceberg_manifest.rs"]
mod iceberg_manifest;
mod load;
mod report;
mod scenario;
mod server;
mod side_by_side;
mod table;
mod usage;
mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};

use load::{Compression, Listing, Query};
use report::{Machine, Measurement, Phase, Report};
use scenario::Scenario;
use server::{BUCKET, LOCATION, Place, Server};

#[derive(Parser)]
#[command(about = "Measures a running lakeshare: what a reader gets, and what it costs the server.")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run one scenario against a server of its own; fails if a bound of the scenario is broken.
    Run(Run),
    /// Measure a lakeshare and, in the same run, another server of Delta Sharing; fails if a figure is not reached.
    Compare(Box<compare::Compare>),
    /// Measure loads and commits of the Iceberg catalog; fails if a bound is broken.
    Catalog(catalog::Catalog),
    /// Draw what `compare --keep` has kept.
    Plot(compare::Plot),
    /// Only write a table.
    Table {
        #[arg(long)]
        files: u64,
        #[arg(long)]
        out: PathBuf,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value_t = 1)]
        checkpoint_parts: u64,
    },
    /// Append one commit to a table that `table` wrote.
    Append {
        #[arg(long)]
        out: PathBuf,
        #[arg(long)]
        adds: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

#[derive(clap::Args)]
struct Run {
    /// A file of perf/scenarios.
    scenario: PathBuf,
    /// The lakeshare to measure.
    #[arg(long, default_value = "target/release/lakeshare")]
    server: PathBuf,
    /// Where tables are made, and found again by the next run.
    #[arg(long, default_value = "perf/target/work")]
    work: PathBuf,
    /// Another number of files than the scenario says.
    #[arg(long)]
    files: Option<u64>,
    /// Keep the report below this folder.
    #[arg(long, num_args = 0..=1, default_missing_value = "perf/results")]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    match execute(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lakeshare-perf: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all bounds were kept.
fn execute(arguments: Arguments) -> anyhow::Result<bool> {
    match arguments.task {
        Task::Run(run) => execute_run(&run),
        Task::Compare(arguments) => compare::compare(&arguments),
        Task::Catalog(arguments) => catalog::measure(&arguments),
        Task::Plot(arguments) => compare::draw(&arguments).map(|()| true),
        Task::Table { files, out, seed, checkpoint_parts } => {
            let table = scenario::Table { seed, checkpoint_parts, ..scenario::Table::of(files) };
            println!("version {}", table::write_table(&out, &table)?);
            Ok(true)
        }
        Task::Append { out, adds, seed } => {
            let table = scenario::Table { seed, ..scenario::Table::of(0) };
            println!("version {}", table::append(&out, &table, adds)?);
            Ok(true)
        }
    }
}

fn execute_run(run: &Run) -> anyhow::Result<bool> {
    let mut scenario = Scenario::read(&run.scenario)?;
    scenario.table.files = run.files.unwrap_or(scenario.table.files);
    let place = Place {
        executable: run.server.clone(),
        data_dir: run.work.join(scenario.table.slug()),
        run_dir: run.work.join("run"),
        // What an earlier server left on disk would make a cold listing a warm one.
        settings: BTreeMap::from([("snapshot_disk".to_owned(), "0".to_owned())]),
    };
    place.clear()?;
    let server_version = report::version_of(&run.server)?;
    eprintln!("making {} files", scenario.table.files);
    table::write_table(&place.data_dir.join(BUCKET).join(LOCATION), &scenario.table)?;
    let measurements = measure(&place, &scenario)?;
    let report = Report {
        scenario: &scenario,
        machine: Machine::read(),
        date: report::now(),
        commit: report::read_commit(),
        server: server_version,
        command: report::own_command(),
        measurements: &measurements,
    };
    print!("{}", report.render_table());
    let (sentences, are_kept) = report.judge();
    for sentence in sentences {
        println!("{sentence}");
    }
    if let Some(results) = &run.keep {
        println!("{}", report.keep(results)?.display());
    }
    Ok(are_kept)
}

fn measure(place: &Place, scenario: &Scenario) -> anyhow::Result<Vec<Measurement>> {
    // A server of its own makes the grant: adding a table loads it, and then nothing would be cold.
    let first = place.start()?;
    let grant = place.grant(&first)?;
    first.stop()?;
    let query_at = |server: &Server| Query {
        address: server.address,
        table_path: grant.table_path.clone(),
        bearer_token: grant.bearer_token.clone(),
        response_format: scenario.load.response_format,
        body: "{}".to_owned(),
        compression: Compression::None,
    };
    let mut measurements = Vec::new();
    let mut running: Option<Server> = None;
    for repeat in 1..=scenario.load.cold_repeats {
        if let Some(server) = running.take() {
            server.stop()?;
        }
        let server = running.insert(place.start()?);
        measurements.push(measure_once(server, &query_at(server), scenario, (Phase::Cold, repeat))?);
    }
    let server = running.context("a scenario starts at least one server")?;
    for repeat in 1..=scenario.load.warm_repeats {
        measurements.push(measure_once(&server, &query_at(&server), scenario, (Phase::Warm, repeat))?);
    }
    server.stop()?;
    Ok(measurements)
}

fn measure_once(
    server: &Server,
    query: &Query,
    scenario: &Scenario,
    (phase, repeat): (Phase, u32),
) -> anyhow::Result<Measurement> {
    let count = if phase == Phase::Cold { 1 } else { scenario.load.listings_per_repeat };
    let before = server.process().usage()?;
    let listings = (0..count).map(|_| load::list(query)).collect::<anyhow::Result<Vec<Listing>>>()?;
    let after = server.process().usage()?;
    for listing in &listings {
        ensure!(
            listing.file_lines == scenario.table.files,
            "the listing has {} files, the table {}",
            listing.file_lines,
            scenario.table.files
        );
    }
    Ok(Measurement {
        phase,
        repeat,
        listings,
        cpu_seconds: after.cpu_seconds_since(&before),
        peak_memory_bytes: after.peak_memory_bytes,
        memory_bytes: after.memory_bytes,
    })
}
