"""Iceberg tables freshly written by an engine, read by Delta Sharing clients as the engine itself reads them.

    sharing_iceberg_writers.py --engine pyiceberg|spark|spark4 --lakeshare EXE --config-dir DIR --data DIR --url URL --key KEY --token TOKEN
                               --warehouse NAME [--python PROGRAM --jars DIR] [--seed N] [--whole] [--only CASE[,CASE]]

The server behind alias `t` is at `--url` and serves `--data`; `--token` opens its catalog. Cases are in spark_tables.py and
pyiceberg_tables.py. After each step of a case the latest version is read by the Python client in both formats, and in the end every
version of the table's history; Spark reads what its own client would make of the answers (the delta format as a Delta table, the parquet
format by its schema), and each answer is looked through for what that client demands. A seed, which is printed, makes all rows.
"""
import argparse
import json
import pathlib
import random
import subprocess
import time
import warnings

import delta_sharing

import exact_rows
import sharing_wire
from checks import Checks

warnings.filterwarnings("ignore")
# What the Python client lists that it reads.
PYTHON_FEATURES = {"deletionVectors", "columnMapping", "timestampNtz"}
# Rows that are asked for where not all are.
LIMIT = 2
# What its kernel cannot read of a right answer, and why.
CLIENT_LIMITS = {"Found unmasked nulls for non-nullable StructArray field": "a map that is null, in a file older than a field of the structs in it",
                 "Unsupported Delta table type: 'void'": "columns of which nobody knows the type yet"}


class Reader:
    """The clients of one shared table."""

    def __init__(self, suite, name):
        self.suite, self.name = suite, name
        self.url = f"{suite.profile}#made.all.{name}"

    def answers(self, **version):
        """The answers in both formats; parquet may be refused where the delta format needs to be understood."""
        delta = self.suite.wire.query(f"made.all.{self.name}", True, **version)
        try:
            parquet = self.suite.wire.query(f"made.all.{self.name}", False, **version)
        except sharing_wire.Refused as error:
            needs = delta.features() or '"void"' in delta.table()["schemaString"]
            if not (needs and "responseFormat=parquet cannot express" in str(error)):
                raise
            parquet = None
        return delta, parquet

    def compare(self, what, expected, with_spark, **version):
        """Whether all clients read the expected rows; the version that was read, if it could be."""
        checks, (fields, rows) = self.suite.checks, expected
        try:
            delta, parquet = self.answers(**version)
        except sharing_wire.Refused as error:
            checks.true(f"{what} is served", False, error)
            return None
        wanted = exact_rows.collections.Counter(exact_rows.loosened(text) for text in rows.elements())
        for answer in filter(None, (delta, parquet)):
            kind = "delta" if answer.is_delta else "parquet"
            checks.equal(f"{what}: schema, {kind}", exact_rows.bare(answer.schema()["fields"]), fields)
            checks.equal(f"{what}: demands, {kind}", sharing_wire.faults(answer), [])
            checks.equal(f"{what}: version, {kind}", answer.version, delta.version)
            if not answer.is_delta or answer.features() <= PYTHON_FEATURES:
                self.python(f"{what}: Python, {kind}", fields, wanted, answer.is_delta, **version)
            if with_spark and self.suite.spark and not answer.features() & self.suite.spark.missing:
                self.spark(f"{what}: Spark, {kind}", expected, answer)
        if not delta.features() <= PYTHON_FEATURES:
            self.suite.notes.append(f"{what}: Python lists no {', '.join(sorted(delta.features() - PYTHON_FEATURES))}")
        return delta.version

    def python(self, what, fields, wanted, is_delta, **version):
        try:
            frame = delta_sharing.load_as_pandas(self.url, use_delta_format=is_delta, **version)
            found = exact_rows.of_frame(frame, fields)
        except Exception as error:  # whatever the client throws is a finding
            limit = next((why for word, why in CLIENT_LIMITS.items() if word in str(error)), None)
            if limit:
                self.suite.notes.append(f"{what}: {limit}")
                return
            self.suite.checks.true(what, False, f"{type(error).__name__}: {error}")
            return
        self.suite.checks.equal(what, differences(found, wanted), "")
        if not version:
            few = delta_sharing.load_as_pandas(self.url, use_delta_format=is_delta, limit=LIMIT)
            self.suite.checks.equal(f"{what}, {LIMIT} rows", len(few), min(LIMIT, wanted.total()))

    def spark(self, what, expected, answer):
        spark, folder = self.suite.spark, self.suite.folder / "told" / str(next(self.suite.numbers))
        try:
            if answer.is_delta:
                fields, found = spark.delta(sharing_wire.as_delta_table(answer, self.suite.data, folder))
            elif answer.files:
                files = [sharing_wire.local(url, self.suite.data) for url in answer.urls()]
                fields, found = spark.parquet(answer.schema(), files)
            else:
                return
        except RuntimeError as error:
            self.suite.checks.true(what, False, error)
            return
        self.suite.checks.equal(what, differences(found, without_void(*expected) if answer.is_delta else expected[1]), "")


