"""Tables of data versions, written as Delta Lake tables. Needs the extra `lake`."""
