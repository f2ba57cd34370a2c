"""Every Delta table of the corpus through the Python client, in both formats, against what an independent reader found.

    sharing_corpus.py --lakeshare PROGRAM --config-dir DIR --data DIR --corpus DIR [--only NAME[,NAME]]

The server behind alias `t` serves `--data`. Each table is either shared and read with the expected rows, or refused with a reason that
names a feature or a fault that the table really has. Older versions and change feeds are read where the corpus says what they hold.
"""
import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import warnings

import delta_sharing

import expected_rows
from checks import Checks
from column_facts import compare_columns

warnings.filterwarnings("ignore")

# Readers of the Python client that fail on a right answer; the wire tests cover what the client cannot show.
CLIENT_LIMITS = {
    # name: (formats, why)
    "dat__multi_partitioned": (("parquet",), "the client cannot turn a binary partition value into a column"),
    "dkrs__void-column": (("delta",), "the client's kernel knows no void type"),
}

# Tables whose older versions have lost their files.
VACUUMED = ("spark40__vacuumed",)

# Words of a refusal -> features of CORPUS.json of which the table must have one.
REFUSALS = {
    "deletionVectors": ("dv-u", "dv-p"),
    "columnMapping": ("column-mapping-name", "column-mapping-id"),
    "timestamp_ntz": ("type:timestamp_ntz",),
    "type was changed": ("type-widening",),
    "typeWidening": ("r:typeWidening", "r:typeWidening-preview"),
    "type variant": ("type:variant",),
    "variantType": ("r:variantType", "r:variantType-preview"),
    "catalogManaged": ("r:catalogManaged",),
    "catalogOwned": ("r:catalogManaged",),
    "leads elsewhere": ("dv-p",),
    "leads out": ("absolute-path",),
    "void": ("type:void",),
}
# Features that the Python client does not list even for the delta format.
NOT_OF_THE_CLIENT = ("typeWidening", "variantType")
# Tables that no reader of the corpus could read, but whose log says all that a client needs.
READ_BY_OTHERS = ("dkrs__table-with-geo",)
FAULTS = {  # tables whose fault is not a feature, with a word of the refusal
    "delta/golden__deltalog-invalid-protocol-version": "99",
    "delta/golden__versions-not-contiguous": "version",
    "delta/golden__deltalog-state-reconstruction-without-protocol": "protocol",
    "delta/golden__deltalog-state-reconstruction-without-metadata": "metaData",
    "delta/drs__simple_table_features": "5",
    "delta/golden__canonicalized-paths-special-a": "schemaString",  # log-only: Spark takes the missing schema for an empty one
}


def shared_name(name):
    """Names of tables hold no dot (Delta Sharing, "Names")."""
    return name.replace(".", "_")


def cli(arguments, *command):
    return subprocess.run([arguments.lakeshare, "--config-dir", arguments.config_dir, *command],
                          capture_output=True, text=True)


def compare(checks, name, frame, expected):
    checks.equal(f"{name} rows", len(frame), expected["num_rows"])
    compare_columns(checks, name, frame, expected["columns"])
    if "rows_json" in expected:
        fields = json.loads(expected["schema_string"])["fields"]
        found, wanted = expected_rows.of_frame(frame, fields), expected_rows.of_expected(expected, fields)
        checks.equal(f"{name} each row", (found - wanted, wanted - found), (collections.Counter(), collections.Counter()))


def refused(checks, name, table, message):
    if f"delta/{name}" in FAULTS:
        checks.equal(f"{name} refused for its fault", FAULTS[f"delta/{name}"] in message, True)
        return
    named = [word for word in REFUSALS if word.lower() in message.lower()]
    has = [word for word in named if set(REFUSALS[word]) & set(table["features"])]
    checks.equal(f"{name} refused for {', '.join(named) or message.strip()}", bool(has), True)


