"""Files and data sets for Spark, here and in S3; the parts are scored in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model_store import BUNDLED, CHAMPION, Temporary, open_store
from pipeline.errors import WrongFile
from pipeline.model.published.loading import load_model
from pipeline.runs import LocalInput, find_data_set, open_runs, read_summary, score
from pipeline.runs.in_parts import InParts
from pipeline.scoring.documents import Manifest, Summary
from pipeline.scoring.spec import ScoringSpec
from tests.support.comparing import one_after_the_other
from tests.support.dropping import HEADER, customers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def spec() -> ScoringSpec:
    artifact = open_store(BUNDLED).open(CHAMPION)
    return ScoringSpec(load_model(artifact), artifact.version)


@pytest.fixture
def bucket(aws: None, s3: "S3Client", make_bucket: Callable[[], str]) -> str:
    """With three files of a data set, and what its writer left beside them."""
    name = make_bucket()
    for key, content in {
        "exports/day=1/part-0.csv": customers(30),
        "exports/day=1/part-1.csv": customers(50, wrong=2),
        "exports/day=2/part-0.csv": HEADER.encode(),
        "exports/_SUCCESS": b"",
        "exports/_started_1": b"{}",
        "exports-of-others/part-0.csv": customers(9),
    }.items():
        s3.put_object(Bucket=name, Key=key, Body=content)
    return name


def scored(address: str, out: str, spec: ScoringSpec) -> tuple[Manifest, Summary]:
    """The manifest and the summary of a data set."""
    runs, engine = open_runs(out), InParts(one_after_the_other, 400)
    with find_data_set(address).open() as source:
        manifest = score(source, spec, runs, engine).manifest
    with find_data_set(address).open() as source:
        assert score(source, spec, runs, engine).manifest == manifest  # it is there already
    return manifest, read_summary(runs, manifest)


@pytest.mark.parametrize("address", ["s3://{}/exports/", "s3://{}/exports"])
@pytest.mark.parametrize("results", ["s3://{}/results", "{}"])
def test_a_prefix_as_one(
    address: str, results: str, bucket: str, s3: "S3Client", spec: ScoringSpec, tmp_path: Path
) -> None:
    in_s3 = results.startswith("s3:")
    out = results.format(bucket if in_s3 else tmp_path)
    manifest, summary = scored(address.format(bucket), out, spec)
    assert (manifest["rows_in"], manifest["rows_rejected"]) == (80, 3)
    assert summary["rows_in"] == 80
    assert manifest["input"]["name"] == "exports"
    names = [file["name"] for file in manifest["input"]["files"]]
    assert names == ["day=1/part-0.csv", "day=1/part-1.csv", "day=2/part-0.csv"]
    rejected = manifest["outputs"]["rejected"]
    if in_s3:
        answer = s3.get_object(Bucket=bucket, Key=f"results/{rejected}")
        text = answer["Body"].read().decode()
    else:
        text = (tmp_path / rejected).read_text()
    assert [line.split(",")[:4] for line in text.splitlines()] == [
        ["file", "row", "line", "id"],
        ["day=1/part-0.csv", "30", "31", "000000"],
        ["day=1/part-1.csv", "79", "50", "000000"],
        ["day=1/part-1.csv", "80", "51", "000001"],
    ]


def test_a_prefix_that_holds_nothing_is_told(
    bucket: str, spec: ScoringSpec, tmp_path: Path
) -> None:
    with pytest.raises(WrongFile, match=r"nothing/?: no file matches"):
        scored(f"s3://{bucket}/nothing", str(tmp_path), spec)


def test_a_packed_file_of_a_data_set_is_told(spec: ScoringSpec, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "a.csv").write_bytes(customers())
    (tmp_path / "exports" / "b.csv.gz").write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(WrongFile, match=r"b\.csv\.gz: is packed; .* plain CSV or Parquet"):
        scored(str(tmp_path / "exports"), str(tmp_path / "out"), spec)


def test_a_file_of_a_data_set_in_s3_is_refused_by_its_own_address(
    bucket: str, s3: "S3Client", spec: ScoringSpec, tmp_path: Path
) -> None:
    other = customers(30).replace(b"Note,", b"Remark,", 1)
    s3.put_object(Bucket=bucket, Key="exports/z.csv", Body=other)
    address = f"s3://{bucket}/exports"
    problem = f"^{address}/z.csv: differs from {address}/day=1/part-0.csv in its columns"
    with pytest.raises(WrongFile, match=problem):
        scored(f"{address}/", str(tmp_path), spec)


def test_a_file_that_changes_once_its_identity_was_asked_for_leaves_no_run(
    bucket: str, s3: "S3Client", spec: ScoringSpec, tmp_path: Path
) -> None:
    path = tmp_path / "local.csv"
    path.write_bytes(customers(20))
    source, runs = LocalInput.at(path), open_runs(f"s3://{bucket}/results")
    assert source.identity
    path.write_bytes(customers(21))
    with pytest.raises(Temporary, match="it changed while it was scored"):
        score(source, spec, runs, InParts(one_after_the_other, 400))
    names = s3.list_objects_v2(Bucket=bucket, Prefix="results/").get("Contents", [])
    assert not [entry for entry in names if entry["Key"].endswith("manifest.json")]


def test_nobody_reads_a_file_a_second_time_whose_identity_is_known(
    spec: ScoringSpec, tmp_path: Path
) -> None:
    path = tmp_path / "local.csv"
    path.write_bytes(customers(20))
    source = LocalInput.at(path)
    assert source.shared().known_identity is None
    assert source.shared().identified_by(source.identity) == source.shared()
