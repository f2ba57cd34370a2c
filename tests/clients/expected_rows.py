"""Rows of a pandas frame against the rows of an expected file, whatever the order, cell by cell.

Cells are brought to one form by their type in the table's schema: frames turn whole numbers with nulls into floats, structs into
dictionaries and maps into pairs, while the expected file has all of it as JSON with moments cut to milliseconds.
"""
import base64
import collections
import decimal
import json
import math

import numpy
import pandas


def of_frame(frame, fields):
    rows = frame[[field["name"] for field in fields]].itertuples(index=False, name=None)
    return collections.Counter(json.dumps([canonical(cell, f["type"]) for cell, f in zip(row, fields)]) for row in rows)


def of_expected(expected, fields):
    rows = [json.loads(row, parse_float=decimal.Decimal) for row in expected["rows_json"]]
    return collections.Counter(json.dumps([canonical(row.get(f["name"]), f["type"]) for f in fields]) for row in rows)


def canonical(cell, kind):
    """What is equal exactly for equal values of type `kind`; NaN counts as null, as pandas has it."""
    if is_null(cell) or isinstance(cell, str) and cell == "NaN" and kind in ("float", "double"):
        return None
    if isinstance(kind, dict):
        return nested(cell, kind)
    if kind in ("byte", "short", "integer", "long"):
        return int(cell)
    if kind == "float":
        return repr(float(numpy.float32(cell)))
    if kind == "double":
        return repr(float(cell))
    if kind.startswith("decimal"):
        return format(decimal.Decimal(str(cell)).normalize(), "f")
    if kind == "boolean":
        return bool(cell)
    if kind == "binary":
        return cell if isinstance(cell, str) else base64.b64encode(bytes(cell)).decode()
    if kind == "date":
        return str(cell)[:10]
    if kind == "timestamp_ntz":
        return pandas.Timestamp(cell).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23]
    if kind == "timestamp":
        moment = pandas.Timestamp(cell)
        moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:23]
    return str(cell)


def is_null(cell):
    if cell is None or cell is pandas.NaT or cell is pandas.NA:
        return True
    return isinstance(cell, (float, numpy.floating)) and math.isnan(cell)


def nested(cell, kind):
    if kind["type"] == "struct":
        return [canonical(cell.get(field["name"]), field["type"]) for field in kind["fields"]]
    if kind["type"] == "array":
        return [canonical(element, kind["elementType"]) for element in cell]
    pairs = cell.items() if isinstance(cell, dict) else cell
    return sorted([json.dumps(map_key(key, kind["keyType"])), canonical(value, kind["valueType"])] for key, value in pairs)


def map_key(key, kind):
    """Keys of a JSON object are text whatever their type; nested ones have none that means anything."""
    if isinstance(kind, dict):
        return None
    return canonical(key == "true" if kind == "boolean" and isinstance(key, str) else key, kind)
