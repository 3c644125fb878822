"""An exploration as a page for people and as JSON for machines."""

import json
from pathlib import Path

from markupsafe import Markup

from pipeline.pages.rendering import count, number, percent, render_page, signed
from pipeline.training.exploring import charts
from pipeline.training.exploring.exploration import CategoryProfile, Exploration, NumberProfile
from pipeline.training.exploring.highlights import (
    effect_word,
    highlights,
    interval,
    strongest_first,
)
from pipeline.training.statistics.effects import Spread
from pipeline.training.statistics.shapes import Level

HTML = "explore.html"
JSON = "explore.json"
MOST_SQUARES = 30
"""Numbers along a side of the heat map; the table has all of them."""
_ROLES = {
    "id": "id",
    "label": "churn label",
    "number": "number",
    "category": "category",
    "leaking": "never a feature",
    "other": "not in the contract",
}
_GROUPS = {"everyone": "All customers", "stayed": "Stayed", "churned": "Churned"}


def write(exploration: Exploration, out: Path) -> Path:
    """Write page and JSON into a folder, which is made if need be.

    Returns:
        The page's path.
    """
    out.mkdir(parents=True, exist_ok=True)
    document = json.dumps(exploration.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    (out / JSON).write_text(document + "\n", encoding="utf-8", newline="\n")
    page = out / HTML
    page.write_text(render(exploration), encoding="utf-8", newline="\n")
    return page


def render(exploration: Exploration) -> str:
    """The page: it stands alone, and the same exploration gives the same page."""
    numbers = strongest_first(exploration.numbers)
    names = {profile.name: profile.label for profile in exploration.numbers}
    drawn = {profile.name: _histogram(profile) for profile in numbers}
    drawn |= {profile.name: _bars(profile) for profile in exploration.categories}
    captions = {profile.name: _number_caption(profile) for profile in numbers}
    captions |= {profile.name: _category_caption(profile) for profile in exploration.categories}
    return render_page(
        "training/explore.html.j2",
        exploration=exploration,
        highlights=highlights(exploration),
        numbers=numbers,
        categories=exploration.categories,
        names=names,
        charts=drawn,
        captions=captions,
        left_off=max(0, len(exploration.correlation.names) - MOST_SQUARES),
        heat_map=_heat_map(exploration, names),
        roles=_ROLES,
        evidence={each.column: each for each in exploration.evidence},
        extremes=_extremes,
        interval=interval,
        spreads=_spreads,
        size=effect_word,
    )


def _spreads(profile: NumberProfile) -> list[tuple[str, Spread | None]]:
    if profile.stayed is None and profile.churned is None:
        return [(_GROUPS["everyone"], profile.everyone)]
    return [(_GROUPS["stayed"], profile.stayed), (_GROUPS["churned"], profile.churned)]


def _histogram(profile: NumberProfile) -> Markup:
    if profile.histogram is None:
        return Markup("")
    sentences = [
        f"{group}: half of the customers from {number(spread.q1)} to {number(spread.q3)}, "
        f"median {number(spread.median)}."
        for group, spread in _spreads(profile)
        if spread
    ]
    names_unit = profile.unit.lower() in profile.label.lower()
    label = profile.label if names_unit else f"{profile.label} ({profile.unit})"
    groups = {_GROUPS[name]: counts for name, counts in profile.histogram.counts.items()}
    title = f"Histogram of {profile.label}"
    if profile.shape:
        rates = (f"{interval(it)} {percent(it.churn.rate)}" for it in profile.shape.levels)
        sentences.append(f"Churn rates: {', '.join(rates)}.")
    description, edges = " ".join(sentences), profile.histogram.edges
    return Markup(charts.histogram(edges, groups, label, title, description, profile.shape))


def _extremes(profile: NumberProfile) -> tuple[Level, Level] | None:
    """The tenths with the lowest and the highest churn rate."""
    if profile.shape is None or len(profile.shape.levels) < 2:
        return None
    ordered = sorted(profile.shape.levels, key=lambda level: level.churn.rate)
    return ordered[0], ordered[-1]


def _bars(profile: CategoryProfile) -> Markup:
    values, names = profile.values, [value.value for value in profile.values]
    stayed = [value.stayed_share for value in values]
    churned = [value.churned_share for value in values]
    groups = {
        _GROUPS[name]: [share for share in shares if share is not None]
        for name, shares in (("stayed", stayed), ("churned", churned))
        if None not in shares
    }
    groups = groups or {_GROUPS["everyone"]: [value.share for value in values]}
    sentences = [
        f"{group}: {', '.join(f'{n} {percent(s)}' for n, s in zip(names, shares, strict=True))}."
        for group, shares in groups.items()
    ]
    label = "Share of the group" if len(groups) > 1 else "Share"
    title = f"Shares of the values of {profile.label}"
    return Markup(charts.bars(names, groups, label, title, " ".join(sentences)))


def _number_caption(profile: NumberProfile) -> str:
    sentences = []
    if profile.cohens_d is not None:
        sentences.append(f"d = {signed(profile.cohens_d)}, {effect_word(profile.cohens_d)}.")
    if profile.shape:
        sentences.append(f"Alone it tells who left with an AUC of {profile.shape.auc:.2f}.")
    if profile.histogram is None:
        sentences.append("No usable value.")
    elif beyond := profile.histogram.below + profile.histogram.above:
        sentences.append(f"Not drawn, beyond the typical range: {count(beyond)}.")
    return " ".join(sentences)


def _category_caption(profile: CategoryProfile) -> str:
    v = profile.cramers_v
    return "" if v is None else f"Cramér’s V = {v:.2f}."


def _heat_map(exploration: Exploration, names: dict[str, str]) -> Markup | None:
    correlation = exploration.correlation
    if len(correlation.names) < 2:
        return None
    pairs = sorted(
        (
            (r, names[name], names[other])
            for row, name in enumerate(correlation.names)
            for other, r in zip(correlation.names[:row], correlation.matrix[row], strict=False)
            if r is not None
        ),
        key=lambda pair: -abs(pair[0]),
    )
    strongest = "; ".join(f"{a} and {b} {signed(r)}" for r, a, b in pairs[:5]) or "none"
    shown = _most_correlated(exploration)
    labels = [names[correlation.names[index]] for index in shown]
    matrix = [[correlation.matrix[row][column] for column in shown] for row in shown]
    title = "Correlations of the numbers"
    return Markup(charts.heat_map(labels, matrix, title, f"Strongest: {strongest}."))


def _most_correlated(exploration: Exploration) -> list[int]:
    """As many numbers as one can read, those that go most along with another; in their order."""
    matrix = exploration.correlation.matrix
    strongest = [
        max(
            (abs(r) for column, r in enumerate(row) if r is not None and column != index), default=0
        )
        for index, row in enumerate(matrix)
    ]
    order = sorted(range(len(matrix)), key=lambda index: -strongest[index])
    return sorted(order[:MOST_SQUARES])
