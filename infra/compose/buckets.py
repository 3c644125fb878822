"""Makes buckets, and ends; those that are there already stay as they are.

python infra/compose/buckets.py customers scored
"""

import sys
from collections.abc import Sequence

from botocore.exceptions import ClientError

from model_store.storage.s3 import connect


def main(names: Sequence[str]) -> None:
    """Make buckets in the S3 that the environment names."""
    client = connect()
    for name in names:
        try:
            client.head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            client.create_bucket(Bucket=name)
    client.close()


if __name__ == "__main__":
    main(sys.argv[1:])
