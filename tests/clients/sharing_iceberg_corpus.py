"""Every Iceberg table of the corpus through the Python Delta Sharing client, against what an independent reader found.

    sharing_iceberg_corpus.py --lakeshare PROGRAM --config-dir DIR --data DIR --shared DIR [--only NAME[,NAME]]

The server behind alias `t` serves `--data`. Each table is moved into the bucket `corpus` (kit/tools/relocate_iceberg.py) and either shared
and read with the expected rows, or refused with a reason that names something that the table really has. Snapshots are read by the times
at which they became current, and the changes between them are applied to what was before.
"""
import argparse
import collections
import datetime
import gzip
import json
import pathlib
import re
import subprocess
import sys
import warnings

import delta_sharing

import expected_rows
import told_changes
from checks import Checks
from column_facts import compare_columns
from exact_rows import fields_of

warnings.filterwarnings("ignore")

# Words of a refusal -> what the table has of it: features of CORPUS.json, or a test of its expected file.
REFUSALS = {
    "type time": "type:time",
    "type uuid": "type:uuid",
    "type fixed": "type:fixed",
    "type timestamp_ns": "type:timestamp_ns",
    "type timestamptz_ns": "type:timestamptz_ns",
    "default for rows": "default-values",
    "format orc": "data:orc",
    "format avro": "data:avro",
    "may lack the column": "transform:identity",
    "schema.name-mapping.default": "name-mapping",
    "differ in nothing but case": "name:ddbi__case_sensitive_names",
}
# Refusals of tables that no feature of CORPUS.json explains, with a word of the reason.
FAULTS = {
    "ddbi__column_mapping_my_table": "leads to no bucket",  # its file lies outside of the folder that was moved
    "impala__airports_parquet": "without field ids",
}
# Rows of tables about which the readers of the corpus do not agree, by the specification.
JUDGED = {"ddbi__name_mapping_warehouse_1_mydb_t1": 10_000}
# What the Python client cannot read of a right answer, and why.
CLIENT_LIMITS = {
    "variant": "the client's kernel lists no variants",
    "typeWidening": "the client lists no widened types",
}
# Ranges of changes that are refused, or that the client cannot read, and why.
CHANGE_REFUSALS = {
    "responseFormat=parquet cannot express": "needs the delta format",
    "schema.name-mapping.default": "files of a version in between have other names",
    told_changes.OTHER_SCHEMA: "the client's kernel reads a range under one schema",
    told_changes.COLUMNS_BY_ID: "the client's kernel does not find columns by id in changes",
    "needs readers that know timestampNtz": "the client lists no timestamps without a zone for changes",
    **CLIENT_LIMITS,
}

# Tables of the corpus that lack metadata of a version in between: no range over it can be told.
LOST = {"ddbi__equality_deletes_mydb_mytable": "files are damaged"}


def cli(arguments, *command):
    return subprocess.run([arguments.lakeshare, "--config-dir", arguments.config_dir, *command], capture_output=True, text=True)


def place(arguments, name, table):
    """Moves a table into the bucket; the hint leads to the metadata file that the corpus speaks of."""
    corpus = pathlib.Path(arguments.shared)
    target = pathlib.Path(arguments.data) / "corpus" / name
    tool = corpus / "kit" / "tools" / "relocate_iceberg.py"
    subprocess.run([sys.executable, str(tool), str(corpus / "corpus" / "iceberg" / name), str(target), f"s3://corpus/{name}"],
                   check=True, capture_output=True)
    stem = re.sub(r"^v(?=\d)|\.metadata\.json$|\.gz\.metadata\.json$", "", pathlib.Path(table["metadata_file"]).name)
    (target / "metadata" / "version-hint.text").write_text(stem)
    return target / table["metadata_file"]


def metadata_of(path):
    bytes_ = path.read_bytes()
    return json.loads(gzip.decompress(bytes_) if bytes_[:2] == b"\x1f\x8b" else bytes_)


def refused(checks, name, table, message):
    if name in FAULTS:
        checks.equal(f"{name} refused for its fault", FAULTS[name] in message, True)
        return
    named = [word for word in REFUSALS if word in message.lower()]
    has = [word for word in named if REFUSALS[word] in (*table["features"], f"name:{name}")]
    checks.equal(f"{name} refused for {', '.join(named) or message.strip()}", bool(has), True)


