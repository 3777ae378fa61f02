"""What a user writes, turned into a plan."""
