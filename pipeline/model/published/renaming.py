"""Other words for a cluster of a published model, without a second training."""

import re
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from model_store import CHAMPION, PREVIOUS, Artifact, Reason, Store
from pipeline.errors import WrongFile, shortened
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.facts import facts_of
from pipeline.model.published.loading import load_model

if TYPE_CHECKING:
    from model_store.signing import Signer

_WITH_NAMES = ("report.html", "churn.svg")
"""Files that show the names of clusters, where an artifact has them."""


def rename_cluster(
    store: Store,
    reference: str,
    cluster: int,
    name: str,
    *,
    description: str | None = None,
    who: str = "",
    signer: "Signer | None" = None,
) -> Artifact:
    """Publish a version that calls a cluster otherwise and assigns as before.

    Every alias that names the version names the new one from then on. Retraining keeps the words
    as it keeps all that people gave.

    Args:
        store: Where the version is.
        reference: The version, or an alias of it.
        cluster: The id of the cluster.
        name: What it is called from now on.
        description: What is said of it from now on; None: what was said before.
        who: Who does it, for the store's history.
        signer: Vouches for the new version.

    Returns:
        The new version; the very one that is there where nothing changes.

    Raises:
        NotFound: There is no such version.
        WrongFile: The model has no such cluster, or another one has that name.
        WrongArtifact: A file of the version is damaged.
    """
    store.check_signer(signer)
    artifact = store.open(reference)
    artifact.verify()
    model = load_model(artifact)
    before = _cluster(model, cluster, reference)
    after = replace(before, name=name, description=description or before.description)
    taken = [each.id for each in model.clusters if each.name == name and each.id != cluster]
    if taken:
        raise WrongFile(reference, f"cluster {taken[0]} is called {shortened(name)!r} already")
    if after == before:
        return artifact
    clusters = tuple(after if each.id == cluster else each for each in model.clusters)
    files = {file: artifact.read(file) for file in artifact.manifest.files}
    for file in files.keys() & set(_WITH_NAMES):
        files[file] = _retold(files[file].decode(), model.clusters, before, after).encode()
    files["model.json"] = replace(model, clusters=clusters).to_json()
    renamed = store.publish(files, _facts(artifact, before, after), signer=signer)
    move_aliases(store, artifact, renamed, Reason(who, f"cluster {cluster} is called {name!r}"))
    return renamed


def _cluster(model: ClusterModel, cluster: int, reference: str) -> Cluster:
    for each in model.clusters:
        if each.id == cluster:
            return each
    ids = ", ".join(str(each.id) for each in model.clusters)
    raise WrongFile(reference, f"has no cluster {cluster}; there are: {ids}")


def _facts(artifact: Artifact, before: Cluster, after: Cluster) -> dict[str, Any]:
    """What the manifest states: as before, whose words are people's, and what it was called."""
    facts = facts_of(artifact)
    texts = {**facts.get("texts_by_people", {})}
    own = {
        kind for kind in ("name", "description") if getattr(before, kind) != getattr(after, kind)
    }
    texts[str(after.id)] = sorted({*texts.get(str(after.id), ()), *own})
    older = [*facts.get("renamed_from", ()), artifact.version]
    return {**facts, "texts_by_people": texts, "renamed_from": older}


def _retold(page: str, clusters: tuple[Cluster, ...], before: Cluster, after: Cluster) -> str:
    """A page or picture with the new words where the old ones stand for the cluster.

    A name may be a common word, so only these are exchanged: the whole text of an element, alone
    or behind the id; what stands between quotation marks; and what the description of a picture
    puts before a rate. The longest name is looked for first, for one may begin another.
    """
    names: Mapping[str, str] = {
        written(each.name): _in_page(after.name if each.id == before.id else each.name)
        for each in clusters
        for written in (_in_picture, _in_page)
    }
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = rf"(>(?:\d+ · )?|“|[>;] ?)({either})(?=\s*<|”| \d+\.\d%)"
    page = re.sub(pattern, lambda found: found[1] + names[found[2]], page)
    return page.replace(f">{_in_page(before.description)}<", f">{_in_page(after.description)}<")


def _in_picture(text: str) -> str:
    """Text as the pictures of training have it."""
    return escape(text, quote=False)


def _in_page(text: str) -> str:
    """Text as pages have it; pictures may have it so as well."""
    return _in_picture(text).replace('"', "&#34;").replace("'", "&#39;")


def move_aliases(store: Store, old: Artifact, new: Artifact, reason: Reason) -> None:
    """Let every alias of the old version name the new one; the champion's previous is the old."""
    for alias, version in store.aliases().items():
        if version != old.version or alias == PREVIOUS:
            continue
        if alias == CHAMPION:
            store.promote(new.version, reason.why, reason.who, instead_of=old.version)
        else:
            store.point(alias, new.version, reason)
