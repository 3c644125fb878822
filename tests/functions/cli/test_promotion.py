"""A promotion by the command while a real server is under load, and a damaged one after it."""

import http.client
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pandas as pd
import pytest

from model_store import FolderStorage, S3Address, Storage, Store
from model_store.storage.s3 import S3Storage
from pipeline.model.contract import Contract
from pipeline.training import find_reference, publish, train
from tests.support.gym import LIGHT, RECIPE
from tests.support.live import COMMAND, serve

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TTL = 1.0
PAUSE = 0.01
"""Seconds between two requests of one client: steady traffic, and not all that a server can do."""
LONGEST = 30.0
"""Seconds that a machine under load may take, half of the time to live that holds without TTL."""
MEMBER = {"visits": 2, "fee": 20, "plan": "basic", "member": "0042"}


@dataclass(frozen=True, slots=True)
class Shop:
    """A store with a champion and a candidate, reached by a command and a server."""

    address: str
    environment: dict[str, str]
    files: Storage

    @property
    def store(self) -> Store:
        return Store(self.files)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, "models", *arguments, "--store", self.address],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def trained(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A store with a champion and two candidates that descend from it."""
    folder = tmp_path_factory.mktemp("promotion")
    store = Store(FolderStorage(folder / "store"))
    for name, share in (("first", 1.0), ("second", 0.9), ("third", 0.8)):
        gym_members.sample(frac=share, random_state=3).to_csv(folder / "members.csv", index=False)
        reference_model = find_reference(store, gym_contract)
        publish(
            train(folder / "members.csv", gym_contract, RECIPE, lambda step: None, LIGHT,
                  reference_model=reference_model),
            store, name,
        )  # fmt: skip
    return folder / "store"


@pytest.fixture(params=["folder", "s3"])
def shop(
    request: pytest.FixtureRequest,
    trained: Path,
    tmp_path: Path,
    aws_environment: dict[str, str],
    s3: "S3Client",
    make_bucket: Callable[[], str],
) -> Shop:
    if request.param == "folder":
        shutil.copytree(trained, tmp_path / "store")
        return Shop(str(tmp_path / "store"), {}, FolderStorage(tmp_path / "store"))
    address = S3Address(make_bucket(), "models")
    files = S3Storage(s3, address)
    for path in trained.rglob("*"):
        if path.is_file():
            files.create(str(path.relative_to(trained)), path.read_bytes())
    return Shop(str(address), aws_environment, files)


@dataclass(slots=True)
class Client:
    """Asks for one customer again and again over one connection, until told to stop."""

    address: str
    stop: threading.Event
    answers: list[tuple[int, str, int]] = field(default_factory=list)
    """Status, version, cluster."""
    failures: list[str] = field(default_factory=list)

    def run(self) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=30)
        body, kind = json.dumps(MEMBER), {"Content-Type": "application/json"}
        while not self.stop.wait(PAUSE):
            try:
                connection.request("POST", "/v1/assign", body, kind)
                response = connection.getresponse()
                found = json.loads(response.read())
                version, cluster = found["model_version"], found["cluster"]["id"]
                self.answers.append((response.status, version, cluster))
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                self.failures.append(repr(error))
        connection.close()


def ready(address: str) -> dict[str, str | None]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("GET", "/health/ready")
    found: dict[str, str | None] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def wait_for(address: str, key: str, wanted: Callable[[str | None], bool]) -> None:
    """Until what a server says of itself is as wanted."""
    started = time.monotonic()
    while not wanted(ready(address)[key]):
        assert time.monotonic() - started < LONGEST, ready(address)
        time.sleep(0.05)


def test_a_promotion_by_the_command_fails_no_look_up_and_a_damaged_one_changes_nothing(
    shop: Shop,
) -> None:
    old, new, third = (shop.store.resolve(name) for name in ("first", "second", "third"))
    assert shop.store.resolve("champion") == old
    environment = {
        **shop.environment,
        "CUSTOMER_CLUSTERS_STORE": shop.address,
        "CUSTOMER_CLUSTERS_MODEL_TTL_SECONDS": str(TTL),
    }
    stop = threading.Event()
    with serve(environment) as address:
        clients = [Client(address, stop) for _ in range(4)]
        threads = [threading.Thread(target=client.run) for client in clients]
        for thread in threads:
            thread.start()
        try:
            promoted = shop.command("promote", "second", "--why", "fresher", "--who", "anna")
            assert (promoted.returncode, promoted.stdout) == (0, f"champion: {new}\n")
            wait_for(address, "model_version", lambda version: version == new)

            shop.files.replace(f"versions/{third}/model.json", b'{"contract": ')
            refused = shop.command("promote", "third", "--why", "a Friday", "--force")
            assert refused.returncode == 2
            assert "model.json is not the file that was published" in refused.stderr
            assert shop.store.resolve("champion") == new
            shop.store.point("champion", third)  # as if it had been damaged afterwards
            wait_for(address, "reload_failure", lambda failure: failure is not None)
            said = ready(address)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
    assert [client.failures for client in clients] == [[]] * 4
    assert {status for client in clients for status, _, _ in client.answers} == {200}
    for client in clients:
        versions = [version for _, version, _ in client.answers]
        assert versions == sorted(versions, key=[old, new].index)  # old, then new, and no mix
        assert {versions[0], versions[-1]} == {old, new}
    assert len({cluster for client in clients for _, _, cluster in client.answers}) == 1
    assert said["model_version"] == new
    assert f"artifact {third}: model.json is not the file that was published" in str(
        said["reload_failure"]
    )
