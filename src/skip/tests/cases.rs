//! Single cases, each with the trap it stands for.

use serde_json::{Value, json};

use super::fixture::{Described, field, file, json_hint, keeps, kept, list, metadata, plain, sql};
use crate::limits::{HINT_BYTES_MAX, HINT_DEPTH_MAX, HINT_LEAVES_MAX, HINT_TOKENS_MAX};
use crate::skip::hints::Hints;
use crate::skip::predicate::Predicate;

fn column(name: &str, value_type: &str) -> Value {
    json!({"op": "column", "name": name, "valueType": value_type})
}

fn compare(op: &str, name: &str, value_type: &str, value: &str) -> Value {
    json!({"op": op, "children": [column(name, value_type),
        {"op": "literal", "value": value, "valueType": value_type}]})
}

fn not(child: &Value) -> Value {
    json!({"op": "not", "children": [child]})
}

fn keeps_json(tree: &Value, file: Described) -> bool {
    kept(&json_hint(tree), &plain(), &list(&[file]))[0]
}

fn stats(column: &str, min: &Value, max: &Value) -> Described {
    let mut stats = json!({"numRecords": 10, "minValues": {}, "maxValues": {}, "nullCount": {}});
    stats["minValues"][column] = min.clone();
    stats["maxValues"][column] = max.clone();
    stats["nullCount"][column] = json!(0);
    file(json!({"p": "1", "day": "2021-01-01"}), &stats)
}

#[test]
fn not_equal_keeps_a_range_and_drops_a_single_value() {
    let not_seven = not(&compare("equal", "i", "int", "7"));
    assert!(keeps_json(&not_seven, stats("i", &json!(5), &json!(10))));
    assert!(!keeps_json(&not_seven, stats("i", &json!(7), &json!(7))));
    assert!(!keeps("i <> 7", stats("i", &json!(7), &json!(7))));
}

#[test]
fn null_counts_decide_on_null() {
    let nulls = |count: i32| {
        file(
            json!({}),
            &json!({"numRecords": 10, "minValues": {"i": 1}, "maxValues": {"i": 2}, "nullCount": {"i": count}}),
        )
    };
    let is_null = json!({"op": "isNull", "children": [column("i", "int")]});
    assert_eq!([0, 3, 10].map(|count| keeps_json(&is_null, nulls(count))), [false, true, true]);
    assert_eq!([0, 3, 10].map(|count| keeps_json(&not(&is_null), nulls(count))), [true, true, false]);
    // More nulls than rows is nonsense, and says nothing.
    assert!(keeps_json(&not(&is_null), nulls(11)) && keeps_json(&is_null, nulls(11)));
    assert_eq!([0, 3, 10].map(|count| keeps("i <=> NULL", nulls(count))), [false, true, true]);
    assert_eq!([0, 3, 10].map(|count| keeps("isnotnull(i)", nulls(count))), [true, true, false]);
    assert_eq!([0, 3, 10].map(|count| keeps("NOT (i <=> 1)", nulls(count))), [true, true, true]);
    assert!(!keeps("i = NULL", nulls(3)) && !keeps("NOT (i = NULL)", nulls(3)));
}

#[test]
fn partition_values_are_compared_typed() {
    let parts = ["2", "10"].map(|p| file(json!({"p": p, "day": null}), &json!({})));
    let hint = json_hint(&compare("greaterThan", "p", "int", "9"));
    assert_eq!(parts.map(|part| kept(&hint, &plain(), &list(&[part]))), [[false], [true]]);
}

#[test]
fn null_partition_values_fulfil_no_comparison_and_no_negation_of_one() {
    for empty in [json!(null), json!("")] {
        let part = || file(json!({"p": empty, "day": empty}), &json!({}));
        assert!(!keeps("p = 1", part()) && !keeps("NOT (p = 1)", part()) && !keeps("day <> 'x'", part()));
        assert!(keeps("p IS NULL", part()) && !keeps("p IS NOT NULL", part()) && keeps("p <=> NULL", part()));
    }
}

