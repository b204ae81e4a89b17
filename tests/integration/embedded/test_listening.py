"""The bundled server on other addresses than 127.0.0.1, and the host that connections name."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from adapters.embedded.configuration import ADMIN, SUPERUSER
from adapters.embedded.server import EmbeddedOptions
from domain.connection import Connection
from tests.support.databases import provisioned_database
from tests.support.embedded_servers import NO_FSYNC, login_session, open_server_with
from tests.support.legacy_clients import create_by_legacy_route
from tests.support.provision_requests import new_provision_request, with_extensions
from tests.support.requirements import skip_without
from tests.support.service import running_service

ANOTHER = "127.0.0.2"


def create_options(folder: Path, listen: Sequence[str], **public: Any) -> EmbeddedOptions:
    return EmbeddedOptions(folder=folder / "embedded", listen=listen, settings=NO_FSYNC, **public)


async def test_connections_name_the_address_that_the_server_listens_on(new_folder: Path) -> None:
    async with (
        open_server_with(create_options(new_folder, [ANOTHER])) as provider,
        provisioned_database(provider, new_provision_request()) as connection,
    ):
        assert connection.host == ANOTHER
        async with login_session(connection) as session:
            assert await session.fetchval("SELECT host(inet_server_addr())") == ANOTHER
        with pytest.raises(OSError, match="refused"), socket.socket() as client:
            client.connect(("127.0.0.1", connection.port))


async def test_over_the_network_a_password_is_required_and_the_admin_is_rejected(
    new_folder: Path,
) -> None:
    async with (
        open_server_with(
            create_options(new_folder, ["*"], public_host=(host := find_own_address()))
        ) as provider,
        provisioned_database(provider, new_provision_request()) as connection,
    ):
        assert connection.host == host
        async with login_session(connection) as session:
            assert await session.fetchval("SELECT host(inet_client_addr())") == host
        for user in (SUPERUSER, ADMIN):
            await assert_refused(connection, user=user)
        await assert_refused(connection, password="a wrong one")
        await assert_refused(connection, database="postgres")


async def test_pgvends_own_sessions_do_not_use_the_public_name(new_folder: Path) -> None:
    """The name may resolve to a port that only other machines can reach."""
    options = create_options(new_folder, ["127.0.0.1"], public_host="db.example", public_port=6432)
    async with open_server_with(options) as provider:
        connection = await provider.provision(with_extensions(new_provision_request(), "hstore"))
        assert (connection.host, connection.port) == ("db.example", 6432)


async def test_connections_name_the_public_host(new_folder: Path) -> None:
    settings = {"PGVEND_EMBEDDED_LISTEN": f"127.0.0.1,{ANOTHER}", "PGVEND_PUBLIC_HOST": ANOTHER}
    async with running_service(new_folder, **settings) as service:
        connection = await create_by_legacy_route(service.url, "Elsewhere")
        assert connection.host == ANOTHER
        async with login_session(connection) as session:
            assert await session.fetchval("SELECT host(inet_server_addr())") == ANOTHER


def find_own_address() -> str:
    """Return one of this machine's IPv4 addresses that is not loopback."""
    for interface in psutil.net_if_addrs().values():
        for each in interface:
            if each.family == socket.AF_INET and not each.address.startswith("127."):
                return str(each.address)
    return skip_without("an IPv4 address other than loopback")


async def assert_refused(connection: Connection, **other: str) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        async with login_session(connection, **other):
            pass
