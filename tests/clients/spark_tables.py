"""Iceberg tables as Spark writes them, one feature after the other: each case yields where the table is to be looked at."""
import spark_values
from iceberg_steps import Allowed, ForAll, Reference, Refused
from spark_values import Columns, literal, quoted, some_columns

PLAIN = Columns([("id", "BIGINT"), ("grp", "INT"), ("val", "DOUBLE"), ("txt", "STRING")])
MERGE_ON_READ = {f"write.{what}.mode": "merge-on-read" for what in ("delete", "update", "merge")}


def spelt_out(key):
    """A property whose name was written as Python can."""
    return key if "." in key else key.replace("__", "-").replace("_", ".")


class Table:
    """A table of one of Spark's catalogs, with the columns that its rows are made for."""

    def __init__(self, spark, catalog, name, rng):
        self.spark, self.catalog, self.short, self.rng = spark, catalog, name, rng
        self.name = f"{catalog}.made.{name}"
        self.columns, self.next_id = Columns(), 0

    def sql(self, text):
        return self.spark.sql(text.replace("{t}", self.name))

    def make(self, columns, version=2, partitions="", **properties):
        self.columns = Columns(columns)
        named = {"format-version": version, **{spelt_out(key): value for key, value in properties.items()}}
        spelt = ", ".join(f"'{key}'='{value}'" for key, value in named.items())
        parted = f"PARTITIONED BY ({partitions})" if partitions else ""
        self.sql(f"CREATE TABLE {{t}} ({self.columns.declared()}) USING iceberg {parted} TBLPROPERTIES ({spelt})")

    def set(self, **properties):
        spelt = ", ".join(f"'{key}'='{value}'" for key, value in properties.items())
        self.sql(f"ALTER TABLE {{t}} SET TBLPROPERTIES ({spelt})")

    def insert(self, count=None, where="{t}"):
        count = self.rng.randint(3, 9) if count is None else count
        self.sql(f"INSERT INTO {where} {self.columns.rows(self.rng, count, self.next_id)}")
        self.next_id += count

    def call(self, procedure, **named):
        spelt = ", ".join([f"table => 'made.{self.short}'", *(f"{name} => {value}" for name, value in named.items())])
        return self.sql(f"CALL {self.catalog}.system.{procedure}({spelt})")

    def compact(self, **options):
        named = {"rewrite-all": "true", **options}
        spelt = ", ".join(f"'{key}', '{value}'" for key, value in named.items())
        self.call("rewrite_data_files", options=f"map({spelt})")

    def metadata(self):
        return self.spark.read_metadata(self)

    def version(self):
        return int(self.sql("SHOW TBLPROPERTIES {t} ('format-version')")[0][1].strip("'"))

    def snapshots(self):
        return [int(row[0]) for row in self.sql("SELECT snapshot_id FROM {t}.snapshots ORDER BY committed_at")]

    def change_rows(self):
        """A delete, an update and a merge that each meet some rows."""
        every = self.rng.randint(2, 5)
        self.sql(f"DELETE FROM {{t}} WHERE id % {every + 2} = 1")
        name, kind = self.columns[self.rng.randint(1, len(self.columns) - 1)]
        self.sql(f"UPDATE {{t}} SET `{name}` = {literal(self.rng, kind)} WHERE id % {every} = 0")
        count = self.rng.randint(2, 6)
        source = self.columns.rows(self.rng, count, max(0, self.next_id - 2))
        names = ", ".join(f"`{name}`" for name, _ in self.columns)
        self.sql(f"MERGE INTO {{t}} t USING (SELECT * FROM {source} AS s({names})) s ON t.id = s.id "
                 "WHEN MATCHED AND t.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
        self.next_id += count


def all_types(version):
    def case(table):
        table.make(spark_values.every_column(), version, write_metadata_metrics_default="full" if version == 2 else "truncate(4)")
        yield "nothing"
        table.insert(12)
        yield "rows"
        table.insert(5)
    return case


def no_types_of_its_own(table):
    """Nulls alone, and no rows at all."""
    table.make(spark_values.every_column(), 2)
    cells = ", ".join(f"CAST(NULL AS {spark_values.sql_type(kind)})" for _, kind in table.columns)
    table.sql(f"INSERT INTO {{t}} VALUES ({cells}), ({cells})")
    yield "nulls"
    table.sql("DELETE FROM {t} WHERE true")
    yield "all rows deleted"
    table.insert()


TRANSFORMS = {
    "identity": [("BOOLEAN", "c"), ("INT", "c"), ("DECIMAL(9,2)", "c"), ("DATE", "c"), ("TIMESTAMP", "c"), ("STRING", "c"), ("FLOAT", "c")],
    "bucket": [(kind, "bucket(3, c)") for kind in ("INT", "BIGINT", "DECIMAL(38,10)", "DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "STRING", "BINARY")],
    "truncate": [("INT", "truncate(10, c)"), ("BIGINT", "truncate(7, c)"), ("DECIMAL(9,2)", "truncate(50, c)"), ("STRING", "truncate(2, c)"), ("BINARY", "truncate(2, c)")],
    "time": [(kind, f"{unit}(c)") for unit in ("years", "months", "days", "hours") for kind in ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ") if (unit, kind) != ("hours", "DATE")],
}


def transform(kind, spec):
    def case(table):
        table.make([("id", "BIGINT"), ("c", kind), ("txt", "STRING")], table.rng.choice([1, 2, 3]), spec, write_distribution__mode="none",
                   write_spark_fanout_enabled="true", write_metadata_metrics_default=table.rng.choice(["truncate(16)", "counts", "none"]))
        table.insert(8)
        yield "rows"
        table.insert(4)
    return case


def transforms(rng, count):
    """Some columns with each kind of transform; all of them without `count`."""
    for family, choices in TRANSFORMS.items():
        for kind, spec in choices if count is None else rng.sample(choices, min(count, len(choices))):
            word = spec.split("(")[0] if "(" in spec else "identity"
            yield f"{word}_{kind.split('(')[0].lower()}", transform(kind, spec)


def copy_on_write(table):
    table.make(PLAIN, 2, table.rng.choice(["", "grp", "bucket(2, id)"]))
    table.insert(15)
    table.change_rows()
    yield "changed"
    table.change_rows()


def merge_on_read(version, granularity):
    def case(table):
        # Iceberg does not rewrite position deletes of tables with lists.
        table.make(some_columns(table.rng, 5, nested=0), version, table.rng.choice(["", "bucket(2, id)", "truncate(5, id)"]),
                   **MERGE_ON_READ, write_delete_granularity=granularity)
        table.insert(20)
        table.insert(12)
        table.change_rows()
        yield "changed"
        table.change_rows()
        table.insert()
        yield "changed again"
        table.sql("DELETE FROM {t} WHERE id % 3 = 2")
        table.call("rewrite_position_delete_files", options="map('rewrite-all', 'true')")
        yield "deletes rewritten"
        table.compact(**{"delete-file-threshold": "1"})
    return case


def upgraded(table):
    """Version 1, then 2 with position deletes, then 3 with vectors over them."""
    table.make(some_columns(table.rng, 4), 1)
    table.insert(10)
    yield "version 1"
    table.set(**{"format-version": 2, **MERGE_ON_READ})
    yield "version 2"
    table.change_rows()
    table.insert(8)
    yield "position deletes"
    table.set(**{"format-version": 3})
    table.insert(8)
    yield "version 3"
    table.change_rows()
    table.sql("DELETE FROM {t} WHERE id % 4 = 3")


def schemas(version):
    def case(table):
        point = ("struct", [("x", "INT"), ("y", "STRING")])
        table.make([("id", "BIGINT"), ("name", "STRING"), ("point", point), ("tags", ("array", ("struct", [("k", "STRING")]))),
                    ("attrs", ("map", "STRING", ("struct", [("v", "INT")]))), ("gone", "DATE")], version)
        table.insert()
        yield "before"
        for change in ["ADD COLUMN note STRING AFTER id", "ADD COLUMN first INT FIRST"]:
            table.sql(f"ALTER TABLE {{t}} {change}")
        yield "added, no rows yet"
        table.columns = Columns([("first", "INT"), ("id", "BIGINT"), ("note", "STRING"), *table.columns[1:]])
        table.sql("INSERT INTO {t} SELECT c1, c0, c2, c3, c4, c5, c6, c7 FROM " + reordered(table))
        yield "added"
        for change in ["RENAME COLUMN name TO title", "RENAME COLUMN point.x TO px", "ADD COLUMN point.z DOUBLE", "ADD COLUMN tags.element.w INT",
                       "ADD COLUMN attrs.value.u STRING", "DROP COLUMN gone"]:
            table.sql(f"ALTER TABLE {{t}} {change}")
        yield "renamed and dropped"
        table.sql("ALTER TABLE {t} ADD COLUMN gone INT")
        table.sql("ALTER TABLE {t} DROP COLUMN point.y")
        table.sql("ALTER TABLE {t} ADD COLUMN point.y BIGINT AFTER px")
        table.sql("ALTER TABLE {t} ALTER COLUMN point FIRST")
        table.columns = Columns([("point", ("struct", [("px", "INT"), ("y", "BIGINT"), ("z", "DOUBLE")])), ("first", "INT"), ("id", "BIGINT"), ("note", "STRING"),
                                 ("title", "STRING"), ("tags", ("array", ("struct", [("k", "STRING"), ("w", "INT")]))),
                                 ("attrs", ("map", "STRING", ("struct", [("v", "INT"), ("u", "STRING")]))), ("gone", "INT")])
        table.sql("INSERT INTO {t} SELECT c1, c2, c0, c3, c4, c5, c6, c7 FROM " + reordered(table))
        yield "names that came back"
        table.compact()
    return case


def reordered(table, count=4):
    """Rows whose first column is the id, as a table c0, c1 …"""
    columns = Columns(sorted(table.columns, key=lambda column: column[0] != "id"))
    rows = columns.rows(table.rng, count, table.next_id)
    table.next_id += count
    return f"{rows} AS s({', '.join(f'c{number}' for number in range(len(columns)))})"


def promotions(table):
    """Types that widen: a reader has to know of it as long as there are files of the narrower one."""
    table.make([("id", "BIGINT"), ("n", "INT"), ("f", "FLOAT"), ("d", "DECIMAL(9,2)"), ("s", ("struct", [("n", "INT")])), ("l", ("array", "INT"))], table.rng.choice([1, 2, 3]))
    table.insert(6)
    yield "before"
    for change in ["n TYPE BIGINT", "f TYPE DOUBLE", "d TYPE DECIMAL(20,2)", "s.n TYPE BIGINT", "l.element TYPE BIGINT"]:
        table.sql(f"ALTER TABLE {{t}} ALTER COLUMN {change}")
    yield "widened"
    table.columns = Columns([("id", "BIGINT"), ("n", "BIGINT"), ("f", "DOUBLE"), ("d", "DECIMAL(20,2)"), ("s", ("struct", [("n", "BIGINT")])), ("l", ("array", "BIGINT"))])
    table.insert(6)
    yield "files of both types"
    table.compact()
    yield ForAll("rewritten")


def partition_specs(table):
    """Specs that change, with deletes of either kind under each, and fields that are void in version 1."""
    columns = [("id", "BIGINT"), ("grp", "INT"), ("txt", "STRING"), ("day", "DATE"), ("ts", "TIMESTAMP")]
    table.make(columns, table.rng.choice([1, 2]), "grp", write_spark_fanout_enabled="true", write_distribution__mode="none")
    table.insert(10)
    for change in ["ADD PARTITION FIELD bucket(3, id)", "DROP PARTITION FIELD grp", "ADD PARTITION FIELD months(ts) AS mon", "REPLACE PARTITION FIELD mon WITH years(ts) AS yr"]:
        table.sql(f"ALTER TABLE {{t}} {change}")
        table.insert(6)
        yield change.lower()
    table.set(**{"format-version": 2, **MERGE_ON_READ})
    table.change_rows()
    yield "deletes"
    table.sql("ALTER TABLE {t} DROP PARTITION FIELD yr")
    table.insert(4)
    table.change_rows()
    yield "deletes under the last spec"
    table.compact()


def partitioned_late(table):
    """By columns that older files lack, for they were added after them."""
    table.make([("id", "BIGINT"), ("txt", "STRING")], table.rng.choice([1, 2, 3]))
    table.insert(6)
    for name, kind in (("region", "STRING"), ("n", "INT")):
        table.sql(f"ALTER TABLE {{t}} ADD COLUMN {name} {kind}")
        table.sql(f"ALTER TABLE {{t}} ADD PARTITION FIELD {name}")
        table.columns.append((name, kind))
        yield f"partitioned by {name}"
        table.insert(6)
        yield f"rows partitioned by {name}"
    table.sql("DELETE FROM {t} WHERE region IS NULL AND id % 2 = 0")
    table.compact()


def dropped_partition_column(table):
    table.make([("id", "BIGINT"), ("day", "DATE"), ("txt", "STRING")], 2, "days(day), truncate(1, txt)")
    table.insert(6)
    table.sql("ALTER TABLE {t} DROP PARTITION FIELD days(day)")
    table.sql("ALTER TABLE {t} DROP COLUMN day")
    table.columns = Columns([("id", "BIGINT"), ("txt", "STRING")])
    yield "column dropped"
    table.insert(4)


def back_and_forth(table):
    table.make(PLAIN, table.rng.choice([1, 2, 3]))
    for _ in range(3):
        table.insert()
    first, second, third = table.snapshots()
    yield "three appends"
    table.call("rollback_to_snapshot", snapshot_id=first)
    yield "rolled back"
    table.insert()
    yield "gone on"
    table.call("set_current_snapshot", snapshot_id=third)
    yield "set to what was lost"
    table.call("set_current_snapshot", snapshot_id=second)
    table.call("cherrypick_snapshot", snapshot_id=third)
    yield "cherry-picked"
    table.sql("ALTER TABLE {t} ADD COLUMN more INT")
    table.columns.append(("more", "INT"))
    table.insert()
    yield "another schema"
    table.call("rollback_to_snapshot", snapshot_id=second)
    yield "rolled back under the newer schema"


def references(table):
    table.make(PLAIN, table.rng.choice([2, 3]), **(MERGE_ON_READ if table.rng.random() < 0.5 else {}))
    table.insert(8)
    table.sql("ALTER TABLE {t} CREATE TAG begun")
    table.sql("ALTER TABLE {t} CREATE BRANCH audit")
    table.insert()
    yield Reference("begun")
    table.insert(4, "{t}.branch_audit")
    table.sql("DELETE FROM {t}.branch_audit WHERE id % 3 = 1")
    yield Reference("audit")
    table.sql("ALTER TABLE {t} ADD COLUMN more STRING AFTER id")
    table.columns.insert(1, ("more", "STRING"))
    yield Reference("audit")
    yield Reference("begun")
    table.insert(3)
    table.insert(3, "{t}.branch_audit")
    yield Reference("audit")
    table.sql(f"ALTER TABLE {{t}} REPLACE BRANCH audit AS OF VERSION {table.snapshots()[0]}")
    yield Reference("audit")
    table.sql("CALL %s.system.fast_forward('made.%s', 'audit', 'main')" % (table.catalog, table.short))
    yield Reference("audit")
    table.set(**{"write.wap.enabled": "true"})
    table.sql("SET spark.wap.id = audited")
    table.insert(2)
    table.sql("RESET spark.wap.id")
    yield "staged and not published"
    table.call("publish_changes", wap_id="'audited'")
    yield "published"


def compacted(table):
    version = table.rng.choice([2, 3])
    table.make(PLAIN, version, "grp", **MERGE_ON_READ,
               commit_manifest_min__count__to__merge="3", write_metadata_previous__versions__max="4", write_metadata_delete__after__commit_enabled="true")
    for _ in range(4):
        table.insert(6)
    table.change_rows()
    yield "small files"
    table.compact()
    yield "rewritten"
    table.call("rewrite_data_files", strategy="'sort'", sort_order="'zorder(id, grp)'", options="map('rewrite-all', 'true')")
    table.insert()
    table.call("rewrite_manifests")
    yield "sorted, manifests rewritten"
    table.call("expire_snapshots", older_than="TIMESTAMP '2999-01-01 00:00:00'", retain_last=2)
    yield "expired"
    table.insert()


def overwritten(table):
    table.make(PLAIN, 2, "grp")
    table.insert(10)
    table.sql("INSERT OVERWRITE {t} VALUES (500, 1, 0.5D, 'over'), (501, NULL, NULL, NULL)")
    yield "all overwritten"
    table.insert(5)
    table.sql("DELETE FROM {t} WHERE grp IS NULL")
    yield "a partition deleted"
    table.sql("TRUNCATE TABLE {t}")
    yield "truncated"
    table.insert(3)
    yield "filled again"
    table.sql("CREATE OR REPLACE TABLE {t} USING iceberg PARTITIONED BY (bucket(2, other)) AS SELECT id AS other, 'r' AS txt FROM range(6)")
    yield "replaced by a query"
    table.sql("REPLACE TABLE {t} (id STRING, txt INT) USING iceberg")
    yield "replaced by nothing"
    table.sql("INSERT INTO {t} VALUES ('x', 1)")


def names(table):
    """Names that Parquet files, Delta tables and SQL spell otherwise, or not at all."""
    odd = ["with space", "dot.ted", "UPPER", "ünï", "1st", "semi;colon", "a=b", "dash-ed", "brace{}", "select", "per%cent", "日本", "_under", "x" * 100]
    table.make([("id", "BIGINT"), *((name, "STRING") for name in odd), ("in ner", ("struct", [("`a b`", "INT"), ("`ö.p`", "STRING")]))], table.rng.choice([1, 2, 3]))
    table.insert(5)
    yield "odd names"
    table.sql("ALTER TABLE {t} RENAME COLUMN `with space` TO `an other`")
    table.sql("ALTER TABLE {t} RENAME COLUMN UPPER TO Lower")
    yield "renamed"


def codecs(codec, version):
    def case(table):
        properties = {"write_parquet_compression__codec": codec, "write_metadata_compression__codec": "gzip" if codec != "snappy" else "none",
                      "write_avro_compression__codec": {"lz4": "snappy", "brotli": "zstd"}.get(codec, codec), "write_parquet_page__version": "v2" if version == 3 else "v1"}
        table.make(some_columns(table.rng, 6), version, **properties)
        table.insert(20)
        yield codec
        table.change_rows()
    return case


def metrics(table):
    table.make([("id", "BIGINT"), ("a", "STRING"), ("b", "DOUBLE"), ("c", "DECIMAL(9,2)"), ("d", "TIMESTAMP"), ("f", "STRING")], 2, write_metadata_metrics_default="none",
               write_metadata_metrics_column_a="truncate(3)", write_metadata_metrics_column_b="counts", write_metadata_metrics_column_c="full")
    table.insert(8)
    yield "modes of metrics"
    table.set(**{"write.metadata.metrics.max-inferred-column-defaults": 1})
    table.insert(8)


def defaults(table):
    """Columns whose older rows are not null."""
    table.make([("id", "BIGINT"), ("s", ("struct", [("x", "INT")]))], 3)
    table.insert(3)
    yield "before"
    table.spark.java("""
L, T = jvm.org.apache.iceberg.expressions.Literal, jvm.org.apache.iceberg.types.Types
iceberg("%s").updateSchema().addColumn("i", T.IntegerType.get(), None, L.of(7)).addColumn("t", T.StringType.get(), None, L.of("dflt")).commit()
""" % table.name)
    table.sql("REFRESH TABLE {t}")
    yield Refused("'i' has a default")
    table.compact()
    yield "rewritten"
    table.columns += [("i", "INT"), ("t", "STRING")]
    table.insert(3)


def equality_deletes(table):
    table.make(PLAIN, 2)
    table.insert(6)
    yield "before"
    table.spark.java("""
t = iceberg("%s")
names = jvm.java.util.ArrayList(); names.add("grp")
ids = spark.sparkContext._gateway.new_array(jvm.int, 1); ids[0] = t.schema().findField("grp").fieldId()
of = t.schema().select(names)
made = jvm.org.apache.iceberg.data.GenericAppenderFactory(t.schema(), t.spec(), ids, of, None)
out = jvm.org.apache.iceberg.encryption.EncryptionUtil.plainAsEncryptedOutput(t.io().newOutputFile(t.location() + "/data/eq.parquet"))
w = made.newEqDeleteWriter(out, jvm.org.apache.iceberg.FileFormat.PARQUET, None)
row = jvm.org.apache.iceberg.data.GenericRecord.create(of)
row.setField("grp", 1)
w.write(row); w.close()
t.newRowDelta().addDeletes(w.toDeleteFile()).commit()
""" % table.name)
    table.sql("REFRESH TABLE {t}")
    yield "deleted"
    table.insert(3)
    yield "later rows stay"
    table.compact(**{"delete-file-threshold": "1", "remove-dangling-deletes": "true"})
    table.insert(2)
    yield "compacted"


def other_formats(format_name):
    def case(table):
        table.make(PLAIN, 2)
        table.insert(4)
        table.set(**{"write.format.default": format_name})
        table.insert(4)
        yield Refused(f"format {format_name}")
        table.set(**{"write.format.default": "parquet"})
        table.compact()
    return case


def lineage(table):
    """Row ids, which Delta's readers are not told."""
    table.make(some_columns(table.rng, 3), 3, **MERGE_ON_READ)
    table.insert(6)
    table.insert(6)
    table.change_rows()
    table.compact()
    yield "rewritten with lineage"
    table.change_rows()


def variants(table):
    """Spark 4 alone."""
    table.make([("id", "BIGINT"), ("v", "VARIANT")], 3)
    for text in ("null", "1", '"x"', '[1, 2.5, {"a": null}]', '{"k": {"deep": [true]}, "m": 12345678901}'):
        table.sql(f"INSERT INTO {{t}} SELECT {table.next_id}, parse_json({quoted(text)})")
        table.next_id += 1
    yield "variants"


def shredded(table):
    """Spark 4 alone: variants of which parts are columns of their own."""
    table.make([("id", "BIGINT"), ("v", "VARIANT")], 3, **{"write.parquet.shred-variants": "true"})
    table.sql("INSERT INTO {t} SELECT id, parse_json(concat('{\"a\": ', id, ', \"b\": \"x\"}')) FROM range(20)")
    yield Refused("shredded")
    table.set(**{"write.parquet.shred-variants": "false"})
    table.compact()


def unknown(table):
    """Spark 4 alone: a column of which nobody knows the type yet."""
    table.make([("id", "BIGINT"), ("u", "VOID")], 3)
    table.sql("INSERT INTO {t} VALUES (1, NULL), (2, NULL)")
    yield "nulls"
    table.sql("ALTER TABLE {t} ADD COLUMN n INT")
    table.sql("INSERT INTO {t} VALUES (3, NULL, 3)")


def places(table):
    """Data files that lie where their names are hashed, and in another folder than the table's."""
    table.make(PLAIN, 2, "bucket(2, id)", **{"write.object-storage.enabled": "true"})
    table.insert(6)
    yield "hashed names"
    folder = table.metadata()["location"].rsplit("/", 1)[0] + f"/data of {table.short}"
    table.set(**{"write.object-storage.enabled": "false", "write.data.path": folder})
    table.insert(6)
    if table.catalog == "bare":
        yield Refused("outside")
        yield Allowed(folder.split("://", 1)[1])
        table.set(**{"write.data.path": table.metadata()["location"] + "/data"})
        table.compact()
    yield "another folder"


def walk(table):
    """Whatever a table may live to see, by chance."""
    rng = table.rng
    table.make(some_columns(rng, rng.randint(3, 8), rng.randint(0, 2)), rng.choice([1, 2, 2, 3, 3]), rng.choice(["", "bucket(2, id)", "truncate(4, id)"]), write_spark_fanout_enabled="true")
    table.is_partitioned, table.sources = False, set()
    table.insert()
    steps = [walk_insert] * 4 + [walk_change] * 4 + [walk_add, walk_rename, walk_drop, walk_widen, walk_move, walk_partition, walk_modes, walk_upgrade, walk_compact, walk_roll_back, walk_expire]
    for _ in range(9):
        step = rng.choice(steps)
        try:
            step(table, rng)
        except RuntimeError as error:  # what the engine does not do, nobody has to read
            print(f"     {step.__name__} is refused by the engine: {str(error)[:300]}")
        if rng.random() < 0.6:
            yield step.__name__.removeprefix("walk_")


def walk_insert(table, rng):
    table.sql("INSERT INTO {t} (" + ", ".join(f"`{name}`" for name, _ in sorted(table.columns, key=lambda column: column[0] != "id")) + f") SELECT * FROM {reordered(table, rng.randint(1, 9))}")


def walk_change(table, rng):
    every = rng.randint(2, 6)
    if rng.random() < 0.5 or len(table.columns) < 2:
        table.sql(f"DELETE FROM {{t}} WHERE id % {every} = {rng.randint(0, every - 1)}")
        return
    name, kind = rng.choice([column for column in table.columns if column[0] != "id"])
    table.sql(f"UPDATE {{t}} SET `{name}` = {literal(rng, kind)} WHERE id % {every} = 0")


def walk_add(table, rng):
    name = rng.choice(["more", "was", "c0", "c1", "New Name", "c2"])
    if name.lower() in [other.lower() for other, _ in table.columns]:
        return
    kind = rng.choice(spark_values.PRIMITIVES + spark_values.NESTED)
    where = rng.choice(["", " FIRST", " AFTER id"])
    table.sql(f"ALTER TABLE {{t}} ADD COLUMN `{name}` {spark_values.sql_type(kind)}{where}")
    at = {"": len(table.columns), " FIRST": 0}.get(where, [name for name, _ in table.columns].index("id") + 1)
    table.columns.insert(at, (name, kind))


def other_column(table, rng):
    others = [number for number, column in enumerate(table.columns) if column[0] != "id"]
    return rng.choice(others) if others else None


def walk_rename(table, rng):
    at, name = other_column(table, rng), rng.choice(["was", "odd name", "c1", "Ünder", "c0"])
    if at is not None and name.lower() not in [other.lower() for other, _ in table.columns]:
        before, kind = table.columns[at]
        table.sql(f"ALTER TABLE {{t}} RENAME COLUMN `{before}` TO `{name}`")
        table.columns[at] = (name, kind)
        table.sources |= {name} if before in table.sources else set()


def walk_drop(table, rng):
    at = other_column(table, rng)
    # Iceberg itself does not read tables that lack what a spec of theirs is made of.
    if at is not None and len(table.columns) > 2 and table.columns[at][0] not in table.sources:
        table.sql(f"ALTER TABLE {{t}} DROP COLUMN `{table.columns[at][0]}`")
        del table.columns[at]


def walk_widen(table, rng):
    wider = {"INT": "BIGINT", "FLOAT": "DOUBLE", "DECIMAL(9,2)": "DECIMAL(12,2)", "DECIMAL(12,2)": "DECIMAL(30,2)"}
    for at, (name, kind) in enumerate(table.columns):
        if not isinstance(kind, tuple) and kind in wider and name != "id":
            table.sql(f"ALTER TABLE {{t}} ALTER COLUMN `{name}` TYPE {wider[kind]}")
            table.columns[at] = (name, wider[kind])
            return


def walk_move(table, rng):
    at = other_column(table, rng)
    if at is not None:
        column = table.columns.pop(at)
        table.sql(f"ALTER TABLE {{t}} ALTER COLUMN `{column[0]}` FIRST")
        table.columns.insert(0, column)


def walk_partition(table, rng):
    if table.is_partitioned:
        table.sql("ALTER TABLE {t} DROP PARTITION FIELD parted")
    else:
        # Columns without a transform may be younger than files.
        names = [name for name, kind in table.columns if kind in ("INT", "STRING", "DATE", "BOOLEAN", "DECIMAL(9,2)")]
        field = rng.choice(["bucket(3, id)", "truncate(5, id)", *(f"`{name}`" for name in names)])
        table.sql(f"ALTER TABLE {{t}} ADD PARTITION FIELD {field} AS parted")
        table.sources.add(field.strip("`"))
    table.is_partitioned = not table.is_partitioned


def walk_modes(table, rng):
    mode = rng.choice(["copy-on-write", "merge-on-read"])
    table.set(**{f"write.{what}.mode": mode for what in ("delete", "update", "merge")}, **{"write.delete.granularity": rng.choice(["file", "partition"])})
    if mode == "merge-on-read" and table.version() == 1:
        table.set(**{"format-version": 2})


def walk_upgrade(table, rng):
    version = table.version()
    if version < 3:
        table.set(**{"format-version": version + 1})


def walk_compact(table, rng):
    rng.choice([table.compact, lambda: table.call("rewrite_manifests"),
                lambda: table.call("rewrite_position_delete_files", options="map('rewrite-all', 'true')")])()


def walk_roll_back(table, rng):
    past = [int(row[0]) for row in table.sql("SELECT snapshot_id FROM {t}.history WHERE is_current_ancestor ORDER BY made_current_at")]
    if len(past) > 1:
        table.call("rollback_to_snapshot", snapshot_id=rng.choice(past[:-1]))


def walk_expire(table, rng):
    table.call("expire_snapshots", older_than="TIMESTAMP '2999-01-01 00:00:00'", retain_last=rng.randint(1, 3))


def of_spark(rng, is_spark_4, is_whole, walks):
    """The cases of the catalog, by name."""
    cases = dict(transforms(rng, None if is_whole else 1))
    cases |= {f"types_v{version}": all_types(version) for version in (1, 2, 3)}
    cases |= {f"schemas_v{version}": schemas(version) for version in (1, 2, 3)}
    cases |= {f"merge_on_read_v{version}_{granularity}": merge_on_read(version, granularity) for version, granularity in [(2, "file"), (2, "partition"), (3, "file")]}
    cases |= {f"codec_{codec}": codecs(codec, rng.choice([1, 2, 3])) for codec in ("gzip", "zstd", "snappy", "uncompressed", "lz4")}
    cases |= {case.__name__: case for case in (no_types_of_its_own, copy_on_write, upgraded, promotions, partition_specs, partitioned_late, dropped_partition_column, back_and_forth, references, compacted,
                                               overwritten, names, places, metrics, defaults, equality_deletes, lineage)}
    cases |= {f"format_{name}": other_formats(name) for name in ("orc", "avro")}
    cases |= {case.__name__: case for case in (variants, shredded, unknown)} if is_spark_4 else {}
    return cases | {f"walk_{number}": walk for number in range(walks)}
