"""An object in S3, scored in parts by processes that know of one another by what lies there."""
