//! Hints of queries: what they leave out, and what they never do.

use serde_json::{Value, json};

use super::log_table::Head;
use super::wire::Ask;
use super::world::World;

/// A table of the columns `id`, `name` and `at`, partitioned by `p`; each file is `(p, statistics)`.
fn table(files: &[(Value, Value)]) -> (World, String) {
    let field = |name: &str, data_type: &str| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
    let schema = json!({"type": "struct", "fields": [field("id", "integer"), field("name", "string"),
        field("at", "timestamp"), field("p", "integer")]});
    let head =
        Head::plain().with("schemaString", json!(schema.to_string())).with("partitionColumns", json!(["p"]));
    let world = World::start();
    let add = |(number, (p, stats)): (usize, &(Value, Value))| {
        json!({"add": {"path": format!("part-{number}.parquet"), "partitionValues": {"p": p}, "size": 1000,
            "modificationTime": 0, "dataChange": true, "stats": stats.to_string()}})
    };
    world.table("t", &head).commit(&files.iter().enumerate().map(add).collect::<Vec<Value>>());
    let token = world.share("s", &[("default", "t", "t")]);
    (world, token)
}

fn range(column: &str, min: Value, max: Value, nulls: u32) -> Value {
    json!({"numRecords": 10, "minValues": {column: min}, "maxValues": {column: max}, "nullCount": {column: nulls}})
}

