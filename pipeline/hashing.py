"""What tells the content of a file from all others.

A file is hashed in blocks, so that several threads or machines can do it, each a part of it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

BLOCK = 64 << 20
_PIECE = 256 << 10
_AT_ONCE = 4


def sha256_of_file(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity_of_file(path: Path) -> str:
    """The identity of a file, as `identity_of_blocks`; OSError when it cannot be read."""
    return identity_of_blocks(lambda: path.open("rb"), path.stat().st_size)


def identity_of_blocks(
    open: Callable[[], BinaryIO], size: int, known: Mapping[int, str] | None = None
) -> str:
    """`sha256:` and the digest of a file up to 64 MiB; of a larger one that of its blocks' digests.

    Then the number of blocks follows, as S3 writes it: `sha256:…-41`. `known` has the digests of
    blocks that need not be read here.
    """

    def digest(block: int) -> str:
        if known and block in known:
            return known[block]
        with open() as file:
            return digest_of_block(file, block)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return _together(list(pool.map(digest, range(block_count(size)))))


def block_count(size: int) -> int:
    """Of a file of so many bytes; an empty one has one block."""
    return max(1, -(-size // BLOCK))


def digest_of_block(file: BinaryIO, block: int) -> str:
    """The sha256 of a block, in hex."""
    file.seek(block * BLOCK)
    found, left = hashlib.sha256(), BLOCK
    while left and (piece := file.read(min(left, _PIECE))):
        found.update(piece)
        left -= len(piece)
    return found.hexdigest()


def _together(digests: Sequence[str]) -> str:
    if len(digests) == 1:
        return f"sha256:{digests[0]}"
    whole = hashlib.sha256(b"".join(map(bytes.fromhex, digests)))
    return f"sha256:{whole.hexdigest()}-{len(digests)}"
