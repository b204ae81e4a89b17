"""Data of an earlier release or of another version, and programs other than the bundled ones."""

from functools import partial
from pathlib import Path

import asyncpg
import pytest

from adapters.embedded.programs import load_programs
from adapters.postgres.sessions import open_session
from domain.connection import Connection
from domain.errors import StartupError
from domain.postgres_versions import FIXED_IN, parse_version
from tests.support.embedded_servers import (
    Events,
    data_folder_in,
    login_session,
    open_server,
    read_notes,
    write_note,
)
from tests.support.legacy_clients import create_by_legacy_route
from tests.support.provision_requests import new_provision_request
from tests.support.servers import (
    BUNDLED_MAJOR,
    find_former_programs,
    programs_for_version,
    ram_folder,
)
from tests.support.service import list_servers_in, running_service

FORMER_CONFIGURATION = "listen_addresses = '127.0.0.1'\nport = '1'\n"
"""The beginning of an earlier pgvend's postgresql.conf, which had none of initdb's settings."""


async def test_a_new_folder_gets_the_bundled_version() -> None:
    with ram_folder() as folder:
        async with open_server(folder):
            assert (data_folder_in(folder) / "PG_VERSION").read_text() == f"{BUNDLED_MAJOR}\n"


async def test_data_of_the_previous_wheel_opens_with_the_new_one() -> None:
    with ram_folder() as folder:
        former = await find_former_programs(BUNDLED_MAJOR)
        async with open_server(folder, programs=former) as provider:
            connection = await provider.provision(new_provision_request())
            await write_note(connection, "kept")
        (data_folder_in(folder) / "postgresql.conf").write_text(FORMER_CONFIGURATION)

        async with running_service(folder) as service:
            assert await read_notes(connection) == ["kept"]
            await write_note(await create_by_legacy_route(service.url, "New"), "works")


@pytest.mark.parametrize("major", [15, 16, 18])
async def test_new_databases_have_the_text_search_configuration_that_initdb_chose(
    major: int,
) -> None:
    with ram_folder() as folder:
        async with open_server(folder, major=major) as provider:
            connection = await provider.provision(new_provision_request())
            assert (
                await _show_setting(connection, "default_text_search_config")
                == "pg_catalog.english"
            )


@pytest.mark.parametrize("major", [16, 18])
async def test_data_whose_configuration_was_overwritten_gets_initdbs_configuration_back(
    major: int,
) -> None:
    with ram_folder() as folder:
        async with open_server(folder, major=major):
            pass
        written = (data_folder_in(folder) / "postgresql.conf").read_text()
        (data_folder_in(folder) / "postgresql.conf").write_text(FORMER_CONFIGURATION)

        async with open_server(folder, major=major) as provider:
            connection = await provider.provision(new_provision_request())
            assert (
                await _show_setting(connection, "default_text_search_config")
                == "pg_catalog.english"
            )
            assert await _show_setting(connection, "listen_addresses") == "127.0.0.1"
        assert (data_folder_in(folder) / "postgresql.conf").read_text() == written
        assert [each.name for each in data_folder_in(folder).parent.glob("data.new*")] == []


async def test_an_operators_settings_apply_unless_pgvend_sets_them() -> None:
    with ram_folder() as folder:
        async with open_server(folder):
            pass
        with (data_folder_in(folder) / "postgresql.conf").open("a") as file:
            file.write("work_mem = '7MB'\nlisten_addresses = '*'\n")
        (data_folder_in(folder) / "postgresql.auto.conf").write_text(
            "password_encryption = 'md5'\n"
        )

        async with open_server(folder) as provider:
            connection = await provider.provision(new_provision_request())
            assert await _show_setting(connection, "work_mem") == "7MB"
            assert await _show_setting(connection, "listen_addresses") == "127.0.0.1"
            assert await _show_setting(connection, "password_encryption") == "scram-sha-256"


