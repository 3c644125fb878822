"""A model as one SELECT, for a database that holds the customers.

The query is built as a tree from the numbers of model.json and written in the dialect of each
database. Each step of an assignment is a common table expression with named columns.
"""

from model_store.extras import needs_extra
from pipeline.errors import printable
from pipeline.exports import sql_terms as sql
from pipeline.exports.errors import WrongExport
from pipeline.exports.options import SqlOptions
from pipeline.exports.sql_checks import checked_value, problem
from pipeline.exports.sql_steps import FENCED, aliases, names_of, step_after, written
from pipeline.model.cluster_model import ClusterModel, Column

with needs_extra("an export to sql", "sql"):
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

ANSWERS = ("cluster", "cluster_name", "churn_rate", "distance", "margin", "problem")
"""What the query answers for each customer, behind the columns that are kept."""
_LARGEST_DOUBLE = 1.7976931348623157e308


def to_sql(model: ClusterModel, version: str, options: SqlOptions) -> str:
    """The query that gives each customer of a table its cluster.

    A customer with a value that the contract refuses has no cluster, but a problem: the first
    feature at fault and the code that a rejected row of a file has.

    Args:
        model: The model.
        version: What it is called, for the comment at the top.
        options: Dialect, table, columns.

    Returns:
        A comment of a few lines, and one statement.

    Raises:
        WrongExport: The table is none, or a column that is kept has a name that the query needs.
        MissingExtra: The extra `sql` is not installed.
    """
    query = _Query(model, options).statement()
    body = written(query, options.dialect)
    return "".join(f"-- {line}\n" for line in _header(model, version, options)) + f"{body};\n"


def _header(model: ClusterModel, version: str, options: SqlOptions) -> list[str]:
    reads = ", ".join(
        f"{feature.name} [{feature.unit}]" if feature.unit else feature.name
        for feature in model.contract.features
    )
    lines = [
        f"customer-clusters, model {version}, contract {model.contract.name}, {options.dialect}",
        f"Reads {reads}.",
        "churn_rate is that of the group in training, not of a person. Without a usable value a",
        "customer has a problem and no cluster.",
    ]
    return [printable(line) for line in lines]


