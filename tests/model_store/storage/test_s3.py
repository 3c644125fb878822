"""What S3 adds to a folder: conditions on ETags, errors of a network, an endpoint of one's own."""

import gc
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from model_store import Conflict, Denied, NotFound, S3Address, Store, Temporary, open_store
from model_store.storage.s3 import S3Storage
from model_store.storage.s3_errors import translate_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def storage(aws: None, s3: "S3Client", make_bucket: Callable[[], str]) -> S3Storage:
    return S3Storage(s3, S3Address(make_bucket(), "a/b/"))


def test_a_folder_lists_files_and_folders_and_only_its_own(storage: S3Storage) -> None:
    for name in ("in/b.csv", "in/deep/c.csv", "in/a.csv", "in", "inner/d.csv", "in/"):
        storage.replace(name, b"")
    assert storage.names("in") == ["a.csv", "b.csv", "deep"]
    assert storage.names("nothing") == []


def test_names_are_taken_as_they_are(storage: S3Storage, s3: "S3Client") -> None:
    name = "März 2026/a+b (1) %20.csv"
    storage.create(name, b"x")
    assert storage.read(name) == b"x"
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=storage.address.bucket)["Contents"]]
    assert keys == [f"a/b/{name}"]


def test_a_large_file_goes_up_in_parts(storage: S3Storage, s3: "S3Client", tmp_path: Path) -> None:
    (tmp_path / "large.csv").write_bytes(bytes(17 << 20))
    storage.upload(tmp_path / "large.csv", "large.csv")
    found = s3.head_object(Bucket=storage.address.bucket, Key="a/b/large.csv")
    assert (found["ContentLength"], found["ContentType"]) == (17 << 20, "text/csv")
    assert found["ETag"].endswith('-2"')


def test_a_bucket_that_is_not_there_is_named(s3: "S3Client") -> None:
    storage = S3Storage(s3, S3Address("no-such-bucket-anywhere"))
    with pytest.raises(NotFound, match="no bucket in s3://no-such-bucket-anywhere"):
        storage.names("x")


@pytest.fixture
def unreachable(aws: None) -> "Iterator[S3Client]":
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    once = Config(retries={"total_max_attempts": 1})
    client = boto3.client("s3", endpoint_url=address, config=once)
    yield client
    client.close()


def test_a_server_that_does_not_answer_is_temporary(
    unreachable: "S3Client", tmp_path: Path
) -> None:
    storage = S3Storage(unreachable, S3Address("bucket"))
    (tmp_path / "file").write_bytes(b"x")
    for call in (
        lambda: storage.read("x"),
        lambda: storage.exists("x"),
        lambda: storage.create("x", b""),
        lambda: storage.upload(tmp_path / "file", "x"),
        lambda: storage.names("x"),
        lambda: storage.delete("x"),
    ):
        with pytest.raises(Temporary, match=r"127.0.0.1:\d+ does not answer .*; try again"):
            call()


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, Denied),
        ("403", 403, Denied),  # to HEAD there is no body that could say more
        ("InvalidObjectState", 403, Denied),
        ("SignatureDoesNotMatch", 403, Denied),
        ("KeyTooLongError", 400, Denied),
        ("ExpiredToken", 400, Temporary),
        ("RequestTimeTooSkewed", 403, Temporary),
        ("SlowDown", 503, Temporary),
        ("InternalError", 500, Temporary),
        ("", 502, Temporary),
        ("", 429, Temporary),
        ("NoSuchKey", 404, NotFound),
        ("NoSuchVersion", 404, NotFound),
        ("MethodNotAllowed", 405, NotFound),
        ("PreconditionFailed", 412, Conflict),
        ("ConditionalRequestConflict", 409, Conflict),
    ],
)
def test_each_answer_of_s3_has_one_meaning(code: str, status: int, kind: type[Exception]) -> None:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(kind, match="x"), translate_errors("read", "x", "s3://bucket"):
        raise ClientError(answer, "GetObject")


