"""A model.json whose digest is right and whose content is not is refused whole."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store import BUNDLED, WrongArtifact, open_store
from pipeline.model.cluster_model import ClusterModel

CONTENT = {
    name: open_store(BUNDLED).open(name).read("model.json") for name in ("original", "champion")
}
EVIL = ["0", "-1", "1e400", "NaN", f"1{'0' * 400}", "null", "true", '"x"', '""', "[]", "{}", "[[]]",
        "[" * 5_000 + "]" * 5_000, "1e308", "1e-320"]  # fmt: skip
Path = tuple[Any, ...]


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Where every value of a document stands."""
    yield at
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield from paths(item, (*at, key))


PATHS = {name: sorted(paths(json.loads(text)), key=str) for name, text in CONTENT.items()}


def with_evil(name: str, path: Path, evil: str) -> bytes:
    document = json.loads(CONTENT[name])
    if not path:
        return evil.encode()
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "EVIL"
    return json.dumps(document).replace('"EVIL"', evil).encode()


@given(st.data())
def test_a_value_anywhere_is_read_or_the_model_is_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(CONTENT)))
    content = with_evil(
        name, data.draw(st.sampled_from(PATHS[name])), data.draw(st.sampled_from(EVIL))
    )
    try:
        model = ClusterModel.from_json(content, "v")
    except WrongArtifact as error:
        assert "\n" not in str(error) and len(str(error)) < 500
    else:
        model.assign(model.golden[0].customer)


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(
    "path",
    [
        (), ("space", "scale"), ("space", "scale", 0), ("space", "mean", 0), ("clusters",),
        ("clusters", 0, "centre"), ("clusters", 0, "centre", 0), ("golden",), ("columns",),
        ("contract",), ("contract", "features"), ("clusters", 0, "profile"),
    ],
    ids=lambda path: ".".join(map(str, path)) or "all",
)  # fmt: skip
def test_what_the_arithmetic_needs_is_looked_at(path: Path, evil: str) -> None:
    with pytest.raises(WrongArtifact, match=r"model\.json is not a usable model"):
        ClusterModel.from_json(with_evil("original", path, evil), "v")


def test_the_bundled_models_are_read() -> None:
    for content in CONTENT.values():
        assert ClusterModel.from_json(content, "v").to_json() == content
