"""Examples that `noria init --example` starts from."""
