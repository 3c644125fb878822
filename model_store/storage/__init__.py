"""The product's one storage kit: named files in a folder or below a prefix of S3."""
