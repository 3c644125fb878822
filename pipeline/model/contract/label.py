"""The churn label of a contract."""

from dataclasses import dataclass

LEFT = "left"
"""What people say of customers who churned, where a contract has no word of its own."""


@dataclass(frozen=True, slots=True)
class Label:
    """The churn label: its column, and the values that mean churned and stayed."""

    column: str
    churned: tuple[str, ...]
    stayed: tuple[str, ...]
    churned_word: str = LEFT
    """What people say of customers who churned, such as cancelled: "30 of 100 cancelled"."""
    aliases: tuple[str, ...] = ()
    """Other names under which files have its column."""

    def parse(self, value: object) -> bool | None:
        """True for churned, False for stayed, None for missing or unknown."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = str(value).strip().lower() if value is not None else ""
        if text in {known.lower() for known in self.churned}:
            return True
        return False if text in {known.lower() for known in self.stayed} else None
