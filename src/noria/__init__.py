"""Noria."""
