"""Clients of a data plane: `noria.Client` and `noria.AsyncClient`."""
