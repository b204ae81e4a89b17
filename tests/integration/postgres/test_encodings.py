"""New databases are UTF8 on servers whose default is another encoding."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.embedded.programs import Programs
from tests.support.command_line import program, ran
from tests.support.databases import vended
from tests.support.doctor import OK, WARN, create_postgres_checks, outcomes, run
from tests.support.postgres_under_test import operated, tenant
from tests.support.provision_requests import new_order
from tests.support.servers import OperatorsServer, programs_of, ram_folder, server_by

LATIN1 = "de_DE.iso88591"

SQL_ASCII = ("--encoding=SQL_ASCII", "--locale=C")

KINDS = {
    "an SQL_ASCII server": (15, SQL_ASCII),
    "an SQL_ASCII server of today": (18, SQL_ASCII),
    "a LATIN1 server": (15, ("--encoding=LATIN1", f"--locale={LATIN1}")),
    "an SQL_ASCII server of a LATIN1 locale": (
        15,
        ("--encoding=SQL_ASCII", f"--locale={LATIN1}", "--lc-messages=C"),
    ),
    "a LATIN1 server of today": (18, ("--encoding=LATIN1", f"--locale={LATIN1}")),
    "a LATIN1 server that sorts by ICU": (
        15,
        ("--encoding=LATIN1", f"--locale={LATIN1}", "--locale-provider=icu", "--icu-locale=de"),
    ),
}
DISALLOWING = {name for name, (_, options) in KINDS.items() if f"--locale={LATIN1}" in options}


@asynccontextmanager
async def with_latin1(major: int) -> AsyncIterator[Programs]:
    """Programs of that version, with a locale that this machine does not have."""
    programs = await programs_of(major)
    with ram_folder() as folder:
        folder.chmod(0o755)
        made = await ran(
            program("localedef"), "-i", "de_DE", "-f", "ISO-8859-1", str(folder / LATIN1)
        )
        assert made.status == 0, made.stderr
        yield replace(programs, folder=await asyncio.to_thread(_wrapped, programs.folder, folder))


def _wrapped(programs: Path, folder: Path) -> Path:
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
        with_latin1(major) as programs,
        server_by(programs, major, options, {}) as server,
    ):
        yield server


async def test_new_databases_are_utf8_and_the_doctor_reports_their_collation(
    server: OperatorsServer, kind: str
) -> None:
    async with operated(server) as place, vended(place.provider, new_order()) as connection:
        async with tenant(connection) as owner:
            assert await owner.fetchval("SHOW server_encoding") == "UTF8"
            assert await owner.fetchval("SELECT length('日本語ä')") == 4
            assert await owner.fetchval("SELECT chr(26085)") == "日"
            if kind in DISALLOWING and server.major >= 17:
                assert await owner.fetchval("SELECT upper('ä')") == "Ä"
            if "ICU" in kind:
                assert await owner.fetchval("SELECT 'ä' < 'b'")
        told = (await outcomes(create_postgres_checks(server)))["encoding"]

    assert told.verdict is (WARN if kind in DISALLOWING else OK)


async def test_the_doctor_reports_databases_that_are_not_utf8() -> None:
    order = new_order()
    names = order.tenant.names
    async with (
        server_by(await programs_of(15), 15, SQL_ASCII, {}) as server,
        operated(server) as place,
        vended(place.provider, order),
    ):
        await run(
            server,
            f'DROP DATABASE "{names.database}"',
            f'CREATE DATABASE "{names.database}" OWNER "{names.owner}"',
        )
        told = (await outcomes(create_postgres_checks(server)))["encoding"]

    assert told.verdict is WARN
    assert names.database in told.detail
    assert "pg_dump" in told.detail
