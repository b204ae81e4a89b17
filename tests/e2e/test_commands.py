"""What each command asks a service for, and what it prints of the answer."""

import json

import pytest

from entrypoints.formats import FORMATS
from tests.support.command_line import pgvend
from tests.support.fake_service import CONNECTION, HANDED_OUT, RECORD, VENDED, fake_service

FINDING = {"action": "retire", "id": "db_1", "database": "x", "outcome": "done", "detail": ""}

URI = CONNECTION["uri"] + "\n"


@pytest.mark.parametrize(
    ("command", "answer", "asked"),
    [
        (["show", "db_1"], RECORD, ("GET", "/v1/databases/db_1", None)),
        (["delete", "db_1"], RECORD, ("DELETE", "/v1/databases/db_1", None)),
        (["extend", "db_1", "24h"], RECORD, ("PATCH", "/v1/databases/db_1", {"ttl": "24h"})),
        (["rotate", "db_1"], VENDED, ("POST", "/v1/databases/db_1/rotate", None)),
        (["restore", "db_1"], VENDED, ("POST", "/v1/databases/db_1/restore", {})),
        (
            ["restore", "db_1", "--ttl", "7d"],
            VENDED,
            ("POST", "/v1/databases/db_1/restore", {"ttl": "7d"}),
        ),
        (["connection", "db_1"], CONNECTION, ("GET", "/v1/databases/db_1/connection", None)),
        (["sweep"], {"findings": [FINDING]}, ("POST", "/v1/sweep", {"dry_run": False})),
        (["sweep", "--dry-run"], {"findings": []}, ("POST", "/v1/sweep", {"dry_run": True})),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_a_command_asks_once_and_can_print_the_whole_answer(
    command: list[str], answer: object, asked: object
) -> None:
    async with fake_service(answer) as service:
        told = await service.pgvend(*command, "--json")

    assert told.status == 0, told.stderr
    assert json.loads(told.stdout) == answer
    assert service.asked == [asked]


async def test_a_key_is_shown_to_the_service() -> None:
    async with fake_service(RECORD) as service:
        await service.pgvend("show", "db_1", PGVEND_KEY="napi")

    assert service.headers[0]["Authorization"] == "Bearer napi"


@pytest.mark.parametrize("command", ["rotate", "restore"])
async def test_a_connection_is_printed_as_its_uri(command: str) -> None:
    async with fake_service(VENDED) as service:
        assert (await service.pgvend(command, "db_1")).stdout == URI


@pytest.mark.parametrize("name", ["json", "env", "k8s-secret"])
async def test_a_connection_is_printed_in_any_format_with_one_end(name: str) -> None:
    async with fake_service(CONNECTION) as service:
        told = await service.pgvend("connection", "db_1", "--format", name)

    assert told.stdout == FORMATS[name].render(HANDED_OUT).rstrip("\n") + "\n"


@pytest.mark.parametrize("command", ["create", "rotate", "restore", "connection"])
async def test_an_unknown_format_is_told_before_anything_is_asked(command: str) -> None:
    async with fake_service(VENDED) as service:
        refused = await service.pgvend(command, "db_1", "--format", "xml")

    assert (refused.status, service.asked) == (1, [])
    assert refused.stderr.startswith("pgvend: 'xml' is no format; there are json, uri, env")


async def test_a_record_is_shown_line_by_line() -> None:
    async with fake_service(RECORD) as service:
        lines = (await service.pgvend("show", "db_1")).stdout.splitlines()

    assert "nickname    Sales 2024" in lines
    assert "labels      team=a, run=1" in lines
    assert "expires_at  -" in lines
    assert "steps       provision done 2026-01-02T03:04:06Z" in lines
    assert "steps       retire failed 2026-01-02T03:04:07Z No luck." in lines


async def test_what_came_of_it_is_a_table() -> None:
    async with fake_service(
        {"findings": [FINDING, FINDING | {"id": "db_22", "detail": "a b"}]}
    ) as s:
        swept = await s.pgvend("sweep")

    assert swept.stdout.splitlines() == [
        "ACTION  ID     DATABASE  OUTCOME  DETAIL",
        "retire  db_1   x         done     -",
        "retire  db_22  x         done     a b",
    ]


@pytest.mark.parametrize("odd", ["..", "../../livez", "a/b", "?x=1", "#", "%2e", "é"])
async def test_an_odd_id_leads_nowhere_else(odd: str) -> None:
    async with fake_service({"detail": "No.", "request_id": "r"}, status=404) as service:
        refused = await service.pgvend("delete", "--", odd)

    assert refused.stderr == "pgvend: No. (request r)\n"
    [(_, path, _)] = service.asked
    assert path in {"/v1/", "/v1"} or path.count("/") == 3
    assert "?" not in path


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["connection", "x"],
        ["extend", "x", "1h"],
        ["rotate", "x"],
        ["delete", "x"],
        ["restore", "x"],
        ["sweep"],
    ],
    ids=" ".join,
)
async def test_what_is_no_answer_of_ours_is_told_in_one_line(command: list[str]) -> None:
    async with fake_service({"connection": {}, "findings": [1], "databases": [None]}) as service:
        refused = await service.pgvend(*command)

    assert (refused.status, refused.stdout) == (1, "")
    assert (
        refused.stderr == f"pgvend: What answers at {service.url} is no pgvend: set PGVEND_URL.\n"
    )


async def test_a_command_without_what_it_needs_says_how_it_is_used() -> None:
    refused = await pgvend("extend", "db_1")

    assert refused.status == 2
    assert "TTL" in refused.stderr
