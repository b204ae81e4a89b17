"""Creation of many databases by one command; a second run completes what was interrupted."""

import asyncio
import csv
import json
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from entrypoints.cli.bulk import AT_ONCE
from tests.support.apps import RunningApp, running_app
from tests.support.command_line import PGVEND, CommandResult, plain_environment, run_command
from tests.support.fake_service import RECORD_WITH_CONNECTION, fake_service
from tests.support.keyed_clients import KeyedApp
from tests.support.polling import wait_until
from tests.support.provider_faults import Gate


@pytest.fixture(autouse=True)
def no_log() -> Iterator[None]:
    """The commands run in this process, and the log must not be in their output."""
    with capture_logs():
        yield


CLASS = ("--label", "class=sql101", "--format", "csv")


async def test_a_class_gets_its_databases_as_csv(app: RunningApp, tmp_path: Path) -> None:
    file = tmp_path / "names"
    file.write_text("Änne\nBob, Jr.\n")

    result = await create(app, "--from", str(file), "--count", "10", "--prefix", "st", *CLASS)

    assert (result.status, result.stderr) == (0, "")
    rows = read_rows(result)
    assert [row["nickname"] for row in rows][:3] == ["Änne", "Bob, Jr.", "st_01"]
    assert len(rows) == 12
    assert all(map(app.accepts, map(to_connection, rows)))
    assert {record["labels"]["class"] for record in await app.list_live()} == {"sql101"}


async def test_a_second_run_leaves_what_exists_and_creates_the_rest(app: RunningApp) -> None:
    first = read_rows(await create(app, "a", "b", *CLASS))
    await app.ask("DELETE", f"/v1/databases/{first[0]['id']}")
    await app.wait_for_state(first[0]["id"], "deleted")

    second = read_rows(await create(app, "a", "b", "c", *CLASS))

    assert [row["nickname"] for row in second] == ["a", "b", "c"]
    assert second[1] == first[1]
    assert second[0]["id"] != first[0]["id"]
    assert len(await app.list_live()) == 3


async def test_the_default_output_is_a_table_and_json_has_the_records(app: RunningApp) -> None:
    table = (await create(app, "a", "b")).stdout.splitlines()
    answer = json.loads((await create(app, "a", "b", "--json")).stdout)
    databases = answer["databases"]
    assert [line.split() for line in table] == [
        ["NICKNAME", "URI"],
        *([each["nickname"], each["connection"]["uri"]] for each in databases),
    ]


async def test_errors_of_some_names_leave_the_others(app: RunningApp) -> None:
    result = await create(app, "a", "!?", "b", "--format", "csv")

    assert result.status == 2
    assert [row["nickname"] for row in read_rows(result)] == ["a", "b"]
    refused, summary = result.stderr.splitlines()
    assert refused.startswith("pgvend: !?: The nickname needs a letter or a digit")
    assert summary.startswith("pgvend: 2 of 3 databases exist")


async def test_a_quota_ends_the_run(guarded: KeyedApp) -> None:
    client = await guarded.create_client("web", quota=2)
    names = [f"n{number}" for number in range(4 * AT_ONCE)]

    result = await run_command(
        "create", *names, PGVEND_URL=address_of(guarded.app), PGVEND_KEY=client.key
    )

    assert result.status == 5
    assert len(await client.list_databases()) == 2
    assert result.stderr.count("quota") < len(names) - 2


async def test_a_key_that_may_only_create_gets_its_databases_again(guarded: KeyedApp) -> None:
    client = await guarded.create_client("web", ["create"])
    run = partial(
        run_command, "create", "a", "b", PGVEND_URL=address_of(guarded.app), PGVEND_KEY=client.key
    )
    first, second = await run(), await run()
    assert (first.status, first.stderr) == (0, "")
    assert second.stdout == first.stdout


@pytest.mark.parametrize("option", ["--env", "--format=k8s-secret"])
async def test_formats_of_one_database_are_refused_before_any_request(option: str) -> None:
    async with fake_service() as service:
        result = await service.run_pgvend("create", "a", "b", option)
    assert (result.status, service.requests) == (2, [])
    assert "--format csv" in result.stderr


async def test_an_admin_does_not_get_the_databases_of_others(guarded: KeyedApp) -> None:
    client = await guarded.create_client("web")
    other = await client.create_database("a")

    run = partial(
        run_command,
        *("create", "a", "b", "--format", "csv"),
        PGVEND_URL=address_of(guarded.app),
        PGVEND_KEY=guarded.admin.key,
    )
    first, second = read_rows(await run()), read_rows(await run())

    assert first == second
    assert other["id"] not in {row["id"] for row in first}


