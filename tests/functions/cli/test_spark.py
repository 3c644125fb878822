"""Spark as people and EMR start it: the command, and the job's entry point under spark-submit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from click.testing import CliRunner

import functions.spark_job
from functions.aws.job_arguments import JobArguments
from functions.cli.main import main
from model_store import BUNDLED
from pipeline.runs.objects import ObjectRef, open_object
from pipeline.scoring.spec import ScoringSpec
from tests.support.dropping import Drop, customers, is_whole
from tests.support.live import COMMAND

SUBMIT = Path(pyspark.__file__).parent / "bin" / "spark-submit"


def test_the_command_scores_on_spark_what_it_scores_without(java: None, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_bytes(customers(500, wrong=9))
    found = {}
    for engine in ("local", "spark"):
        out = tmp_path / engine
        told = ["score", str(path), "--out", str(out), "--json", "--engine", engine]
        told += ["--master", "local[1]"] if engine == "spark" else []
        result = CliRunner().invoke(main, told)
        assert result.exit_code == 0, result.output
        found[engine] = json.loads(result.stdout)
        again = CliRunner().invoke(main, told)
        assert json.loads(again.stdout) == found[engine]
        report = out / found[engine]["outputs"]["report"]
        assert report.read_bytes()
    assert {**found["spark"], "bytes": 0} == {**found["local"], "bytes": 0}
    assert "assigned.csv/part-00000.csv" in found["spark"]["bytes"]


def test_the_command_scores_a_folder_as_one_run(java: None, tmp_path: Path) -> None:
    place = tmp_path / "exports"
    place.mkdir()
    for number in range(3):
        (place / f"part-{number}.csv").write_bytes(customers(100))
    told = ["score", str(place), "--as-one", "--engine", "spark", "--master", "local[1]"]
    result = CliRunner().invoke(main, [*told, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "exports: 300 customers, 297 assigned, 3 rejected" in result.stdout
    (manifest,) = (tmp_path / "out").rglob("manifest.json")
    assert len(json.loads(manifest.read_text())["input"]["files"]) == 3


@pytest.mark.parametrize("option", [["--master", "local"], ["--as-one"]])
def test_options_of_spark_without_it_are_errors_of_usage(option: list[str]) -> None:
    result = CliRunner().invoke(main, ["score", "x.csv", *option])
    assert result.exit_code == 2
    assert f"{option[0]} is for --engine spark" in result.stderr


def test_without_java_the_command_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    result = CliRunner().invoke(main, ["score", "x.csv", "--engine", "spark"])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "Spark needs Java 17 or newer; found no java" in result.stderr


@pytest.mark.parametrize(
    ("master", "flags", "why"),
    [
        ("foo", "", "Master must either be yarn or start with spark, k8s, or local"),
        ("local[x]", "", "Could not parse Master URL: 'local[x]'"),
        ("local", "-XX:Nonsense", "Unrecognized VM option 'Nonsense'"),
    ],
)
def test_spark_that_does_not_start_says_why_in_one_line(
    java: None, master: str, flags: str, why: str
) -> None:
    """In a process of its own, where no JVM runs yet."""
    done = subprocess.run(
        [COMMAND, "score", "x.csv", "--engine", "spark", "--master", master],
        env={**os.environ, **({"JDK_JAVA_OPTIONS": flags} if flags else {})},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == f"Error: Spark did not start at {master}: {why}\n"


def test_a_file_that_is_not_there_is_told_in_one_line(java: None, tmp_path: Path) -> None:
    told = ["score", "nowhere.csv", "--engine", "spark", "--master", "local[1]"]
    result = CliRunner().invoke(main, [*told, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr == "Error: nowhere.csv: cannot be read (No such file or directory)\n"


def test_the_job_under_spark_submit(
    java: None, drop: Drop, aws_environment: dict[str, str]
) -> None:
    """Its tasks read their parts from S3 and write them there, in processes of their own."""
    content = customers(3000)
    drop.put("incoming/März/a b.csv", content)
    ref = ObjectRef(drop.settings.input.bucket, "incoming/März/a b.csv")
    loaded = drop.live_model.current()
    results = str(drop.settings.output.below("results"))
    spec = ScoringSpec(loaded.model, loaded.version)
    with open_object(drop.s3, ref, "März/a b.csv") as source:
        told = JobArguments.of(source, spec, str(BUNDLED), results).to_list()
    done = subprocess.run(
        [str(SUBMIT), "--master", "local[2]", functions.spark_job.__file__, *told],
        env={**os.environ, **aws_environment, "PYSPARK_PYTHON": sys.executable},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1])["message"] == "scored"
    assert is_whole(drop.written())
    (manifest,) = drop.documents("manifest.json")
    assert (manifest["rows_in"], manifest["rows_rejected"]) == (3000, 1)
