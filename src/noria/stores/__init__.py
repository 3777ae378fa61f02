"""Where things are kept: a database, a journal, blobs, an online store, spools. No store knows a table by name."""