async def test_reuse_restores_and_changes_what_exists(app: RunningApp) -> None:
    reuse = ("--reuse", "--ttl", "1h", "--format", "csv")
    first = read_rows(await create(app, "a", "b", *reuse))
    app.clock.passed += 1800
    second = read_rows(await create(app, "a", "b", "c", "--label", "x=y", *reuse))

    assert [row["id"] for row in second[:2]] == [row["id"] for row in first]
    assert second[0]["expires_at"] > first[0]["expires_at"]
    assert [record["labels"] for record in await app.list_live()] == [{"x": "y"}] * 3


async def test_reuse_sends_one_request_for_each_name() -> None:
    async with fake_service(*[RECORD_WITH_CONNECTION] * 3) as service:
        one = await service.run_pgvend("create", "a", "--reuse")
        many = await service.run_pgvend("create", "a", "b", "--reuse")
    assert (one.status, many.status) == (0, 0)
    bodies = [body for _, _, body in service.requests]
    assert all(body.pop("on_conflict") == "reuse" for body in bodies)
    assert sorted(body["nickname"] for body in bodies) == ["a", "a", "b"]


async def test_one_database_can_be_printed_as_csv(app: RunningApp) -> None:
    [row] = read_rows(await create(app, "a", "--format", "csv"))
    assert app.accepts(to_connection(row))


async def test_ctrl_c_finishes_what_runs_and_prints_what_exists() -> None:
    async with held_run("--format", "csv") as (app, gate, process):
        process.send_signal(signal.SIGINT)
        assert process.stderr
        await process.stderr.readuntil(b"finishing")
        gate.open()
        stdout, stderr = await process.communicate()

        assert process.returncode == 130
        rows = read_rows(CommandResult(130, stdout.decode(), ""))
        assert [row["nickname"] for row in rows] == NAMES[:BEGUN]
        assert f"{BEGUN} of {len(NAMES)} databases exist".encode() in stderr
        assert len(await app.list_live()) == BEGUN


async def test_a_second_ctrl_c_ends_the_command_at_once() -> None:
    async with held_run("--format", "csv") as (_, _, process):
        process.send_signal(signal.SIGINT)
        assert process.stderr
        await process.stderr.readuntil(b"finishing")
        process.send_signal(signal.SIGINT)
        stdout, _ = await process.communicate()
        assert process.returncode == 130
        rows = read_rows(CommandResult(130, stdout.decode(), ""))
        assert len(rows) == COMPLETE


async def test_a_run_after_one_that_was_killed_creates_nothing_twice() -> None:
    async with held_run() as (app, gate, process):
        process.kill()
        await process.wait()
        await wait_until(app.is_disconnected)
        gate.open()
        result = await create(app, *NAMES, "--format", "csv")

        assert (result.status, result.stderr) == (0, "")
        assert {row["id"] for row in read_rows(result)} == {
            record["id"] for record in await app.list_live()
        }
        assert len(await app.list_live()) == len(NAMES)


NAMES = [f"n{number}" for number in range(2 * AT_ONCE)]
COMPLETE = 3
BEGUN = COMPLETE + AT_ONCE


@asynccontextmanager
async def held_run(
    *options: str,
) -> AsyncIterator[tuple[RunningApp, Gate, asyncio.subprocess.Process]]:
    """Start a command that creates NAMES, and hold it when COMPLETE of them exist and AT_ONCE are
    being provisioned."""
    gate, reached = Gate("before provision"), []

    async def hold(moment: str) -> None:
        reached.append(moment)
        if reached.count("before provision") > COMPLETE:
            await gate(moment)

    async with running_app(MemoryProvider(fault_hook=hold)) as app:
        process = await asyncio.create_subprocess_exec(
            *(*PGVEND, "create", *NAMES, *options),
            cwd="/",
            env=plain_environment(PGVEND_URL=address_of(app)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:

            async def are_held() -> bool:
                return reached.count("before provision") == BEGUN

            await wait_until(are_held)
            yield app, gate, process
        finally:
            gate.open()
            if process.returncode is None:
                process.kill()
                await process.wait()


async def create(app: RunningApp, *arguments: str) -> CommandResult:
    return await run_command("create", *arguments, PGVEND_URL=address_of(app))


def address_of(app: RunningApp) -> str:
    return f"http://127.0.0.1:{app.port}"


def read_rows(result: CommandResult) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(result.stdout)))


def to_connection(row: Mapping[str, str]) -> dict[str, Any]:
    return {**row, "port": int(row["port"])}
