"""Neptune, which is gone: its export in parquet is read, and written as eight other tools read it."""
