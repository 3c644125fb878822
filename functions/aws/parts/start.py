"""Makes what has large files scored in parts, where somebody wants that."""

from typing import TYPE_CHECKING

from functions.settings import FanOutSettings

if TYPE_CHECKING:
    from functions.aws.parts.fan_out import FanOut


def fan_out_from(settings: FanOutSettings | None, store: str) -> "FanOut | None":
    """As the settings say; None where no file is scored in parts, and numpy is not loaded.

    Args:
        settings: From which size files are.
        store: The address of the model store.
    """
    if settings is None:
        return None
    from functions.aws.parts.fan_out import FanOut

    return FanOut.of(settings, store)
