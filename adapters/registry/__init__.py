"""Records that last: SQLAlchemy Core over SQLite or PostgreSQL, made and kept up by Alembic."""
