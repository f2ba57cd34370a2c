"""A Spark session that does what it is told, line by line, for a program that has another Python.

    spark_worker.py --jars FOLDER --settings FILE

Requests and answers are JSON, a line each, on standard input and output:
    {"do": "sql", "text": …}                            the statement's rows
    {"do": "delta", "path": …}                          the rows of the Delta table there
    {"do": "parquet", "schema": …, "files": […]}        the rows of Parquet files, read by a Delta schema
    {"do": "java", "text": …}                           Python that may use `spark`, `jvm` and `iceberg(NAME)`, a table
Answers have `fields` and `rows` (as `exact_rows` spells them), or `error`.
"""
import argparse
import json
import os
import sys

import exact_rows
import spark_session

HEAP = "1g"


def session(arguments):
    settings = spark_session.settings_in(arguments.settings) | {
        "spark.sql.catalogImplementation": "in-memory",
        # Nobody writes the calendar of Spark 2 here; Delta's own reader leaves it to this setting.
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED", "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:TieredStopAtLevel=1",
    }
    made = spark_session.start("worker", arguments.jars, settings, HEAP)
    made.sparkContext.setLogLevel("OFF")
    return made


class Worker:
    def __init__(self, spark):
        self.spark, self.jvm = spark, spark._jvm

    def sql(self, text):
        return self.told(self.spark.sql(text))

    def delta(self, path):
        return self.told(self.spark.read.format("delta").load(path))

    def parquet(self, schema, files):
        from pyspark.sql.types import StructType
        return self.told(self.spark.read.schema(StructType.fromJson(schema)).option("__globPaths__", "false").parquet(*files))

    def java(self, text):
        exec(text, {"spark": self.spark, "jvm": self.jvm, "iceberg": self.iceberg})
        return {"fields": [], "rows": []}

    def iceberg(self, name):
        return self.jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(self.spark._jsparkSession, name)

    def told(self, frame):
        fields = exact_rows.bare(json.loads(frame.schema.json())["fields"])
        return {"fields": fields, "rows": [exact_rows.text_of(tuple(row), fields) for row in frame.collect()]}


def first_cause(error):
    """What stands at the end of a chain of Java's exceptions."""
    cause = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    while cause is not None and cause.getCause() is not None:
        cause = cause.getCause()
    return "" if cause is None else str(cause.toString())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jars", required=True)
    parser.add_argument("--settings", required=True)
    arguments = parser.parse_args()
    # What Java prints is no answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    spark = session(arguments)
    worker = Worker(spark)
    print(json.dumps({"version": spark.version}), file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # the other side decides what is a fault
            answer = {"error": f"{type(error).__name__}: {first_cause(error)} {error}"[:4000]}
        print(json.dumps(answer), file=answers)
    spark.stop()


main()
