"""The image of large files, on stand-ins for EMR's base and for S3, with the release's Spark."""

import json
import re
import uuid

import pytest

from functions.aws.job_arguments import JobArguments
from functions.settings import SparkSettings
from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.published.loading import load_model
from pipeline.runs.objects import ObjectRef, open_object
from pipeline.scoring.spec import ScoringSpec
from tests.infra.test_training_image import PACKAGES
from tests.support import emr
from tests.support.containers import Containers, canonical
from tests.support.dropping import Drop, customers, is_whole
from tests.support.paths import ROOT

KEY = "incoming/März/a b.csv"
LOCKED = ("--network=host", "--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--no-healthcheck",
          "--security-opt=no-new-privileges")  # fmt: skip


@pytest.fixture(scope="module")
def image(containers: Containers) -> Containers:
    emr.make_spark_image(containers)
    return containers


def test_it_runs_as_the_user_of_emr_and_holds_what_is_pinned(image: Containers) -> None:
    assert image.inspect(emr.SPARK_IMAGE)["Config"]["User"] == "hadoop:hadoop"
    command = ["podman", "run", "--rm", emr.SPARK_IMAGE, "/opt/venv/bin/python"]
    held = image(*command, "-c", PACKAGES).split()
    pins = (ROOT / "requirements/spark.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9-]+==[^ ]+)(?!.* == 'win32')", pins, re.MULTILINE))
    assert {canonical(name) for name in held} == pinned
    for package in ("functions", "pipeline", "model_store"):
        theirs = image("podman", "run", "--rm", emr.SPARK_IMAGE, "sh", "-c",
                       f"cd /opt/code && find {package} -name '*.py' | sort").split()  # fmt: skip
        ours = [str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")]
        assert theirs == sorted(ours)


def test_a_large_file_is_scored_in_it(
    java: None, image: Containers, drop: Drop, aws_environment: dict[str, str]
) -> None:
    """By spark-submit with the job's entry point and arguments, on a read-only root."""
    drop.put(KEY, customers(3000))
    ref = ObjectRef(drop.settings.input.bucket, KEY)
    results = str(drop.settings.output.below("results"))
    artifact = open_store(BUNDLED).open(CHAMPION)
    spec = ScoringSpec(load_model(artifact), artifact.version)
    with open_object(drop.s3, ref, "März/a b.csv") as source:
        store = f"s3://{drop.settings.output.bucket}/models"
        arguments = JobArguments.of(source, spec, store, results).to_list()
    environment = [f"--env={name}={value}" for name, value in aws_environment.items()]
    entry = SparkSettings("00f1", "arn:aws:iam::123456789012:role/spark").entry_point
    name = f"spark-{uuid.uuid4().hex[:8]}"
    run = ["podman", "run", "--rm", "--name", name, *LOCKED, *emr.mounts(), *environment]
    submit = ["/usr/lib/spark/bin/spark-submit", "--master", "local[2]", entry, *arguments]
    lines = image(*run, emr.SPARK_IMAGE, *submit, seconds=300).splitlines()
    assert json.loads(lines[-1])["message"] == "scored"
    assert is_whole(drop.written())
    (manifest,) = drop.documents("manifest.json")
    assert (manifest["rows_in"], manifest["rows_rejected"]) == (3000, 1)


def test_without_its_base_it_is_not_built(capsys: pytest.CaptureFixture[str]) -> None:
    from infra.image import main

    with pytest.raises(SystemExit):
        main(["--part", "spark"])
    assert "--part spark needs --base" in capsys.readouterr().err
