"""What a notice is, and what is told of a run; no customer's value or id is in it.

A notice counts and names: rows, files, features of the contract. The reason of a refusal stays in
`failed.json`, for it may quote a cell or the header of a file without one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from pipeline.scoring.documents import Failure, Manifest, Summary
from pipeline.scoring.summary.verdict import churn_sentence, cluster_mix_verdict

COMMITTED, REFUSED, TEST = "run.committed", "run.refused", "test"
OUTCOMES, CANDIDATE = "outcomes.measured", "candidate.ready"
MOST_REJECTED = 0.05
"""From a larger share of rejected rows on a person should look, unless a setting says otherwise."""
_CALM = str.maketrans({"<": "‹", ">": "›", "`": "'", "@": "(at)"})
"""What chat tools take for a mention or a link, were it in the name of a file."""
_LONGEST = 200
_FAILED = "failed.json in its folder of the results"
Kind = Literal["units", "drift", "churn", "rejected", "outcomes", "objection"]


class VerdictNote(TypedDict):
    """Why a person should look."""

    kind: Kind
    sentence: str
    features: NotRequired[list[str]]
    """Of the contract, where it is about some of them."""


class FigureNote(TypedDict):
    """A figure of the champion and of a candidate; None where it is unknown."""

    old: float | None
    new: float | None
    change: float | None


class NoticeData(TypedDict):
    """What a notice says of a run, of its outcomes or of a candidate."""

    text: str
    """All of it in words."""
    attention: bool
    """Whether a person should look: it was refused, there are verdicts, or a candidate waits."""
    verdicts: list[VerdictNote]
    input: NotRequired[str]
    """The name of the file."""
    as_of: NotRequired[str]
    """The day to which it belongs, where that is known."""
    run: NotRequired[str]
    """The run's folder below all results; empty where a refused file has none."""
    results: NotRequired[str]
    """The address of all results."""
    model_version: NotRequired[str]
    rows_in: NotRequired[int]
    rows_assigned: NotRequired[int]
    rows_rejected: NotRequired[int]
    code: NotRequired[str]
    """Of a refusal."""
    document: NotRequired[str]
    """Of outcomes and candidates: the file that it is about, below `results` or `store`."""
    outcomes: NotRequired[str]
    """The day and the digest that tell outcomes from others of the same run."""
    labels: NotRequired[str]
    """The name of the file with the labels."""
    counted: NotRequired[int]
    """Customers of whom the outcome is known."""
    store: NotRequired[str]
    """The address of the models."""
    champion: NotRequired[str]
    """The version that a candidate was compared with."""
    figures: NotRequired[dict[str, FigureNote]]
    moved_share: NotRequired[float | None]
    """Customers who would change their group; None where nobody counted."""


class Notice(TypedDict):
    """One event."""

    id: str
    """The same however often it is sent."""
    type: str
    timestamp: str
    """When it came about: ISO 8601, UTC."""
    data: NoticeData


@dataclass(frozen=True, slots=True)
class Rule:
    """What is told."""

    most_rejected: float = MOST_REJECTED
    """A larger share of rejected rows is a verdict."""
    only_attention: bool = False
    """Runs of which nothing is unusual are not told."""

    def tells(self, notice: Notice) -> bool:
        """Whether somebody is told."""
        return notice["data"]["attention"] or not self.only_attention


def committed_notice(
    manifest: Manifest, summary: Summary, run: str, results: str, rule: Rule, now: datetime
) -> Notice:
    """What is told of a committed run.

    Args:
        manifest: Its manifest.
        summary: What it says of its customers.
        run: Its folder below all results.
        results: The address of all results.
        rule: What is worth a person.
        now: The time.
    """
    verdicts = list(verdicts_on(manifest, summary, rule))
    data: NoticeData = {
        "text": _sentence(manifest, verdicts),
        "attention": bool(verdicts),
        "verdicts": verdicts,
        "input": manifest["input"]["name"],
        "run": run,
        "results": results,
        "model_version": manifest["model_version"],
        "rows_in": manifest["rows_in"],
        "rows_assigned": manifest["rows_assigned"],
        "rows_rejected": manifest["rows_rejected"],
    }
    day = _as_of(manifest)
    if day:
        data["as_of"] = day
    return make_notice(COMMITTED, (results, run), data, now)


