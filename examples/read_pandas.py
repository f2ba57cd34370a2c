#!/usr/bin/env python3
"""Reads the first rows of every table that a profile opens, as pandas data frames.

    python3 -m venv demo && demo/bin/pip install delta-sharing
    demo/bin/python examples/read_pandas.py demo.share [SHARE.SCHEMA.TABLE]
"""
import sys

import delta_sharing


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    profile = sys.argv[1]
    if len(sys.argv) == 3:
        names = [sys.argv[2]]
    else:
        tables = delta_sharing.SharingClient(profile).list_all_tables()
        names = [f"{table.share}.{table.schema}.{table.name}" for table in tables]
    for name in names:
        rows = delta_sharing.load_as_pandas(f"{profile}#{name}", limit=10)
        print(name)
        print(rows.to_string(index=False))


if __name__ == "__main__":
    main()
