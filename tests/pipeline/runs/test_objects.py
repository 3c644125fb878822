"""Which object it is, its bytes here, and what cannot be read."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from model_store import S3Address, Temporary
from pipeline.errors import WrongFile
from pipeline.runs.objects import ObjectRef, Skipped, list_objects, open_object, safe_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REF = ObjectRef("bucket", "in/a.csv")


class Fake:
    """A client that gives one answer."""

    def __init__(self, content: bytes = b"", length: int | None = None, **answer: Any) -> None:
        size = len(content) if length is None else length
        body = StreamingBody(io.BytesIO(content), size)
        self.answer = {"Body": body, "ETag": '"e"', "ContentLength": size, **answer}
        self.asked: dict[str, Any] = {}

    def get_object(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return self.answer


def client(*args: Any, **answer: Any) -> Any:
    return Fake(*args, **answer)


@pytest.mark.parametrize(
    ("ref", "answer", "identity"),
    [
        (REF, {}, "s3://bucket/in/a.csv?etag=e&size=3"),
        (REF, {"VersionId": "v1"}, "s3://bucket/in/a.csv?versionId=v1"),
        (REF, {"VersionId": "null"}, "s3://bucket/in/a.csv?etag=e&size=3"),
        (
            ObjectRef("bucket", "in/a.csv", "v1", "other"),
            {"VersionId": "v1"},
            "s3://bucket/in/a.csv?versionId=v1",
        ),
    ],
)
def test_an_object_is_told_from_others_by_version_or_content(
    ref: ObjectRef, answer: dict[str, Any], identity: str
) -> None:
    fake = client(b"abc", **answer)
    with open_object(fake, ref, "a.csv") as opened:
        assert opened.identity == identity
    assert fake.asked.get("VersionId") == ref.version


def test_a_source_knows_itself_as_far_as_its_event_tells() -> None:
    assert REF.identity is None
    known = ObjectRef("bucket", "in/a.csv", None, "e", 3)
    assert known.identity == "s3://bucket/in/a.csv?etag=e&size=3"


def test_a_replaced_or_empty_object_is_skipped() -> None:
    old = ObjectRef("bucket", "in/a.csv", etag="old")
    with pytest.raises(Skipped, match="replaced"), open_object(client(b"abc"), old, "a.csv"):
        pass
    with pytest.raises(Skipped, match="empty"), open_object(client(b""), REF, "a.csv"):
        pass


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("NoSuchKey", 404, "gone"),
        ("NoSuchVersion", 404, "gone"),
        ("MethodNotAllowed", 405, "gone"),
        ("InvalidObjectState", 403, "archived"),
    ],
)
def test_what_can_never_be_read_is_told_by_a_code(code: str, status: int, told: str) -> None:
    class Refusing:
        def get_object(self, **_: Any) -> None:
            answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, "GetObject")

    refusing: Any = Refusing()
    with pytest.raises(WrongFile) as caught, open_object(refusing, REF, "a.csv"):
        pass
    assert caught.value.code == told


def test_a_cut_connection_is_temporary(tmp_path: Path) -> None:
    with open_object(client(b"abc", 5), REF, "a.csv") as opened, pytest.raises(Temporary):
        opened.save(tmp_path / "input")


def test_a_large_object_comes_in_chunks_with_a_checkpoint_after_each(tmp_path: Path) -> None:
    checks: list[int] = []
    content = bytes(17 << 20)
    with open_object(client(content), REF, "a.csv", len(content)) as opened:
        opened.save(tmp_path / "input", lambda: checks.append(1))
    assert len(checks) == 3
    assert (tmp_path / "input").read_bytes() == content


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a.csv", "a.csv"),
        ("2026/März/a b+c (1) %20.csv", "2026/März/a b+c (1) %20.csv"),
        ("/a//b.csv", "a/b.csv"),
        ("../../etc/./passwd", "__/__/etc/_/passwd"),
        ("a\\..\\b\n\x7f.csv", "a_.._b__.csv"),
        (".hidden/..a", ".hidden/..a"),
    ],
)
def test_a_key_becomes_a_name_that_is_safe_to_copy(key: str, name: str) -> None:
    assert safe_name(key) == name


def test_a_long_key_becomes_a_shorter_name_of_its_own() -> None:
    names = {safe_name("ä" * 500 + end) for end in ("1.csv", "2.csv")}
    assert len(names) == 2
    assert max(len(name.encode()) for name in names) < 620


def test_an_address_means_an_object_or_all_that_is_below_it(
    s3: "S3Client", make_bucket: Callable[[], str]
) -> None:
    bucket = make_bucket()
    for key in ("in/a b.csv", "in/deep/c.csv", "in/", "in/empty.csv", "other.csv"):
        body = b"" if key in ("in/", "in/empty.csv") else b"x"
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    every = list_objects(s3, S3Address(bucket, "in/"))
    assert [(ref.key, name) for ref, name in every] == [
        ("in/a b.csv", "a b.csv"),
        ("in/deep/c.csv", "deep/c.csv"),
    ]
    ((_, name),) = list_objects(s3, S3Address(bucket, "in/deep/c.csv"))
    assert name == "c.csv"
    assert len(list_objects(s3, S3Address(bucket))) == 3
