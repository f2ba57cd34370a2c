"""pyiceberg as a writer of Iceberg tables: the engine, and its cases, which yield where the table is to be looked at."""
import datetime
import decimal

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog import load_catalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform, HourTransform, IdentityTransform, MonthTransform, TruncateTransform, YearTransform
from pyiceberg.types import (BinaryType, BooleanType, DateType, DecimalType, DoubleType, FixedType, FloatType, IntegerType, ListType, LongType, MapType, NestedField, StringType,
                             StructType, TimestampType, TimestamptzType, TimeType, UUIDType)

import exact_rows
from iceberg_steps import ForAll, Reference, Refused

EPOCH = datetime.datetime(1970, 1, 1)
UTC = datetime.timezone.utc
# How many values are null.
NULLS = 0.15
TEXTS = ["", " ", "null", "a", "ä", "日本語", "🦀" * 9, "a/b=c", "per%cent", "'q' \"q\"", "x" * 40, "line\nbreak"]


def optional(number, name, of):
    return NestedField(number, name, of, required=False)


# Ids are given anew when a table is made.
POINT = StructType(optional(21, "x", IntegerType()), optional(22, "y", StringType()))
EVERY = Schema(
    optional(1, "id", LongType()), optional(2, "flag", BooleanType()), optional(3, "n", IntegerType()), optional(4, "f", FloatType()), optional(5, "d", DoubleType()),
    optional(6, "price", DecimalType(12, 3)), optional(7, "day", DateType()), optional(8, "at", TimestamptzType()), optional(9, "local", TimestampType()),
    optional(10, "txt", StringType()), optional(11, "bytes", BinaryType()), optional(12, "items", ListType(23, IntegerType(), element_required=False)),
    optional(13, "attrs", MapType(24, StringType(), 25, LongType(), value_required=False)), optional(14, "point", POINT))
PLAIN = Schema(*[EVERY.find_field(name) for name in ("id", "n", "d", "txt", "at", "day", "price")])


class Pyiceberg:
    def __init__(self, arguments):
        s3 = {"s3.endpoint": arguments.url, "s3.access-key-id": arguments.key, "s3.secret-access-key": arguments.key, "s3.region": "us-east-1"}
        self.catalog = load_catalog("lake", type="rest", uri=f"{arguments.url}/_iceberg", warehouse=arguments.warehouse, token=arguments.token, **s3)
        self.catalog.create_namespace_if_not_exists("made")
        self.warehouse = arguments.warehouse

    def cases(self, rng, is_whole):
        return of_pyiceberg(rng, is_whole)

    def table(self, name, rng):
        return Table(self.catalog, name, rng)

    def rows(self, table, snapshot=None, reference=None):
        now = table.now()
        scan = now.scan(snapshot_id=snapshot) if snapshot else now.scan().use_ref(reference) if reference else now.scan()
        fields = exact_rows.fields_of(scan.projection().model_dump(by_alias=True, mode="json"))
        found = scan.to_arrow().select([field["name"] for field in fields])
        return fields, exact_rows.counted(zip(*[column.to_pylist() for column in found.columns]), fields)

    def metadata(self, table):
        return table.now().metadata_location

    def source(self, table):
        if table.is_bare:
            return f"iceberg:{self.warehouse}:{table.now().location().removeprefix(f's3://{self.warehouse}/')}"
        return f"uniform:{self.warehouse}:made:{table.short}"

    def stop(self):
        pass


class Table:
    """A table of the catalog, which is shared as one of the catalog or as what lies in its bucket."""

    def __init__(self, catalog, name, rng):
        self.catalog, self.short, self.rng = catalog, name, rng
        self.is_bare, self.next_id = rng.random() < 0.3, 0

    def make(self, schema, *fields, version="2", **properties):
        spec = PartitionSpec(*[PartitionField(schema.find_field(name).field_id, 1000 + at, transform, f"p{at}") for at, (name, transform) in enumerate(fields)])
        named = {"format-version": version, **{key.replace("__", "-").replace("_", "."): value for key, value in properties.items()}}
        return self.catalog.create_table(f"made.{self.short}", schema, partition_spec=spec, properties=named)

    def now(self):
        return self.catalog.load_table(f"made.{self.short}")

    def append(self, count=None, nulls=NULLS):
        count = self.rng.randint(3, 9) if count is None else count
        self.now().append(self.made(count, nulls))

    def made(self, count, nulls=NULLS):
        """Rows for the table as it is now."""
        schema = self.now().schema().as_arrow()
        rows = [{field.name: value(self.rng, field.type, nulls) for field in schema} for _ in range(count)]
        for number, row in enumerate(rows, self.next_id):
            row["id"] = number
        self.next_id += count
        return pa.Table.from_pylist(rows, schema=schema)


