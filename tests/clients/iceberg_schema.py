"""Schemas of Iceberg tables in Delta's words, as `expected_rows` compares rows by."""

PRIMITIVES = {"int": "integer", "timestamptz": "timestamp", "timestamp": "timestamp_ntz"}


def delta_type(kind):
    """The Delta type of an Iceberg type."""
    if isinstance(kind, str):
        return PRIMITIVES.get(kind, kind.replace(" ", ""))
    if kind["type"] == "struct":
        return {"type": "struct", "fields": fields_of(kind)}
    if kind["type"] == "list":
        return {"type": "array", "elementType": delta_type(kind["element"])}
    return {"type": "map", "keyType": delta_type(kind["key"]), "valueType": delta_type(kind["value"])}


def fields_of(schema):
    return [{"name": field["name"], "type": delta_type(field["type"])} for field in schema["fields"]]
