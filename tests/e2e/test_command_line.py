"""`pgvend create` against a real service."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.apps import running_app
from tests.support.command_line import PGVEND, Ran, pgvend, program, ran
from tests.support.orders import unique_name
from tests.support.service import RunningService


async def test_it_prints_a_uri_that_logs_in(service: RunningService) -> None:
    made = await _create(service, unique_name())

    assert made.status == 0, made.stderr
    uri = made.stdout.removesuffix("\n")
    session = await asyncpg.connect(uri)
    try:
        assert await session.fetchval("SELECT 1") == 1
    finally:
        await session.close()
    assert (await ran(program("psql"), uri, "--command", "SELECT 1")).status == 0


async def test_the_whole_answer_is_one_json(service: RunningService) -> None:
    nickname = unique_name()

    database = json.loads((await _create(service, nickname, "--json")).stdout)

    assert database["nickname"] == nickname
    assert database["connection"]["uri"].startswith("postgresql://")


async def test_a_shell_takes_the_environment_as_printed(service: RunningService) -> None:
    create = f'set -a; eval "$({" ".join(PGVEND)} create "$0" --env)"; '
    ask = f"{program('psql')} --no-password --tuples-only --command 'SELECT current_database()'"
    url = 'test "$DATABASE_URL" && psql "$DATABASE_URL" --command "SELECT 1" >/dev/null'

    shell = await ran(
        "sh", "-ec", f"{create} {url}; {ask}", unique_name("Env"), PGVEND_URL=service.url
    )

    assert shell.status == 0, shell.stderr
    assert shell.stdout.strip().startswith("env")


async def test_labels_and_a_time_to_live_are_passed_on(service: RunningService) -> None:
    options = ("--ttl", "2h", "--label", "team=a", "--label", "run=4711")

    database = json.loads((await _create(service, unique_name(), "--json", *options)).stdout)

    assert database["labels"] == {"team": "a", "run": "4711"}
    assert database["expires_at"]


@pytest.mark.parametrize("nickname", ["--help-me", "'; echo", "🚀 rocket", "$(id)"])
async def test_any_nickname_is_taken_as_it_is(service: RunningService, nickname: str) -> None:
    made = await _create(service, "--json", "--", nickname)

    assert json.loads(made.stdout)["nickname"] == nickname


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("!?",), "no letter and no digit"),
        (("n", "--ttl", "soon"), "'soon' is not a duration"),
        (("n", "--label", "team"), "key=value"),
        (("n", "--label", "=x"), "label ''"),
        (("n", "--extension", "no_such"), "no_such"),
    ],
)
async def test_a_refused_order_says_why(
    service: RunningService, arguments: tuple[str, ...], told: str
) -> None:
    _explained(await _create(service, *arguments), told)


async def test_without_a_nickname_it_says_how_it_is_used() -> None:
    refused = await pgvend("create")

    assert refused.status == 2
    assert "nickname" in refused.stderr.lower()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "localhost:8000", "nonsense", "", "http://no.such.invalid"]
)
async def test_where_no_service_is_it_says_so(url: str) -> None:
    _explained(await pgvend("create", "n", PGVEND_URL=url), "PGVEND_URL")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<h1>Welcome</h1>"),
        (404, "404: Not Found"),
        (404, '{"error": "not found"}'),
        (404, '{"detail": "Not Found"}'),
        (500, "null"),
        (201, ""),
        (201, "[]"),
        (201, '"created"'),
        (201, '{"connection": null}'),
        (201, '{"connection": {"uri": 1}}'),
        (201, '"\udcff"'),  # no UTF-8
    ],
)
async def test_something_else_that_answers_there_is_no_crash(status: int, body: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        raw = body.encode(errors="surrogateescape")
        return web.Response(status=status, body=raw, content_type="application/json")

    async with _something_else(answer) as url:
        _explained(await pgvend("create", "n", PGVEND_URL=url), "PGVEND_URL")


async def test_a_problem_names_the_request_to_look_for() -> None:
    async with running_app() as app:
        refused = await pgvend("create", "!?", PGVEND_URL=f"http://127.0.0.1:{app.port}/")

    _explained(refused, "(request ")


async def _create(service: RunningService, *arguments: str) -> Ran:
    return await pgvend("create", *arguments, PGVEND_URL=service.url)


def _explained(refused: Ran, told: str) -> None:
    assert refused.status == 1, refused
    assert refused.stdout == ""
    assert refused.stderr.startswith("pgvend: ")
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr


@asynccontextmanager
async def _something_else(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    site = web.Application()
    site.router.add_route("*", "/{anything:.*}", answer)
    async with TestServer(site) as server:
        yield str(server.make_url("/"))
