"""Rows as text that is equal exactly for equal rows, whichever engine or frame they come from.

Cells are brought to one form by their Delta type. Frames of pandas know no difference between NaN and null, and none between large
whole numbers beside nulls: `loosened` makes rows of engines comparable with those.
"""
import collections
import datetime
import decimal
import json
import math

FLOAT_EXACT_MAX = 2**53
PRIMITIVES = {"int": "integer", "timestamptz": "timestamp", "timestamp": "timestamp_ntz", "unknown": "void"}


def delta_type(kind):
    """The Delta type of an Iceberg type; those that Delta does not have keep their names."""
    if isinstance(kind, str):
        return PRIMITIVES.get(kind, kind.replace(" ", ""))
    if kind["type"] == "struct":
        return {"type": "struct", "fields": fields_of(kind)}
    if kind["type"] == "list":
        return {"type": "array", "elementType": delta_type(kind["element"]), "containsNull": not kind["element-required"]}
    return {"type": "map", "keyType": delta_type(kind["key"]), "valueType": delta_type(kind["value"]),
            "valueContainsNull": not kind["value-required"]}


def fields_of(schema):
    """The fields of an Iceberg schema as Delta's."""
    return [{"name": one["name"], "type": delta_type(one["type"]), "nullable": not one["required"]} for one in schema["fields"]]


def bare(kind):
    """A Delta type, or the fields of one, without what only says more of a column."""
    if isinstance(kind, list):
        return [bare(one) for one in kind]
    if isinstance(kind, dict):
        return {key: bare(value) for key, value in kind.items() if key != "metadata"}
    return kind


def counted(rows, fields):
    """How often each row comes; a row is a sequence of cells."""
    return collections.Counter(text_of(row, fields) for row in rows)


def of_frame(frame, fields):
    """The rows of a pandas frame."""
    names = [field["name"] for field in fields]
    return collections.Counter(loosened(text) for text in counted(frame[names].itertuples(index=False, name=None), fields).elements())


def text_of(row, fields):
    return json.dumps([canonical(cell, field["type"]) for cell, field in zip(row, fields)], ensure_ascii=False)


def loosened(text):
    """A row as a pandas frame has it."""
    return json.dumps(_loosened(json.loads(text)), ensure_ascii=False)


def _loosened(cell):
    if isinstance(cell, list):
        return [_loosened(one) for one in cell]
    if cell == "#nan":
        return None
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) > FLOAT_EXACT_MAX:
        return int(float(cell))
    return cell


def canonical(cell, kind):
    if is_null(cell, kind):
        return None
    if isinstance(kind, dict):
        return nested(cell, kind)
    if kind in ("byte", "short", "integer", "long"):
        return int(cell)
    if kind in ("float", "double"):
        return "#nan" if math.isnan(cell) else "#" + repr(float(cell))
    if kind.startswith("decimal"):
        return "#" + format(decimal.Decimal(str(cell)).normalize(decimal.Context(prec=60)), "f")
    if kind == "boolean":
        return bool(cell)
    if kind == "binary":
        return "#" + bytes(cell).hex()
    if kind == "date":
        return "#" + str(cell)[:10]
    if kind in ("timestamp", "timestamp_ntz"):
        return "#" + moment(cell).isoformat(timespec="microseconds")
    return "'" + str(cell)


def is_null(cell, kind):
    if cell is None or type(cell).__name__ in ("NaTType", "NAType"):
        return True
    return kind not in ("float", "double") and isinstance(cell, float) and math.isnan(cell)


def moment(cell):
    """A moment as a datetime in UTC without a zone."""
    if hasattr(cell, "to_pydatetime"):
        cell = cell.to_pydatetime(warn=False)
    elif not isinstance(cell, datetime.datetime):
        cell = cell.astype("datetime64[us]").item()
    return cell if cell.tzinfo is None else cell.astimezone(datetime.timezone.utc).replace(tzinfo=None)


def nested(cell, kind):
    if kind["type"] == "struct":
        values = cell.asDict() if hasattr(cell, "asDict") else cell
        return [canonical(values.get(field["name"]), field["type"]) for field in kind["fields"]]
    if kind["type"] == "array":
        return [canonical(element, kind["elementType"]) for element in cell]
    pairs = cell.items() if isinstance(cell, dict) else cell
    return sorted([[canonical(key, kind["keyType"]), canonical(value, kind["valueType"])] for key, value in pairs], key=json.dumps)
