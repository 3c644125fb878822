"""What to train on: a table or a file, its contract, and who left."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from customer_clusters.columns import FRAME
from customer_clusters.frames import open_frame
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract, Feature, Label, load_contract
from pipeline.reading.arrow_columns import is_text, without_dictionary
from pipeline.reading.memory import MemoryTable

MOST_VALUES = 20
"""A text with more different values than that is no category, unless a contract declares it."""
CHURN = "churn"
"""What a label is called that was given beside the table."""
_CHURNED, _STAYED = ("True", "1"), ("False", "0")
_MISSING = ("nan", "<NA>", "NaT")
"""What stands for a missing value in an array of objects, as it writes itself."""
_WRITTEN = re.compile(r"0|-?(0?\.|[1-9])[\d.e+-]*", re.IGNORECASE)
"""How programs write a number; a code such as 007 is none."""
_ID = re.compile(r"(id|number|num|nr|no|key)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Customers to train on, and what their columns mean."""

    source: MemoryTable | Path
    contract: Contract

    def features(self, wanted: Sequence[str] | None) -> tuple[str, ...]:
        """The features that are wanted, or all of the contract that are there.

        Raises:
            WrongFile: One of them is none of the contract's, or there is none.
        """
        refuse_text(wanted)
        names = tuple(f.name for f in self.contract.features) if wanted is None else tuple(wanted)
        if not names:
            raise WrongFile(FRAME, "no features are given; expected the names of some columns")
        return tuple(f.name for f in self.contract.select(names).features)

    def narrowed(self, wanted: Sequence[str] | None) -> Contract:
        """The contract with the features that are wanted; errors as of `features`."""
        return self.contract if wanted is None else self.contract.select(self.features(wanted))


def refuse_text(features: Sequence[str] | None) -> None:
    """Refuse one name where a list of them is meant: its letters would be taken for names."""
    if isinstance(features, str):
        raise WrongFile("features", f"expected a list of columns: give [{features!r}]")


def open_training_data(
    data: Any,
    contract: Contract | str | Path | None = None,
    churn: Any = None,
    features: Sequence[str] | None = None,
) -> TrainingData:
    """What to train on.

    Args:
        data: A table as `open_frame` takes it, or the path of a customer file.
        contract: A contract, or the path of one. None, for a table: its columns as they are.
            Numbers are numbers, text with a few values is a category, and columns that look like
            an id are left out.
        churn: Who left: the name of a column, or a value for each customer, as True and False, or
            as two numbers of which the larger means that the customer left. None: as the contract
            says.
        features: Without a contract: the columns to describe, whatever they look like.

    Raises:
        WrongFile: It is no table, or its label is unclear.
    """
    refuse_text(features)
    declared = load_contract(Path(contract)) if isinstance(contract, str | Path) else contract
    if isinstance(data, str | Path):
        if declared is None:
            raise WrongFile(data, "a file needs a contract: give contract=, or read it as a table")
        if churn is not None:
            raise WrongFile(data, "the label of a file is what its contract says: leave churn out")
        return TrainingData(Path(data), declared)
    table = open_frame(data).table()
    table, label = _with_label(table, churn)
    if declared is None:
        declared = _inferred(table, label, features)
    elif label is not None:
        kept = tuple(f for f in declared.features if f.name != label.column)
        never = tuple(name for name in declared.never_features if name != label.column)
        declared = replace(declared, features=kept, label=label, never_features=never)
    return TrainingData(MemoryTable(FRAME, table), declared)


def _with_label(table: pa.Table, churn: Any) -> tuple[pa.Table, Label | None]:
    """The table with its label as True and False."""
    if churn is None:
        return table, None
    name = churn if isinstance(churn, str) else _free(CHURN, table.column_names)
    if isinstance(churn, str) and name not in table.column_names:
        names = ", ".join(table.column_names[:12])
        raise WrongFile(FRAME, f"no column {name} for churn=; found: {names}")
    values = table[name].to_pylist() if isinstance(churn, str) else _values(churn)
    if len(values) != len(table):
        raise WrongFile(
            FRAME,
            f"churn has {len(values):,} values for {len(table):,} customers; expected as many",
        )
    column = pa.array(_churned(values, name), pa.bool_())
    if isinstance(churn, str):
        table = table.set_column(table.column_names.index(name), name, column.cast(pa.string()))
    else:
        table = table.append_column(name, column.cast(pa.string()))
    return table, Label(name, ("true",), ("false",))


