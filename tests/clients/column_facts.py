"""Counts and sums of a frame's columns against those of an expected file."""
import decimal
import math

import pandas

decimal.getcontext().prec = 60


def number(value):
    if isinstance(value, decimal.Decimal):
        return value
    return decimal.Decimal(repr(value.item() if hasattr(value, "item") else value))


def column_facts(series, kind):
    """non-null count, and the sum as the corpus defines it, of one pandas column."""
    values = [value for value in series.tolist() if value is not None and value is not pandas.NaT
              and not (isinstance(value, float) and math.isnan(value) and not kind.startswith(("float", "double")))]
    total = None
    if kind == "string":
        total = sum(len(value.encode()) for value in values)
    elif kind == "binary":
        total = sum(len(value) for value in values)
    elif kind == "boolean":
        total = sum(bool(value) for value in values)
    elif kind.startswith(("tinyint", "smallint", "int", "bigint", "decimal")):
        total = sum((number(value) for value in values), decimal.Decimal(0))
    elif kind in ("float", "double"):
        values = [value for value in values if not math.isnan(value)]
        total = math.fsum(values) if all(math.isfinite(value) for value in values) else None
    return len(values), total


def near(got, want):
    want = float(want)
    return got is None or math.isclose(float(got), want, rel_tol=1e-6, abs_tol=1e-6)


def compare_columns(checks, name, frame, columns):
    wrong = []
    for column, want in columns.items():
        kind = want["type"].lower()
        if column not in frame.columns:
            wrong.append(f"{column} is missing")
            continue
        non_null, total = column_facts(frame[column], kind)
        floating = kind in ("float", "double")
        if not floating and non_null != want["non_null"]:
            wrong.append(f"{column}: {non_null} values, not {want['non_null']}")
        if total is not None and want.get("sum") not in (None, "NaN"):
            exact = not floating and frame[column].dtype.kind != "f"
            same = number(total) == decimal.Decimal(want["sum"]) if exact else near(total, want["sum"])
            if not same:
                wrong.append(f"{column}: sum {total}, not {want['sum']}")
        if kind == "date" and want.get("min") and non_null:
            days = [str(value)[:10] for value in frame[column].dropna()]
            if [min(days), max(days)] != [want["min"], want["max"]]:
                wrong.append(f"{column}: {min(days)} to {max(days)}, not {want['min']} to {want['max']}")
    checks.equal(f"{name} columns", wrong, [])
