"""Feast repositories, read from their registry and written as a Noria project."""
