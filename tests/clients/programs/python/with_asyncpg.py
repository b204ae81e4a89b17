"""A round trip by asyncpg; the argument is the URI."""

import asyncio
import sys

import asyncpg


async def main() -> None:
    async with asyncpg.create_pool(sys.argv[1], min_size=1, max_size=3) as pool:
        await pool.execute("CREATE TABLE fruits (id serial PRIMARY KEY, name text NOT NULL)")
        await pool.executemany("INSERT INTO fruits (name) VALUES ($1)", [("Äpfel",), ("Birnen",)])
        names = [row["name"] for row in await pool.fetch("SELECT name FROM fruits ORDER BY id")]
        assert names == ["Äpfel", "Birnen"], names


asyncio.run(main())
