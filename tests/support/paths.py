"""Where the repository keeps what tests read."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
EVENTS = DATA / "events"
CUSTOMERS = ROOT / "examples" / "customers.csv"
"""The invented customers that ship with the code."""
