"""How it learns: labels, splits, the step cache, the search, the fit."""
