"""How the tables came to be what `schema` says: one file for each step, each named by its number.

A file that was released is never changed. Each gets its operations as an argument: Alembic's global
`op` serves one migration of a process at a time.
"""
