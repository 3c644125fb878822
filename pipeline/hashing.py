"""The identity of a file: what tells its content from all others.

A file is hashed in blocks, so that several threads or machines can do it, each a part of it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

BLOCK = 64 << 20
_READ_SIZE = 256 << 10
_THREADS = 4
CONTROL_KEY = "customer-clusters"
"""What ids are hashed with to draw a control group, unless somebody names another key."""


def sha256_of_file(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity_of_file(path: Path) -> str:
    """The identity of a local file, as `identity_of_blocks` makes it.

    Raises:
        OSError: It cannot be read.
    """
    return identity_of_blocks(lambda: path.open("rb"), path.stat().st_size)


def identity_of_blocks(
    open_file: Callable[[], BinaryIO], size: int, known: Mapping[int, str] | None = None
) -> str:
    """The identity of a file that is read in blocks of 64 MiB, several at once.

    Args:
        open_file: Opens the file, once for each block.
        size: Its bytes.
        known: The digests of blocks that need not be read here, by number from 0.

    Returns:
        `sha256:` and the digest of its bytes. For a file of several blocks it is the digest of
        their digests, and the number of blocks follows, as S3 writes it: `sha256:…-41`.
    """
    from concurrent.futures import ThreadPoolExecutor  # which no look-up need load

    def digest(block: int) -> str:
        if known and block in known:
            return known[block]
        with open_file() as file:
            return digest_of_block(file, block)

    with ThreadPoolExecutor(_THREADS) as pool:
        return _combined(list(pool.map(digest, range(block_count(size)))))


def block_count(size: int) -> int:
    """The number of blocks of a file of so many bytes; an empty one has one."""
    return max(1, -(-size // BLOCK))


def digest_of_block(file: BinaryIO, block: int) -> str:
    """The sha256 of a block of a file, in hex; blocks are numbered from 0."""
    file.seek(block * BLOCK)
    digest, left = hashlib.sha256(), BLOCK
    while left and (data := file.read(min(left, _READ_SIZE))):
        digest.update(data)
        left -= len(data)
    return digest.hexdigest()


def _combined(digests: Sequence[str]) -> str:
    if len(digests) == 1:
        return f"sha256:{digests[0]}"
    whole = hashlib.sha256(b"".join(map(bytes.fromhex, digests)))
    return f"sha256:{whole.hexdigest()}-{len(digests)}"
