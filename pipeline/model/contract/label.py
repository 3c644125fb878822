"""The churn label of a contract."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """The churn label: its column, and the values that mean churned and stayed."""

    column: str
    churned: tuple[str, ...]
    stayed: tuple[str, ...]

    def parse(self, value: object) -> bool | None:
        """True for churned, False for stayed, None for missing or unknown."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = str(value).strip().lower() if value is not None else ""
        if text in {known.lower() for known in self.churned}:
            return True
        return False if text in {known.lower() for known in self.stayed} else None