async def test_alter_system_is_refused() -> None:
    with ram_folder() as folder:
        async with open_server(folder) as provider:
            login = provider.server.superuser
            assert login is not None
            async with open_session(login) as session:
                with pytest.raises(asyncpg.PostgresError, match="ALTER SYSTEM is not allowed"):
                    await session.execute("ALTER SYSTEM SET listen_addresses = '*'")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("16\n", "holds PostgreSQL 16, and the programs in .* are PostgreSQL 18"),
        ("12\n", "holds PostgreSQL 12"),
        ("99\n", "set PGVEND_EMBEDDED_PROGRAMS to the bin folder of a PostgreSQL 99, or dump"),
        ("9.6\n", "holds PostgreSQL '9.6'"),
        ("", "holds PostgreSQL ''"),
        ("¹⁸\n", "holds PostgreSQL '¹⁸'"),
    ],
)
async def test_data_that_the_programs_cannot_read_is_refused_and_kept(
    version: str, expected: str
) -> None:
    with ram_folder() as folder:
        data_folder_in(folder).mkdir(parents=True)
        (data_folder_in(folder) / "PG_VERSION").write_text(version)
        with pytest.raises(StartupError, match=expected):
            async with open_server(folder):
                pass
        assert [each.name for each in data_folder_in(folder).iterdir()] == ["PG_VERSION"]
        assert list_servers_in(folder) == []


async def test_a_service_works_with_the_programs_of_another_installation() -> None:
    programs = (await programs_for_version(15)).folder
    with ram_folder() as folder:
        running = partial(running_service, folder, PGVEND_EMBEDDED_PROGRAMS=str(programs))
        async with running() as service:
            connection = await create_by_legacy_route(service.url, "Other")
            await write_note(connection, "kept")
            assert (data_folder_in(folder) / "PG_VERSION").read_text() == "15\n"
            await service.kill()
        async with running():
            assert await read_notes(connection) == ["kept"]


async def test_extensions_and_icu_of_another_installation_are_available() -> None:
    with ram_folder() as folder:
        async with open_server(folder, major=15) as provider:
            connection = await provider.provision(new_provision_request())
            async with login_session(connection) as session:
                await session.execute("CREATE EXTENSION pgcrypto")
                await session.execute("CREATE COLLATION german (provider = icu, locale = 'de')")
                assert await session.fetchval("SELECT 'ä' < 'z' COLLATE german")


@pytest.mark.parametrize("kind", ["missing", "a folder without programs", "not a program"])
async def test_programs_that_do_not_run_are_refused_with_the_name_of_the_setting(
    tmp_path: Path, kind: str
) -> None:
    programs = tmp_path / "bin"
    if kind != "missing":
        programs.mkdir()
    if kind == "not a program":
        (programs / "postgres").write_text("")
        (programs / "postgres").chmod(0o755)
    with ram_folder() as folder:
        with pytest.raises(StartupError, match="PGVEND_EMBEDDED_PROGRAMS"):
            async with open_server(folder, programs=programs):
                pass
        assert not data_folder_in(folder).exists()


async def test_programs_of_an_unsupported_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"14\.2 in .* is too old: set PGVEND_EMBEDDED_PROGRAMS"):
        await load_programs(_write_program(tmp_path, "echo 'postgres (PostgreSQL) 14.2'"), None)


def _write_program(folder: Path, line: str) -> Path:
    program = folder / "postgres"
    program.write_text(f"#!/bin/sh\n{line}\n")
    program.chmod(0o755)
    return folder


async def test_the_log_reports_the_version_and_missing_security_fixes() -> None:
    with ram_folder() as folder:
        events = Events()
        async with open_server(
            folder, programs=await find_former_programs(BUNDLED_MAJOR), events=events
        ):
            pass
        assert [entry["version"] for entry in events.fields("postgres.started")] == ["18.4"]
        [warning] = events.fields("postgres.lacks_security_fixes")
        assert f"18.{FIXED_IN[18]}" in str(warning["detail"])


async def test_the_log_does_not_warn_about_a_version_with_all_fixes() -> None:
    """With Debian's PostgreSQL 15, in whichever minor version this machine has."""
    found = (await programs_for_version(15)).version
    with ram_folder() as folder:
        events = Events()
        async with open_server(folder, major=15, events=events):
            pass
        assert bool(events.fields("postgres.lacks_security_fixes")) == found.lacks_fixes
        assert parse_version(str(events.fields("postgres.started")[0]["version"])) == found


async def _show_setting(connection: Connection, name: str) -> object:
    async with login_session(connection) as session:
        return await session.fetchval("SELECT current_setting($1)", name)
