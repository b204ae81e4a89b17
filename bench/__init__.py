"""Benchmarks: the time that pgvend adds to the work of PostgreSQL (`make bench`)."""
