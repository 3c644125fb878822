"""The report of a run, for people: one page that stands alone.

It shows groups and never a customer, and states no time: the same input gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.pages.rendering import prepare_page, render_page
from pipeline.scoring.documents import (
    CHALLENGER_COLUMN,
    DriftDocument,
    FeatureDistribution,
    Manifest,
    Summary,
    Verdict,
)
from pipeline.scoring.rejects import column_and_code
from pipeline.scoring.report import charts
from pipeline.scoring.report.contributions import group_contributions
from pipeline.scoring.report.headline import headline
from pipeline.scoring.report.highlights import notices
from pipeline.scoring.report.phrases import (
    VERDICTS,
    reading_phrases,
    reason_phrase,
    rejections,
    three_digits,
)
from pipeline.scoring.summary.verdict import MIN_CUSTOMERS, MOVED, SHIFTED, cluster_mix_verdict

_TEMPLATE = "scoring/report.html.j2"


def prepare_report() -> None:
    """Compile the page's templates, which takes longer than filling them."""
    prepare_page(_TEMPLATE)


def write_report(path: Path, model: ClusterModel, manifest: Manifest, summary: Summary) -> None:
    """Write the page of a run."""
    path.write_text(render(model, manifest, summary), encoding="utf-8", newline="\n")


def render(model: ClusterModel, manifest: Manifest, summary: Summary) -> str:
    """The page of a run as HTML.

    Args:
        model: The model that scored it.
        manifest: What was scored, with what, and the names of the results.
        summary: The figures.
    """
    mix, mix_ticks = charts.share_bars(
        [(c["cluster_name"], c["share"], c["training_share"], c["cluster"])
         for c in summary["clusters"]]
    )  # fmt: skip
    return render_page(
        _TEMPLATE,
        headline=headline(model, summary),
        chart=charts.group_chart(summary),
        word=model.contract.churned_word,
        notices=notices(model, summary),
        contract=model.contract,
        summary=summary,
        manifest=manifest,
        file=manifest["input"],
        reading=reading_phrases(manifest["input"]),
        file_names={role: path.rpartition("/")[2] for role, path in manifest["outputs"].items()},
        three_digits=three_digits,
        trained_on=model.baseline["customers"],
        training_rate=model.churn_rate,
        mix=mix,
        mix_ticks=mix_ticks,
        apart=group_contributions(model.contract, summary),
        numeric=[feature for feature in model.contract.features if feature.numeric],
        rejections=rejections(model.contract, summary),
        **_challenger_values(manifest, summary),
        **_churn_values(model, summary),
        **_drift_values(model, summary),
    )


def _challenger_values(manifest: Manifest, summary: Summary) -> dict[str, object]:
    if "challenger" not in summary:
        return {}
    unassigned = [
        (column_and_code(key)[0], reason_phrase(key), customers)
        for key, customers in summary["challenger"]["unassigned_for"].items()
    ]
    return {"challenger_column": manifest["columns"][CHALLENGER_COLUMN], "unassigned": unassigned}


def _churn_values(model: ClusterModel, summary: Summary) -> dict[str, object]:
    clusters, assigned = summary["clusters"], summary["rows_assigned"]
    training = [cluster.churn for cluster in model.clusters]
    observed, observed_ticks = charts.churn_rates(clusters, training, summary["drift"].get("churn"))
    expected = summary["expected_churners"] if assigned else None
    return {
        "observed": observed if summary["observed_churn"] else [],
        "observed_ticks": observed_ticks,
        "expected": [] if expected is None else charts.expected_churners(clusters),
        "expected_share": None if expected is None else expected / assigned,
    }


@dataclass(frozen=True, slots=True)
class DriftBar:
    """How far one distribution is from training's, as a bar."""

    label: str
    psi: float
    length: float
    verdict: Verdict

    @classmethod
    def of(cls, label: str, drift: DriftDocument, verdict: Verdict) -> "DriftBar":
        """The bar of a measured distribution."""
        return cls(label, drift["psi"], charts.psi_length(drift["psi"]), verdict)


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How far a feature is from training, and where its customers are."""

    feature: Feature
    bar: DriftBar
    distribution: FeatureDistribution
    histogram: charts.Histogram | None = None
    """Of a numeric feature."""
    values: Sequence[charts.ShareBars] = ()
    """Of a category."""
    ticks: charts.Ticks = ()


def _drift_values(model: ClusterModel, summary: Summary) -> dict[str, object]:
    drift = summary["drift"]
    mix = DriftBar.of("Group mix", drift["clusters"], cluster_mix_verdict(drift))
    chance = [d["critical_psi"] or 0.0 for d in (*drift["features"].values(), drift["clusters"])]
    return {
        "drift": [_feature_drift(feature, summary) for feature in model.contract.features],
        "mix_drift": mix,
        "psi_ticks": charts.PSI_TICKS,
        "chance": max(chance),
        "moved": MOVED,
        "shifted": SHIFTED,
        "min_customers": MIN_CUSTOMERS,
        "verdicts": VERDICTS,
    }


def _feature_drift(feature: Feature, summary: Summary) -> FeatureDrift:
    drift, distribution = (
        summary["drift"]["features"][feature.name],
        summary["features"][feature.name],
    )
    bar = DriftBar.of(feature.label, drift, drift["verdict"])
    if "edges" in distribution:
        return FeatureDrift(feature, bar, distribution, charts.histogram(feature, distribution))
    shares, training = distribution["shares"], distribution["training_shares"]
    names = distribution["values"]
    values, ticks = charts.share_bars(
        [(*row, None) for row in zip(names, shares, training, strict=True)]
    )
    return FeatureDrift(feature, bar, distribution, values=values, ticks=ticks)
