"""The exit status of a command, and its error as JSON."""

import asyncio
import json
import signal
from typing import Any

import pytest

from tests.support.command_line import PATIENCE, PGVEND, plain_environment, run_command
from tests.support.fake_service import RECORD, fake_service


def build_problem(code: str, *, retryable: bool = False) -> dict[str, Any]:
    return {"code": code, "detail": "No.", "retryable": retryable, "request_id": "r"}


STATUSES = [
    (422, build_problem("invalid_request"), 2),
    (404, build_problem("database_not_found"), 3),
    (401, build_problem("key_refused"), 4),
    (403, build_problem("forbidden"), 4),
    (409, build_problem("ambiguous_name"), 5),
    (412, build_problem("precondition_failed"), 5),
    (429, build_problem("quota_reached"), 5),
    (429, build_problem("rate_limited", retryable=True), 7),
    (409, build_problem("in_flight", retryable=True), 7),
    (503, build_problem("provider_busy", retryable=True), 7),
    (502, build_problem("provider_rejected"), 1),
    (500, build_problem("internal_error"), 1),
]


@pytest.mark.parametrize(("http_status", "problem", "status"), STATUSES)
async def test_the_status_says_what_a_script_can_do(
    http_status: int, problem: dict[str, Any], status: int
) -> None:
    async with fake_service(problem, problem, status=http_status) as service:
        result = await service.run_pgvend("show", "db_1")
        as_json = await service.run_pgvend("show", "db_1", "--json")
    assert (result.status, result.stdout, result.stderr) == (
        status,
        "",
        "pgvend: No. (request r)\n",
    )
    assert (as_json.status, as_json.stdout) == (status, "")
    assert json.loads(as_json.stderr) == problem


async def test_a_missing_key_is_an_authentication_error() -> None:
    async with fake_service(build_problem("unauthenticated"), status=401) as service:
        result = await service.run_pgvend("list")
    assert (result.status, "set PGVEND_KEY" in result.stderr) == (4, True)


MISUSES = [
    *("create", "list --no-such", "no-such", "audit --limit x", "audit --limit 0", "list --url"),
    "audit --limit",
]


@pytest.mark.parametrize("command", MISUSES)
async def test_an_error_of_usage_is_json_on_request(command: str) -> None:
    text = await run_command(*command.split())
    as_json = await run_command(*command.split(), "--json")
    assert (text.status, as_json.status, as_json.stdout) == (2, 2, "")
    problem = json.loads(as_json.stderr)
    assert (problem["code"], bool(problem["detail"])) == ("usage", True)


async def test_json_after_two_hyphens_is_not_an_option() -> None:
    async with fake_service(build_problem("database_not_found"), status=404) as service:
        result = await service.run_pgvend("show", "--", "--json")
    assert result.stderr == "pgvend: No. (request r)\n"


async def test_an_interruption_has_its_own_status() -> None:
    asked = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        process = await asyncio.create_subprocess_exec(
            *(*PGVEND, "list"),
            cwd="/",
            env=plain_environment(PGVEND_URL=url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
            process.send_signal(signal.SIGINT)
            stdout, stderr = await process.communicate()
    assert (process.returncode, stdout, stderr) == (130, b"", b"")


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("command", [(), ("list",), ("keys",), ("keys", "create")])
async def test_help_is_printed(command: tuple[str, ...], option: str) -> None:
    result = await run_command(*command, option)
    assert (result.status, result.stderr) == (0, "")
    assert "Usage" in result.stdout


async def test_the_version_is_printed() -> None:
    result = await run_command("--version")
    assert (result.status, result.stdout.split()[0]) == (0, "pgvend")


@pytest.mark.parametrize("place", ["before", "after", "joined"])
async def test_the_address_and_the_key_are_options_in_any_place(place: str) -> None:
    async with fake_service(RECORD) as service:
        options = ["--url", service.url, "--key", "k"]
        if place == "joined":
            options = [f"--url={service.url}", "--key=k"]
        command = ["show", "db_1"]
        words = [*options, *command] if place == "before" else [*command, *options]
        result = await run_command(*words, PGVEND_URL="http://127.0.0.1:1", PGVEND_KEY="other")
    assert result.status == 0, result.stderr
    assert service.headers[0]["Authorization"] == "Bearer k"


@pytest.mark.parametrize("command", ["serve", "doctor", "health", "neon-emulator"])
async def test_a_command_without_a_service_refuses_an_address(command: str) -> None:
    result = await run_command("--url", "https://pgvend.example", command)
    assert result.status == 2
    assert "--url" in result.stderr
