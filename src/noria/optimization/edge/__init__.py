"""A model as a folder that answers without Noria: graphs for several runtimes, golden rows, a manifest of checksums."""
