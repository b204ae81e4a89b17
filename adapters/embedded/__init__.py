"""The bundled PostgreSQL: a server that pgvend runs itself, with nothing to install.

The superuser sets the server up. Databases are provisioned by `adapters.postgres`, as an admin that
has the same rights as on any other server.
"""
