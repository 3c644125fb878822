"""Whether a version may be used: by the keys that somebody trusts."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_store.errors import NotFound, WrongArtifact
from model_store.extras import needs_extra
from model_store.storage.base import Storage

if TYPE_CHECKING:
    from model_store.signing import Signer


def refuse_untrusted(
    storage: Storage, version: str, manifest: bytes, keys: tuple[str, ...]
) -> None:
    """Refuse a version that none of the trusted keys signed; without keys all is trusted.

    Args:
        storage: The store's storage.
        version: The version.
        manifest: The content of its manifest.
        keys: Public keys.

    Raises:
        WrongArtifact: None of them signed it.
    """
    if not keys:
        return
    signing = _signing()
    for key in keys:
        try:
            signature = storage.read(f"versions/{version}/{signing.signature_name(key)}")
        except NotFound:
            continue
        if signing.is_signed(manifest, signature, key):
            return
    count = "the trusted key" if len(keys) == 1 else f"any of the {len(keys)} trusted keys"
    raise WrongArtifact(
        version, f"it is not signed by {count}", "sign it with: customer-clusters models sign"
    )


def refuse_untrusted_signer(signer: "Signer | None", keys: tuple[str, ...]) -> None:
    """Refuse a signer, or none, whose versions would be refused when they are opened.

    Raises:
        WrongArtifact: There are trusted keys, and the signer's is none of them.
    """
    if keys and (signer is None or signer.public not in keys):
        problem = "there is no key to sign with" if signer is None else "the key is no trusted one"
        raise WrongArtifact("to be published", problem, "give --sign-key FILE with a trusted key")


def load_signer(path: Path) -> "Signer":
    """The signer with the private key of a file.

    Raises:
        WrongKey: The file holds none.
        MissingExtra: The extra `sign` is not installed.
    """
    signer: Signer = _signing().Signer.from_file(path)
    return signer


def _signing() -> Any:
    with needs_extra("a signature", "sign"):
        return importlib.import_module(".signing", __package__)
