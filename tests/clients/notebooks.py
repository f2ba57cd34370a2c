"""The notebooks of `examples/`, cell by cell against the quickstart, and what they find against files read directly.

    notebooks.py LAKESHARE

A notebook is JSON: its code cells run in order in one namespace, in its own directory's place. No kernel is needed for that.
"""
import ast
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import warnings

import deltalake
import duckdb

from checks import Checks
from demo import ROOT, Demo

warnings.filterwarnings("ignore")
checks = Checks()
KINDS = {"code", "markdown"}


def is_plain(book):
    """Whether a notebook is of the format that is said and keeps no answer of an earlier run."""
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    ids = [cell["id"] for cell in book["cells"]]
    return (book["nbformat"], book["nbformat_minor"]) == (4, 5) and len(set(ids)) == len(ids) and code \
        and all(cell["cell_type"] in KINDS for cell in book["cells"]) \
        and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def run_cell(source, names):
    """Runs a cell; returns what a notebook would show below it: the value of its last line, if that is one."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


def run(path, folder):
    """Runs a notebook as Jupyter would, from a directory beside `demo.share`; returns its names."""
    book = json.loads(path.read_text())
    checks.true(f"{path.name} is a notebook without outputs", is_plain(book), path)
    names, shown = {"__name__": "__main__"}, []
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for cell in book["cells"]:
            if cell["cell_type"] == "code":
                shown.append(run_cell("".join(cell["source"]), names))
    checks.true(f"{path.name}: each cell but the first shows something", all(value is not None for value in shown[1:]), shown)
    return names


def rows(answer):
    """Rows of a frame or of DuckDB's, with numbers as they are compared: worth is money, to the cent."""
    values = answer.fetchall() if hasattr(answer, "fetchall") else answer.itertuples(index=False, name=None)
    return [tuple(round(float(value), 2) if hasattr(value, "as_tuple") or isinstance(value, float) else str(value) for value in row) for row in values]


class Facts:
    """Both tables as other readers find them on the disk; Iceberg's `customer` has a twin in Delta."""

    def __init__(self, data):
        folder = pathlib.Path(data) / "testdelta" / "tpch"
        orders, customer = (deltalake.DeltaTable(str(folder / name)).to_pyarrow_table() for name in ("orders", "customer"))
        self.base = duckdb.connect()
        self.base.register("orders", orders)
        self.base.register("customer", customer)

    def sql(self, text):
        return rows(self.base.sql(text))


def read_delta(names, facts):
    checks.equal("the profile opens both tables", sorted(names["tables"]), ["test.tpch.customer", "test.tpch.orders"])
    checks.equal("ten rows are ten rows", len(names["first_rows"]), 10)
    checks.equal("the version is that of the log", names["version"], 16)
    want = facts.sql("SELECT year(o_orderdate), count(*), sum(o_totalprice) FROM orders GROUP BY 1 ORDER BY 1")
    checks.equal("DuckDB's years", rows(names["by_year_sql"]), want)
    checks.equal("pandas' years", rows(names["by_year"].reset_index().astype({"sum": float})), want)
    checks.equal("late orders under a hint", names["late"], int(facts.sql("SELECT count(*) FROM orders WHERE o_orderdate >= DATE '1998-01-01'")[0][0]))
    checks.true("the hint left files out", names["late"] <= len(names["some_files"]) < len(names["orders"]), len(names["some_files"]))


def read_iceberg(names, facts):
    checks.equal("ten rows of customer are ten rows", len(names["first_rows"]), 10)
    checks.equal("the first snapshot is version 1", names["version"], 1)
    want = facts.sql("SELECT c_mktsegment, count(*), sum(c_acctbal) FROM customer GROUP BY 1 ORDER BY 1")
    checks.equal("pandas' segments", rows(names["by_segment"].reset_index().astype({"sum": float})), want)
    want = facts.sql("SELECT c_mktsegment, count(*), sum(c_acctbal) AS debt FROM customer WHERE c_acctbal < 0 GROUP BY 1 HAVING count(*) > 20 ORDER BY debt")
    checks.equal("DuckDB's segments in debt", rows(names["in_debt"]), want)
    columns = ", ".join(sorted(names["customer"].columns))
    found = names["duckdb"].sql(f"SELECT {columns} FROM customer ORDER BY c_custkey", connection=register(names["customer"]))
    checks.equal("each row of the Iceberg table is that of its Delta twin", rows(found), facts.sql(f"SELECT {columns} FROM customer ORDER BY c_custkey"))


def register(frame):
    base = duckdb.connect()
    base.register("customer", frame)
    return base


def join_delta_iceberg(names, facts):
    join = "FROM orders JOIN customer ON o_custkey = c_custkey"
    want = facts.sql(f"SELECT c_mktsegment, count(*), sum(o_totalprice) AS total {join} GROUP BY 1 HAVING count(*) >= 3000 ORDER BY total DESC")
    checks.equal("segments by DuckDB", rows(names["segments"]), want)
    checks.true("HAVING leaves some segments out, not all", 0 < len(want) < 5, want)
    shown = names["counted"][names["counted"]["count"] >= 3000].sort_values("sum", ascending=False)
    checks.equal("segments by pandas", rows(shown.reset_index().astype({"sum": float})), want)
    want = facts.sql(f"SELECT c_custkey, c_name, count(*), sum(o_totalprice) AS total {join} GROUP BY 1, 2 HAVING count(*) > 20 ORDER BY total DESC, c_custkey LIMIT 10")
    checks.equal("the best customers", rows(names["best"]), want)


def main():
    lakeshare = str(pathlib.Path(sys.argv[1]).resolve())
    judges = {judge.__name__: judge for judge in (read_delta, read_iceberg, join_delta_iceberg)}
    books = sorted((ROOT / "examples").glob("*.ipynb"))
    checks.equal("each notebook is judged", [path.stem for path in books], sorted(judges))
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(lakeshare, folder)
        beside = pathlib.Path(folder) / "examples"
        beside.mkdir()
        facts = Facts(pathlib.Path(folder) / "lakeshare-demo")
        checks.steps(*(lambda path=path: judges[path.stem](run(path, beside), facts) for path in books))
        code, complaints = demo.stop()
        checks.equal("the quickstart ends", (code, complaints), (0, ""))
    checks.finish("notebooks")


main()
