"""A draft as a commented TOML file that people complete."""

import json
import math
import re
from collections.abc import Iterator, Sequence

from pipeline.errors import printable
from pipeline.model.contract.label import LEFT
from pipeline.training.drafting.draft import Draft
from pipeline.training.drafting.features import FeatureDraft
from pipeline.training.drafting.guesses import LabelGuess

_WIDTH = 100
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_EXPLAINED = """\
# valid: outside it a value is impossible, and the customer is rejected. inf leaves an end open.
# typical: outside it a value is unusual, and the customer is flagged as an outlier.
# missing: what stands in for a missing value: a value, or "median", that of training. Without it
#   the customer is rejected.
# unit: what a number counts in, such as EUR or months; take the # away where the guess is right.
# low, high: how people say that a feature is low or high, in the names of groups.
# sensitive = true: a trait by which people must not be treated differently.
# actionable: which way somebody can change it, "up", "down", "both" or "no"; no other change of it
#   is proposed.
# churned_word: what people say of customers who churned, such as "cancelled"."""


def to_toml(draft: Draft, schema: str) -> str:
    """The text of the file.

    Args:
        draft: What was guessed.
        schema: Where editors find the schema of a contract.
    """
    parts = [
        "\n".join(_head(draft, schema)),
        "\n".join(_label(draft.label)),
        *("\n".join(_feature(feature)) for feature in draft.features),
        "\n".join(_left_out(draft)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(draft: Draft, schema: str) -> Iterator[str]:
    yield f"#:schema {printable(schema)}"
    yield from _comment(
        f"A draft for {draft.file} ({draft.rows:,} rows). What stands here was guessed from the "
        "file: read it, correct it, then look what is left to do with: "
        "customer-clusters contract check"
    )
    yield "#"
    yield _EXPLAINED
    yield ""
    yield f"name = {_text(draft.name)}"
    yield f"title = {_text(draft.title)}"
    yield ""
    if draft.id.column is None:
        yield from _comment(f"No id: {draft.id.reason}.")
        yield '# id_column = ""'
    else:
        yield from _comment(f"The id: {draft.id.reason}.")
        yield f"id_column = {_text(draft.id.column)}"
    never = [item for item in draft.left_out if item.never]
    if never:
        yield ""
        yield "# Never features:"
        yield "never_features = ["
        for item in never:
            yield from _comment(f"{item.reason}", "    # ")
            yield f"    {_text(item.column)},"
        yield "]"


def _label(label: LabelGuess) -> Iterator[str]:
    if label.column is None:
        yield from _comment(f"No churn label: {label.reason}.")
        for line in ("[label]", 'column = ""', "churned = []", "stayed = []"):
            yield f"# {line}"
        return
    yield "[label]"
    yield from _comment(f"The churn label: {label.reason}.")
    yield f"column = {_text(label.column)}"
    yield from _comment(f"{label.meaning}.")
    yield f"churned = {_texts(label.churned)}"
    yield f"stayed = {_texts(label.stayed)}"
    yield f"# churned_word = {_text(LEFT)}"


def _feature(feature: FeatureDraft) -> Iterator[str]:
    yield f"[features.{_key(feature.column)}]"
    for remark in feature.remarks:
        yield from _comment(f"{remark}.")
    yield f"type = {_text(feature.type)}"
    yield f"label = {_text(feature.label)}"
    yield from _values(feature)
    for key, words in (("low", feature.low), ("high", feature.high)):
        if words:
            yield f"{key} = {_text(words)}"
    if feature.sensitive:
        yield "sensitive = true  # by its name"
    if feature.actionable:
        yield f"actionable = {_text(feature.actionable)}  # by its name"


def _values(feature: FeatureDraft) -> Iterator[str]:
    """What its values may be, and what stands in for them."""
    if feature.unit:
        yield f"{'' if feature.unit_known else '# '}unit = {_text(feature.unit)}"
    for key, ends in (("valid", feature.valid), ("typical", feature.typical)):
        if ends is not None:
            yield f"{key} = {_range(ends)}"
    if feature.values:
        yield f"values = {_texts(feature.values)}"
    if feature.missing is not None:
        yield f"{'' if feature.fills else '# '}missing = {_text(feature.missing)}"


def _left_out(draft: Draft) -> Iterator[str]:
    rest = [item for item in draft.left_out if not item.never]
    if rest:
        yield "# Left out:"
    for item in rest:
        yield from _comment(f"{item.column}: {item.reason}.", "# - ", "#   ")


def _comment(text: str, first: str = "# ", following: str = "") -> Iterator[str]:
    """A comment in lines of bounded width."""
    line, prefix = first, following or first
    for word in printable(" ".join(text.split())).split():
        if len(line) + len(word) > _WIDTH and line.strip() != first.strip():
            yield line.rstrip()
            line = prefix
        line += f"{word} "
    yield line.rstrip()


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _texts(texts: Sequence[str]) -> str:
    one_line = f"[{', '.join(map(_text, texts))}]"
    if len(one_line) <= _WIDTH - len("values = "):
        return one_line
    return "[\n" + "".join(f"    {_text(text)},\n" for text in texts) + "]"


def _range(ends: tuple[float, float]) -> str:
    return f"[{', '.join(map(_number, ends))}]"


def _number(value: float) -> str:
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
