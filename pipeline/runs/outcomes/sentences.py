"""What outcomes come to, in sentences: the same on the page and in the terminal."""

from pipeline.runs.committed import another_unit
from pipeline.scoring.outcome_documents import (
    AudienceOutcome,
    Comparison,
    Estimate,
    OutcomesDocument,
)


def headline(document: OutcomesDocument) -> str:
    """The one sentence that says it all."""
    overall, word = document["overall"], document["churned_word"]
    said = {
        "as trained": f"As many {word} as training led to expect",
        "higher": f"More {word} than training led to expect",
        "lower": f"Fewer {word} than training led to expect",
        "cannot tell yet": f"Whether as many {word} as expected cannot be told yet",
    }[overall["verdict"]]
    return f"{said}{_exceptions(document)}"


def _exceptions(document: OutcomesDocument) -> str:
    """The groups whose verdict is another one of "higher" and "lower"."""
    own = document["overall"]["verdict"]
    parts = []
    for verdict, words in (("higher", "more"), ("lower", "fewer")):
        ids = [str(c["cluster"]) for c in document["clusters"] if c["verdict"] == verdict != own]
        if ids:
            parts.append(f"{words} in {'groups' if len(ids) > 1 else 'group'} {', '.join(ids)}")
    joined = " and ".join(parts)
    return f"; {joined}" if joined else ""


def figures(comparison: Comparison, word: str) -> str:
    """What was counted beside what was to be expected."""
    observed, expected = comparison["observed"], comparison["expected"]
    if observed is None:
        return "nobody was counted"
    return (
        f"{observed['churned']:,} of {observed['customers']:,} {word}, {rate(observed)}; "
        f"expected were {comparison['expected_churners']:,.0f}, {rate(expected)}"
    )


def told(document: OutcomesDocument) -> list[str]:
    """Who is not counted and why, and what else somebody should know: a line each."""
    units = document["implausible"]
    about_units = [f"Of the scored file {another_unit(units)}"] if units else []
    return [*about_units, *_of_customers(document), *_of_labels(document), *_of_list(document)]


def _of_customers(document: OutcomesDocument) -> list[str]:
    counts, word = document["counts"], document["churned_word"]
    lines = (
        (counts["churned_before"], f"{word} already when the file was scored"),
        (counts["no_label"], "no label"),
        (counts["not_known"], "the label is empty or no word of the contract"),
        (counts["contradicted"], "the labels say both that they stayed and that they did not"),
        (counts["repeated"], "another row of the run has the same id"),
        (counts["no_id"], "no id"),
    )
    found = [f"{of(number, 'customer')} not counted: {why}" for number, why in lines if number]
    observed = document["overall"]["observed"]
    if counts["churned_before"] and observed and not observed["churned"]:
        found.insert(0, f"Nobody else {word} since the file was scored: are these its own labels?")
    if document["ids"] == "number":
        found.append("Ids were compared as numbers: 001 and 1 are the same customer")
    if document["others_stayed"]:
        found.append("Customers without a label were taken to have stayed")
    if document["all_churned"]:
        found.append(f"The labels have no words: everybody in them was taken as one who {word}")
    return found


def _of_labels(document: OutcomesDocument) -> list[str]:
    counts = document["label_counts"]
    alike = counts["spelled_otherwise"]
    strangers = (
        of(counts["strangers"], "label")
        + " of no customer of this run, or of a row that it rejected"
    )
    if alike:
        strangers += (
            f"; {alike:,} of these are customers but for leading zeros or .0, as 001 and 1: "
            "write ids as text, or say --ids number where they are the same"
        )
    lines = (
        (counts["strangers"], strangers),
        (counts["repeated_ids"], f"{of(counts['repeated_ids'], 'id')} in several rows of the "
         "labels: counted once"),
        (counts["no_id"], f"{of(counts['no_id'], 'label')} without an id"),
        (counts["broken"], f"{of(counts['broken'], 'broken row')} of the labels not read"),
    )  # fmt: skip
    return [line for number, line in lines if number]


def _of_list(document: OutcomesDocument) -> list[str]:
    audience = document["audience"]
    if audience is None:
        return []
    counts = audience["counts"]
    lines = (
        (counts["not_counted"], "customer", "not counted: the outcome is not known"),
        (counts["contradicted"], "id", "not counted: marked as control and not as control"),
        (counts["repeated"], "row", "with the id of another row: counted once"),
        (counts["strangers"], "id", "of no customer of this run"),
        (counts["no_id"], "row", "without an id"),
    )
    found = [f"{of(number, what)} of the list {text}" for number, what, text in lines if number]
    contacted = audience["contacted"]
    if contacted:
        found.append(
            f"{of(contacted['customers'], 'counted customer')} contacted: a campaign that works "
            "lowers the rates of their groups too"
        )
    return found


def effect(audience: AudienceOutcome, word: str) -> str:
    """What a campaign has changed, in one sentence."""
    contacted, control = audience["contacted"], audience["control"]
    difference = audience["difference"]
    if contacted is None or control is None or difference is None:
        nobody = "the control group" if control is None else "those to contact"
        return f"Nothing can be told of the campaign: nobody of {nobody} is counted"
    said = {
        "fewer": f"Fewer {word} among those who were contacted",
        "more": f"More {word} among those who were contacted",
        "cannot tell yet": f"Whether contact changes how many {word} cannot be told yet",
    }[audience["verdict"]]
    return (
        f"{said}: of the contacted {rate(contacted)} {word}, of the control group {rate(control)}; "
        f"difference {points(difference)}"
    )


def rate(of_some: Estimate) -> str:
    """A rate with its interval."""
    return f"{of_some['value']:.1%} ({of_some['low']:.1%} to {of_some['high']:.1%})"


def points(difference: Estimate | None) -> str:
    """A difference of rates in points with its interval."""
    if difference is None:
        return "–"
    value, low, high = map(
        signed_points, (difference["value"], difference["low"], difference["high"])
    )
    return f"{value} points ({low} to {high})"


def signed_points(difference: float) -> str:
    """A difference of rates in points, as +1.2 or −1.2; what rounds to nothing has no sign."""
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def of(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