def test_a_clock_that_is_off_is_named() -> None:
    answer: Any = {"Error": {"Code": "RequestTimeTooSkewed"}}
    with (
        pytest.raises(Temporary, match="the clock of this machine is wrong"),
        translate_errors("read", "x", "s3://bucket"),
    ):
        raise ClientError(answer, "GetObject")


def test_without_credentials_trying_again_does_not_help(
    storage: S3Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(Denied, match=r"not allowed to read x .*credentials"):
        S3Storage.at(storage.address).read("x")
    gc.collect()


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_ENDPOINT_URL", "not an address"), ("AWS_PROFILE", "nobody")]
)
def test_an_environment_that_leads_nowhere_is_told(
    aws: None, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Denied, match=f"find S3 in the environment: .*{value}"):
        open_store("s3://bucket")


def test_requests_go_signed_to_the_endpoint_of_the_environment(
    storage: S3Storage, aws_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", aws_server)
    seen: list[Any] = []
    made = S3Storage.at(storage.address)
    made.client.meta.events.register("before-send.s3", lambda request, **_: seen.append(request))
    made.create("x", b"1")
    assert storage.read("x") == b"1"
    (request,) = seen
    assert request.url == f"{aws_server}/{storage.address.bucket}/a/b/x"  # host/bucket
    signed = request.headers["Authorization"]
    assert (signed if isinstance(signed, str) else signed.decode()).startswith("AWS4-HMAC-SHA256 ")
    assert "If-None-Match" in request.headers
    del made
    gc.collect()


@pytest.mark.parametrize(
    ("endpoint", "style", "expected"),
    [
        (None, "", "https://bucket.s3.amazonaws.com/x"),
        ("http://minio:9000", "", "http://minio:9000/bucket/x"),
        ("http://cloud.test", "virtual", "http://bucket.cloud.test/x"),
    ],
)
def test_other_servers_are_addressed_by_path_unless_a_profile_says_otherwise(
    aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    endpoint: str | None, style: str, expected: str,
) -> None:  # fmt: skip
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    else:
        monkeypatch.delenv("AWS_ENDPOINT_URL")
    if style:
        (tmp_path / "config").write_text(f"[default]\ns3 =\n  addressing_style = {style}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    storage = S3Storage.at(S3Address("bucket"))
    url = storage.client.generate_presigned_url(
        "get_object", Params={"Bucket": "bucket", "Key": "x"}
    )
    assert url.partition("?")[0] == expected


def test_a_store_lives_in_a_bucket_that_encrypts_and_keeps_versions(
    storage: S3Storage, s3: "S3Client"
) -> None:
    algorithm: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    rules: Any = {"Rules": [algorithm]}
    bucket = storage.address.bucket
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = Store(storage)
    first, second = (store.publish({"model.json": text}, {}).version for text in (b"1", b"2"))
    store.promote(first, "why", "who")
    store.promote(second, "why", "who")
    assert store.rollback("why", "who") == first
    spare = store.publish({"model.json": b"3"}, {}).version
    store.publish({"model.json": b"4"}, {})
    assert store.prune(keep=1) == [spare]  # it stays as an old version of the bucket, out of sight
    assert spare not in map(str, store.versions())
    store.open("champion").verify()
    stored = s3.head_object(
        Bucket=bucket, Key=f"{storage.address.folder}versions/{first}/model.json"
    )
    assert stored["ServerSideEncryption"] == "aws:kms"


def test_a_store_in_s3_is_opened_by_its_address(storage: S3Storage) -> None:
    version = open_store(str(storage.address)).publish({"model.json": b"{}"}, {}).version
    again = open_store(f"{storage.address}/")
    assert again.open(version).read("model.json") == b"{}"
    assert str(again).startswith("s3://test-")
    del again
    gc.collect()


def test_botocore_is_loaded_for_an_address_in_s3_only(tmp_path: Path) -> None:
    code = (
        "import sys; from model_store import open_store; "
        f"open_store({str(tmp_path)!r}).versions(); assert 'botocore' not in sys.modules; "
        "open_store('s3://bucket/prefix'); assert 'botocore' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
