//! Both sample tables, written once below a bucket.

use std::path::Path;

use super::action::Head;
use super::delta_writer::{DeltaWriter, latest_version, stable_uuid};
use super::error::Error;
use super::history::{TablePlan, customer_plan, orders_plan};
use super::rows::Rows;
use super::tpch::{Generator, TEXT_POOL_BYTES, customer_rows};
use crate::clock::Clock;

/// The sample tables, in the order in which they are written, as directories below the bucket.
const LOCATIONS: [&str; 2] = ["tpch/orders", "tpch/customer"];

/// Number of commits of each table, in the order of [`LOCATIONS`].
const COMMIT_COUNTS: [usize; 2] = [17, 12];

/// The version that gets a checkpoint, as Delta's writers do by default.
const CHECKPOINT_VERSION: usize = 10;

/// How much is generated.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// 1 is 1,500,000 orders and 150,000 customers.
    pub scale_factor: f64,
    /// Text that comments are cut from; [`TEXT_POOL_BYTES`] gives the comments of every TPC-H generator.
    pub text_pool_bytes: i32,
}

impl Default for Size {
    /// 15,000 orders and 1,500 customers: half a megabyte, written in a moment.
    fn default() -> Self {
        Self { scale_factor: 0.01, text_pool_bytes: TEXT_POOL_BYTES }
    }
}

/// Writes both tables below `bucket` unless they are there; blocks on the disk.
///
/// A table that reached its last sample version stays as it is, whatever was committed later. One that was left
/// half-written is finished. Returns whether anything was written.
pub fn write_tables(bucket: &Path, size: Size, clock: &Clock) -> Result<bool, Error> {
    let mut is_complete = true;
    for (location, commit_count) in LOCATIONS.iter().zip(COMMIT_COUNTS) {
        let latest = latest_version(&bucket.join(location))?;
        is_complete &= latest.is_some_and(|version| version + 1 >= commit_count as u64);
    }
    if is_complete {
        return Ok(false);
    }
    let generator = Generator::new(size.scale_factor, size.text_pool_bytes);
    for (location, plan) in LOCATIONS.iter().zip([orders_plan(&generator), customer_plan(&generator)]) {
        write_table(&bucket.join(location), &plan, size, clock)?;
    }
    Ok(true)
}

/// All customers, in the order of their keys.
pub fn customers(size: Size) -> Rows {
    let generator = Generator::new(size.scale_factor, size.text_pool_bytes);
    let customers = generator.customers();
    customer_rows(&customers.iter().collect::<Vec<_>>())
}

fn write_table(root: &Path, plan: &TablePlan, size: Size, clock: &Clock) -> Result<(), Error> {
    if latest_version(root)?.is_some_and(|version| version + 1 >= plan.commits.len() as u64) {
        return Ok(());
    }
    let head = Head {
        id: stable_uuid(&format!("tpch/{}/{}", plan.name, size.scale_factor)).to_string(),
        name: plan.name,
        description: plan.description,
        schema_string: plan.schema_string.clone(),
        partition_column: plan.partition_column,
        created_ms: clock.now_ms(),
    };
    let mut writer = DeltaWriter::open(root, head, clock.clone())?;
    for (version, commit) in plan.commits.iter().enumerate() {
        writer.commit(commit)?;
        if version == CHECKPOINT_VERSION {
            writer.checkpoint()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
