"""What the body of a batch may be, by its content type, and what it is answered in."""

from functions.http.content.media_types import preferred
from functions.http.problems import ProblemError

JSON = "application/json"
TABLES = {
    "text/csv": "csv",
    "application/vnd.apache.arrow.stream": "arrow",
    "application/vnd.apache.parquet": "parquet",
}
"""Media types of tables, and what `pipeline.scoring.table` calls them."""


def media_type_of(content_type: str) -> str:
    """The media type of a body that a batch may have; ProblemError for any other."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != JSON and media_type not in TABLES:
        kinds = ", ".join([JSON, *TABLES])
        detail = f"expected a Content-Type of {kinds}; found {content_type!r:.100}"
        raise ProblemError(415, detail, headers={"Accept-Post": kinds})
    return media_type


def answer_type(accept: str | None, media_type: str) -> str:
    """What a batch is answered in: in kind, but a table also as another table.

    Args:
        accept: The client's Accept.
        media_type: That of the body.

    Raises:
        ProblemError: The client takes none of that.
    """
    offered = [JSON]
    if media_type != JSON:
        offered = [media_type, *(other for other in TABLES if other != media_type)]
    answer = preferred(accept, offered)
    if answer is None:
        kinds = ", ".join(offered)
        detail = f"Accept: {media_type} is answered as {kinds}; found {accept!r:.100}"
        raise ProblemError(406, detail)
    return answer