#[test]
fn timestamps_cut_to_milliseconds_reach_over_the_rest_of_theirs() {
    let day = || stats("t", &json!("2021-01-01T00:00:00.000Z"), &json!("2021-01-01T10:00:00.123Z"));
    for (literal, is_kept) in [
        ("2021-01-01T10:00:00.123500Z", true),
        ("2021-01-01T10:00:00.124000Z", false),
        ("2021-01-01T10:00:00.123Z", true),
    ] {
        assert_eq!(
            keeps_json(&compare("greaterThan", "t", "timestamp", literal), day()),
            is_kept,
            "{literal}"
        );
    }
    // What Spark sends for `t < '…00.000999'`.
    let cut = compare("lessThan", "t", "timestamp", "2021-01-01T00:00:00Z");
    assert!(keeps_json(&cut, day()));
}

#[test]
fn a_timestamp_without_a_zone_may_mean_any() {
    let day = || stats("t", &json!("2021-01-01T00:00:00.000-08:00"), &json!("2021-01-01T10:00:00.000-08:00"));
    assert!(keeps("t > TIMESTAMP '2021-01-02 10:00:00'", day()));
    assert!(!keeps("t > TIMESTAMP '2021-01-02 13:00:00'", day()));
    assert!(!keeps("t > TIMESTAMP '2021-01-01 18:00:01Z'", day()));
    let local = || stats("n", &json!("2021-01-01T00:00:00.000"), &json!("2021-01-01T10:00:00.000"));
    assert!(!keeps("n > TIMESTAMP_NTZ '2021-01-01 10:00:01'", local()));
    assert!(keeps("n > TIMESTAMP '2021-01-01 10:00:01'", local()));
}

#[test]
fn long_strings_are_bounds_by_their_beginning() {
    let max = "a".repeat(32);
    for cut in [max.clone(), format!("{max}\u{7f}"), format!("{max}\u{10ffff}")] {
        let long = || stats("s", &json!("a"), &json!(cut));
        assert!(keeps(&format!("s = '{max}zzz'"), long()), "{cut:?}");
        assert!(!keeps("s = 'b'", long()), "{cut:?}");
    }
    assert!(!keeps("s > 'abc'", stats("s", &json!("a"), &json!("abc"))));
}

#[test]
fn what_is_not_understood_is_left_out_leaf_by_leaf() {
    let parts = ["1", "2"].map(|p| file(json!({"p": p, "day": null}), &json!({})));
    let files = list(&parts);
    let unknown = compare("equal", "nosuch", "int", "1");
    let p1 = compare("equal", "p", "int", "1");
    let tree = |op: &str| json_hint(&json!({"op": op, "children": [unknown, p1]}));
    assert_eq!(kept(&tree("and"), &plain(), &files), [true, false]);
    assert_eq!(kept(&tree("or"), &plain(), &files), [true, true]);
    assert_eq!(
        kept(&json_hint(&compare("equal", "p", "long", "1")), &plain(), &files),
        [true, false],
        "widened"
    );
    for other in ["string", "date", "bool", "float", "double", "timestamp", "binary"] {
        let hint = json_hint(&compare("equal", "p", other, "1"));
        assert_eq!(kept(&hint, &plain(), &files), [true, true], "{other}");
    }
    let narrowed = compare("equal", "l", "int", "7");
    assert!(keeps_json(&narrowed, stats("l", &json!(8), &json!(9))), "a long cast to int wraps");
}

