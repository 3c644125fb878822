"""The image, built once; AWS's emulator, fetched once; the deploy template, rendered once."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.http import free_port
from functions.live_model import LiveModel
from functions.settings import BatchSettings
from model_store import BUNDLED, S3Address, open_store
from tests.support import containers as helpers
from tests.support.containers import Containers, Lambda
from tests.support.dropping import Drop
from tests.support.npm import node_modules
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STAGES = ("dev", "prod")


@pytest.fixture(scope="session")
def containers(pushed_folder: Path) -> Containers:
    """Podman with the built image; only a machine that is not CI may do without it."""
    if lacking := helpers.missing():
        reason = f"the image's tests need {', '.join(lacking)}"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}; .ci/run installs the tools")
        pytest.skip(reason)
    made = Containers.over(helpers.FOLDER)
    helpers.make_base(made)
    helpers.make_image(made, pushed_folder)
    return made


@pytest.fixture(scope="session")
def pushed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pushed")


@pytest.fixture(scope="session")
def pushed(containers: Containers, pushed_folder: Path) -> Path:
    """The manifest, the configuration and the layers, as a registry gets them."""
    return pushed_folder


@pytest.fixture(scope="session")
def on_lambda(containers: Containers) -> Lambda:
    """Starts the image under AWS's emulator; what it gives invokes the function."""
    return partial(helpers.emulated, containers, helpers.fetch_emulator())


@pytest.fixture(scope="module")
def server(containers: Containers) -> Iterator[tuple[str, str]]:
    """The name and the address of a container that serves with two workers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    options = [*helpers.LOCKED, "--env", f"PORT={port}", "--env", "WEB_CONCURRENCY=2"]
    with containers.running("server", options) as name:
        helpers.wait_for(f"{address}/health/live")
        yield name, address


@pytest.fixture
def drop(s3: "S3Client", make_bucket: Callable[[], str]) -> Drop:
    """Two buckets; the model store is in the second, as it is on AWS."""
    settings = BatchSettings(S3Address(make_bucket(), "incoming"), S3Address(make_bucket(), "out"))
    for path in sorted(path for path in BUNDLED.rglob("*") if path.is_file()):
        key = f"models/{path.relative_to(BUNDLED)}"
        s3.put_object(Bucket=settings.output.bucket, Key=key, Body=path.read_bytes())
    return Drop(s3, settings, LiveModel(open_store(str(BUNDLED)), "champion"))


@pytest.fixture(scope="session")
def templates() -> Mapping[str, Path]:
    """The template of every stage; without npm only CI fails."""
    node_modules()
    return {stage: package(stage) for stage in STAGES}


def package(stage: str) -> Path:
    """By the command that users have, which may be given again; where the template lies."""
    done = subprocess.run(
        ["make", "package", f"STAGE={stage}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return ROOT / "build" / stage / "cloudformation-template-update-stack.json"
