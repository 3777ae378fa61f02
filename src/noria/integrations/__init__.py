"""Other people's tools, one leaf each: found by entry point, imported by nobody."""
