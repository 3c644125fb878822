from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.training.clusters.overrides import Overrides

Write = Callable[..., Path]


def test_people_name_clusters_and_nothing_else_changes(model: ClusterModel, write: Write) -> None:
    path = write('[clusters.3]\nname = "Dormant"\ndescription = "Hardly used."', "names.toml")
    named = Overrides.load(path).apply(model)
    assert [cluster.name for cluster in named.clusters][2] == "Dormant"
    assert named.clusters[2].description == "Hardly used."
    assert named.clusters[:2] == model.clusters[:2]
    assert ClusterModel.from_json(named.to_json(), "named") == named


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[clusters.9]\nname = 'x'", r"names cluster 9; there are: \[1, 2, 3\]"),
        ("[clusters.1]\nid = 4", "texts for name and description only"),
        ("[clusters.1]\nname = ''", "texts for name and description only"),
        ("[clusters.1]\nname = 'x'\n[clusters.2]\nname = 'x'", "two clusters the same name"),
        ("[names]", "is not a file of names"),
        ("not toml", "is not a file of names"),
        ("a = " + "[" * 5_000 + "]" * 5_000, "is not a file of names"),
    ],
)
def test_names_that_do_not_fit_are_refused(
    model: ClusterModel, write: Write, text: str, message: str
) -> None:
    with pytest.raises(WrongFile, match=message):
        Overrides.load(write(text, "names.toml")).apply(model)


def test_a_file_of_names_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="cannot be read"):
        Overrides.load(tmp_path / "none.toml")
