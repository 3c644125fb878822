"""Settings from the environment. Nothing else reads it.

A setting is a field of a dataclass here, which says its variable, what it takes and what it means.
A module is imported when a name of it is used: a command reads few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functions.settings.batch import READING_VARIABLES, BatchSettings
    from functions.settings.fan_out import FanOutSettings
    from functions.settings.models import DEFAULT, ModelSettings, NamedModel
    from functions.settings.retraining import RetrainingSettings
    from functions.settings.server import Settings
    from functions.settings.spark import SparkSettings
    from functions.settings.variables import WrongSetting

_HOMES = {
    "DEFAULT": ".models",
    "READING_VARIABLES": ".batch",
    "BatchSettings": ".batch",
    "FanOutSettings": ".fan_out",
    "ModelSettings": ".models",
    "NamedModel": ".models",
    "RetrainingSettings": ".retraining",
    "Settings": ".server",
    "SparkSettings": ".spark",
    "WrongSetting": ".variables",
}
"""Name → the module that has it."""

__all__ = [
    "DEFAULT",
    "READING_VARIABLES",
    "BatchSettings",
    "FanOutSettings",
    "ModelSettings",
    "NamedModel",
    "RetrainingSettings",
    "Settings",
    "SparkSettings",
    "WrongSetting",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
