"""One HTTP application over every folder's operations."""
