"""Metric histories: a series is every point of one metric of one run."""
