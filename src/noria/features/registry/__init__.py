"""The feature registry: which definitions of each view there have been, what they hold, and who reads them."""
