"""Spark as a writer of Iceberg tables, and as a reader of what Delta Sharing clients are told."""
import json
import pathlib
import re
import subprocess

import exact_rows
import sharing_wire
import spark_tables

WALKS, WALKS_WHOLE = 3, 12


class Spark:
    """A worker that makes tables in the catalog, and without it in a bucket, and reads Delta tables."""

    def __init__(self, arguments, settings):
        command = [arguments.python, str(pathlib.Path(__file__).with_name("spark_worker.py")), "--jars", arguments.jars, "--settings", str(settings)]
        self.log = open(pathlib.Path(settings).with_name("spark.log"), "w")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.version = json.loads(self.process.stdout.readline())["version"]
        # Delta 3 has widened types in a preview only; Parquet files of variants have an annotation that the library of Spark 4.0 breaks at.
        self.missing = {"variantType"} if self.version.startswith("4") else {"typeWidening", "variantType"}
        self.has_bare = "spark.sql.catalog.bare" in pathlib.Path(settings).read_text()
        for catalog in self.catalogs():
            self.sql(f"CREATE NAMESPACE IF NOT EXISTS {catalog}.made")
        self.warehouse, self.data = arguments.warehouse, arguments.data

    def catalogs(self):
        return ["ice", "bare"] if self.has_bare else ["ice"]

    def ask(self, **request):
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"{request.get('text', request['do'])[:300]}: {answer['error'][:1500]}")
        return answer

    def sql(self, text):
        return [json.loads(row) for row in self.ask(do="sql", text=text)["rows"]]

    def java(self, text):
        self.ask(do="java", text=text)

    def cases(self, rng, is_whole):
        return spark_tables.of_spark(rng, self.version.startswith("4"), is_whole, WALKS_WHOLE if is_whole else WALKS)

    def table(self, name, rng):
        return spark_tables.Table(self, rng.choice(self.catalogs()), name, rng)

    def rows(self, table, snapshot=None, reference=None):
        version = f" VERSION AS OF {snapshot}" if snapshot else f" VERSION AS OF '{reference}'" if reference else ""
        return counted(self.ask(do="sql", text=f"SELECT * FROM {table.name}{version}"))

    def metadata(self, table):
        files = [row[0].strip("'") for row in self.sql(f"SELECT file FROM {table.name}.metadata_log_entries")]
        return max(files, key=lambda file: int(re.search(r"/v?(\d+)[^/]*$", file)[1]))

    def read_metadata(self, table):
        return sharing_wire.metadata(self.metadata(table), self.data)

    def source(self, table):
        return f"uniform:{self.warehouse}:made:{table.short}" if table.catalog == "ice" else f"iceberg:bare:wh/made/{table.short}"

    def delta(self, folder):
        return counted(self.ask(do="delta", path=folder.as_uri()))

    def parquet(self, schema, files):
        return counted(self.ask(do="parquet", schema=schema, files=[str(file) for file in files]))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def counted(answer):
    return answer["fields"], exact_rows.collections.Counter(answer["rows"])


def settings(arguments, cli, folder):
    """The catalog `ice` as its settings are printed, `bare` without a catalog server, and Delta's own."""
    printed = cli("table", "config", f"t/{arguments.warehouse}", "--spark", "--name", "ice").stdout
    lines = [line for line in printed.splitlines() if line and line[0] != "#"]
    extensions = "spark.sql.extensions "
    # The parser of the last one comes first, and Iceberg's procedures want theirs to be that.
    delta = extensions + "io.delta.sql.DeltaSparkSessionExtension,"
    lines = [line.replace(extensions, delta) if line.startswith(extensions) else line for line in lines]
    lines += ["spark.sql.catalog.spark_catalog org.apache.spark.sql.delta.catalog.DeltaCatalog", "spark.sql.catalog.ice.cache-enabled false"]
    if list(pathlib.Path(arguments.jars).glob("hadoop-aws-*.jar")):
        lines += ["spark.sql.catalog.bare org.apache.iceberg.spark.SparkCatalog", "spark.sql.catalog.bare.type hadoop",
                  "spark.sql.catalog.bare.warehouse s3a://bare/wh", "spark.sql.catalog.bare.cache-enabled false"]
        s3a = {"endpoint": arguments.url, "endpoint.region": "us-east-1", "access.key": arguments.key, "secret.key": arguments.key,
               "path.style.access": "true", "connection.ssl.enabled": "false"}
        lines += [f"spark.hadoop.fs.s3a.{key} {value}" for key, value in s3a.items()]
        cli("mb", "t/bare")
    path = folder / "spark.conf"
    path.write_text("\n".join(lines) + "\n")
    return path
