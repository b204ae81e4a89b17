"""The ways to use pgvend, its configuration and its composition root."""
