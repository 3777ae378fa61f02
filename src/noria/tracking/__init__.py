"""What happened: runs, their values and metrics."""
