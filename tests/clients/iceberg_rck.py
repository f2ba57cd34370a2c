"""Runs Iceberg's REST compatibility kit and compares what was left out or failed with what has to be.

    iceberg_rck.py --uri URI --jars DIR --out DIR NAME=VALUE...

Every NAME is a property of the catalog or, with `rck.` before it, a knob of the kit. Where the kit asks for a place in its own file system,
`rck/WarehouseKitTests.java` names one in the warehouse. `tests/conformance/catalog.toml` lists what is left out, and why: a test that
fails and is not listed there is a fault of ours; one that is listed and passes has to leave the list.
"""
import argparse
import glob
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = "org.apache.iceberg.rest"
CLASSES = [f"{PACKAGE}.WarehouseKitTests", f"{PACKAGE}.RESTCompatibilityKitViewCatalogTests"]
# The standalone console holds these already.
HELD = re.compile(r"junit-platform-(commons|engine|launcher|suite)[-.]|opentest4j|apiguardian")

parser = argparse.ArgumentParser()
for flag in ["--uri", "--jars", "--out"]:
    parser.add_argument(flag, required=True)
parser.add_argument("properties", nargs="*")
arguments = parser.parse_args()


def explained():
    """Test -> why it is left out."""
    groups = tomllib.loads((HERE.parent / "conformance" / "catalog.toml").read_text())["kit"]["left"]
    return {test: group["reason"] for group in groups for test in group["tests"]}


def run(out):
    """Runs both halves of the kit; what it printed."""
    jars = [jar for jar in sorted(glob.glob(f"{arguments.jars}/*.jar")) if not HELD.search(os.path.basename(jar))]
    own = out / "classes"
    own.mkdir(parents=True)
    path = os.pathsep.join([*jars, str(own)])
    subprocess.run(["javac", "-nowarn", "-proc:none", "-cp", path, "-d", str(own), *glob.glob(f"{HERE}/rck/*.java")], check=True)
    properties = [f"uri={arguments.uri}", "rck.local=false", "rck.requires-namespace-create=true", "rck.supports-names-with-dot=true",
                  "org.slf4j.simpleLogger.defaultLogLevel=error", *arguments.properties]
    chosen = [word for name in CLASSES for word in ("--select-class", name)]
    command = ["java", "-Xmx1g", *(f"-D{pair}" for pair in properties), "-cp", path, "org.junit.platform.console.ConsoleLauncher", "execute",
               *chosen, "--details", "summary", "--disable-ansi-colors", "--reports-dir", str(out)]
    done = subprocess.run(command, env={**os.environ, "AWS_REGION": "us-east-1"}, text=True, capture_output=True)
    return f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


out = pathlib.Path(arguments.out)
printed = run(out)
reports = list(out.glob("TEST-*.xml"))
if not reports:
    sys.exit(f"the kit left no report:\n{printed}")
left = explained()
passed = failed = 0
met = set()
for report in reports:
    for case in ElementTree.parse(report).iter("testcase"):
        name = re.sub(r"\(.*", "", case.get("name"))
        fault = next((found for kind in ("failure", "error", "skipped") if (found := case.find(kind)) is not None), None)
        met.add(name)
        if fault is None and name not in left:
            passed += 1
            print(f"ok   {name}")
        elif fault is not None and name in left:
            print(f"left {name}: {left[name]}")
        else:
            failed += 1
            text = "it passes, though it is listed as left out" if fault is None else f"{fault.get('message') or ''} {fault.text or ''}"
            print(f"FAIL {name}: {' '.join(text.split())[:300]}")
for name in sorted(set(left) - met):
    failed += 1
    print(f"FAIL {name}: it is listed as left out, and the kit has no such test")
print(f"{len(met & set(left))} left out with a reason")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
