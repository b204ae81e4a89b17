"""Doctor checks of a PostgreSQL server, one file per topic."""
