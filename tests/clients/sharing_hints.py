"""Hints sent by the Python client over tables of the corpus: never a matching row less, and often a file less.

    sharing_hints.py --lakeshare PROGRAM --config-dir DIR --data DIR --corpus DIR [--only NAME[,NAME]]

Each table is read whole. Then conditions are made of values that its columns hold, sent as `jsonPredicateHints`, and applied by the
client to both answers: the rows that are left have to be the same.
"""
import argparse
import collections
import json
import math
import pathlib
import random
import re
import shutil
import subprocess
import sys
import warnings

import delta_sharing
import pandas
from delta_sharing.protocol import DeltaSharingProfile, Table
from delta_sharing.rest_client import DataSharingRestClient

warnings.filterwarnings("ignore")

TABLES = [
    "dat__basic_partitioned", "dat__partitioned_with_null", "dat__basic_append", "dat__stats_as_struct", "dat__multi_partitioned_2",
    "dkrs__mixed-nulls", "golden__data-reader-partition-values", "golden__kernel-timestamp-partition-col-ISO8601",
    "golden__only-checkpoint-files", "golden__dv-with-columnmapping", "dspark__delta-0.1.0", "drs__delta-0.8.0-partitioned",
    "spark40__partitioned_types", "spark40__many_commits", "spark40__colmap_name", "spark40__stats_shapes", "dspark__table-with-dv-small",
    "spark40__deletion_vectors", "spark40__colmap_id", "spark40__timestamp_ntz", "spark40__converted", "deltars__partitioned", "deltars__evolved",
]
ICEBERG_TABLES = [
    "ddbi__map_stats", "ddbi__partition_bigint", "ddbi__partition_bool", "ddbi__partition_double",
    "ddbi__partition_integer", "ddbi__partition_timestamptz", "impala__iceberg_legacy_partition_schema_evolution",
    "impala__iceberg_partitioned", "impala__iceberg_timestamp_part", "spark40__v2_pos_deletes_partition", "spark40__v3_dv", "spark40__transforms",
    "spark40__identity_special", "spark40__partition_evolution", "spark40__compacted", "spark40__overwritten", "pyiceberg__partitioned",
]
CONDITIONS_PER_TABLE = 8
VALUE_TYPES = {"boolean": "bool", "byte": "int", "short": "int", "integer": "int", "long": "long", "float": "float", "double": "double",
               "string": "string", "date": "date", "timestamp": "timestamp"}
COMPARE = {"equal": lambda a, b: a == b, "lessThan": lambda a, b: a < b, "lessThanOrEqual": lambda a, b: a <= b,
           "greaterThan": lambda a, b: a > b, "greaterThanOrEqual": lambda a, b: a >= b}


def shared_name(name):
    return name.replace(".", "_")


def cli(arguments, *command):
    return subprocess.run([arguments.lakeshare, "--config-dir", arguments.config_dir, *command], capture_output=True, text=True)


def place(arguments, name):
    """Puts a table of the corpus into the bucket; gives back how it is shared."""
    corpus, target = pathlib.Path(arguments.corpus), pathlib.Path(arguments.data) / "hints" / name
    if name not in ICEBERG_TABLES:
        shutil.copytree(corpus / "delta" / name, target, symlinks=True)
        return f"{shared_name(name)}:delta:hints:{name}"
    tool = corpus.parent / "kit" / "tools" / "relocate_iceberg.py"
    subprocess.run([sys.executable, str(tool), str(corpus / "iceberg" / name), str(target), f"s3://hints/{name}"], check=True,
                   capture_output=True)
    newest = json.loads((corpus / "CORPUS.json").read_text())["tables"][f"iceberg/{name}"]["metadata_file"]
    stem = re.sub(r"^v(?=\d)|\.metadata\.json$|\.gz\.metadata\.json$", "", pathlib.Path(newest).name)
    (target / "metadata" / "version-hint.text").write_text(stem)
    return f"{shared_name(name)}:iceberg:hints:{name}"


def is_null(value):
    return value is None or value is pandas.NaT or (isinstance(value, float) and math.isnan(value))


def plain(value, kind):
    """A value of a frame as Python's own; pandas makes floats of integers where one is null."""
    if is_null(value):
        return None
    if kind in ("int", "long"):
        return int(value)
    if isinstance(value, pandas.Timestamp):
        return value.tz_localize("UTC") if value.tzinfo is None else value.tz_convert("UTC")
    return value.item() if hasattr(value, "item") else value


def text(value, kind):
    if kind == "timestamp":  # cut to milliseconds, as Spark does
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03}Z"
    if kind in ("int", "long"):
        return str(int(value))
    return str(value).lower() if kind == "bool" else str(value)


