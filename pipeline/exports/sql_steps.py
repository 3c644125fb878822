"""A query step by step: how a step is made of the one before, named, and written."""

from collections.abc import Mapping, Sequence

from model_store.extras import needs_extra
from pipeline.exports.options import Dialect

with needs_extra("an export to sql", "sql"):
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect as Dialects

FENCED: tuple[Dialect, ...] = ("postgres",)
"""Databases that would put each step's expressions into the next one, wherever it names them, and
so compute them thousands of times; OFFSET 0 keeps the steps apart."""
_LONGEST = 40
"""Letters of a column's name that Postgres still tells apart, with ours before them."""


def step_after(source: str, added: Mapping[str, exp.Expression]) -> exp.Select:
    """What the step before has, and more columns."""
    return exp.select(exp.Star(), *aliases(added)).from_(exp.to_identifier(source))


def aliases(columns: Mapping[str, exp.Expression]) -> list[exp.Expression]:
    """Columns under their names."""
    return [
        value
        if isinstance(value, exp.Column) and value.name == name
        else exp.Alias(this=value, alias=exp.to_identifier(name))
        for name, value in columns.items()
    ]


def written(query: exp.Select, dialect: Dialect) -> str:
    """The query as text; what stands in parentheses stays on its line."""
    generator = Dialects.get_or_raise(dialect).generator_class
    inline = type(
        "Inline",
        (generator,),
        {"paren_sql": lambda self, paren: f"({self.sql(paren, 'this')})"},
    )
    return str(inline(dialect=dialect, pretty=True, max_text_width=100).generate(query))


def names_of(prefix: str, of: Sequence[str]) -> list[str]:
    """Names of our own columns: readable where that is safe, else counted."""
    safe = [name.isidentifier() and name.isascii() and len(name) <= _LONGEST for name in of]
    folded = [name.casefold() for name in of]
    return [
        f"{prefix}_{name}" if good and folded.count(name.casefold()) == 1 else f"{prefix}_{index}"
        for index, (name, good) in enumerate(zip(of, safe, strict=True), start=1)
    ]
