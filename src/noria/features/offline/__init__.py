"""Features of many requests at once, point-in-time and as known, in DuckDB: three plans of one meaning."""