class Column:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.tree = {"op": "column", "name": name.swapcase(), "valueType": kind}

    def compare(self, op, value):
        literal = {"op": "literal", "value": text(value, self.kind), "valueType": self.kind}
        return ({"op": op, "children": [self.tree, literal]},
                lambda row: None if row[self.name] is None else COMPARE[op](row[self.name], value))

    def is_null(self):
        return {"op": "isNull", "children": [self.tree]}, lambda row: row[self.name] is None


def negated(condition):
    tree, holds = condition
    return {"op": "not", "children": [tree]}, lambda row: None if holds(row) is None else not holds(row)


def joined(op, one, two):
    decided = op == "or"
    def holds(row):
        answers = [one[1](row), two[1](row)]
        return decided if decided in answers else None if None in answers else not decided
    return {"op": op, "children": [one[0], two[0]]}, holds


def conditions(columns, rows, dice):
    def leaf():
        column = dice.choice(columns)
        values = [row[column.name] for row in rows if row[column.name] is not None]
        if not values or dice.random() < 0.1:
            return column.is_null()
        return column.compare(dice.choice(list(COMPARE)), dice.choice(values))
    for _ in range(CONDITIONS_PER_TABLE):
        one = leaf() if dice.random() < 0.7 else negated(leaf())
        shape = dice.choice(["", "", "and", "or"])
        yield joined(shape, one, leaf()) if shape else one


def matching(rows, holds):
    return collections.Counter(repr(sorted(row.items())) for row in rows if holds(row))


def as_rows(frame, columns):
    names = [column.name for column in columns]
    missing = [name for name in names if name not in frame.columns]
    assert not missing or not len(frame), missing
    return [] if missing else [
        {column.name: plain(value, column.kind) for column, value in zip(columns, row)} for row in frame[names].itertuples(index=False)]


def file_count(rest, name, hint):
    listed = rest.list_files_in_table(Table(shared_name(name), "hints", "all"), jsonPredicateHints=hint)
    return len(listed.add_files)


def read(url, needs_delta, hint=None):
    return delta_sharing.load_as_pandas(url, jsonPredicateHints=hint, use_delta_format=needs_delta)


def check(profile, name, dice):
    """Checks of one table: good, bad, files skipped."""
    url = f"{profile}#hints.all.{shared_name(name)}"
    rest = DataSharingRestClient(DeltaSharingProfile.read_from_file(profile))
    needs_delta = False
    try:
        frame = read(url, False)
    except Exception:  # the client throws what it likes
        needs_delta = True
        frame = read(url, True)
    metadata = delta_sharing.get_table_metadata(url, use_delta_format=needs_delta)
    fields = json.loads(metadata.schema_string)["fields"]
    columns = [Column(field["name"], VALUE_TYPES[field["type"]]) for field in fields
               if isinstance(field["type"], str) and field["type"] in VALUE_TYPES]
    rows = as_rows(frame, columns)
    good = bad = skipped = 0
    total = None if needs_delta else file_count(rest, name, None)
    for tree, holds in conditions(columns, rows, dice):
        hint = json.dumps(tree)
        few = as_rows(read(url, needs_delta, hint), columns)
        want, got = matching(rows, holds), matching(few, holds)
        if want == got and len(few) <= len(rows):
            good += 1
        else:
            bad += 1
            print(f"FAIL {name}: {hint}\n     missing {list((want - got))[:3]}\n     more {list((got - want))[:3]}")
        skipped += 0 if needs_delta else total - file_count(rest, name, hint)
    print(f"ok   {name}: {good} conditions, {skipped} files skipped")
    return good, bad, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--lakeshare", "--config-dir", "--data", "--corpus"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--only")
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else TABLES + ICEBERG_TABLES
    served = []
    for name in names:
        spec = place(arguments, name)
        command = ("update", "t/hints", "--add", f"all:{spec}") if served else ("create", "t/hints", "all", spec)
        done = cli(arguments, "share", *command)
        if done.returncode == 0:
            served.append(name)
        else:
            print(f"note {name} is refused: {done.stderr.strip()[:200]}")
    profile = str(pathlib.Path(arguments.config_dir) / "hints.share")
    done = cli(arguments, "share", "token", "create", "t/hints", "--profile", profile)
    if done.returncode:
        sys.exit(done.stderr)
    dice = random.Random(20_210_101)
    good, bad, skipped = map(sum, zip(*(check(profile, name, dice) for name in served)))
    if not skipped:
        bad += 1
        print("FAIL no file was ever skipped")
    print(f"sharing_hints: {good} passed, {bad} failed")
    sys.exit(1 if bad or not good else 0)


main()
