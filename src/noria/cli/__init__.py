"""How people reach it from a terminal; one file a verb."""
