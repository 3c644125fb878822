"""What the page `/docs` says: operations, samples, words of answers, problems and limits."""

from functions.web.reference.page import reference_view

__all__ = ["reference_view"]
