"""Durable records: SQLAlchemy Core over SQLite or PostgreSQL, with Alembic for the migrations."""
