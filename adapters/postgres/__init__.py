"""Databases on any PostgreSQL server, by SQL, through an admin with CREATEDB and CREATEROLE."""
