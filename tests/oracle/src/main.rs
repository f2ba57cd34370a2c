//! Prints what `delta_kernel` finds in each version of Delta tables.
//!
//!     lakeshare-delta-oracle DIRECTORY
//!
//! One line of JSON for each version of each table in the folder.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use delta_kernel::arrow::json::LineDelimitedWriter;
use delta_kernel::engine::arrow_data::EngineDataArrowExt;
use delta_kernel::object_store::local::LocalFileSystem;
use delta_kernel::scan::StatsOptions;
use delta_kernel::{Engine, Snapshot};
use delta_kernel_default_engine::DefaultEngineBuilder;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("give the folder of the tables")?;
    let engine = DefaultEngineBuilder::new(Arc::new(LocalFileSystem::new())).build();
    let mut tables: Vec<_> = std::fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    tables.sort_by_key(std::fs::DirEntry::file_name);
    for table in tables {
        let root = table.path().canonicalize()?;
        for version in versions(&root)? {
            let found = read(&engine, &root, version);
            let mut line = found.unwrap_or_else(|error| json!({"error": error.to_string()}));
            line["table"] = table.file_name().to_string_lossy().into();
            line["version"] = version.into();
            println!("{line}");
        }
    }
    Ok(())
}

/// The versions that a log's names tell of.
fn versions(root: &Path) -> Result<BTreeSet<u64>, Box<dyn Error>> {
    let mut versions = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("_delta_log"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let rest = name.get(20..).unwrap_or_default();
        if rest == ".json" || rest.starts_with(".checkpoint.") {
            versions.extend(name[..20].parse::<u64>());
        }
    }
    Ok(versions)
}

fn read(engine: &dyn Engine, root: &Path, version: u64) -> Result<Value, Box<dyn Error>> {
    let url = format!("file://{}/", root.display());
    let snapshot = Snapshot::builder_for(&url).at_version(version).build(engine)?;
    let table = snapshot.table_configuration();
    let mut found = json!({"protocol": table.protocol(), "metadata": table.metadata(),
                           "timestamp": snapshot.get_timestamp(engine).ok()});
    let mut files = Vec::new();
    let scan = snapshot.scan_builder().with_stats(StatsOptions::all()).build()?;
    for part in scan.scan_metadata(engine)? {
        let batch = part?.scan_files.apply_selection_vector()?.try_into_record_batch()?;
        let mut writer = LineDelimitedWriter::new(&mut files);
        writer.write(&batch)?;
        writer.finish()?;
    }
    let files: Result<Vec<Value>, _> = String::from_utf8(files)?.lines().map(serde_json::from_str).collect();
    found["files"] = files?.into();
    Ok(found)
}
