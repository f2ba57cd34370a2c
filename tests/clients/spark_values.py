"""Columns and rows for tables that Spark makes, by chance, with the values that readers stumble over."""
import datetime
import decimal

TEXTS = ["", " ", "NULL", "null", "NaN", "a", "A", "ä", "Straße", "Ω≈ç√", "日本語のテキスト", "🦀🎉", "\U0010ffff" * 17, "'quoted'", '"double"', "back\\slash", "per%cent%20",
         "a/b=c", "line\nbreak", "tab\there", "{\"json\": [1]}", "x" * 40, "true", "1970-01-01", "__HIVE_DEFAULT_PARTITION__", "\u007f", "z\u0301"]
PRIMITIVES = ["BOOLEAN", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(9,2)", "DECIMAL(18,0)", "DECIMAL(38,10)", "DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "STRING", "BINARY"]
NESTED = [("array", "INT"), ("array", "STRING"), ("map", "STRING", "BIGINT"), ("map", "INT", ("array", "DOUBLE")),
          ("struct", [("a", "INT"), ("b", "STRING"), ("c", ("struct", [("d", "DATE")]))]),
          ("array", ("struct", [("x", "DOUBLE"), ("y", ("array", "STRING"))])), ("map", "STRING", ("struct", [("v", "DECIMAL(9,2)")]))]


def sql_type(kind):
    if isinstance(kind, str):
        return kind
    if kind[0] == "struct":
        return "STRUCT<" + ", ".join(f"{name}: {sql_type(of)}" for name, of in kind[1]) + ">"
    return f"{kind[0].upper()}<{', '.join(sql_type(of) for of in kind[1:])}>"


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t") + "'"


def literal(rng, kind, nulls=0.15):
    """An expression of this type."""
    return f"CAST({_value(rng, kind, nulls)} AS {sql_type(kind)})"


def _value(rng, kind, nulls):
    if rng.random() < nulls:
        return "NULL"
    if isinstance(kind, str):
        return _primitive(rng, kind)
    inner = lambda of: literal(rng, of, nulls)
    if kind[0] == "array":
        return "array(" + ", ".join(inner(kind[1]) for _ in range(rng.randint(0, 3))) + ")"
    if kind[0] == "map":
        keys = list(dict.fromkeys(literal(rng, kind[1], 0) for _ in range(rng.randint(0, 3))))
        return "map(" + ", ".join(f"{key}, {inner(kind[2])}" for key in keys) + ")"
    return "named_struct(" + ", ".join(f"'{name}', {inner(of)}" for name, of in kind[1]) + ")"


def _primitive(rng, kind):
    choose = rng.choice
    if kind == "BOOLEAN":
        return choose(["true", "false"])
    if kind == "INT":
        return str(choose([0, -1, 1, 2**31 - 1, rng.randint(-50, 50), rng.randint(-(2**31), 2**31 - 1)]))
    if kind == "BIGINT":
        return str(choose([0, -1, 2**53, 2**63 - 1, -(2**63) + 1, rng.randint(-50, 50), rng.randint(-(2**40), 2**40)])) + "L"
    if kind in ("FLOAT", "DOUBLE"):
        return choose(["'NaN'", "'Infinity'", "'-Infinity'", "'-0.0'", "0", "0.1", str(rng.randint(-9, 9) / 4), repr(rng.uniform(-1e6, 1e6)), "1e30", "-1e-30"])
    if kind.startswith("DECIMAL"):
        precision, scale = map(int, kind[8:-1].split(","))
        digits = choose([0, 1, -1, 10**precision - 1, rng.randint(-(10 ** min(precision, 6)), 10 ** min(precision, 6)), rng.randint(-(10**precision) + 1, 10**precision - 1)])
        return format(decimal.Decimal(digits).scaleb(-scale, decimal.Context(prec=60)), "f") + "BD"
    if kind == "DATE":
        day = datetime.date.fromordinal(choose([1, 577_736, 719_162, 719_163, rng.randint(693_596, 766_645), rng.randint(733_000, 740_000)]))
        return f"DATE '{day.year:04}{day:-%m-%d}'"
    if kind.startswith("TIMESTAMP"):
        micros = choose([0, -1, 1, 999_999, rng.randint(-(10**16), 4 * 10**15), rng.randint(1_600_000_000, 1_700_000_000) * 10**6 + rng.randint(0, 999_999)])
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
        text = f"{moment.year:04}{moment:-%m-%d %H:%M:%S.%f}"
        return f"TIMESTAMP_NTZ '{text}'" if kind == "TIMESTAMP_NTZ" else f"TIMESTAMP '{text}Z'"
    if kind == "STRING":
        return quoted(choose([choose(TEXTS), f"w{rng.randint(0, 99)}"]))
    return "X'" + bytes(rng.randint(0, 255) for _ in range(choose([0, 1, 4, 20]))).hex() + "'"


class Columns(list):
    """Names and types, in the order of the table."""

    def declared(self):
        return ", ".join(f"`{name}` {sql_type(kind)}" for name, kind in self)

    def rows(self, rng, count, first_id=0):
        """A VALUES list; the first column counts on from `first_id`."""
        lines = []
        for number in range(first_id, first_id + count):
            cells = [f"CAST({number} AS {sql_type(self[0][1])})", *(literal(rng, kind) for _, kind in self[1:])]
            lines.append("(" + ", ".join(cells) + ")")
        return "VALUES " + ", ".join(lines)


def some_columns(rng, count, nested=1):
    """`id`, and columns of other types by chance."""
    kinds = rng.sample(PRIMITIVES, min(count, len(PRIMITIVES))) + rng.sample(NESTED, nested)
    return Columns([("id", "BIGINT"), *((f"c{number}", kind) for number, kind in enumerate(kinds))])


def every_column():
    return Columns([("id", "BIGINT"), *((f"c{number}", kind) for number, kind in enumerate(PRIMITIVES + NESTED))])
