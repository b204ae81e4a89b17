"""New databases are UTF8 on servers whose default is another encoding."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.embedded.programs import Programs
from tests.support.command_line import find_program, run_program
from tests.support.databases import provisioned_database
from tests.support.doctor import (
    OK,
    WARN,
    collect_outcomes,
    create_postgres_checks,
    run_as_superuser,
)
from tests.support.postgres_under_test import operators_under_test, tenant_session
from tests.support.provision_requests import new_provision_request
from tests.support.servers import (
    OperatorsServer,
    programs_for_version,
    ram_folder,
    server_with_programs,
)

LATIN1 = "de_DE.iso88591"

SQL_ASCII = ("--encoding=SQL_ASCII", "--locale=C")

KINDS = {
    "an SQL_ASCII server": (15, SQL_ASCII),
    "a newer SQL_ASCII server": (18, SQL_ASCII),
    "a LATIN1 server": (15, ("--encoding=LATIN1", f"--locale={LATIN1}")),
    "an SQL_ASCII server with a LATIN1 locale": (
        15,
        ("--encoding=SQL_ASCII", f"--locale={LATIN1}", "--lc-messages=C"),
    ),
    "a newer LATIN1 server": (18, ("--encoding=LATIN1", f"--locale={LATIN1}")),
    "a LATIN1 server that sorts by ICU": (
        15,
        ("--encoding=LATIN1", f"--locale={LATIN1}", "--locale-provider=icu", "--icu-locale=de"),
    ),
}
WITHOUT_UTF8_LOCALE = {
    name for name, (_, options) in KINDS.items() if f"--locale={LATIN1}" in options
}


@asynccontextmanager
async def programs_with_latin1(major: int) -> AsyncIterator[Programs]:
    """Yield the programs of that version, with a locale that this machine does not have."""
    programs = await programs_for_version(major)
    with ram_folder() as folder:
        folder.chmod(0o755)
        result = await run_program(
            find_program("localedef"), "-i", "de_DE", "-f", "ISO-8859-1", str(folder / LATIN1)
        )
        assert result.status == 0, result.stderr
        yield replace(
            programs, folder=await asyncio.to_thread(_wrap_programs, programs.folder, folder)
        )


def _wrap_programs(programs: Path, folder: Path) -> Path:
    for name in ("initdb", "postgres"):
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\nLOCPATH={folder} exec {programs / name} "$@"\n')
        wrapper.chmod(0o755)
    return folder


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def server(kind: str) -> AsyncIterator[OperatorsServer]:
    major, options = KINDS[kind]
    async with (
        programs_with_latin1(major) as programs,
        server_with_programs(programs, major, options, {}) as server,
    ):
        yield server


async def test_new_databases_are_utf8_and_the_doctor_reports_their_collation(
    server: OperatorsServer, kind: str
) -> None:
    async with (
        operators_under_test(server) as postgres,
        provisioned_database(postgres.provider, new_provision_request()) as connection,
    ):
        async with tenant_session(connection) as owner:
            assert await owner.fetchval("SHOW server_encoding") == "UTF8"
            assert await owner.fetchval("SELECT length('日本語ä')") == 4
            assert await owner.fetchval("SELECT chr(26085)") == "日"
            if kind in WITHOUT_UTF8_LOCALE and server.major >= 17:
                assert await owner.fetchval("SELECT upper('ä')") == "Ä"
            if "ICU" in kind:
                assert await owner.fetchval("SELECT 'ä' < 'b'")
        finding = (await collect_outcomes(create_postgres_checks(server)))["encoding"]

    assert finding.verdict is (WARN if kind in WITHOUT_UTF8_LOCALE else OK)


async def test_the_doctor_reports_databases_that_are_not_utf8() -> None:
    provision_request = new_provision_request()
    names = provision_request.tenant.names
    async with (
        server_with_programs(await programs_for_version(15), 15, SQL_ASCII, {}) as server,
        operators_under_test(server) as postgres,
        provisioned_database(postgres.provider, provision_request),
    ):
        await run_as_superuser(
            server,
            f'DROP DATABASE "{names.database}"',
            f'CREATE DATABASE "{names.database}" OWNER "{names.owner}"',
        )
        finding = (await collect_outcomes(create_postgres_checks(server)))["encoding"]

    assert finding.verdict is WARN
    assert names.database in finding.detail
    assert "pg_dump" in finding.detail
