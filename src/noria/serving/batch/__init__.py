"""Whole tables answered by a version: in bounded memory, chunk by durable chunk."""
