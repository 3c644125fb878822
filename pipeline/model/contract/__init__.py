"""The contract: which columns a model expects and what their values may be.

Declared once in TOML, carried inside every artifact, and the only place that knows when a value
is acceptable. Standard library only: a single look-up pays for nothing else.
"""

from pipeline.model.contract.contract import Contract
from pipeline.model.contract.feature import (
    AMBIGUOUS,
    LARGEST,
    MARKS,
    MEDIAN,
    MISSING_WORDS,
    NOT_COMPUTED,
    Feature,
    Range,
    Value,
    exact,
    is_missing,
    show,
)
from pipeline.model.contract.findings import Finding, listed
from pipeline.model.contract.label import Label
from pipeline.model.contract.toml import DEFAULT_CONTRACT, SCHEMA, load_contract, read_contract

__all__ = [
    "AMBIGUOUS",
    "DEFAULT_CONTRACT",
    "LARGEST",
    "MARKS",
    "MEDIAN",
    "MISSING_WORDS",
    "NOT_COMPUTED",
    "SCHEMA",
    "Contract",
    "Feature",
    "Finding",
    "Label",
    "Range",
    "Value",
    "exact",
    "is_missing",
    "listed",
    "load_contract",
    "read_contract",
    "show",
]
