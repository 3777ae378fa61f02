"""The one value every operation takes first."""
