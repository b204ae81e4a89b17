"""Extensions on the bundled server: tenants create, own, dump and restore them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from adapters.embedded.extensions import FOLDER, mark_as_trusted
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.sessions import open_session
from domain.connection import Connection
from domain.errors import StartupError
from tests.support.databases import provisioned_database
from tests.support.embedded_servers import data_folder_in, login_session, open_server
from tests.support.postgres_under_test import tenant_session
from tests.support.provision_requests import new_provision_request, with_extensions
from tests.support.servers import (
    BUNDLED_MAJOR,
    programs_for_version,
    ram_folder,
)

TRUSTED = ["citext", "hstore", "ltree", "pg_trgm", "unaccent", "vector"]

OWNER = "SELECT extowner::regrole::text FROM pg_extension WHERE extname = 'vector'"


@asynccontextmanager
async def new_tenant(
    provider: PostgresProvider,
) -> AsyncIterator[tuple[Connection, asyncpg.Connection]]:
    async with (
        provisioned_database(provider, new_provision_request()) as connection,
        tenant_session(connection) as session,
    ):
        yield connection, session


@pytest.mark.parametrize("name", TRUSTED)
async def test_a_tenant_creates_and_owns_an_extension(
    bundled_18: PostgresProvider, name: str
) -> None:
    async with new_tenant(bundled_18) as (connection, session):
        await session.execute(f"CREATE EXTENSION {name}")
        owner = "SELECT extowner::regrole::text FROM pg_extension WHERE extname = $1"
        assert await session.fetchval(owner, name) == connection.user


async def test_a_tenant_can_create_exactly_the_listed_extensions(
    bundled_18: PostgresProvider,
) -> None:
    names = [extension.name for extension in await bundled_18.extensions()]
    async with new_tenant(bundled_18) as (_, session):
        for name in names:
            await session.execute(f'CREATE EXTENSION IF NOT EXISTS "{name}"')
    assert set(TRUSTED) <= set(names)


@pytest.mark.parametrize("name", ["dblink", "file_fdw", "pageinspect", "postgres_fdw"])
async def test_extensions_with_access_beyond_the_database_are_refused(
    bundled_18: PostgresProvider, name: str
) -> None:
    assert name not in [extension.name for extension in await bundled_18.extensions()]
    async with new_tenant(bundled_18) as (_, session):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(f"CREATE EXTENSION {name}")


async def test_an_extension_is_installed_with_its_requirements() -> None:
    with ram_folder() as folder:
        async with open_server(folder) as provider:
            postgres = data_folder_in(folder) / FOLDER
            control = "default_version = '1.0'\ntrusted = true\nrequires = 'hstore'\n"
            (postgres / "needing.control").write_text(control)
            (postgres / "needing--1.0.sql").write_text("CREATE TABLE needing (pairs hstore);")
            for file in postgres.glob("needing*"):
                file.chmod(0o644)
            provision_request = new_provision_request()
            connection = await provider.provision(provision_request)
            await provider.install(with_extensions(provision_request, "needing"))
            async with login_session(connection) as session:
                found = await session.fetch("SELECT extname FROM pg_extension ORDER BY 1")
                assert [row["extname"] for row in found] == ["hstore", "needing", "plpgsql"]


async def test_vector_gets_its_shared_memory_before_tenants_do(folder: Path) -> None:
    async with (
        open_server(folder) as provider,
        open_session(provider.server.superuser or {}) as session,
    ):
        parts = await session.fetch("SELECT name FROM pg_shmem_allocations")
        assert "hnsw LWLock ids" in [part["name"] for part in parts]


async def test_vector_can_be_created_again_after_its_schema_was_dropped(
    bundled_18: PostgresProvider,
) -> None:
    provision_request = with_extensions(new_provision_request(), "vector")
    async with (
        provisioned_database(bundled_18, provision_request) as connection,
        tenant_session(connection) as session,
    ):
        await session.execute("DROP SCHEMA public CASCADE")
        await session.execute("CREATE SCHEMA public")
        await session.execute("CREATE EXTENSION vector")
        await session.execute("COMMENT ON EXTENSION vector IS 'our own'")
        assert await session.fetchval("SELECT '[1,2]'::vector <-> '[1,3]'") == 1


@pytest.mark.parametrize("options", [(), ("--clean",), ("--clean", "--if-exists", "--no-owner")])
async def test_a_dump_with_vector_restores_into_another_database(
    bundled_18: PostgresProvider, options: tuple[str, ...]
) -> None:
    async with (
        provisioned_database(
            bundled_18, with_extensions(new_provision_request(), "vector")
        ) as source,
        provisioned_database(
            bundled_18, with_extensions(new_provision_request(), "vector")
        ) as target,
    ):
        async with tenant_session(source) as session:
            await session.execute("COMMENT ON EXTENSION vector IS 'our own'")
            await session.execute("CREATE TABLE kept AS SELECT '[1,2,3]'::vector AS embedding")
        if "--clean" in options and "--if-exists" not in options:
            async with tenant_session(target) as session:
                await session.execute("CREATE TABLE kept (embedding vector)")
        dump = await _run_bundled(
            "pg_dump", *options, "--no-owner", "--no-acl", "--dbname", source.uri()
        )
        await _run_bundled("psql", "--set=ON_ERROR_STOP=1", "--no-psqlrc", target.uri(), stdin=dump)
        async with tenant_session(target) as session:
            assert await session.fetchval("SELECT embedding::text FROM kept") == "[1,2,3]"
            comment = "SELECT obj_description(oid) FROM pg_extension WHERE extname = 'vector'"
            assert await session.fetchval(comment) == "our own"


async def test_on_older_versions_the_superuser_installs_vector() -> None:
    with ram_folder() as folder:
        async with open_server(folder, major=16) as provider:
            provision_request = with_extensions(new_provision_request(), "vector")
            connection = await provider.provision(provision_request)
            async with login_session(connection) as session:
                assert await session.fetchval(OWNER) == "postgres"
            assert "vector" in [extension.name for extension in await provider.extensions()]


async def test_programs_without_vector_do_not_offer_it() -> None:
    with ram_folder() as folder:
        async with open_server(folder, major=15) as provider:
            has_vector = (await programs_for_version(15)).folder.parent / "lib/vector.so"
            names = [extension.name for extension in await provider.extensions()]
            assert ("vector" in names) == has_vector.exists()
            assert "pgcrypto" in names


async def test_a_link_in_place_of_the_control_files_is_not_followed(tmp_path: Path) -> None:
    with ram_folder() as folder:
        async with open_server(folder):
            pass
        control = data_folder_in(folder) / FOLDER
        for file in control.iterdir():
            file.unlink()
        control.rmdir()
        control.symlink_to(tmp_path)
        with pytest.raises(StartupError, match="cannot be used"):
            async with open_server(folder):
                pass
        assert os.listdir(tmp_path) == []


def test_a_control_file_differs_from_the_original_in_trust_and_path() -> None:
    original = "comment = 'x'\ntrusted = false\ndirectory = 'elsewhere'\nrelocatable = true\n"

    assert mark_as_trusted(original, "/it's/here").splitlines() == [
        "comment = 'x'",
        "relocatable = true",
        "trusted = true",
        "directory = '/it''s/here'",
    ]


async def _run_bundled(program: str, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run one of the bundled server's programs, and return its output."""
    path = (await programs_for_version(BUNDLED_MAJOR)).folder / program
    process = await asyncio.create_subprocess_exec(
        path,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(stdin)
    assert process.returncode == 0, errors.decode()
    return output
