"""TLS parameters of the admin's URL apply to every login and are handed out to tenants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.postgres.factory import open_provider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_from_dsn
from adapters.postgres.sessions import open_tenant_session
from adapters.registry.postgres_stores import open_postgres_stores
from domain.errors import ProviderBusy, StartupError
from tests.support.command_line import find_program, run_pgvend, run_program
from tests.support.databases import provisioned_database
from tests.support.private_ca import PrivateCaServer, running_private_ca_server
from tests.support.provision_requests import INSTALLATION, new_provision_request, unique_name
from tests.support.records import new_record
from tests.support.registries import temporary_database
from tests.support.servers import OperatorsServer
from tests.support.service import running_service

USES_TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(scope="module")
async def private() -> AsyncIterator[PrivateCaServer]:
    async with running_private_ca_server() as server:
        yield server


@asynccontextmanager
async def open_provider_for(dsn: str) -> AsyncIterator[PostgresProvider]:
    server = server_from_dsn(dsn, public_host=None, public_port=None, connection_limit=3)
    async with open_provider(server, INSTALLATION) as provider:
        yield provider


SSLMODES = {
    "": "require",
    "sslmode=prefer": "require",
    "sslmode=allow": "require",
    "sslmode=require": "require",
    "sslmode=disable": "disable",
    "sslmode=verify-ca&sslrootcert={ca}": "verify-ca",
    "sslmode=verify-full&sslrootcert={ca}": "verify-full",
}


@pytest.mark.parametrize("options", SSLMODES)
async def test_a_tenant_gets_the_urls_tls_parameters_or_the_servers_capability(
    private: PrivateCaServer, options: str
) -> None:
    async with (
        open_provider_for(private.dsn(options)) as provider,
        provisioned_database(provider, new_provision_request()) as connection,
    ):
        authorities = private.authority.cert.read_text() if "{ca}" in options else None
        assert (connection.sslmode, connection.sslrootcert) == (SSLMODES[options], authorities)
        await PostgresLoginCheck().verify(connection)
        is_encrypted = connection.sslmode != "disable"
        assert await provider.pool.fetchval(USES_TLS) is is_encrypted
        async with open_tenant_session(connection) as tenant:
            assert await tenant.fetchval(USES_TLS) is is_encrypted


async def test_connections_to_a_server_without_tls_have_tls_disabled(
    server_15: OperatorsServer,
) -> None:
    for options in ("", "?sslmode=prefer"):
        async with (
            open_provider_for(server_15.dsn() + options) as provider,
            provisioned_database(provider, new_provision_request()) as connection,
        ):
            assert (connection.sslmode, connection.sslrootcert) == ("disable", None)


UNVERIFIED = {
    "another authority": ("sslmode=verify-full&sslrootcert={other}", "127.0.0.1"),
    "a public authority": ("sslmode=verify-full", "127.0.0.1"),
    "another name": ("sslmode=verify-full&sslrootcert={ca}", "localhost"),
}


@pytest.mark.parametrize("wrong", UNVERIFIED)
async def test_an_unverified_server_gets_no_login(private: PrivateCaServer, wrong: str) -> None:
    options, host = UNVERIFIED[wrong]
    async with open_provider_for(private.dsn(options, host)) as provider:
        with pytest.raises(ProviderBusy):
            await provider.ping()
        with pytest.raises(ProviderBusy):
            await provider.provision(new_provision_request())
    with pytest.raises(StartupError):
        async with open_postgres_stores(private.dsn(options, host)):
            pass

    trusted = private.dsn("sslmode=verify-full&sslrootcert={ca}")
    wrong_server = server_from_dsn(
        private.dsn(options, host), public_host=None, public_port=None, connection_limit=3
    )
    async with (
        open_provider_for(trusted) as provider,
        provisioned_database(provider, new_provision_request()) as connection,
    ):
        given = replace(connection, host=host, sslrootcert=wrong_server.sslrootcert)
        with pytest.raises(ProviderBusy):
            await PostgresLoginCheck().verify(given)


async def test_the_registry_uses_the_same_parameters(private: PrivateCaServer) -> None:
    async with temporary_database(private.server) as url:
        database = url.rpartition("/")[2]
        verified = private.dsn("sslmode=verify-full&sslrootcert={ca}", database=database)
        async with open_postgres_stores(verified) as stores:
            record = await stores.registry.add(new_record())
            assert await stores.registry.get(record.id) == record
            async with stores.leases.acquire(record.id) as is_acquired:
                assert is_acquired


async def test_the_cli_writes_the_authority_to_a_file(
    private: PrivateCaServer, tmp_path: Path
) -> None:
    dsn = private.dsn("sslmode=verify-full&sslrootcert={ca}")
    file = tmp_path / "ca.pem"
    settings = {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": dsn}
    async with running_service(tmp_path, **settings) as service:
        created = await run_pgvend(
            "create", unique_name(), "--ca-file", str(file), PGVEND_URL=service.url
        )
        assert created.status == 0, created.stderr
        uri = created.stdout.strip()
        queried = await run_program(find_program("psql"), uri, "-Atc", USES_TLS)
        assert await service.stop() == 0

    assert file.read_text() == private.authority.cert.read_text()
    assert (queried.status, queried.stdout.strip()) == (0, "t"), queried.stderr
    assert "sslmode=verify-full" in uri
