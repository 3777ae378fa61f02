"""Features kept online: states of entities that events change, equal to what is computed offline."""
