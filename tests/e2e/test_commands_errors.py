"""Errors of commands: one line on stderr."""

from typing import Any

import pytest

from tests.support.command_line import run_command
from tests.support.fake_service import CONNECTION, RECORD_WITH_CONNECTION, fake_service


@pytest.mark.parametrize("odd", ["../../livez", "a/b", "?x=1", "#", "%2e", "é"])
async def test_an_invalid_id_does_not_change_the_path(odd: str) -> None:
    async with fake_service({"detail": "No.", "request_id": "r"}, status=404) as service:
        result = await service.run_pgvend("delete", "--", odd)
    assert result.stderr == "pgvend: No. (request r)\n"
    [(_, path, _)] = service.requests
    assert path in {"/v1/", "/v1"} or path.count("/") == 3
    assert "?" not in path


@pytest.mark.parametrize("command", ["create", "rotate", "restore", "connection"])
async def test_an_unknown_format_is_refused_before_any_request(command: str) -> None:
    async with fake_service(RECORD_WITH_CONNECTION) as service:
        result = await service.run_pgvend(command, "db_1", "--format", "xml")
    assert (result.status, service.requests) == (2, [])
    assert result.stderr.startswith("pgvend: 'xml' is not a format; use one of json, uri, env")


@pytest.mark.parametrize("form", ["env", "docker", "psql", "dotnet"])
async def test_a_name_with_a_line_break_is_not_written_to_a_file(form: str) -> None:
    connection = {**CONNECTION, "database": "web\nLD_PRELOAD=/tmp/own.so"}
    async with fake_service(connection) as service:
        result = await service.run_pgvend("connection", "db_1", "--format", form)

    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.startswith(f"pgvend: The format {form} cannot express the database 'web")
    assert result.stderr.count("\n") == 1


async def test_control_characters_of_an_error_are_escaped() -> None:
    async with fake_service(
        {"detail": "\x1b]0;a\x07\u202e", "request_id": "r"}, status=404
    ) as service:
        result = await service.run_pgvend("show", "db_1")

    assert result.stderr == r"pgvend: \x1b]0;a\x07\u202e (request r)" + "\n"


async def test_a_label_without_a_value_is_refused_before_any_request() -> None:
    async with fake_service(RECORD_WITH_CONNECTION) as service:
        result = await service.run_pgvend("create", "n", "--label", "team")
    assert (result.status, service.requests) == (2, [])
    assert result.stderr == "pgvend: Write a label as key=value, not 'team'.\n"


@pytest.mark.parametrize(("command", "missing"), [("create", "nickname"), ("extend db_1", "TTL")])
async def test_a_command_without_its_arguments_shows_its_usage(command: str, missing: str) -> None:
    result = await run_command(*command.split())
    assert result.status == 2
    assert missing in result.stderr


FOREIGN_JSON = {"connection": {}, "results": [1], "databases": [None], "something": "else"}

COMMANDS = (
    *("list", "connection x", "extend x 1h", "rotate x", "delete x", "restore x", "reconcile"),
    *("audit", "keys create", "keys list", "keys revoke x", "webhook create https://x.example"),
    *("webhook list", "webhook test x", "webhook rotate x", "webhook delete x"),
)

FOREIGN_ANSWERS: dict[str, tuple[str, int, Any]] = {
    **{command: (command, 200, FOREIGN_JSON) for command in COMMANDS},
    "a page": ("create n", 200, b"<h1>Welcome</h1>"),
    "a plain 404": ("create n", 404, b"404: Not Found"),
    "another JSON": ("create n", 404, {"error": "not found"}),
    "another detail": ("create n", 404, {"detail": "Not Found"}),
    "null": ("create n", 500, None),
    "nothing": ("create n", 201, b""),
    "a list": ("create n", 201, []),
    "a text": ("create n", 201, "created"),
    "no connection": ("create n", 201, {"connection": None}),
    "half a connection": ("create n", 201, {"connection": {"uri": 1}}),
    "no UTF-8": ("create n", 201, b'"\xff"'),
}


@pytest.mark.parametrize("name", FOREIGN_ANSWERS)
async def test_an_answer_of_another_service_is_reported_in_one_line(name: str) -> None:
    command, status, answer = FOREIGN_ANSWERS[name]
    async with fake_service(answer, status=status) as service:
        result = await service.run_pgvend(*command.split())

    assert (result.status, result.stdout) == (6, "")
    assert (
        result.stderr
        == f"pgvend: The server at {service.url} is not a pgvend service: set PGVEND_URL.\n"
    )


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1:1", 6),
        ("localhost:8000", 2),
        ("nonsense", 2),
        ("http://no.such.invalid", 2),
    ],
)
async def test_a_missing_service_is_reported(url: str, status: int) -> None:
    result = await run_command("create", "n", PGVEND_URL=url)
    assert (result.status, result.stdout) == (status, "")
    assert result.stderr.startswith("pgvend: ")
    assert "PGVEND_URL" in result.stderr
