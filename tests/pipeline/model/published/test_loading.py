"""The one way to load a model: verified before it answers anything."""

import json
from pathlib import Path

import pytest

from model_store import BUNDLED, NotFound, Store, WrongArtifact, open_store
from pipeline.model.published.loading import load_model


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


@pytest.fixture
def content() -> bytes:
    return open_store(BUNDLED).open("champion").read("model.json")


def test_a_model_is_the_one_that_was_published() -> None:
    artifact = open_store(BUNDLED).open("champion")
    assert load_model(artifact).to_json() == artifact.read("model.json")


def test_an_artifact_without_a_model_says_so(store: Store) -> None:
    version = store.publish({"notes.txt": b"none"}, {}).version
    with pytest.raises(NotFound, match=r"no file model\.json in artifact"):
        load_model(store.open(version))


def test_a_model_that_was_changed_after_it_was_published_is_refused(
    store: Store, tmp_path: Path, content: bytes
) -> None:
    version = store.publish({"model.json": content}, {}).version
    (tmp_path / "versions" / version / "model.json").write_bytes(content + b" ")
    with pytest.raises(WrongArtifact, match="is not the file that was published"):
        load_model(store.open(version))


def test_a_model_that_answers_otherwise_than_training_did_is_refused_by_its_version(
    store: Store, content: bytes
) -> None:
    document = json.loads(content)
    document["golden"][0]["distance"] += 1
    version = store.publish({"model.json": json.dumps(document).encode()}, {}).version
    with pytest.raises(WrongArtifact, match=f"artifact {version}: model.json is not a usable"):
        load_model(store.open(version))
