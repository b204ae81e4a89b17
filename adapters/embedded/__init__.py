"""The bundled PostgreSQL: a server of our own that needs nothing installed.

Superuser rights are used to set it up; vending goes through `adapters.postgres`, as an admin who
has no more rights there than on anybody's server.
"""
