"""What Iceberg's Spark does with a catalog, feature by feature, and what each table has to hold afterwards.

    iceberg_spark_features.py --settings FILE --jars FOLDER --data FOLDER --endpoint URL

FILE is what `lakeshare table config … --spark --name ice` prints; FOLDER of --data is the server's, so that files can be looked at
where they lie. Expected rows are reckoned here, in plain Python. Two more catalogs have no key of their own to the store: `lent` is
lent credentials, `asked` has its requests signed.
"""
import argparse
import concurrent.futures
import datetime
import decimal
import glob
import os
import pathlib

import spark_session
from checks import Checks

parser = argparse.ArgumentParser()
for flag in ["--settings", "--jars", "--data", "--endpoint"]:
    parser.add_argument(flag, required=True)
parser.add_argument("--only", help="steps to take in place of all, joined by commas")
arguments = parser.parse_args()
checks = Checks()
DATA = pathlib.Path(arguments.data)
KINDS = 5


def session():
    """A session with the catalogs `ice`, as its settings are printed, `lent` and `asked`."""
    settings = spark_session.settings_in(arguments.settings)
    own_keys = ("s3.access-key-id", "s3.secret-access-key")
    for key, value in list(settings.items()):
        if key.startswith("spark.sql.catalog.ice") and not key.endswith((*own_keys, "Delegation")):
            settings[key.replace(".ice", ".lent")] = settings[key.replace(".ice", ".asked")] = value
    settings["spark.sql.catalog.asked.header.X-Iceberg-Access-Delegation"] = "remote-signing"
    secret = {name: settings[f"spark.sql.catalog.ice.{name}"] for name in own_keys}
    settings |= {
        "spark.hadoop.fs.s3a.endpoint": arguments.endpoint,
        "spark.hadoop.fs.s3a.endpoint.region": "us-east-1", "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false", "spark.hadoop.fs.s3a.access.key": secret[own_keys[0]],
        "spark.hadoop.fs.s3a.secret.key": secret[own_keys[1]], "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    }
    made = spark_session.start("features", arguments.jars, settings, "2g")
    made.sparkContext.setLogLevel("ERROR")
    return made


spark = session()
NS = "ice.feature"
IS_SPARK_4 = int(spark.version.split(".")[0]) >= 4
HAS_S3A = bool(glob.glob(f"{arguments.jars}/hadoop-aws-*.jar"))


def sql(statement):
    return [row.asDict(recursive=True) for row in spark.sql(statement).collect()]


def rows(query):
    return [tuple(row) for row in spark.sql(query).collect()]


def one(query):
    return rows(query)[0][0]


def call(procedure, **named):
    """One row that a procedure tells, or none."""
    spelt = ", ".join(f"{name} => {value}" for name, value in named.items())
    told = sql(f"CALL ice.system.{procedure}({spelt})")
    return told[0] if told else {}


def refused(what, statement, *words):
    """The statement is refused, and what is said names one of `words`."""
    try:
        sql(statement)
    except Exception as error:  # Spark's and the client's own kinds
        text = str(error).lower()
        checks.true(what, any(word.lower() in text for word in words), text)
    else:
        checks.true(what, False, "it was not refused")


def place(table):
    """The folder of a table's files."""
    location = next(row["data_type"] for row in sql(f"DESCRIBE EXTENDED {table}") if row["col_name"] == "Location")
    return DATA / location.removeprefix("s3://")


def snapshots(table):
    return [row["snapshot_id"] for row in sql(f"SELECT snapshot_id FROM {table}.snapshots ORDER BY committed_at")]


def current(table):
    return one(f"SELECT snapshot_id FROM {table}.refs WHERE name = 'main'")


def numbers(name, count=100, properties="'format-version'='2'", partitions=""):
    """A new table `name` of the ids below `count`; its full name."""
    table = f"{NS}.{name}"
    sql(f"CREATE TABLE {table} (id BIGINT, kind STRING, amount DECIMAL(10,2)) USING iceberg {partitions} TBLPROPERTIES ({properties})")
    sql(f"INSERT INTO {table} SELECT id, concat('k', id % {KINDS}), CAST(id AS DECIMAL(10,2)) / 4 FROM range({count})")
    return table


def number(at):
    return f"k{at % KINDS}", decimal.Decimal(at) / 4


def held(table):
    return {at: (kind, amount) for at, kind, amount in rows(f"SELECT id, kind, amount FROM {table}")}


def namespaces():
    sql(f"CREATE NAMESPACE {NS} WITH DBPROPERTIES ('team' = 'kit', 'gone' = 'soon')")
    sql(f"ALTER NAMESPACE {NS} SET DBPROPERTIES ('team' = 'other')")
    checks.true("a namespace has its properties", "(team,other)" in str(sql(f"DESCRIBE NAMESPACE EXTENDED {NS}")))
    sql("CREATE NAMESPACE ice.feature.deep")
    sql("CREATE NAMESPACE ice.feature.`ödd name`")
    checks.equal("namespaces nest", sorted(rows(f"SHOW NAMESPACES IN {NS}")), [("feature.`ödd name`",), ("feature.deep",)])
    sql("CREATE TABLE ice.feature.`ödd name`.`t 1` (id BIGINT) USING iceberg")
    sql("INSERT INTO ice.feature.`ödd name`.`t 1` VALUES (1)")
    checks.equal("names with blanks and umlauts", rows("SELECT * FROM ice.feature.`ödd name`.`t 1`"), [(1,)])
    refused("a namespace that holds something stays", "DROP NAMESPACE ice.feature.`ödd name`", "not empty", "non-empty")
    sql("DROP TABLE ice.feature.`ödd name`.`t 1` PURGE")
    sql("DROP NAMESPACE ice.feature.`ödd name`")
    sql("DROP NAMESPACE ice.feature.deep")


def tables():
    table = f"{NS}.made"
    sql(f"CREATE TABLE {table} (id BIGINT NOT NULL COMMENT 'the key', at TIMESTAMP, at_local TIMESTAMP_NTZ, day DATE, data BINARY, flag BOOLEAN, "
        f"some FLOAT, more DOUBLE, price DECIMAL(38,10), items ARRAY<INT>, attrs MAP<STRING, STRUCT<a: INT>>) USING iceberg "
        f"PARTITIONED BY (hours(at), bucket(4, id), truncate(2, id)) COMMENT 'all kinds' TBLPROPERTIES ('owner-team' = 'kit')")
    sql(f"INSERT INTO {table} VALUES (1, TIMESTAMP '2026-01-02 03:04:05.678901', TIMESTAMP_NTZ '1969-12-31 23:59:59.999999', DATE '0001-01-01', "
        f"X'00ff', true, CAST('NaN' AS FLOAT), -0.0D, 12345678901234567890.0123456789BD, array(1, null), map('k', named_struct('a', null)))")
    got = rows(f"SELECT id, CAST(at AS STRING), CAST(at_local AS STRING), CAST(day AS STRING), hex(data), flag, isnan(some), more, CAST(price AS STRING), "
               f"lower(CAST(items AS STRING)), lower(CAST(attrs AS STRING)) FROM {table} WHERE at < TIMESTAMP '2026-01-02 04:00:00'")
    checks.equal("all types come back", got, [(1, "2026-01-02 03:04:05.678901", "1969-12-31 23:59:59.999999", "0001-01-01", "00FF", True, True,
                                               -0.0, "12345678901234567890.0123456789", "[1, null]", "{k -> {null}}")])
    refused("a table is made once", f"CREATE TABLE {table} (id BIGINT) USING iceberg", "already exists")
    sql(f"CREATE TABLE {NS}.chosen USING iceberg PARTITIONED BY (kind) AS SELECT id, concat('k', id % 5) AS kind FROM range(50)")
    checks.equal("CTAS", rows(f"SELECT count(*), sum(id), count(DISTINCT kind) FROM {NS}.chosen"), [(50, 1225, 5)])
    refused("CTAS whose query fails", f"CREATE TABLE {NS}.broken USING iceberg AS SELECT raise_error('no') AS a FROM range(3)", "no")
    checks.true("leaves no table", ("feature", "broken", False) not in rows(f"SHOW TABLES IN {NS}"))
    sql(f"CREATE OR REPLACE TABLE {NS}.chosen USING iceberg PARTITIONED BY (bucket(3, id)) TBLPROPERTIES ('a' = 'b') AS SELECT id, 'r' AS kind FROM range(7)")
    checks.equal("RTAS", rows(f"SELECT count(*), min(kind) FROM {NS}.chosen"), [(7, "r")])
    checks.equal("which keeps the history", len(snapshots(f"{NS}.chosen")), 2)
    sql(f"REPLACE TABLE {NS}.chosen (other STRING) USING iceberg")
    checks.equal("REPLACE", rows(f"SELECT * FROM {NS}.chosen"), [])
    refused("REPLACE of nothing", f"REPLACE TABLE {NS}.nothing (a INT) USING iceberg", "not exist", "cannot be found", "not found")
    spark.range(10).withColumnRenamed("id", "n").writeTo(f"{NS}.framed").using("iceberg").tableProperty("x", "y").create()
    spark.range(10, 20).withColumnRenamed("id", "n").writeTo(f"{NS}.framed").append()
    checks.equal("DataFrameWriterV2", rows(f"SELECT count(*), sum(n) FROM {NS}.framed"), [(20, 190)])
    sql(f"TRUNCATE TABLE {NS}.framed")
    checks.equal("TRUNCATE", one(f"SELECT count(*) FROM {NS}.framed"), 0)
    sql(f"ALTER TABLE {NS}.framed RENAME TO feature.painted")
    checks.true("RENAME", ("feature", "painted", False) in rows(f"SHOW TABLES IN {NS}"))
    folder = place(f"{NS}.painted")
    sql(f"DROP TABLE {NS}.painted PURGE")
    checks.true("PURGE leaves no file", not [file for file in folder.rglob("*") if file.is_file()], list(folder.rglob("*")))


def overwriting():
    table = numbers("overwritten", 100, partitions="PARTITIONED BY (kind)")
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    sql(f"INSERT OVERWRITE {table} SELECT 1000, 'k1', 1.5BD")
    expected = {at: number(at) for at in range(100) if at % KINDS != 1} | {1000: ("k1", decimal.Decimal("1.50"))}
    checks.equal("INSERT OVERWRITE of the partitions met", held(table), expected)
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    sql(f"INSERT OVERWRITE {table} PARTITION (kind = 'k2') SELECT 2000, 2.5BD")
    expected = {at: row for at, row in expected.items() if row[0] != "k2"} | {2000: ("k2", decimal.Decimal("2.50"))}
    checks.equal("of the partition named", held(table), expected)
    sql(f"INSERT INTO {table} REPLACE WHERE kind = 'k3' SELECT 3000, 'k3', 3.5BD")
    expected = {at: row for at, row in expected.items() if row[0] != "k3"} | {3000: ("k3", decimal.Decimal("3.50"))}
    checks.equal("REPLACE WHERE", held(table), expected)
    sql(f"INSERT OVERWRITE {table} SELECT 1, 'x', 0BD")
    checks.equal("of everything", held(table), {1: ("x", decimal.Decimal(0))})


def changes(mode, version):
    name = f"{mode}, v{version}"
    modes = ", ".join(f"'write.{what}.mode' = '{mode}'" for what in ("delete", "update", "merge"))
    table = numbers(f"{mode.replace('-', '_')}_{version}", 1000, f"'format-version' = '{version}', {modes}", "PARTITIONED BY (bucket(2, id))")
    sql(f"DELETE FROM {table} WHERE id % 7 = 0")
    expected = {at: number(at) for at in range(1000) if at % 7}
    checks.equal(f"DELETE ({name})", held(table), expected)
    sql(f"UPDATE {table} SET kind = 'u', amount = amount + 1 WHERE id % 11 = 3")
    expected = {at: ("u", amount + 1) if at % 11 == 3 else (kind, amount) for at, (kind, amount) in expected.items()}
    checks.equal(f"UPDATE ({name})", held(table), expected)
    sql(f"MERGE INTO {table} t USING (SELECT id, 'm' AS kind, -1BD AS amount FROM range(900, 1050)) s ON t.id = s.id "
        "WHEN MATCHED AND t.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT * "
        "WHEN NOT MATCHED BY SOURCE AND t.id < 10 THEN UPDATE SET kind = 'alone'")
    merged = {}
    for at, (kind, amount) in expected.items():
        if at < 10:
            merged[at] = ("alone", amount)
        elif at < 900:
            merged[at] = (kind, amount)
        elif at % 2:
            merged[at] = ("m", decimal.Decimal(-1))
    for at in range(900, 1050):
        if at not in expected:
            merged[at] = ("m", decimal.Decimal(-1))
    checks.equal(f"MERGE ({name})", held(table), merged)
    formats = {kind for kind, in rows(f"SELECT file_format FROM {table}.delete_files")}
    wanted = set() if mode == "copy-on-write" else {"PUFFIN"} if version == 3 else {"PARQUET"}
    checks.equal(f"delete files ({name})", formats, wanted)
    checks.equal(f"rows as the log counts them ({name})", one(f"SELECT summary['total-records'] - coalesce(summary['total-position-deletes'], 0) "
                 f"FROM {table}.snapshots ORDER BY committed_at DESC LIMIT 1"), float(len(merged)))


def every_change():
    for mode in ("copy-on-write", "merge-on-read"):
        for version in (2, 3):
            changes(mode, version)


def schemas():
    table = f"{NS}.shaped"
    sql(f"CREATE TABLE {table} (id BIGINT NOT NULL, name STRING, point STRUCT<x: INT, y: FLOAT>, tags ARRAY<STRUCT<k: STRING>>, "
        f"attrs MAP<STRING, STRUCT<v: INT>>, price DECIMAL(8,2)) USING iceberg")
    sql(f"INSERT INTO {table} VALUES (1, 'a', named_struct('x', 7, 'y', 0.5F), array(named_struct('k', 'p')), map('m', named_struct('v', 3)), 1.25BD)")
    sql(f"ALTER TABLE {table} SET IDENTIFIER FIELDS id")
    refused("an identifier field stays", f"ALTER TABLE {table} DROP COLUMN id", "identifier")
    sql(f"ALTER TABLE {table} DROP IDENTIFIER FIELDS id")
    for change in ["ADD COLUMN note STRING COMMENT 'a note' AFTER id", "ADD COLUMN first INT FIRST", "ADD COLUMN point.z DOUBLE",
                   "ADD COLUMN tags.element.w INT", "ADD COLUMN attrs.value.u STRING", "RENAME COLUMN name TO title", "RENAME COLUMN point.x TO px",
                   "ALTER COLUMN point.px TYPE BIGINT", "ALTER COLUMN point.y TYPE DOUBLE", "ALTER COLUMN price TYPE DECIMAL(20,2)",
                   "ALTER COLUMN title COMMENT 'what it is called'", "ALTER COLUMN id DROP NOT NULL", "ALTER COLUMN price AFTER id"]:
        sql(f"ALTER TABLE {table} {change}")
    checks.equal("columns in their new order", [row["col_name"] for row in sql(f"DESCRIBE {table}")],
                 ["first", "id", "price", "note", "title", "point", "tags", "attrs"])
    sql(f"INSERT INTO {table} VALUES (9, null, 2.5BD, 'n', 'b', named_struct('px', 5000000000L, 'y', 0.1D, 'z', 1D), "
        f"array(named_struct('k', 'q', 'w', 1)), map('m', named_struct('v', 1, 'u', 'u')))")
    got = rows(f"SELECT first, id, price, note, title, point.px, point.y, point.z, tags[0].k, tags[0].w, attrs['m'].v, attrs['m'].u FROM {table} ORDER BY title")
    checks.equal("old and new rows", got, [(None, 1, decimal.Decimal("1.25"), None, "a", 7, 0.5, None, "p", None, 3, None),
                                           (9, None, decimal.Decimal("2.50"), "n", "b", 5000000000, 0.1, 1.0, "q", 1, 1, "u")])
    sql(f"ALTER TABLE {table} DROP COLUMN note")
    sql(f"ALTER TABLE {table} ADD COLUMN note INT")
    checks.equal("a column that came back is empty", rows(f"SELECT note FROM {table}"), [(None,), (None,)])
    refused("a type that does not widen", f"ALTER TABLE {table} ALTER COLUMN point.px TYPE INT", "type", "cannot")
    sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('a' = '1', 'b' = '2')")
    sql(f"ALTER TABLE {table} UNSET TBLPROPERTIES ('a')")
    properties = dict(rows(f"SHOW TBLPROPERTIES {table}"))
    checks.true("properties", properties.get("b") == "2" and "a" not in properties, properties)
    old = snapshots(table)[0]
    checks.equal("an old snapshot has its own columns", spark.sql(f"SELECT * FROM {table} VERSION AS OF {old}").columns,
                 ["id", "name", "point", "tags", "attrs", "price"])


def partitions():
    table = f"{NS}.parted"
    sql(f"CREATE TABLE {table} (id BIGINT, at TIMESTAMP, kind STRING) USING iceberg PARTITIONED BY (days(at))")
    add = lambda start: sql(f"INSERT INTO {table} SELECT id, TIMESTAMP '2026-01-01' + make_interval(0, 0, 0, id), concat('k', id % 3) "
                            f"FROM range({start}, {start + 40})")
    add(0)
    sql(f"ALTER TABLE {table} ADD PARTITION FIELD truncate(2, kind) AS beginning")
    add(40)
    sql(f"ALTER TABLE {table} REPLACE PARTITION FIELD days(at) WITH months(at) AS month")
    add(80)
    sql(f"ALTER TABLE {table} DROP PARTITION FIELD beginning")
    add(120)
    checks.equal("four partitionings in one table", one(f"SELECT count(DISTINCT spec_id) FROM {table}.files"), 4)
    checks.equal("read whole", rows(f"SELECT count(*), sum(id) FROM {table}"), [(160, sum(range(160)))])
    checks.equal("and by a filter over all of them", rows(f"SELECT count(*), min(id) FROM {table} WHERE at >= '2026-02-01' AND kind = 'k1'"),
                 [(len([at for at in range(31, 160) if at % 3 == 1]), 31)])
    sql(f"DELETE FROM {table} WHERE at < '2026-03-01'")
    checks.equal("deleted over all of them", rows(f"SELECT count(*), min(id) FROM {table}"), [(160 - 59, 59)])
    sql(f"ALTER TABLE {table} WRITE DISTRIBUTED BY PARTITION LOCALLY ORDERED BY kind DESC NULLS LAST, bucket(4, id)")
    order = lambda: dict(rows(f"SHOW TBLPROPERTIES {table}")).get("sort-order")
    add(160)
    checks.equal("a sort order", order(), "kind DESC NULLS LAST, bucket(4, id) ASC NULLS FIRST")
    sql(f"ALTER TABLE {table} WRITE ORDERED BY at, id")
    add(200)
    checks.equal("another", order(), "at ASC NULLS FIRST, id ASC NULLS FIRST")
    sql(f"ALTER TABLE {table} WRITE UNORDERED")
    add(240)
    checks.equal("and none", order(), None)
    checks.equal("rows of them", one(f"SELECT count(*) FROM {table}"), 101 + 120)
    sql(f"CREATE TABLE {NS}.void (a INT, b INT) USING iceberg PARTITIONED BY (a, b) TBLPROPERTIES ('format-version' = '1')")
    sql(f"INSERT INTO {NS}.void VALUES (1, 2)")
    sql(f"ALTER TABLE {NS}.void DROP PARTITION FIELD a")
    sql(f"INSERT INTO {NS}.void VALUES (3, 4)")
    checks.equal("a dropped field of a v1 table is void", sorted(rows(f"SELECT * FROM {NS}.void")), [(1, 2), (3, 4)])


def travel():
    table = numbers("travelled", 10)
    sql(f"INSERT INTO {table} VALUES (10, 'x', 0)")
    sql(f"DELETE FROM {table} WHERE id < 5")
    first, second, third = snapshots(table)
    at = [str(moment) for moment, in rows(f"SELECT CAST(made_current_at AS STRING) FROM {table}.history ORDER BY made_current_at")]
    for what, place in [("VERSION AS OF", first), ("TIMESTAMP AS OF", f"'{at[0]}'")]:
        checks.equal(what, one(f"SELECT count(*) FROM {table} {what} {place}"), 10)
    checks.equal("option snapshot-id", spark.read.option("snapshot-id", second).table(table).count(), 11)
    between = spark.read.format("iceberg").option("start-snapshot-id", first).option("end-snapshot-id", second).load(table)
    checks.equal("between two snapshots", [row.id for row in between.collect()], [10])
    checks.equal("now", one(f"SELECT count(*) FROM {table}"), 6)
    refused("before the beginning", f"SELECT * FROM {table} TIMESTAMP AS OF '2001-01-01'", "snapshot")
    counts = {name: one(f"SELECT count(*) FROM {table}.{name}") for name in
              ["history", "snapshots", "metadata_log_entries", "refs", "files", "data_files", "manifests", "entries", "partitions", "all_data_files",
               "all_manifests", "all_entries", "all_files", "delete_files", "all_delete_files", "position_deletes"]}
    checks.true("every metadata table is read", counts["history"] == counts["snapshots"] == 3 and counts["metadata_log_entries"] == 4
                and counts["refs"] == 1 and all(counts[name] > 0 for name in ["files", "manifests", "entries", "all_entries"]), counts)
    parents = rows(f"SELECT snapshot_id, parent_id FROM {table}.snapshots ORDER BY committed_at")
    checks.equal("one line of snapshots", parents, [(first, None), (second, first), (third, second)])


def references():
    table = numbers("branched", 10)
    first = current(table)
    sql(f"ALTER TABLE {table} CREATE TAG first AS OF VERSION {first} RETAIN 30 DAYS")
    sql(f"ALTER TABLE {table} CREATE BRANCH audit AS OF VERSION {first} RETAIN 7 DAYS WITH SNAPSHOT RETENTION 2 SNAPSHOTS 3 DAYS")
    sql(f"INSERT INTO {table}.branch_audit VALUES (100, 'b', 1)")
    sql(f"DELETE FROM {table}.branch_audit WHERE id = 0")
    sql(f"UPDATE {table}.branch_audit SET kind = 'c' WHERE id = 1")
    sql(f"MERGE INTO {table}.branch_audit t USING (SELECT 2 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE")
    on_branch = {at: number(at) for at in range(3, 10)} | {1: ("c", number(1)[1]), 100: ("b", decimal.Decimal(1))}
    checks.equal("a branch goes its own way", held(f"{table}.branch_audit"), on_branch)
    checks.equal("VERSION AS OF the branch", one(f"SELECT count(*) FROM {table} VERSION AS OF 'audit'"), 9)
    checks.equal("main is as it was", held(table), {at: number(at) for at in range(10)})
    day = 24 * 60 * 60 * 1000
    told = rows(f"SELECT name, type, max_reference_age_in_ms, min_snapshots_to_keep, max_snapshot_age_in_ms FROM {table}.refs ORDER BY name")
    checks.equal("references and how long they are kept", told,
                 [("audit", "BRANCH", 7 * day, 2, 3 * day), ("first", "TAG", 30 * day, None, None), ("main", "BRANCH", None, None, None)])
    call("fast_forward", table="'feature.branched'", branch="'main'", to="'audit'")
    checks.equal("fast_forward", held(table), on_branch)
    sql(f"INSERT INTO {table} VALUES (200, 'd', 2)")
    checks.equal("the tag stays", one(f"SELECT count(*) FROM {table} VERSION AS OF 'first'"), 10)
    sql(f"ALTER TABLE {table} REPLACE TAG first AS OF VERSION {current(table)}")
    checks.equal("a tag is replaced", one(f"SELECT count(*) FROM {table}.tag_first"), 10)
    checks.true("by another", one(f"SELECT max(id) FROM {table}.tag_first") == 200)
    sql(f"ALTER TABLE {table} REPLACE BRANCH audit AS OF VERSION {first}")
    checks.equal("a branch is replaced", one(f"SELECT count(*) FROM {table}.branch_audit"), 10)
    refused("a branch is made once", f"ALTER TABLE {table} CREATE BRANCH audit", "already exists")
    sql(f"ALTER TABLE {table} CREATE OR REPLACE BRANCH audit")
    sql(f"ALTER TABLE {table} CREATE BRANCH IF NOT EXISTS audit")
    sql(f"ALTER TABLE {table} DROP BRANCH audit")
    sql(f"ALTER TABLE {table} DROP TAG first")
    refused("main stays", f"ALTER TABLE {table} DROP BRANCH main", "main")
    checks.equal("dropped", rows(f"SELECT name FROM {table}.refs"), [("main",)])


def published():
    """Write, audit, publish."""
    table = numbers("audited", 3, "'format-version' = '2', 'write.wap.enabled' = 'true'")
    for wap in ("w1", "w2"):
        spark.conf.set("spark.wap.id", wap)
        sql(f"INSERT INTO {table} VALUES (10, '{wap}', 0)")
    spark.conf.unset("spark.wap.id")
    staged = dict(rows(f"SELECT summary['wap.id'], snapshot_id FROM {table}.snapshots WHERE summary['wap.id'] IS NOT NULL"))
    checks.equal("what is staged is not seen", (sorted(staged), one(f"SELECT count(*) FROM {table}")), (["w1", "w2"], 3))
    call("cherrypick_snapshot", table="'feature.audited'", snapshot_id=staged["w1"])
    checks.equal("cherrypick_snapshot", one(f"SELECT count(*) FROM {table} WHERE kind = 'w1'"), 1)
    call("publish_changes", table="'feature.audited'", wap_id="'w2'")
    checks.equal("publish_changes", rows(f"SELECT kind FROM {table} WHERE id = 10 ORDER BY kind"), [("w1",), ("w2",)])
    refused("published once", "CALL ice.system.publish_changes('feature.audited', 'w2')", "published", "cherrypick", "wap")
    sql(f"ALTER TABLE {table} CREATE BRANCH staging")
    spark.conf.set("spark.wap.branch", "staging")
    sql(f"INSERT INTO {table} VALUES (11, 'staged', 0)")
    checks.equal("the session sees its branch", one(f"SELECT count(*) FROM {table}"), 6)
    spark.conf.unset("spark.wap.branch")
    checks.equal("others see main", one(f"SELECT count(*) FROM {table}"), 5)


def views():
    table = numbers("viewed", 20)
    sql("USE ice.feature")
    sql("CREATE VIEW kinds (kind COMMENT 'which', n) COMMENT 'how many' TBLPROPERTIES ('a' = 'b') AS SELECT kind, count(*) FROM viewed GROUP BY kind")
    checks.equal("a view is read", sorted(rows("SELECT kind, n FROM kinds")), [(f"k{at}", 4) for at in range(5)])
    sql("CREATE VIEW most AS SELECT max(n) AS m FROM kinds")
    checks.equal("a view of a view, by its whole name", rows("SELECT m FROM ice.feature.most"), [(4,)])
    refused("a view is made once", "CREATE VIEW kinds AS SELECT 1 AS a", "already exists")
    refused("not where a table is", "CREATE VIEW viewed AS SELECT 1 AS a", "already exists")
    sql("CREATE VIEW IF NOT EXISTS kinds AS SELECT 1 AS a")
    sql("CREATE OR REPLACE VIEW kinds AS SELECT kind, count(*) + 1 AS n FROM viewed GROUP BY kind")
    checks.equal("a view is replaced", sorted(rows("SELECT kind, n FROM kinds")), [(f"k{at}", 5) for at in range(5)])
    sql("ALTER VIEW kinds SET TBLPROPERTIES ('c' = 'd')")
    sql("ALTER VIEW kinds UNSET TBLPROPERTIES ('a')")
    properties = dict(rows("SHOW TBLPROPERTIES kinds"))
    checks.true("properties of a view", properties.get("c") == "d" and "a" not in properties, properties)
    checks.true("SHOW CREATE", "CREATE VIEW ice.feature.kinds" in one("SHOW CREATE TABLE kinds"))
    checks.equal("SHOW VIEWS", sorted(row["viewName"] for row in sql("SHOW VIEWS IN ice.feature")), ["kinds", "most"])
    checks.true("views are not tables", not {"kinds", "most"} & {row["tableName"] for row in sql("SHOW TABLES IN ice.feature")})
    sql("ALTER VIEW kinds RENAME TO feature.sorts")
    checks.equal("a view is renamed", len(rows("SELECT * FROM ice.feature.sorts")), 5)
    refused("what it was called is gone", "SELECT * FROM kinds", "not found", "cannot be found")
    refused("and the view of it is broken", "SELECT * FROM most", "not found", "cannot be found")
    sql("DROP VIEW most")
    sql("DROP VIEW sorts")
    sql("DROP VIEW IF EXISTS sorts")
    checks.equal("dropped", sql("SHOW VIEWS IN ice.feature"), [])
    checks.equal("the table is there", one(f"SELECT count(*) FROM {table}"), 20)


def third_version():
    modes = ", ".join(f"'write.{what}.mode' = 'merge-on-read'" for what in ("delete", "update", "merge"))
    table = numbers("grown", 100, f"'format-version' = '2', {modes}")
    sql(f"DELETE FROM {table} WHERE id < 10")
    sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('format-version' = '3')")
    sql(f"DELETE FROM {table} WHERE id >= 90")
    checks.equal("position deletes and a vector", held(table), {at: number(at) for at in range(10, 90)})
    checks.equal("a table grows to version 3", dict(rows(f"SHOW TBLPROPERTIES {table}"))["format-version"], "3")
    refused("and does not shrink", f"ALTER TABLE {table} SET TBLPROPERTIES ('format-version' = '2')", "downgrade")
    table = numbers("numbered", 50, f"'format-version' = '3', {modes}")
    ids = lambda: dict(rows(f"SELECT id, _row_id FROM {table}"))
    before = ids()
    checks.equal("every row has a number", sorted(before.values()), list(range(50)))
    sql(f"UPDATE {table} SET amount = 0 WHERE id % 2 = 0")
    checks.equal("which it keeps when it is changed", ids(), before)
    changed = rows(f"SELECT id FROM {table} WHERE _last_updated_sequence_number = 2 ORDER BY id")
    checks.equal("and the change is known by its sequence number", changed, [(at,) for at in range(0, 50, 2)])
    sql(f"INSERT INTO {table} VALUES (50, 'new', 0)")
    checks.true("a new row has a new one", ids()[50] >= 50, ids()[50])
    sql(f"DELETE FROM {table} WHERE id < 5")
    sql(f"DELETE FROM {table} WHERE id BETWEEN 5 AND 9")
    vectors = rows(f"SELECT file_format, count(*), count(DISTINCT referenced_data_file) FROM {table}.delete_files GROUP BY 1")
    checks.true("one vector a data file", [kind for kind, *_ in vectors] == ["PUFFIN"] and vectors[0][1] == vectors[0][2], vectors)
    checks.equal("rows behind vectors", one(f"SELECT count(*) FROM {table}"), 41)
    call("rewrite_data_files", table="'feature.numbered'", options="map('rewrite-all', 'true')")
    checks.equal("compaction keeps the numbers", ids(), {at: ids()[50] if at == 50 else before[at] for at in range(10, 51)})
    if IS_SPARK_4:
        sql(f"CREATE TABLE {NS}.free (id INT, v VARIANT) USING iceberg TBLPROPERTIES ('format-version' = '3')")
        sql(f"INSERT INTO {NS}.free SELECT 1, parse_json('{{\"a\": [1, {{\"b\": \"c\"}}]}}')")
        checks.equal("VARIANT", rows(f"SELECT variant_get(v, '$.a[1].b', 'string') FROM {NS}.free"), [("c",)])


def compaction():
    modes = "'format-version' = '2', 'write.delete.mode' = 'merge-on-read', 'commit.manifest-merge.enabled' = 'false'"
    table = numbers("compacted", 10, modes, "PARTITIONED BY (kind)")
    for at in range(10, 60, 10):
        sql(f"INSERT INTO {table} SELECT id, concat('k', id % {KINDS}), CAST(id AS DECIMAL(10,2)) / 4 FROM range({at}, {at + 10})")
    sql(f"DELETE FROM {table} WHERE id % 10 = 3")
    expected = {at: number(at) for at in range(60) if at % 10 != 3}
    name = "'feature.compacted'"
    manifests = one(f"SELECT count(*) FROM {table}.manifests WHERE content = 0")
    told = call("rewrite_manifests", table=name)
    checks.true("rewrite_manifests", told["rewritten_manifests_count"] >= 6 and one(f"SELECT count(*) FROM {table}.manifests WHERE content = 0") < manifests, told)
    told = call("rewrite_position_delete_files", table=name, options="map('rewrite-all', 'true')")
    checks.true("rewrite_position_delete_files", told["rewritten_delete_files_count"] >= 5, told)
    checks.equal("rows stay", held(table), expected)
    told = call("rewrite_data_files", table=name, options="map('min-input-files', '2', 'remove-dangling-deletes', 'true', 'delete-file-threshold', '1')")
    checks.true("rewrite_data_files", told["rewritten_data_files_count"] >= 30 and told["added_data_files_count"] == 5, told)
    checks.equal("one file a partition", one(f"SELECT count(*) FROM {table}.data_files"), 5)
    checks.equal("and no deletes", one(f"SELECT count(*) FROM {table}.delete_files"), 0)
    told = call("rewrite_data_files", table=name, strategy="'sort'", sort_order="'id DESC NULLS LAST'", options="map('rewrite-all', 'true')")
    checks.true("sorted", told["rewritten_data_files_count"] == 5, told)
    told = call("rewrite_data_files", table=name, strategy="'sort'", sort_order="'zorder(id, kind)'", where="'kind = \"k1\"'", options="map('rewrite-all', 'true')")
    checks.true("z-ordered, one partition", told["rewritten_data_files_count"] == 1, told)
    checks.equal("rows stay through all of it", held(table), expected)


def expiry():
    table = numbers("expired", 10)
    for at in range(10, 50, 10):
        sql(f"INSERT OVERWRITE {table} SELECT id, 'e', 0BD FROM range({at}, {at + 10})")
    sql(f"ALTER TABLE {table} CREATE TAG kept AS OF VERSION {snapshots(table)[1]}")
    sql(f"ALTER TABLE {table} ADD COLUMN more INT")
    folder = place(table)
    count = lambda pattern: len(list(folder.glob(pattern)))
    before = count("data/**/*.parquet")
    told = call("expire_snapshots", table="'feature.expired'", older_than=f"TIMESTAMP '{datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1):%Y-%m-%d %H:%M:%S}'",
                retain_last=1, clean_expired_metadata="true")
    checks.true("expire_snapshots", told["deleted_data_files_count"] == before * 3 // 5 and told["deleted_manifest_lists_count"] == 3, told)
    checks.equal("the tag's and the newest are left", len(snapshots(table)), 2)
    checks.equal("files are gone from the bucket", count("data/**/*.parquet"), before * 2 // 5)
    checks.equal("lists too", count("metadata/snap-*.avro"), 2)
    checks.equal("the newest is read", rows(f"SELECT count(*), min(id) FROM {table}"), [(10, 40)])
    checks.equal("the tag is read", rows(f"SELECT count(*), min(id) FROM {table} VERSION AS OF 'kept'"), [(10, 10)])
    old = datetime.datetime.now().timestamp() - 5 * 24 * 3600
    for stray in ("data/stray.parquet", "metadata/stray.avro"):
        (folder / stray).write_bytes(b"stray")
        os.utime(folder / stray, (old, old))
    (folder / "data" / "young.parquet").write_bytes(b"young")
    orphans = lambda dry: [row["orphan_file_location"] for row in sql(
        f"CALL ice.system.remove_orphan_files(table => 'feature.expired', dry_run => {dry}, prefix_listing => true)")]
    location = f"s3://{folder.relative_to(DATA)}"
    checks.equal("orphans are found", sorted(orphans("true")), [f"{location}/data/stray.parquet", f"{location}/metadata/stray.avro"])
    checks.equal("and removed", len(orphans("false")), 2)
    left = [str(file.relative_to(folder)) for file in folder.rglob("*") if "stray" in file.name or "young" in file.name]
    checks.equal("the young one stays", left, ["data/young.parquet"])
    checks.equal("rows stay", one(f"SELECT count(*) FROM {table}"), 10)


def back_and_forth():
    table = numbers("rolled", 5)
    sql(f"INSERT INTO {table} VALUES (5, 'x', 0)")
    sql(f"INSERT INTO {table} VALUES (6, 'x', 0)")
    first, second, third = snapshots(table)
    moment = one(f"SELECT CAST(made_current_at AS STRING) FROM {table}.history WHERE snapshot_id = {third}")
    count = lambda: one(f"SELECT count(*) FROM {table}")
    told = call("rollback_to_snapshot", table="'feature.rolled'", snapshot_id=second)
    checks.equal("rollback_to_snapshot", (told["previous_snapshot_id"], told["current_snapshot_id"], count()), (third, second, 6))
    refused("not to one that is no ancestor", f"CALL ice.system.rollback_to_snapshot('feature.rolled', {third})", "ancestor")
    call("rollback_to_timestamp", table="'feature.rolled'", timestamp=f"TIMESTAMP '{moment}'")
    checks.equal("rollback_to_timestamp", count(), 6)
    call("set_current_snapshot", table="'feature.rolled'", snapshot_id=third)
    checks.equal("set_current_snapshot", count(), 7)
    sql(f"ALTER TABLE {table} CREATE TAG begun AS OF VERSION {first}")
    call("set_current_snapshot", table="'feature.rolled'", ref="'begun'")
    checks.equal("to a reference", count(), 5)
    line = [row["snapshot_id"] for row in sql(f"CALL ice.system.ancestors_of('feature.rolled', {third})")]
    checks.equal("ancestors_of", line, [third, second, first])


def registered():
    table = numbers("lost", 8)
    metadata = one(f"SELECT file FROM {table}.metadata_log_entries ORDER BY timestamp DESC LIMIT 1")
    sql(f"DROP TABLE {table}")
    refused("a dropped table is gone", f"SELECT * FROM {table}", "cannot be found", "not found")
    told = call("register_table", table="'feature.found'", metadata_file=f"'{metadata}'")
    checks.equal("register_table", (told["total_records_count"], held(f"{NS}.found")), (8, {at: number(at) for at in range(8)}))
    refused("registered once", f"CALL ice.system.register_table('feature.found', '{metadata}')", "already exists")
    refused("not from outside", "CALL ice.system.register_table('feature.far', 's3://elsewhere/metadata/00000-a.metadata.json')",
            "warehouse", "inside", "elsewhere")
    sql(f"INSERT INTO {NS}.found VALUES (8, 'x', 0)")
    checks.equal("it goes on", one(f"SELECT count(*) FROM {NS}.found"), 9)


def added_files():
    lake = place(f"{NS}.found").relative_to(DATA).parts[0]
    source = f"s3a://{lake}/import/raw"
    frame = spark.range(30).selectExpr("id", "concat('k', id % 3) AS kind", "CAST(id AS DECIMAL(10,2)) AS amount")
    frame.write.partitionBy("kind").parquet(source)
    sql(f"CREATE TABLE {NS}.imported (id BIGINT, amount DECIMAL(10,2), kind STRING) USING iceberg PARTITIONED BY (kind)")
    told = call("add_files", table="'feature.imported'", source_table=f"'`parquet`.`{source}`'", partition_filter="map('kind', 'k1')")
    checks.true("add_files, one partition", told["added_files_count"] >= 1, told)
    checks.equal("its rows", rows(f"SELECT count(*), sum(id) FROM {NS}.imported"), [(10, sum(range(1, 30, 3)))])
    call("add_files", table="'feature.imported'", source_table=f"'`parquet`.`{source}`'", partition_filter="map('kind', 'k2')")
    refused("the same files twice", f"CALL ice.system.add_files(table => 'feature.imported', source_table => '`parquet`.`{source}`')", "already")
    sql(f"DELETE FROM {NS}.imported WHERE id = 1")
    checks.equal("a row of an added file is deleted", rows(f"SELECT count(*), min(id) FROM {NS}.imported"), [(19, 2)])


def told_changes():
    table = numbers("watched", 5)
    sql(f"INSERT INTO {table} VALUES (5, 'x', 0)")
    sql(f"DELETE FROM {table} WHERE id = 0")
    sql(f"UPDATE {table} SET kind = 'y' WHERE id = 1")
    first = snapshots(table)[0]
    sql(f"CALL ice.system.create_changelog_view(table => 'feature.watched', options => map('start-snapshot-id', '{first}'), changelog_view => 'changelog', "
        f"identifier_columns => array('id'))")
    got = sorted(rows("SELECT id, kind, _change_type FROM changelog"))
    checks.equal("create_changelog_view", got, [(0, "k0", "DELETE"), (1, "k1", "UPDATE_BEFORE"), (1, "y", "UPDATE_AFTER"), (5, "x", "INSERT")])
    told = call("compute_table_stats", table="'feature.watched'")
    checks.true("compute_table_stats", (DATA / told["statistics_file"].removeprefix("s3://")).is_file(), told)
    told = call("compute_partition_stats", table="'feature.overwritten'")
    checks.true("compute_partition_stats", (DATA / told["partition_statistics_file"].removeprefix("s3://")).is_file(), told)
    # Statistics are known to the metadata: files named there are no orphans, and an expiry takes them along.
    sql(f"INSERT INTO {table} VALUES (7, 'x', 0)")
    told = call("expire_snapshots", table="'feature.watched'", retain_last=1,
                older_than=f"TIMESTAMP '{datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1):%Y-%m-%d %H:%M:%S}'")
    checks.equal("statistics of expired snapshots go with them", told["deleted_statistics_files_count"], 1)


def together():
    table = numbers("shared", 0)

    def add(writer):
        for turn in range(3):
            sql(f"INSERT INTO {table} VALUES ({writer * 10 + turn}, 'w{writer}', 0)")

    sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('commit.retry.num-retries' = '20', 'commit.retry.min-wait-ms' = '10')")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    checks.equal("four writers at once lose nothing", sorted(held(table)), [writer * 10 + turn for writer in range(4) for turn in range(3)])
    line = [row["snapshot_id"] for row in sql(f"CALL ice.system.ancestors_of('feature.shared', {current(table)})")]
    checks.equal("and leave one line", len(line), len(snapshots(table)))


def delegated():
    for catalog in ("lent", "asked"):
        table = f"{catalog}.feature.by_{catalog}"
        sql(f"CREATE TABLE {table} (id BIGINT, kind STRING) USING iceberg TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')")
        sql(f"INSERT INTO {table} SELECT id, 'd' FROM range(100)")
        sql(f"DELETE FROM {table} WHERE id < 40")
        checks.equal(f"without a key of its own ({catalog})", rows(f"SELECT count(*), min(id) FROM {table}"), [(60, 40)])
        checks.equal("seen by others", one(f"SELECT count(*) FROM ice.feature.by_{catalog}"), 60)
        sql(f"DROP TABLE {table} PURGE")


def emptied():
    for row in sql(f"SHOW TABLES IN {NS}"):
        sql(f"DROP TABLE {NS}.`{row['tableName']}` PURGE")
    sql(f"DROP NAMESPACE {NS}")
    checks.true("the namespace is gone", ("feature",) not in rows("SHOW NAMESPACES IN ice"))


steps = [namespaces, tables, overwriting, every_change, schemas, partitions, travel, references, published, views, third_version, compaction, expiry,
         back_and_forth, registered, told_changes, together, delegated]
steps += [added_files] if HAS_S3A else []
if arguments.only:
    chosen = arguments.only.split(",")
    steps = [step for step in steps if step.__name__ in chosen]
    if namespaces not in steps:
        sql(f"CREATE NAMESPACE IF NOT EXISTS {NS}")
checks.steps(*steps, emptied)
spark.stop()
checks.finish(f"Spark {spark.version} features")