def value(rng, of, nulls):
    if rng.random() < nulls:
        return None
    choose, t = rng.choice, pa.types
    if t.is_list(of) or t.is_large_list(of):
        return [value(rng, of.value_type, nulls) for _ in range(rng.randint(0, 3))]
    if t.is_map(of):
        return [(f"k{number}", value(rng, of.item_type, nulls)) for number in range(rng.randint(0, 3))]
    if t.is_struct(of):
        return {field.name: value(rng, field.type, nulls) for field in of}
    if t.is_boolean(of):
        return choose([True, False])
    if t.is_integer(of):
        return choose([0, -1, 2 ** (of.bit_width - 1) - 1, rng.randint(-50, 50)])
    if t.is_floating(of):
        return choose([0.0, -0.0, float("nan"), float("inf"), 0.25, rng.randint(-99, 99) / 4])
    if t.is_decimal(of):
        return decimal.Decimal(rng.choice([0, -1, 10**of.precision - 1, rng.randint(-9999, 9999)])).scaleb(-of.scale)
    if t.is_date(of):
        return datetime.date.fromordinal(choose([1, 719_162, 719_163, rng.randint(733_000, 740_000)]))
    if t.is_timestamp(of):
        moment = EPOCH + datetime.timedelta(microseconds=choose([0, -1, rng.randint(-(10**16), 4 * 10**15), rng.randint(16 * 10**14, 17 * 10**14)]))
        return moment.replace(tzinfo=UTC) if of.tz else moment
    if t.is_time(of):
        return datetime.time(rng.randint(0, 23), 1, 2, 345)
    if t.is_string(of) or t.is_large_string(of):
        return choose([choose(TEXTS), f"w{rng.randint(0, 99)}"])
    if str(of) == "extension<arrow.uuid>":
        return bytes(rng.randint(0, 255) for _ in range(16))
    width = of.byte_width if t.is_fixed_size_binary(of) else choose([0, 1, 20])
    return bytes(rng.randint(0, 255) for _ in range(width))


def every_type(version):
    def case(table):
        table.make(EVERY, version=version, write_metadata_metrics_default=table.rng.choice(["full", "counts", "none", "truncate(3)"]))
        yield "nothing"
        table.append(12)
        yield "rows"
        table.append()
    return case


PARTITIONS = [("n", IdentityTransform()), ("txt", IdentityTransform()), ("price", IdentityTransform()), ("day", IdentityTransform()), ("id", BucketTransform(3)), ("txt", BucketTransform(2)),
              ("price", BucketTransform(2)), ("txt", TruncateTransform(2)), ("n", TruncateTransform(10)), ("price", TruncateTransform(50)), ("day", YearTransform()),
              ("day", MonthTransform()), ("day", DayTransform()), ("at", YearTransform()), ("at", MonthTransform()), ("at", DayTransform()), ("at", HourTransform())]


def partitioned(field):
    def case(table):
        table.make(PLAIN, field, version=table.rng.choice(["1", "2"]), write_metadata_metrics_default=table.rng.choice(["full", "counts", "none"]))
        table.append(8)
        yield "rows"
        table.append(4)
    return case


def changed(codec):
    def case(table):
        table.make(PLAIN, *([("id", BucketTransform(2))] if table.rng.random() < 0.5 else []), write_avro_compression__codec=codec,
                   commit_manifest__merge_enabled="true", commit_manifest_min__count__to__merge="2")
        table.append(12)
        table.append(5)
        table.now().delete(f"id < {table.rng.randint(1, 5)}")
        yield "deleted"
        table.now().overwrite(table.made(3), overwrite_filter=f"n > {table.rng.randint(-10, 10)}")
        yield "overwritten"
        rows = table.made(5)
        known = pa.array([0, 8, 9, 100, 101], pa.int64())
        table.now().upsert(rows.set_column(0, "id", known), join_cols=["id"])
        yield "upserted"
        table.now().delete("id is not null")
    return case


def packed_otherwise(table):
    table.make(PLAIN, write_avro_compression__codec="bzip2")
    table.append(3)
    yield Refused("compressed with bzip2")
    # What is written later lists its manifests, and those of before.
    table.now().transaction().set_properties({"write.avro.compression-codec": "zstd"}).commit_transaction()
    table.now().overwrite(table.made(3))


