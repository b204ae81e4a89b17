"""Open transactions that keep an entry of the catalogs locked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from domain.connection import Connection
from tests.support.obstacles import filled
from tests.support.places import tenant

PASSING_ON = 'GRANT CONNECT ON DATABASE {{database}} TO "{neighbour}" WITH GRANT OPTION'


@asynccontextmanager
async def held_by(neighbour: Connection, connection: Connection) -> AsyncIterator[None]:
    """A neighbour who may, passes on what it was granted on another's database, and stays so."""
    async with tenant(connection) as owner:
        await owner.execute(filled(PASSING_ON.format(neighbour=neighbour.user), connection))
    passing_on = filled("GRANT CONNECT ON DATABASE {database} TO PUBLIC", connection)
    async with left_open(neighbour, passing_on):
        yield


@asynccontextmanager
async def left_open(connection: Connection, statement: str) -> AsyncIterator[asyncpg.Connection]:
    """A session whose transaction has run the statement and does not end."""
    async with tenant(connection) as opened:
        await opened.execute("BEGIN")
        await opened.execute(filled(statement, connection))
        yield opened
