"""What the page about the model says, as far as its manifest knows."""

from collections.abc import Mapping
from typing import Any

from functions.live_model import LoadedModel
from pipeline.pages.rendering import percent


def about_view(loaded: LoadedModel) -> dict[str, object]:
    """Everything the template names."""
    facts = loaded.artifact.manifest.facts
    recipe = facts.get("recipe", {})
    return {
        "quality": _quality(facts.get("metrics", {})),
        "training": _training(facts.get("training", {})),
        "searched": recipe.get("name") == "search",
        "recipe_title": recipe.get("title"),
        "published": loaded.artifact.manifest.version.published,
        "has_report": "report.html" in loaded.artifact.manifest.files,
    }


def _quality(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What was measured, the figure, and what it means."""
    rows = [
        _row(metrics, "silhouette_model_space", "Separation (silhouette)", "{:.2f}",
             "How much nearer customers are to their own group than to the next one: 1 is far "
             "apart, 0 is touching. Around 0.5 and more, groups can be told apart."),
        _row(metrics, "silhouette_standardised_space", "Separation, all values alike", "{:.2f}",
             "The same, where every value has the same weight."),
        _row(metrics, "weakest_jaccard", "Stability of the least stable group", "{:.2f}",
             "How much of the group comes back when the customers are drawn anew at random: "
             "1 is all of it; from 0.75 a group counts as stable."),
        _row(metrics, "churn_auc", "Order of leavers and stayers (AUC)", "{:.1%}",
             "Of one customer who left and one who stayed, neither used for counting, how often "
             "the group alone puts the right one first. 50% is a coin."),
        _row(metrics, "churn_auc_untouched", "The same, on untouched customers", "{:.1%}",
             "Measured once on a quarter of the customers that took no part in any choice."),
    ]  # fmt: skip
    return [row for row in rows if row is not None]


def _row(
    metrics: Mapping[str, Any], key: str, label: str, form: str, meaning: str
) -> tuple[str, str, str] | None:
    value = metrics.get(key)
    return None if value is None else (label, form.format(value), meaning)


def _training(training: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known of the training data, in words."""
    read = training.get("rows_read", 0)
    known = {
        "file": "File",
        "rows_read": "Customers in it",
        "rows_used": "Customers used",
        "duplicate_rows": "Left out as duplicates",
        "rejected_rows": "Left out as unusable",
    }
    rows = []
    for key, label in known.items():
        if key in training:
            value = training[key]
            text = f"{value:,}" if isinstance(value, int) else str(value)
            if key == "rows_used" and read:
                text += f" ({percent(value / read)})"
            rows.append((label, text))
    return rows
