"""Makes buckets, and ends; those that are there already stay as they are.

python infra/compose/buckets.py customers scored
"""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from model_store import CustomerClustersError, NotFound, Temporary
from model_store.storage.s3 import connect
from model_store.storage.s3_errors import translate_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PATIENCE_SECONDS = 180.0
"""For a server that is being started."""


def main(names: Sequence[str], patience: float = PATIENCE_SECONDS) -> None:
    """Make buckets in the S3 that the environment names; what goes wrong is one line."""
    deadline = time.monotonic() + patience
    client = connect()
    try:
        for name in names:
            while not _made(client, name, last=time.monotonic() >= deadline):
                time.sleep(1)
    except CustomerClustersError as error:
        sys.exit(f"Error: {error}")
    finally:
        client.close()


def _made(client: "S3Client", name: str, *, last: bool) -> bool:
    """Whether a bucket is there now; False while the server does not answer."""
    try:
        try:
            with translate_errors("read", name, "the server"):
                client.head_bucket(Bucket=name)
        except NotFound:
            with translate_errors("make", name, "the server"):
                client.create_bucket(Bucket=name)
    except Temporary:
        if last:
            raise
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
