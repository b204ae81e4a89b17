"""`pgvend bench`: its requests, its table, and what it leaves behind."""

import json
from typing import Any

import pytest

from tests.support.fake_service import RECORD, RECORD_WITH_CONNECTION, fake_service

PAGE: dict[str, Any] = {"databases": [], "next_page_token": ""}
FULL = {"type": "about:blank", "code": "quota_reached", "detail": "No.", "request_id": "r"}


def created(number: int) -> dict[str, Any]:
    return RECORD_WITH_CONNECTION | {"id": f"db_{number}"}


def round_of(*numbers: int) -> list[dict[str, Any]]:
    """Return the answers to a turn of each request."""
    return [PAGE] * len(numbers) + [created(each) for each in numbers] + [RECORD] * len(numbers)


async def test_it_creates_databases_that_expire_and_deletes_them() -> None:
    async with fake_service(*round_of(1, 2)) as service:
        result = await service.run_pgvend("bench", "--count", "2", "--callers", "1")

    assert (result.status, result.stderr) == (0, "")
    body = {"nickname": "pgvend bench", "ttl": "1h"}
    assert service.requests == [
        *[("GET", "/v1/databases?page_size=1", None)] * 2,
        *[("POST", "/v1/databases", body)] * 2,
        *[("DELETE", f"/v1/databases/db_{number}", None) for number in (1, 2)],
    ]


async def test_the_requests_take_turns() -> None:
    async with fake_service(*round_of(1, 2), *round_of(3)) as service:
        await service.run_pgvend("bench", "--count", "3", "--callers", "1")
    methods = [method for method, _, _ in service.requests]
    assert methods == ["GET"] * 2 + ["POST"] * 2 + ["DELETE"] * 2 + ["GET", "POST", "DELETE"]


async def test_it_prints_counts_and_ratios_for_each_number_of_callers() -> None:
    answers = [*round_of(1, 2), *round_of(3, 4)]
    async with fake_service(*answers) as service:
        result = await service.run_pgvend("bench", "--count", "2", "--callers", "1,2", "--json")

    answer = json.loads(result.stdout)
    shown = [(row["request"], row["callers"], row["count"]) for row in answer["rows"]]
    requests = ("list", "create", "delete")
    assert shown == [(request, callers, 2) for callers in (1, 2) for request in requests]
    assert [row["times_list"] for row in answer["rows"] if row["request"] == "list"] == [1, 1]
    assert answer["client"].keys() == {"pgvend", "python", "machine"}
    assert answer["isolation"] == "none"


async def test_the_table_names_the_client() -> None:
    async with fake_service(*round_of(1, 2)) as service:
        result = await service.run_pgvend("bench", "--count", "2", "--callers", "1")
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["REQUEST", "CALLERS", "COUNT"]
    assert [line.split()[0] for line in lines[1:]] == ["list", "create", "delete", "Client:"]


async def test_after_a_failure_it_deletes_what_it_created() -> None:
    answers = [PAGE, PAGE, created(1), FULL, RECORD]
    async with fake_service(*answers) as service:
        result = await service.run_pgvend("bench", "--count", "2", "--callers", "1")

    assert (result.status, result.stdout) == (1, "")
    assert result.stderr == "pgvend: No. (request r)\n"
    assert service.requests[-1] == ("DELETE", "/v1/databases/db_1", None)


@pytest.mark.parametrize("callers", ["", "0", "65", "1,", "two", "1;8"])
async def test_numbers_of_callers_are_checked(callers: str) -> None:
    async with fake_service() as service:
        result = await service.run_pgvend("bench", "--callers", callers)
    assert (result.status, service.requests) == (1, [])
    assert result.stderr == "pgvend: Write --callers as numbers from 1 to 64, such as 1,8.\n"
