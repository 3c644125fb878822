"""Signatures: who vouches for a version. Imported where keys are set, and cryptography with it.

A signature is Ed25519 (RFC 8032) over the bytes of manifest.json, and so over the version's name
and the sha256 of each of its files. It is a file beside the manifest, named for the key, so that
several people can sign and a signature can be added later. It says nothing about aliases: whoever
may write to the store can point one at any version that was ever signed.
"""

import base64
import hashlib
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from model_store.errors import CustomerClustersError


class WrongKey(CustomerClustersError, ValueError):
    """Raised when a file should hold a private key for signing and does not."""

    code = "wrong_key"

    def __init__(self, path: Path | str, problem: str) -> None:
        self.path, self.problem = str(path), problem
        super().__init__(f"{path}: {problem}; expected an Ed25519 private key in PEM, unencrypted")


class Signer:
    """Signs with one private key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The signer with the private key of a file, whose content is never shown.

        Raises:
            WrongKey: The file cannot be read, or holds no unencrypted Ed25519 key.
        """
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise WrongKey(path, f"cannot be read ({error.strerror})") from error
        except (ValueError, TypeError) as error:  # TypeError: it wants a password
            raise WrongKey(path, "is no such key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise WrongKey(path, "is a key of another kind")
        return cls(key)

    @property
    def public(self) -> str:
        """The public key, as the setting of trusted keys takes it."""
        return base64.b64encode(self._private.public_key().public_bytes_raw()).decode()

    def sign(self, content: bytes) -> bytes:
        """The signature over some content; the same content always gets the same one."""
        return self._private.sign(content)


def signature_name(public: str) -> str:
    """The file beside the manifest in which a key's signature stands."""
    return f"manifest-{hashlib.sha256(base64.b64decode(public)).hexdigest()[:16]}.sig"


def is_signed(content: bytes, signature: bytes, public: str) -> bool:
    """Whether a key made a signature over some content."""
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public)).verify(signature, content)
    except InvalidSignature:
        return False
    return True