def read(checks, arguments, profile, name, expected, metadata):
    url = f"{profile}#corpus.all.{name}"
    for delta_format in (True, False):
        label = f"{name} {'delta' if delta_format else 'parquet'}"
        try:
            frame = delta_sharing.load_as_pandas(url, use_delta_format=delta_format)
        except Exception as error:  # whatever the client throws is a finding
            text = told_changes.refusal(error)
            limit = next((why for word, why in CLIENT_LIMITS.items() if word in text), None)
            is_of_format = not delta_format and "responseFormat=parquet cannot express" in text
            if is_of_format or limit:
                print(f"note {label}: {limit or 'needs the delta format'}")
            else:
                checks.equal(f"{label} is read", text, "rows")
            continue
        checks.equal(f"{label} rows", len(frame), expected["num_rows"])
        compare_columns(checks, label, frame, expected["columns"])
        if "rows_json" in expected:
            fields = fields_of(expected["schema"])
            found, wanted = expected_rows.of_frame(frame, fields), expected_rows.of_expected(expected, fields)
            checks.equal(f"{label} each row", (found - wanted, wanted - found), (collections.Counter(), collections.Counter()))
        travel(checks, url, label, delta_format, expected, metadata)
        follow(checks, url, label, delta_format, metadata)


def travel(checks, url, label, delta_format, expected, metadata):
    """Each snapshot of the log at the time when it became current."""
    rows = {str(one["snapshot_id"]): one["num_rows"] for one in expected.get("snapshots", []) if "num_rows" in one}
    log = metadata.get("snapshot-log", [])
    for entry, after in zip(log, [*log[1:], None]):
        want = rows.get(str(entry["snapshot-id"]))
        if want is None or after and after["timestamp-ms"] <= entry["timestamp-ms"]:
            continue
        moment = datetime.datetime.fromtimestamp(entry["timestamp-ms"] / 1000, datetime.timezone.utc)
        text = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{entry['timestamp-ms'] % 1000:03}Z"
        try:
            found = len(delta_sharing.load_as_pandas(url, timestamp=text, use_delta_format=delta_format))
        except Exception as error:
            text = str(error)
            if "UNSUPPORTED_OPERATION" in text:
                print(f"note {label} at {entry['snapshot-id']}: {text[:200]}")
                continue
            found = f"{type(error).__name__}: {text}"
        checks.equal(f"{label} at {entry['snapshot-id']}", found, want)


def follow(checks, url, label, delta_format, metadata):
    """The changes from the first version on, applied to its rows."""
    schemas = metadata.get("schemas") or [metadata["schema"]]
    schema = next((one for one in schemas if one.get("schema-id") == metadata.get("current-schema-id")), schemas[-1])
    start, latest = 0, delta_sharing.get_table_version(url)
    while start <= latest:
        try:
            if not told_changes.check(checks, label, url, fields_of(schema), delta_format, start):
                print(f"note {label} changes: every start has expired")
            return
        except Exception as error:  # whatever the client throws is a finding
            text = told_changes.refusal(error)
        reason = next((why for word, why in CHANGE_REFUSALS.items() if word in text), None)
        lost = LOST.get(label.split()[0])
        if lost is not None and lost in text:
            reason = "the corpus lacks a manifest list"
        if reason is None:
            checks.equal(f"{label} changes from {start} are read", text, "rows")
            return
        print(f"note {label} changes from {start}: {reason}")
        start += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--lakeshare", "--config-dir", "--data", "--shared"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--only")
    arguments = parser.parse_args()
    corpus = pathlib.Path(arguments.shared) / "corpus"
    tables = json.loads((corpus / "CORPUS.json").read_text())["tables"]
    names = [key.split("/", 1)[1] for key in tables if key.startswith("iceberg/")]
    if arguments.only:
        names = arguments.only.split(",")
    checks, served = Checks(), {}
    for name in names:
        table = tables[f"iceberg/{name}"]
        if table["use"] in ("refuse", "log-only"):
            continue  # Broken or without data: no reader of the corpus could read them.
        metadata = place(arguments, name, table)
        spec = f"{name}:iceberg:corpus:{name}"
        if not served:
            done = cli(arguments, "share", "create", "t/corpus", "all", spec, "--history")
        else:
            done = cli(arguments, "share", "update", "t/corpus", "--add", f"all:{spec}", "--history")
        if done.returncode == 0:
            served[name] = metadata_of(metadata)
            if table["use"] == "non-parquet":
                checks.equal(f"{name} is refused", "shared", "refused")
        else:
            refused(checks, name, table, done.stderr)
    profile = str(pathlib.Path(arguments.config_dir) / "corpus.share")
    done = cli(arguments, "share", "token", "create", "t/corpus", "--profile", profile)
    if done.returncode:
        sys.exit(done.stderr)
    for name, metadata in served.items():
        expected = json.loads((corpus / "expected" / "iceberg" / f"{name}.json").read_text())
        if name in JUDGED:
            expected = {"num_rows": JUDGED[name], "columns": {}}
        read(checks, arguments, profile, name, expected, metadata)
    print(f"tables shared: {len(served)}, refused: {len(names) - len(served)}")
    checks.finish("sharing_iceberg_corpus")


main()
