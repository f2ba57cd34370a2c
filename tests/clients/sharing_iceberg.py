"""A Delta and an Iceberg table in one share: pyiceberg writes, the Delta Sharing client reads, DuckDB joins.

    sharing_iceberg.py --lakeshare EXE --config-dir DIR --url URL --key KEY --token TOKEN --warehouse NAME

The server behind alias `t` is at `--url`; `--token` opens its catalog.
"""
import argparse
import datetime
import decimal
import json
import pathlib
import subprocess
import time
import warnings

import delta_sharing
import deltalake
import duckdb
import pyarrow as pa
from delta_sharing.protocol import DeltaSharingProfile, Table
from delta_sharing.rest_client import DataSharingRestClient
from pyiceberg.catalog import load_catalog
from pyiceberg.transforms import BucketTransform, DayTransform, TruncateTransform
from pyiceberg.types import StringType

import told_changes
from checks import Checks
from exact_rows import fields_of

warnings.filterwarnings("ignore")
parser = argparse.ArgumentParser()
for flag in ("--lakeshare", "--config-dir", "--url", "--key", "--token", "--warehouse"):
    parser.add_argument(flag, required=True)
arguments = parser.parse_args()
checks = Checks()
PROFILE = str(pathlib.Path(arguments.config_dir) / "iceberg.share")
S3 = {"s3.endpoint": arguments.url, "s3.access-key-id": arguments.key, "s3.secret-access-key": arguments.key, "s3.region": "us-east-1"}
CATALOG = load_catalog("lake", type="rest", uri=f"{arguments.url}/_iceberg", warehouse=arguments.warehouse, token=arguments.token, **S3)
SCHEMA = pa.schema([("c_custkey", pa.int64()), ("c_name", pa.string()), ("c_balance", pa.decimal128(15, 2)),
                    ("c_since", pa.timestamp("us", tz="UTC")), ("c_nation", pa.int32())])


def lakeshare(*words, check=True):
    done = subprocess.run([arguments.lakeshare, "--config-dir", arguments.config_dir, *words], capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(done.stderr)
    return done


def customers(*keys):
    day = datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.timezone.utc)
    return pa.Table.from_pydict({
        "c_custkey": list(keys), "c_name": [f"Customer {key}" for key in keys],
        "c_balance": [decimal.Decimal(key * 100 + 7) / 100 for key in keys],
        "c_since": [day + datetime.timedelta(days=key % 5, microseconds=key) for key in keys],
        "c_nation": [None if key % 7 == 0 else key % 3 for key in keys]}, schema=SCHEMA)


def evolved(key, note):
    batch = customers(key).rename_columns(["c_custkey", "c_label", "c_balance", "c_since", "c_nation"])
    return batch.append_column("c_note", pa.array([note], pa.string()))


def table():
    return CATALOG.load_table("sales.customer")


def rows(frame):
    """The rows of a pandas frame, column by column under their names, in no order."""
    plain = frame.astype(object).where(frame.notna(), None)
    return sorted((tuple(sorted((name, str(value)) for name, value in row.items())) for row in plain.to_dict("records")), key=repr)


def same(what, **version):
    scan = table().scan(snapshot_id=version.pop("snapshot_id", None)).to_arrow().to_pandas()
    read = delta_sharing.load_as_pandas(f"{PROFILE}#one.sales.customer", **version)
    for name in set(scan.columns) & set(read.columns):
        if str(scan[name].dtype).startswith("datetime"):
            scan[name], read[name] = (frame[name].astype("datetime64[us, UTC]") for frame in (scan, read))
        elif scan[name].dtype.kind in "if":
            scan[name], read[name] = (frame[name].astype("float64") for frame in (scan, read))
    checks.equal(what, rows(read), rows(scan))