def _values(churn: Any) -> list[Any]:
    if isinstance(churn, pa.Array | pa.ChunkedArray):
        return list(churn.to_pylist())
    values = churn.to_numpy() if hasattr(churn, "to_numpy") else np.asarray(churn)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise WrongFile(
            FRAME, f"churn has {values.ndim} dimensions; expected one value for each customer"
        )
    return list(values.tolist())


def _churned(values: list[Any], name: str) -> NDArray[np.bool_]:
    """Whether each customer left; the larger of two numbers means so, as in scikit-learn."""
    missing = sum(value is None or str(value) in _MISSING for value in values)
    if missing:
        raise WrongFile(
            FRAME, f"label {name} is missing for {missing:,} of {len(values):,} customers; train "
            "on those of whom it is known, or without churn"
        )  # fmt: skip
    kinds = set(values)
    if not all(isinstance(value, bool | int | float | Decimal) for value in kinds):
        found = ", ".join(sorted(repr(value) for value in kinds)[:3])
        raise WrongFile(
            FRAME,
            f"label {name} holds {found}; expected True and False, or 1 and 0: "
            f"give churn=frame[{name!r}] == the value of those who left",
        )
    if len(kinds) != 2:
        raise WrongFile(FRAME, f"label {name} has {len(kinds):,} different values, expected two")
    return np.array([value == max(kinds) for value in values], bool)


def _inferred(table: pa.Table, label: Label | None, wanted: Sequence[str] | None) -> Contract:
    """A contract of a table's own columns."""
    features, ids = [], []
    for name in table.column_names if wanted is None else wanted:
        if name not in table.column_names:
            raise WrongFile(FRAME, f"no column {name}; found: {', '.join(table.column_names[:12])}")
        if label is not None and name == label.column:
            continue
        column = without_dictionary(table[name].combine_chunks())
        if wanted is None and _is_id(name, column):
            ids.append(name)
            continue
        feature = _feature(name, column)
        if feature is not None:
            features.append(feature)
        elif wanted is not None:
            raise WrongFile(
                FRAME,
                f"column {name} cannot be a feature: expected numbers, or text with at most "
                f"{MOST_VALUES} different values, found {column.type}",
            )
    if not features:
        raise WrongFile(FRAME, "has no column that can be a feature: expected numbers, or text "
                        f"with at most {MOST_VALUES} different values")  # fmt: skip
    id_column = ids[0] if len(ids) == 1 else None
    return Contract(
        name="frame",
        title="Customers",
        features=tuple(features),
        id_column=id_column,
        label=label,
    )


def _feature(name: str, column: pa.Array) -> Feature | None:
    """A column as a feature; None where it is neither a number nor a category."""
    kind = column.type
    if pa.types.is_integer(kind):
        return Feature(name, "integer", name)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Feature(name, "number", name)
    if not (is_text(column) or pa.types.is_boolean(kind)):
        return None
    if is_text(column) and (type_of_texts := _type_of_numbers(column)):
        return Feature(name, type_of_texts, name)
    values = sorted(
        str(value).strip() for value in pc.unique(column).to_pylist() if value is not None
    )
    if not 2 <= len(set(values)) <= MOST_VALUES:
        return None
    return Feature(name, "category", name, values=tuple(dict.fromkeys(values)))


def _type_of_numbers(texts: pa.Array) -> Literal["integer", "number"] | None:
    """The type of texts that all are numbers, as columns of objects have them."""
    known = texts.drop_null()
    if not len(known) or not all(_WRITTEN.fullmatch(text.strip()) for text in known.to_pylist()):
        return None
    try:
        numbers = pc.cast(pc.utf8_trim_whitespace(known.cast(pa.string())), pa.float64())
    except pa.ArrowInvalid:
        return None
    return "integer" if pc.all(pc.equal(numbers, pc.floor(numbers))).as_py() else "number"


def _is_id(name: str, column: pa.Array) -> bool:
    """Whether a column looks like the ids of customers: all different, and named as ids are."""
    if not (is_text(column) or pa.types.is_integer(column.type)) or not _ID.search(name):
        return False
    return bool(pc.count_distinct(column).as_py() == len(column))


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"given_{name}"
    return name
