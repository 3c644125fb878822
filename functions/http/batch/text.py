"""The JSON of many assignments, written column by column.

A dictionary for each customer, and its serialisation, would take more time than to assign him:
here a column of numbers becomes text at once, and each item is put together from such texts.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from math import isnan
from typing import Any

from numpy.typing import NDArray
from pydantic_core import to_json

from functions.http.presenter import Presenter
from pipeline.model.contract import Contract, Feature
from pipeline.model.many.explanations import ReasonTable, reason_table
from pipeline.model.many.located import Located
from pipeline.model.outlier import warning
from pipeline.model.reasons import category_sentence, indifferent_sentence, number_sentence
from pipeline.model.risk import share_in_words

_NOT_PLAIN = re.compile(r'["\\\x00-\x1f]')
"""What JSON does not take in a text as it is."""
_OF_OUTLIERS = ("warning", "unusual", "unusual_combination")
_IN_PLACE = {"warning": "null", "unusual": "[]", "unusual_combination": "[]"}
"""What they are of everybody else."""


class ItemWriter:
    """Writes items with some fields."""

    def __init__(self, presenter: Presenter, names: Sequence[str]) -> None:
        """Prepare what is the same for all.

        Args:
            presenter: The model, and its words.
            names: The fields of an item, in their order.
        """
        self.presenter, self.names = presenter, names
        self._ids = [str(cluster.id) for cluster in presenter.model.clusters]
        self._plain = _has_plain_words(presenter.model.contract)
        members = "".join(f',"{name}":%s' for name in names)
        self._item = f'{{"index":%d{members}}}'
        self._columns: dict[str, Callable[[Located], Sequence[str]]] = {
            "cluster": lambda located: [self._ids[k] for k in located.found.own.tolist()],
            "risk_score": self._risk,
            "distance": lambda located: numbers(located.assignments.distance),
            "margin": lambda located: numbers(located.assignments.margin),
            "runner_up": self._runner_up,
            "outlier": _outlier,
            "reasons": self._reasons,
        }

    def items(self, located: Located, indexes: Sequence[int], ids: Sequence[object]) -> list[str]:
        """The items of customers.

        Args:
            located: Where they are.
            indexes: The place of each in the batch.
            ids: The id of each.
        """
        columns: dict[str, Sequence[str]] = {}
        if not set(_OF_OUTLIERS).isdisjoint(self.names):
            columns |= self._of_outliers(located)
        if "id" in self.names:
            columns["id"] = ids_text(ids)
        for name in self.names:
            if name not in columns:
                columns[name] = self._columns[name](located)
        rows = zip(indexes, *(columns[name] for name in self.names), strict=True)
        return [self._item % row for row in rows]

    def _of_outliers(self, located: Located) -> dict[str, list[str]]:
        columns = {name: [_IN_PLACE[name]] * len(located) for name in _OF_OUTLIERS}
        for index in located.assignments.outlier.nonzero()[0].tolist():
            assignment = located.one(index)
            columns["warning"][index] = text(warning(located.model.contract, assignment))
            columns["unusual"][index] = text(assignment.unusual)
            columns["unusual_combination"][index] = text(assignment.combination)
        return columns

    def _runner_up(self, located: Located) -> list[str]:
        distances, ids = numbers(located.found.runner_up_distance), self._ids
        return [
            f'{{"id":{ids[k]},"distance":{distance}}}'
            for k, distance in zip(located.found.runner_up.tolist(), distances, strict=True)
        ]

    def _risk(self, located: Located) -> Sequence[str]:
        risks, score = located.risks, located.model.risk
        if risks is None or score is None:
            return ["null"] * len(located)
        word = located.model.contract.churned_word
        ends = [each.tolist() for each in (risks.rate, risks.low, risks.high)]
        sentences = self._escaped(
            share_in_words(rate, low, high, word) for rate, low, high in zip(*ends, strict=True)
        )
        parts = ",".join(f"{_format(text(name))}:%s" for name in score.features)
        form = f'{{"rate":%s,"low":%s,"high":%s,"parts":{{{parts}}},"sentence":"%s"}}'
        figures = [numbers(each) for each in (risks.rate, risks.low, risks.high, *risks.parts)]
        return [form % row for row in zip(*figures, sentences, strict=True)]

    def _reasons(self, located: Located) -> list[str]:
        table = reason_table(located.model, located.features, located.found)
        features = [
            self._reasons_of(located, table, index, feature)
            for index, feature in enumerate(located.model.contract.features)
        ]
        ranks = table.order.T.tolist()
        return [
            f"[{','.join([texts[feature] for feature in order])}]"
            for texts, order in zip(zip(*features, strict=True), ranks, strict=True)
        ]

    def _escaped(self, sentences: Iterable[str]) -> list[str]:
        """Sentences as they stand between quotation marks; of most contracts as they are."""
        return list(sentences) if self._plain else [text(each)[1:-1] for each in sentences]

    def _reasons_of(
        self, located: Located, table: ReasonTable, index: int, feature: Feature
    ) -> list[str]:
        """What one feature says of each customer."""
        values = located.features[feature.name]
        sentences, parts = self._escaped(_sentences(located, table, index)), table.parts[index]
        head = f'{{"feature":{text(feature.name)},"value":'
        if not feature.numeric:
            return [
                f'{head}{value},"contribution":{part},"border":null,"border_cluster":null,'
                f'"sentence":"{sentence}"}}'
                for value, part, sentence in zip(
                    map(text, values.tolist()), numbers(parts), sentences, strict=True
                )
            ]
        borders = numbers(table.borders.value[index])
        behind = [self._ids[k] for k in table.borders.cluster[index].tolist()]
        return [
            f'{head}{value},"contribution":{part},"border":{border},"border_cluster":'
            f'{"null" if border == "null" else cluster},"sentence":"{sentence}"}}'
            for value, part, border, cluster, sentence in zip(
                numbers(values), numbers(parts), borders, behind, sentences, strict=True
            )
        ]


def _has_plain_words(contract: Contract) -> bool:
    """Whether all that sentences are made of stands in JSON as it is."""
    words = [contract.churned_word]
    for feature in contract.features:
        words += [feature.label, feature.unit, *feature.values]
    return not _NOT_PLAIN.search("".join(words))


def _sentences(located: Located, table: ReasonTable, index: int) -> Iterator[str]:
    """What one feature says of each customer, in words."""
    feature = located.model.contract.features[index]
    values, parts = located.features[feature.name].tolist(), table.parts[index].tolist()
    telling = table.telling[index].tolist()
    if not feature.numeric:
        for value, part, tells in zip(values, parts, telling, strict=True):
            yield (
                category_sentence(feature, value, part)
                if tells
                else indifferent_sentence(feature, value)
            )
        return
    ids = [cluster.id for cluster in located.model.clusters]
    for value, part, tells, sign, border, behind in zip(
        values, parts, telling, table.signs[index].tolist(),
        table.borders.value[index].tolist(), table.borders.cluster[index].tolist(), strict=True,
    ):  # fmt: skip
        if tells:
            known = None if isnan(border) else border
            yield number_sentence(feature, value, part, sign, known, ids[behind])
        else:
            yield indifferent_sentence(feature, value)


def _outlier(located: Located) -> list[str]:
    return ["true" if each else "false" for each in located.assignments.outlier.tolist()]


def numbers(values: NDArray[Any]) -> list[str]:
    """Numbers as JSON has them; null for NaN."""
    if not len(values):
        return []
    return to_json(values.tolist(), inf_nan_mode="null").decode()[1:-1].split(",")


def text(value: object) -> str:
    """A value as JSON."""
    return to_json(value).decode()


def ids_text(ids: Sequence[object]) -> Sequence[str]:
    """Ids as JSON."""
    if all(each is None for each in ids):
        return list(repeat("null", len(ids)))
    return [text(each) for each in ids]


def _format(constant: str) -> str:
    """A text in a format of `%`."""
    return constant.replace("%", "%%")