def make_and_share():
    CATALOG.create_namespace_if_not_exists("sales")
    made = CATALOG.create_table("sales.customer", SCHEMA)
    made.append(customers(1, 2, 3, 7, 8))
    orders = pa.table({"o_orderkey": [10, 11, 12, 13, 14], "o_custkey": [1, 1, 2, 8, 9], "o_total": [5.0, 7.5, 1.0, 20.0, 9.0]})
    storage = {"AWS_ENDPOINT_URL": arguments.url, "AWS_ACCESS_KEY_ID": arguments.key, "AWS_SECRET_ACCESS_KEY": arguments.key,
               "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}
    lakeshare("mb", "t/plain")
    deltalake.write_deltalake("s3://plain/orders", orders, storage_options=storage)
    lakeshare("share", "create", "t/one", "sales", "orders:delta:plain:orders",
              f"customer:uniform:{arguments.warehouse}:sales:customer", "--history")
    lakeshare("share", "token", "create", "t/one", "--profile", PROFILE)
    tables = delta_sharing.SharingClient(PROFILE).list_all_tables()
    checks.equal("both are listed", sorted(one.name for one in tables), ["customer", "orders"])
    same("the first snapshot")


def join():
    orders = delta_sharing.load_as_pandas(f"{PROFILE}#one.sales.orders")
    customer = delta_sharing.load_as_pandas(f"{PROFILE}#one.sales.customer")
    found = duckdb.sql("""SELECT c_name, count(*) AS orders, sum(o_total) AS total FROM customer JOIN orders ON c_custkey = o_custkey
                          GROUP BY c_name HAVING sum(o_total) > 2 ORDER BY total""").fetchall()
    checks.equal("a join of both", found, [("Customer 1", 2, 12.5), ("Customer 8", 1, 20.0)])


def changes():
    table().append(customers(20, 21))
    same("an append")
    table().delete("c_custkey in (2, 20)")
    same("a delete")
    table().overwrite(customers(1, 3), overwrite_filter="c_nation = 1")
    same("an overwrite")


def feed():
    fields = fields_of(json.loads(table().schema().model_dump_json()))
    for delta_format in (False, True):
        label = "delta" if delta_format else "parquet"
        told_changes.check(checks, label, f"{PROFILE}#one.sales.customer", fields, delta_format)


def feed_of_new_columns():
    """The client's kernel finds no columns by id in changes: that it says so is all that can be expected of it."""
    version = delta_sharing.get_table_version(f"{PROFILE}#one.sales.customer")
    first = table().history()[0].snapshot_id
    table().append(evolved(32, "followed"))
    with table().manage_snapshots() as manage:
        manage.rollback_to_snapshot(first)
    table().append(evolved(33, "after a rollback"))
    fields = fields_of(json.loads(table().schema().model_dump_json()))
    for delta_format, expected in ((True, told_changes.COLUMNS_BY_ID), (False, "responseFormat=parquet cannot express")):
        try:
            told_changes.check(checks, "renamed", f"{PROFILE}#one.sales.customer", fields, delta_format, start=version + 1)
            outcome = "rows"
        except Exception as error:  # the client's errors have no class of their own
            outcome = told_changes.refusal(error)
        checks.true(f"changes of renamed columns, delta format {delta_format}", expected in outcome, outcome)


def evolution():
    with table().update_schema() as update:
        update.rename_column("c_name", "c_label")
        update.add_column("c_note", StringType())
    same("a renamed and a new column")
    table().append(evolved(30, "new"))
    same("rows of both schemas")
    with table().update_spec() as update:
        update.add_field("c_custkey", BucketTransform(4), "bucket")
        update.add_field("c_since", DayTransform(), "day")
    table().append(evolved(31, "partitioned"))
    same("rows of two specs")


def leaf(op, column, kind, value):
    literal = {"op": "literal", "value": value, "valueType": kind}
    return json.dumps({"op": op, "children": [{"op": "column", "name": column, "valueType": kind}, literal]})


def hints():
    """Partitions that no bounds tell of: hints leave out files by them, and never a wanted row."""
    silent = {"write.metadata.metrics.default-mode": "none"}
    made = CATALOG.create_table("sales.parts", SCHEMA, properties=silent)
    with made.update_spec() as update:
        update.add_field("c_custkey", BucketTransform(8), "bucket")
        update.add_field("c_since", DayTransform(), "day")
    made.append(customers(*range(1, 60)))
    with made.update_spec() as update:
        update.remove_field("bucket")
        update.remove_field("day")
        update.add_field("c_name", TruncateTransform(10), "name")
        update.add_identity("c_nation")
    made.append(customers(*range(60, 90)))
    lakeshare("share", "update", "t/one", "--add", f"sales:parts:uniform:{arguments.warehouse}:sales:parts")
    whole = delta_sharing.load_as_pandas(f"{PROFILE}#one.sales.parts")
    rest = DataSharingRestClient(DeltaSharingProfile.read_from_file(PROFILE))
    files = lambda hint: len(rest.list_files_in_table(Table("parts", "one", "sales"), jsonPredicateHints=hint).add_files)
    total = files(None)
    for op, column, kind, text, wanted in [
        ("equal", "c_custkey", "long", "17", lambda frame: frame.c_custkey == 17),
        ("lessThan", "c_since", "timestamp", "2024-01-02T00:00:00.000Z", lambda frame: frame.c_since.dt.day < 2),
        ("greaterThan", "c_since", "timestamp", "2024-01-05T00:00:00.000Z", lambda frame: frame.c_since.dt.day >= 5),
        ("equal", "c_name", "string", "Customer 71", lambda frame: frame.c_name == "Customer 71"),
        ("equal", "c_nation", "int", "2", lambda frame: frame.c_nation == 2),
    ]:
        hint = leaf(op, column, kind, text)
        found = delta_sharing.load_as_pandas(f"{PROFILE}#one.sales.parts", jsonPredicateHints=hint)
        checks.equal(f"{hint} keeps its rows", sorted(found[wanted(found)].c_custkey), sorted(whole[wanted(whole)].c_custkey))
        checks.true(f"{hint} leaves out files", 0 < files(hint) < total, f"{files(hint)} of {total}")
    limited = delta_sharing.load_as_pandas(f"{PROFILE}#one.sales.parts", limit=5)
    checks.equal("a limit", len(limited), 5)


def travel():
    for entry in table().history():
        # Metadata that changes at the same millisecond hides what was before.
        later = [one for one in table().history() if one.timestamp_ms == entry.timestamp_ms]
        moment = datetime.datetime.fromtimestamp(entry.timestamp_ms / 1000, datetime.timezone.utc)
        if later[-1].snapshot_id == entry.snapshot_id:
            text = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{entry.timestamp_ms % 1000:03}Z"
            same(f"the snapshot of {text}", snapshot_id=entry.snapshot_id, timestamp=text)


def rollback():
    first = table().history()[0].snapshot_id
    with table().manage_snapshots() as manage:
        manage.rollback_to_snapshot(first)
    same("a rollback")
    time.sleep(0.01)
    table().manage_snapshots().create_tag(first, "start").commit()
    name = f"start:uniform:{arguments.warehouse}:sales:customer@start"
    lakeshare("share", "update", "t/one", "--add", f"sales:{name}")
    table().append(evolved(40, None))
    read = delta_sharing.load_as_pandas(f"{PROFILE}#one.sales.start")
    checks.equal("a tag stays where it is", len(read), 5)
    same("an append after the rollback")


def refusals():
    missing = lakeshare("share", "update", "t/one", "--add", f"sales:x:uniform:{arguments.warehouse}:sales:nothing", check=False)
    checks.true("a table that is missing is refused", missing.returncode == 1 and "table list" in missing.stderr, missing.stderr)
    shown = lakeshare("share", "info", "t/one").stdout
    checks.true("share info names both", "customer [UniForm]" in shown and "orders [Delta]" in shown, shown)


checks.steps(make_and_share, join, changes, feed, evolution, hints, travel, rollback, feed_of_new_columns, refusals)
checks.finish("sharing_iceberg")
