"""Where assigned rows go: the lines of a text as they were, new lines of CSV, or Parquet."""
