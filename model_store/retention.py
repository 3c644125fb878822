"""Removing versions that nobody needs, and what crashes have left.

The manifest goes first: a version that is half removed does not exist for anybody, and the rest
of it is a leftover like that of a publish that was cut.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from model_store.aliases import Aliases
from model_store.storage.base import Storage
from model_store.version import Version

ABANDONED = timedelta(days=1)
"""A folder without manifest may be a publish under way. Older than this it is not, however far
apart the clocks of sensible machines are."""
MANIFEST = "manifest.json"


def removable(versions: Sequence[Version], aliased: Collection[str], keep: int) -> list[str]:
    """All but the newest `keep` versions and those that an alias names, oldest first."""
    names = [str(version) for version in sorted(versions)]
    return [name for name in names[: max(0, len(names) - keep)] if name not in aliased]


def leftovers(
    storage: Storage, versions: Collection[str], aliased: Collection[str], now: datetime
) -> list[str]:
    """Folders of versions without a manifest that nobody can be writing any more.

    Args:
        storage: The store's storage.
        versions: The published versions.
        aliased: Those that an alias names.
        now: The time, with its zone.

    Returns:
        The names of the folders.
    """
    abandoned = []
    for name in storage.names("versions"):
        try:
            version = Version.from_string(name)
        except ValueError:
            continue
        if name not in versions and name not in aliased and now - version.published > ABANDONED:
            abandoned.append(name)
    return abandoned


def remove(storage: Storage, aliases: Aliases, version: str) -> bool:
    """Remove a version, or what is left of it.

    Returns:
        False where an alias has come to name it meanwhile: then it stays whole.
    """
    if version in aliases.versions().values():
        return False
    folder = f"versions/{version}"
    names = storage.names(folder)
    if MANIFEST in names:
        manifest = storage.read(f"{folder}/{MANIFEST}")
        storage.delete(f"{folder}/{MANIFEST}")
        if version in aliases.versions().values():  # promoted at this very moment
            storage.create(f"{folder}/{MANIFEST}", manifest)
            return False
    for name in names:
        storage.delete(f"{folder}/{name}")
    return True
