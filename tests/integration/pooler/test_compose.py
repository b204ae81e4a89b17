"""What the Compose file mounts into its services prepares a server, a pooler and pgvend that work
together."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.command_line import find_program, run_pgvend, run_program
from tests.support.compose import DEPLOY, make_secrets, read_compose, read_environment
from tests.support.keyed_clients import bearer
from tests.support.pgbouncer import find_new_pgbouncer, running_pgbouncer
from tests.support.servers import (
    OperatorsServer,
    find_free_port,
    operators_server,
    ram_folder,
)
from tests.support.service import running_service
from tests.support.service_client import create_database, query_owner


@pytest.fixture
async def server() -> AsyncIterator[OperatorsServer]:
    """A server for this test alone, whose roles it creates."""
    async with operators_server(18) as running:
        yield running


async def test_a_database_of_pgvend_works_through_the_pooler(
    server: OperatorsServer, tmp_path: Path
) -> None:
    secrets = make_secrets(tmp_path)
    await _prepare(server, secrets)
    environment = _with_address(server, read_environment(secrets, VERIFY_LOGIN="on"))
    async with _pooler(server, secrets) as port:
        environment["PGVEND_PUBLIC_PORT"] = str(port)
        async with running_service(tmp_path / "data", **environment) as service:
            key = environment["PGVEND_ADMIN_KEY"]
            database = await create_database(service, **bearer(key))
            owner = await query_owner(database)
            assert await service.stop() == 0
        doctor = await run_pgvend("doctor", PGVEND_DATA_DIR=str(tmp_path / "data"), **environment)

    assert database["connection"]["port"] == port
    assert owner == database["owner"]
    assert doctor.status == 0, doctor.stdout
    assert "superusers" not in _list_warnings(doctor.stdout)
    assert "pg_hba.conf" not in _list_warnings(doctor.stdout)


async def _prepare(server: OperatorsServer, secrets: Path) -> None:
    """Run the scripts of the server's first start, in their order."""
    volumes = [each.split(":") for each in read_compose()["services"]["postgres"]["volumes"]]
    scripts = sorted((volume[1], DEPLOY / volume[0]) for volume in volumes if len(volume) == 3)
    for _, script in scripts:
        psql = await run_program(
            *(find_program("psql"), "--no-psqlrc", "--set=ON_ERROR_STOP=1", server.superuser_dsn),
            stdin=script.read_text().replace("/run/secrets", str(secrets)),
        )
        assert psql.status == 0, psql.stderr


@asynccontextmanager
async def _pooler(server: OperatorsServer, secrets: Path) -> AsyncIterator[int]:
    """Run PgBouncer with the files that Compose mounts, and yield its port."""
    command = await asyncio.to_thread(find_new_pgbouncer)
    port = find_free_port()
    addresses = {
        "/etc/pgbouncer": "{folder}",
        "host=postgres port=5432": f"host=127.0.0.1 port={server.port}",
        "listen_addr = *": "listen_addr = 127.0.0.1",
        "listen_port = 6432": f"listen_port = {port}",
    }
    with ram_folder() as folder:
        folder.chmod(0o711)
        shutil.copy(secrets / "userlist.txt", folder)
        for volume in read_compose()["services"]["pooler"]["volumes"]:
            source, target, _ = volume.split(":")
            text = (DEPLOY / source).read_text()
            for old, new in addresses.items():
                text = text.replace(old, new.format(folder=folder))
            (folder / Path(target).name).write_text(text)
        async with running_pgbouncer(command, folder / "pgbouncer.ini"):
            yield port


def _with_address(server: OperatorsServer, environment: dict[str, str]) -> dict[str, str]:
    address = f"127.0.0.1:{server.port}"
    return {name: value.replace("postgres:5432", address) for name, value in environment.items()}


def _list_warnings(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if not line.startswith("ok"))
