"""The quickstart, as a person follows it: started twice, its printed reads pasted, its example run.

    quickstart.py LAKESHARE
"""
import pathlib
import re
import sys
import tempfile

from checks import Checks
from demo import ROOT, Demo, paste

ORDERS_COLUMNS = ["o_orderkey", "o_custkey", "o_orderstatus", "o_totalprice", "o_orderdate", "o_orderpriority", "o_clerk",
                  "o_shippriority", "o_comment"]
checks = Checks()
check = checks.true


def reads(shown, folder):
    done = paste(["bash", "-c", shown["reads"]["python"]], folder)
    check("the printed Python read prints rows of orders", done.returncode == 0 and "o_orderkey" in done.stdout, done)
    done = paste(["bash", "-c", shown["reads"]["join"]], folder)
    check("the printed join of both tables prints market segments", done.returncode == 0 and "c_mktsegment" in done.stdout
          and "530903495.60" in done.stdout, done)
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
            demo = Demo(lakeshare, folder, "data")
            shown = demo.shown
            profile = pathlib.Path(shown["profile"])
            check(f"{time} start: the profile is for its owner only", profile.stat().st_mode & 0o777 == 0o600, oct(profile.stat().st_mode))
            check(f"{time} start: it shares two tables", sorted(shown["tables"]) == ["tpch.customer", "tpch.orders"], shown)
            reads(shown, folder)
            done = paste(["bash", "-c", shown["reads"]["pyiceberg"]], folder)
            check(f"{time} start: the printed pyiceberg read prints customers", done.returncode == 0 and "c_custkey" in done.stdout, done)
            code, complaints = demo.stop()
            check(f"{time} start: Ctrl-C ends it with 0", code == 0, complaints)
    checks.finish("quickstart")


main()
