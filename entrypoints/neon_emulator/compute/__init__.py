"""The PostgreSQL servers of projects."""
