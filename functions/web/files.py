"""What the page with the upload form shows."""

from functions.problems import Refused
from functions.serving import Loaded


def files_view(loaded: Loaded, limit: int, refused: Refused | None) -> dict[str, object]:
    """Everything the template names; `limit` in bytes, 0 where no files are taken."""
    contract = loaded.model.contract
    return {
        "features": contract.features,
        "id_column": contract.id_column,
        "label": contract.label.column if contract.label else None,
        "limit": size_in_words(limit),
        "error": _sentence(refused) if refused and limit else "",
    }


def _sentence(refused: Refused) -> str:
    """What is wrong; a reason that begins with a file's name keeps it as it is."""
    detail = refused.detail
    return detail if refused.code == "invalid_file" else detail[0].upper() + detail[1:]


def size_in_words(count: int) -> str:
    """20 MB; empty for nothing."""
    for unit, factor in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes" if count else ""
