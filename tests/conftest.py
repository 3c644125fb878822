"""What several tests share: the real file, the bundled model, and an invented data set."""

import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from model_store import BUNDLED, Artifact, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import DEFAULT_CONTRACT, Contract, load_contract
from pipeline.model.published.loading import load_model
from tests.support.paths import DATA

if TYPE_CHECKING:  # every test starts with this file, so it loads nothing heavy
    import pandas as pd
    from mypy_boto3_s3 import S3Client

    from pipeline.training import Trained

MARKER_OF_FIXTURE = {"browser": "browser", "containers": "image", "java": "spark"}
"""Whoever asks for the fixture gets the marker: no test needs a browser without saying so."""
LONGEST = ("image", "search", "spark", "browser", "infra", "training", "aws")
"""Markers and folders whose tests take longest."""

settings.register_profile("untimed", deadline=None)  # how long a case takes says nothing of it
settings.load_profile("untimed")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Each file goes to one worker, and all that share the container image to the same."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "image" if "infra" in file.split("/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return ByFile(config, log)


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a tool; the longest files come first, that no worker is left alone."""
    longest: dict[Path, int] = {}
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if marker := MARKER_OF_FIXTURE.get(fixture):
                item.add_marker(marker)
        names = {
            *item.nodeid.split("::")[0].split("/"),
            *(marker.name for marker in item.iter_markers()),
        }
        rank = next((rank for rank, name in enumerate(LONGEST) if name in names), len(LONGEST))
        longest[item.path] = min(rank, longest.get(item.path, rank))
    items.sort(key=lambda item: longest[item.path])


@pytest.fixture(scope="session")
def bank_churners() -> Path:
    """The real file; only a machine that is not CI may do without it."""
    path = Path(os.environ.get("BANKCHURNERS_CSV", ""))
    if path.is_file():
        return path
    if os.environ.get("CI"):
        pytest.fail("BANKCHURNERS_CSV must name BankChurners.csv under CI")
    pytest.skip("set BANKCHURNERS_CSV to the path of BankChurners.csv")


@pytest.fixture(scope="session")
def bank_contract() -> Contract:
    return load_contract(DEFAULT_CONTRACT)


@pytest.fixture(scope="session")
def original() -> Artifact:
    """The reproduced model that ships with the code."""
    return open_store(BUNDLED).open("original")


@pytest.fixture(scope="session")
def model(original: Artifact) -> ClusterModel:
    return load_model(original)


@pytest.fixture(scope="session")
def customer() -> dict[str, object]:
    """A customer of the original model."""
    return {
        "Credit_Limit": 12_691,
        "Contacts_Count_12_mon": 3,
        "Total_Revolving_Bal": 777,
        "Avg_Utilization_Ratio": 0.061,
    }


@pytest.fixture(scope="session")
def gym_contract_path() -> Path:
    return DATA / "contracts" / "gym.toml"


@pytest.fixture(scope="session")
def gym_contract(gym_contract_path: Path) -> Contract:
    return load_contract(gym_contract_path)


@pytest.fixture(scope="session")
def gym_members() -> "pd.DataFrame":
    """Three kinds of members, well apart; those who come rarely leave most."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(7)
    parts = []
    for visits, fee, left, plan in (
        (2, 20, 0.6, "basic"),
        (20, 25, 0.1, "basic"),
        (14, 80, 0.02, "plus"),
    ):
        size = 200
        parts.append(
            pd.DataFrame(
                {
                    "visits": visits + rng.integers(-2, 3, size),
                    "fee": rng.normal(fee, 2, size).round(2),
                    "plan": plan,
                    "cancelled": np.where(rng.random(size) < left, "yes", "no"),
                }
            )
        )
    frame = pd.concat(parts, ignore_index=True)
    frame.insert(0, "member", [f"{number:06d}" for number in range(len(frame))])
    return frame


@pytest.fixture(scope="session")
def gym_trained(
    gym_members: "pd.DataFrame", gym_contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> "Trained":
    """A model that reads a category and takes a missing value; nobody may change it."""
    from pipeline.training import train
    from tests.support.gym import LIGHT, RECIPE

    path = tmp_path_factory.mktemp("gym") / "members.csv"
    gym_members.to_csv(path, index=False)
    return train(path, gym_contract, RECIPE, lambda step: None, LIGHT)


@pytest.fixture(scope="session")
def gym_models(gym_trained: "Trained", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with that model as its champion; nobody may write to it."""
    from pipeline.training import publish

    folder = tmp_path_factory.mktemp("gym-models") / "store"
    publish(gym_trained, open_store(folder))
    return folder


@pytest.fixture
def own_gym_models(gym_models: Path, gym_members: "pd.DataFrame", tmp_path: Path) -> Path:
    """A copy of that store for the test alone, and its members.csv beside it."""
    gym_members.to_csv(tmp_path / "members.csv", index=False)
    return Path(shutil.copytree(gym_models, tmp_path / "store"))


@pytest.fixture(scope="session")
def java() -> None:
    """Spark runs on it; only a machine that is not CI may do without it."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        if os.environ.get("CI"):
            pytest.fail("java is needed under CI")
        pytest.skip("java is not installed")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes text or bytes to a file of the test."""

    def write_file(content: str | bytes, name: str = "customers.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


@pytest.fixture(scope="session")
def aws_server() -> Iterator[str]:
    """The address of a stand-in for S3 and SQS, reached through real HTTP."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request costs time
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def aws_environment(aws_server: str) -> dict[str, str]:
    """What leads boto3 to the stand-in, as it would lead it to any other S3."""
    return {
        "AWS_ENDPOINT_URL": aws_server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


@pytest.fixture
def aws(aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has that environment."""
    _lead_to(aws_environment, monkeypatch)


@pytest.fixture(scope="session")
def s3(aws_environment: dict[str, str]) -> "Iterator[S3Client]":
    """A client of the stand-in, made as everywhere else."""
    from model_store.storage.s3 import connect

    with pytest.MonkeyPatch.context() as patch:
        _lead_to(aws_environment, patch)
        client = connect()
    yield client
    client.close()


def _lead_to(environment: dict[str, str], patch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_REGION"):
        patch.delenv(name, raising=False)
    for name, value in environment.items():
        patch.setenv(name, value)


@pytest.fixture
def make_bucket(s3: "S3Client") -> Callable[[], str]:
    """Makes buckets of the test's own."""

    def make() -> str:
        name = f"test-{uuid.uuid4().hex}"
        s3.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        return name

    return make


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A private key of the test's own, as openssl writes it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    path = tmp_path / "key.pem"
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path
