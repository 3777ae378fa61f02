"""How it gets ready to serve: one graph, golden rows, and the proof that it answers alike."""
