#!/usr/bin/env python3
"""Loads CSV files into Iceberg tables of one namespace, a table for each file, with Spark.

    python3 -m venv demo && demo/bin/pip install "pyspark==3.5.*"
    lakeshare warehouse create local/lake
    lakeshare table config local/lake --spark > lake.conf
    demo/bin/spark-submit --properties-file lake.conf \\
        --packages org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.1,org.apache.iceberg:iceberg-aws-bundle:1.10.1 \\
        examples/csv2iceberg_spark.py lake sales orders.csv customer.csv

CATALOG is the name of the warehouse, with _ for -. A table is called like its file and appears with all of its rows, or
not at all. Spark reads a file twice, first to see the types of its columns.
"""
import argparse
import pathlib
import sys
import time

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession


def quoted(*names):
    return ".".join(f"`{name.replace('`', '``')}`" for name in names)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog", metavar="CATALOG")
    parser.add_argument("namespace", metavar="NAMESPACE", help="nested ones are written a.b; made where it does not exist")
    parser.add_argument("files", metavar="FILE.csv", nargs="+", type=pathlib.Path)
    parser.add_argument("--append", action="store_true", help="add rows to tables that exist")
    arguments = parser.parse_args()
    namespace = arguments.namespace.split(".")
    spark = SparkSession.builder.appName("csv2iceberg").getOrCreate()
    for depth in range(1, len(namespace) + 1):
        spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {quoted(arguments.catalog, *namespace[:depth])}")
    for path in arguments.files:
        name = quoted(arguments.catalog, *namespace, path.stem)
        began = time.monotonic()
        rows = spark.read.csv(path.resolve().as_uri(), header=True, inferSchema=True, enforceSchema=False)
        try:
            if spark.catalog.tableExists(name):
                if not arguments.append:
                    sys.exit(f"{name} exists already. Add the rows to it with --append, or remove it first.")
                rows.writeTo(name).append()
            else:
                rows.writeTo(name).using("iceberg").create()
        except AnalysisException as error:
            sys.exit(f"{path}: {error}")
        seconds = time.monotonic() - began
        print(f"{name}: {spark.table(name).count():,} rows in the table, written in {seconds:.1f} s", file=sys.stderr)
    spark.stop()


if __name__ == "__main__":
    main()
