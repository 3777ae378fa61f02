"""Served names whose answers are made of other models' answers."""
