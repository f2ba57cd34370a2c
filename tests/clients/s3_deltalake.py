"""deltalake (delta-rs) and others write and read Delta and Parquet through the S3 door; writers commit at the same time.

    s3_deltalake.py URL ACCESS_KEY SECRET_KEY
"""
import concurrent.futures
import multiprocessing
import os
import sys
import urllib.parse

import boto3
import deltalake
import pyarrow as pa
import pyarrow.dataset as dataset
from deltalake.exceptions import CommitFailedError, DeltaError
from pyarrow import fs

from checks import Checks

URL, ACCESS, SECRET = sys.argv[1:4]
BUCKET = f"delta-{os.getpid()}"
WRITERS, APPENDS, TRIES = 6, 5, 50
OPTIONS = {"aws_endpoint_url": URL, "aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET, "aws_region": "us-east-1",
           "aws_allow_http": "true", "aws_virtual_hosted_style_request": "false"}
checks = Checks()
check = checks.equal


def rows(low, high):
    return pa.table({"id": list(range(low, high)), "part": [str(n % 3) for n in range(low, high)]})


def append(job):
    """One writer: appends its own rows, tries again when another commit came first. Returns the tries it took."""
    bucket, number = job
    tries = 0
    for step in range(APPENDS):
        low = 10_000 + (number * APPENDS + step) * 100
        while True:
            tries += 1
            try:
                deltalake.write_deltalake(f"s3://{bucket}/together", rows(low, low + 100), mode="append", storage_options=OPTIONS)
                break
            except DeltaError as error:
                # A writer that lost all of its own attempts to others says only how many they were.
                lost = isinstance(error, CommitFailedError) or any(word in str(error).lower() for word in ("conflict", "version"))
                if not lost or tries == TRIES:
                    raise RuntimeError(f"{type(error).__name__}: {error}") from None
    return tries


def versions():
    table = f"s3://{BUCKET}/t"
    deltalake.write_deltalake(table, rows(0, 1000), storage_options=OPTIONS, partition_by=["part"])
    deltalake.write_deltalake(table, rows(1000, 1500), storage_options=OPTIONS, mode="append")
    deltalake.DeltaTable(table, storage_options=OPTIONS).delete("id < 100")
    for version, count in [(0, 1000), (1, 1500), (2, 1400)]:
        read = deltalake.DeltaTable(table, version=version, storage_options=OPTIONS)
        check(f"version {version}", read.to_pyarrow_table().num_rows, count)
    latest = deltalake.DeltaTable(table, storage_options=OPTIONS)
    latest.create_checkpoint()
    latest.optimize.compact()
    check("after checkpoint and optimize", deltalake.DeltaTable(table, storage_options=OPTIONS).to_pyarrow_table().num_rows, 1400)
    removed = deltalake.DeltaTable(table, storage_options=OPTIONS).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    check("vacuum removes the old files", len(removed) > 0, True)
    check("after vacuum", sorted(deltalake.DeltaTable(table, storage_options=OPTIONS).to_pyarrow_table()["id"].to_pylist()) == list(range(100, 1500)), True)
    try:
        deltalake.write_deltalake(table, rows(0, 1), storage_options=OPTIONS, mode="error")
        check("a table that exists is not made again", "made", "refused")
    except DeltaError:
        check("a table that exists is not made again", True, True)


def together():
    deltalake.write_deltalake(f"s3://{BUCKET}/together", rows(0, 10), storage_options=OPTIONS)
    # Processes, so that nobody shares a client's own locks.
    with concurrent.futures.ProcessPoolExecutor(WRITERS, multiprocessing.get_context("spawn")) as pool:
        tries = sum(pool.map(append, [(BUCKET, number) for number in range(WRITERS)]))
    table = deltalake.DeltaTable(f"s3://{BUCKET}/together", storage_options=OPTIONS)
    ids = table.to_pyarrow_table()["id"].to_pylist()
    check("every append of every writer is there once", (len(ids), len(set(ids))), (10 + WRITERS * APPENDS * 100,) * 2)
    check("one version for each commit", table.version(), WRITERS * APPENDS)
    print(f"note {WRITERS * APPENDS} commits took {tries} tries")


def arrow():
    address = urllib.parse.urlsplit(URL)
    store = fs.S3FileSystem(access_key=ACCESS, secret_key=SECRET, endpoint_override=address.netloc, scheme=address.scheme, region="us-east-1")
    dataset.write_dataset(rows(0, 5000), f"{BUCKET}/pa", filesystem=store, format="parquet", partitioning=["part"])
    check("pyarrow writes and reads a partitioned set", dataset.dataset(f"{BUCKET}/pa", filesystem=store, partitioning=["part"]).count_rows(), 5000)
    check("pyarrow lists", len(store.get_file_info(fs.FileSelector(f"{BUCKET}/pa", recursive=True))), 6)
    check("pyarrow knows a directory", store.get_file_info(f"{BUCKET}/pa").type, fs.FileType.Directory)
    check("pyarrow knows what is not there", store.get_file_info(f"{BUCKET}/none").type, fs.FileType.NotFound)
    with store.open_output_stream(f"{BUCKET}/stream") as out:
        for _ in range(12):
            out.write(b"x" * 1_000_000)
    with store.open_input_file(f"{BUCKET}/stream") as read:
        check("pyarrow streams twelve megabytes in parts", (read.size(), read.read_at(10, 11_999_990)), (12_000_000, b"x" * 10))
    store.create_dir(f"{BUCKET}/made")
    check("pyarrow makes a directory", store.get_file_info(f"{BUCKET}/made").type, fs.FileType.Directory)
    store.move(f"{BUCKET}/stream", f"{BUCKET}/made/stream")
    check("pyarrow moves", store.get_file_info(f"{BUCKET}/made/stream").size, 12_000_000)
    store.delete_dir(f"{BUCKET}/made")
    check("pyarrow removes a directory", store.get_file_info(f"{BUCKET}/made").type, fs.FileType.NotFound)


def main():
    boto3.client("s3", endpoint_url=URL, aws_access_key_id=ACCESS, aws_secret_access_key=SECRET, region_name="us-east-1").create_bucket(Bucket=BUCKET)
    checks.steps(versions, together, arrow)
    checks.finish("s3_deltalake")


if __name__ == "__main__":
    main()