class _Query:
    """The steps of the query, one CTE each."""

    def __init__(self, model: ClusterModel, options: SqlOptions) -> None:
        self._model, self._options = model, options
        features = [feature.name for feature in model.contract.features]
        id_column = model.contract.id_column
        self._keep = options.keep or ((id_column,) if id_column else tuple(features))
        self._values = names_of("value", features)
        shown = [_shown(column) for column in model.columns]
        self._transforms, self._columns = names_of("t", shown), names_of("z", shown)
        self._axes = self._columns
        if model.space.components is not None:
            self._axes = [f"axis_{index}" for index in range(1, model.space.dimensions + 1)]
        self._squared = [f"squared_{cluster.id}" for cluster in model.clusters]
        self._refuse_taken()

    def statement(self) -> exp.Select:
        steps: list[tuple[str, exp.Select]] = [
            ("read_values", self._read()),
            ("checked_values", self._checked("read_values")),
            ("transformed", self._transformed("checked_values")),
            ("standardised", self._standardised("transformed")),
        ]
        if self._model.space.components is not None:
            steps.append(("rotated", self._rotated("standardised")))
        steps += [
            ("distances", self._distances(steps[-1][0])),
            ("nearest", self._nearest("distances")),
            ("assigned", self._assigned("nearest")),
            ("compared", self._compared("assigned")),
        ]
        query = self._answers("compared")
        for name, step in steps:
            fenced = step.offset(0) if self._options.dialect in FENCED else step
            query = query.with_(name, as_=fenced)
        return query

    def _read(self) -> exp.Select:
        """The kept columns, and the values in the features' own types."""
        kept = [self._named(name) for name in self._keep]
        values = [
            exp.alias_(checked_value(feature, self._named(feature.name)), name)
            for feature, name in zip(self._model.contract.features, self._values, strict=True)
        ]
        return exp.select(*kept, *values).from_(self._table())

    def _checked(self, source: str) -> exp.Select:
        """The first problem of each customer."""
        named = zip(self._model.contract.features, self._values, strict=True)
        found = problem([(feature, sql.column(name)) for feature, name in named])
        return step_after(source, {"problem": found})

    def _transformed(self, source: str) -> exp.Select:
        """What is computed with, of the customers without a problem."""
        features = {feature.name: feature for feature in self._model.contract.features}
        value_of = dict(zip(features, self._values, strict=True))
        added = {}
        for column, name, power in zip(
            self._model.columns, self._transforms, self._model.space.lambdas, strict=True
        ):
            value = sql.column(value_of[column.feature])
            if column.value is not None:
                value = sql.is_value(value, column.value)
            low = features[column.feature].valid.low
            added[name] = sql.where_usable(sql.yeo_johnson(value, power, low))
        return step_after(source, added)

    def _standardised(self, source: str) -> exp.Select:
        space, added = self._model.space, {}
        for column, name, mean, scale in zip(
            self._transforms, self._columns, space.mean, space.scale, strict=True
        ):
            added[name] = sql.divided(sql.minus(sql.column(column), mean), sql.number(scale))
        return step_after(source, added)

    def _rotated(self, source: str) -> exp.Select:
        space = self._model.space
        assert space.pca_mean is not None
        assert space.components is not None
        moved = [
            sql.minus(sql.column(name), mean)
            for name, mean in zip(self._columns, space.pca_mean, strict=True)
        ]
        axes = [
            sql.total(
                [sql.times(m.copy(), sql.number(w)) for m, w in zip(moved, axis, strict=True)]
            )
            for axis in space.components
        ]
        return step_after(source, dict(zip(self._axes, axes, strict=True)))

    def _distances(self, source: str) -> exp.Select:
        """The squared distance to each centre."""
        added = {}
        for cluster, name in zip(self._model.clusters, self._squared, strict=True):
            offsets = zip(self._axes, cluster.centre, strict=True)
            squares = [sql.squared(sql.minus(sql.column(axis), at)) for axis, at in offsets]
            added[name] = sql.total(squares)
        return step_after(source, added)

    def _nearest(self, source: str) -> exp.Select:
        return step_after(source, {"nearest_squared": sql.least([*map(sql.column, self._squared)])})

    def _assigned(self, source: str) -> exp.Select:
        """The cluster that has the smallest distance; of several, that with the lowest id."""
        cluster = exp.case(sql.column("nearest_squared"))
        for own, name in zip(self._model.clusters, self._squared, strict=True):
            cluster = cluster.when(sql.column(name), exp.Literal.number(own.id))
        return step_after(source, {"cluster": cluster})

    def _compared(self, source: str) -> exp.Select:
        """Distance, and that to the runner-up: the smallest of the other clusters."""
        others = [
            sql.lookup(
                {own.id: sql.number(_LARGEST_DOUBLE)}, sql.column("cluster"), sql.column(name)
            )
            for own, name in zip(self._model.clusters, self._squared, strict=True)
        ]
        added = {
            "distance": exp.Sqrt(this=sql.column("nearest_squared")),
            "further": exp.Sqrt(this=sql.least(others)),
        }
        return step_after(source, added)

    def _answers(self, source: str) -> exp.Select:
        clusters, cluster = self._model.clusters, sql.column("cluster")
        names = {own.id: sql.text(own.name) for own in clusters}
        rates = {own.id: sql.number(own.churn.rate) for own in clusters if own.churn is not None}
        answers = {
            "cluster": cluster,
            "cluster_name": sql.lookup(names, cluster.copy()),
            "churn_rate": sql.lookup(rates, cluster.copy()) if rates else _no_number(),
            "distance": sql.column("distance"),
            "margin": sql.where_usable(_margin()),
            "problem": sql.column("problem"),
        }
        kept = [self._named(name) for name in self._keep]
        return exp.select(*kept, *aliases(answers)).from_(exp.to_identifier(source))

    def _named(self, name: str) -> exp.Expression:
        """A column of the user's table."""
        return exp.Column(this=exp.to_identifier(name, quoted=self._options.quoted or None))

    def _table(self) -> exp.Table:
        table = self._options.table.strip()
        try:
            return exp.to_table(table, dialect=self._options.dialect)
        except SqlglotError as error:
            raise WrongExport("sql", f"expected the name of a table, found {table!r}") from error

    def _refuse_taken(self) -> None:
        steps = ("nearest_squared", "further")
        own = [
            *self._values,
            *self._transforms,
            *self._columns,
            *self._axes,
            *self._squared,
            *steps,
            *ANSWERS,
        ]
        taken = {name.casefold() for name in own}
        for name in self._keep:
            if name.casefold() in taken:
                expected = "rename it, or keep other columns with --keep"
                raise WrongExport("sql", f"the query has a column {name} already; {expected}")
            taken.add(name.casefold())


def _margin() -> exp.Case:
    """How much further the runner-up is, as a share of both distances; 0 where both are 0."""
    distance, further = sql.column("distance"), sql.column("further")
    apart = exp.Sub(this=further, expression=distance)
    both = sql.add(further.copy(), distance.copy())
    apart_at_all = exp.GT(this=further.copy(), expression=sql.number(0))
    return exp.case().when(apart_at_all, sql.divided(apart, both)).else_(sql.number(0))


def _no_number() -> exp.Expression:
    return exp.cast(exp.Null(), "double")


def _shown(column: Column) -> str:
    return column.feature if column.value is None else f"{column.feature}_{column.value}"
