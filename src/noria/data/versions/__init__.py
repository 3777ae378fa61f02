"""Directories and tables under version control: immutable snapshots, branches and tags, merges, checkouts."""
