"""boto3 against the S3 door: objects, conditions, ranges, listings, uploads in parts, markers, settings, keys with empty parts, hostile keys.

    s3_boto3.py URL ACCESS_KEY SECRET_KEY
"""
import concurrent.futures
import datetime
import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore
from botocore.config import Config

from checks import Checks

URL, ACCESS, SECRET = sys.argv[1:4]
BUCKET = f"boto3-{os.getpid()}"
checks = Checks()
check = checks.equal


def code(call, *arguments, **named):
    """The S3 error code of a call, and its status; ('ok', 200) if it passes."""
    try:
        answer = call(*arguments, **named)
        return "ok", answer["ResponseMetadata"]["HTTPStatusCode"]
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]


def client(secret=SECRET, access=ACCESS, region="us-east-1", **settings):
    config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **settings)
    return boto3.client("s3", endpoint_url=URL, aws_access_key_id=access, aws_secret_access_key=secret,
                        region_name=region, config=config)


def raw(method, path, headers=None, body=None):
    """A request without a client: (status, headers, body)."""
    host = urllib.parse.urlsplit(URL)
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=30)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), text


s3 = client()


def get(key, **named):
    return s3.get_object(Bucket=BUCKET, Key=key, **named)["Body"].read()


def buckets():
    check("create a bucket", code(s3.create_bucket, Bucket=BUCKET), ("ok", 200))
    check("a bucket that exists is 409", code(s3.create_bucket, Bucket=BUCKET), ("BucketAlreadyOwnedByYou", 409))
    check("head a bucket", code(s3.head_bucket, Bucket=BUCKET), ("ok", 200))
    check("a bucket that does not exist is 404", code(s3.head_bucket, Bucket="no-such-bucket"), ("404", 404))
    check("listing it is NoSuchBucket", code(s3.list_objects_v2, Bucket="no-such-bucket"), ("NoSuchBucket", 404))
    check("buckets are listed", BUCKET in [b["Name"] for b in s3.list_buckets()["Buckets"]], True)
    check("location", s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"], None)
    check("versioning is off", s3.get_bucket_versioning(Bucket=BUCKET).get("Status"), None)
    for ask, want in [
        ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"), ("get_bucket_tagging", "NoSuchTagSet"),
        ("get_bucket_policy", "NoSuchBucketPolicy"), ("get_bucket_cors", "NoSuchCORSConfiguration"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
        ("get_bucket_website", "NoSuchWebsiteConfiguration"),
        ("get_bucket_ownership_controls", "OwnershipControlsNotFoundError"),
    ]:
        check(f"{ask} is 404 {want}", code(getattr(s3, ask), Bucket=BUCKET), (want, 404))
    for name in ["UPPER-case", "ab", "delta-sharing", "xn--abc"]:
        status, _, _ = raw("PUT", f"/{name}")
        check(f"anonymous creation of {name} is 4xx", 400 <= status < 500, True)
    check("a taken name is InvalidBucketName", code(s3.create_bucket, Bucket="minio")[0], "InvalidBucketName")


def objects():
    body = os.urandom(300_000)
    put = s3.put_object(Bucket=BUCKET, Key="a/one", Body=body, ContentType="text/x-test", CacheControl="max-age=5",
                        ContentDisposition="inline", ContentEncoding="gzip", ContentLanguage="de",
                        Metadata={"colour": "blue", "empty": ""})
    check("the ETag of a PUT is its MD5", put["ETag"], f'"{hashlib.md5(body).hexdigest()}"')
    head = s3.head_object(Bucket=BUCKET, Key="a/one")
    check("head tells length, type and headers",
          [head["ContentLength"], head["ContentType"], head["CacheControl"], head["ContentDisposition"], head["ContentEncoding"], head["ContentLanguage"]],
          [300_000, "text/x-test", "max-age=5", "inline", "gzip", "de"])
    check("user metadata", head["Metadata"], {"colour": "blue", "empty": ""})
    check("get gives the bytes", get("a/one") == body, True)
    check("a range", get("a/one", Range="bytes=10-19") == body[10:20], True)
    check("an open range", get("a/one", Range="bytes=299990-") == body[299_990:], True)
    check("a suffix range", get("a/one", Range="bytes=-7") == body[-7:], True)
    check("a range that ends beyond the object is cut", get("a/one", Range="bytes=299999-400000") == body[-1:], True)
    partial = s3.get_object(Bucket=BUCKET, Key="a/one", Range="bytes=5-8")
    check("206 with Content-Range", (partial["ResponseMetadata"]["HTTPStatusCode"], partial["ContentRange"]), (206, "bytes 5-8/300000"))
    check("a range outside is 416", code(s3.get_object, Bucket=BUCKET, Key="a/one", Range="bytes=300000-"), ("InvalidRange", 416))
    check("part 1 of a single PUT is all of it", s3.head_object(Bucket=BUCKET, Key="a/one", PartNumber=1)["ContentLength"], 300_000)
    check("an override of the answer's headers",
          s3.get_object(Bucket=BUCKET, Key="a/one", ResponseContentType="x/y", ResponseContentDisposition="attachment")["ContentType"], "x/y")
    check("no such key", code(s3.get_object, Bucket=BUCKET, Key="a/none"), ("NoSuchKey", 404))
    check("head of a directory is 404", code(s3.head_object, Bucket=BUCKET, Key="a"), ("404", 404))
    check("head of a directory with a slash is 404", code(s3.head_object, Bucket=BUCKET, Key="a/"), ("404", 404))
    check("head below an object is 404", code(s3.head_object, Bucket=BUCKET, Key="a/one/two"), ("404", 404))
    check("a key below an object is 409", code(s3.put_object, Bucket=BUCKET, Key="a/one/two", Body=b"x")[1], 409)
    check("a key that is a directory is 409", code(s3.put_object, Bucket=BUCKET, Key="a", Body=b"x")[1], 409)
    s3.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    check("an empty object", (get("empty"), s3.head_object(Bucket=BUCKET, Key="empty")["ContentLength"]), (b"", 0))
    check("a range of an empty object is 416", code(s3.get_object, Bucket=BUCKET, Key="empty", Range="bytes=0-0"), ("InvalidRange", 416))
    odd = "odd/ü + %20&?#=;:@,'\"<>\\ .txt"
    s3.put_object(Bucket=BUCKET, Key=odd, Body=b"odd")
    check("an odd key", get(odd), b"odd")
    check("an odd key is listed as it is", [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix="odd/")["Contents"]], [odd])
    for algorithm in ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"]:
        try:
            put = s3.put_object(Bucket=BUCKET, Key="sum", Body=body, ChecksumAlgorithm=algorithm)
        except Exception as error:
            check(f"checksum {algorithm}", repr(error)[:200], "computed by the client") if "awscrt" not in repr(error).lower() and "crt" not in repr(error).lower() else print(f"note {algorithm} needs another library in the client")
            continue
        field = f"Checksum{algorithm}"
        head = s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
        check(f"checksum {algorithm} is kept", (field in put, head.get(field)), (True, put.get(field)))
    check("a wrong checksum is refused", code(s3.put_object, Bucket=BUCKET, Key="sum", Body=b"x", ChecksumCRC32="AAAAAA=="), ("BadDigest", 400))
    check("a wrong MD5 is refused", code(s3.put_object, Bucket=BUCKET, Key="sum", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg=="), ("BadDigest", 400))
    check("a refused PUT changes nothing", get("sum") == body, True)
    attributes = s3.get_object_attributes(Bucket=BUCKET, Key="a/one", ObjectAttributes=["ETag", "ObjectSize", "StorageClass"])
    check("object attributes", (attributes["ObjectSize"], attributes["StorageClass"]), (300_000, "STANDARD"))
    check("too much metadata is refused", code(s3.put_object, Bucket=BUCKET, Key="meta", Body=b"", Metadata={"k": "v" * 3000})[0], "MetadataTooLarge")
    for named, what in [({"ServerSideEncryption": "AES256"}, "encryption"), ({"Tagging": "a=b"}, "tagging"), ({"StorageClass": "GLACIER"}, "a storage class"), ({"ACL": "public-read"}, "a public ACL")]:
        check(f"{what} is refused by name", code(s3.put_object, Bucket=BUCKET, Key="meta", Body=b"", **named), ("NotImplemented", 501))
    big = os.urandom(9_000_000)
    s3.put_object(Bucket=BUCKET, Key="big", Body=big)
    check("nine megabytes", get("big") == big, True)
    check("a range across chunks", get("big", Range="bytes=262143-786433") == big[262_143:786_434], True)
    check("the same by presigned URL", urllib.request.urlopen(s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "big"})).read() == big, True)
    s3.delete_object(Bucket=BUCKET, Key="big")


def conditions():
    first = s3.put_object(Bucket=BUCKET, Key="c", Body=b"1", IfNoneMatch="*")["ETag"]
    check("If-None-Match: * on an existing key is 412", code(s3.put_object, Bucket=BUCKET, Key="c", Body=b"2", IfNoneMatch="*"), ("PreconditionFailed", 412))
    check("If-Match with another ETag is 412", code(s3.put_object, Bucket=BUCKET, Key="c", Body=b"2", IfMatch='"0"'), ("PreconditionFailed", 412))
    check("If-Match with the ETag passes", code(s3.put_object, Bucket=BUCKET, Key="c", Body=b"2", IfMatch=first), ("ok", 200))
    check("If-Match on a missing key is 404", code(s3.put_object, Bucket=BUCKET, Key="c-none", Body=b"2", IfMatch=first), ("NoSuchKey", 404))
    check("If-None-Match with an ETag on a write is not served", code(s3.put_object, Bucket=BUCKET, Key="c", Body=b"2", IfNoneMatch=first)[1], 501)
    head = s3.head_object(Bucket=BUCKET, Key="c")
    etag, modified = head["ETag"], head["LastModified"]
    past, future = modified - datetime.timedelta(days=1), modified + datetime.timedelta(days=1)
    for call, none in [(s3.get_object, "304"), (s3.head_object, "304")]:
        name = call.__name__
        check(f"{name} If-None-Match is 304", code(call, Bucket=BUCKET, Key="c", IfNoneMatch=etag), (none, 304))
        check(f"{name} If-None-Match of another passes", code(call, Bucket=BUCKET, Key="c", IfNoneMatch='"0"')[0], "ok")
        check(f"{name} If-Match of another is 412", code(call, Bucket=BUCKET, Key="c", IfMatch='"0"')[1], 412)
        check(f"{name} If-Modified-Since future is 304", code(call, Bucket=BUCKET, Key="c", IfModifiedSince=modified), (none, 304))
        check(f"{name} If-Modified-Since past passes", code(call, Bucket=BUCKET, Key="c", IfModifiedSince=past)[0], "ok")
        check(f"{name} If-Unmodified-Since past is 412", code(call, Bucket=BUCKET, Key="c", IfUnmodifiedSince=past)[1], 412)
        check(f"{name} If-Unmodified-Since future passes", code(call, Bucket=BUCKET, Key="c", IfUnmodifiedSince=future)[0], "ok")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for round in range(8):
            key = f"race/{round}"
            racers = [pool.submit(code, s3.put_object, Bucket=BUCKET, Key=key, Body=str(n).encode(), IfNoneMatch="*") for n in range(16)]
            outcome = [r.result() for r in racers]
            winner = [n for n, o in enumerate(outcome) if o[0] == "ok"]
            if round == 0 or len(winner) != 1:
                check("sixteen writers, one winner", (len(winner), sorted(set(o[1] for o in outcome))), (1, [200, 412]))
            check(f"race {round}: the winner's bytes stay", get(key), str(winner[0]).encode())
        start = s3.put_object(Bucket=BUCKET, Key="race/match", Body=b"start")["ETag"]
        racers = [pool.submit(code, s3.put_object, Bucket=BUCKET, Key="race/match", Body=str(n).encode(), IfMatch=start) for n in range(16)]
        check("sixteen If-Match writers, one winner", sum(r.result()[0] == "ok" for r in racers), 1)
    check("delete with another ETag is 412", code(s3.delete_object, Bucket=BUCKET, Key="c", IfMatch='"0"')[1], 412)
    check("delete with the ETag", code(s3.delete_object, Bucket=BUCKET, Key="c", IfMatch=etag)[0], "ok")


def listing():
    keys = sorted(["l/a", "l/a-b", "l/a.txt", "l/a/1", "l/a/2/x", "l/a0", "l/b/1", "l/z", "l/\u00fc"] + [f"l/many/{n:03}" for n in range(50)], key=lambda k: k.encode())
    keys.remove("l/a")  # it would be a file and a directory
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    pages = lambda name, **named: [p for p in s3.get_paginator(name).paginate(Bucket=BUCKET, **named)]
    names = lambda pages: [o["Key"] for p in pages for o in p.get("Contents", [])]
    prefixes = lambda pages: [c["Prefix"] for p in pages for c in p.get("CommonPrefixes", [])]
    check("all keys in byte order", names(pages("list_objects_v2", Prefix="l/")), keys)
    for size in [1, 2, 3, 7]:
        p = pages("list_objects_v2", Prefix="l/", PaginationConfig={"PageSize": size})
        check(f"pages of {size}", (names(p), all(x["KeyCount"] <= size for x in p)), (keys, True))
        p = pages("list_objects", Prefix="l/", PaginationConfig={"PageSize": size})
        check(f"version 1, pages of {size}", names(p), keys)
        p = pages("list_objects_v2", Prefix="l/", Delimiter="/", PaginationConfig={"PageSize": size})
        check(f"delimiter, pages of {size}", (names(p), prefixes(p)), ([k for k in keys if "/" not in k[2:]], ["l/a/", "l/b/", "l/many/"]))
        p = pages("list_objects", Prefix="l/", Delimiter="/", PaginationConfig={"PageSize": size})
        check(f"version 1, delimiter, pages of {size}", (names(p), prefixes(p)), ([k for k in keys if "/" not in k[2:]], ["l/a/", "l/b/", "l/many/"]))
        p = pages("list_object_versions", Prefix="l/", PaginationConfig={"PageSize": size})
        check(f"versions, pages of {size}", [(v["Key"], v["VersionId"], v["IsLatest"]) for x in p for v in x.get("Versions", [])], [(k, "null", True) for k in keys])
        p = pages("list_objects_v2", Prefix="l/many/", Delimiter="0", PaginationConfig={"PageSize": size})
        check(f"another delimiter, pages of {size}", (names(p), prefixes(p)), naive(keys, "l/many/", "0"))
    for prefix, delimiter in [("l/a", "/"), ("l/a", ""), ("l/a/", "/"), ("l", "/"), ("", "/"), ("l/m", "an"), ("l/none", "/"), ("l//", "/"), ("l/../", ""), ("/", "/"), ("l/many/04", "")]:
        p = pages("list_objects_v2", Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": 4})
        have = names(pages("list_objects_v2"))
        check(f"prefix {prefix!r}, delimiter {delimiter!r}", (names(p), prefixes(p)), naive(have, prefix, delimiter))
    for after in ["l/a-b", "l/a/", "l/a/1", "l/b", "l/many/049", "l/zz", "l/a/2", "l/a/2/w", "l/"]:
        check(f"start after {after}", names(pages("list_objects_v2", Prefix="l/", StartAfter=after)), [k for k in keys if k.encode() > after.encode()])
    check("no keys at all", s3.list_objects_v2(Bucket=BUCKET, MaxKeys=0).get("KeyCount"), 0)
    check("a foreign token is 400", code(s3.list_objects_v2, Bucket=BUCKET, ContinuationToken="%%%")[1], 400)
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="l/z", FetchOwner=True)["Contents"][0]
    head = s3.head_object(Bucket=BUCKET, Key="l/z")
    check("a listed object is the one that head tells", (listed["ETag"], listed["Size"], listed["LastModified"].replace(microsecond=0), "Owner" in listed), (head["ETag"], head["ContentLength"], head["LastModified"], True))
    s3.put_object(Bucket=BUCKET, Key="plus/a+b c", Body=b"")
    status, _, text = signed_get(f"/{BUCKET}?list-type=2&prefix=plus%2F&encoding-type=url")
    check("encoding-type=url writes a plus as %2B", (status, b"<Key>plus/a%2Bb%20c</Key>" in text), (200, True))


def empty_parts():
    keys = sorted(["/", "/a", "//a", "e//", "e//b", "e///b", "e/-", "e/0", "e/b/c", "e/\u00fc//c"], key=lambda k: k.encode())
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"" if key.endswith("/") else key.encode())
    check("keys with empty parts are read", [get(k).decode() for k in keys], ["" if k.endswith("/") else k for k in keys])
    check("they are not their neighbours", [code(s3.head_object, Bucket=BUCKET, Key=k)[1] for k in ["a", "e/b", "e//c", "///a"]], [404] * 4)
    pages = lambda name, **named: [p for p in s3.get_paginator(name).paginate(Bucket=BUCKET, **named)]
    names = lambda pages: [o["Key"] for p in pages for o in p.get("Contents", [])]
    prefixes = lambda pages: [c["Prefix"] for p in pages for c in p.get("CommonPrefixes", [])]
    have = names(pages("list_objects_v2"))
    check("keys with empty parts are listed in byte order", [k for k in have if k in keys], keys)
    for prefix in ["", "/", "//", "e/", "e//", "e///", "e"]:
        for delimiter in ["", "/", "//", "b"]:
            for size in [1, 3]:
                p = pages("list_objects_v2", Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size})
                check(f"prefix {prefix!r}, delimiter {delimiter!r}, pages of {size}", (names(p), prefixes(p)), naive(have, prefix, delimiter))
    for after in ["/", "e/", "e//", "e//a", "e///"]:
        check(f"start after {after}", names(pages("list_objects_v2", StartAfter=after)), [k for k in have if k.encode() > after.encode()])
    s3.copy_object(Bucket=BUCKET, Key="e//copy", CopySource={"Bucket": BUCKET, "Key": "e///b"})
    check("a copy", get("e//copy"), b"e///b")
    upload = {"Bucket": BUCKET, "Key": "e//large"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    tag = s3.upload_part(PartNumber=1, Body=b"part", **upload)["ETag"]
    s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]}, **upload)
    check("an upload in parts", get("e//large"), b"part")
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": k} for k in keys + ["e//copy", "e//large"]]})
    check("bulk delete", (len(answer["Deleted"]), answer.get("Errors")), (len(keys) + 2, None))
    check("nothing stays", [k for k in names(pages("list_objects_v2")) if k.startswith(("/", "e/"))], [])


