"""The clusters of a model in a notebook: a sequence, a table, and a picture."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from pipeline.model.cluster import Cluster
from pipeline.pages.rendering import render_page
from pipeline.pages.scale import Interval, share_scale

if TYPE_CHECKING:
    import pyarrow as pa


class Clusters:
    """The clusters of a model, by id.

    Also a table of one row a cluster, for whatever reads the Arrow C interface:
    `polars.DataFrame(model.clusters)`, `model.clusters.to_arrow().to_pandas()`.
    """

    def __init__(self, clusters: Iterable[Cluster]) -> None:
        self._clusters = tuple(clusters)

    def __iter__(self) -> Iterator[Cluster]:
        return iter(self._clusters)

    def __len__(self) -> int:
        return len(self._clusters)

    @overload
    def __getitem__(self, index: int) -> Cluster: ...
    @overload
    def __getitem__(self, index: slice) -> "Clusters": ...
    def __getitem__(self, index: int | slice) -> "Cluster | Clusters":
        if isinstance(index, slice):
            return Clusters(self._clusters[index])
        return self._clusters[index]

    def to_arrow(self) -> "pa.Table":
        """One row a cluster: id, name, size, share, churn rate with its interval, medians."""
        import pyarrow as pa

        rows = [_row(cluster) for cluster in self._clusters]
        return pa.Table.from_pylist(rows)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> Any:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        lines = [f"{c.id}  {c.name}  {c.size:,} ({c.share:.1%})" for c in self._clusters]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return page_of(self._clusters, "Clusters")


@dataclass(frozen=True, slots=True)
class Mark:
    """A cluster in the chart: where its share or its churn rate is, in per cent of the width."""

    cluster: Cluster
    interval: Interval
    words: str


def page_of(clusters: Sequence[Cluster], title: str) -> str:
    """The table of the clusters and a chart of their churn rates, or of their shares."""
    labelled = all(cluster.churn for cluster in clusters)
    marks, ticks = _marks(clusters, labelled=labelled)
    return render_page(
        "notebook/clusters.html.j2",
        title=title,
        clusters=clusters,
        labelled=labelled,
        marks=marks,
        ticks=ticks,
    )


def _marks(
    clusters: Sequence[Cluster], *, labelled: bool
) -> tuple[list[Mark], Sequence[tuple[float, float]]]:
    highest = max((c.churn.high if labelled and c.churn else c.share) for c in clusters)
    scale, ticks = share_scale(highest)
    marks = []
    for cluster in clusters:
        churn = cluster.churn if labelled else None
        if churn is None:
            interval, words = scale.interval(cluster.share, 0, 0), f"{cluster.share:.1%}"
        else:
            interval = scale.interval(churn.rate, churn.low, churn.high)
            words = f"{churn.rate:.1%}, 95 % interval {churn.low:.1%} to {churn.high:.1%}"
        marks.append(Mark(cluster, interval, words))
    return marks, ticks


def _row(cluster: Cluster) -> dict[str, Any]:
    churn = cluster.churn
    return {
        "cluster": cluster.id,
        "cluster_name": cluster.name,
        "description": cluster.description,
        "customers": cluster.size,
        "share": cluster.share,
        "churn_rate": churn.rate if churn else None,
        "churn_low": churn.low if churn else None,
        "churn_high": churn.high if churn else None,
        **{f"median_{name}": profile.median for name, profile in cluster.profile.items()},
    }
