"""Branches of a lakeFS repository as versions of data, and back, over its published REST API."""
