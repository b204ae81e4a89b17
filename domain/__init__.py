"""What pgvend decides: pure, without I/O, clock or randomness of its own."""
