"""Search in tracking: which experiments, runs and logged models a text asks for, page by page."""
