"""A model as a notebook has it: load it, and ask it about a table of customers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from model_store import BUNDLED, CHAMPION, Artifact, Store, open_store
from pipeline.errors import WrongFile, WrongRow
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract, Value
from pipeline.model.counterfactuals import find_counterfactuals
from pipeline.model.published.facts import Metrics, facts_of
from pipeline.model.published.loading import load_model

if TYPE_CHECKING:
    from customer_clusters.clusters import Clusters
    from customer_clusters.frames import Frame
    from pipeline.reading.validation import Checked


def load(
    reference: str = CHAMPION,
    store: "str | Path | Store | None" = None,
    trusted: tuple[str, ...] = (),
) -> "Model":
    """Load a model from a store.

    Args:
        reference: An alias, such as `champion` or `candidate`, or a version.
        store: A folder or s3:// address of a model store, or the store itself. None: the store
            that ships with this package, whose champion knows BankChurners.
        trusted: Public keys. Where there are any, a version that none of them signed is refused.

    Returns:
        The model, verified before it answers anything. Nothing is unpickled.

    Raises:
        NotFound: There is no such alias or version.
        WrongArtifact: The version is damaged.

    Example:
        >>> import customer_clusters as cc
        >>> cc.load("champion")
        <Model 20261127T041606Z-b2044434: 5 clusters of credit card customers>
    """
    return Model.of(as_store(store, trusted).open(reference))


def as_store(store: "str | Path | Store | None", trusted: tuple[str, ...] = ()) -> Store:
    """The store that an argument means."""
    if isinstance(store, Store):
        return store
    return open_store(BUNDLED if store is None else store, trusted)


@dataclass(frozen=True, slots=True)
class Change:
    """Another value of one feature, and the cluster it moves a customer to."""

    feature: str
    value: Value
    cluster: int
    cluster_name: str
    size: float
    """How far it moves the customer, in standard deviations of the transformed features."""


@dataclass(frozen=True, repr=False)
class Model:
    """A trained model: which cluster a customer belongs to, and why.

    Tables may be of pandas, Polars, DuckDB or Arrow; what comes back is of the same kind.
    """

    cluster_model: ClusterModel
    """What computes."""
    version: str = "unpublished"
    metrics: Metrics = field(default_factory=Metrics)
    """The evidence for it, by name: see `pipeline.model.published.facts.Metrics`."""

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """The model of a published version."""
        metrics = facts_of(artifact).get("metrics", Metrics())
        return cls(load_model(artifact), artifact.version, metrics)

    @property
    def contract(self) -> Contract:
        """The columns it reads, and what their values may be."""
        return self.cluster_model.contract

    @property
    def clusters(self) -> "Clusters":
        """The clusters, by id: a sequence, a table, and a picture in a notebook.

        Example:
            >>> import customer_clusters as cc
            >>> cc.load().clusters[4].name
            'Little revolving balance, rare card use'
        """
        from customer_clusters.clusters import Clusters

        return Clusters(self.cluster_model.clusters)

    def assign(self, frame: Any, *, strict: bool = False) -> Any:
        """Find every customer's cluster.

        Args:
            frame: A table with a column for each feature of the contract, found by its name; the
                other columns and the index of pandas are kept.
            strict: Raise where a customer cannot be assigned.

        Returns:
            The table with `cluster`, `cluster_name`, `churn_rate` (of the group in training, not of
            this person), `distance`, `margin`, `outlier` and `problem` behind its own columns;
            before the problem `risk`, `risk_low` and `risk_high` where the model has a risk score:
            the share of customers with such values that churned, with a 95 % interval. A customer
            that cannot be assigned has a problem and nothing else there. Where a name is
            taken, the new column is called `assigned_` and that name.

        Raises:
            WrongFile: It is no table, lacks a column, or, if strict, has a customer that cannot be
                assigned.

        Example:
            >>> import pyarrow as pa
            >>> import customer_clusters as cc
            >>> customers = pa.table({
            ...     "Total_Revolving_Bal": [0, 1500],
            ...     "Total_Trans_Amt": [1900, None],
            ...     "Total_Trans_Ct": [38, 70],
            ... })
            >>> assigned = cc.load().assign(customers)
            >>> assigned["cluster"].to_pylist()
            [5, None]
            >>> assigned["problem"][1].as_py()
            'Total_Trans_Amt: expected a number from 0 to 100,000,000, found nothing'
        """
        from customer_clusters.columns import assigned_columns

        opened, checked = self._checked(frame, strict=strict)
        return _appended(opened, assigned_columns(self.cluster_model, checked))

    def explain(self, frame: Any, *, wide: bool = False, strict: bool = False) -> Any:
        """Say why customers belong to their clusters rather than to the next one.

        A contribution is a feature's exact part in the difference of the squared distances to the
        runner-up and to the own cluster: above zero it speaks for the cluster, and all of them add
        up to the difference.

        Args:
            frame: As for `assign`.
            wide: One row a customer, as many columns as features.
            strict: As for `assign`.

        Returns:
            One row for each feature of each customer, the weightiest first: `row` (0 is the first
            customer), `cluster`, `runner_up`, `rank`, `feature`, `value`, `contribution`,
            `sentence`. One that cannot be assigned has one row with its `problem`. If wide, the
            table itself with the columns of `assign`, `runner_up`, and a column
            `reason_` for each feature.

        Example:
            >>> import pyarrow as pa
            >>> import customer_clusters as cc
            >>> customers = pa.table({
            ...     "Total_Revolving_Bal": [0], "Total_Trans_Amt": [1900], "Total_Trans_Ct": [38]
            ... })
            >>> reasons = cc.load().explain(customers)
            >>> reasons["feature"].to_pylist()[0]
            'Total_Trans_Ct'
        """
        from customer_clusters.columns import assigned_columns, reason_columns, reason_rows

        opened, checked = self._checked(frame, strict=strict)
        if not wide:
            return opened.expanded(*reason_rows(self.cluster_model, checked))
        appended = assigned_columns(self.cluster_model, checked)
        reasons = reason_columns(self.cluster_model, checked)
        for name in reasons.column_names:
            appended = appended.append_column(name, reasons[name])
        return _appended(opened, appended)

    def what_if(self, row: Any) -> list[Change]:
        """The smallest change of each feature alone that moves one customer to another cluster.

        Args:
            row: One customer: a mapping by column, a row of pandas, or a table of one row.

        Returns:
            The changes, the smallest first; a feature that alone changes nothing is left out.

        Raises:
            WrongFile: It is no customer, or lacks a column.
            WrongRow: A value cannot be used; carries every problem.

        Example:
            >>> import customer_clusters as cc
            >>> changes = cc.load().what_if(
            ...     {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}
            ... )
            >>> changes[0].feature, changes[0].value, changes[0].cluster
            ('Total_Revolving_Bal', 343.0, 4)
        """
        _, checked = self._checked(_one_row(row))
        if len(checked.good) != 1:
            raise WrongFile("the row", f"expected one customer, found {len(checked.good):,}")
        if checked.problems:
            raise WrongRow(checked.problems[0])
        customer = {name: values.tolist()[0] for name, values in checked.features.items()}
        found = find_counterfactuals(self.cluster_model, customer).values()
        return [
            Change(found.feature, found.value, found.cluster.id, found.cluster.name, found.size)
            for found in sorted(filter(None, found), key=lambda change: change.size)
        ]

    def _checked(self, frame: Any, *, strict: bool = False) -> "tuple[Frame, Checked]":
        from customer_clusters.columns import FRAME
        from customer_clusters.frames import open_frame

        opened = open_frame(frame)
        checked = opened.check(self.contract)
        if strict and checked.problems:
            first = min(checked.problems)
            count, problems = len(checked.problems), "; ".join(map(str, checked.problems[first]))
            raise WrongFile(
                FRAME,
                f"{count:,} of {len(checked.good):,} customers cannot be assigned; "
                f"row {first} (0 is the first): {problems}",
            )
        return opened, checked

    def __repr__(self) -> str:
        title = self.contract.title or self.contract.name
        title = title[:1].lower() + title[1:]
        return f"<Model {self.version}: {len(self.cluster_model.clusters)} clusters of {title}>"

    def _repr_html_(self) -> str:
        from customer_clusters.clusters import page_of

        return page_of(self.cluster_model.clusters, f"{self.contract.title}: model {self.version}")


def _appended(opened: "Frame", columns: Any) -> Any:
    from pipeline.scoring.scorer import free_names

    return opened.with_columns(
        columns.rename_columns(free_names(columns.column_names, opened.names))
    )


def _one_row(row: Any) -> Any:
    """One customer as a table, whatever it is given as."""
    import pyarrow as pa

    if isinstance(row, Mapping):
        values = dict(row)
    elif hasattr(row, "to_dict") and not hasattr(row, "columns"):  # a row of pandas
        values = row.to_dict()
    else:
        return row
    return pa.Table.from_pydict({str(name): _cell(value) for name, value in values.items()})


def _cell(value: object) -> Any:
    """A value as a column of one cell; what Arrow has no type for as its text."""
    import pyarrow as pa

    try:
        return pa.array([value], from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.array([str(value)])