/// The numbers of the files in the answer, whose `metaData` counts the whole table all the same.
fn listed(world: &World, token: &str, body: &Value, file_count: usize) -> Vec<usize> {
    let answer = world.query(token, &body.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut lines = answer.lines();
    let files = lines.split_off(2);
    assert_eq!(lines[1]["metaData"]["numFiles"], json!(file_count));
    assert_eq!(lines[1]["metaData"]["size"], json!(1000 * file_count));
    let number = |line: &Value| {
        let url = line["file"]["url"].as_str().unwrap();
        let rest = &url[url.find("/part-").unwrap() + "/part-".len()..];
        rest[..rest.find('.').unwrap()].parse().unwrap()
    };
    files.iter().map(number).collect()
}

fn leaf(op: &str, column: &str, value_type: &str, value: &str) -> Value {
    json!({"op": op, "children": [{"op": "column", "name": column, "valueType": value_type},
        {"op": "literal", "value": value, "valueType": value_type}]})
}

fn hint(tree: &Value) -> Value {
    json!({"jsonPredicateHints": tree.to_string()})
}

#[test]
fn statistics_and_null_counts_prune_and_negation_is_sound() {
    let (world, token) = table(&[
        (json!("1"), range("id", json!(5), json!(10), 0)),
        (json!("1"), range("id", json!(7), json!(7), 0)),
        (json!("1"), range("id", json!(1), json!(2), 3)),
        (json!("1"), range("id", json!(null), json!(null), 10)),
    ]);
    let not = |child: &Value| json!({"op": "not", "children": [child]});
    let is_null = json!({"op": "isNull", "children": [{"op": "column", "name": "ID", "valueType": "int"}]});
    for (tree, expected) in [
        (leaf("equal", "id", "int", "7"), vec![0, 1]),
        (not(&leaf("equal", "id", "int", "7")), vec![0, 2]),
        (is_null.clone(), vec![2, 3]),
        (not(&is_null), vec![0, 1, 2]),
    ] {
        assert_eq!(listed(&world, &token, &hint(&tree), 4), expected, "{tree}");
    }
    // An object instead of a text, which users send by mistake.
    let object = json!({"jsonPredicateHints": leaf("greaterThan", "id", "int", "7")});
    assert_eq!(listed(&world, &token, &object, 4), [0]);
}

#[test]
fn partition_values_prune_by_their_type_and_null_matches_nothing() {
    let stats = json!({"numRecords": 1});
    let (world, token) = table(&[
        (json!("2"), stats.clone()),
        (json!("10"), stats.clone()),
        (json!(null), stats.clone()),
        (json!(""), stats),
    ]);
    let more = leaf("greaterThan", "p", "int", "9");
    assert_eq!(listed(&world, &token, &hint(&more), 4), [1]);
    let not = json!({"op": "not", "children": [more]});
    assert_eq!(listed(&world, &token, &hint(&not), 4), [0]);
    assert_eq!(listed(&world, &token, &json!({"predicateHints": ["(`p` IS NULL)"]}), 4), [2, 3]);
    assert_eq!(listed(&world, &token, &json!({"predicateHints": ["p IN (1, 2)", "p <> 3"]}), 4), [0]);
}

#[test]
fn cut_strings_and_timestamps_keep_what_lies_beyond_the_cut() {
    let max = "x".repeat(32);
    let (world, token) = table(&[
        (json!("1"), range("name", json!("a"), json!(max), 0)),
        (json!("1"), range("at", json!("2024-01-01T00:00:00.000Z"), json!("2024-01-01T00:00:00.123Z"), 0)),
    ]);
    let beyond = leaf("equal", "name", "string", &format!("{max}yz"));
    assert_eq!(listed(&world, &token, &hint(&beyond), 2), [0, 1]);
    assert_eq!(listed(&world, &token, &hint(&leaf("equal", "name", "string", "y")), 2), [1]);
    let after =
        |micros: &str| leaf("greaterThan", "at", "timestamp", &format!("2024-01-01T00:00:00.{micros}Z"));
    assert_eq!(listed(&world, &token, &hint(&after("123500")), 2), [0, 1]);
    assert_eq!(listed(&world, &token, &hint(&after("124000")), 2), [0]);
}

#[test]
fn what_is_not_understood_is_left_out_of_an_and_and_spoils_an_or() {
    let stats = json!({"numRecords": 1});
    let (world, token) = table(&[(json!("1"), stats.clone()), (json!("2"), stats)]);
    let p1 = leaf("equal", "p", "int", "1");
    for other in
        [leaf("equal", "nosuch", "int", "1"), leaf("equal", "p", "string", "2"), json!({"op": "like"})]
    {
        let tree = |op: &str| json!({"op": op, "children": [other, p1]});
        assert_eq!(listed(&world, &token, &hint(&tree("and")), 2), [0], "{other}");
        assert_eq!(listed(&world, &token, &hint(&tree("or")), 2), [0, 1], "{other}");
    }
    let two = json!({"predicateHints": ["p = = 1", "p = 1"]});
    assert_eq!(listed(&world, &token, &two, 2), [0]);
}

#[test]
fn malformed_hints_are_answered_with_all_files_and_counted() {
    let stats = json!({"numRecords": 1});
    let (world, token) = table(&[(json!("1"), stats.clone()), (json!("2"), stats)]);
    let deep =
        (0..101).fold(leaf("equal", "p", "int", "1"), |tree, _| json!({"op": "not", "children": [tree]}));
    let huge =
        json!({"op": "and", "children": [leaf("equal", "p", "int", "1"), {"op": "x".repeat(2 << 20)}]});
    let malformed = [
        json!("{"),
        json!("[]"),
        json!("not json"),
        json!(deep.to_string()),
        json!(huge.to_string()),
        json!({}),
        json!([1]),
    ];
    for text in &malformed {
        let body = json!({"jsonPredicateHints": text});
        assert_eq!(listed(&world, &token, &body, 2), [0, 1], "{:.60}", text.to_string());
    }
    assert_eq!(listed(&world, &token, &json!({"predicateHints": ["drop table t", ""]}), 2), [0, 1]);
    assert_eq!(listed(&world, &token, &json!({"predicateHints": ["p = 1", "year(at) = 2024"]}), 2), [0]);
    let metrics = Ask::get("/metrics").send(world.server.address);
    let count = |used: &str| -> u64 {
        let lines =
            metrics.text().lines().filter(|line| line.starts_with("lakeshare_queries_with_hints_total{"));
        let of_use = lines.filter(|line| line.contains(&format!("used=\"{used}\"")));
        of_use.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    };
    assert_eq!((count("Ignored"), count("Part"), count("Whole")), (malformed.len() as u64 + 1, 1, 0));
}

#[test]
fn a_limit_beside_a_hint_cuts_nothing_that_the_hint_keeps() {
    let stats = range("id", json!(1), json!(9), 0);
    let (world, token) =
        table(&[(json!("1"), stats.clone()), (json!("2"), stats.clone()), (json!("2"), stats)]);
    assert_eq!(listed(&world, &token, &json!({"limitHint": 5}), 3), [0]);
    for hints in [json!(["p = 2"]), json!(["p = 2 AND id = 4"])] {
        assert_eq!(listed(&world, &token, &json!({"limitHint": 5, "predicateHints": hints}), 3), [1, 2]);
    }
    assert_eq!(listed(&world, &token, &json!({"limitHint": 5, "predicateHints": ["%%"]}), 3), [0, 1, 2]);
}

#[test]
fn hints_name_mapped_columns_as_users_do_and_prune_by_their_physical_names() {
    let mapped = |id: u32, name: &str, physical: &str| {
        json!({"name": name, "type": "integer", "nullable": true,
            "metadata": {"delta.columnMapping.id": id, "delta.columnMapping.physicalName": physical}})
    };
    // `new` was called `old`, and another column has that name now.
    let fields = [mapped(1, "new", "old"), mapped(2, "old", "col-2"), mapped(3, "part", "col-3")];
    let head = Head::plain()
        .with("schemaString", json!(json!({"type": "struct", "fields": fields}).to_string()))
        .with("partitionColumns", json!(["part"]))
        .with(
            "configuration",
            json!({"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "3"}),
        );
    let head = Head { protocol: json!({"minReaderVersion": 2, "minWriterVersion": 5}), ..head };
    let world = World::start();
    let add = |number: i32| {
        let values = json!({"old": number, "col-2": 100 + number});
        let stats = json!({"numRecords": 1, "minValues": values, "maxValues": values, "nullCount": {"old": 0, "col-2": 0}});
        json!({"add": {"path": format!("part-{number}.parquet"), "partitionValues": {"col-3": number.to_string()},
            "size": 1000, "modificationTime": 0, "dataChange": true, "stats": stats.to_string()}})
    };
    world.table("t", &head).commit(&(0..4).map(add).collect::<Vec<Value>>());
    let token = world.share("s", &[("default", "t", "t")]);
    let capabilities = "responseformat=delta;readerfeatures=columnmapping";
    for (hint, expected) in [
        ("new = 1", vec!["1"]),
        ("old = 101", vec!["1"]),
        ("old = 1", vec![]),
        ("part >= 2", vec!["2", "3"]),
        ("part >= 2 AND OLD < 103", vec!["2"]),
        ("`col-3` = 1", vec!["0", "1", "2", "3"]),
    ] {
        let answer = world.query_as(&token, capabilities, &json!({"predicateHints": [hint]}).to_string());
        assert_eq!(answer.status, 200, "{}", answer.text());
        let files = answer.lines().split_off(2);
        let part = |line: &Value| {
            let values = &line["file"]["deltaSingleAction"]["add"]["partitionValues"];
            values["col-3"].as_str().unwrap().to_owned()
        };
        assert_eq!(files.iter().map(part).collect::<Vec<String>>(), expected, "{hint}");
    }
}
