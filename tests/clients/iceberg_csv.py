"""The CSV example of the README, as a person follows it: settings pasted, files loaded, rows counted and read.

    iceberg_csv.py --lakeshare BIN --config-dir DIR [--spark-python PYTHON --jars FOLDER]
"""
import argparse
import csv
import os
import pathlib
import subprocess
import sys
import tempfile

import pyarrow.compute as compute
from pyiceberg.catalog import load_catalog
from pyiceberg.utils.config import Config

from checks import Checks

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples"
parser = argparse.ArgumentParser()
parser.add_argument("--lakeshare", required=True)
parser.add_argument("--config-dir", required=True)
parser.add_argument("--spark-python", help="Python with pyspark: loads the same files with Spark, too")
parser.add_argument("--jars", help="folder with the jars of Iceberg for Spark")
arguments = parser.parse_args()
checks = Checks()
folder = pathlib.Path(tempfile.mkdtemp(prefix="lakeshare-csv-"))
os.environ["PYICEBERG_HOME"] = str(folder)


def lakeshare(*words):
    command = [arguments.lakeshare, "--config-dir", arguments.config_dir, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def example(*words):
    return subprocess.run([sys.executable, str(EXAMPLES / "csv2iceberg.py"), *map(str, words)], capture_output=True, text=True)


def facts(name):
    with open(folder / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def read(catalog, identifier):
    # The file is read anew: the module reads it once, when it is imported.
    return load_catalog(catalog, **Config().get_catalog_config(catalog)).load_table(identifier).scan().to_arrow()


def settings():
    subprocess.run([sys.executable, str(HERE / "sample_files.py"), str(folder)], check=True)
    lakeshare("warehouse", "create", "t/my-lake")
    with open(folder / ".pyiceberg.yaml", "w") as file:
        file.write(lakeshare("table", "config", "t/my-lake", "--pyiceberg"))


def load_and_read():
    done = example("my_lake", "sales.eu", folder / "orders.csv", folder / "customer.csv")
    checks.true("the example loads two files", done.returncode == 0, done)
    checks.true("and tells the rows of each", "sales.eu.orders: 15,000 rows" in done.stderr
                and "sales.eu.customer: 1,500 rows" in done.stderr, done.stderr)
    table, rows = read("my_lake", "sales.eu.orders"), facts("orders")
    checks.equal("all orders are there", table.num_rows, len(rows))
    checks.equal("with their keys", compute.sum(table["o_orderkey"]).as_py(), sum(int(row["o_orderkey"]) for row in rows))
    checks.equal("and their comments", sorted(table["o_comment"].to_pylist()), sorted(row["o_comment"] for row in rows))
    checks.equal("numbers have become numbers", str(table.schema.field("o_totalprice").type), "double")


def again():
    done = example("my_lake", "sales.eu", folder / "customer.csv")
    checks.true("a table that exists is refused with what to do", done.returncode == 1 and "--append" in done.stderr, done)
    done = example("my_lake", "sales.eu", folder / "customer.csv", "--append")
    checks.true("--append adds the rows", done.returncode == 0, done)
    checks.equal("twice the rows", read("my_lake", "sales.eu.customer").num_rows, 3_000)
    shown = lakeshare("table", "show", "t/my-lake/sales.eu/customer", "--snapshots")
    checks.equal("in two snapshots", [line.split()[3:5] for line in shown.splitlines()[1:]], [["1500", "1500"], ["1500", "3000"]])


def broken_file():
    (folder / "broken.csv").write_text("id,name\n1,a\n2\n")
    done = example("my_lake", "sales", folder / "broken.csv")
    checks.true("a broken file is refused with its place", done.returncode == 1 and "broken.csv" in done.stderr, done)
    checks.true("and leaves no table", "broken" not in lakeshare("table", "tree", "t/my-lake"))


def signed():
    with open(folder / ".pyiceberg.yaml", "w") as file:
        file.write(lakeshare("table", "config", "t/my-lake", "--pyiceberg", "--sigv4", "--name", "signed"))
    checks.equal("the signed settings read the same rows", read("signed", "sales.eu.orders").num_rows, 15_000)


def duckdb():
    import duckdb
    import importlib.util
    database = duckdb.connect(config={"allow_unsigned_extensions": "true", "autoinstall_known_extensions": "false"})
    for name in ("httpfs", "avro", "iceberg"):
        spec = importlib.util.find_spec(f"duckdb_extension_{name}")
        found = next(pathlib.Path(spec.submodule_search_locations[0]).rglob(f"{name}.duckdb_extension"))
        database.execute(f"LOAD '{found}'")
    # The first line installs from the network; the extensions are there already.
    database.execute(lakeshare("table", "config", "t/my-lake", "--duckdb").split("\n", 1)[1])
    rows = database.execute('SELECT count(*), sum(o_orderkey) FROM my_lake."sales.eu".orders').fetchall()
    checks.equal("DuckDB reads what pyiceberg wrote", rows, [(15_000, sum(range(1, 15_001)))])


def spark():
    for name, flags in (("lake", ["--name", "lake"]), ("signed", ["--name", "signed", "--sigv4"])):
        conf = folder / f"{name}.conf"
        jars = ",".join(str(jar) for jar in sorted(pathlib.Path(arguments.jars).glob("iceberg-*.jar")))
        conf.write_text(lakeshare("table", "config", "t/my-lake", "--spark", *flags) + f"spark.jars {jars}\n")
        submit = [str(pathlib.Path(arguments.spark_python).parent / "spark-submit"), "--master", "local[2]",
                  "--properties-file", str(conf)]
        environment = {**os.environ, "PYSPARK_PYTHON": arguments.spark_python, "SPARK_LOCAL_IP": "127.0.0.1"}
        done = subprocess.run([*submit, str(EXAMPLES / "csv2iceberg_spark.py"), name, f"spark.{name}", str(folder / "orders.csv")],
                              capture_output=True, text=True, env=environment)
        checks.true(f"the Spark twin loads a file ({name})", done.returncode == 0 and "15,000 rows" in done.stdout, done)
        checks.equal("pyiceberg reads what Spark wrote", read("signed", f"spark.{name}.orders").num_rows, 15_000)


steps = [settings, load_and_read, again, broken_file, signed, duckdb]
checks.steps(*steps, *([spark] if arguments.spark_python else []))
checks.finish("iceberg_csv")
