"""Neon, by its HTTP API, and by SQL where the API has no words for it."""
