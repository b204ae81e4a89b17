"""Adapters: one folder for each outside system, each behind a port of `ports/driven`."""
