"""Which variables each process reads, for help pages and documents."""

from itertools import chain

from functions.settings.access import AccessSettings
from functions.settings.batch import READING_VARIABLES, BatchSettings
from functions.settings.fan_out import FanOutSettings
from functions.settings.retraining import RetrainingSettings
from functions.settings.server import Settings
from functions.settings.spark import SparkSettings
from functions.settings.variables import Kind, Variable, variables_of


def server_variables() -> list[Variable]:
    """The variables that a server reads."""
    plain, buckets = variables_of(Settings), variables_of(BatchSettings)
    del plain["sign_key"]  # a server publishes nothing
    both = [buckets[name]._replace(default="none") for name in ("input", "output")]
    return [*plain.values(), *variables_of(AccessSettings).values(), *both]


def batch_variables() -> list[Variable]:
    """The variables that the function for dropped files reads, besides the store and the model."""
    reading = [
        Variable(
            name,
            Kind(str, "what the option takes"),
            f"How every dropped file is written, as `--{option.replace('_', '-')}` of `score`",
            "as each file shows",
        )
        for option, name in READING_VARIABLES.items()
    ]
    groups = (BatchSettings, FanOutSettings, SparkSettings)
    own = (variables_of(group).values() for group in groups)
    return [*chain(*own), *reading, variables_of(Settings)["as_of_pattern"]]


def retraining_variables() -> list[Variable]:
    """The variables that the function that retrains reads."""
    return [*variables_of(RetrainingSettings).values()]
