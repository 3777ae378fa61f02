"""Why a model answered what it did: each input's share in the answer (Shapley values)."""
