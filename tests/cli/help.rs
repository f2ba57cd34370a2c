//! Help texts, usage errors and exit codes, without a server.

use std::fs;

use super::session::{Session, compare_text};

/// Every command line that has a help text, found by walking the help texts themselves.
fn commands(session: &Session, path: &[&str], found: &mut Vec<Vec<String>>) {
    let help = session.done(&[path, &["--help"]].concat()).out;
    found.push(path.iter().map(|word| (*word).to_owned()).collect());
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    for line in listed.lines().take_while(|line| line.starts_with("  ")) {
        let name = line.split_whitespace().next().unwrap_or_default();
        if name != "help" && !name.is_empty() && line.as_bytes()[2] != b' ' {
            commands(session, &[path, &[name]].concat(), found);
        }
    }
}

#[test]
fn every_command_has_a_summary_and_an_example() {
    let session = Session::new();
    let mut found = Vec::new();
    commands(&session, &[], &mut found);
    assert!(found.len() > 30, "{found:?}");
    for path in found {
        let mut words: Vec<&str> = path.iter().map(String::as_str).collect();
        words.push("--help");
        let help = session.done(&words).out;
        let summary = help.lines().next().unwrap_or_default();
        assert!(!summary.is_empty() && !summary.starts_with("Usage"), "{path:?} has no summary");
        assert!(help.contains("Example"), "{path:?} has no example");
        for example in help.lines().filter(|line| line.starts_with("  lakeshare ")) {
            let leads_to_group = path.is_empty() || example.contains(path.last().unwrap().as_str());
            assert!(leads_to_group, "{path:?}: {example}");
        }
    }
}

