"""`pgvend delete`: several databases, labels, the question on a terminal, and the wait."""

import json
from typing import Any

import pytest

from tests.support.command_line import run_on_terminal
from tests.support.fake_service import RECORD, FakeService, fake_service

SECOND = RECORD | {"id": "db_2", "database": "shop", "nickname": "Shop"}
DELETING, DELETED = RECORD | {"state": "deleting"}, RECORD | {"state": "deleted"}
NOT_FOUND = {"code": "database_not_found", "detail": "No.", "request_id": "r"}


def build_page(*records: dict[str, Any]) -> dict[str, Any]:
    return {"databases": list(records), "next_page_token": ""}


def list_deletions(service: FakeService) -> list[str]:
    return [path for method, path, _ in service.requests if method == "DELETE"]


async def test_databases_are_found_first_and_deleted_by_their_ids_once_each() -> None:
    async with fake_service(RECORD, SECOND, RECORD, DELETING, DELETING) as service:
        result = await service.run_pgvend("delete", "Sales 2024", "shop", "db_1", "--json")
    assert json.loads(result.stdout) == {"ids": ["db_1", "db_2"]}
    methods = [method for method, _, _ in service.requests]
    assert methods == ["GET"] * 3 + ["DELETE"] * 2
    assert list_deletions(service) == ["/v1/databases/db_1", "/v1/databases/db_2"]


async def test_nothing_is_deleted_if_one_name_is_unknown() -> None:
    async with fake_service(NOT_FOUND, status=404) as service:
        result = await service.run_pgvend("delete", "..", "sales")
        assert (result.status, service.requests) == (3, [])
        result = await service.run_pgvend("delete", "sales", "shop")
    assert (result.status, list_deletions(service)) == (3, [])


async def test_databases_with_labels_are_deleted_by_one_request_with_their_count() -> None:
    page = build_page(RECORD, SECOND, DELETING | {"id": "db_3"})
    async with fake_service(page, {"ids": ["db_1", "db_2"]}) as service:
        result = await service.run_pgvend("delete", "--label", "class=a&b", "--label", "x=y")
    assert result.status == 0, result.stderr
    assert list_deletions(service) == ["/v1/databases?label=class%3Da%26b&label=x%3Dy&count=2"]
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ID", "db_1", "db_2"]


async def test_labels_without_a_database_are_not_found() -> None:
    async with fake_service(build_page()) as service:
        result = await service.run_pgvend("delete", "--label", "class=a")
    assert (result.status, list_deletions(service)) == (3, [])


@pytest.mark.parametrize("words", [(), ("sales", "--label", "a=b")])
async def test_names_or_labels_are_needed_and_not_both(words: tuple[str, ...]) -> None:
    async with fake_service() as service:
        result = await service.run_pgvend("delete", *words)
    assert (result.status, service.requests) == (2, [])


async def test_what_was_deleted_before_an_error_is_printed() -> None:
    async with fake_service(RECORD, SECOND, DELETING, b"") as service:
        result = await service.run_pgvend("delete", "sales", "shop", "--json")
    assert (result.status, json.loads(result.stdout)) == (6, {"ids": ["db_1"]})


@pytest.mark.parametrize("last", [DELETED, NOT_FOUND])
async def test_it_waits_until_the_database_is_deleted(last: dict[str, Any]) -> None:
    async with fake_service(RECORD, DELETING, DELETING, last) as service:
        service.statuses = {3: 404} if last is NOT_FOUND else {}
        result = await service.run_pgvend("delete", "sales", "--wait")
    assert (result.status, len(service.requests)) == (0, 4), result.stderr


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("y", 0)])
async def test_it_asks_on_a_terminal(answer: str, status: int) -> None:
    async with fake_service(RECORD, DELETING) as service:
        typed = f"{answer}\n"
        result = await run_on_terminal("delete", "sales", typed=typed, PGVEND_URL=service.url)
    assert result.status == status
    assert "Sales 2024" in result.stderr
    assert "Delete this database, with all data? [y/N]" in result.stderr
    assert len(list_deletions(service)) == (answer == "y")


async def test_an_interrupted_question_deletes_nothing() -> None:
    async with fake_service(RECORD) as service:
        result = await run_on_terminal(
            "delete", "sales", "--json", typed="\x04", PGVEND_URL=service.url
        )
    assert (result.status, list_deletions(service)) == (130, [])
    assert '"code": "interrupted"' in result.stderr


async def test_it_does_not_ask_with_yes() -> None:
    async with fake_service(RECORD, DELETING) as service:
        result = await run_on_terminal("delete", "sales", "--yes", PGVEND_URL=service.url)
    assert (result.status, result.stderr) == (0, "")
