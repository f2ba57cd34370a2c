"""Runs Iceberg's REST compatibility kit and compares what failed with what has to fail.

    iceberg_rck.py --kit RCK.SH --uri URI --jars DIR --out DIR NAME=VALUE...

A test that fails and is not listed here is a fault of ours; one that is listed and passes has to leave the list.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

OUTSIDE = "asks for a location `file:…`; tables and views lie inside of their warehouse, which is a bucket"
SLASH = "names a table or namespace with a slash, which is refused: in the bucket it would be two directories"
REFUSED = {
    "testCompleteCreateTable": OUTSIDE,
    "testCompleteCreateTransaction": OUTSIDE,
    "testCompleteCreateTransactionMultipleSchemas": OUTSIDE,
    "testCompleteCreateTransactionV2": OUTSIDE,
    "testCompleteCreateOrReplaceTransactionCreate": OUTSIDE,
    "testCompleteCreateOrReplaceTransactionReplace": OUTSIDE,
    "testCompleteReplaceTransaction": OUTSIDE,
    "testCreateTableWithDefaultColumnValue": OUTSIDE,
    "testLoadTable": OUTSIDE,
    "completeCreateView": OUTSIDE,
    "createAndReplaceViewWithLocation": OUTSIDE,
    "createViewWithCustomMetadataLocation": OUTSIDE,
    "updateViewLocation": OUTSIDE,
    "testTableNameWithSlash": SLASH,
    "testNamespaceWithSlash": SLASH,
}

ap = argparse.ArgumentParser()
for flag in ["--kit", "--uri", "--jars", "--out"]:
    ap.add_argument(flag, required=True)
ap.add_argument("properties", nargs="*")
a = ap.parse_args()

command = ["bash", a.kit, a.uri, a.jars, *(f"-D{pair}" for pair in a.properties)]
done = subprocess.run(command, env={**os.environ, "OUT": a.out}, text=True, capture_output=True)
reports = list(pathlib.Path(a.out).glob("TEST-*.xml"))
if not reports:
    sys.exit(f"the kit left no report:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
passed = failed = 0
for report in reports:
    for case in ElementTree.parse(report).iter("testcase"):
        name = re.sub(r"\(.*", "", case.get("name"))
        fault = next((case.find(kind) for kind in ("failure", "error") if case.find(kind) is not None), None)
        if case.find("skipped") is not None:
            print(f"left {name}: the kit asks for what this kind of catalog does not claim")
        elif fault is None and name not in REFUSED:
            passed += 1
            print(f"ok   {name}")
        elif fault is not None and name in REFUSED:
            print(f"left {name}: {REFUSED[name]}")
        else:
            failed += 1
            text = "it passes, though it is listed as refused" if fault is None else (fault.get("message") or fault.text or "")
            print(f"FAIL {name}: {' '.join(text.split())[:300]}")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
