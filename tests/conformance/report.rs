//! What is held, case by case, with the tests that show it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::engines::Catalog;
use super::features::Features;

/// Cases of section 9 of the checklist that the project is held to.
const CASES: usize = 74;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    name: String,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    number: usize,
    claim: String,
    result: Outcome,
    #[serde(default)]
    note: String,
    clients: String,
    tests: Vec<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Held,
    Refused,
    Differs,
    Open,
}

impl Outcome {
    fn text(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Refused => "refused, as it should be",
            Self::Differs => "held in part",
            Self::Open => "not yet",
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn report() -> Report {
    let text = std::fs::read_to_string(root().join("tests/conformance/cases.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

fn has_test(path: &Path, name: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let before = text.split_once(&format!("fn {name}(")).map_or("", |(before, _)| before);
    // The mark, at most a comment or another mark, then the function.
    before
        .lines()
        .rev()
        .take(6)
        .any(|line| ["#[test]", "#[tokio::test"].iter().any(|mark| line.trim().starts_with(mark)))
}

/// Whether a test of that path stands where its path says.
fn exists(test: &str) -> bool {
    if test.starts_with("clients/") {
        return root().join("tests").join(test).is_file();
    }
    let (base, path) = match test.strip_prefix("lib::") {
        Some(path) => ("src", path),
        None => ("tests", test),
    };
    let (modules, name) = path.rsplit_once("::").unwrap();
    let files = [modules, modules.strip_suffix("::tests").unwrap_or(modules)]
        .map(|modules| root().join(base).join(modules.replace("::", "/")));
    let files = files.iter().flat_map(|file| [file.with_extension("rs"), file.join("mod.rs")]);
    files.into_iter().any(|file| has_test(&file, name))
}

/// The name of a test without its room, and where it stands.
fn shown(test: &str) -> String {
    let name = test.rsplit("::").next().unwrap();
    format!("`{}`", name.trim_start_matches("clients/"))
}

fn rendered(report: &Report) -> String {
    let cases = || report.section.iter().flat_map(|section| &section.case);
    let count = |result| cases().filter(|case| case.result == result).count();
    let mut text = format!(
        "# Conformance\n\n\
         What a Delta Sharing server is asked to do, case by case, and the tests that fail if it does not. Made of\n\
         `tests/conformance/cases.toml` by a test, which fails when this page is not up to date. Then comes what recipients see of\n\
         Iceberg tables, feature by feature (`features.toml` beside it), and what engines found of the Iceberg catalog (`catalog.toml`).\n\n\
         Of {CASES} cases {} are held, {} are refusals as they should be, {} are held in part, {} are not served yet.\n\
         *wire* is raw HTTP with the headers and bodies that clients send; *Python* is the `delta-sharing` package. Spark's\n\
         sharing connector is on no registry: *as Spark* is what its source sends and demands.\n",
        count(Outcome::Held),
        count(Outcome::Refused),
        count(Outcome::Differs),
        count(Outcome::Open),
    );
    for section in &report.section {
        write!(
            text,
            "\n## {}\n\n| case | claim | result | client | tests |\n|---|---|---|---|---|\n",
            section.name
        )
        .unwrap();
        for case in &section.case {
            let Case { number, claim, result, note, clients, tests } = case;
            let note = if note.is_empty() { String::new() } else { format!(": {note}") };
            let tests = tests.iter().map(|test| shown(test)).collect::<Vec<_>>().join(", ");
            writeln!(text, "| {number} | {claim} | {}{note} | {clients} | {tests} |", result.text()).unwrap();
        }
    }
    text.push_str(&Features::read(&root()).rendered(shown));
    text.push_str(&Catalog::read(&root()).rendered(shown));
    text
}

#[test]
fn every_case_is_answered_once_by_tests_that_exist() {
    let report = report();
    let cases: Vec<&Case> = report.section.iter().flat_map(|section| &section.case).collect();
    assert_eq!(cases.iter().map(|case| case.number).collect::<Vec<_>>(), (1..=CASES).collect::<Vec<_>>());
    let missing: Vec<&String> =
        cases.iter().flat_map(|case| &case.tests).filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
    let (catalog, features) = (Catalog::read(&root()), Features::read(&root()));
    let missing: Vec<&String> =
        catalog.tests().chain(features.tests()).filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
    for case in cases {
        let is_open = case.result == Outcome::Open;
        assert_eq!(case.tests.is_empty(), is_open, "case {}: tests show what is held", case.number);
        let needs_note = is_open || case.result == Outcome::Differs;
        assert_eq!(!case.note.is_empty(), needs_note, "case {}: a note says what is not held", case.number);
        let texts = [&case.claim, &case.note, &case.clients];
        assert!(texts.iter().all(|text| !text.contains('|')), "case {}: no bars in a table", case.number);
    }
}

#[test]
fn the_page_of_conformance_is_up_to_date() {
    let path = root().join("docs/conformance.md");
    let text = rendered(&report());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == text,
        "docs/conformance.md is old: UPDATE_GOLDEN=1 cargo test --test main conformance::report"
    );
}