#[test]
fn hints_that_are_no_hints_keep_everything() {
    let files = list(&[file(json!({"p": "1", "day": null}), &json!({}))]);
    let deep = (0..HINT_DEPTH_MAX).fold(compare("equal", "p", "int", "2"), |tree, _| not(&not(&tree)));
    let long = format!("{}{}", compare("equal", "p", "int", "2"), " ".repeat(HINT_BYTES_MAX));
    for text in ["", "{", "[]", "null", "7", "\"p = 2\"", "{}", "{\"op\":7}", &long, &deep.to_string()] {
        let hints = Hints { json: Some(text.to_owned()), sql: Vec::new() };
        assert_eq!(kept(&hints, &plain(), &files), [true], "{text:.40}");
        let predicate = Predicate::compile(&hints, &plain());
        assert!(predicate.is_idle() && predicate.ignored_count() == 1, "{text:.40}");
    }
    let nested = format!("{}p = 2{}", "(".repeat(HINT_DEPTH_MAX), ")".repeat(HINT_DEPTH_MAX));
    let endless = format!("p = 2{}", " AND p = 2".repeat(HINT_TOKENS_MAX / 4));
    let long = format!("p = 2{}", " ".repeat(HINT_BYTES_MAX));
    for text in [
        "",
        "p =",
        "= 2",
        "(p = 2",
        "p = 2)",
        "p IN ()",
        "p BETWEEN 2",
        "AND",
        "NOT",
        "'p",
        &nested,
        &endless,
        &long,
    ] {
        assert_eq!(kept(&sql(text), &plain(), &files), [true], "{text:.40}");
    }
}

#[test]
fn a_tree_of_the_allowed_depth_is_read() {
    let files = list(&[file(json!({"p": "1", "day": null}), &json!({}))]);
    let deep = (0..HINT_DEPTH_MAX - 2).fold(compare("equal", "p", "int", "2"), |tree, _| not(&tree));
    assert_eq!(kept(&json_hint(&deep), &plain(), &files), [false]);
}

#[test]
fn conditions_beyond_the_limit_are_ignored() {
    let files = list(&[file(json!({"p": "1", "day": null}), &json!({}))]);
    let any = |count| vec![compare("equal", "p", "int", "2"); count];
    let tree = |count| json_hint(&json!({"op": "or", "children": any(count)}));
    assert_eq!(kept(&tree(HINT_LEAVES_MAX), &plain(), &files), [false]);
    assert_eq!(kept(&tree(HINT_LEAVES_MAX + 1), &plain(), &files), [true]);
}

#[test]
fn sql_of_old_spark_clients_is_understood() {
    let part = || {
        let mut described = stats("i", &json!(5), &json!(10));
        described.partition_values = json!({"p": "3", "day": "2021-03-01"});
        described
    };
    for (hint, is_kept) in [
        ("`day` >= '2021-01-01'", true),
        ("(`day` < '2021-01-01')", false),
        ("(CAST(`day` AS DATE) >= DATE '2021-03-02')", false),
        ("(cast(day as date) = DATE '2021-03-01')", true),
        ("((p = 3) AND (i > 4L))", true),
        ("((p = 3) AND (NOT (i > 4L)))", false),
        ("(p IN (1, 2, CAST(4 AS INT)))", false),
        ("(p IN (1, 2, 3))", true),
        ("(NOT (p IN (1, 2, 3)))", false),
        ("p NOT IN (1, NULL)", false),
        ("(p <=> 3)", true),
        ("(3 < p)", false),
        ("(3 <= p)", true),
        ("(p != 3)", false),
        ("(p == 3)", true),
        ("p BETWEEN 4 AND 5 AND day = '2021-03-01'", false),
        ("p NOT BETWEEN 1 AND 5", false),
        ("(CAST(p AS BIGINT) = 4L)", false),
        ("(i > 10) OR (p = 4)", false),
        ("(i > 10) OR (p = 3)", true),
        ("(p + 1 > 9) AND (p = 4)", false),
        ("(p + 1 > 9) OR (p = 4)", true),
        ("day LIKE '2020%' AND p = 4", false),
        ("substring(day, 1, 4) = '2020' AND p = 4", false),
        ("NOT (substring(day, 1, 4) = '2020')", true),
        ("x BETWEEN 1 + 1 AND p = 4", true),
        ("CASE WHEN true AND p = 4 THEN p = 4 END", true),
        ("TRUE", true),
        ("FALSE", false),
        ("NULL", false),
        ("true AND NOT false", true),
        ("P = 4", false),
        ("day = 5", true),
        ("p = '3'", true),
        ("p = '4'", false),
        ("p = 4.0", true),
        ("p = CAST('4' AS INT)", true),
        ("CAST(day AS TIMESTAMP) > TIMESTAMP '2021-03-03 00:00:00'", false),
        ("i > -1 AND i < +11", true),
        ("i < -1", false),
    ] {
        assert_eq!(keeps(hint, part()), is_kept, "{hint}");
    }
}