def without_void(fields, rows):
    """Rows as Delta's readers have them, who leave out columns without a type."""
    kept = [number for number, field in enumerate(fields) if field["type"] != "void"]
    cut = lambda text: json.dumps([json.loads(text)[number] for number in kept], ensure_ascii=False)
    return rows if len(kept) == len(fields) else exact_rows.collections.Counter(cut(text) for text in rows.elements())


def differences(found, wanted):
    more, less = list((found - wanted).elements()), list((wanted - found).elements())
    return "" if found == wanted else f"{len(more)} too many, {len(less)} missing of {wanted.total()}\n     more {more[:3]}\n     less {less[:3]}"


class Suite:
    def __init__(self, arguments):
        self.arguments, self.checks, self.notes = arguments, Checks(), []
        self.data = pathlib.Path(arguments.data)
        self.folder = pathlib.Path(arguments.config_dir) / "writers"
        self.folder.mkdir(exist_ok=True)
        self.numbers = iter(range(10**9))
        self.profile = str(self.folder / "made.share")
        self.shared, self.refused = set(), {}
        if arguments.engine == "pyiceberg":
            import pyiceberg_engine
            self.engine, self.spark = pyiceberg_engine.Pyiceberg(arguments), None
        else:
            import spark_engine
            settings = spark_engine.settings(arguments, self.cli, self.folder)
            self.engine = self.spark = spark_engine.Spark(arguments, settings)

    def cli(self, *words, check=True):
        """Runs `lakeshare WORDS`; returns the finished process."""
        command = [self.arguments.lakeshare, "--config-dir", self.arguments.config_dir, *words]
        done = subprocess.run(command, capture_output=True, text=True)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
        return done

    def share(self, name, source, *options):
        """Shares a table, with a profile for all of them; what the server says against it, if it does."""
        if name in self.shared:
            return ""
        words = ("update", "t/made", "--add") if self.shared else ("create", "t/made", "all")
        word = f"{name}:{source}"
        done = self.cli("share", *words, word if not self.shared else f"all:{word}", "--history", *options, check=False)
        if done.returncode:
            return done.stderr
        if not self.shared:
            self.cli("share", "token", "create", "t/made", "--profile", self.profile)
            self.wire = sharing_wire.Wire(self.profile)
        self.shared.add(name)
        return ""

    def run(self, name, case):
        rng = random.Random(f"{self.arguments.seed} {name}")
        table = self.engine.table(name, rng)
        seen, began = {}, time.time()
        try:
            for step in case(table):
                self.look(name, table, step, seen)
            self.look(name, table, "end", seen)
            self.travel(name, table, seen)
        except Exception as error:  # what an engine throws is no finding about the server, but it is one
            import traceback
            traceback.print_exc()
            self.checks.true(f"{name} goes to its end", False, repr(error)[:1500])
        print(f"     {name} took {time.time() - began:.1f} s", flush=True)

    def look(self, name, table, step, seen):
        kind, what = type(step).__name__, f"{name}, {step}"
        shared, source, reference = name, self.engine.source(table), None
        if kind == "Reference":
            shared, source, reference = f"{name}_{step}", f"{source}@{step}", str(step)
        if kind == "Allowed":
            shared = f"{name}_allowed"
        fault = self.share(shared, source, *(["--allow-location", step] if kind == "Allowed" else []))
        if kind == "Refused":
            fault = fault or self.refusal(name)
            self.checks.true(f"{what}: refused", step.lower() in fault.lower(), fault or "it is served")
            self.refused[self.current(table)] = step
            return
        if fault:
            self.checks.true(f"{what}: shared", False, fault)
            return
        expected = self.engine.rows(table, reference=reference)
        before = len(self.notes)
        version = Reader(self, shared).compare(what, expected, step == "end" or self.arguments.whole)
        if kind == "ForAll":
            self.checks.equal(f"{what}: readable", self.notes[before:], [])
        if version is not None and shared == name:
            seen[version] = (self.current(table), expected)

    def refusal(self, name, **version):
        try:
            self.wire.query(f"made.all.{name}", True, **version)
        except sharing_wire.Refused as error:
            return str(error)
        return ""

    def metadata(self, table):
        return sharing_wire.metadata(self.engine.metadata(table), self.data)

    def current(self, table):
        """The current snapshot; writers say in two ways that there is none."""
        snapshot = self.metadata(table).get("current-snapshot-id")
        return None if snapshot == -1 else snapshot

    def travel(self, name, table, seen):
        """Every state that was seen by its version, and every snapshot of the log at its time."""
        if name not in self.shared:
            return
        metadata, reader = self.metadata(table), Reader(self, name)
        kept = {one["snapshot-id"] for one in metadata["snapshots"]}
        for version, (snapshot, expected) in seen.items():
            if snapshot in kept or snapshot is None or version == max(seen):
                reader.compare(f"{name}, version {version}", expected, False, version=version)
            else:
                fault = self.refusal(name, version=version)
                self.checks.true(f"{name}, version {version}: expired", f"version {version} is not available" in fault, fault or "it is served")
        log = metadata["snapshot-log"]
        for entry, after in zip(log, [*log[1:], None]):
            if entry["snapshot-id"] not in kept or after and after["timestamp-ms"] <= entry["timestamp-ms"]:
                continue
            what, moment = f"{name}, snapshot {entry['snapshot-id']}", sharing_wire.at(entry["timestamp-ms"])
            # The schema of now may have been what was refused, and not the snapshot's own.
            fault = self.refused.get(entry["snapshot-id"]) and self.refusal(name, timestamp=moment)
            if fault:
                self.checks.true(f"{what}: refused", self.refused[entry["snapshot-id"]].lower() in fault.lower(), fault)
                continue
            # What became current with the last change of the metadata is read with the schema of now.
            is_now = entry["timestamp-ms"] == metadata["last-updated-ms"]
            expected = self.engine.rows(table, snapshot=None if is_now else entry["snapshot-id"])
            reader.compare(what, expected, self.arguments.whole, timestamp=moment)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--engine", "--lakeshare", "--config-dir", "--data", "--url", "--key", "--token", "--warehouse"):
        parser.add_argument(flag, required=True)
    for flag in ("--python", "--jars", "--only"):
        parser.add_argument(flag)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--whole", action="store_true")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    suite = Suite(arguments)
    rng = random.Random(arguments.seed)
    cases = suite.engine.cases(rng, arguments.whole)
    chosen = arguments.only.split(",") if arguments.only else cases
    for name in chosen:
        suite.run(name, cases[name])
    suite.engine.stop()
    print("\n".join(suite.notes))
    print(f"seed {arguments.seed}")
    suite.checks.finish(f"sharing_iceberg_writers, {arguments.engine}")


main()
