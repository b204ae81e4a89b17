"""What pgvend adds to the work that PostgreSQL has to do anyway: `make bench`."""
