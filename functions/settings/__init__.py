"""Settings from the environment. Nothing else reads it.

A setting is a field of a dataclass here, which says its variable, what it takes and what it means.
"""

from functions.settings.batch import READING_VARIABLES, BatchSettings
from functions.settings.retraining import RetrainingSettings
from functions.settings.server import DEFAULT, Settings
from functions.settings.spark import SparkSettings
from functions.settings.variables import WrongSetting

__all__ = [
    "DEFAULT",
    "READING_VARIABLES",
    "BatchSettings",
    "RetrainingSettings",
    "Settings",
    "SparkSettings",
    "WrongSetting",
]
