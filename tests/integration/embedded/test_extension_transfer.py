"""Extensions that the superuser owned under earlier releases, and their transfer to the tenants."""

from pathlib import Path

from adapters.postgres.sessions import open_session
from domain.connection import Connection
from domain.provisioning import ProvisionRequest
from tests.support.embedded_servers import (
    Events,
    data_folder_in,
    login_session,
    open_server,
)
from tests.support.polling import wait_until
from tests.support.provision_requests import new_provision_request, with_extensions
from tests.support.servers import BUNDLED_MAJOR, find_former_programs, ram_folder

OWNER = "SELECT extowner::regrole::text FROM pg_extension WHERE extname = 'vector'"

FORMER_CONFIGURATION = "listen_addresses = '127.0.0.1'\n"


async def test_vector_of_an_earlier_release_is_transferred_to_the_tenants_once() -> None:
    with ram_folder() as folder:
        connections = await _create_with_former_release(folder, 3)
        events = Events()
        async with open_server(folder, events=events):
            await wait_until(lambda: events.fields("postgres.extensions_transferred"))
            for connection in connections:
                async with login_session(connection) as session:
                    assert await session.fetchval(OWNER) == connection.user
                    await session.execute("COMMENT ON EXTENSION vector IS 'our own'")
                    await session.execute("DROP EXTENSION vector")
                    await session.execute("CREATE EXTENSION vector")
        assert [each["databases"] for each in events.fields("postgres.extensions_transferred")] == [
            3
        ]

        again = Events()
        async with open_server(folder, events=again) as provider:
            await provider.ping()
        assert again.fields("postgres.extensions_transferred") == []


async def test_an_extension_that_was_transferred_does_not_block_a_deletion() -> None:
    with ram_folder() as folder:
        provision_request = new_provision_request()
        await _create_with_former_release(folder, 1, provision_request)
        events = Events()
        async with open_server(folder, events=events) as provider:
            await wait_until(lambda: events.fields("postgres.extensions_transferred"))
            await provider.delete(provision_request.tenant)
            assert await provider.inventory() == []


async def test_a_suspended_tenant_gets_vector_when_it_is_restored() -> None:
    with ram_folder() as folder:
        provision_request = new_provision_request()
        [connection] = await _create_with_former_release(
            folder, 1, provision_request, suspended=True
        )
        events = Events()
        async with open_server(folder, events=events) as provider:
            await wait_until(lambda: events.fields("postgres.extensions_transferred"))
            await provider.provision(with_extensions(provision_request, "vector"))
            async with login_session(connection) as session:
                assert await session.fetchval(OWNER) == connection.user


async def _create_with_former_release(
    folder: Path,
    number: int,
    provision_request: ProvisionRequest | None = None,
    *,
    suspended: bool = False,
) -> list[Connection]:
    """Create databases as an earlier release left them: the superuser owns `vector`, and pgvend's
    settings have replaced initdb's."""
    connections = []
    async with open_server(folder, programs=await find_former_programs(BUNDLED_MAJOR)) as provider:
        superuser = provider.server.superuser
        assert superuser is not None
        for _ in range(number):
            provision_request = provision_request or new_provision_request()
            connection = await provider.provision(provision_request)
            async with open_session({**superuser, "database": connection.database}) as session:
                await session.execute("CREATE EXTENSION vector WITH SCHEMA public")
            if suspended:
                await provider.suspend(provision_request.tenant)
            connections.append(connection)
            provision_request = None
    (data_folder_in(folder) / "postgresql.conf").write_text(FORMER_CONFIGURATION)
    return connections
