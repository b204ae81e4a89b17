"""How asyncpg is called."""
