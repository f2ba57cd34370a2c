//! What each fuzz target does with its bytes.
//!
//! `fuzz_targets` runs these under libFuzzer, `tests/fuzz` runs them on the seeds and on a fixed number of mutations.
//! A body fails by panicking, like a test.

mod answers;
mod catalog;
mod deletes;
mod directory;
mod hints;
mod iceberg;
mod log;
mod spill;
mod wire;

/// A target's name and body.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 23] = [
    ("capabilities", wire::capabilities),
    ("changes", log::changes),
    ("checkpoint", log::checkpoint),
    ("commit", log::commit),
    ("deletion_vector", log::deletion_vector),
    ("gzip", answers::gzip),
    ("iceberg_commit", catalog::commit),
    ("iceberg_deletion_vector", deletes::vector),
    ("iceberg_manifest", iceberg::manifest),
    ("iceberg_manifest_list", iceberg::manifest_list),
    ("iceberg_metadata", catalog::metadata),
    ("iceberg_position_deletes", deletes::positions),
    ("json_hints", hints::json),
    ("manifest", spill::manifest),
    ("object_key", wire::object_key),
    ("page_token", directory::page_token),
    ("presigned_url", answers::presigned_url),
    ("query_body", wire::query_body),
    ("query_token", directory::query_token),
    ("request_target", wire::request_target),
    ("segment_file", spill::segment_file),
    ("sql_hints", hints::sql),
    ("statistics", hints::statistics),
];

/// Runs one target by its name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    (target.expect("a target of that name").1)(bytes);
}