#[test]
fn help_texts_are_as_reviewed() {
    let session = Session::new();
    for (name, words) in [
        ("help", &["--help"][..]),
        ("help-server", &["server", "--help"]),
        ("help-cp", &["cp", "--help"]),
        ("help-share-create", &["share", "create", "--help"]),
        ("help-token-create", &["share", "token", "create", "--help"]),
        ("help-warehouse", &["warehouse", "--help"]),
        ("help-namespace", &["namespace", "--help"]),
        ("help-table", &["table", "--help"]),
        ("help-table-create", &["table", "create", "--help"]),
        ("help-table-config", &["table", "config", "--help"]),
    ] {
        compare_text(name, &session.done(words).out);
    }
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_right() {
    let mut session = Session::new();
    session.show(&["shares"]);
    session.show(&["share", "create", "local/test"]);
    session.show(&["share", "create", "local/test", "tpch", "orders:delta:bucket"]);
    session.show(&["share", "create", "local/test", "orders:delta:b:p", "customer:delta:b:p"]);
    session.show(&["share", "update", "local/test"]);
    session.show(&["share", "update", "local/test", "--add", "orders:delta:b:p"]);
    session.show(&["share", "update", "local/test", "--remove", "orders"]);
    session.show(&["share", "info", "local"]);
    session.show(&["share", "token", "create", "local/test", "--expires", "soon"]);
    session.show(&["share", "token", "create", "local/a", "prod/b"]);
    session.show(&["mb", "local/a/b"]);
    session.show(&["cp", "a", "b", "c"]);
    session.show(&["cp", "a", "b"]);
    session.show(&["alias", "set", "1a", "http://127.0.0.1:9000", "a", "b"]);
    session.show(&["alias", "set", "local", "127.0.0.1:9000", "a", "b"]);
    session.show(&["alias", "set", "local", "http://127.0.0.1:9000"]);
    session.show(&["healthcheck", "localhost"]);
    session.show(&["--json", "share", "remove"]);
    session.compare("usage");
    assert!(session.codes().iter().all(|code| *code == 2), "{:?}", session.codes());
}

#[test]
fn wrong_usage_of_the_catalog_says_what_is_right() {
    let mut session = Session::new();
    session.show(&["warehouse", "create", "local"]);
    session.show(&["warehouse", "create", "local/lake/sales"]);
    session.show(&["warehouse", "remove", "local/lake", "--purge"]);
    session.show(&["table", "warehouse", "remove", "local/lake", "--force"]);
    session.show(&["namespace", "create", "local/lake"]);
    session.show(&["namespace", "create", "local/lake/sales..eu"]);
    session.show(&["namespace", "create", "local/lake/sales", "--attr", "owner"]);
    session.show(&["namespace", "update", "local/lake/sales"]);
    session.show(&["table", "create", "local/lake/orders", "--schema", SCHEMA]);
    session.show(&["table", "create", "local/lake/sales/orders"]);
    session.show(&["table", "create", "local/lake/sales/orders", "--schema", "id long"]);
    session.show(&[
        "table",
        "create",
        "local/lake/sales/orders",
        "--schema",
        SCHEMA,
        "--partition",
        "week(at)",
    ]);
    session.show(&[
        "table",
        "create",
        "local/lake/sales/orders",
        "--schema",
        SCHEMA,
        "--partition",
        "day(at)",
    ]);
    session.show(&["table", "register", "local/lake/sales/orders", "v3.metadata.json"]);
    session.show(&["table", "rename", "local/lake/sales/orders"]);
    session.show(&["table", "config", "local/lake"]);
    session.show(&["table", "config", "local/lake", "--spark", "--trino"]);
    session.show(&["table", "config", "local/lake", "--duckdb", "--sigv4"]);
    session.show(&["table", "config", "local/lake", "--spark", "--name", "my-lake"]);
    session.show(&["--json", "table", "list", "local/lake/sales/orders"]);
    session.compare("usage-catalog");
    assert!(session.codes().iter().all(|code| *code == 2), "{:?}", session.codes());
}

const SCHEMA: &str = r#"{"type":"struct","fields":[{"name":"id","type":"long","required":true}]}"#;

#[test]
fn refusals_exit_with_1_and_say_what_to_do() {
    let mut session = Session::new();
    session.show(&["ls", "local"]);
    session.show(&["share", "list", "local"]);
    session.show(&["alias", "list", "local"]);
    session.show(&["rm", "--recursive", "local/bucket"]);
    session.show(&["--json", "ls", "local"]);
    session.compare("refusals");
    assert!(session.codes().iter().all(|code| *code == 1), "{:?}", session.codes());
}

#[test]
fn no_arguments_print_the_help_and_exit_with_2() {
    let answer = Session::new().run(&[]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("Usage: lakeshare"), "{}", answer.err);
}

#[test]
fn later_commands_do_not_exist_yet() {
    let session = Session::new();
    for words in [["bucket"], ["doctor"]] {
        let answer = session.run(&words);
        assert_eq!(answer.code, 2);
        assert!(answer.err.contains("unrecognized subcommand"), "{}", answer.err);
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    let session = Session::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = session.done(&["completions", shell]).out;
        assert!(script.contains("lakeshare") && script.contains("token"), "{shell}");
    }
    assert!(session.done(&["man"]).out.contains(".TH"));
    session.done(&["man", "pages"]);
    let pages: Vec<String> = fs::read_dir(session.work().join("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in
        ["lakeshare.1", "lakeshare-share-token-create.1", "lakeshare-cp.1", "lakeshare-table-config.1"]
    {
        assert!(pages.iter().any(|name| name == page), "{pages:?}");
    }
}

#[test]
fn global_flags_are_taken_in_any_place() {
    let session = Session::new();
    for words in [
        &["--json", "alias", "list", "none"][..],
        &["alias", "--json", "list", "none"],
        &["alias", "list", "none", "--json"],
        &["alias", "list", "--config-dir", "elsewhere", "none", "--json"],
    ] {
        let answer = session.run(words);
        assert_eq!(answer.code, 1);
        assert_eq!(answer.object()["error"]["cause"], "there is no such alias");
    }
}
