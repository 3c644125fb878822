"""Whom a store believes."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from model_store import Store, WrongArtifact, load_signer
from model_store.signing import Signer, WrongKey
from tests.model_store.conftest import Backend

FILES = {"model.json": b"{}"}
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
STRANGER = base64.b64encode(bytes(31) + b"\1").decode()


@pytest.fixture
def signer(key_file: Path) -> Signer:
    return load_signer(key_file)


def test_a_signed_version_is_opened_under_any_of_its_keys(backend: Backend, signer: Signer) -> None:
    version = backend.store.publish(FILES, {}, NOW, signer).version
    for trusted in ((), (signer.public,), (STRANGER, signer.public)):
        Store(backend.storage, trusted).open(version).verify()


def test_a_version_without_a_trusted_signature_is_refused(backend: Backend, signer: Signer) -> None:
    unsigned = backend.store.publish(FILES, {}, NOW).version
    strict = Store(backend.storage, (signer.public,))
    with pytest.raises(WrongArtifact, match="not signed by the trusted key; sign it with"):
        strict.open(unsigned)
    with pytest.raises(WrongArtifact, match="not signed"):
        strict.promote(unsigned, "why", "who")
    with pytest.raises(WrongArtifact, match="no key to sign with"):
        strict.publish({"model.json": b"[]"}, {}, NOW)
    signed = backend.store.publish(FILES, {}, NOW, signer)  # the same files: only vouched for
    assert signed.version == unsigned
    strict.open(unsigned).verify()
    with pytest.raises(WrongArtifact, match="not signed by any of the 2 trusted keys"):
        Store(backend.storage, (STRANGER, STRANGER)).open(unsigned)
    with pytest.raises(WrongArtifact, match="the key is no trusted one"):
        Store(backend.storage, (STRANGER,)).publish(FILES, {}, NOW, signer)


def test_a_manifest_that_was_changed_is_refused_though_its_files_match_it(
    backend: Backend, signer: Signer
) -> None:
    version = backend.store.publish(FILES, {"metrics": {"silhouette": 0.1}}, NOW, signer).version
    manifest = json.loads(backend.storage.read(f"versions/{version}/manifest.json"))
    manifest["metrics"]["silhouette"] = 0.9
    backend.damage(version, "manifest.json", json.dumps(manifest).encode())
    backend.store.open(version).verify()  # without keys nobody can tell
    with pytest.raises(WrongArtifact, match="not signed"):
        Store(backend.storage, (signer.public,)).open(version)


def test_a_damaged_version_is_not_signed(backend: Backend, signer: Signer) -> None:
    version = backend.store.publish(FILES, {}, NOW).version
    backend.damage(version, "model.json", b"[]")
    with pytest.raises(WrongArtifact, match="not the file that was published"):
        backend.store.sign(version, signer)


def test_a_signature_goes_with_its_version(backend: Backend, signer: Signer) -> None:
    backend.store.publish(FILES, {}, NOW, signer)
    kept = backend.store.publish({"model.json": b"[]"}, {}, NOW.replace(year=2027), signer).version
    assert len(backend.store.prune(1)) == 1
    assert backend.storage.names("versions") == [kept]


def pem(content: bytes) -> bytes:
    """Content that says it is a private key."""
    kind = b"PRIVATE KEY-----"
    return b"-----BEGIN " + kind + b"\n" + content + b"\n-----END " + kind + b"\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no such key"),
        (pem(b"AAAA"), "is no such key"),
        (
            Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
            ),
            "is no such key",
        ),
        (
            generate_private_key(SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "is a key of another kind",
        ),
    ],
    ids=["empty", "broken", "encrypted", "elliptic"],
)
def test_a_file_that_holds_no_signing_key_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(WrongKey, match=rf"key\.pem: {message}; expected an Ed25519 private key"):
        load_signer(path)
    with pytest.raises(WrongKey, match="cannot be read"):
        load_signer(tmp_path / "none.pem")