def naive(keys, prefix, delimiter):
    found, folded = [], []
    for key in keys:
        if not key.startswith(prefix):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            found.append(key)
        elif key[:cut + len(delimiter)] not in folded:
            folded.append(key[:cut + len(delimiter)])
    return found, folded


def signed_get(path):
    request = botocore.awsrequest.AWSRequest("GET", URL + path, headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(ACCESS, SECRET), "s3", "us-east-1").add_auth(request)
    return raw("GET", path, dict(request.headers))


def deleting():
    for key in ["d/x/y/z", "d/x/keep", "d/gone"]:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    check("delete", code(s3.delete_object, Bucket=BUCKET, Key="d/x/y/z"), ("ok", 204))
    check("delete again", code(s3.delete_object, Bucket=BUCKET, Key="d/x/y/z"), ("ok", 204))
    check("delete of a directory's name removes nothing", (code(s3.delete_object, Bucket=BUCKET, Key="d/x")[1], get("d/x/keep")), (204, b""))
    left = [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix="d/")["Contents"]]
    check("what was not deleted stays", left, ["d/gone", "d/x/keep"])
    for n in range(30):
        s3.put_object(Bucket=BUCKET, Key=f"bulk/{n % 3}/{n}", Body=b"")
    wanted = [{"Key": f"bulk/{n % 3}/{n}"} for n in range(30)] + [{"Key": "bulk/none"}, {"Key": "bulk/../x"}]
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": wanted})
    check("bulk delete tells each key", (len(answer["Deleted"]), [(e["Key"], e["Code"]) for e in answer["Errors"]]), (31, [("bulk/../x", "InvalidArgument")]))
    check("bulk delete removed all", s3.list_objects_v2(Bucket=BUCKET, Prefix="bulk/")["KeyCount"], 0)
    check("a key may take the place of an empty directory", code(s3.put_object, Bucket=BUCKET, Key="bulk", Body=b"file")[0], "ok")
    s3.delete_object(Bucket=BUCKET, Key="bulk")


