"""The image's other part: the same code on the training stack, for retraining on a schedule."""

import json
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from model_store import BUNDLED, CANDIDATE, CHAMPION, open_store
from tests.support.containers import (
    IMAGE,
    LOCKED,
    TRAINING_IMAGE,
    Containers,
    canonical,
    make_training_image,
)
from tests.support.paths import ROOT

OWN = f"customer-clusters=={metadata.version('customer-clusters')}"
PACKAGES = (
    "import importlib.metadata as m; print(*(f'{d.name}=={d.version}'.lower() "
    "for d in m.distributions() if str(d.locate_file('')).startswith('/opt')))"
)


@pytest.fixture(scope="module")
def training(containers: Containers) -> Containers:
    make_training_image(containers)
    return containers


def test_it_holds_what_is_pinned_for_training_and_nothing_else(training: Containers) -> None:
    found = training("podman", "run", "--rm", TRAINING_IMAGE, "python", "-c", PACKAGES).split()
    pins = (ROOT / "requirements/train.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9-]+==[^ ]+)(?!.* == 'win32')", pins, re.MULTILINE))
    assert {canonical(name) for name in found} == {*pinned, OWN}
    assert "pytest" not in pins


def test_it_is_the_same_code_entered_the_same_way(training: Containers) -> None:
    script = "cd /opt/code && find . -type f | sort | xargs sha256sum && sha256sum /entrypoint.sh"
    run = ["podman", "run", "--rm"]
    one, other = (training(*run, name, "sh", "-c", script) for name in (IMAGE, TRAINING_IMAGE))
    assert [line for line in one.splitlines() if "customer_clusters-" not in line] == [
        line for line in other.splitlines() if "customer_clusters-" not in line
    ]
    configs = [training.inspect(name)["Config"] for name in (IMAGE, TRAINING_IMAGE)]
    for name in ("User", "Env", "Entrypoint", "Labels"):
        assert configs[0][name] == configs[1][name]


def test_any_user_retrains_on_a_read_only_root(training: Containers, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(BUNDLED, store)
    subprocess.run(["chmod", "-R", "a+rwX", str(store)], check=True)
    locked = [option for option in LOCKED if not option.startswith("--memory")]
    mounts = [f"--volume={store}:/store", f"--volume={ROOT}/examples:/data:ro"]
    command = ["customer-clusters", "retrain", "--data", "/data/customers.csv", "--store", "/store"]
    told = training(
        "podman", "run", "--rm", *locked, "--memory=1g", *mounts, TRAINING_IMAGE,
        *command, "--out", "/tmp/comparison", "--json", seconds=300,
    )  # fmt: skip
    after = open_store(store)
    assert json.loads(told)["new"] == after.resolve(CANDIDATE)
    assert after.resolve(CHAMPION) == open_store(BUNDLED).resolve(CHAMPION)
    after.open(CANDIDATE).verify()
