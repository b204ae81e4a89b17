"""Benchmarks: each compares pgvend with a baseline of the same run (`make bench`)."""
