"""TOML and environment, turned into typed values at the door."""