def refused_notice(
    failure: Failure, run: str, results: str, now: datetime, reason: str = _FAILED
) -> Notice:
    """What is told of an input that was refused for good.

    Args:
        failure: What its failed.json says, of which only the code is told.
        run: Its folder below all results; empty where it has none.
        results: The address of all results.
        now: The time.
        reason: Where somebody who looks for the reason finds it, if there is a run.
    """
    name, code = failure["input"]["name"], failure.get("code", "error")
    where = reason if run else "the log"
    data: NoticeData = {
        "text": f"`{calm(name)}` was refused for good ({code}). The reason is in {where}.",
        "attention": True,
        "verdicts": [],
        "input": name,
        "run": run,
        "results": results,
        "model_version": failure["model_version"],
        "code": code,
    }
    key = (results, run, code, failure["input"]["identity"], now.isoformat())
    return make_notice(REFUSED, key, data, now)


def trial_notice(now: datetime) -> Notice:
    """What `notify --test` sends."""
    text = "A test of customer-clusters: whoever reads this is told of runs."
    data: NoticeData = {"text": text, "attention": False, "verdicts": []}
    return make_notice(TEST, (now.isoformat(),), data, now)


def verdicts_on(manifest: Manifest, summary: Summary, rule: Rule) -> Iterator[VerdictNote]:
    """Why a person should look at a run; none where nothing is unusual."""
    drift = summary["drift"]
    if units := drift["implausible"]:
        yield units_note(units)
    shifted = [name for name, each in drift["features"].items() if each["verdict"] == "shifted"]
    mix = cluster_mix_verdict(drift) == "shifted"
    if shifted or mix:
        yield _drift_note(shifted, mix=mix)
    churn, label = drift.get("churn"), manifest.get("label")
    if churn and churn["verdict"] != "as in training":
        word = label["churned_word"] if label else "churned"
        yield {"kind": "churn", "sentence": churn_sentence(drift, word)}
    rejected, rows = manifest["rows_rejected"], manifest["rows_in"]
    if rows and rejected / rows > rule.most_rejected:
        sentence = f"{rejected:,} of {rows:,} rows were rejected ({rejected / rows:.1%})"
        yield {"kind": "rejected", "sentence": sentence}


def units_note(features: list[str]) -> VerdictNote:
    """That features are probably in another unit."""
    sentence = f"the unit of {_names(features)} is probably another one: do not act on the groups"
    return {"kind": "units", "sentence": sentence, "features": list(features)}


def look(verdicts: list[VerdictNote]) -> str:
    """What a person is asked to look at, in words."""
    whys = " ".join(f"({n}) {calm(each['sentence'])}." for n, each in enumerate(verdicts, 1))
    return f"Please look at it: {whys}"


def calm(text: str) -> str:
    """A name in which nothing calls anybody or breaks a line."""
    shown = "".join(char if char.isprintable() else "�" for char in text.translate(_CALM))
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _drift_note(shifted: list[str], *, mix: bool) -> VerdictNote:
    parts = []
    if shifted:
        parts.append(f"{_names(shifted)} {'is' if len(shifted) == 1 else 'are'} not as in training")
    if mix:
        parts.append("the sizes of the groups are not as in training")
    return {"kind": "drift", "sentence": "; ".join(parts), "features": shifted}


def _sentence(manifest: Manifest, verdicts: list[VerdictNote]) -> str:
    name, assigned = calm(manifest["input"]["name"]), manifest["rows_assigned"]
    many = f"{assigned:,} {'customer' if assigned == 1 else 'customers'} scored"
    rejected = manifest["rows_rejected"]
    rows = f", {rejected:,} {'row' if rejected == 1 else 'rows'} rejected" if rejected else ""
    if not verdicts:
        return f"`{name}`: {many}{rows}. Nothing unusual."
    return f"`{name}`: {many}{rows}. {look(verdicts)}"


def _names(features: list[str]) -> str:
    return ", ".join(features[:-1]) + (" and " if features[1:] else "") + features[-1]


def _as_of(manifest: Mapping[str, object]) -> str:
    """The day to which the input belongs; runs of old say nothing of it."""
    return str(manifest.get("as_of") or "")


def make_notice(kind: str, key: tuple[str, ...], data: NoticeData, now: datetime) -> Notice:
    """A notice whose id follows from its type and from what it is about.

    Args:
        kind: Its type.
        key: What tells what it is about from all else.
        data: What it says.
        now: The time.
    """
    digest = hashlib.sha256("\n".join((kind, *key)).encode()).hexdigest()[:32]
    time = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"id": f"msg_{digest}", "type": kind, "timestamp": time, "data": data}
