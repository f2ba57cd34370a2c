#!/usr/bin/env python3
"""Loads CSV files into Iceberg tables of one namespace, a table for each file, with pyiceberg.

    python3 -m venv demo && demo/bin/pip install "pyiceberg[pyarrow]>=0.12"
    lakeshare warehouse create local/lake
    lakeshare table config local/lake --pyiceberg > .pyiceberg.yaml
    demo/bin/python examples/csv2iceberg.py lake sales orders.csv customer.csv

CATALOG is a name in .pyiceberg.yaml, here or in the home directory. A table is called like its file and appears with all
of its rows, or not at all. Types are taken from the first megabytes of a file; --type COLUMN=TYPE says otherwise:
string, int64, double, date32.
"""
import argparse
import pathlib
import sys
import time

import pyarrow
import pyarrow.csv
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError

# Types are inferred from the first block, and a batch is a block: large enough to see what a column holds.
BLOCK_BYTES = 8 << 20


class Progress:
    """Rows and bytes of one file, on standard error; a line that is written over on a terminal, else one at the end."""

    def __init__(self, name, file):
        self.name, self.file, self.bytes_total = name, file, max(file.size(), 1)
        self.rows, self.began, self.shown = 0, time.monotonic(), 0.0
        self.live = sys.stderr.isatty()

    def add(self, rows):
        self.rows += rows
        if self.live and time.monotonic() - self.shown > 0.1:
            self.shown = time.monotonic()
            percent = 100 * self.file.tell() // self.bytes_total
            print(f"\r{self.name}: {self.rows:,} rows, {percent} %", end="", file=sys.stderr, flush=True)

    def finish(self):
        seconds = max(time.monotonic() - self.began, 0.001)
        start = "\r" if self.live else ""
        print(f"{start}{self.name}: {self.rows:,} rows in {seconds:.1f} s ({self.rows / seconds:,.0f} a second)", file=sys.stderr)


def read_csv(source, types):
    return pyarrow.csv.open_csv(source, pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES), convert_options=pyarrow.csv.ConvertOptions(
        column_types=types, strings_can_be_null=True))


def column_types(path, asked):
    """Types that Iceberg has, for the columns whose guessed types it has not, and those that were asked for."""
    with read_csv(str(path), asked) as first:
        guessed = first.schema
    missing = set(asked) - set(guessed.names)
    if missing:
        sys.exit(f"--type {', '.join(sorted(missing))}: the file has no such column")
    unfit = [field.name for field in guessed if pyarrow.types.is_null(field.type) or pyarrow.types.is_time(field.type)]
    return {**asked, **{name: pyarrow.string() for name in unfit}}


def load(catalog, namespace, path, arguments):
    name = arguments.table or path.stem
    identifier = (*namespace, name)
    types = column_types(path, arguments.type)
    with pyarrow.OSFile(str(path)) as file, read_csv(file, types) as batches:
        progress = Progress(".".join(identifier), file)

        def counted():
            for batch in batches:
                yield batch
                progress.add(batch.num_rows)

        rows = pyarrow.RecordBatchReader.from_batches(batches.schema, counted())
        try:
            table = catalog.load_table(identifier)
        except NoSuchTableError:
            with catalog.create_table_transaction(identifier, schema=batches.schema) as transaction:
                transaction.append(rows)
        else:
            if not arguments.append:
                sys.exit(f"{progress.name} exists already. Add the rows to it with --append, or remove it first.")
            table.append(rows)
        progress.finish()


def create_namespace(catalog, levels):
    """The namespace and those around it."""
    for depth in range(1, len(levels) + 1):
        catalog.create_namespace_if_not_exists(levels[:depth])


def column_type(text):
    column, _, word = text.partition("=")
    try:
        return column, pyarrow.type_for_alias(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{word}' is not a type; write for example {column}=string") from None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog", metavar="CATALOG")
    parser.add_argument("namespace", metavar="NAMESPACE", help="nested ones are written a.b; made where it does not exist")
    parser.add_argument("files", metavar="FILE.csv", nargs="+", type=pathlib.Path)
    parser.add_argument("--table", help="name of the table, instead of the file's; for one file")
    parser.add_argument("--type", metavar="COLUMN=TYPE", action="append", type=column_type, default=[])
    parser.add_argument("--append", action="store_true", help="add rows to tables that exist")
    arguments = parser.parse_args()
    arguments.type = dict(arguments.type)
    if arguments.table and len(arguments.files) > 1:
        parser.error("--table names one table, but there are several files")
    catalog = load_catalog(arguments.catalog)
    namespace = tuple(arguments.namespace.split("."))
    create_namespace(catalog, namespace)
    for path in arguments.files:
        try:
            load(catalog, namespace, path, arguments)
        except pyarrow.ArrowInvalid as error:
            sys.exit(f"{path}: {error}\nIf a column is not what its first rows are, name its type: --type COLUMN=string")


if __name__ == "__main__":
    main()
