"""Aggregates as partial results that merge: nothing is ever subtracted, one idea a file."""
