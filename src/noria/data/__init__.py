"""What a model learns from: sources, snapshots, checks."""
