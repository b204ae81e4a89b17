"""The migrations that lead to the tables in `schema`: one file for each, named by its number.

Never change a released file. `upgrade` takes its operations as an argument: Alembic's global `op`
serves one migration of a process at a time.
"""
