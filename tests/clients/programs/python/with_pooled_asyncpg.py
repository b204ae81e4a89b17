"""Round trips by asyncpg through a pooler in transaction mode; the argument is the URI."""

import asyncio
import sys

import asyncpg


async def main() -> None:
    pool = asyncpg.create_pool(sys.argv[1], min_size=10, max_size=10, statement_cache_size=0)
    async with pool:
        await pool.execute("CREATE TABLE fruits (id serial PRIMARY KEY, name text NOT NULL)")
        insert = "INSERT INTO fruits (name) VALUES ($1)"
        await asyncio.gather(*(pool.execute(insert, f"Äpfel {each}") for each in range(10)))
        count = await pool.fetchval("SELECT count(*) FROM fruits")
        assert count == 10, count


asyncio.run(main())
