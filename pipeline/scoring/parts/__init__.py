"""One large input in parts, on processes or on Spark."""
