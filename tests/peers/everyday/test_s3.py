"""S3, by the AWS CLI and boto3."""

import hashlib
import io
import json
import os
import re

import boto3
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from conftest import ENDPOINT

MEGABYTE = 1024 * 1024
# Bytes that repeat nowhere, so that swapped parts show.
LARGE = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(20 * MEGABYTE // 32))


@pytest.fixture
def large(tmp_path):
    """A file of 20 MB, which the CLI and boto3 send in parts."""
    path = tmp_path / "large.bin"
    path.write_bytes(LARGE)
    return path


def sum_of(data):
    return hashlib.sha256(data).hexdigest()


def read(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def test_cli_makes_lists_and_removes_a_bucket(aws, name):
    assert aws("s3", "mb", f"s3://{name}").text == f"make_bucket: {name}\n"
    assert re.search(rf"^\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d {name}$", aws("s3", "ls").text, re.M)
    assert aws("s3", "rb", f"s3://{name}").text == f"remove_bucket: {name}\n"


def test_cli_does_not_remove_a_full_bucket_unless_forced(aws, s3, name):
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a")
    refused = aws("s3", "rb", f"s3://{name}")
    assert refused.code == 1
    assert "(BucketNotEmpty)" in refused.error
    assert aws("s3", "rb", f"s3://{name}", "--force").code == 0


def test_cli_copies_up_down_and_lists(aws, bucket, tmp_path):
    (tmp_path / "a b.txt").write_text("hello")
    assert "upload: " in aws("s3", "cp", tmp_path / "a b.txt", f"s3://{bucket}/in/a b.txt").text
    assert aws("s3", "ls", f"s3://{bucket}").text.split() == ["PRE", "in/"]
    assert aws("s3", "ls", f"s3://{bucket}/in/").text.split()[2:] == ["5", "a", "b.txt"]
    assert aws("s3", "cp", f"s3://{bucket}/in/a b.txt", "-").text == "hello"
    assert aws("s3", "ls", f"s3://{bucket}/none/").code == 1


def test_cli_copies_standard_input(aws, s3, bucket):
    assert aws("s3", "cp", "-", f"s3://{bucket}/a.json", "--content-type", "application/json", stdin="{}").code == 0
    assert s3.head_object(Bucket=bucket, Key="a.json")["ContentType"] == "application/json"


def test_cli_copies_20_megabytes_up_across_and_down(aws, s3, bucket, large, tmp_path):
    assert aws("s3", "cp", large, f"s3://{bucket}/one").code == 0
    across = aws("s3", "cp", f"s3://{bucket}/one", f"s3://{bucket}/two")
    assert (across.code, across.error) == (0, "")
    assert aws("s3", "cp", f"s3://{bucket}/two", tmp_path / "down").code == 0
    assert sum_of((tmp_path / "down").read_bytes()) == sum_of(LARGE)
    assert s3.head_object(Bucket=bucket, Key="two")["ETag"].endswith('-3"')


def test_cli_moves_between_keys(aws, s3, bucket):
    s3.put_object(Bucket=bucket, Key="from", Body=b"x", ContentType="text/csv", Metadata={"a": "b"})
    assert aws("s3", "mv", f"s3://{bucket}/from", f"s3://{bucket}/to").code == 0
    moved = s3.head_object(Bucket=bucket, Key="to")
    assert (moved["ContentType"], moved["Metadata"]) == ("text/csv", {"a": "b"})
    with pytest.raises(ClientError) as refused:
        s3.head_object(Bucket=bucket, Key="from")
    assert code_of(refused) == "404"


def test_cli_syncs_both_ways(aws, s3, bucket, tmp_path):
    (tmp_path / "up/deep").mkdir(parents=True)
    (tmp_path / "up/a").write_text("a")
    (tmp_path / "up/deep/ü").write_text("ü")
    assert aws("s3", "sync", tmp_path / "up", f"s3://{bucket}/up").text.count("upload: ") == 2
    assert aws("s3", "sync", tmp_path / "up", f"s3://{bucket}/up").text == ""
    (tmp_path / "up/a").unlink()
    assert "delete: " in aws("s3", "sync", "--delete", tmp_path / "up", f"s3://{bucket}/up").text
    assert aws("s3", "sync", f"s3://{bucket}/up", tmp_path / "down").code == 0
    assert (tmp_path / "down/deep/ü").read_text() == "ü"
    assert aws("s3", "sync", f"s3://{bucket}/up", f"s3://{bucket}/copy").text.count("copy: ") == 1


def test_cli_removes_recursively(aws, s3, bucket):
    for key in ("logs/1", "logs/2", "keep"):
        s3.put_object(Bucket=bucket, Key=key)
    assert aws("s3", "rm", f"s3://{bucket}/logs/", "--recursive").text.count("delete: ") == 2
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["keep"]


def test_cli_presigns(aws, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b", Body=b"hello")
    url = aws("s3", "presign", f"s3://{bucket}/a b", "--expires-in", "60").text.strip()
    assert "X-Amz-Signature=" in url
    assert requests.get(url, timeout=10).content == b"hello"
    assert requests.get(url.replace("a%20b", "other"), timeout=10).status_code == 403


def test_cli_puts_heads_and_deletes_an_object(aws, bucket, tmp_path):
    (tmp_path / "a").write_text("hello")
    words = ("--bucket", bucket, "--key", "a")
    put = aws("s3api", "put-object", *words, "--body", tmp_path / "a", "--metadata", "by=me").json
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    head = aws("s3api", "head-object", *words).json
    assert (head["ContentLength"], head["Metadata"], head["ETag"]) == (5, {"by": "me"}, put["ETag"])
    assert aws("s3api", "delete-object", *words).text == ""
    gone = aws("s3api", "head-object", *words)
    assert gone.code != 0
    assert "(404)" in gone.error and "Not Found" in gone.error


def test_cli_says_that_a_key_or_bucket_is_not_there(aws, bucket, tmp_path):
    no_key = aws("s3api", "get-object", "--bucket", bucket, "--key", "none", tmp_path / "a")
    assert "(NoSuchKey)" in no_key.error and "The specified key does not exist." in no_key.error
    no_bucket = aws("s3api", "list-objects-v2", "--bucket", f"{bucket}-none")
    assert "(NoSuchBucket)" in no_bucket.error and "The specified bucket does not exist" in no_bucket.error


def test_cli_lists_with_a_delimiter_and_pages(aws, s3, bucket):
    for key in ("a/1", "a/2", "b/1", "c"):
        s3.put_object(Bucket=bucket, Key=key)
    listed = aws("s3api", "list-objects-v2", "--bucket", bucket, "--delimiter", "/").json
    assert [entry["Prefix"] for entry in listed["CommonPrefixes"]] == ["a/", "b/"]
    assert [entry["Key"] for entry in listed["Contents"]] == ["c"]
    paged = aws("s3api", "list-objects-v2", "--bucket", bucket, "--page-size", "1").json
    assert [entry["Key"] for entry in paged["Contents"]] == ["a/1", "a/2", "b/1", "c"]


def test_cli_tags_an_object(aws, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a")
    words = ("--bucket", bucket, "--key", "a")
    assert aws("s3api", "put-object-tagging", *words, "--tagging", "TagSet=[{Key=k,Value=v}]").code == 0
    assert aws("s3api", "get-object-tagging", *words).json["TagSet"] == [{"Key": "k", "Value": "v"}]
    assert s3.get_object(Bucket=bucket, Key="a")["TagCount"] == 1


def test_cli_lists_and_aborts_unfinished_uploads(aws, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="a", UploadId=upload, PartNumber=1, Body=b"x")
    [listed] = aws("s3api", "list-multipart-uploads", "--bucket", bucket).json["Uploads"]
    assert (listed["Key"], listed["UploadId"]) == ("a", upload)
    words = ("--bucket", bucket, "--key", "a", "--upload-id", upload)
    assert [part["Size"] for part in aws("s3api", "list-parts", *words).json["Parts"]] == [1]
    assert aws("s3api", "abort-multipart-upload", *words).text.strip() == ""
    assert "Uploads" not in (aws("s3api", "list-multipart-uploads", "--bucket", bucket).json or {})


def test_cli_reads_the_attributes_of_an_object(aws, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"hello")
    words = ("--bucket", bucket, "--key", "a", "--object-attributes", "ETag", "ObjectSize", "StorageClass")
    read = aws("s3api", "get-object-attributes", *words).json
    assert (read["ETag"], read["ObjectSize"], read["StorageClass"]) == (hashlib.md5(b"hello").hexdigest(), 5, "STANDARD")


def test_cli_keeps_cors_rules(aws, bucket):
    missing = aws("s3api", "get-bucket-cors", "--bucket", bucket)
    assert "(NoSuchCORSConfiguration)" in missing.error
    rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://a.example"], "MaxAgeSeconds": 60}]}
    assert aws("s3api", "put-bucket-cors", "--bucket", bucket, "--cors-configuration", json.dumps(rules)).code == 0
    assert aws("s3api", "get-bucket-cors", "--bucket", bucket).json == rules


def test_cli_tells_where_a_bucket_is(aws, bucket):
    assert aws("s3api", "get-bucket-location", "--bucket", bucket).json == {"LocationConstraint": None}
    assert aws("s3api", "head-bucket", "--bucket", bucket).code == 0
    assert aws("s3api", "head-bucket", "--bucket", f"{bucket}-none").code != 0


def test_transfers_of_boto3_send_copy_and_fetch(s3, bucket):
    parts = TransferConfig(multipart_threshold=5 * MEGABYTE, multipart_chunksize=5 * MEGABYTE)
    s3.upload_fileobj(io.BytesIO(LARGE), bucket, "one", Config=parts, ExtraArgs={"ContentType": "text/x"})
    s3.copy({"Bucket": bucket, "Key": "one"}, bucket, "two", Config=parts)
    down = io.BytesIO()
    s3.download_fileobj(bucket, "two", down, Config=parts)
    assert sum_of(down.getvalue()) == sum_of(LARGE)


def test_ranges_and_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"0123456789")["ETag"]
    part = s3.get_object(Bucket=bucket, Key="a", Range="bytes=-3")
    assert (part["ContentRange"], part["Body"].read()) == ("bytes 7-9/10", b"789")
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket, Key="a", Range="bytes=10-")
    assert code_of(refused) == "InvalidRange"
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket, Key="a", IfNoneMatch=etag)
    assert code_of(refused) == "304"
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="a", Body=b"", IfNoneMatch="*")
    assert code_of(refused) == "PreconditionFailed"


