"""Which of the forms that an answer can have a client likes best, by its Accept."""

from collections.abc import Sequence


def preferred(accept: str | None, offered: Sequence[str]) -> str | None:
    """The media type to answer with; None where the client takes none of them.

    Args:
        accept: The client's Accept; None where it says nothing.
        offered: What there is, the best first: it decides where the client does not.
    """
    if not accept:
        return offered[0]
    ranges = dict(_range(item) for item in accept.split(","))
    best = max(offered, key=lambda kind: _weight(kind, ranges))
    return best if _weight(best, ranges) > 0 else None


def _range(item: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in item.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
            return name, weight if 0 <= weight <= 1 else 0.0
    return name, 1.0


def _weight(kind: str, ranges: dict[str, float]) -> float:
    """The weight of the range that is nearest to a media type; 0 where none has it."""
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
