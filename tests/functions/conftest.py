"""The application over the bundled champion, with what it logs."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.live_model import LiveModel
from functions.settings import BatchSettings, Settings
from model_store import BUNDLED, S3Address, Store, open_store
from tests.support.dropping import Drop
from tests.support.web import BROWSER, app_over

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Lines = list[Any]


@pytest.fixture
def event_loop() -> Iterator[None]:
    """The loop in which Mangum runs; in Lambda it lives as long as the process."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def lines() -> Lines:
    """What was logged."""
    return []


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of the test's own with both bundled models."""
    shutil.copytree(BUNDLED, tmp_path / "store")
    return open_store(tmp_path / "store")


@pytest.fixture
def live_model(store: Store, lines: Lines) -> LiveModel:
    """The champion, loaded."""
    made = LiveModel(store, "champion", log=lines.append)
    made.refresh()
    lines.clear()
    return made


@pytest.fixture
def client_for(live_model: LiveModel, lines: Lines) -> Iterator[Callable[..., TestClient]]:
    """Makes a client of an application with given settings; errors become answers, as in use."""
    clients = []

    def make(**settings: Any) -> TestClient:
        app = create_app(live_model, Settings(**settings), log=lines.append)
        clients.append(TestClient(app, raise_server_exceptions=False))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(client_for: Callable[..., TestClient]) -> TestClient:
    return client_for()


@pytest.fixture
def leaver() -> dict[str, Any]:
    """A customer of the champion's worst cluster, with columns that the model does not read."""
    return {
        "CLIENTNUM": "0710001",
        "Attrition_Flag": "Existing Customer",
        "Total_Trans_Ct": 38,
        "Total_Trans_Amt": 1900,
        "Total_Revolving_Bal": 0,
    }


@pytest.fixture
def browser_over() -> Iterator[Callable[..., TestClient]]:
    """Makes clients that ask for pages, of an application over any model."""
    opened = []

    def make(*args: Any, root_path: str = "", **settings: Any) -> TestClient:
        made = TestClient(app_over(*args, **settings), root_path=root_path, headers=BROWSER)
        opened.append(made)
        return made

    yield make
    for made in opened:
        made.close()


@pytest.fixture
def champion(browser_over: Callable[..., TestClient]) -> TestClient:
    return browser_over()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of the test's own."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


@pytest.fixture(scope="session")
def batch_live_model() -> LiveModel:
    """The bundled champion, loaded once for all tests of the batch function."""
    made = LiveModel(open_store(BUNDLED), "champion", log=lambda line: None)
    made.refresh()
    return made


@pytest.fixture
def drop(
    s3: "S3Client",
    make_bucket: Callable[[], str],
    batch_live_model: LiveModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Drop:
    """Two buckets, and a /tmp of the test's own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    settings = BatchSettings(S3Address(make_bucket(), "incoming"), S3Address(make_bucket(), "out"))
    return Drop(s3, settings, batch_live_model)
