"""What the page about the model says, as far as its manifest knows."""

from functions.live_model import LoadedModel
from pipeline.model.published.facts import Metrics, RecipeFacts, TrainingData, facts_of, figure
from pipeline.pages.rendering import percent

_NUMBERS = {0: "no question", 1: "one question", 2: "two questions", 3: "three questions"}


def about_view(loaded: LoadedModel) -> dict[str, object]:
    """Everything the template names."""
    facts = facts_of(loaded.artifact)
    recipe = facts.get("recipe", RecipeFacts())
    return {
        "quality": _quality(facts.get("metrics", Metrics())),
        "training": _training(facts.get("training", TrainingData())),
        "searched": recipe.get("name") == "search",
        "by_churn": recipe.get("by_churn", True),  # as every search of before
        "recipe_title": recipe.get("title"),
        "published": loaded.artifact.manifest.version.published,
        "sensitive": [it.label for it in loaded.model.contract.features if it.sensitive],
        "has_report": "report.html" in loaded.artifact.manifest.files,
    }


def rule_view(loaded: LoadedModel) -> dict[str, object] | None:
    """The rule that training wrote for people to remember; None in an older artifact."""
    rule = facts_of(loaded.artifact).get("rule")
    if rule is None:
        return None
    known = {cluster.id for cluster in loaded.model.clusters}
    if not known.issuperset(leaf["cluster"] for leaf in rule["leaves"]):
        return None  # of a model whose clusters were given other ids since
    count = rule["questions"]
    questions = _NUMBERS.get(count, f"{count:,} questions")
    right = percent(rule["fidelity"])
    sentence = f"{questions[0].upper()}{questions[1:]} at most, right for {right} of the customers."
    return {"sentence": sentence, "leaves": rule["leaves"]}


def _quality(metrics: Metrics) -> list[tuple[str, str, str]]:
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
    metrics: Metrics, key: str, label: str, form: str, meaning: str
) -> tuple[str, str, str] | None:
    value = figure(metrics, key)
    return None if value is None else (label, form.format(value), meaning)


def _training(training: TrainingData) -> list[tuple[str, str]]:
    """What is known of the training data, in words."""
    rows = [("File", training["file"])] if "file" in training else []
    read, used = training.get("rows_read", 0), training.get("rows_used", 0)
    share = f" ({percent(used / read)})" if read else ""
    counts = (
        ("Customers in it", training.get("rows_read"), ""),
        ("Customers used", training.get("rows_used"), share),
        ("Left out as duplicates", training.get("duplicate_rows"), ""),
        ("Left out as unusable", training.get("rejected_rows"), ""),
    )
    known = ((label, count, note) for label, count, note in counts if count is not None)
    return rows + [(label, f"{count:,}{note}") for label, count, note in known]
