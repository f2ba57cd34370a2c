"""The quickstart, as a person follows it: started twice, its printed reads pasted, its example run.

    quickstart.py LAKESHARE
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

from checks import Checks

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ORDERS_COLUMNS = ["o_orderkey", "o_custkey", "o_orderstatus", "o_totalprice", "o_orderdate", "o_orderpriority", "o_clerk",
                  "o_shippriority", "o_comment"]
checks = Checks()
check = checks.true


def start(lakeshare, folder):
    process = subprocess.Popen([lakeshare, "--json", "quickstart", "data", "--address", "127.0.0.1:0"], cwd=folder,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = []
    for line in process.stdout:
        lines.append(line)
        shown = json.loads(line)
        if "reads" in shown:
            return process, shown
    sys.exit("the quickstart ended early:\n" + "".join(lines) + process.stderr.read())


def paste(command, folder):
    # What is printed calls `python3`; here that is the environment in which the client is installed.
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path})


def reads(shown, folder):
    done = paste(["bash", "-c", shown["reads"]["python"]], folder)
    check("the printed Python read prints rows of orders", done.returncode == 0 and "o_orderkey" in done.stdout, done)
    done = paste(["bash", "-c", shown["reads"]["curl"]], folder)
    lines = done.stdout.splitlines()
    check("the printed curl read answers", done.returncode == 0 and lines, done)
    check("the curl read lists files with URLs", any('"url":"http' in line for line in lines), done.stdout)
    check("the Spark read names the connector and the table", "deltaSharing" in shown["reads"]["spark"]
          and "test.tpch.orders" in shown["reads"]["spark"], shown["reads"]["spark"])
    script = [sys.executable, str(ROOT / "examples" / "read_pandas.py"), shown["profile"], "test.tpch.orders"]
    done = paste(script, folder)
    head = next((line for line in done.stdout.splitlines() if "o_orderkey" in line), "")
    check("the README's read prints the columns of orders", head.split() == ORDERS_COLUMNS, done)
    rows = [line for line in done.stdout.splitlines() if re.match(r"\s*\d+\s", line)]
    check("and its first ten rows", len(rows) == 10, done.stdout)


def main():
    lakeshare = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        for time in ("first", "second"):
            process, shown = start(lakeshare, folder)
            profile = pathlib.Path(shown["profile"])
            check(f"{time} start: the profile is for its owner only", profile.stat().st_mode & 0o777 == 0o600, oct(profile.stat().st_mode))
            check(f"{time} start: it shares two tables", sorted(shown["tables"]) == ["tpch.customer", "tpch.orders"], shown)
            reads(shown, folder)
            done = paste(["bash", "-c", shown["reads"]["pyiceberg"]], folder)
            check(f"{time} start: the printed pyiceberg read prints customers", done.returncode == 0 and "c_custkey" in done.stdout, done)
            process.send_signal(signal.SIGINT)
            check(f"{time} start: Ctrl-C ends it with 0", process.wait(timeout=60) == 0, process.stderr.read())
    checks.finish("quickstart")


main()
