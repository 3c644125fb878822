"""The build backend: setuptools, whose wheel then gets one top-level package in place of four.

A checkout has the packages `customer_clusters`, `functions`, `pipeline` and `model_store` side by
side. In the wheel the last three are below the first, because the names of a library that people
install must not be those of other people's code. Why: docs/decisions/0012-one-package.md.

    pip wheel .                                  what people install
    pip wheel --config-settings rooms=apart .    as in the checkout, for the images
"""

import ast
import base64
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from setuptools import build_meta

HOME = "customer_clusters"
ROOMS = ("functions", "model_store", "pipeline")
"""What stands below it in the wheel."""

get_requires_for_build_wheel = build_meta.get_requires_for_build_wheel
get_requires_for_build_editable = build_meta.get_requires_for_build_editable
get_requires_for_build_sdist = build_meta.get_requires_for_build_sdist
prepare_metadata_for_build_editable = build_meta.prepare_metadata_for_build_editable
build_editable = build_meta.build_editable
build_sdist = build_meta.build_sdist


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build the wheel (PEP 517); the setting `rooms=apart` leaves the packages where they are."""
    settings = dict(config_settings or {})
    apart = settings.pop("rooms", None) == "apart"
    name = str(build_meta.build_wheel(wheel_directory, settings, metadata_directory))
    if not apart:
        move_rooms(Path(wheel_directory) / name)
    return name


def move_rooms(wheel: Path) -> None:
    """Move the other packages of a wheel below the one that people import."""
    with zipfile.ZipFile(wheel) as archive:
        files = [(info, archive.read(info)) for info in archive.infolist()]
    *files, (record, _) = files  # which is written last
    moved: list[tuple[str, bytes]] = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in files:
            moved.append((_new_name(info.filename), _moved(info.filename, content)))
            info.filename = moved[-1][0]
            archive.writestr(info, moved[-1][1], zipfile.ZIP_DEFLATED)
        archive.writestr(record, _record(record.filename, moved), zipfile.ZIP_DEFLATED)


def rewritten(source: str) -> str:
    """A module whose absolute imports find the rooms in their new place.

    Raises:
        ValueError: It says `import pipeline`, which would bind another name: `from` is needed.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(_is_room(alias.name) for alias in node.names):
            found = lines[node.lineno - 1].strip()
            raise ValueError(f"line {node.lineno}: expected from … import …, found {found}")
        if isinstance(node, ast.ImportFrom) and not node.level and _is_room(node.module or ""):
            line, start = lines[node.lineno - 1], node.col_offset + len("from ")
            lines[node.lineno - 1] = f"{line[:start]}{HOME}.{line[start:]}"
    return "".join(lines)


def _is_room(module: str) -> bool:
    return module.partition(".")[0] in ROOMS


def _new_name(name: str) -> str:
    return f"{HOME}/{name}" if name.partition("/")[0] in ROOMS else name


def _moved(name: str, content: bytes) -> bytes:
    """The content of a file for the new place."""
    if name.endswith(".py"):
        try:
            return rewritten(content.decode()).encode()
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    if name.endswith(".dist-info/entry_points.txt"):
        return re.sub(rf"= ({'|'.join(ROOMS)})\.", rf"= {HOME}.\1.", content.decode()).encode()
    if name.endswith(".dist-info/top_level.txt"):
        return f"{HOME}\n".encode()
    return content


def _record(name: str, files: Iterable[tuple[str, bytes]]) -> bytes:
    """The wheel's list of its files, with their digests."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for path, content in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow((path, f"sha256={digest}", len(content)))
    writer.writerow((name, "", ""))
    return text.getvalue().encode()
