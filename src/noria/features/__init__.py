"""What a model sees: windows, point-in-time joins, and the same definitions kept online."""
