"""The rules of pgvend: pure, without I/O, clock or randomness."""
