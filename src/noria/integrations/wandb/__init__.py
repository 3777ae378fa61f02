"""Weights & Biases: runs written offline (`wandb/offline-run-*/run-*.wandb`) become runs here. Needs no wandb."""
