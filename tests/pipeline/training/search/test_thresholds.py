from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import WrongFile
from pipeline.training import Thresholds, load_thresholds

Write = Callable[..., Path]


def test_people_change_some_bars_and_the_others_stay(write: Write) -> None:
    path = write("churn_auc = 0.75\nsmallest_share = 0\nmost_features = 3", "bars.toml")
    expected = replace(Thresholds(), churn_auc=0.75, smallest_share=0, most_features=3)
    assert load_thresholds(path) == expected
    assert load_thresholds(write("", "bars.toml")) == Thresholds()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speed = 1", "speed is no bar; there are: silhouette_model_space, .*most_features$"),
        ("churn_auc = 'high'", "churn_auc: expected a number from 0 to 1, found high"),
        ("churn_auc = true", "churn_auc: expected a number from 0 to 1, found True"),
        ("churn_auc = 1.2", "found 1.2"),
        ("churn_auc = nan", "found nan"),
        ("weakest_jaccard = -0.1", "found -0.1"),
        ("smallest_share = 0.6", "smallest_share: expected a number from 0 to 0.5"),
        ("most_features = 2.5", "most_features: expected a whole number from 1 to 6, found 2.5"),
        ("most_features = 0", "found 0"),
        ("[bars]\nchurn_auc = 0.7", "bars is no bar"),
        ("not toml", "is not a file of bars"),
        ("a = " + "[" * 5_000 + "]" * 5_000, "is not a file of bars"),
    ],
)
def test_bars_that_cannot_be_meant_are_refused(write: Write, text: str, message: str) -> None:
    with pytest.raises(WrongFile, match=message):
        load_thresholds(write(text, "bars.toml"))


def test_a_file_of_bars_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="cannot be read"):
        load_thresholds(tmp_path / "none.toml")
