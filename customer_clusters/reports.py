"""What scoring, exploring and comparing give back: data, and a picture in a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.pages.rendering import number, percent, render_page

if TYPE_CHECKING:
    from pipeline.comparing import Comparison
    from pipeline.scoring.documents import ClusterSummary, Manifest, Summary
    from pipeline.scoring.outcome_documents import ClusterOutcome, OutcomesDocument, OutcomeVerdict
    from pipeline.training.exploring import Exploration


@dataclass(frozen=True, repr=False)
class Run:
    """A customer file that was scored."""

    manifest: "Manifest"
    """What was read, with which model, and how many rows ended where."""
    summary: "Summary"
    """The clusters of its customers, drift, and why rows were rejected."""
    out: str
    """The folder or prefix that `manifest["outputs"]` are below."""

    @property
    def folder(self) -> str:
        """The address of the run itself."""
        return self.path("summary").rpartition("/")[0]

    def path(self, role: str = "assigned") -> str:
        """The address of an output.

        Args:
            role: `assigned`, `rejected`, `clusters`, `summary` or `report`.
        """
        return f"{self.out.rstrip('/')}/{self.manifest['outputs'][role]}"

    def __repr__(self) -> str:
        known = self.manifest
        return (
            f"<Run {known['run']} of {known['input']['name']}: {known['rows_assigned']:,} of "
            f"{known['rows_in']:,} customers assigned>"
        )

    def _repr_html_(self) -> str:
        known = self.manifest
        headings = ["Cluster", "Name", "Customers", "Share", "In training", "Expected to leave"]
        rows = [_summarised(cluster) for cluster in self.summary["clusters"]]
        if self.summary["expected_churners"] is None:
            headings, rows = headings[:-1], [row[:-1] for row in rows]
        lines = [
            f"{known['rows_in']:,} customers: {known['rows_assigned']:,} assigned, "
            f"{known['rows_rejected']:,} rejected, {self.summary['outliers']:,} outliers",
            f"Report: {self.path('report')}",
        ]
        return _table(known["input"]["name"], lines, headings, rows)


@dataclass(frozen=True, repr=False)
class Explored:
    """Customers before anything is trained on them."""

    exploration: "Exploration"
    """All figures."""

    @property
    def highlights(self) -> list[str]:
        """What to know first, in sentences."""
        from pipeline.training.exploring import highlights

        return highlights(self.exploration)

    def write(self, out: str | Path) -> Path:
        """Write explore.html and explore.json into a folder; the path of the page."""
        from pipeline.training.exploring import write

        return write(self.exploration, Path(out))

    def __repr__(self) -> str:
        return "\n".join(self.highlights)

    def _repr_html_(self) -> str:
        title = f"{self.exploration.file}: {self.exploration.customers:,} customers"
        return _table(title, self.highlights)


@dataclass(frozen=True, repr=False)
class Compared:
    """Two versions of a model, side by side."""

    comparison: "Comparison"
    """All figures."""

    @property
    def objections(self) -> tuple[str, ...]:
        """Why the new one should not replace the old one."""
        return self.comparison.objections

    def __repr__(self) -> str:
        verdict = "; ".join(self.objections) or "nothing speaks against a promotion"
        return f"<{self.comparison.old} → {self.comparison.new}: {verdict}>"

    def _repr_html_(self) -> str:
        rows = [
            (name.replace("_", " "), number(change.old), number(change.new))
            for name, change in self.comparison.figures.items()
        ]
        lines = self.objections or ("Nothing speaks against a promotion.",)
        headings = ("Figure", self.comparison.old, self.comparison.new)
        return _table("Two versions", lines, headings, rows)


@dataclass(frozen=True, repr=False)
class Outcomes:
    """What became of the customers of a run, beside what training led to expect."""

    document: "OutcomesDocument"
    """All figures."""

    @property
    def verdict(self) -> "OutcomeVerdict":
        """Of all customers."""
        return self.document["overall"]["verdict"]

    @property
    def told(self) -> list[str]:
        """Who is not counted and why, a sentence each."""
        from pipeline.runs.outcomes.sentences import told

        return told(self.document)

    def write(self, out: str | Path) -> Path:
        """Write outcomes.json and outcomes.html into a folder; the path of the page."""
        from model_store import FolderStorage
        from pipeline.runs.outcomes.store import keep
        from pipeline.scoring.outcome_documents import OUTCOMES_PAGE

        keep(self.document, FolderStorage(Path(out)))
        return Path(out) / OUTCOMES_PAGE

    def __repr__(self) -> str:
        from pipeline.runs.outcomes.sentences import headline

        name, day = self.document["input"]["name"], self.document["as_of"]
        return f"<{name} as of {day}: {headline(self.document)}>"

    def _repr_html_(self) -> str:
        from pipeline.runs.outcomes.sentences import effect, headline

        audience, word = self.document["audience"], self.document["churned_word"]
        campaign = [effect(audience, word)] if audience else []
        lines = [headline(self.document), *campaign, *self.told]
        headings = ["Cluster", "Name", "Counted", "Rate", "Expected", "Verdict"]
        title = f"Outcomes of {self.document['input']['name']} as of {self.document['as_of']}"
        return _table(title, lines, headings, [_outcome(it) for it in self.document["clusters"]])


def _outcome(cluster: "ClusterOutcome") -> list[str]:
    observed = cluster["observed"]
    return [
        str(cluster["cluster"]),
        cluster["cluster_name"],
        f"{cluster['counted']:,}",
        percent(observed["value"] if observed else None),
        percent(cluster["expected"]["value"]),
        cluster["verdict"],
    ]


def _summarised(cluster: "ClusterSummary") -> list[str]:
    return [
        str(cluster["cluster"]),
        cluster["cluster_name"],
        f"{cluster['customers']:,}",
        percent(cluster["share"]),
        percent(cluster["training_share"]),
        "" if cluster["expected_churners"] is None else f"{round(cluster['expected_churners']):,}",
    ]


def _table(
    title: str,
    lines: Sequence[str],
    headings: Sequence[str] = (),
    rows: Sequence[Sequence[Any]] = (),
) -> str:
    return render_page(
        "notebook/table.html.j2", title=title, lines=lines, headings=headings, rows=rows
    )