def attempt(checks, name, table, label, delta_format, load):
    """What `load` returns; `None` where it is refused for a feature that the client does not know, or its format."""
    try:
        return load()
    except Exception as error:  # whatever the client throws is a finding
        # The client breaks long texts into pieces, each with its quotes.
        text = re.sub(r"""["']\s*\n\s*["']""", "", f"{type(error).__name__}: {error}")
        is_of_client = any(feature in text for feature in NOT_OF_THE_CLIENT) and "readerfeatures" in text
        if "UNSUPPORTED_OPERATION" in text and (is_of_client or not delta_format):
            refused(checks, name, table, text)
        else:
            checks.equal(f"{label} is read", text, "rows")
        return None


def read(checks, arguments, profile, name, table, expected):
    limits, why = CLIENT_LIMITS.get(name, ((), ""))
    url = f"{profile}#corpus.all.{shared_name(name)}"
    for delta_format in (False, True):
        label = f"{name} {'delta' if delta_format else 'parquet'}"
        if ("delta" if delta_format else "parquet") in limits:
            print(f"note {label}: {why}")
            continue
        tried = lambda label, load: attempt(checks, name, table, label, delta_format, load)
        frame = tried(label, lambda: delta_sharing.load_as_pandas(url, use_delta_format=delta_format))
        if frame is not None:
            compare(checks, label, frame, expected)
            if len(frame) > 3:
                few = delta_sharing.load_as_pandas(url, limit=3, use_delta_format=delta_format)
                checks.equal(f"{label} limit 3", len(few), 3)
        known = {version: want for version, want in expected.get("versions", {}).items()
                 if "num_rows" in want and name not in VACUUMED}
        for version, want in known.items():
            older = tried(f"{label} {version}", lambda: delta_sharing.load_as_pandas(
                url, version=int(version), use_delta_format=delta_format))
            if older is not None:
                checks.equal(f"{label} {version} rows", len(older), want["num_rows"])
        if "cdf" in expected:
            start = expected["cdf"]["starting_version"]
            changes = tried(f"{label} changes", lambda: delta_sharing.load_table_changes_as_pandas(
                url, starting_version=start, use_delta_format=delta_format))
            if changes is not None:
                counted = collections.Counter(zip(changes["_commit_version"].astype(str), changes["_change_type"]))
                want = {(version, kind): count for version, kinds in expected["cdf"]["changes"].items() for kind, count in kinds.items()}
                checks.equal(f"{label} changes", dict(counted), want)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--lakeshare", "--config-dir", "--data", "--corpus"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--only")
    arguments = parser.parse_args()
    corpus = pathlib.Path(arguments.corpus)
    tables = json.loads((corpus / "CORPUS.json").read_text())["tables"]
    names = [key.split("/", 1)[1] for key in tables if key.startswith("delta/")]
    if arguments.only:
        names = arguments.only.split(",")
    bucket = pathlib.Path(arguments.data) / "corpus"
    for name in names:
        shutil.copytree(corpus / "delta" / name, bucket / name, symlinks=True)
    checks, served = Checks(), []
    for name in names:
        table = tables[f"delta/{name}"]
        spec = f"{shared_name(name)}:delta:corpus:{name}"
        if not served:
            done = cli(arguments, "share", "create", "t/corpus", "all", spec, "--history")
        else:
            done = cli(arguments, "share", "update", "t/corpus", "--add", f"all:{spec}", "--history")
        if done.returncode == 0:
            served.append(name)
            if table["use"] == "refuse" and name not in READ_BY_OTHERS:
                checks.equal(f"{name} is refused", "shared", "refused")
        else:
            refused(checks, name, table, done.stderr)
    profile = str(pathlib.Path(arguments.config_dir) / "corpus.share")
    done = cli(arguments, "share", "token", "create", "t/corpus", "--profile", profile)
    if done.returncode:
        sys.exit(done.stderr)
    for name in served:
        if tables[f"delta/{name}"]["use"] == "serve":
            expected = json.loads((corpus / "expected" / "delta" / f"{name}.json").read_text())
            if "error" in expected:  # Spark could not read it, another reader could
                expected = tables[f"delta/{name}"]["expected"]
            read(checks, arguments, profile, name, tables[f"delta/{name}"], expected)
    print(f"tables shared: {len(served)}, refused: {len(names) - len(served)}")
    checks.finish("sharing_corpus")


main()