#[test]
fn an_unreadable_hint_beside_a_readable_one_is_skipped() {
    let days = ["2020-12-31", "2021-01-01"].map(|day| file(json!({"date": day}), &json!({})));
    let table = metadata(&[field("date", &json!("date"))], &["date"]);
    let hints =
        Hints { sql: vec!["`date` >= DATE '2021-01-01'".to_owned(), "date ==== (".to_owned()], json: None };
    assert_eq!(kept(&hints, &table, &list(&days)), [false, true]);
    let predicate = Predicate::compile(&hints, &table);
    assert_eq!((predicate.condition_count(), predicate.ignored_count()), (2, 1));
}

#[test]
fn names_are_found_without_case_with_dots_and_never_guessed() {
    let described = || {
        let values = |x: i32, text: &str| json!({"Point": {"x": x, "b.c": text}});
        file(
            json!({}),
            &json!({"numRecords": 2, "minValues": values(1, "a"), "maxValues": values(2, "b"),
            "nullCount": {"Point": {"x": 0, "b.c": 0}}}),
        )
    };
    for hint in ["point.X > 2", "`Point`.`x` > 2", "Point.`b.c` > 'b'", "Point.x IS NULL"] {
        assert!(!keeps(hint, described()), "{hint}");
    }
    for hint in ["Point.b.c > 'b'", "Point > 2", "Point IS NULL", "x > 2", "a.Point.x > 2"] {
        assert!(keeps(hint, described()), "{hint}");
    }
    for name in ["Point.x", "`point`.`x`"] {
        assert!(!keeps_json(&compare("greaterThan", name, "int", "2"), described()), "{name}");
    }
    assert!(!keeps_json(&compare("greaterThan", "Point.b.c", "string", "b"), described()));
    let twice = metadata(&[field("a", &json!("integer")), field("A", &json!("integer"))], &[]);
    let low = list(&[file(json!({}), &json!({"numRecords": 1, "maxValues": {"a": 1, "A": 1}}))]);
    assert_eq!(kept(&sql("a > 5"), &twice, &low), [true]);
}

#[test]
fn mapped_columns_are_asked_by_their_physical_names() {
    let mapped = |name: &str, physical: &str| {
        json!({"name": name, "type": "integer", "nullable": true,
               "metadata": {"delta.columnMapping.physicalName": physical, "delta.columnMapping.id": 1}})
    };
    // The two columns changed their names over.
    let fields = [mapped("a", "b"), mapped("b", "a"), mapped("part", "col-1")];
    let mut table = metadata(&fields, &["part"]);
    table.configuration.insert("delta.columnMapping.mode".to_owned(), "name".to_owned());
    let described = || {
        file(
            json!({"col-1": "7"}),
            &json!({"numRecords": 1, "minValues": {"a": 1, "b": 100}, "maxValues": {"a": 2, "b": 200}}),
        )
    };
    for (hint, is_kept) in
        [("a > 50", true), ("b > 50", false), ("part = 7", true), ("part = 8", false), ("`col-1` = 8", true)]
    {
        assert_eq!(kept(&sql(hint), &table, &list(&[described()])), [is_kept], "{hint}");
    }
}

#[test]
fn floats_may_be_nan_and_zero_has_one_value() {
    let floats = || stats("g", &json!(1.0), &json!(2.0));
    assert!(keeps("g > 5", floats()), "bounds from Parquet leave NaN out");
    assert!(!keeps("g < 1", floats()) && !keeps("g = 5", floats()) && keeps("NOT (g < 5)", floats()));
    assert!(keeps("g = 0.0", stats("g", &json!(-0.0), &json!(-0.0))));
    assert!(keeps("g = CAST('NaN' AS DOUBLE)", floats()));
    // The float nearest to 0.1 is not the double nearest to it.
    assert!(keeps("f = CAST(0.1 AS FLOAT)", stats("f", &json!(0.1), &json!(0.1))));
    assert!(keeps("g > 1", stats("g", &json!("NaN"), &json!("NaN"))));
    assert!(!keeps("g < 1", stats("g", &json!("Infinity"), &json!("Infinity"))));
}

