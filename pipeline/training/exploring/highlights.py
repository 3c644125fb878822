"""The highlights of an exploration, in sentences."""

from collections.abc import Iterator

from pipeline.pages.rendering import count, number, percent, signed
from pipeline.training.exploring.exploration import CategoryProfile, Exploration, NumberProfile
from pipeline.training.exploring.leak_highlights import leak_highlights
from pipeline.training.statistics.shapes import Level

_SIZES = ((0.8, "large"), (0.5, "medium"), (0.2, "small"))
_WORTH_NAMING = 0.2
_ASSOCIATED = 0.1
_SKEWED = 1.0
_MOST = 3
_MOST_NAMES = 8


def effect_word(d: float | None) -> str:
    """Cohen's customary words for his d."""
    if d is None:
        return "–"
    return next((word for least, word in _SIZES if abs(d) >= least), "negligible")


def strongest_first(profiles: tuple[NumberProfile, ...]) -> list[NumberProfile]:
    """Numbers by how well each alone tells who left, whatever the shape of it.

    Those of which that is not known come last, in the order of the contract.
    """
    return sorted(profiles, key=lambda profile: -(profile.shape.auc if profile.shape else 0.0))


def highlights(exploration: Exploration) -> list[str]:
    """The sentences on top of the page, the most consequential first."""
    return [
        *_churn(exploration),
        *leak_highlights(exploration),
        *_quality(exploration),
        *_near_duplicates(exploration),
        *_differences(exploration),
        *_associations(exploration),
        *_unknown(exploration),
        *_skewed(exploration),
    ]


def _churn(exploration: Exploration) -> Iterator[str]:
    labels = exploration.labels
    if labels is None:
        yield "There is no label: groups cannot be compared by it."
    elif labels.churn is None:
        yield f"{labels.column} is missing or unknown for every customer."
    else:
        yield (
            f"{count(labels.churned)} of {count(labels.churn.customers)} customers churned: "
            f"{percent(labels.churn.rate)} (95 % interval {percent(labels.churn.low)} to "
            f"{percent(labels.churn.high)})."
        )


def _quality(exploration: Exploration) -> Iterator[str]:
    if exploration.missing_columns:
        yield f"Not in this file: {', '.join(exploration.missing_columns)}."
    counted = {
        "rows broken by the format": sum(exploration.broken_rows.values()),
        "repeated rows": exploration.duplicate_rows,
        "repeated ids": exploration.repeated_ids,
        "missing values": sum(column.missing for column in exploration.columns),
        "values that the contract refuses": sum(
            refusal.rows for refusal in exploration.refused if refusal.code != "missing"
        ),
    }
    wrong = [f"{problem}: {count(rows)}" for problem, rows in counted.items() if rows]
    if wrong:
        yield f"To look into: {'; '.join(wrong)}."
    else:
        yield "No row is broken or repeated, no id repeats, no value is missing or refused."


def _near_duplicates(exploration: Exploration) -> Iterator[str]:
    labels = {profile.name: profile.label for profile in exploration.numbers}
    for pair in exploration.near_duplicates[:_MOST]:
        r = f"{pair.r:.3f}".replace("-", "−")
        follows = f" On every customer {pair.identity}." if pair.identity else ""
        yield (
            f"{labels[pair.dropped]} and {labels[pair.kept]} say nearly the same (r = {r}); "
            f"a model needs only {labels[pair.kept]}.{follows}"
        )


def _differences(exploration: Exploration) -> Iterator[str]:
    ordered = strongest_first(exploration.numbers)
    apart = [p for p in ordered if abs(p.cohens_d or 0) >= _WORTH_NAMING]
    for profile in apart[:_MOST]:
        if profile.stayed and profile.churned:
            yield (
                f"{profile.label}: churned customers have {number(profile.churned.mean)}"
                f"{_unit(profile)} on average, stayed ones {number(profile.stayed.mean)} "
                f"(d = {signed(profile.cohens_d)}, a {effect_word(profile.cohens_d)} difference)."
            )
    bent = [p for p in ordered if p not in apart and p.shape and p.shape.cramers_v >= _ASSOCIATED]
    for profile in bent[:_MOST]:
        yield _bent(profile)
    if not apart and not bent and any(p.cohens_d is not None for p in exploration.numbers):
        yield (
            "No number sets churned customers apart: every d lies within ±0.2, and no tenth of "
            "the customers differs much from the others."
        )


def _bent(profile: NumberProfile) -> str:
    """What a difference of means does not see: churn that rises and falls along a number."""
    levels = sorted(profile.shape.levels if profile.shape else (), key=lambda it: it.churn.rate)
    low, high = levels[0], levels[-1]
    return (
        f"{profile.label}: the means are nearly the same (d = {signed(profile.cohens_d)}), the "
        f"churn rates are not: {percent(high.churn.rate)} where it is {interval(high)}, "
        f"{percent(low.churn.rate)} where it is {interval(low)}."
    )


def interval(level: Level) -> str:
    """The numbers of a level: 1 to 5, or 3 alone."""
    if level.low == level.high:
        return number(level.low)
    return f"{number(level.low)} to {number(level.high)}"


def _unit(profile: NumberProfile) -> str:
    return f" {profile.unit}" if profile.unit else ""


def _associations(exploration: Exploration) -> Iterator[str]:
    known = [profile for profile in exploration.categories if profile.cramers_v is not None]
    ordered = sorted(known, key=lambda profile: -(profile.cramers_v or 0.0))
    strong = [profile for profile in ordered if (profile.cramers_v or 0.0) >= _ASSOCIATED]
    for profile in strong[:_MOST]:
        yield f"{profile.label} goes with churn (Cramér’s V = {_v(profile)})."
    if ordered and not strong:
        yield (
            "No category has much to do with churn: the strongest is "
            f"{ordered[0].label} (Cramér’s V = {_v(ordered[0])})."
        )


def _v(profile: CategoryProfile) -> str:
    return f"{profile.cramers_v or 0.0:.2f}"


def _unknown(exploration: Exploration) -> Iterator[str]:
    shares = [
        f"{profile.label} ({percent(value.share)})"
        for profile in exploration.categories
        for value in profile.values
        if value.value.lower() == "unknown" and value.customers
    ]
    if shares:
        yield f"Unknown counts as a value of its own in {', '.join(shares)}."


def _skewed(exploration: Exploration) -> Iterator[str]:
    skewed = [p.label for p in exploration.numbers if abs(p.skewness or 0.0) > _SKEWED]
    more = len(skewed) - _MOST_NAMES
    if skewed:
        names = ", ".join(skewed[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        yield f"Strongly skewed: {names}. A transform may help a model."
