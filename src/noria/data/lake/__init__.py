"""Delta Lake tables as sources, read at a version. Needs the extra `lake`."""