#[test]
fn decimals_beyond_a_double_are_compared_with_room() {
    let exact = || stats("m", &json!(1.25), &json!(12.5));
    assert!(!keeps("m > 12.50BD", exact()) && keeps("m >= 12.5", exact()));
    let digits: Value = serde_json::from_str("12345678901234567890.1234567891").unwrap();
    let wide = || stats("w", &digits, &digits);
    assert!(keeps("w = 12345678901234567890.1234567891", wide()));
    assert!(keeps("w < 12345678901234567890.1234567892", wide()));
    assert!(!keeps("w > 12345678901239567890", wide()));
}

#[test]
fn missing_and_malformed_statistics_say_nothing() {
    for text in [
        "",
        "{",
        "[]",
        "{}",
        "null",
        r#"{"numRecords":1,"minValues":{"i":9},"maxValues":{"i":9}"#,
        r#"{"numRecords":1,"minValues":{"i":"9"},"maxValues":{"i":"9"}}"#,
        r#"{"numRecords":1,"minValues":{"i":9.5},"maxValues":{"i":9.5}}"#,
        r#"{"numRecords":1,"minValues":9,"maxValues":null,"nullCount":[]}"#,
        r#"{"numRecords":1,"minValues":{"i":9},"maxValues":{"i":8}}"#,
        r#"{"numRecords":0,"nullCount":{"i":0}}"#,
        r#"{"numRecords":1,"minValues":{"I":9}}"#,
    ] {
        let described = Described { partition_values: json!({}), stats: text.to_owned() };
        assert!(keeps("i = 1", described), "{text}");
    }
    let broken = file(json!({"p": "x"}), &json!({}));
    assert!(keeps("p = 1", broken));
    assert!(keeps("p = 1", file(json!({}), &json!({}))), "a partition value that is missing");
}

#[test]
fn columns_whose_order_is_not_that_of_statistics_are_not_compared() {
    let with = |key: &str, value: Value| json!({"name": "s", "type": "string", "nullable": true, "metadata": {key: value}});
    let described = || list(&[stats("s", &json!("a"), &json!("b"))]);
    for (field, is_kept) in [
        (with("__COLLATIONS", json!({"s": "spark.UTF8_LCASE"})), true),
        (with("__CHAR_VARCHAR_TYPE_STRING", json!("char(5)")), true),
        (with("__CHAR_VARCHAR_TYPE_STRING", json!("varchar(5)")), false),
    ] {
        assert_eq!(
            kept(&sql("s = 'z'"), &metadata(std::slice::from_ref(&field), &[]), &described()),
            [is_kept]
        );
        assert_eq!(kept(&sql("s IS NULL"), &metadata(&[field], &[]), &described()), [false]);
    }
    let widened =
        json!({"name": "g", "type": "double", "nullable": true, "metadata": {"delta.typeChanges": []}});
    let files = list(&[stats("g", &json!(0.1), &json!(0.1))]);
    assert_eq!(kept(&sql("g = 5"), &metadata(&[widened], &[]), &files), [true]);
}

#[test]
fn an_object_that_says_little_is_read_kindly() {
    let described = || stats("i", &json!(5), &json!(10));
    let literal = |value: Value| json!({"op": "literal", "valueType": "integer", "value": value});
    for value in [json!("11"), json!(11)] {
        let tree = json!({"op": "=", "children": [{"op": "column", "name": "i"}, literal(value)]});
        assert!(!keeps_json(&tree, described()));
    }
    let flag = json!({"op": "column", "name": "b", "valueType": "bool"});
    assert!(!keeps_json(&flag, stats("b", &json!(false), &json!(false))));
    assert!(!keeps_json(&not(&flag), stats("b", &json!(true), &json!(true))));
    for tree in [
        json!({"op": "and", "children": []}),
        json!({"op": "not", "children": [flag, flag]}),
        json!({"op": "xor", "children": [flag, flag]}),
    ] {
        assert!(keeps_json(&tree, stats("b", &json!(false), &json!(false))));
    }
}