def markers():
    check("make a marker", code(s3.put_object, Bucket=BUCKET, Key="m/dir/", Body=b""), ("ok", 200))
    check("head a marker", s3.head_object(Bucket=BUCKET, Key="m/dir/")["ContentLength"], 0)
    check("a marker is listed", [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix="m/")["Contents"]], ["m/dir/"])
    s3.put_object(Bucket=BUCKET, Key="m/dir/x", Body=b"x")
    s3.delete_object(Bucket=BUCKET, Key="m/dir/x")
    check("a marker outlives its last key", [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, Prefix="m/")["Contents"]], ["m/dir/"])
    check("an empty delimiter is none", "Delimiter" in s3.list_objects(Bucket=BUCKET, Prefix="m/", Delimiter=""), False)
    p = s3.list_objects_v2(Bucket=BUCKET, Prefix="m/dir/", Delimiter="/")
    check("a marker under its own prefix is a key", [o["Key"] for o in p["Contents"]], ["m/dir/"])
    p = s3.list_objects_v2(Bucket=BUCKET, Prefix="m/", Delimiter="/")
    check("a marker above is a prefix", [c["Prefix"] for c in p["CommonPrefixes"]], ["m/dir/"])
    check("a marker with bytes is refused", code(s3.put_object, Bucket=BUCKET, Key="m/full/", Body=b"x")[1], 400)
    check("If-None-Match holds for markers", code(s3.put_object, Bucket=BUCKET, Key="m/dir/", Body=b"", IfNoneMatch="*")[1], 412)
    check("delete a marker", code(s3.delete_object, Bucket=BUCKET, Key="m/dir/")[1], 204)
    check("a deleted marker is gone", (code(s3.head_object, Bucket=BUCKET, Key="m/dir/")[1], s3.list_objects_v2(Bucket=BUCKET, Prefix="m/")["KeyCount"]), (404, 0))


