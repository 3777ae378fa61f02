"""Suites: what a table is expected to be, checked in one pass, with a verdict, examples and a report."""
