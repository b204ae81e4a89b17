"""`pgvend list`: all pages, as a table."""

import json
from typing import Any

import pytest

from tests.support.fake_service import RECORD, fake_service

HEAD = "ID    STATE  DATABASE   EXPIRES_AT            NICKNAME"


def page(*databases: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {"databases": list(databases), "next_page_token": following}


def record(**changes: object) -> dict[str, Any]:
    return RECORD | changes


async def test_it_is_a_table_with_a_line_for_every_database() -> None:
    ending = record(id="db_2", expires_at="2026-02-03T04:05:06Z")
    async with fake_service(page(RECORD, ending)) as service:
        told = await service.pgvend("list")

    assert told.stdout.splitlines() == [
        HEAD,
        "db_1  ready  sales2024  -                     Sales 2024",
        "db_2  ready  sales2024  2026-02-03T04:05:06Z  Sales 2024",
    ]


async def test_all_pages_are_asked_for() -> None:
    pages = [page(record(id="db_3"), following="a+b"), page(record(id="db_2"))]
    async with fake_service(*pages) as service:
        told = await service.pgvend("list", "--json")

    assert [found["id"] for found in json.loads(told.stdout)["databases"]] == ["db_3", "db_2"]
    assert "page_token=a%2Bb" in service.asked[1][1]


async def test_filters_are_passed_on() -> None:
    options = ("--state", "ready", "--state", "expired", "--label", "team=a&b")
    async with fake_service(page()) as service:
        await service.pgvend("list", *options)

    [(_, path, _)] = service.asked
    assert path.startswith("/v1/databases?state=ready&state=expired&label=team%3Da%26b&")


async def test_where_there_is_none_only_the_heads_are_printed() -> None:
    async with fake_service(page()) as service:
        told = await service.pgvend("list")

    assert (told.status, len(told.stdout.splitlines())) == (0, 1)


async def test_a_nickname_writes_nothing_but_a_name_into_the_terminal() -> None:
    odd = "safe\u202egpj.\u2066x\x1b[31m\n\t😀"
    async with fake_service(page(record(nickname=odd))) as service:
        told = await service.pgvend("list")

    assert told.stdout.endswith("  safe\\u202egpj.\\u2066x\\x1b[31m\\n\\t😀\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
async def test_a_terminal_without_the_letters_gets_their_numbers(encoding: str) -> None:
    async with fake_service(page(record(nickname="a😀"))) as service:
        told = await service.pgvend("list", PYTHONIOENCODING=encoding)

    assert told.stdout.endswith("a\\U0001f600\n"), told.stderr
