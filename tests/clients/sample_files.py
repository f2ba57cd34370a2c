"""Writes orders and customer as CSV and Parquet below a folder: something for copying clients to carry.

    sample_files.py FOLDER
"""
import pathlib
import random
import sys

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
numbers = random.Random(7)
ORDERS = 15_000
orders = pa.table({
    "o_orderkey": list(range(1, ORDERS + 1)),
    "o_custkey": [numbers.randrange(1, 1_500) for _ in range(ORDERS)],
    "o_totalprice": [round(numbers.uniform(900, 400_000), 2) for _ in range(ORDERS)],
    "o_comment": [f"order {numbers.getrandbits(64):x}" for _ in range(ORDERS)],
})
customer = pa.table({"c_custkey": list(range(1, 1_501)), "c_name": [f"Customer#{k:09}" for k in range(1, 1_501)]})
for name, table in (("orders", orders), ("customer", customer)):
    csv.write_csv(table, folder / f"{name}.csv", csv.WriteOptions(quoting_style="none", quoting_header="none"))
    parquet.write_table(table, folder / f"{name}.parquet")
