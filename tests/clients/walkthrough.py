"""Pages of `docs/` that people follow, followed: each block of commands is run, each answer beside it compared.

    walkthrough.py LAKESHARE [PAGE…]

A page begins where the quickstart serves. Its blocks marked `sh` are run in order in one shell, in a folder that looks like a checkout; a
block marked `text` after one is what is printed, with `…` for what differs from run to run. Environments of Python are not made here:
`demo` is the one in which this runs.
"""
import pathlib
import re
import sys
import tempfile

from checks import Checks
from demo import ROOT, Demo, paste

PAGES = ["quickstart.md", "iceberg-sharing.md"]
# What a page says before its first block has run, and what the tests stand in for.
ADDRESS = "127.0.0.1:9000"
LEFT_OUT = re.compile(r"^(scripts/quickstart|python3 -m venv .*|.*pip install .*)$")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
checks = Checks()


def steps(page):
    """Commands of a page, each with the answer that stands beside it or `None`."""
    found = []
    for language, text in BLOCK.findall((ROOT / "docs" / page).read_text()):
        if language == "sh":
            found.append([text, None])
        elif language == "text" and found and found[-1][1] is None:
            found[-1][1] = text
    return found


def commands(text, address):
    return "\n".join(line for line in text.replace(ADDRESS, address).splitlines() if not LEFT_OUT.match(line))


def is_answer(printed, written):
    """Whether what was printed is what is written, where `…` stands for anything within a line and a line of it alone for lines."""
    lines = [re.escape(line).replace("…", ".*") for line in written.rstrip().splitlines()]
    pattern = "".join(r"(?:.*\n)*" if line == ".*" else line + r"\s*\n" for line in lines)
    return re.fullmatch(pattern, printed.rstrip() + "\n") is not None


def follow(page, folder, address):
    found = steps(page)
    checks.true(f"{page} has commands", found)
    script = "".join(f"{commands(text, address)}\necho '@@ {number}'\n" for number, (text, _) in enumerate(found))
    done = paste(["bash", "-e", "-c", f"exec 2>&1\n{script}"], folder, HOME=str(folder), PYTHONWARNINGS="ignore")
    checks.true(f"{page} is followed to its end", done.returncode == 0, done.stdout)
    rest = done.stdout.replace(address, ADDRESS).replace(str(folder), "")
    for number, (text, written) in enumerate(found):
        printed, mark, rest = rest.partition(f"@@ {number}\n")
        title = next(line for line in text.splitlines() if line.strip())
        if mark and written is not None:
            checks.true(f"{page}: `{title}` prints what is written", is_answer(printed, written), printed)


def main():
    lakeshare = pathlib.Path(sys.argv[1]).resolve()
    for page in sys.argv[2:] or PAGES:
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place)
            (folder / "target" / "release").mkdir(parents=True)
            (folder / "target" / "release" / "lakeshare").symlink_to(lakeshare)
            (folder / "examples").symlink_to(ROOT / "examples")
            (folder / "demo").symlink_to(sys.prefix)
            demo = Demo(str(lakeshare), folder)
            checks.steps(lambda: follow(page, folder, demo.shown["address"]))
            demo.stop()
    checks.finish("walkthrough")


main()
