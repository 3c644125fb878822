"""A function that scores files in parts."""

import pytest

from tests.support.dropping import Drop
from tests.support.parts import InPieces


@pytest.fixture
def pieces(aws: None, drop: Drop) -> InPieces:
    """Its messages are a list, and its parts small."""
    return InPieces(drop)
