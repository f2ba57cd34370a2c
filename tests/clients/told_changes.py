"""Changes of a shared table, applied to the rows of a version, against the rows of the versions after it."""
import collections
import re

import delta_sharing

import expected_rows

# What the client's kernel says of a range whose schema changes, and of columns that files have under other names.
OTHER_SCHEMA = "Start and end version schemas are different"
COLUMNS_BY_ID = "Some non-optional field transforms reference invalid input field names"
TAKES = {"insert": 1, "update_postimage": 1, "delete": -1, "update_preimage": -1}


def refusal(error):
    """What a server or a client says, on one line, without the quotes in which clients break it."""
    return re.sub(r"""["']\s*\n\s*["']""", "", f"{type(error).__name__}: {error}")


def counted(frame, fields):
    """The rows of a frame under the schema of the last version; what an older one does not have is null."""
    frame = frame.copy()
    for field in fields:
        if field["name"] not in frame:
            frame[field["name"]] = None
    return expected_rows.of_frame(frame, fields)


def check(checks, label, url, fields, delta_format, start=0):
    """Reads all changes from `start` on, or else from the first version on that they can be told from; whether any were read.

    Raises what the client raises where they cannot be read.
    """
    latest = delta_sharing.get_table_version(url)
    options = {"use_delta_format": delta_format}
    try:
        frame = delta_sharing.load_table_changes_as_pandas(url, starting_version=start, **options)
    except Exception as error:  # the client's errors have no class of their own
        oldest = re.search(r"begin with version (\d+)", refusal(error))
        if oldest is None:
            raise
        start = int(oldest[1])
        if start > latest:
            return False
        frame = delta_sharing.load_table_changes_as_pandas(url, starting_version=start, **options)
    rows = lambda version: counted(delta_sharing.load_as_pandas(url, version=version, **options), fields)
    state = collections.Counter()
    if start > 0:
        try:
            state = rows(start - 1)
        except Exception as error:
            # Where nobody knows of a version before the first, there was none.
            if "is not available" not in refusal(error):
                raise
    versions = sorted(set(int(version) for version in frame["_commit_version"]))
    for version in versions:
        of_version = frame[frame["_commit_version"] == version]
        for kind, sign in TAKES.items():
            part = counted(of_version[of_version["_change_type"] == kind], fields)
            for row, count in part.items():
                state[row] += sign * count
        gone = [row for row, count in state.items() if count < 0]
        checks.equal(f"{label} takes nothing away in version {version} that was not there", gone[:3], [])
        if version != versions[-1]:
            checks.equal(f"{label} changes lead to version {version}", +state, rows(version))
    checks.equal(f"{label} changes {start} to {latest} lead to the latest version", +state, rows(latest))
    return True
