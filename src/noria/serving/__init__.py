"""How it answers: codecs, endpoints, routing, the prediction log."""
