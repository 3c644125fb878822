"""The report of a run, for people: one page that stands alone.

It shows groups and never a customer, and states no time: the same input gives the same bytes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.model.cluster_model import ClusterModel
from pipeline.pages.rendering import render_page
from pipeline.scoring.challenger import COLUMN
from pipeline.scoring.drift import MOVED, SHIFTED
from pipeline.scoring.report import charts
from pipeline.scoring.report.highlights import notices
from pipeline.scoring.report.wording import (
    FEWEST,
    VERDICTS,
    about,
    how_it_was_read,
    in_words,
    rejection,
)


def write_report(
    path: Path, model: ClusterModel, manifest: Mapping[str, Any], totals: Mapping[str, Any]
) -> None:
    """Write the page of a run, from what its manifest and its summary say."""
    path.write_text(render(model, manifest, totals), encoding="utf-8", newline="\n")


def render(model: ClusterModel, manifest: Mapping[str, Any], totals: Mapping[str, Any]) -> str:
    """The page."""
    mix, mix_ticks = charts.pairs(
        [(c["cluster_name"], c["cluster"], c["share"], c["training_share"])
         for c in totals["clusters"]]
    )  # fmt: skip
    return render_page(
        "scoring/report.html.j2",
        notices=notices(model, totals),
        contract=model.contract,
        contract_digest=manifest["contract_sha256"],
        clusters=totals["clusters"],
        totals=totals,
        file=manifest["input"],
        reading=how_it_was_read(manifest["input"]),
        run=manifest["run"],
        version=manifest["model_version"],
        files={role: str(place).rsplit("/", 1)[-1] for role, place in manifest["outputs"].items()},
        outlier_column=manifest["columns"]["outlier"],
        about=about,
        trained_on=model.baseline["customers"],
        training_rate=model.churn_rate,
        mix=mix,
        mix_ticks=mix_ticks,
        numeric=[feature for feature in model.contract.features if feature.numeric],
        rejects=_rejects(model, totals),
        **_challenger(manifest, totals),
        **_churn(model, totals),
        **_drift(model, totals),
    )


def _challenger(manifest: Mapping[str, Any], totals: Mapping[str, Any]) -> dict[str, Any]:
    if "challenger" not in totals:
        return {}
    reasons = totals["challenger"]["unassigned_for"].items()
    words = [(key.rpartition(" ")[0], in_words(key), rows) for key, rows in reasons]
    return {"challenger_column": manifest["columns"][COLUMN], "unassigned_for": words}


def _churn(model: ClusterModel, totals: Mapping[str, Any]) -> dict[str, Any]:
    clusters = totals["clusters"]
    trained = [cluster.churn for cluster in model.clusters]
    observed, observed_ticks = charts.churn_rates(clusters, trained)
    expected = totals["expected_churners"]
    known = bool(totals["rows_assigned"]) and expected is not None
    return {
        "observed": observed if totals["observed_churn"] else [],
        "observed_ticks": observed_ticks,
        "expected": charts.expected_churners(clusters) if known else [],
        "expected_share": expected / totals["rows_assigned"] if known else None,
    }


def _drift(model: ClusterModel, totals: Mapping[str, Any]) -> dict[str, Any]:
    """One entry a feature, then that of the cluster mix."""
    drift = totals["drift"]
    found = [
        {
            "feature": feature,
            **drift["features"][feature.name],
            "at": charts.psi_at(drift["features"][feature.name]["psi"]),
            **_spread(feature, totals["features"][feature.name]),
        }
        for feature in model.contract.features
    ]
    mix = drift["clusters"]
    if mix["verdict"] == "implausible":  # a matter of units, which clusters have none of
        mix = {**mix, "verdict": "shifted"}
    chance = [d["critical_psi"] or 0.0 for d in (*drift["features"].values(), mix)]
    return {
        "drift": found,
        "mix_drift": {**mix, "at": charts.psi_at(mix["psi"])},
        "psi_ticks": charts.PSI_TICKS,
        "chance": max(chance),
        "moved": MOVED,
        "shifted": SHIFTED,
        "fewest": FEWEST,
        "verdicts": VERDICTS,
    }


def _spread(feature: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """The chart of where a feature's customers are: tenths of a number, or values."""
    if feature.numeric:
        return {"known": known, "histogram": charts.histogram(feature, known)}
    rows = zip(known["values"], known["shares"], known["training_shares"], strict=True)
    drawn, ticks = charts.pairs([(value, None, here, usual) for value, here, usual in rows])
    return {"known": known, "values": drawn, "ticks": ticks}


def _rejects(model: ClusterModel, totals: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for key, rows in totals["rejected_for"].items():
        feature, words = rejection(model.contract, key)
        first = totals["rejected_first_rows"][key]
        found.append({"feature": feature, "words": words, "rows": rows, "first": first})
    return found
