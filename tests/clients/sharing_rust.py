"""The `delta-sharing` crate reads tables of the corpus: an older client that knows the parquet format only.

    sharing_rust.py --lakeshare PROGRAM --config-dir DIR --data DIR --corpus DIR
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

TABLES = ["dat__basic_append", "dat__multi_partitioned", "dat__with_checkpoint", "golden__multi-part-checkpoint", "spark40__many_commits"]
PACKAGE = pathlib.Path(__file__).resolve().parent / "rust"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--lakeshare", "--config-dir", "--data", "--corpus"):
        parser.add_argument(flag, required=True)
    arguments = parser.parse_args()
    cli = lambda *words: subprocess.run([arguments.lakeshare, "--config-dir", arguments.config_dir, *words], check=True,
                                        stdout=subprocess.DEVNULL)
    target = os.environ.get("LAKESHARE_RUST_CLIENT_TARGET", str(PACKAGE / "target"))
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--manifest-path", str(PACKAGE / "Cargo.toml"), "--target-dir", target],
                   check=True)
    corpus = pathlib.Path(arguments.corpus)
    for name in TABLES:
        shutil.copytree(corpus / "delta" / name, pathlib.Path(arguments.data) / "corpus" / name)
    cli("share", "create", "t/crate", "all", *[f"{name}:delta:corpus:{name}" for name in TABLES])
    profile = str(pathlib.Path(arguments.config_dir) / "crate.share")
    cli("share", "token", "create", "t/crate", "--profile", profile)
    good = bad = 0
    for name in TABLES:
        want = json.loads((corpus / "expected" / "delta" / f"{name}.json").read_text())
        done = subprocess.run([f"{target}/debug/lakeshare-rust-client", profile, "crate", "all", name], capture_output=True, text=True)
        got = json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-500:]}
        right = {"shares": ["crate"], "tables": sorted(TABLES), "version": want["version"], "files": want["num_files"],
                 "rows": want["num_rows"]}
        same = {**got, "tables": sorted(got.get("tables", []))} == right
        good, bad = good + same, bad + (not same)
        print(f"{'ok  ' if same else 'FAIL'} {name}: {got if not same else right['rows']}")
    print(f"sharing_rust: {good} passed, {bad} failed")
    sys.exit(1 if bad or not good else 0)


main()