def evolved(version):
    def case(table):
        table.make(EVERY, version=version)
        table.append(5)
        yield "before"
        with table.now().update_schema() as update:
            update.add_column("more", StringType())
            update.add_column(("point", "z"), DoubleType())
            update.rename_column("txt", "text")
            update.delete_column("flag")
        yield "added, renamed, dropped"
        table.append(4)
        with table.now().update_schema() as update:
            update.add_column("flag", StringType())
            update.add_column("txt", IntegerType())
            update.move_first("day")
            update.move_after("id", "price")
        yield "names that came back, moved"
        table.append(4)
        with table.now().update_spec() as update:
            update.add_field("id", BucketTransform(3), "bucket")
            update.add_field("day", YearTransform(), "year")
        table.append(6)
        with table.now().update_spec() as update:
            update.remove_field("year")
        table.append(3)
    return case


def widened(table):
    table.make(EVERY)
    table.append(4)
    with table.now().update_schema() as update:
        update.update_column("n", LongType())
        update.update_column("f", DoubleType())
        update.update_column("price", DecimalType(20, 3))
        update.update_column(("point", "x"), LongType())
    yield "widened"
    table.append(4)
    yield "files of both types"
    table.now().overwrite(table.now().scan().to_arrow())
    yield ForAll("rewritten")


def references(table):
    table.make(PLAIN)
    table.append(5)
    begun = table.now().current_snapshot().snapshot_id
    table.now().manage_snapshots().create_tag(begun, "begun").create_branch(begun, "side").commit()
    table.append(3)
    yield Reference("begun")
    rows = table.made(4)
    table.now().append(rows, branch="side")
    yield Reference("side")
    with table.now().manage_snapshots() as manage:
        manage.rollback_to_snapshot(begun)
    yield "rolled back"
    table.append(2)


def required(table):
    point = StructType(NestedField(21, "x", IntegerType(), required=True), optional(22, "y", StringType()))
    schema = Schema(NestedField(1, "id", LongType(), required=True, doc="the key"), NestedField(2, "point", point, required=True),
                    optional(3, "items", ListType(23, IntegerType(), element_required=True)), optional(4, "txt", StringType()), identifier_field_ids=[1])
    table.make(schema)
    table.append(5, nulls=0)
    yield "rows"
    with table.now().update_schema() as update:
        update.make_column_optional("point")
        update.make_column_optional(("point", "x"))
        update.update_column("txt", doc="a text")
    yield "not required any more"
    table.append(5, nulls=0)


def partitioned_late(table):
    """By a column that older files lack, for it was added after them."""
    table.make(Schema(optional(1, "id", LongType()), optional(2, "txt", StringType())))
    table.append(4)
    with table.now().update_schema() as update:
        update.add_column("region", StringType())
    with table.now().update_spec() as update:
        update.add_identity("region")
    yield "partitioned"
    table.append(5)
    yield "rows under both specs"
    with table.now().update_spec() as update:
        update.remove_field("region")
    table.append(2)
    with table.now().update_schema() as update:
        update.delete_column("txt")


def imported(table):
    """Files without field ids, which were there before the table."""
    made = table.make(PLAIN)
    for number in range(2):
        rows = table.made(4)
        rows = rows.replace_schema_metadata(None).cast(pa.schema([field.remove_metadata() for field in rows.schema]))
        path = f"{made.location()}/import/{number}.parquet"
        with made.io.new_output(path).create() as out:
            pq.write_table(rows, out)
        table.now().add_files([path])
    yield "imported"
    with table.now().update_schema() as update:
        update.rename_column("txt", "text")
    yield "renamed"
    table.append(3)
    yield Refused("schema.name-mapping.default")
    table.now().overwrite(table.made(4))


def unserved(name, of):
    def case(table):
        table.make(Schema(optional(1, "id", LongType()), optional(2, "c", of)))
        table.append(3)
        yield Refused(f"the column 'c' has the type {name}")
        with table.now().update_schema() as update:
            update.delete_column("c")
    return case


def of_pyiceberg(rng, is_whole):
    cases = {f"types_v{version}": every_type(version) for version in ("1", "2")}
    for field in PARTITIONS if is_whole else rng.sample(PARTITIONS, 3):
        cases[f"{str(field[1]).split('[')[0]}_{field[0]}"] = partitioned(field)
    codecs = ("gzip", "zstd", "deflate")
    cases |= {f"changed_{codec}": changed(codec) for codec in (codecs if is_whole else rng.sample(codecs, 1))}
    cases |= {f"evolved_v{version}": evolved(version) for version in ("1", "2")}
    cases |= {case.__name__: case for case in (widened, references, packed_otherwise, required, partitioned_late, imported)}
    return cases | {f"unserved_{name}": unserved(name, of) for name, of in [("time", TimeType()), ("uuid", UUIDType()), ("fixed[4]", FixedType(4))]}
