//! What recipients see of each feature of Iceberg tables.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

use crate::delta::corpus::corpus;
use crate::uniform::corpus::REFUSED;

/// Where messages of refusals stand that a provider or a recipient may see.
const MESSAGES: [&str; 8] = [
    "src/uniform/error.rs",
    "src/uniform/paths.rs",
    "src/uniform/pointer.rs",
    "src/deletes/error.rs",
    "src/deletes/key_reader.rs",
    "src/iceberg/error.rs",
    "src/manifest/error.rs",
    "src/admin/options.rs",
];
/// Those of them that exist for refusals alone: a row explains each, but for what is broken rather than refused.
const REFUSALS: [&str; 3] = ["src/uniform/error.rs", "src/deletes/error.rs", "src/deletes/key_reader.rs"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Features {
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    row: Vec<Row>,
}

/// A feature of the table format, and what becomes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    feature: String,
    /// Format versions that have it.
    versions: String,
    result: Outcome,
    /// How it is told; of what is refused, what to do.
    how: String,
    /// Words of the refusal.
    #[serde(default)]
    says: Vec<String>,
    tests: Vec<String>,
    /// Tables of the corpus that have it.
    #[serde(default)]
    tables: Vec<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Served,
    Aside,
    Part,
    Refused,
}

impl Outcome {
    fn text(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Aside => "left aside",
            Self::Part => "served in part",
            Self::Refused => "refused",
        }
    }
}

impl Features {
    pub(super) fn read(root: &Path) -> Self {
        let text = std::fs::read_to_string(root.join("tests/conformance/features.toml")).unwrap();
        toml::from_str(&text).unwrap()
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.group.iter().flat_map(|group| &group.row)
    }

    /// The tests that stand behind rows.
    pub(super) fn tests(&self) -> impl Iterator<Item = &String> {
        self.rows().flat_map(|row| &row.tests)
    }

    pub(super) fn rendered(&self, shown: impl Fn(&str) -> String) -> String {
        let count = |result| self.rows().filter(|row| row.result == result).count();
        let mut text = format!(
            "\n## Iceberg tables through Delta Sharing\n\n\
             What recipients see of each feature of Iceberg's table format. Of {} features {} are served, {} in part, {} are left aside\n\
             because they say nothing of rows, and {} are refused, with words that say what to do. *Corpus* is tables that other engines\n\
             wrote: each is read row by row as an independent reader found it, by the Python client in both formats, or refused\n\
             (`sharing_iceberg_corpus.py`). Made of `tests/conformance/features.toml`; a test compares it with the messages of the code.\n",
            self.rows().count(),
            count(Outcome::Served),
            count(Outcome::Part),
            count(Outcome::Aside),
            count(Outcome::Refused),
        );
        for Group { name, row } in &self.group {
            write!(text, "\n### {name}\n\n| feature | format | result | how, or what to do | shown by |\n|---|---|---|---|---|\n")
                .unwrap();
            for Row { feature, versions, result, how, tests, tables, .. } in row {
                let mut proofs: Vec<String> = tests.iter().map(|test| shown(test)).collect();
                if !tables.is_empty() {
                    proofs.push(format!("corpus: {}", tables.join(", ")));
                }
                let proofs = proofs.join(", ");
                writeln!(text, "| {feature} | {versions} | {} | {how} | {proofs} |", result.text()).unwrap();
            }
        }
        text
    }
}

/// The texts of errors in a file, and what of them are words; `{…}` stays.
fn messages(root: &Path, file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root.join(file)).unwrap();
    let mut found = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, behind)) = rest.split_once('"') {
        let end = behind.match_indices('"').map(|(at, _)| at).find(|at| !behind[..*at].ends_with('\\'));
        let (literal, after) = behind.split_at(end.unwrap());
        // A backslash at the end of a line takes the next one's indent with it.
        let lines: Vec<&str> = literal.split("\\\n").collect();
        found.push(
            lines
                .iter()
                .enumerate()
                .map(|(at, line)| if at > 0 { line.trim_start() } else { line })
                .collect(),
        );
        rest = &after[1..];
    }
    found
}

/// Whether a reason has the words, up to the first that differs from table to table.
fn is_said(words: &str, reason: &str) -> bool {
    let fixed = words.split('{').next().unwrap_or_default();
    !fixed.is_empty() && reason.contains(fixed)
}

#[test]
fn every_refusal_of_an_iceberg_table_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let features = Features::read(root);
    let said: BTreeSet<&String> = features.rows().flat_map(|row| &row.says).collect();
    let all: Vec<String> = MESSAGES.iter().flat_map(|file| messages(root, file)).collect();
    for words in &said {
        assert!(all.iter().any(|message| message.contains(words.as_str())), "no message says {words:?}");
    }
    // What to do about something is said where something can be done.
    let remedies = ["rewrite", "compact", "share a copy", "rename one", "up to 3", "rewritten"];
    let refusals = REFUSALS.iter().flat_map(|file| messages(root, file));
    for message in refusals.filter(|message| remedies.iter().any(|remedy| message.contains(remedy))) {
        assert!(said.iter().any(|words| message.contains(words.as_str())), "no row explains: {message}");
    }
}

#[test]
fn every_feature_is_shown_by_tests_or_by_tables_of_the_corpus() {
    let features = Features::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut named = BTreeSet::new();
    for row in features.rows() {
        let feature = &row.feature;
        assert!(named.insert(feature), "{feature}: twice");
        assert!(!row.tests.is_empty() || !row.tables.is_empty(), "{feature}: nothing shows it");
        assert_eq!(row.says.is_empty(), row.result != Outcome::Refused, "{feature}: refusals have words");
        assert!(![feature, &row.how, &row.versions].iter().any(|text| text.contains('|')), "{feature}");
        for table in &row.tables {
            assert!(corpus().join("iceberg").join(table).is_dir(), "{feature}: no table {table}");
            let reason = REFUSED.iter().find(|(name, _)| name == table).map(|(_, reason)| *reason);
            let is_right = match (row.result, reason) {
                (Outcome::Refused, Some(reason)) => row.says.iter().any(|words| is_said(words, reason)),
                (Outcome::Refused, None) | (_, Some(_)) => false,
                (_, None) => true,
            };
            assert!(is_right, "{feature}: {table} is refused: {reason:?}");
        }
    }
}
