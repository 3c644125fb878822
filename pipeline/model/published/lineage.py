"""Whether the same cluster id means the same in two versions of a store."""

from model_store import Store, WrongArtifact
from pipeline.model.published.facts import matched_with, same_clusters


def are_related(store: Store, version: str, other: str) -> bool:
    """Whether the ids of two versions were matched, with each other or with the same others."""
    return bool(_lineage(store, version) & _lineage(store, other))


def _lineage(store: Store, version: str) -> set[str]:
    """A version and those that its cluster ids come from, as far back as manifests are there."""
    versions: set[str] = set()
    following: str | None = version
    while following is not None and following not in versions:
        versions.add(following)
        try:
            artifact = store.open(following)
        except (LookupError, WrongArtifact):  # pruned; its name is still known
            break
        versions.update(same_clusters(artifact))
        following = matched_with(artifact)
    return versions