def copies():
    s3.put_object(Bucket=BUCKET, Key="copy/ü+ 1", Body=b"source", ContentType="x/1", Metadata={"a": "1"})
    source = {"Bucket": BUCKET, "Key": "copy/ü+ 1"}
    s3.copy_object(Bucket=BUCKET, Key="copy/2", CopySource=source)
    head = s3.head_object(Bucket=BUCKET, Key="copy/2")
    check("a copy keeps bytes, type, metadata and ETag", (get("copy/2"), head["ContentType"], head["Metadata"], head["ETag"]), (b"source", "x/1", {"a": "1"}, f'"{hashlib.md5(b"source").hexdigest()}"'))
    s3.copy_object(Bucket=BUCKET, Key="copy/2", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"}, ContentType="x/2")
    head = s3.head_object(Bucket=BUCKET, Key="copy/2")
    check("a copy with REPLACE", (head["ContentType"], head["Metadata"]), ("x/2", {"b": "2"}))
    check("a copy onto itself needs REPLACE", code(s3.copy_object, Bucket=BUCKET, Key="copy/2", CopySource={"Bucket": BUCKET, "Key": "copy/2"}), ("InvalidRequest", 400))
    check("a copy onto itself with REPLACE", code(s3.copy_object, Bucket=BUCKET, Key="copy/2", CopySource={"Bucket": BUCKET, "Key": "copy/2"}, MetadataDirective="REPLACE", ContentType="x/3")[0], "ok")
    check("a copy of nothing is 404", code(s3.copy_object, Bucket=BUCKET, Key="copy/3", CopySource={"Bucket": BUCKET, "Key": "copy/none"}), ("NoSuchKey", 404))
    check("copy-source-if-match is 412", code(s3.copy_object, Bucket=BUCKET, Key="copy/3", CopySource=source, CopySourceIfMatch='"0"')[1], 412)
    check("a copy with If-None-Match onto an existing key is 412", code(s3.copy_object, Bucket=BUCKET, Key="copy/2", CopySource=source, IfNoneMatch="*")[1], 412)
    check("a copy with If-None-Match onto a free key", code(s3.copy_object, Bucket=BUCKET, Key="copy/4", CopySource=source, IfNoneMatch="*")[0], "ok")


def uploads():
    part = os.urandom(5 << 20)
    last = b"the last part"
    for algorithm in [None, "CRC32", "SHA256"]:
        more = {"ChecksumAlgorithm": algorithm} if algorithm else {}
        key = f"mp/{algorithm}"
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key, ContentType="x/mp", Metadata={"m": "p"}, **more)["UploadId"]
        named = {"Bucket": BUCKET, "Key": key, "UploadId": upload}
        parts = []
        for number, body in [(1, part), (2, part), (5, last)]:
            answer = s3.upload_part(PartNumber=number, Body=body, **named, **more)
            parts.append({"PartNumber": number, "ETag": answer["ETag"], **({f"Checksum{algorithm}": answer[f"Checksum{algorithm}"]} if algorithm else {})})
        listed = s3.list_parts(**named)
        check(f"{key}: parts are listed", [(p["PartNumber"], p["Size"], p["ETag"]) for p in listed["Parts"]], [(p["PartNumber"], len(b), p["ETag"]) for p, b in zip(parts, [part, part, last])])
        page = s3.list_parts(MaxParts=1, PartNumberMarker=1, **named)
        check(f"{key}: a page of parts", ([p["PartNumber"] for p in page["Parts"]], page["IsTruncated"]), ([2], True))
        check(f"{key}: uploads are listed", [u["Key"] for u in s3.list_multipart_uploads(Bucket=BUCKET, Prefix="mp/")["Uploads"]], [key])
        check(f"{key}: nothing is visible before it is complete", code(s3.head_object, Bucket=BUCKET, Key=key)[1], 404)
        swapped = [parts[1], parts[0], parts[2]]
        check(f"{key}: parts out of order", code(s3.complete_multipart_upload, MultipartUpload={"Parts": swapped}, **named), ("InvalidPartOrder", 400))
        wrong = [dict(parts[0], ETag='"0"'), *parts[1:]]
        check(f"{key}: a wrong ETag", code(s3.complete_multipart_upload, MultipartUpload={"Parts": wrong}, **named), ("InvalidPart", 400))
        done = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **named)
        digests = b"".join(hashlib.md5(b).digest() for b in [part, part, last])
        check(f"{key}: the ETag of three parts", done["ETag"], f'"{hashlib.md5(digests).hexdigest()}-3"')
        check(f"{key}: the bytes", get(key) == part + part + last, True)
        head = s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
        check(f"{key}: headers and checksum", (head["ContentType"], head["Metadata"], head.get(f"Checksum{algorithm}", "-3")[-2:]), ("x/mp", {"m": "p"}, "-3"))
        check(f"{key}: part 2 by number", s3.get_object(Bucket=BUCKET, Key=key, PartNumber=2)["Body"].read() == part, True)
        check(f"{key}: completing again answers the same", s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **named)["ETag"], done["ETag"])
        check(f"{key}: no upload is left", s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads"), None)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="mp/small")["UploadId"]
    named = {"Bucket": BUCKET, "Key": "mp/small", "UploadId": upload}
    small = [{"PartNumber": n, "ETag": s3.upload_part(PartNumber=n, Body=b"small", **named)["ETag"]} for n in (1, 2)]
    check("parts that are too small", code(s3.complete_multipart_upload, MultipartUpload={"Parts": small}, **named), ("EntityTooSmall", 400))
    again = s3.upload_part(PartNumber=1, Body=b"another", **named)["ETag"]
    check("a part is replaced by the next of its number", [p["ETag"] for p in s3.list_parts(**named)["Parts"]], [again, small[1]["ETag"]])
    check("part 0", code(s3.upload_part, PartNumber=0, Body=b"", **named)[1], 400)
    check("part 10001", code(s3.upload_part, PartNumber=10001, Body=b"", **named)[1], 400)
    for outside in ["bytes=0-99999999", "bytes=9-3", "bytes=5-", "bytes=-5"]:
        check(f"a part is not copied from {outside}", 400 <= code(s3.upload_part_copy, PartNumber=3, CopySource={"Bucket": BUCKET, "Key": "mp/None"}, CopySourceRange=outside, **named)[1] < 500, True)
    copied = s3.upload_part_copy(PartNumber=3, CopySource={"Bucket": BUCKET, "Key": "mp/None"}, CopySourceRange="bytes=0-6", **named)
    check("a part copied from an object", copied["CopyPartResult"]["ETag"], f'"{hashlib.md5(part[:7]).hexdigest()}"')
    check("abort", code(s3.abort_multipart_upload, **named), ("ok", 204))
    check("abort again is 404", code(s3.abort_multipart_upload, **named), ("NoSuchUpload", 404))
    check("an upload that never was", code(s3.upload_part, Bucket=BUCKET, Key="x", UploadId="../../../etc", PartNumber=1, Body=b""), ("NoSuchUpload", 404))
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="mp/None")["UploadId"]
    named = {"Bucket": BUCKET, "Key": "mp/None", "UploadId": upload}
    only = [{"PartNumber": 1, "ETag": s3.upload_part(PartNumber=1, Body=b"small", **named)["ETag"]}]
    check("completing with If-None-Match over an object is 412", code(s3.complete_multipart_upload, MultipartUpload={"Parts": only}, IfNoneMatch="*", **named), ("PreconditionFailed", 412))
    check("the upload is still there", code(s3.complete_multipart_upload, MultipartUpload={"Parts": only}, **named)[0], "ok")


