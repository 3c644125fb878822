"""Programs that samples in documents call."""

import os
import shutil

import pytest


def needed(program: str) -> None:
    """Only a machine that is not CI may do without it."""
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} must be installed under CI")
        pytest.skip(f"install {program} to run its samples")
