"""Trino with the settings that `lakeshare table config --trino` prints: tables made, changed, read, shared with pyiceberg.

    iceberg_trino.py --settings FILE --trino FOLDER --java JAVA --pyiceberg FILE

FOLDER holds Trino's `lib` and `plugin/iceberg`. One server is started over the catalog `lake`, and ended with the suite.
"""
import argparse
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

from checks import Checks

parser = argparse.ArgumentParser()
for flag in ["--settings", "--trino", "--java", "--pyiceberg"]:
    parser.add_argument(flag, required=True)
arguments = parser.parse_args()
checks = Checks()
PATIENCE_SECONDS = 300


class Trino:
    """One Trino on loopback."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        home = pathlib.Path(arguments.trino).resolve()
        (folder / "catalog").mkdir()
        (folder / "plugin").mkdir()
        (folder / "plugin" / "iceberg").symlink_to(home / "plugin" / "iceberg")
        (folder / "catalog" / "lake.properties").write_text(pathlib.Path(arguments.settings).read_text())
        (folder / "config.properties").write_text(
            f"coordinator=true\nnode-scheduler.include-coordinator=true\nhttp-server.http.port={port}\ndiscovery.uri={self.url}\n"
            f"node.environment=test\nnode.bind-ip=127.0.0.1\nnode.internal-address=127.0.0.1\nplugin.dir={folder}/plugin\n"
            f"catalog.config-dir={folder}/catalog\nquery.max-memory-per-node=300MB\n")
        opened = ["--add-opens=java.base/java.nio=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED"]
        self.log = folder / "trino.log"
        self.process = subprocess.Popen(
            [arguments.java, "-Xmx2G", "-Djdk.attach.allowAttachSelf=true", *opened, f"-Dconfig={folder}/config.properties", "-cp", f"{home}/lib/*",
             "io.trino.server.TrinoServer"], stdout=open(self.log, "wb"), stderr=subprocess.STDOUT, cwd=folder)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while "SERVER STARTED" not in self.log.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise SystemExit("Trino did not start:\n" + self.log.read_text(errors="replace")[-3000:])
            time.sleep(1)

    def ask(self, statement):
        """The rows that come back; RuntimeError with what Trino says of a statement that it does not carry out."""
        head = {"X-Trino-User": "test", "X-Trino-Catalog": "lake"}
        request = urllib.request.Request(f"{self.url}/v1/statement", data=statement.encode(), headers=head)
        rows = []
        while request:
            with urllib.request.urlopen(request) as response:
                answer = json.load(response)
            if "error" in answer:
                raise RuntimeError(f"{statement[:80]}: {answer['error']['message']}")
            rows += [tuple(row) for row in answer.get("data", [])]
            request = urllib.request.Request(answer["nextUri"], headers=head) if "nextUri" in answer else None
            time.sleep(0.02)
        return rows


folder = tempfile.TemporaryDirectory(prefix="lakeshare-trino-")
trino = Trino(pathlib.Path(folder.name))
ask = trino.ask


def tables():
    ask("CREATE SCHEMA sales")
    ask("CREATE TABLE sales.t (id bigint, at timestamp(6) with time zone, kind varchar, price decimal(10,2)) "
        "WITH (partitioning = ARRAY['day(at)', 'bucket(id, 4)'])")
    ask("INSERT INTO sales.t SELECT n, timestamp '2026-01-01 00:00:00 UTC' + n * interval '1' hour, 'k' || cast(n % 5 AS varchar), "
        "cast(n AS decimal(10,2)) / 4 FROM UNNEST(sequence(0, 99)) AS x(n)")
    checks.equal("rows that were inserted", ask("SELECT count(*), sum(id), sum(price) FROM sales.t"), [(100, 4950, "1237.50")])
    checks.equal("those of one day", ask("SELECT count(*), min(id) FROM sales.t WHERE at >= timestamp '2026-01-04 00:00:00 UTC'"), [(28, 72)])
    ask("CREATE TABLE sales.made AS SELECT id, kind FROM sales.t WHERE id > 50")
    checks.equal("CTAS", ask("SELECT count(*), sum(id) FROM sales.made"), [(49, sum(range(51, 100)))])
    ask("ALTER TABLE sales.made RENAME TO sales.named")
    checks.equal("RENAME", sorted(ask("SHOW TABLES FROM sales")), [("named",), ("t",)])


def changes():
    ask("UPDATE sales.t SET kind = 'u' WHERE id % 10 = 0")
    ask("DELETE FROM sales.t WHERE id < 5")
    ask("MERGE INTO sales.t t USING (VALUES (99, 'm'), (100, 'n')) s(id, kind) ON t.id = s.id WHEN MATCHED THEN UPDATE SET kind = s.kind "
        "WHEN NOT MATCHED THEN INSERT (id, kind) VALUES (s.id, s.kind)")
    checks.equal("UPDATE, DELETE, MERGE", ask("SELECT count(*), count_if(kind = 'u'), count_if(kind IN ('m', 'n')) FROM sales.t"), [(96, 9, 2)])
    full = ask("SELECT snapshot_id FROM sales.\"t$snapshots\" WHERE operation = 'append' AND element_at(summary, 'total-records') = '100'")[0][0]
    ask("ALTER TABLE sales.t ADD COLUMN note varchar")
    ask("ALTER TABLE sales.t RENAME COLUMN price TO cost")
    ask("ALTER TABLE sales.t EXECUTE optimize")
    checks.equal("after a new column and compaction", ask("SELECT count(*), count(note), sum(id) FROM sales.t"), [(96, 0, 4950 - 10 + 100)])
    checks.equal("time travel", ask(f"SELECT count(*) FROM sales.t FOR VERSION AS OF {full}"), [(100,)])


def others():
    from pyiceberg.catalog import load_catalog
    catalog = load_catalog("lake")
    read = catalog.load_table("sales.t").scan().to_arrow()
    checks.equal("pyiceberg reads what Trino wrote", (read.num_rows, sum(read["id"].to_pylist())), (96, 5040))
    catalog.create_namespace("by_pyiceberg")
    catalog.create_table("by_pyiceberg.t", schema=read.schema).append(read)
    checks.equal("Trino reads what pyiceberg wrote", ask("SELECT count(*), sum(id) FROM by_pyiceberg.t"), [(96, 5040)])
    ask("CREATE TABLE by_pyiceberg.u AS SELECT 1 AS a")
    checks.equal("and makes tables in a namespace of others", ask("SELECT a FROM by_pyiceberg.u"), [(1,)])


def views():
    ask("CREATE VIEW sales.v AS SELECT kind, count(*) AS n FROM sales.t GROUP BY kind")
    checks.equal("a view", ask("SELECT sum(n) FROM sales.v"), [(96,)])
    ask("DROP VIEW sales.v")


def nested():
    ask('CREATE SCHEMA "sales.deep"')
    ask('CREATE TABLE "sales.deep".x AS SELECT 1 AS a')
    checks.equal("a nested namespace", ask('SELECT a FROM "sales.deep".x'), [(1,)])
    ask('DROP TABLE "sales.deep".x')
    ask('DROP SCHEMA "sales.deep"')


def emptied():
    for table in ("sales.t", "sales.named", "by_pyiceberg.t", "by_pyiceberg.u"):
        ask(f"DROP TABLE {table}")
    for schema in ("sales", "by_pyiceberg"):
        ask(f"DROP SCHEMA {schema}")
    checks.equal("all is gone", [name for name, in ask("SHOW SCHEMAS FROM lake") if name not in ("information_schema", "system")], [])


os.environ["PYICEBERG_HOME"] = str(pathlib.Path(arguments.pyiceberg).parent)
try:
    checks.steps(tables, changes, others, views, nested, emptied)
finally:
    trino.process.terminate()
    trino.process.wait(timeout=60)
checks.finish("Trino")