def test_a_conditional_delete_keeps_another_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    with pytest.raises(ClientError) as refused:
        s3.delete_object(Bucket=bucket, Key="a", IfMatch='"0123456789abcdef0123456789abcdef"')
    assert code_of(refused) == "PreconditionFailed"
    assert read(s3, bucket, "a") == b"x"


def test_one_part_of_an_object(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    sizes = (5 * MEGABYTE, 7)
    sent = [
        s3.upload_part(Bucket=bucket, Key="a", UploadId=upload, PartNumber=n, Body=os.urandom(size))["ETag"]
        for n, size in enumerate(sizes, 1)
    ]
    parts = {"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(sent, 1)]}
    done = s3.complete_multipart_upload(Bucket=bucket, Key="a", UploadId=upload, MultipartUpload=parts)
    again = s3.complete_multipart_upload(Bucket=bucket, Key="a", UploadId=upload, MultipartUpload=parts)
    assert again["ETag"] == done["ETag"]
    second = s3.get_object(Bucket=bucket, Key="a", PartNumber=2)
    assert (second["ContentLength"], second["PartsCount"]) == (7, 2)


def test_waiters_and_pages(s3, bucket):
    s3.get_waiter("bucket_exists").wait(Bucket=bucket)
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{number}")
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key="k0")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [page["KeyCount"] for page in pages] == [2, 2, 1]


def test_presigned_urls_and_forms_of_boto3(s3, bucket):
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=60)
    assert requests.put(put, data=b"hello", timeout=10).status_code == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=60)
    assert requests.get(get, timeout=10).content == b"hello"
    form = s3.generate_presigned_post(bucket, "b", Conditions=[["content-length-range", 0, 3]])
    send = lambda body: requests.post(form["url"], data=form["fields"], files={"file": body}, timeout=10)
    assert send(b"123").status_code == 204
    refused = send(b"1234")
    assert refused.status_code == 400 and "EntityTooLarge" in refused.text


def test_resources_of_boto3_delete_many(bucket):
    resource = boto3.resource("s3", endpoint_url=ENDPOINT).Bucket(bucket)
    for number in range(3):
        resource.put_object(Key=f"k{number}", Body=b"x")
    [answer] = resource.objects.all().delete()
    assert sorted(entry["Key"] for entry in answer["Deleted"]) == ["k0", "k1", "k2"]
    assert "Errors" not in answer


def test_a_checksum_is_kept_and_checked(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="a", Body=b"hello", ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert got["ChecksumSHA256"] == put["ChecksumSHA256"] == "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="a", Body=b"other", ChecksumSHA256=put["ChecksumSHA256"])
    assert code_of(refused) == "BadDigest"
