"""What is handed out, pasted where it is meant to be pasted: it logs in."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.secret import Secret
from entrypoints.formats import FORMATS
from tests.support.command_line import Ran, program, ran
from tests.support.databases import vended
from tests.support.orders import new_order

ODD = Secret("""a'b"c $HOME $(id) `id` \\ \\' %41 # ; & = ? / @ : ~ !! {}""")
"""None of our passwords; a provider that chooses its own may have one with some of it."""

ASK = ("--no-password", "--no-psqlrc", "--tuples-only", "--no-align", "--command")
WHO = "SELECT current_database()"


@pytest.fixture(params=["usual", "odd"])
async def handed_out(
    request: pytest.FixtureRequest, bundled_18: PostgresProvider
) -> AsyncIterator[Connection]:
    order = new_order()
    if request.param == "odd":
        order = replace(order, password=ODD)
    async with vended(bundled_18, order) as connection:
        yield connection


async def test_psql_takes_the_uri(handed_out: Connection) -> None:
    uri = FORMATS["uri"].render(handed_out)

    logged_in(await ran(program("psql"), uri, *ASK, WHO), handed_out)


async def test_a_shell_takes_env(handed_out: Connection) -> None:
    env = FORMATS["env"].render(handed_out)

    logged_in(await in_shell(f"set -a\n{env}psql"), handed_out)
    logged_in(await in_shell(f'{env}psql "$DATABASE_URL"'), handed_out)


async def test_a_shell_takes_psql(handed_out: Connection) -> None:
    logged_in(await in_shell(FORMATS["psql"].render(handed_out)), handed_out)


async def test_a_container_takes_docker(handed_out: Connection) -> None:
    """Docker gives a program the lines of the file as its environment."""
    lines = FORMATS["docker"].render(handed_out).splitlines()
    environment = dict(line.split("=", maxsplit=1) for line in lines)

    logged_in(await ran(program("psql"), *ASK, WHO, **environment), handed_out)
    url = environment.pop("DATABASE_URL")
    logged_in(await ran(program("psql"), url, *ASK, WHO), handed_out)


async def in_shell(command: str) -> Ran:
    program("psql")
    return await ran("sh", "-ec", f'{command} "$@"', "sh", *ASK, WHO)


def logged_in(asked: Ran, connection: Connection) -> None:
    assert (asked.status, asked.stdout.strip()) == (0, connection.database), asked.stderr
