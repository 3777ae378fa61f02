"""How it is doing: realised metrics, drift above its noise floor, missing rates, latency."""
