"""Scoring on request, with files or results or both in S3."""

import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from functions.cli.main import main
from functions.live_model import LiveModel
from model_store import Temporary, WrongAddress
from pipeline.errors import Gone, WrongFile
from pipeline.runs import InputRef, RunStore, WholeFile, find_inputs, open_runs, score
from pipeline.runs.history.entry import LEDGER
from pipeline.runs.objects import Skipped
from pipeline.scoring.documents import Manifest
from pipeline.scoring.spec import Progress, ScoringSpec
from tests.support.dropping import Drop, customers, is_whole


@pytest.fixture
def spec(batch_live_model: LiveModel) -> ScoringSpec:
    loaded = batch_live_model.current()
    return ScoringSpec(loaded.model, loaded.version)


@pytest.fixture(autouse=True)
def environment(aws: None) -> Iterator[None]:
    yield
    gc.collect()  # connections end with what opened them


@pytest.fixture
def incoming(drop: Drop) -> str:
    """The address of a prefix with two files."""
    drop.put("incoming/a b.csv", customers(20))
    drop.put("incoming/deep/c.csv", customers(30))
    return f"{drop.settings.input}/"


def scored(
    source: InputRef, spec: ScoringSpec, runs: RunStore, progress: Progress = lambda rows: None
) -> Manifest:
    """As the command does it."""
    with source.open() as opened:
        result = score(opened, spec, runs, WholeFile(), progress=progress, retry_failed=True)
    return result.manifest


def test_objects_are_scored_into_a_prefix(drop: Drop, incoming: str, spec: ScoringSpec) -> None:
    runs, seen = open_runs(f"{drop.settings.output}/results"), list[int]()
    sources = find_inputs(incoming)
    found = [scored(source, spec, runs, seen.append) for source in sources]
    assert [manifest["rows_in"] for manifest in found] == [20, 30]
    assert seen == [20, 30]
    assert drop.documents("manifest.json") == found
    assert [scored(source, spec, runs) for source in sources] == found


def test_objects_are_scored_into_a_folder(
    drop: Drop, incoming: str, spec: ScoringSpec, tmp_path: Path
) -> None:
    runs = open_runs(str(tmp_path / "results"))
    for source in [*find_inputs(incoming), *find_inputs(incoming)]:
        scored(source, spec, runs)
    written = {
        str(path.relative_to(tmp_path / "results")): path.read_bytes()
        for path in (tmp_path / "results").rglob("*")
        if path.is_file() and path.parent.name != LEDGER
    }
    deep = {name: content for name, content in written.items() if name.startswith("deep/c.csv/")}
    assert len(written) == 2 * len(deep)
    assert is_whole(deep)
    in_s3 = open_runs(f"{drop.settings.output}/results")
    for source in find_inputs(incoming):
        scored(source, spec, in_s3)
    assert drop.written() == written  # the same bytes, wherever they go


def test_files_are_scored_into_a_prefix_or_a_folder(
    drop: Drop, spec: ScoringSpec, tmp_path: Path
) -> None:
    (tmp_path / "local.csv").write_bytes(customers(20))
    in_s3 = open_runs(f"{drop.settings.output}/results")
    (here,) = find_inputs(str(tmp_path / "local.csv"))
    manifest = scored(here, spec, in_s3)
    assert is_whole(drop.written())
    assert scored(here, spec, open_runs(str(tmp_path / "results"))) == manifest
    assert scored(here, spec, in_s3) == manifest


def test_a_file_that_changes_on_its_way_into_a_prefix_leaves_no_run(
    drop: Drop, spec: ScoringSpec, tmp_path: Path
) -> None:
    path = tmp_path / "local.csv"
    path.write_bytes(customers(20))

    def change(rows: int) -> None:
        path.write_bytes(customers(21))

    (source,), runs = find_inputs(str(path)), open_runs(f"{drop.settings.output}/results")
    with pytest.raises(Temporary, match="it changed while it was scored"):
        scored(source, spec, runs, change)
    assert drop.documents("manifest.json") == drop.documents("failed.json") == []


def test_a_wrong_file_is_refused_by_its_address_and_leaves_nothing(
    drop: Drop, spec: ScoringSpec, tmp_path: Path
) -> None:
    drop.put("incoming/wrong.csv", b"a,b\n1,2\n")
    address = f"{drop.settings.input}/wrong.csv"
    (source,) = find_inputs(address)
    for out in (str(tmp_path / "results"), f"{drop.settings.output}"):
        with pytest.raises(WrongFile, match=f"^{address}: no column"):
            scored(source, spec, open_runs(out))
    assert drop.written() == {}
    assert not [path for path in (tmp_path / "results").rglob("*") if path.is_file()]


def test_a_person_may_try_again_what_failed_for_good(drop: Drop, spec: ScoringSpec) -> None:
    event = drop.put("incoming/a.csv")
    drop.function(max_input_bytes=10)(event, None)
    assert len(drop.documents("failed.json")) == 1
    drop.deliver(event)
    assert drop.documents("manifest.json") == []
    (source,) = find_inputs(f"s3://{drop.settings.input.bucket}/incoming/a.csv")
    scored(source, spec, open_runs(f"{drop.settings.output}/results"))
    assert len(drop.documents("manifest.json")) == 1
    assert drop.documents("failed.json") == []


def test_what_is_not_there_is_told(drop: Drop, spec: ScoringSpec) -> None:
    runs = open_runs(str(drop.settings.output))
    with pytest.raises(WrongFile, match="no file matches"):
        find_inputs(f"{drop.settings.input}/")
    (source,) = find_inputs(f"{drop.settings.input}/nothing.csv")
    with pytest.raises(Gone, match=r"nothing\.csv: is gone"):
        scored(source, spec, runs)
    drop.put("incoming/empty.csv", b"")
    (source,) = find_inputs(f"{drop.settings.input}/empty.csv")
    with pytest.raises(Skipped, match="empty"):
        scored(source, spec, runs)
    with pytest.raises(WrongAddress):
        open_runs("s3://B")
    assert json.dumps(drop.documents("failed.json")) == "[]"


def test_the_command_takes_addresses_on_both_sides(drop: Drop, incoming: str) -> None:
    out = f"{drop.settings.output}/asked"
    result = CliRunner().invoke(main, ["score", incoming, "--out", out])
    assert result.exit_code == 0, result.output
    assert f"Results in {out}/a b.csv/" in result.stdout
    assert "20 customers" in result.stdout and "30 customers" in result.stdout
    again = CliRunner().invoke(main, ["score", f"{incoming}a b.csv", "--out", out, "--json"])
    assert json.loads(again.stdout)["rows_in"] == 20
    nothing = CliRunner().invoke(main, ["score", f"{incoming}nothing/", "--out", out])
    assert nothing.exit_code == 2
    assert "no file matches" in nothing.stderr


def test_files_of_this_machine_are_scored_without_boto3(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_bytes(customers(5))
    script = f"""
import sys
from functions.cli.main import main
main(["score", {str(tmp_path / "customers.csv")!r}, "--out", {str(tmp_path / "out")!r}],
     standalone_mode=False)
assert "boto3" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
