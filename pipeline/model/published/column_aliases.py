"""Other names for the columns of a published model, without a second training."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from model_store import Artifact, Reason, Store
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.model.published.facts import facts_of
from pipeline.model.published.loading import load_model
from pipeline.model.published.renaming import move_aliases
from pipeline.model.spelling import normalised, split_pair

if TYPE_CHECKING:
    from model_store.signing import Signer


def declare_aliases(
    store: Store,
    reference: str,
    pairs: Sequence[str],
    *,
    who: str = "",
    signer: "Signer | None" = None,
) -> Artifact:
    """Publish a version that knows more names of its columns and assigns as before.

    Every alias that names the version names the new one from then on. Retraining keeps the names.

    Args:
        store: Where the version is.
        reference: The version, or an alias of it.
        pairs: The names, each as `its name=our name`.
        who: Who does it, for the store's history.
        signer: Vouches for the new version.

    Returns:
        The new version; the very one that is there where it knows the names already.

    Raises:
        NotFound: There is no such version.
        WrongFile: The model has no such column, or the name is that of another one.
        WrongArtifact: A file of the version is damaged.
    """
    store.check_signer(signer)
    artifact = store.open(reference)
    artifact.verify()
    model = load_model(artifact)
    contract = _with_pairs(reference, model.contract, pairs)
    if contract == model.contract:
        return artifact
    files = {file: artifact.read(file) for file in artifact.manifest.files}
    files["model.json"] = replace(model, contract=contract).to_json()
    facts = facts_of(artifact)
    older = [*facts.get("renamed_from", ()), artifact.version]
    stated = {**facts, "contract_sha256": contract.digest, "renamed_from": older}
    knowing = store.publish(files, stated, signer=signer)
    move_aliases(store, artifact, knowing, Reason(who, f"columns: {'; '.join(pairs)}"))
    return knowing


def _with_pairs(reference: str, contract: Contract, pairs: Sequence[str]) -> Contract:
    """The contract with more names."""
    own = {normalised(name): name for name in contract.columns}
    aliases = {column: [*names] for column, names in contract.aliases.items()}
    for text in pairs:
        name, column = split_pair(text, own)
        if column not in own:
            columns = ", ".join(contract.columns[:12])
            raise WrongFile(reference, f"reads no column {column}; there are: {columns}")
        known = aliases.setdefault(own[column], [])
        if normalised(name) not in {normalised(it) for it in (own[column], *known)}:
            known.append(name)
    try:
        return Contract.from_dict(contract.with_aliases(aliases).to_dict())
    except ValueError as error:
        raise WrongFile(reference, str(error)) from error
