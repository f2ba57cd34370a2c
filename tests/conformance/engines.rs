//! What engines and kits found of the Iceberg catalog.

use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalog {
    kit: Kit,
    run: Vec<Run>,
    claim: Vec<Claim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kit {
    version: String,
    left: Vec<Left>,
}

/// Tests of the kit that are left out for one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Left {
    reason: String,
    tests: Vec<String>,
}

/// A client as it was run, and what its suite said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    client: String,
    sign_in: String,
    what: String,
    suite: String,
    result: String,
}

/// What holds whatever the client, with the tests that show it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    claim: String,
    result: String,
    tests: Vec<String>,
}

impl Catalog {
    pub(super) fn read(root: &Path) -> Self {
        let text = std::fs::read_to_string(root.join("tests/conformance/catalog.toml")).unwrap();
        let read: Self = toml::from_str(&text).unwrap();
        let programs = std::fs::read_to_string(root.join("tests/clients/run.py")).unwrap();
        for run in &read.run {
            let is_known = run.suite.split(", ").all(|suite| programs.contains(&format!("[\"{suite}\"]")));
            assert!(is_known, "tests/clients/run.py knows no {}", run.suite);
        }
        read
    }

    /// The tests that stand behind claims.
    pub(super) fn tests(&self) -> impl Iterator<Item = &String> {
        self.claim.iter().flat_map(|claim| &claim.tests)
    }

    pub(super) fn rendered(&self, shown: impl Fn(&str) -> String) -> String {
        let mut text = String::from(
            "\n## Iceberg REST catalog\n\n\
             The long suites of `tests/clients/run.py` (`scripts/test --all`), as they were last run against a debug build, and what each of\n\
             them said. Checks compare with rows that the suite reckons by itself.\n\n\
             | client | sign-in | what it does | suite | result |\n|---|---|---|---|---|\n",
        );
        for Run { client, sign_in, what, suite, result } in &self.run {
            let suites = suite.split(", ").map(|suite| format!("`{suite}`")).collect::<Vec<_>>().join(", ");
            writeln!(text, "| {client} | {sign_in} | {what} | {suites} | {result} |").unwrap();
        }
        text.push_str("\n| claim | result | tests |\n|---|---|---|\n");
        for Claim { claim, result, tests } in &self.claim {
            let tests = tests.iter().map(|test| shown(test)).collect::<Vec<_>>().join(", ");
            writeln!(text, "| {claim} | {result} | {tests} |").unwrap();
        }
        let count: usize = self.kit.left.iter().map(|left| left.tests.len()).sum();
        write!(
            text,
            "\nOf Iceberg's REST compatibility kit {}, {count} tests are left out, each for a reason; the suite fails when another one\n\
             fails, and when one of these passes.\n\n| left out | reason | tests |\n|--:|---|---|\n",
            self.kit.version
        )
        .unwrap();
        for Left { reason, tests } in &self.kit.left {
            let names = tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", ");
            writeln!(text, "| {} | {reason} | {names} |", tests.len()).unwrap();
        }
        text
    }
}
