"""Time travel, change data feeds and directory access, over tables that deltalake wrote.

Usage: sharing_history.py --lakeshare EXE --config-dir DIR --data DIR
Needs the alias `t` in the config directory. Prints `N passed, N failed`.
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import time
import urllib.request

import delta_sharing
import deltalake
import pandas as pd
import pyarrow as pa

from checks import Checks

BUCKET = "history"
checks = Checks()
check = checks.equal


def rows(frame, columns):
    """The rows as sorted tuples of plain values."""
    plain = frame[columns].astype(object).where(frame[columns].notna(), None)
    return sorted(map(tuple, plain.values.tolist()), key=repr)


def write(path):
    """Versions 0 to 4: made, appended to, updated, deleted from, appended to."""
    def table(*ids):
        return pa.table({"id": list(ids), "region": ["EU" if n % 2 else "US" for n in ids], "n": [n * 10 for n in ids]})
    feed = {"delta.enableChangeDataFeed": "true"}
    deltalake.write_deltalake(path, table(1, 2, 3, 4), partition_by=["region"], configuration=feed)
    moments = [time.time()]
    def step(change):
        time.sleep(0.02)
        change()
        time.sleep(0.02)
        moments.append(time.time())
    append = lambda *ids: deltalake.write_deltalake(path, table(*ids), mode="append")
    step(lambda: append(5, 6))
    step(lambda: deltalake.DeltaTable(path).update(updates={"n": "n + 1"}, predicate="id = 1"))
    step(lambda: deltalake.DeltaTable(path).delete("id = 2"))
    step(lambda: append(7))
    return moments


def read_directory(profile, expected, columns):
    """Reads the table itself over S3, as an engine does that reads Delta logs."""
    profile = json.loads(profile.read_text())
    call = profile["endpoint"] + "/shares/dir/schemas/s/tables/t/temporary-table-credentials"
    request = urllib.request.Request(call, method="POST", headers={"Authorization": "Bearer " + profile["bearerToken"]})
    made = json.load(urllib.request.urlopen(request))["credentials"]
    keys = made["awsTempCredentials"]
    options = {
        "aws_endpoint": profile["endpoint"].split("/delta-sharing")[0], "aws_allow_http": "true",
        "aws_region": "us-east-1", "aws_access_key_id": keys["accessKeyId"],
        "aws_secret_access_key": keys["secretAccessKey"], "aws_session_token": keys["sessionToken"],
    }
    frame = deltalake.DeltaTable(made["location"], storage_options=options).to_pandas()
    check("a directory with its credentials", rows(frame, columns), rows(expected, columns))
    try:
        deltalake.write_deltalake(made["location"], pa.table({"id": [9]}), mode="append", storage_options=options)
        outcome = "done"
    except Exception:  # deltalake raises what its store raises
        outcome = "refused"
    check("a write with credentials that read", outcome, "refused")
    check("the table after it", deltalake.DeltaTable(made["location"], storage_options=options).version(), 4)


def main():
    parser = argparse.ArgumentParser()
    for name in ("lakeshare", "config-dir", "data"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    location = pathlib.Path(arguments.data) / BUCKET / "t"
    location.parent.mkdir(parents=True)
    moments = write(str(location))

    def cli(*words):
        command = [arguments.lakeshare, "--config-dir", arguments.config_dir, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    profile = str(location.parent / "whole.share")
    table = f"t:delta:{BUCKET}:t"
    cli("share", "create", "t/whole", "s", table, "--history")
    cli("share", "create", "t/eu", "s", table, "--history", "--partition", "region=EU")
    cli("share", "create", "t/late", "s", table, "--history", "--start-version", "3")
    cli("share", "token", "create", "t/whole", "t/eu", "t/late", "--profile", profile)
    url = lambda share: f"{profile}#{share}.s.t"
    columns = ["id", "region", "n"]
    local = lambda version: deltalake.DeltaTable(str(location), version=version).to_pandas()

    for use_delta in (False, True):
        form = "delta" if use_delta else "parquet"
        for version in range(5):
            found = delta_sharing.load_as_pandas(url("whole"), version=version, use_delta_format=use_delta)
            check(f"version {version} in {form}", rows(found, columns), rows(local(version), columns))
        for version, moment in enumerate(moments):
            stamp = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).isoformat()
            if version == 4:
                continue  # The moment lies after the last commit, which is an error of its own.
            found = delta_sharing.load_as_pandas(url("whole"), timestamp=stamp, use_delta_format=use_delta)
            check(f"time of version {version} in {form}", rows(found, columns), rows(local(version), columns))
        found = delta_sharing.load_as_pandas(url("eu"), use_delta_format=use_delta)
        part = local(4)
        check(f"a part in {form}", rows(found, columns), rows(part[part.region == "EU"], columns))
        changes = [*columns, "_change_type", "_commit_version"]
        for start, end in ((0, 4), (1, 3), (2, 2), (4, 4)):
            found = delta_sharing.load_table_changes_as_pandas(
                url("whole"), starting_version=start, ending_version=end, use_delta_format=use_delta)
            expected = pa.table(deltalake.DeltaTable(str(location)).load_cdf(starting_version=start, ending_version=end))
            check(f"changes {start} to {end} in {form}", rows(found, changes), rows(expected.to_pandas(), changes))
        found = delta_sharing.load_table_changes_as_pandas(url("eu"), starting_version=0, use_delta_format=use_delta)
        check(f"changes of a part in {form}", set(found["region"]), {"EU"})

    cli("share", "create", "t/dir", "s", table, "--history", "--directory-access")
    cli("share", "token", "create", "t/dir", "--profile", str(location.parent / "dir.share"))
    read_directory(location.parent / "dir.share", local(4), columns)

    versions = [delta_sharing.get_table_version(url("whole"), starting_timestamp=stamp) for stamp in
                ("2020-01-01T00:00:00Z", "2020-01-01T02:00:00+02:00")]
    check("the first version from a time on", versions, [0, 0])
    for name, call in {
        "before the start version": lambda: delta_sharing.load_as_pandas(url("late"), version=2),
        "changes before the start version":
            lambda: delta_sharing.load_table_changes_as_pandas(url("late"), starting_version=0),
        "beyond the latest version": lambda: delta_sharing.load_as_pandas(url("whole"), version=5),
        "a time after the latest version":
            lambda: delta_sharing.get_table_version(url("whole"), starting_timestamp="2199-01-01T00:00:00Z"),
    }.items():
        try:
            call()
            check(name, "an answer", "a refusal")
        except Exception as error:  # the client's errors have no class of their own
            check(name, "400" in str(error), True)
    checks.finish("sharing_history")


main()
