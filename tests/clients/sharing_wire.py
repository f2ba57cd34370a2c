"""Answers of the Delta Sharing protocol, line by line, with what Spark's client demands of them."""
import datetime
import gzip
import json
import pathlib
import urllib.error
import urllib.parse
import urllib.request

# What Spark's client lists when it asks for the delta format.
SPARK_FEATURES = "deletionvectors,columnmapping,timestampntz,typewidening,varianttype,varianttype-preview"


class Refused(Exception):
    """An answer that is none, with its sentence."""


class Answer:
    """One snapshot of a table in one format."""

    def __init__(self, version, lines):
        self.version = version
        self.protocol = lines[0]["protocol"]
        self.metadata = lines[1]["metaData"]
        self.files = [line["file"] for line in lines[2:]]
        self.is_delta = "deltaProtocol" in self.protocol

    def schema(self):
        return json.loads(self.table()["schemaString"])

    def table(self):
        return self.metadata["deltaMetadata"] if self.is_delta else self.metadata

    def add(self, file):
        return file["deltaSingleAction"]["add"] if self.is_delta else file

    def features(self):
        return set(self.protocol.get("deltaProtocol", {}).get("readerFeatures") or [])

    def urls(self):
        return [self.add(file)["path" if self.is_delta else "url"] for file in self.files]


class Wire:
    def __init__(self, profile):
        told = json.loads(pathlib.Path(profile).read_text())
        self.endpoint, self.token = told["endpoint"].rstrip("/"), told["bearerToken"]

    def ask(self, path, is_delta, body=None, **query):
        form = f"responseformat=delta;readerfeatures={SPARK_FEATURES}" if is_delta else "responseformat=parquet"
        url = f"{self.endpoint}/{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Authorization": f"Bearer {self.token}", "delta-sharing-capabilities": form, "Content-Type": "application/json"}
        request = urllib.request.Request(url, headers=headers, data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.headers, [json.loads(line) for line in answer.read().splitlines()]
        except urllib.error.HTTPError as error:
            raise Refused(f"{error.code} {error.read().decode()}") from None

    def query(self, table, is_delta, **version):
        share, schema, name = table.split(".")
        path = f"shares/{share}/schemas/{schema}/tables/{urllib.parse.quote(name)}"
        headers, lines = self.ask(f"{path}/query", is_delta, body=version)
        answer = Answer(int(headers["Delta-Table-Version"]), lines)
        _, head = self.ask(f"{path}/metadata", is_delta, **version)
        answer.head = head[1]["metaData"]
        return answer


def faults(answer):
    """What Spark's client would stumble over (its sources' own demands), as sentences."""
    found = []

    def demand(right, what):
        if not right:
            found.append(what)

    files = [answer.add(file) for file in answer.files]
    demand(answer.head.get("size") == sum(file["size"] for file in files), f"metaData.size is {answer.head.get('size')}")
    demand(answer.head.get("numFiles") == len(files), f"metaData.numFiles is {answer.head.get('numFiles')}")
    demand(len({file["id"] for file in answer.files}) == len(files), "two files have one id")
    if answer.is_delta:
        protocol = answer.protocol["deltaProtocol"]
        has_lists = [protocol.get(name) is not None for name in ("readerFeatures", "writerFeatures")]
        demand(has_lists == [protocol["minReaderVersion"] >= 3, protocol["minWriterVersion"] >= 7], f"lists of features: {protocol}")
    for file in files:
        if answer.is_delta:
            demand(file["dataChange"] is True and file["modificationTime"] >= 0, f"an add is {file}")
            vector = file.get("deletionVector")
            demand(vector is None or vector["storageType"] in "ip", f"a vector is stored as {vector}")
            demand(vector is None or "numRecords" in json.loads(file["stats"]), "a file with a vector does not count its rows")
        demand(file["partitionValues"] == {} or set(file["partitionValues"]) == set(answer.table()["partitionColumns"]), "partition values")
    for url, file in zip(answer.urls(), files):
        last = urllib.request.Request(url, headers={"Range": f"bytes={file['size'] - 1}-{file['size'] - 1}"})
        with urllib.request.urlopen(last) as got:
            want = f"bytes {file['size'] - 1}-{file['size'] - 1}/{file['size']}"
            demand((got.status, got.headers["Content-Range"]) == (206, want), f"a range answers {got.status}, {got.headers['Content-Range']}")
    return found


def local(url, data):
    """The file of the server's folder that a URL opens."""
    return pathlib.Path(data) / urllib.parse.unquote(urllib.parse.urlparse(url).path).lstrip("/")


def metadata(uri, data):
    """A metadata file of Iceberg that lies in the server's folder."""
    bytes_ = (pathlib.Path(data) / uri.split("://", 1)[1]).read_bytes()
    return json.loads(gzip.decompress(bytes_) if bytes_[:2] == b"\x1f\x8b" else bytes_)


def as_delta_table(answer, data, folder):
    """Writes the answer down as the log of a Delta table, as Spark's client does, over the server's own files."""
    log = pathlib.Path(folder) / "_delta_log"
    log.mkdir(parents=True)
    actions = [{"protocol": answer.protocol["deltaProtocol"]}, {"metaData": {"createdTime": 0, **answer.table()}}]
    for file, url in zip(answer.files, answer.urls()):
        actions.append({"add": {**answer.add(file), "path": local(url, data).as_uri()}})
    (log / f"{0:020}.json").write_text("".join(json.dumps(action) + "\n" for action in actions))
    return pathlib.Path(folder)


def at(timestamp_ms):
    """A time as requests spell it."""
    moment = datetime.datetime.fromtimestamp(timestamp_ms // 1000, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{timestamp_ms % 1000:03}Z"
