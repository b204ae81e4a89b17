"""Exports: dumps of tenants' databases by pg_dump."""
