"""`pgvend serve` over the bundled PostgreSQL, as one finds it."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from tests.support.command_line import program, ran
from tests.support.orders import unique_name
from tests.support.servers import ram_folder
from tests.support.service import RunningService, running_service


async def test_it_says_where_it_is_and_what_it_stands_on(service: RunningService) -> None:
    output = service.output()

    assert f"pgvend serves {service.url}\n" in output
    assert "  provider     embedded\n" in output
    assert f"  data folder  {service.data_dir.resolve()}\n" in output
    assert f"  records      {service.data_dir.resolve() / 'registry.sqlite3'}\n" in output


async def test_the_line_to_try_works_when_pasted(service: RunningService) -> None:
    program("curl")
    pasted = (await service.wrote(r"try +(curl .*)\n"))[1]

    shell = await ran("bash", "-c", f"{pasted} --silent --show-error --fail")

    assert shell.status == 0, shell.stderr
    session = await asyncpg.connect(json.loads(shell.stdout)["connection"]["uri"])
    try:
        assert await session.fetchval("SELECT 1") == 1
    finally:
        await session.close()


async def test_psql_logs_in_with_what_the_original_route_hands_out(service: RunningService) -> None:
    body = {"project": {"name": unique_name("Sales Data")}}
    handed_out = await _posted(service, "/api/create-neon-db", body)
    sql = (
        "CREATE TABLE t (n int); SELECT pg_get_userbyid(datdba) FROM pg_database"
        " WHERE datname = current_database()"
    )

    psql = await _psql(handed_out, handed_out["database_owner_password"], sql)
    refused = await _psql(handed_out, "not-the-password", "SELECT 1")

    assert psql.stdout.split()[-1] == handed_out["database_owner"], psql.stderr
    assert refused.status != 0
    assert "password authentication failed" in refused.stderr


async def test_after_a_rotation_only_the_new_password_logs_in(service: RunningService) -> None:
    database = await _posted(service, "/v1/databases", {"nickname": unique_name()})
    rotated = await _posted(service, f"/v1/databases/{database['id']}/rotate", None)

    for uri, is_let_in in (
        (rotated["connection"]["uri"], True),
        (database["connection"]["uri"], False),
    ):
        psql = await ran(program("psql"), uri, "--no-password", "-c", "SELECT 1")
        assert (psql.status == 0) is is_let_in, psql.stderr


async def test_the_same_key_gets_the_same_database_after_another_start() -> None:
    order, key = {"nickname": "once"}, {"Idempotency-Key": "a key"}
    with ram_folder() as folder:
        async with running_service(folder / "data") as first:
            made = await _posted(first, "/v1/databases", order, key)
            assert await first.stop() == 0
        async with running_service(folder / "data") as second:
            assert await _posted(second, "/v1/databases", order, key) == made
            assert await second.stop() == 0


async def test_a_deleted_database_takes_no_more_logins(service: RunningService) -> None:
    database = await _posted(service, "/v1/databases", {"nickname": unique_name()})
    url = f"{service.url}/v1/databases/{database['id']}"
    async with aiohttp.ClientSession() as client:
        async with client.delete(url) as response:
            assert response.status == 202
        await service.wrote(rf'"id": "{database["id"]}".*"event": "database.retired"')

    psql = await ran(program("psql"), database["connection"]["uri"], "-c", "SELECT 1")
    assert psql.status != 0


async def test_nothing_secret_is_ever_written(service: RunningService) -> None:
    made = [
        (await _posted(service, "/v1/databases", {"nickname": unique_name()}))["connection"],
        await _posted(service, "/api/create-neon-db", {"project": {"name": unique_name()}}),
    ]
    passwords = [made[0]["password"], made[1]["database_owner_password"]]
    secrets = [*passwords, (service.data_dir / "secret").read_text().strip()]

    written = service.output() + (service.data_dir / "embedded" / "postgres.log").read_text()
    assert "database.ready" in written
    assert not [secret for secret in secrets if secret in written]


async def test_every_line_of_the_log_is_json(service: RunningService) -> None:
    await _posted(service, "/v1/databases", {"nickname": unique_name()})
    async with aiohttp.ClientSession() as client, client.get(f"{service.url}/no%0Awhere"):
        pass

    lines = service.output().splitlines()
    banner = [line for line in lines if line.startswith(("pgvend serves", "  "))]
    events = [json.loads(line) for line in lines if line not in banner]

    assert len(banner) == 5
    assert {"http.request", "provider.provision", "database.ready"} <= {
        event["event"] for event in events
    }
    assert all({"level", "timestamp"} <= event.keys() for event in events)


async def test_a_second_start_keeps_databases_and_credentials() -> None:
    with ram_folder() as folder:
        async with running_service(folder / "data") as first:
            uri = (await _posted(first, "/v1/databases", {"nickname": "kept"}))["connection"]["uri"]
            assert await first.stop() == 0
        async with running_service(folder / "data") as second:
            session = await asyncpg.connect(uri)
            try:
                assert await session.fetchval("SELECT current_database()") == "kept"
            finally:
                await session.close()
            assert await second.stop() == 0


async def test_in_memory_it_makes_no_folder_when_it_has_its_secret(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_service(folder, PGVEND_PROVIDER="memory", PGVEND_SECRET="s" * 32) as service:
        assert "  provider     memory\n" in service.output()
        for path, body in (
            ("/v1/databases", {"nickname": "n"}),
            ("/api/create-neon-db", {"project": {"name": "n"}}),
        ):
            assert await _posted(service, path, body)
        assert await service.stop() == 0

    assert not folder.exists()


async def _posted(
    service: RunningService, path: str, body: Any, headers: Mapping[str, str] | None = None
) -> Any:
    async with (
        aiohttp.ClientSession() as client,
        client.post(service.url + path, json=body, headers=headers or {}) as response,
    ):
        assert response.ok, await response.text()
        return await response.json()


async def _psql(handed_out: Any, password: str, sql: str) -> Any:
    command = shlex.join(
        [program("psql"), "--no-password", "--tuples-only", "--no-align", "--command", sql]
    )
    return await ran(
        "sh",
        "-c",
        command,
        PGHOST=handed_out["hostname"],
        PGPORT=str(handed_out["port"]),
        PGDATABASE=handed_out["database_name"],
        PGUSER=handed_out["database_owner"],
        PGPASSWORD=password,
    )
