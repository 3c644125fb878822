"""The API's handler for a function that hangs or falls when an event says so."""

import os
import time
from typing import Any

from functions.api import handler as answers


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if "hang" in event:
        time.sleep(60)
    if "fall" in event:
        os._exit(9)
    return answers(event, context)
