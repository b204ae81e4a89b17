"""TLS parameters of the admin's URL apply to every login and are handed out to tenants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.postgres.factory import opened_provider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_of_dsn
from adapters.postgres.sessions import tenant_session
from adapters.registry.stores import opened_postgres
from domain.errors import ProviderBusy, StartupError
from tests.support.command_line import pgvend, program, ran
from tests.support.databases import vended
from tests.support.private_ca import Private, private_server
from tests.support.provision_requests import INSTALLATION, new_order, unique_name
from tests.support.records import new_record
from tests.support.registries import own_database
from tests.support.servers import OperatorsServer
from tests.support.service import running_service

USES_TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(scope="module")
async def private() -> AsyncIterator[Private]:
    async with private_server() as server:
        yield server


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[PostgresProvider]:
    server = server_of_dsn(dsn, public_host=None, public_port=None, connection_limit=3)
    async with opened_provider(server, INSTALLATION) as provider:
        yield provider


ASKED = {
    "": "require",
    "sslmode=prefer": "require",
    "sslmode=allow": "require",
    "sslmode=require": "require",
    "sslmode=disable": "disable",
    "sslmode=verify-ca&sslrootcert={ca}": "verify-ca",
    "sslmode=verify-full&sslrootcert={ca}": "verify-full",
}


@pytest.mark.parametrize("options", ASKED)
async def test_a_tenant_gets_the_urls_tls_parameters_or_the_servers_capability(
    private: Private, options: str
) -> None:
    async with (
        opened(private.dsn(options)) as provider,
        vended(provider, new_order()) as connection,
    ):
        authorities = private.authority.cert.read_text() if "{ca}" in options else None
        assert (connection.sslmode, connection.sslrootcert) == (ASKED[options], authorities)
        await PostgresLoginCheck().verify(connection)
        is_encrypted = connection.sslmode != "disable"
        assert await provider.pool.fetchval(USES_TLS) is is_encrypted
        async with tenant_session(connection) as tenant:
            assert await tenant.fetchval(USES_TLS) is is_encrypted


async def test_connections_to_a_server_without_tls_have_tls_disabled(
    server_15: OperatorsServer,
) -> None:
    for options in ("", "?sslmode=prefer"):
        async with (
            opened(server_15.dsn() + options) as provider,
            vended(provider, new_order()) as connection,
        ):
            assert (connection.sslmode, connection.sslrootcert) == ("disable", None)


WRONG = {
    "another authority": ("sslmode=verify-full&sslrootcert={other}", "127.0.0.1"),
    "a public authority": ("sslmode=verify-full", "127.0.0.1"),
    "another name": ("sslmode=verify-full&sslrootcert={ca}", "localhost"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_unverified_server_gets_no_login(private: Private, wrong: str) -> None:
    options, host = WRONG[wrong]
    async with opened(private.dsn(options, host)) as provider:
        with pytest.raises(ProviderBusy):
            await provider.ping()
        with pytest.raises(ProviderBusy):
            await provider.provision(new_order())
    with pytest.raises(StartupError):
        async with opened_postgres(private.dsn(options, host)):
            pass

    trusted = private.dsn("sslmode=verify-full&sslrootcert={ca}")
    strange = server_of_dsn(
        private.dsn(options, host), public_host=None, public_port=None, connection_limit=3
    )
    async with opened(trusted) as provider, vended(provider, new_order()) as connection:
        told = replace(connection, host=host, sslrootcert=strange.sslrootcert)
        with pytest.raises(ProviderBusy):
            await PostgresLoginCheck().verify(told)


async def test_the_registry_uses_the_same_parameters(private: Private) -> None:
    async with own_database(private.server) as url:
        database = url.rpartition("/")[2]
        verified = private.dsn("sslmode=verify-full&sslrootcert={ca}", database=database)
        async with opened_postgres(verified) as registry:
            record = await registry.registry.add(new_record())
            assert await registry.registry.get(record.id) == record
            async with registry.leases.held(record.id) as is_mine:
                assert is_mine


async def test_the_cli_writes_the_authority_to_a_file(private: Private, tmp_path: Path) -> None:
    dsn = private.dsn("sslmode=verify-full&sslrootcert={ca}")
    file = tmp_path / "ca.pem"
    settings = {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": dsn}
    async with running_service(tmp_path, **settings) as service:
        made = await pgvend("create", unique_name(), "--ca-file", str(file), PGVEND_URL=service.url)
        assert made.status == 0, made.stderr
        uri = made.stdout.strip()
        asked = await ran(program("psql"), uri, "-Atc", USES_TLS)
        assert await service.stop() == 0

    assert file.read_text() == private.authority.cert.read_text()
    assert (asked.status, asked.stdout.strip()) == (0, "t"), asked.stderr
    assert "sslmode=verify-full" in uri
