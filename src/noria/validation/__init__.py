"""Whether it is good enough: metrics with intervals, slices, comparisons, gates."""