def hostile():
    for key in ["../x", "a/../../x", "..", "a//..", "/../etc/passwd", "./x", "a/.", "n\0l", ".lakeshare/tmp/x", "a/.lakeshare-empty/x", "y" * 1025, "z" * 256]:
        for call, named in [(s3.put_object, {"Body": b"x"}), (s3.get_object, {}), (s3.delete_object, {}), (s3.head_object, {})]:
            status = code(call, Bucket=BUCKET, Key=key, **named)[1]
            if not 400 <= status < 500:
                check(f"{call.__name__} {key[:20]!r} is 4xx", status, "4xx")
    check("hostile keys are 4xx", True, True)
    for path in ["/.lakeshare/", "/_admin-of-nothing/x", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/x", f"/{BUCKET}/%2e%2e/%2e%2e/etc/passwd", f"/{BUCKET}/%ff%fe", "//", "/%00"]:
        status, _, _ = signed_get(path)
        check(f"signed GET {path} is 4xx", 400 <= status < 500, True)
    check("a long key is named so", code(s3.put_object, Bucket=BUCKET, Key="z" * 256, Body=b""), ("KeyTooLongError", 400))


def framed(key, chunks, trailer, secret=SECRET, length=None):
    """A PUT with unsigned chunks and a checksum after them, as SDKs send it over HTTPS: (status, code)."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer + b"\r\n\r\n"
    size = sum(map(len, chunks)) if length is None else length
    request = botocore.awsrequest.AWSRequest("PUT", f"{URL}/{BUCKET}/{key}", headers={
        "content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(size), "x-amz-trailer": "x-amz-checksum-sha256"})
    request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
    signer = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(ACCESS, secret), "s3", "us-east-1")
    request.url = request.url.replace("http://", "https://")
    signer.add_auth(request)
    check_type = request.headers["X-Amz-Content-SHA256"]
    assert check_type == "STREAMING-UNSIGNED-PAYLOAD-TRAILER", check_type
    status, _, text = raw("PUT", f"/{BUCKET}/{key}", dict(request.headers), body)
    found = text.decode().partition("<Code>")[2].partition("</Code>")[0]
    return status, found


def framing():
    import base64
    sha = lambda body: b"x-amz-checksum-sha256:" + base64.b64encode(hashlib.sha256(body).digest())
    big = os.urandom(20_000_000)
    check("one chunk of twenty megabytes", (framed("f", [big], sha(big)), get("f") == big), ((200, ""), True))
    check("the framing is not kept as the encoding", s3.head_object(Bucket=BUCKET, Key="f").get("ContentEncoding"), None)
    small = [b"a", b"bc", b"def"]
    check("small chunks", (framed("f", small, sha(b"abcdef")), get("f")), ((200, ""), b"abcdef"))
    check("a wrong checksum after the body", framed("f", small, sha(b"other")), (400, "BadDigest"))
    check("a promised checksum that does not come", framed("f", small, b"x-amz-checksum-crc32:AAAAAA=="), (400, "BadDigest"))
    check("a body shorter than announced", framed("f", small, sha(b"abcdef"), length=7), (400, "IncompleteBody"))
    check("unsigned chunks need a right signature in the head", framed("f", small, sha(b"abcdef"), secret="wrong"), (403, "SignatureDoesNotMatch"))
    check("none of them changed the object", get("f"), b"abcdef")


def credentials():
    check("anonymous is 403", raw("GET", f"/{BUCKET}")[0], 403)
    check("a wrong secret", code(client(secret="wrong").list_objects_v2, Bucket=BUCKET), ("SignatureDoesNotMatch", 403))
    check("an unknown key", code(client(access="nobody").list_objects_v2, Bucket=BUCKET), ("InvalidAccessKeyId", 403))
    check("any region", code(client(region="eu-central-1").list_objects_v2, Bucket=BUCKET)[0], "ok")
    s3.put_object(Bucket=BUCKET, Key="p", Body=b"presigned")
    for version in ["s3v4", "s3"]:
        signer = client(signature_version=version)
        url = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "p"}, ExpiresIn=60)
        check(f"{version}: presigned GET", urllib.request.urlopen(url).read(), b"presigned")
        check(f"{version}: presigned for another key is 403", status_of(url.replace("/p?", "/a/one?")), 403)
        check(f"{version}: presigned with more in its query is 403", status_of(url + "&uploads="), 403)
        expired = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "p"}, ExpiresIn=1)
        put = signer.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "p-put"})
        request = urllib.request.Request(put, data=b"by url", method="PUT", headers={"Content-Type": ""})
        check(f"{version}: presigned PUT", (urllib.request.urlopen(request).status, get("p-put")), (200, b"by url"))
        request = urllib.request.Request(put, data=b"", method="PUT", headers={"Content-Type": "", "x-amz-copy-source": f"{BUCKET}/p"})
        check(f"{version}: an unsigned header cannot make a copy of it", status_of(request), 403)
        time.sleep(2.1)
        check(f"{version}: expired is 403", status_of(expired), 403)
    old = client(signature_version="s3")
    check("version 2 in headers is refused", code(old.list_objects_v2, Bucket=BUCKET)[1], 403)
    head = s3.generate_presigned_url("head_object", Params={"Bucket": BUCKET, "Key": "p"})
    check("presigned HEAD", urllib.request.urlopen(urllib.request.Request(head, method="HEAD")).headers["Content-Length"], "9")


def status_of(request):
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


def end():
    check("a bucket with objects stays", code(s3.delete_bucket, Bucket=BUCKET), ("BucketNotEmpty", 409))
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        if page.get("Contents"):
            s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": o["Key"]} for o in page["Contents"]], "Quiet": True})
    check("an empty bucket goes", code(s3.delete_bucket, Bucket=BUCKET), ("ok", 204))
    check("and is gone", code(s3.head_bucket, Bucket=BUCKET)[1], 404)


checks.steps(buckets, objects, conditions, listing, deleting, markers, copies, uploads, empty_parts, hostile, framing, credentials, end)
checks.finish("s3_boto3")
