"""How asyncpg is called: our settings alone say what to connect to, no variable or file of libpq.

All adapters that log in to PostgreSQL stand on it.
"""
