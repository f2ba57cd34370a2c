//! Every parser of foreign bytes, on seeds and on mutations.
//!
//! The same bodies run under libFuzzer (`fuzz/README.md`). Here the mutations come from a fixed seed, so that a failure
//! comes back; it prints the bytes. `LAKESHARE_FUZZ_FACTOR=100` runs a hundred times as many.

use std::path::PathBuf;

use self::bodies::TARGETS;
use self::mutator::Mutator;

#[path = "../../fuzz/bodies/mod.rs"]
mod bodies;
mod mutator;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn names(folder: PathBuf) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let stem = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(stem).collect();
    names.sort();
    names
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = folder("seeds").join(target);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Shows the bytes if the body panics.
struct Input<'a>(&'static str, &'a [u8]);

impl Drop for Input<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{} failed on: {}", self.0, self.1.escape_ascii());
        }
    }
}

fn survives(name: &'static str, executions: usize) {
    let factor = std::env::var_os("LAKESHARE_FUZZ_FACTOR")
        .map_or(1, |factor| factor.to_str().unwrap().parse().unwrap());
    let seeds = seeds(name);
    let run = |bytes: &[u8]| {
        let input = Input(name, bytes);
        bodies::run(name, input.1);
    };
    run(b"");
    seeds.iter().for_each(|seed| run(seed));
    let mut mutator = Mutator::new(seeds);
    for _ in 0..executions * factor {
        run(&mutator.next_input());
    }
}

#[test]
fn every_target_has_a_plate_for_libfuzzer_and_seeds() {
    let targets: Vec<String> = TARGETS.iter().map(|target| target.0.to_owned()).collect();
    assert_eq!(names(folder("fuzz_targets")), targets);
    assert_eq!(names(folder("seeds")), targets);
    assert!(targets.iter().all(|target| !seeds(target).is_empty()));
    let manifest = std::fs::read_to_string(folder("Cargo.toml")).unwrap();
    for target in targets {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target}");
        let plate = std::fs::read_to_string(folder("fuzz_targets").join(format!("{target}.rs"))).unwrap();
        assert!(plate.contains(&format!("bodies::run(\"{target}\", bytes)")), "{target}");
    }
}

#[test]
fn capabilities_headers_never_panic() {
    survives("capabilities", 20_000);
}

#[test]
fn changes_that_were_looked_through_are_told_without_a_fault() {
    survives("changes", 1_500);
}

#[test]
fn checkpoints_are_read_or_refused_for_good() {
    survives("checkpoint", 400);
}

#[test]
fn commits_are_read_or_refused_for_good() {
    survives("commit", 1_500);
}

#[test]
fn deletion_vectors_are_read_or_refused_for_good() {
    survives("deletion_vector", 1_500);
}

#[test]
fn every_piece_of_a_gzip_member_comes_back() {
    survives("gzip", 5_000);
}

#[test]
fn deletion_vectors_of_iceberg_tables_are_read_in_bounds_or_refused() {
    survives("iceberg_deletion_vector", 5_000);
}

#[test]
fn position_deletes_are_read_in_bounds_or_refused() {
    survives("iceberg_position_deletes", 400);
}

#[test]
fn iceberg_manifests_are_read_in_bounds_or_refused() {
    survives("iceberg_manifest", 4_000);
}

#[test]
fn iceberg_manifest_lists_are_read_in_bounds_or_refused() {
    survives("iceberg_manifest_list", 4_000);
}

#[test]
fn commits_to_iceberg_tables_lead_to_tables_that_can_be_read() {
    survives("iceberg_commit", 5_000);
}

#[test]
fn metadata_of_iceberg_tables_is_refused_or_written_as_it_was_read() {
    survives("iceberg_metadata", 5_000);
}

#[test]
fn json_hints_never_panic() {
    survives("json_hints", 5_000);
}

#[test]
fn manifests_are_read_or_refused() {
    survives("manifest", 5_000);
}

#[test]
fn object_keys_stay_below_their_bucket() {
    survives("object_key", 20_000);
}

#[test]
fn page_tokens_that_were_not_given_out_open_nothing() {
    survives("page_token", 5_000);
}

#[test]
fn signatures_side_by_side_are_those_of_the_standard() {
    survives("presigned_url", 5_000);
}

#[test]
fn query_bodies_are_read_or_refused_for_good() {
    survives("query_body", 5_000);
}

#[test]
fn tokens_of_queries_open_for_their_own_question_only() {
    survives("query_token", 5_000);
}

#[test]
fn paths_and_parameters_are_read_or_refused_for_good() {
    survives("request_target", 20_000);
}

#[test]
fn segment_files_are_read_in_bounds_or_refused() {
    survives("segment_file", 5_000);
}

#[test]
fn sql_hints_never_panic_and_mean_the_same_when_negated_twice() {
    survives("sql_hints", 5_000);
}

#[test]
fn statistics_never_panic() {
    survives("statistics", 5_000);
}
