"""Which one is which: versions, aliases, stages, lineage."""
