"""What can be exported, and what a user chooses about it. Needs the standard library only."""

from dataclasses import dataclass
from typing import Literal, get_args

Target = Literal["sql", "onnx", "skops", "mlflow"]
TARGETS: tuple[Target, ...] = get_args(Target)
Dialect = Literal["duckdb", "postgres", "bigquery", "snowflake", "databricks"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)


@dataclass(frozen=True, slots=True)
class SqlOptions:
    """What a user chooses about a query."""

    dialect: Dialect = "duckdb"
    table: str = "customers"
    """The table or view with the customers, written as the dialect writes it."""
    keep: tuple[str, ...] = ()
    """Columns of the table that the answer has as well. Empty: the contract's id, or without one
    the features."""
    quoted: bool = True
    """Whether names of the table's columns are quoted, so that a database finds them exactly as
    they are written. Postgres and Snowflake fold the letters of others."""
