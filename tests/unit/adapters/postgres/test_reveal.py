"""Passwords that are ours are told without asking anybody."""

from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_of_dsn
from adapters.postgres.sessions import opened_pool
from adapters.postgres.sight import Marks
from tests.support.orders import INSTALLATION, new_order, rotated

NOWHERE = "postgresql://admin@database.invalid/postgres"


async def test_a_connection_is_revealed_without_a_server() -> None:
    order = rotated(new_order(), 3)
    server = server_of_dsn(NOWHERE, public_host="db.example", public_port=6432, connection_limit=3)
    provider = PostgresProvider(
        server=server, marks=Marks(INSTALLATION), pool=opened_pool(server.admin)
    )

    revealed = await provider.reveal(order)

    assert (revealed.host, revealed.port) == ("db.example", 6432)
    assert (revealed.user, revealed.password) == (order.tenant.names.owner, order.password)
