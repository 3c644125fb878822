"""Customer files: CSV and other text, Parquet, workbooks. `pipeline.reading.open` is the way in."""
