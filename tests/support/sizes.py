"""Databases with data, and the role that an admin needs to measure them."""

import asyncpg
import pytest

from domain.connection import Connection
from tests.support.postgres_under_test import tenant_session

MONITORING_ROLE = "pg_read_all_stats"
"""A role that may measure all databases."""

FILL = """
CREATE TABLE IF NOT EXISTS room (text text);
INSERT INTO room SELECT repeat('x', 1000) FROM generate_series(1, 1000 * {megabytes});
"""


async def fill(connection: Connection, megabytes: int) -> None:
    """Add at least that many megabytes, as the tenant."""
    async with tenant_session(connection) as session:
        await session.execute(FILL.format(megabytes=megabytes))


async def free_space(connection: Connection) -> None:
    """Make the session writable, as a read-only tenant may, and drop the table. The setting applies
    from the next transaction on, so this takes two statements."""
    async with tenant_session(connection) as session:
        await session.execute("SET default_transaction_read_only = off")
        await session.execute("DROP TABLE room")


async def assert_read_only(connection: Connection) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await fill(connection, 1)


async def assert_writable(connection: Connection) -> None:
    async with tenant_session(connection) as session:
        await session.execute("CREATE TABLE written (); DROP TABLE written")
