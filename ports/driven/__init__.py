"""Interfaces that pgvend needs. Each docstring is the specification that every adapter keeps."""
